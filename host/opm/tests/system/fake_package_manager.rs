//! Package managers that say one thing and do another: scripts in a root, under names that a plugin starts there.

use std::fs;
use std::process::Command;
use std::time::Duration;

use opkg_engine::effects::{Effects, Report};
use opkg_engine::machine::{Install, InstallOutcome, Remove, StepFailure, VerifyInherited};
use opkg_oda::{PackageId, RunId, Stage, StateKey};
use opkg_opm::Repository;
use opkg_tests::process;

use crate::fixture::{
    DEMO, Fixture, IMAGE, OTHER, StepReport, assert_installed, failure_reason, package_failures,
    removal_of_one, transaction_error,
};

/// A root with these programs: what installs, what repairs and removes, and what tells.
fn fixture_with_fakes(apt_get: &str, dpkg: &str, tells: &str) -> Fixture {
    let fixture = Fixture::new();
    let root = fixture.root(IMAGE);
    fs::write(root.0.join("etc/os-release"), "ID=debian\nVERSION_ID=\"12\"\n").unwrap();
    for (name, script) in [("apt-get", apt_get), ("dpkg", dpkg), ("dpkg-query", tells)] {
        let text = root.0.join("tmp").join(name);
        fs::write(&text, format!("#!/bin/sh\n{script}\n")).unwrap();
        // By a process of its own: one that another test starts meanwhile would hold the file open for writing.
        let place = root.0.join("usr/bin").join(name);
        process::run_successfully(Command::new("install").args(["-m", "755"]).arg(&text).arg(place));
        fs::remove_file(text).unwrap();
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
    let step = Remove { target: IMAGE, packages: vec![DEMO], down_to: Stage::ShouldBeInstalled };
    removal_of_one(fixture.system().remove(&fixture.cluster, &step, RunId(1)))
}

/// What the plugin reads, for packages in these states that carry their scripts, besides what is always there.
fn tells(packages: &[(&str, &str)]) -> String {
    let line = |(name, state): &(&str, &str)| format!("echo '{name}\t1.0-1\tall\t{state}\tok\tpostinst'");
    let lines = [("dpkg", "installed")].iter().chain(packages).map(line);
    lines.collect::<Vec<_>>().join("\n")
}

fn tells_installed(names: &[&str]) -> String {
    let packages: Vec<_> = names.iter().map(|name| (*name, "installed")).collect();
    tells(&packages)
}

/// Tells one thing until a file is there, and another one from then on.
fn tells_before_and_after(file: &str, before: &str, after: &str) -> String {
    format!("if [ -e {file} ]; then\n{after}\nelse\n{before}\nfi")
}

/// Says what dpkg says of a script that failed.
const BROKEN_OTHER: &str = "touch /ran
echo 'Setting up opkg-other-client (1.0-1) ...'
echo 'port 80 is in use'
echo 'dpkg: error processing package opkg-other-client (--configure):'
echo ' installed opkg-other-client package post-installation script subprocess returned error exit status 7'
echo 'Errors were encountered while processing:'
echo ' opkg-other-client'
echo 'E: Sub-process /usr/bin/dpkg returned an error code (1)'
exit 100";

const OTHER_CAUSE: &str =
    "the post-installation script of opkg-other-client failed with exit status 7: port 80 is in use";

#[test]
fn success_without_a_package_is_none() {
    let fixture = fixture_with_fakes("exit 0", "exit 0", &tells_installed(&["opkg-demo-client"]));
    let report = install(&fixture, &[DEMO, OTHER]);
    let reasons: Vec<_> =
        package_failures(&report).iter().map(|(id, reason)| (*id, reason.as_str())).collect();
    let reason = "opkg-other-client is not installed, although its installation was said to have succeeded";
    assert_eq!(reasons, [(OTHER, reason)]);
}

#[test]
fn a_failure_is_one_although_the_packages_are_there() {
    let tells = tells_installed(&["opkg-demo-client"]);
    let fixture = fixture_with_fakes("echo 'E: half of it'; exit 100", "exit 0", &tells);
    let report = install(&fixture, &[DEMO]);
    // Reading the package sources failed in the same way.
    assert_eq!(transaction_error(&report), "apt-get failed: half of it");
    assert_eq!(report.trace.exit_code, Some(100));
}

#[test]
fn a_failure_that_nobody_understands_shows_what_was_printed_as_just_that() {
    let tells = tells_installed(&[]);
    let fixture = fixture_with_fakes("echo gibberish; exit 100", "exit 0", &tells);
    assert_eq!(
        transaction_error(&install(&fixture, &[DEMO])),
        "apt-get ended with exit status 100; the last that it printed: gibberish"
    );
}

#[test]
fn the_culprit_is_named_and_the_innocent_are_installed() {
    let after = tells(&[("opkg-demo-client", "installed"), ("opkg-other-client", "half-configured")]);
    let tells = tells_before_and_after("/ran", &tells_installed(&[]), &after);
    let fixture = fixture_with_fakes(&install_only(BROKEN_OTHER), "exit 0", &tells);
    let report = install(&fixture, &[OTHER, DEMO]);
    let InstallOutcome::Installed { failures, untouched, .. } = &report.outcome else { panic!("{report:?}") };
    let told: Vec<_> = failures.iter().map(|(id, reason)| (*id, reason.as_str())).collect();
    let reason = format!("{OTHER_CAUSE} (opkg-other-client is half-configured now)");
    assert_eq!(told, [(OTHER, reason.as_str())]);
    assert!(untouched.is_empty(), "{untouched:?}");
}

/// A script that does nothing but when packages are installed.
fn install_only(script: &str) -> String {
    format!("case \"$*\" in *install*) ;; *) exit 0 ;; esac\n{script}")
}

#[test]
fn what_the_transaction_did_not_come_to_is_untouched() {
    let after = tells(&[("opkg-other-client", "half-configured")]);
    let tells = tells_before_and_after("/ran", &tells_installed(&[]), &after);
    let fixture = fixture_with_fakes(&install_only(BROKEN_OTHER), "exit 0", &tells);
    let report = install(&fixture, &[OTHER, DEMO]);
    let InstallOutcome::Installed { failures, untouched, .. } = &report.outcome else { panic!("{report:?}") };
    assert_eq!(failures.keys().collect::<Vec<_>>(), [&OTHER]);
    assert_eq!(untouched.keys().collect::<Vec<_>>(), [&DEMO]);
    assert_eq!(untouched[&DEMO], format!("apt-get failed: {OTHER_CAUSE}"));
}

/// dpkg stops before it configures what it has unpacked.
#[test]
fn what_was_unpacked_for_nothing_is_configured() {
    let unpacked = tells(&[("opkg-demo-client", "unpacked")]);
    let configured = tells_installed(&["opkg-demo-client"]);
    let tells = tells_before_and_after(
        "/configured",
        &tells_before_and_after("/ran", &tells_installed(&[]), &unpacked),
        &configured,
    );
    let dpkg = "if [ -e /ran ]; then touch /configured; fi";
    let fixture = fixture_with_fakes(&install_only(BROKEN_OTHER), dpkg, &tells);
    let report = install(&fixture, &[OTHER, DEMO]);
    let told: Vec<_> = package_failures(&report).iter().collect();
    assert_eq!(told, [(&OTHER, &OTHER_CAUSE.to_owned())]);
}

/// Nobody knows whether the last scripts have run, whatever its database has. What is tried again runs them again.
#[test]
fn what_a_manager_left_that_did_not_come_to_its_end_is_not_believed() {
    for (end, how) in [
        ("kill -KILL $$", "apt-get was killed by signal 9 (SIGKILL)"),
        ("kill -SEGV $$", "apt-get was killed by signal 11 (SIGSEGV)"),
        ("sleep 600", "apt-get timed out after 3 s"),
    ] {
        let after = tells_installed(&["opkg-demo-client", "opkg-other-client"]);
        let tells = tells_before_and_after("/ran", &tells_installed(&[]), &after);
        let mut fixture = fixture_with_fakes(&install_only(&format!("touch /ran; {end}")), "exit 0", &tells);
        fixture.config.limits.package_manager = Duration::from_secs(if end == "sleep 600" { 3 } else { 300 });
        for packages in [&[DEMO, OTHER][..], &[DEMO]] {
            let report = install(&fixture, packages);
            let reason = transaction_error(&report);
            assert!(reason.starts_with(how), "{reason}");
        }
    }
}

#[test]
fn what_was_cut_off_is_repaired_first() {
    for state in ["half-configured", "unpacked", "triggers-pending", "triggers-awaited"] {
        let before = tells(&[("opkg-demo-client", state)]);
        let tells = tells_before_and_after("/repaired", &before, &tells_installed(&["opkg-demo-client"]));
        let fixture = fixture_with_fakes("exit 0", "touch /repaired", &tells);
        assert_installed(&install(&fixture, &[DEMO]));
    }
}

#[test]
fn what_cannot_be_repaired_is_neither_installed_nor_absent() {
    for state in ["half-configured", "half-installed", "unpacked", "triggers-awaited"] {
        let fixture = fixture_with_fakes("exit 0", "exit 1", &tells(&[("opkg-demo-client", state)]));
        let reason =
            format!("opkg-demo-client is {state}, although its installation was said to have succeeded");
        assert_eq!(package_failures(&install(&fixture, &[DEMO]))[&DEMO], reason);
        let step = VerifyInherited { target: IMAGE, packages: vec![DEMO] };
        let report = fixture.system().verify_inherited(&fixture.cluster, &step, RunId(1));
        assert_eq!(report.outcome, Ok([].into()), "{state} is not installed");
        assert_eq!(
            failure_reason(&remove(&fixture)),
            format!("dpkg ended with exit status 1 (opkg-demo-client is {state} now)"),
            "nor is it removed"
        );
    }
}

#[test]
fn a_removal_that_was_cut_off_is_taken_up_again() {
    let before = tells(&[("opkg-demo-client", "half-installed")]);
    let tells = tells_before_and_after("/gone", &before, &tells_installed(&[]));
    let fixture = fixture_with_fakes("exit 9", "touch /gone", &tells);
    assert_eq!(remove(&fixture).outcome, Ok(()));
    assert!(fixture.root(IMAGE).0.join("gone").exists());
}

#[test]
fn a_removal_ends_with_the_configuration() {
    let rest = tells(&[("opkg-demo-client", "config-files")]);
    let tells = tells_before_and_after("/gone", &rest, &tells_installed(&[]));
    let fixture = fixture_with_fakes("exit 9", "touch /gone", &tells);
    assert_eq!(remove(&fixture).outcome, Ok(()));
    assert!(fixture.root(IMAGE).0.join("gone").exists());
    let stays = fixture_with_fakes("exit 9", "exit 0", &rest);
    assert_eq!(
        failure_reason(&remove(&stays)),
        "the configuration of opkg-demo-client is still there, although the removal was said to have succeeded"
    );
}

#[test]
fn what_is_still_there_is_not_removed() {
    let fixture = fixture_with_fakes("exit 0", "exit 0", &tells_installed(&["opkg-demo-client"]));
    assert_eq!(
        failure_reason(&remove(&fixture)),
        "opkg-demo-client is still there, although the removal was said to have succeeded"
    );
}

#[test]
fn a_transaction_takes_nothing_else_along() {
    let before = tells_installed(&["opkg-demo-client", "opkg-other-client", "sh"]);
    let tells_removed = tells_before_and_after("/gone", &before, &tells_installed(&["sh"]));
    let fixture = fixture_with_fakes("exit 9", "touch /gone", &tells_removed);
    assert_eq!(
        failure_reason(&remove(&fixture)),
        "the removal took opkg-other-client as well, which nobody asked for: `opm audit` shows what is missing now"
    );
    let tells_lost =
        tells_before_and_after("/gone", &tells_installed(&["sh"]), &tells_installed(&["opkg-demo-client"]));
    let fixture = fixture_with_fakes(&install_only("touch /gone"), "exit 0", &tells_lost);
    assert_eq!(
        package_failures(&install(&fixture, &[DEMO]))[&DEMO],
        "the installation removed sh, which nobody asked for"
    );
}

#[test]
fn what_is_not_there_needs_no_removal() {
    let fixture = fixture_with_fakes("touch /ran", "touch /ran", &tells_installed(&[]));
    assert_eq!(remove(&fixture).outcome, Ok(()));
    assert!(!fixture.root(IMAGE).0.join("ran").exists());
}

/// Fails as long as another program holds the lock, which is two times.
const LOCKED_TWICE: &str = "if [ ! -e /first ]; then touch /first; elif [ ! -e /second ]; then touch /second
else exit 0; fi
echo 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (unattended-upgr)'
exit 100";

#[test]
fn a_lock_is_waited_for() {
    let tells = tells_installed(&["opkg-demo-client"]);
    let mut fixture = fixture_with_fakes(&install_only(LOCKED_TWICE), "exit 0", &tells);
    fixture.config.limits.retry = Duration::from_secs(600);
    let report = install(&fixture, &[DEMO]);
    assert_installed(&report);
    let log = fs::read_to_string(report.trace.log.unwrap()).unwrap();
    assert_eq!(log.matches("[waiting ").count(), 2, "{log}");
}

#[test]
fn what_does_not_pass_in_time_is_due_and_no_error() {
    let lock =
        "echo 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (x)'; exit 100";
    let cause = "Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (x)";
    let fixture = fixture_with_fakes(&install_only(lock), "exit 0", &tells_installed(&[]));
    let report = install(&fixture, &[DEMO]);
    assert_eq!(report.outcome, InstallOutcome::Postponed(format!("apt-get failed: {cause}")));

    let dpkg = "echo 'dpkg: error: dpkg frontend lock was locked by another process with pid 7'; exit 2";
    let fixture = fixture_with_fakes("exit 9", dpkg, &tells_installed(&["opkg-demo-client"]));
    assert_eq!(
        remove(&fixture).outcome,
        Err(StepFailure::Postponed(
            "dpkg failed: dpkg frontend lock was locked by another process with pid 7".into()
        ))
    );

    // Nobody knows what the package sources have.
    let blind = "case \"$*\" in *update*) echo \"E: Failed to fetch http://x/ Could not resolve 'x'\" ;;
*) echo 'E: Unable to locate package opkg-demo-client' ;; esac; exit 100";
    let fixture = fixture_with_fakes(blind, "exit 0", &tells_installed(&[]));
    let report = install(&fixture, &[DEMO]);
    let InstallOutcome::Postponed(reason) = &report.outcome else { panic!("{report:?}") };
    assert!(reason.contains("no package source has opkg-demo-client"), "{reason}");
    assert!(reason.contains("Could not resolve 'x'"), "{reason}");
}

