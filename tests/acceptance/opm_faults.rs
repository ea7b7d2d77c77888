//! `opm` as a process among others: a second one on the same database, signals, and a disk that fills up.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use fs_err as fs;
use opkg_tests::{opm, process};

use crate::cluster_fixture::{ClusterFixture, is_supported, write_executable};

/// Tells that it is at work, and stays there until it may end.
const SLOW_HOOK: &str = "#!/bin/sh\ntouch /hooks/at-work\nwhile [ ! -e /hooks/go ]; do sleep 0.05; done\n";

fn install_hook(site: &ClusterFixture, package: &str, name: &str, text: &str) {
    let home = site.0.join("head/usr/lib/oscar/packages").join(package);
    fs::create_dir_all(&home).unwrap();
    write_executable(&home.join(name), text);
}

fn wait_for(file: &Path) {
    let until = Instant::now() + Duration::from_secs(60);
    while !file.exists() {
        assert!(Instant::now() < until, "{} does not come", file.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A run that has come to its slow hook.
fn start_blocked_run(site: &ClusterFixture) -> Child {
    let _ = fs::remove_file(site.0.join("head/hooks/at-work"));
    let mut command = site.command(&["run"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&site.0.join("head/hooks/at-work"));
    child
}

/// Waits until a run says that it stops.
fn wait_for_stop_message(run: &mut Child) {
    let lines = BufReader::new(run.stderr.take().unwrap()).lines();
    let (sender, heard) = mpsc::channel();
    // It may go on talking.
    std::thread::spawn(move || {
        let said =
            lines.map_while(Result::ok).filter(|line| line.contains("stopping after the current step"));
        said.for_each(|_| sender.send(()).unwrap_or_default());
    });
    heard.recv_timeout(Duration::from_secs(120)).expect("it says that it stops");
}

#[test]
fn of_two_engines_one_works_and_no_lock_outlives_a_kill() {
    if !is_supported() {
        return;
    }
    let site = ClusterFixture::new();
    install_hook(&site, "demo", "api-post-configure", SLOW_HOOK);
    let mut first = start_blocked_run(&site);
    let second = process::run(&mut site.command(&["run"]));
    assert_eq!(second.code, Some(75), "{}", second.combined_output());
    assert!(
        second.combined_output().contains(&format!("process {}", first.id())),
        "{}",
        second.combined_output()
    );
    assert!(site.opm(&["status"]).contains("demo"), "looking needs no lock");

    first.kill().unwrap();
    first.wait().unwrap();
    // The hook that the dead engine left is ended first: the next one would otherwise run beside it.
    let mut third = start_blocked_run(&site);
    fs::write(site.0.join("head/hooks/go"), "").unwrap();
    assert_eq!(third.wait().unwrap().code(), Some(0));
    let status: serde_json::Value = serde_json::from_str(&site.opm(&["status", "--format", "json"])).unwrap();
    assert!(status.to_string().contains("finished"), "{status}");
}

#[test]
fn a_run_that_is_asked_to_stop_ends_after_its_step_and_at_once_when_asked_again() {
    if !is_supported() {
        return;
    }
    let site = ClusterFixture::new();
    install_hook(&site, "demo", "api-post-configure", SLOW_HOOK);
    let terminate = |child: &Child| {
        process::run_successfully(Command::new("kill").arg(child.id().to_string()));
    };
    let mut twice = start_blocked_run(&site);
    terminate(&twice);
    wait_for_stop_message(&mut twice);
    assert!(twice.try_wait().unwrap().is_none(), "it waits for its hook");
    terminate(&twice);
    let ended = twice.wait().unwrap();
    assert_eq!(ended.code(), Some(130), "{ended}");

    let mut once = start_blocked_run(&site);
    terminate(&once);
    wait_for_stop_message(&mut once);
    fs::write(site.0.join("head/hooks/go"), "").unwrap();
    assert_eq!(once.wait().unwrap().code(), Some(130));
    let events = site.opm(&["log", "--package", "demo"]);
    assert!(!events.contains("post-image"), "the next stage began:\n{events}");
    site.opm(&["run", "--quiet"]);
    assert!(site.opm(&["log", "--package", "demo"]).contains("post-image"));
}

/// All of the site on a small disk that a hook fills: whatever cannot be written is said, what is committed stays,
/// and with room again the rest is done.
#[test]
fn a_hook_that_fills_the_disk() {
    if !is_supported() {
        return;
    }
    let site = ClusterFixture::new();
    install_hook(&site, "demo", "api-post-configure", "#!/bin/sh\ncat /dev/zero > /hooks/ballast\n");
    let script = r#"
        mkdir "$SITE/log" && mount -t tmpfs -o size=1m none "$SITE/log" || exit 9
        mkdir "$SITE/log/db" "$SITE/log/hooks"
        mount --bind "$SITE/log/hooks" "$SITE/head/hooks" || exit 9
        cp "$SITE/oda.db" "$SITE/log/db/" && export OPM_DATABASE="$SITE/log/db/oda.db"
        "$OPM" run; echo "first: $?"
        rm "$SITE/head/hooks/ballast"
        printf '#!/bin/sh\nexit 0\n' > "$SITE/head/usr/lib/oscar/packages/demo/api-post-configure"
        "$OPM" run --retry; echo "second: $?"
        "$OPM" status --format json > "$SITE/status"
    "#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script]).env("SITE", &site.0).env("OPM", opm::program());
    for (name, value) in site.command(&[]).get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    let ended = process::run(&mut command);
    let output = ended.combined_output();
    assert!(output.contains("No space left on device") || output.contains("disk is full"), "{output}");
    assert!(output.contains("first: 1") || output.contains("first: 3"), "{output}");
    assert!(output.contains("second: 0"), "{output}");
    let status = fs::read_to_string(site.0.join("status")).unwrap();
    assert!(status.contains("finished") && !status.contains("error\""), "{status}");
}
