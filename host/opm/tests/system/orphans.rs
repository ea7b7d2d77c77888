use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use opkg_engine::effects::Effects;
use opkg_oda::RunId;
use opkg_tests::tools;

use crate::fixture::Fixture;

/// A shell in a session of its own, with the environment of a run.
fn orphan_command(fixture: &Fixture, run: i64, duty: &str) -> Command {
    let mut command = Command::new("setsid");
    command.arg("/bin/sh").env("OPM_RUN_ID", run.to_string()).env("OPM_DATABASE", fixture.database());
    command.env("OPM_DUTY", duty).stdin(Stdio::null());
    command
}

/// A process as a run would have left it.
fn spawn_orphan(fixture: &Fixture, run: i64, duty: &str, commands: &str) -> Child {
    let words = ["-c", "OPM_SESSION=$$ exec sh -c \"$0\"", commands];
    orphan_command(fixture, run, duty).args(words).spawn().unwrap()
}

fn wait_for(path: &Path) {
    let start = Instant::now();
    while !path.exists() {
        assert!(start.elapsed() < Duration::from_secs(20), "{}", path.display());
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn hooks_of_a_dead_run_are_killed_and_no_others() {
    let fixture = Fixture::new();
    let ready = fixture.path().join("ready");
    let script =
        format!("trap '' TERM; (sleep 100 & wait) & touch {}; while :; do sleep 0.1; done", ready.display());
    let mut hook = spawn_orphan(&fixture, 7, "script", &script);
    let mut other_run = spawn_orphan(&fixture, 8, "script", "exec sleep 100");
    let other = Fixture::new();
    let mut other_database = spawn_orphan(&other, 7, "script", "exec sleep 100");
    let daemon = fixture.path().join("daemon");
    let mut starter = spawn_orphan(
        &fixture,
        7,
        "script",
        &format!("setsid sh -c 'echo $$ > {0}.new; mv {0}.new {0}; exec sleep 100' &", daemon.display()),
    );
    wait_for(&ready);
    wait_for(&daemon);
    starter.wait().unwrap();
    let said = fixture.system().clean_up(RunId(7));
    assert!(said.len() == 1 && said[0].starts_with("killed `sh` (process "), "{said:?}");
    assert!(!hook.wait().unwrap().success());
    assert!(fixture.system().clean_up(RunId(7)).is_empty());
    for child in [&mut other_run, &mut other_database] {
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let daemon = fs::read_to_string(daemon).unwrap();
    assert!(Path::new("/proc").join(daemon.trim()).exists(), "a daemon belongs to the system");
    let daemon = rustix::process::Pid::from_raw(daemon.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(daemon, rustix::process::Signal::KILL).unwrap();
}

/// The launcher is called by the path that it is started by, and stays where a hook is confined.
#[test]
fn hooks_are_named_and_not_their_launchers() {
    let fixture = Fixture::new();
    let (launcher, ready) = (fixture.path().join("exe"), fixture.path().join("ready"));
    opkg_tests::process::run_successfully(Command::new("install").args(["/bin/sh"]).arg(&launcher));
    let hook = format!("touch {}; exec sleep 100", ready.display());
    let commands = format!("exec {} -c \"sh -c '{hook}'; :\"", launcher.display());
    let mut hook = spawn_orphan(&fixture, 7, "script", &commands);
    wait_for(&ready);
    thread::sleep(Duration::from_millis(100));
    let said = fixture.system().clean_up(RunId(7));
    assert!(said.len() == 1 && said[0].starts_with("killed `sleep` (process "), "{said:?}");
    hook.wait().unwrap();
}

/// The name of the file that marks a directory, empty as where its process was killed at once.
const MARK: &str = ".opkg-scratch";

#[test]
fn the_directory_of_a_killed_hook_goes_when_its_run_is_taken_up() {
    let fixture = Fixture::new();
    let directory = tempfile::Builder::new().prefix("opm-hook-").tempdir_in("/tmp").unwrap().keep();
    fs::write(directory.join(MARK), "").unwrap();
    fs::write(directory.join("nodes"), "node1\n").unwrap();
    assert!(fixture.system().clean_up(RunId(7)).is_empty());
    assert!(!directory.exists());
}

#[test]
fn a_package_manager_of_a_dead_run_is_waited_for() {
    let mut fixture = Fixture::new();
    let (done, at_work) = (fixture.path().join("done"), fixture.path().join("at-work"));
    let mut manager = spawn_orphan(
        &fixture,
        7,
        "package-manager",
        &format!("trap 'exit 1' TERM; touch {}; sleep 1; touch {}", at_work.display(), done.display()),
    );
    wait_for(&at_work);
    // Reaped by whoever inherits it, in the real case.
    let reaper = thread::spawn(move || manager.wait().unwrap());
    let said = fixture.system().clean_up(RunId(7));
    assert!(done.exists());
    assert!(reaper.join().unwrap().success());
    assert!(said.len() == 1 && said[0].starts_with("waited for `sh` (process "), "{said:?}");

    fixture.config.limits.package_manager = Duration::from_millis(300);
    fs::remove_file(&at_work).unwrap();
    let commands = format!("touch {}; exec sleep 100", at_work.display());
    let mut manager = spawn_orphan(&fixture, 7, "package-manager", &commands);
    wait_for(&at_work);
    let said = fixture.system().clean_up(RunId(7));
    assert!(said[1].starts_with("still running: `"), "{said:?}");
    assert!(manager.try_wait().unwrap().is_none());
    manager.kill().unwrap();
    manager.wait().unwrap();
}

/// Somebody else may write whatever they like into the environment of their processes.
#[test]
fn a_foreign_process_is_left_alone_whatever_it_says() {
    if !tools::is_root() || !tools::all_installed(&["setpriv", "setsid"]) {
        return;
    }
    let fixture = Fixture::new();
    let ready = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(ready.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let ready = ready.path().join("ready");
    for duty in ["script", "package-manager"] {
        let script = format!("touch {}; exec sleep 100", ready.display());
        let other_user = "exec setpriv --reuid=65534 --regid=65534 --clear-groups /bin/sh -c \"$0\"";
        let words = ["-c".to_owned(), format!("OPM_SESSION=$$; export OPM_SESSION; {other_user}"), script];
        let mut foreign = orphan_command(&fixture, 7, duty).args(words).spawn().unwrap();
        wait_for(&ready);
        assert!(fixture.system().clean_up(RunId(7)).is_empty(), "{duty}");
        assert!(foreign.try_wait().unwrap().is_none(), "{duty}");
        foreign.kill().unwrap();
        foreign.wait().unwrap();
        fs::remove_file(&ready).unwrap();
    }
}