#[test]
fn a_stage_that_runs_again_runs_the_scripts_again() {
    let script = install_only("echo \"$*\" >> /calls");
    let reinstalls = |attempts: u32, current: Stage| {
        let mut fixture = fixture_with_fakes(&script, "exit 0", &tells_installed(&["opkg-demo-client"]));
        let key = StateKey { target: IMAGE, package: DEMO };
        let row = opkg_oda::PackageState { attempts, current, ..fixture.cluster.state(key).unwrap().clone() };
        fixture.cluster.apply(&opkg_oda::Change::UpdateState(key, row));
        assert_installed(&install(&fixture, &[DEMO]));
        fixture.root(IMAGE).read("/calls").lines().filter(|line| line.contains("--reinstall")).count()
    };
    assert_eq!(reinstalls(1, Stage::ShouldBeInstalled), 0, "the first time");
    assert_eq!(reinstalls(2, Stage::ShouldBeInstalled), 1, "after a failure");
    assert_eq!(reinstalls(1, Stage::InstallBinPkgs), 1, "queued again");
    assert_eq!(reinstalls(1, Stage::Finished), 1, "queued again later");
}

#[test]
fn sources_are_read_once_in_a_run() {
    let tells = tells_installed(&["opkg-demo-client"]);
    let fixture = fixture_with_fakes("echo \"$*\" >> /calls", "exit 0", &tells);
    let system = fixture.system();
    for run in [1, 1, 2] {
        system.install(&fixture.cluster, &install_step(&[DEMO]), RunId(run));
    }
    let step = VerifyInherited { target: IMAGE, packages: vec![DEMO] };
    assert_eq!(system.verify_inherited(&fixture.cluster, &step, RunId(3)).outcome, Ok([DEMO].into()));
    let calls = fixture.root(IMAGE).read("/calls");
    assert_eq!(calls.lines().filter(|it| it.split(' ').any(|word| word == "update")).count(), 2, "{calls}");
}

