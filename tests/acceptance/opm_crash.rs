//! `opm` is killed at every point where it writes or does something, then run again: nothing is lost, nothing is
//! skipped, no hook runs twice at the same time, and in the end all is as if nothing had happened.
//!
//! The package manager is a pretended one, of shell scripts in the roots: hundreds of runs are needed, and what is
//! tested is the engine.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fs_err as fs;
use opkg_tests::{opm, parallel, process, scratch, tools};

const ROOTS: [&str; 3] = ["head", "compute", "node1"];

const PROGRAMS: [(&str, &str); 3] = [
    ("dpkg", "exit 0"),
    (
        "apt-get",
        r#"verb=
for word in "$@"; do
  case $verb in
    install) touch "/db/$word" ;;
    purge) rm -f "/db/$word" ;;
    *) case $word in install | purge | update) verb=$word ;; esac ;;
  esac
done"#,
    ),
    (
        "dpkg-query",
        r#"status=0
shift 2
for name in "$@"; do
  if [ -e "/db/$name" ]; then printf '%s\t1.0-1\tall\tinstalled\tpostinst\n' "$name"; else status=1; fi
done
exit $status"#,
    ),
];

/// Tells when it begins and ends, and whether another one of its name is still at work.
const HOOK: &str = r#"#!/bin/sh
name=${0##*/}
other=$(cat "/hooks/$name.process" 2> /dev/null)
if [ -n "$other" ] && grep -q "$name" "/proc/$other/cmdline" 2> /dev/null; then
  echo "$name" >> /hooks/overlap
fi
echo $$ > "/hooks/$name.process"
echo "begin $name $*" >> /hooks/log
sleep 0.02
echo "end $name" >> /hooks/log
rm -f "/hooks/$name.process"
"#;

/// A head node, an image and a client, with a package that has every hook, requested up to the last stage.
struct Site(PathBuf);

impl Site {
    fn new() -> Self {
        let site = Self(scratch::directory("site"));
        for name in ROOTS {
            site.lay_root(name);
        }
        fs::create_dir(site.0.join("settings")).unwrap();
        let log = format!("log_directory = \"{}\"\n[limits]\ngrace = \"1s\"\n", site.0.join("log").display());
        fs::write(site.0.join("settings/opm.toml"), log).unwrap();
        let home = site.0.join("head/usr/lib/oscar/packages/demo");
        fs::create_dir_all(&home).unwrap();
        for hook in [
            "api-pre-configure",
            "api-post-configure",
            "api-post-image",
            "api-post-clientdef",
            "api-post-deploy",
        ] {
            program(&home.join(hook), HOOK);
        }
        let root = |name: &str| site.0.join(name).display().to_string();
        site.opm(&["init", "--name", "head", "--root", &root("head")]);
        site.opm(&["target", "add", "image:compute", "--root", &root("compute")]);
        site.opm(&["target", "add", "client:node1", "--root", &root("node1")]);
        site.opm(&["phase", "set", "test_install"]);
        site.opm(&["request", "demo"]);
        site
    }

    fn lay_root(&self, name: &str) {
        let root = self.0.join(name);
        for directory in ["bin", "usr/bin", "etc", "db", "hooks", "dev", "proc", "tmp", "run", "sys", "root"]
        {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        fs::write(root.join("etc/os-release"), "ID=debian\nVERSION_ID=\"12\"\n").unwrap();
        let busybox = tools::find("busybox").unwrap();
        fs::copy(busybox, root.join("bin/busybox")).unwrap();
        for applet in ["sh", "touch", "rm", "cat", "grep", "sleep", "echo", "printf"] {
            fs_err::os::unix::fs::symlink("busybox", root.join("bin").join(applet)).unwrap();
        }
        for (name, script) in PROGRAMS {
            program(&root.join("usr/bin").join(name), &format!("#!/bin/sh\n{script}\n"));
        }
    }

    /// The program, on this site.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = opm::command();
        command.args(arguments);
        command.env("OPM_DATABASE", self.0.join("oda.db"));
        command.env("OPM_CONF", self.0.join("opm.conf"));
        command.env("OPM_SETTINGS", self.0.join("settings"));
        command.stdin(Stdio::null());
        command
    }

    fn opm(&self, arguments: &[&str]) -> String {
        process::succeed(&mut self.command(arguments))
    }

    /// Runs to the end, and dies at the point on the way if it is reached. The answer is whether it died.
    fn run_until(&self, point: &str) -> bool {
        let mut command = self.command(&["run", "--quiet"]);
        let ended = process::run(command.env("OPM_CRASH_AT", point));
        assert!(matches!(ended.code, None | Some(0)), "{point}: {}", ended.output());
        ended.code.is_none()
    }

    /// The points that a run passes, in their order.
    fn trace(&self) -> Vec<String> {
        let file = self.0.join("trace");
        process::succeed(self.command(&["run", "--quiet"]).env("OPM_CRASH_TRACE", &file));
        let text = fs::read_to_string(&file).unwrap();
        fs::remove_file(file).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Everything that must be the same whatever happened on the way.
    fn outcome(&self) -> Outcome {
        let status: serde_json::Value =
            serde_json::from_str(&self.opm(&["status", "--format", "json"])).unwrap();
        let log = self.0.join("head/hooks/log");
        let hooks = fs::read_to_string(log).unwrap_or_default();
        let ended = hooks.lines().filter(|it| it.starts_with("end")).map(str::to_owned).collect();
        let installed = ROOTS.map(|root| {
            let entries = fs::read_dir(self.0.join(root).join("db")).unwrap();
            entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
        });
        Outcome { export: self.opm(&["export"]), rows: rows(&status), ended, installed }
    }

    fn overlapped(&self) -> Option<String> {
        fs::read_to_string(self.0.join("head/hooks/overlap")).ok()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    export: String,
    rows: Vec<String>,
    /// The hooks that came to their end, however often.
    ended: BTreeSet<String>,
    installed: [BTreeSet<String>; 3],
}

/// Of the status, what is no time and no count: strings only, in their order.
fn rows(status: &serde_json::Value) -> Vec<String> {
    match status {
        serde_json::Value::Object(fields) => {
            let timeless = fields
                .iter()
                .filter(|(name, _)| !["changed", "run", "log", "attempts"].contains(&name.as_str()));
            timeless
                .flat_map(|(name, value)| rows(value).into_iter().map(move |it| format!("{name}.{it}")))
                .collect()
        }
        serde_json::Value::Array(values) => values.iter().flat_map(rows).collect(),
        other => vec![other.to_string()],
    }
}

fn program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Of every point the first time, one in the middle and the last time that it is passed.
fn chosen(trace: &[String]) -> Vec<String> {
    let names: BTreeSet<&String> = trace.iter().collect();
    let mut chosen = Vec::new();
    for name in names {
        let count = trace.iter().filter(|it| *it == name).count();
        chosen.extend(BTreeSet::from([1, count.div_ceil(2), count]).iter().map(|it| format!("{name}:{it}")));
    }
    chosen
}

fn possible() -> bool {
    tools::root() && tools::available(&["busybox"])
}

/// Kills one site's run at every chosen point, runs it again, and compares with one that was left alone.
fn matrix(prepare: impl Fn(&Site) + Sync) {
    let undisturbed = Site::new();
    prepare(&undisturbed);
    let trace = undisturbed.trace();
    let expected = undisturbed.outcome();
    let points = chosen(&trace);
    assert!(points.len() > 20, "{trace:?}");
    parallel::map(&points, |point| {
        let site = Site::new();
        prepare(&site);
        assert!(site.run_until(point), "{point} was not reached");
        site.opm(&["run", "--quiet"]);
        let outcome = site.outcome();
        let strip = |text: &str| text.replace(&*site.0.to_string_lossy(), "SITE");
        let plain = |text: &str| text.replace(&*undisturbed.0.to_string_lossy(), "SITE");
        assert_eq!(strip(&outcome.export), plain(&expected.export), "after {point}");
        assert_eq!(
            outcome.rows.iter().map(|it| strip(it)).collect::<Vec<_>>(),
            expected.rows.iter().map(|it| plain(it)).collect::<Vec<_>>(),
            "after {point}"
        );
        assert_eq!(outcome.ended, expected.ended, "after {point}");
        assert_eq!(outcome.installed, expected.installed, "after {point}");
        assert_eq!(site.overlapped(), None, "after {point}");
        let again = site.0.join("again");
        process::succeed(site.command(&["run", "--quiet"]).env("OPM_CRASH_TRACE", &again));
        assert!(!again.exists(), "after {point} a run with nothing to do wrote something");
    });
}

#[test]
fn killed_at_every_point_on_the_way_to_finished() {
    if possible() {
        matrix(|_| {});
    }
}

#[test]
fn killed_at_every_point_of_a_removal() {
    if possible() {
        matrix(|site| {
            site.opm(&["run", "--quiet"]);
            site.opm(&["remove", "demo"]);
        });
    }
}

/// `$OPM_SOAK` says how many kills; the moments are those that the machine makes of a fixed row of delays.
#[test]
fn killed_at_any_time_again_and_again() {
    if !possible() {
        return;
    }
    let kills: u64 = std::env::var("OPM_SOAK").map_or(30, |it| it.parse().unwrap());
    let undisturbed = Site::new();
    undisturbed.opm(&["run", "--quiet"]);
    let expected = undisturbed.outcome();
    let mut site = Site::new();
    let mut delay = 0x5eed_u64;
    for kill in 0..kills {
        delay = delay.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut child = site.command(&["run", "--quiet"]).spawn().unwrap();
        let until = Instant::now() + Duration::from_millis((delay >> 33) % 400);
        while Instant::now() < until && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = child.kill();
        let status = child.wait().unwrap();
        assert!(matches!(status.code(), None | Some(0)), "kill {kill}: {status}");
        if status.success() {
            compare(&site, &expected, kill);
            site = Site::new();
        }
    }
    site.opm(&["run", "--quiet"]);
    compare(&site, &expected, kills);
}

fn compare(site: &Site, expected: &Outcome, kill: u64) {
    let outcome = site.outcome();
    assert_eq!(outcome.ended, expected.ended, "kill {kill}");
    assert_eq!(outcome.installed, expected.installed, "kill {kill}");
    assert_eq!(site.overlapped(), None, "kill {kill}");
}
