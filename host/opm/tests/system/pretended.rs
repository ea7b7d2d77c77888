//! Package managers that say one thing and do another: scripts in a root, under names that a plugin starts there.

use std::fs;

use opkg_oda::{Key, PackageId, RunId, Stage};
use opkg_opm::effects::{Effects, Report};
use opkg_opm::machine::{Outcome, Work};
use opkg_opm::system::Repository;

use crate::bench::{Bench, DEMO, IMAGE, OTHER};

/// A root with these programs, for all of what a package manager does and for what it tells.
fn pretend(does: &str, tells: &str) -> Bench {
    let bench = Bench::new();
    let root = bench.root(IMAGE);
    fs::write(root.0.join("etc/os-release"), "ID=debian\nVERSION_ID=\"12\"\n").unwrap();
    for (name, script) in [("apt-get", does), ("dpkg", "exit 0"), ("dpkg-query", tells)] {
        let path = root.0.join("usr/bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    bench
}

fn install(bench: &Bench, packages: &[PackageId]) -> Report {
    let work = Work::Install { target: IMAGE, stage: Stage::InstallBinPkgs, packages: packages.to_vec() };
    bench.system().perform(&bench.cluster, &work, RunId(1))
}

fn remove(bench: &Bench) -> Report {
    let work = Work::Remove { key: Key { target: IMAGE, package: DEMO }, to: Stage::ShouldBeInstalled };
    bench.system().perform(&bench.cluster, &work, RunId(1))
}

/// What the plugin reads, for packages that carry their scripts.
fn told(names: &[&str]) -> String {
    let lines: Vec<String> =
        names.iter().map(|it| format!("echo '{it}\t1.0-1\tall\tinstalled\tpostinst'")).collect();
    lines.join("\n")
}

#[test]
fn success_without_a_package_is_none() {
    let bench = pretend("exit 0", &told(&["opkg-demo-client"]));
    let Outcome::Partly(failed) = install(&bench, &[DEMO, OTHER]).outcome else { panic!() };
    let reasons: Vec<_> = failed.iter().map(|(id, reason)| (*id, reason.as_str())).collect();
    let reason = "opkg-other-client is not installed, although its installation was said to have succeeded";
    assert_eq!(reasons, [(OTHER, reason)]);
}

#[test]
fn a_failure_is_one_although_the_packages_are_there() {
    let bench = pretend("echo 'E: half of it'; exit 100", &told(&["opkg-demo-client"]));
    let report = install(&bench, &[DEMO]);
    let Outcome::Together(reason) = &report.outcome else { panic!("{report:?}") };
    // Reading the package sources failed in the same way.
    let said = "apt-get ended with exit status 100: E: half of it";
    assert_eq!(*reason, format!("{said} (the package sources could not be read: {said})"));
    assert_eq!(report.exit_code, Some(100));
}

#[test]
fn what_is_still_there_is_not_removed() {
    let bench = pretend("exit 0", &told(&["opkg-demo-client"]));
    let Outcome::Failed(reason) = remove(&bench).outcome else { panic!() };
    assert_eq!(
        reason,
        "opkg-demo-client is still installed, although the removal was said to have succeeded"
    );
}

#[test]
fn a_removal_takes_nothing_else_along() {
    let tells = format!(
        "if [ -e /gone ]; then exit 1; fi\n{}",
        told(&["opkg-demo-client", "opkg-other-client", "sh"])
    );
    let bench = pretend("touch /gone", &tells);
    let Outcome::Failed(reason) = remove(&bench).outcome else { panic!() };
    assert_eq!(
        reason,
        "the removal took opkg-other-client as well, which needed it: `opm audit` shows what is missing now"
    );
}

#[test]
fn what_is_not_there_needs_no_removal() {
    let bench = pretend("touch /ran", "exit 1");
    assert_eq!(remove(&bench).outcome, Outcome::Done);
    assert!(!bench.root(IMAGE).0.join("ran").exists());
}

#[test]
fn sources_are_read_once_in_a_run() {
    let bench = pretend("echo $2 $3 >> /calls", &told(&["opkg-demo-client"]));
    let work = |stage| Work::Install { target: IMAGE, stage, packages: vec![DEMO] };
    let mut system = bench.system();
    for run in [1, 1, 2] {
        system.perform(&bench.cluster, &work(Stage::InstallBinPkgs), RunId(run));
    }
    let confirm = Work::Confirm { target: IMAGE, packages: vec![DEMO] };
    assert_eq!(system.perform(&bench.cluster, &confirm, RunId(3)).outcome, Outcome::Present([DEMO].into()));
    let calls = bench.root(IMAGE).read("/calls");
    assert_eq!(calls.lines().filter(|it| it.starts_with("update")).count(), 2, "{calls}");
}

#[test]
fn nonsense_is_not_understood() {
    let bench = pretend("exit 0", "echo gibberish");
    let Outcome::Together(reason) = install(&bench, &[DEMO]).outcome else { panic!() };
    assert!(reason.contains("gibberish"), "{reason}");
    let bench = pretend("exit 0", "printf '\\377\\n'");
    let Outcome::Together(reason) = install(&bench, &[DEMO]).outcome else { panic!() };
    assert_eq!(reason, "dpkg-query printed something that is not UTF-8");
}

#[test]
fn files_for_a_command_are_there_while_it_runs() {
    let mut bench = pretend("cat /etc/apt/sources.list.d/opkg-* >> /seen", &told(&["opkg-demo-client"]));
    bench.config.repositories.push(Repository {
        location: "https://example.org/packages".into(),
        unauthenticated: false,
        targets: vec!["image:compute".parse().unwrap()],
    });
    let before = bench.root(IMAGE).entries();
    assert_eq!(install(&bench, &[DEMO]).outcome, Outcome::Done);
    assert!(bench.root(IMAGE).read("/seen").contains("URIs: https://example.org/packages\n"));
    fs::remove_file(bench.root(IMAGE).0.join("seen")).unwrap();
    assert_eq!(bench.root(IMAGE).entries(), before);
}