#[test]
fn nonsense_is_not_understood() {
    for (tells, reason) in [
        ("echo gibberish", "gibberish"),
        ("printf '\\377\\n'", "dpkg-query printed something that is not UTF-8"),
        ("exit 0", "dpkg-query knows of no package at all"),
        ("echo 'dpkg-query: error: cannot read it' >&2; exit 2", "dpkg-query failed: cannot read it"),
    ] {
        let fixture = fixture_with_fakes("exit 0", "exit 0", tells);
        let report = install(&fixture, &[DEMO]);
        assert!(transaction_error(&report).contains(reason), "{report:?}");
        assert!(
            failure_reason(&remove(&fixture)).contains(reason),
            "what is not known is not taken for gone"
        );
    }
}

#[test]
fn files_for_a_command_are_there_while_it_runs() {
    let mut fixture = fixture_with_fakes(
        "cat /etc/apt/sources.list.d/opkg-* >> /seen",
        "exit 0",
        &tells_installed(&["opkg-demo-client"]),
    );
    fixture.config.repositories.push(Repository {
        location: "https://example.org/packages".into(),
        name: None,
        unauthenticated: false,
        targets: vec!["image:compute".parse().unwrap()],
    });
    let before = fixture.root(IMAGE).entries();
    assert_installed(&install(&fixture, &[DEMO]));
    assert!(fixture.root(IMAGE).read("/seen").contains("URIs: https://example.org/packages\n"));
    fs::remove_file(fixture.root(IMAGE).0.join("seen")).unwrap();
    assert_eq!(fixture.root(IMAGE).entries(), before);
}

