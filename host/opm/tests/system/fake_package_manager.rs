//! Package managers that say one thing and do another: scripts in a root, under names that a plugin starts there.

use std::fs;

use opkg_engine::effects::{Effects, Report};
use opkg_engine::machine::{Install, InstallOutcome, Remove, VerifyInherited};
use opkg_oda::{PackageId, RunId, Stage, StateKey};
use opkg_opm::Repository;

use crate::fixture::{
    DEMO, Fixture, IMAGE, OTHER, StepReport, assert_installed, failure_reason, package_failures,
    transaction_error,
};

/// A root with these programs, for all of what a package manager does and for what it tells.
fn fixture_with_fakes(does: &str, tells: &str) -> Fixture {
    let fixture = Fixture::new();
    let root = fixture.root(IMAGE);
    fs::write(root.0.join("etc/os-release"), "ID=debian\nVERSION_ID=\"12\"\n").unwrap();
    for (name, script) in [("apt-get", does), ("dpkg", "exit 0"), ("dpkg-query", tells)] {
        let path = root.0.join("usr/bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    fixture
}

fn install_step(packages: &[PackageId]) -> Install {
    Install { target: IMAGE, stage: Stage::InstallBinPkgs, packages: packages.to_vec() }
}

fn install(fixture: &Fixture, packages: &[PackageId]) -> Report<InstallOutcome> {
    fixture.system().install(&fixture.cluster, &install_step(packages), RunId(1))
}

fn remove(fixture: &Fixture) -> StepReport {
    let key = StateKey { target: IMAGE, package: DEMO };
    let step = Remove { key, down_to: Stage::ShouldBeInstalled };
    fixture.system().remove(&fixture.cluster, &step, RunId(1))
}

/// What the plugin reads, for packages that carry their scripts.
fn query_output_script(names: &[&str]) -> String {
    let lines: Vec<String> =
        names.iter().map(|it| format!("echo '{it}\t1.0-1\tall\tinstalled\tpostinst'")).collect();
    lines.join("\n")
}

#[test]
fn success_without_a_package_is_none() {
    let fixture = fixture_with_fakes("exit 0", &query_output_script(&["opkg-demo-client"]));
    let report = install(&fixture, &[DEMO, OTHER]);
    let reasons: Vec<_> =
        package_failures(&report).iter().map(|(id, reason)| (*id, reason.as_str())).collect();
    let reason = "opkg-other-client is not installed, although its installation was said to have succeeded";
    assert_eq!(reasons, [(OTHER, reason)]);
}

#[test]
fn a_failure_is_one_although_the_packages_are_there() {
    let fixture =
        fixture_with_fakes("echo 'E: half of it'; exit 100", &query_output_script(&["opkg-demo-client"]));
    let report = install(&fixture, &[DEMO]);
    let reason = transaction_error(&report);
    // Reading the package sources failed in the same way.
    let said = "apt-get ended with exit status 100: E: half of it";
    assert_eq!(reason, format!("{said} (the package sources could not be read: {said})"));
    assert_eq!(report.trace.exit_code, Some(100));
}

#[test]
fn what_is_still_there_is_not_removed() {
    let fixture = fixture_with_fakes("exit 0", &query_output_script(&["opkg-demo-client"]));
    assert_eq!(
        failure_reason(&remove(&fixture)),
        "opkg-demo-client is still installed, although the removal was said to have succeeded"
    );
}

#[test]
fn a_removal_takes_nothing_else_along() {
    let tells = format!(
        "if [ -e /gone ]; then exit 1; fi\n{}",
        query_output_script(&["opkg-demo-client", "opkg-other-client", "sh"])
    );
    let fixture = fixture_with_fakes("touch /gone", &tells);
    assert_eq!(
        failure_reason(&remove(&fixture)),
        "the removal took opkg-other-client as well, which needed it: `opm audit` shows what is missing now"
    );
}

#[test]
fn what_is_not_there_needs_no_removal() {
    let fixture = fixture_with_fakes("touch /ran", "exit 1");
    assert_eq!(remove(&fixture).outcome, Ok(()));
    assert!(!fixture.root(IMAGE).0.join("ran").exists());
}

#[test]
fn sources_are_read_once_in_a_run() {
    let fixture = fixture_with_fakes("echo $2 $3 >> /calls", &query_output_script(&["opkg-demo-client"]));
    let mut system = fixture.system();
    for run in [1, 1, 2] {
        system.install(&fixture.cluster, &install_step(&[DEMO]), RunId(run));
    }
    let step = VerifyInherited { target: IMAGE, packages: vec![DEMO] };
    assert_eq!(system.verify_inherited(&fixture.cluster, &step, RunId(3)).outcome, Ok([DEMO].into()));
    let calls = fixture.root(IMAGE).read("/calls");
    assert_eq!(calls.lines().filter(|it| it.starts_with("update")).count(), 2, "{calls}");
}

#[test]
fn nonsense_is_not_understood() {
    let fixture = fixture_with_fakes("exit 0", "echo gibberish");
    let report = install(&fixture, &[DEMO]);
    let reason = transaction_error(&report);
    assert!(reason.contains("gibberish"), "{reason}");
    let fixture = fixture_with_fakes("exit 0", "printf '\\377\\n'");
    assert_eq!(
        transaction_error(&install(&fixture, &[DEMO])),
        "dpkg-query printed something that is not UTF-8"
    );
}

#[test]
fn files_for_a_command_are_there_while_it_runs() {
    let mut fixture = fixture_with_fakes(
        "cat /etc/apt/sources.list.d/opkg-* >> /seen",
        &query_output_script(&["opkg-demo-client"]),
    );
    fixture.config.repositories.push(Repository {
        location: "https://example.org/packages".into(),
        unauthenticated: false,
        targets: vec!["image:compute".parse().unwrap()],
    });
    let before = fixture.root(IMAGE).entries();
    assert_installed(&install(&fixture, &[DEMO]));
    assert!(fixture.root(IMAGE).read("/seen").contains("URIs: https://example.org/packages\n"));
    fs::remove_file(fixture.root(IMAGE).0.join("seen")).unwrap();
    assert_eq!(fixture.root(IMAGE).entries(), before);
}