/// Where a run was killed while a command had its package sources, the next one finds them before it asks for anything.
#[test]
fn sources_of_a_killed_run_are_removed_before_anything_is_asked() {
    let seen = "ls /etc/apt/sources.list.d >> /seen";
    let tells = format!("{seen}\n{}", tells_installed(&["opkg-demo-client"]));
    let fixture = fixture_with_fakes("exit 0", "exit 0", &tells);
    let root = fixture.root(IMAGE).0;
    for (file, text) in [
        ("etc/apt/sources.list.d/opkg-sources.sources", "URIs: file:/gone\n"),
        ("etc/apt/sources.list.d/site.sources", "URIs: file:/site\n"),
        ("var/lib/opm/temporary-1-0", "f/etc/apt/sources.list.d/opkg-sources.sources\0"),
    ] {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let step = VerifyInherited { target: IMAGE, packages: vec![DEMO] };
    let report = fixture.system().verify_inherited(&fixture.cluster, &step, RunId(3));
    assert_eq!(report.outcome, Ok([DEMO].into()), "{}", report.trace.tail);
    assert_eq!(fixture.root(IMAGE).read("/seen"), "site.sources\n");
    assert!(!root.join("var/lib/opm/temporary-1-0").exists());
    let log = fs::read_to_string(report.trace.log.unwrap()).unwrap();
    let note = "[removed /etc/apt/sources.list.d/opkg-sources.sources, which a run had left that was killed]";
    assert!(log.contains(note), "{log}");
}

#[test]
fn a_source_that_is_not_there_is_in_the_way_of_installations_alone() {
    let tells =
        tells_before_and_after("/gone", &tells_installed(&["opkg-demo-client"]), &tells_installed(&[]));
    let mut fixture = fixture_with_fakes("exit 0", "touch /gone", &tells);
    let location = fixture.path().join("packages").display().to_string();
    let source = Repository {
        location: location.clone(),
        name: None,
        unauthenticated: false,
        targets: vec!["image:compute".parse().unwrap()],
    };
    fixture.config.repositories.push(source);
    assert_eq!(
        transaction_error(&install(&fixture, &[DEMO])),
        format!("the package source {location} is not there: mount it, or take it out of `opm.toml`")
    );
    let step = VerifyInherited { target: IMAGE, packages: vec![DEMO] };
    let report = fixture.system().verify_inherited(&fixture.cluster, &step, RunId(1));
    assert_eq!(report.outcome, Ok([DEMO].into()));
    assert_eq!(remove(&fixture).outcome, Ok(()));
    fs::create_dir(&location).unwrap();
    assert!(package_failures(&install(&fixture, &[DEMO])).contains_key(&DEMO), "it is asked again");
    fs::remove_dir(&location).unwrap();
    fs::write(&location, "").unwrap();
    let reason = format!("the package source {location} cannot be used: not a directory");
    assert_eq!(transaction_error(&install(&fixture, &[DEMO])), reason);
}

#[test]
fn a_success_that_left_a_package_out_is_explained_by_what_was_printed() {
    let passed_over = install_only("echo 'E: Unable to locate package opkg-other-client'");
    let fixture = fixture_with_fakes(&passed_over, "exit 0", &tells_installed(&["opkg-demo-client"]));
    let report = install(&fixture, &[DEMO, OTHER]);
    let reasons: Vec<_> =
        package_failures(&report).iter().map(|(id, reason)| (*id, reason.as_str())).collect();
    let reason = "no package source has opkg-other-client (opkg-other-client is not installed now)";
    assert_eq!(reasons, [(OTHER, reason)]);
}

/// The manager does what its simulation did not tell.
#[test]
fn a_downgrade_that_nobody_asked_for_is_told_afterwards() {
    let tells = |sh: &str| {
        let line = format!("echo 'sh\t{sh}\tall\tinstalled\tok\t'");
        format!("{}\n{line}", tells_installed(&["opkg-demo-client"]))
    };
    let tells = tells_before_and_after("/ran", &tells("2.0-1"), &tells("1.0-1"));
    let version = |version: &str| format!("echo '     {version} 500'\necho '        500 file:/x Packages'\n");
    let offers = format!("echo 'sh:'\n{}{}", version("2.0-1"), version("1.0-1"));
    let fixture = fixture_with_fakes(
        "case \"$*\" in *--simulate*|*-s\\ *) ;; *install*) touch /ran ;; esac",
        "exit 0",
        &tells,
    );
    let apt_cache = fixture.root(IMAGE).0.join("usr/bin/apt-cache");
    let text = fixture.root(IMAGE).0.join("tmp/apt-cache");
    fs::write(&text, format!("#!/bin/sh\n{offers}\n")).unwrap();
    process::run_successfully(Command::new("install").args(["-m", "755"]).arg(&text).arg(apt_cache));
    assert_eq!(
        package_failures(&install(&fixture, &[DEMO]))[&DEMO],
        "the installation downgraded sh from 2.0-1 to 1.0-1, which nobody asked for"
    );
}
