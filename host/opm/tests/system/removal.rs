//! Removals of several packages, with a package manager that keeps to nothing: it goes on after failures, and removes what
//! others need.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use opkg_engine::effects::{Effects, Report};
use opkg_engine::machine::{Remove, RemoveFailure, RemoveOutcome, StepFailure};
use opkg_oda::{Package, PackageClass, PackageId, RunId, Stage};
use opkg_tests::process;

use crate::fixture::{Fixture, IMAGE, TestRoot};

/// The packages, and what they need; each before what it needs.
const PACKAGES: [(&str, &[&str]); 5] =
    [("view", &[]), ("tool", &[]), ("app", &["lib"]), ("lib", &["base"]), ("base", &[])];

/// Removes one package after the other, unless a file says what to do instead.
const DPKG: &str = "echo \"$*\" >> /calls
status=0
if [ -e /faults/all ]; then . /faults/all; fi
for name; do
  case $name in --*) continue ;; esac
  if [ -e /faults/$name ]; then . /faults/$name; else touch /gone/$name; fi
done
exit $status";

const TELLS: &str = "if [ -e /faults/query ]; then . /faults/query; fi
echo 'dpkg	1.0-1	all	installed	ok	'
for file in /state/*; do
  name=${file##*/}
  [ -e /gone/$name ] || echo \"$name	1.0-1	all	installed	ok	$(cat $file)\"
done";

/// What dpkg says of a script before the removal that failed.
const SCRIPT_FAILS: &str = "echo \"dpkg: error processing package $name (--purge):\"
echo \" installed $name package pre-removal script subprocess returned error exit status 7\"
status=1";

struct Site {
    fixture: Fixture,
}

impl Site {
    /// An image with all packages; those of `with_scripts` carry some.
    fn new(with_scripts: &[&str]) -> Self {
        let mut site = Self { fixture: Fixture::new() };
        for (place, (name, _)) in PACKAGES.iter().enumerate() {
            let needs = PACKAGES[place].1.iter().map(|needed| package_id(needed)).collect();
            let package = Package {
                id: package_id(name),
                name: name.parse().unwrap(),
                class: PackageClass::ThirdParty,
                version: None,
                dependencies: needs,
                waiting_for: None,
            };
            site.fixture.cluster.packages.insert(package.id, package);
        }
        let root = site.root();
        fs::write(root.0.join("etc/os-release"), "ID=debian\nVERSION_ID=\"12\"\n").unwrap();
        for directory in ["state", "gone", "faults"] {
            fs::create_dir(root.0.join(directory)).unwrap();
        }
        for (name, script) in [("apt-get", "exit 9"), ("dpkg", DPKG), ("dpkg-query", TELLS)] {
            let text = root.0.join("tmp").join(name);
            fs::write(&text, format!("#!/bin/sh\n{script}\n")).unwrap();
            // By a process of its own: one that another test starts meanwhile would hold the file open for writing.
            let place = root.0.join("usr/bin").join(name);
            process::run_successfully(Command::new("install").args(["-m", "755"]).arg(&text).arg(place));
        }
        for (name, _) in PACKAGES {
            let scripts = if with_scripts.contains(&name) { "prerm" } else { "" };
            site.put(&format!("opkg-{name}-client"), scripts);
        }
        site.put("site-tools", "");
        site
    }

    fn root(&self) -> TestRoot {
        self.fixture.root(IMAGE)
    }

    fn put(&self, native: &str, scripts: &str) {
        fs::write(self.root().0.join("state").join(native), scripts).unwrap();
    }

    /// What the package manager does instead of removing a package.
    fn set_fault(&self, native: &str, script: &str) {
        fs::write(self.root().0.join("faults").join(native), script).unwrap();
    }

    /// A script that a package does not carry.
    fn put_script(&self, package: &str, name: &str, end: &str) {
        let text = format!("#!/bin/sh\necho '{name} of {package}' >> /calls\n{end}\n");
        self.root().write_script(package, name, &text);
    }

    fn remove(&self, packages: &[&str]) -> Report<RemoveOutcome> {
        let packages = packages.iter().map(|name| package_id(name)).collect();
        let step = Remove { target: IMAGE, packages, down_to: Stage::ShouldBeInstalled };
        self.fixture.system().remove(&self.fixture.cluster, &step, RunId(1))
    }

    fn remove_all(&self) -> BTreeMap<&'static str, RemoveFailure> {
        let outcome = self.remove(&PACKAGES.map(|(name, _)| name)).outcome;
        let name = |id: PackageId| PACKAGES.iter().map(|(name, _)| *name).find(|name| package_id(name) == id);
        outcome.remaining.into_iter().map(|(id, failure)| (name(id).unwrap(), failure)).collect()
    }

    /// What was called in the root since this was asked last, without options.
    fn calls(&self) -> Vec<String> {
        let file = self.root().0.join("calls");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let _ = fs::remove_file(file);
        let words = |line: &str| {
            let words = line.split(' ').filter(|word| !word.starts_with("--"));
            words
                .map(|word| word.trim_start_matches("opkg-").trim_end_matches("-client"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        text.lines().map(words).collect()
    }

    fn left(&self) -> Vec<&'static str> {
        let is_there = |name: &&str| !self.root().0.join(format!("gone/opkg-{name}-client")).exists();
        PACKAGES.iter().map(|(name, _)| *name).filter(is_there).collect()
    }
}

fn package_id(name: &str) -> PackageId {
    let place = PACKAGES.iter().position(|(other, _)| *other == name).unwrap();
    PackageId(100 + i64::try_from(place).unwrap())
}

fn failed(reason: &str) -> RemoveFailure {
    RemoveFailure::Own(StepFailure::Failed(reason.into()))
}

const ALL: [&str; 5] = ["view", "tool", "app", "lib", "base"];

#[test]
fn what_has_no_scripts_leaves_in_one_transaction() {
    let site = Site::new(&[]);
    assert_eq!(site.remove_all(), BTreeMap::new());
    assert_eq!(site.calls(), ["view tool app lib base"]);
    assert!(site.left().is_empty());
    assert_eq!(site.remove_all(), BTreeMap::new());
    assert!(site.calls().is_empty(), "what is not there needs no removal");
}

#[test]
fn what_is_needed_by_one_with_scripts_leaves_after_it() {
    for (with_scripts, calls) in [
        (&["app"][..], &["view tool app", "lib base"][..]),
        (&["lib"], &["view tool app lib", "base"]),
        (&["app", "lib"], &["view tool app", "lib", "base"]),
        (&["view", "tool", "base"], &["view tool app lib base"]),
        (&ALL, &["view tool app", "lib", "base"]),
    ] {
        let site = Site::new(with_scripts);
        assert_eq!(site.remove_all(), BTreeMap::new());
        assert_eq!(site.calls(), calls, "{with_scripts:?}");
    }
}

#[test]
fn a_script_that_fails_keeps_what_its_package_needs() {
    let reason =
        |name| failed(&format!("the pre-removal script of opkg-{name}-client failed with exit status 7"));
    for (broken, held, calls) in [
        ("app", &["lib", "base"][..], &["view tool app"][..]),
        ("lib", &["base"], &["view tool app", "lib"]),
        ("base", &[], &["view tool app", "lib", "base"]),
        ("view", &[], &["view tool app", "lib", "base"]),
    ] {
        let site = Site::new(&ALL);
        site.set_fault(&format!("opkg-{broken}-client"), SCRIPT_FAILS);
        let mut expected = BTreeMap::from([(broken, reason(broken))]);
        expected.extend(held.iter().map(|name| (*name, RemoveFailure::Held)));
        assert_eq!(site.remove_all(), expected);
        assert_eq!(site.calls(), calls, "{broken}");
    }
}

/// It failed after the package had gone.
#[test]
fn a_last_script_that_fails_is_an_error_of_its_package_alone() {
    let site = Site::new(&["tool"]);
    site.set_fault(
        "opkg-tool-client",
        &SCRIPT_FAILS
            .replace("pre-removal", "post-removal")
            .replace("status=1", "touch /gone/$name; status=1"),
    );
    let reason = "the post-removal script of opkg-tool-client failed with exit status 7";
    assert_eq!(site.remove_all(), BTreeMap::from([("tool", failed(reason))]));
    assert!(site.left().is_empty());
}

#[test]
fn scripts_that_are_not_carried_run_around_their_own_package() {
    let site = Site::new(&[]);
    for package in ["tool", "app"] {
        site.put_script(package, "client-pre-uninstall", "");
        site.put_script(package, "client-post-uninstall", "");
    }
    site.put_script("base", "client-pre-uninstall", "");
    assert_eq!(site.remove_all(), BTreeMap::new());
    assert_eq!(
        site.calls(),
        [
            "view",
            "client-pre-uninstall of tool",
            "tool",
            "client-post-uninstall of tool",
            "client-pre-uninstall of app",
            "app",
            "client-post-uninstall of app",
            "lib",
            "client-pre-uninstall of base",
            "base",
        ]
    );
}

#[test]
fn a_package_that_stays_was_not_told_that_it_goes() {
    let site = Site::new(&[]);
    for package in ["tool", "app", "lib"] {
        site.put_script(package, "client-pre-uninstall", if package == "app" { "exit 3" } else { "" });
    }
    let remaining = site.remove_all();
    let reason = "client-pre-uninstall of app ended with exit status 3";
    assert_eq!(
        remaining,
        BTreeMap::from([
            ("app", failed(reason)),
            ("base", RemoveFailure::Held),
            ("lib", RemoveFailure::Held)
        ])
    );
    assert_eq!(site.calls(), ["view", "client-pre-uninstall of tool", "tool", "client-pre-uninstall of app"],);
    assert_eq!(site.left(), ["app", "lib", "base"]);
}

/// A run that crashed kept a script over the removal of its package.
#[test]
fn a_script_that_was_kept_runs_alone() {
    let site = Site::new(&[]);
    let kept = site.root().0.join("usr/lib/oscar/packages/.removed/opkg-app-client");
    fs::create_dir_all(&kept).unwrap();
    site.put_script("app", "client-post-uninstall", "");
    fs::rename(
        site.root().0.join("usr/lib/oscar/packages/app/client-post-uninstall"),
        kept.join("client-post-uninstall"),
    )
    .unwrap();
    fs::write(site.root().0.join("gone/opkg-app-client"), "").unwrap();
    assert_eq!(site.remove_all(), BTreeMap::new());
    assert_eq!(site.calls(), ["view tool", "client-post-uninstall of app", "lib base"]);
    assert!(!kept.exists());
}

#[test]
fn what_a_transaction_takes_along_is_named() {
    let site = Site::new(&["app"]);
    site.set_fault("opkg-tool-client", "touch /gone/$name /gone/site-tools");
    let reason =
        "the removal took site-tools as well, which nobody asked for: `opm audit` shows what is missing now";
    let remaining = site.remove_all();
    assert_eq!(remaining["tool"], failed(reason));
    assert_eq!(site.calls(), ["view tool app"], "what others need stays where something went wrong");
    assert_eq!(remaining["lib"], RemoveFailure::Held);
}

/// What is to leave later was asked for as well.
#[test]
fn what_was_to_leave_anyway_is_not_taken_along() {
    let site = Site::new(&["app"]);
    site.set_fault("opkg-app-client", "touch /gone/$name /gone/opkg-lib-client");
    assert_eq!(site.remove_all(), BTreeMap::new());
    assert_eq!(site.calls(), ["view tool app", "base"]);
}

#[test]
fn what_the_manager_refuses_as_a_whole_is_untouched() {
    let site = Site::new(&[]);
    site.set_fault(
        "all",
        "case \" $* \" in *' opkg-tool-client '*)
echo 'dpkg: dependency problems prevent removal of opkg-tool-client:'
echo ' site-tools depends on opkg-tool-client.'
echo
echo 'dpkg: error processing package opkg-tool-client (--purge):'
echo ' dependency problems - not removing'
exit 1 ;; esac",
    );
    let reason = "dpkg failed: others need opkg-tool-client: site-tools depends on opkg-tool-client";
    let untouched = RemoveFailure::Untouched(reason.into());
    let expected: BTreeMap<_, _> = ALL.iter().map(|name| (*name, untouched.clone())).collect();
    assert_eq!(site.remove_all(), expected);
    assert_eq!(site.left(), ALL);
    for name in ALL {
        let remaining = site.remove(&[name]).outcome.remaining;
        let expected = if name == "tool" { vec![&untouched] } else { Vec::new() };
        assert_eq!(remaining.values().collect::<Vec<_>>(), expected, "{name}");
    }
    assert_eq!(site.left(), ["tool"]);
}

#[test]
fn what_passes_by_itself_leaves_the_rest_due() {
    let site = Site::new(&["app"]);
    site.set_fault(
        "all",
        "case \" $* \" in *' opkg-lib-client '*)
echo 'dpkg: error: dpkg frontend lock was locked by another process with pid 7'; exit 2 ;; esac",
    );
    let reason = "dpkg failed: dpkg frontend lock was locked by another process with pid 7";
    let postponed = RemoveFailure::Own(StepFailure::Postponed(reason.into()));
    assert_eq!(site.remove_all(), BTreeMap::from([("base", postponed.clone()), ("lib", postponed)]));
    assert_eq!(site.left(), ["lib", "base"]);
}

/// Nobody is to blame, so that what is still there is tried alone. Of what has gone the last scripts have run.
#[test]
fn a_manager_that_is_killed_leaves_what_it_has_not_come_to() {
    let site = Site::new(&[]);
    site.set_fault("opkg-app-client", "kill -KILL $$");
    let reason = "dpkg was killed by signal 9 (SIGKILL)";
    let untouched = RemoveFailure::Untouched(reason.into());
    let expected = ["app", "lib", "base"].map(|name| (name, untouched.clone()));
    assert_eq!(site.remove_all(), BTreeMap::from(expected));
    assert_eq!(site.left(), ["app", "lib", "base"]);
}

#[test]
fn success_is_none_for_what_is_still_there() {
    let site = Site::new(&ALL);
    site.set_fault("opkg-view-client", ":");
    let reason = "opkg-view-client is still there, although the removal was said to have succeeded";
    assert_eq!(site.remove_all(), BTreeMap::from([("view", failed(reason))]));
    // Without anything to say, a failure is one.
    let site = Site::new(&[]);
    site.set_fault("opkg-base-client", "touch /gone/$name; status=1");
    let untouched = RemoveFailure::Untouched("dpkg ended with exit status 1".into());
    assert_eq!(site.remove_all(), BTreeMap::from(ALL.map(|name| (name, untouched.clone()))));
}

#[test]
fn what_nobody_can_tell_has_not_been_done() {
    let site = Site::new(&["app"]);
    site.set_fault(
        "query",
        "if [ -e /gone/opkg-app-client ]; then echo 'dpkg-query: error: no space'; exit 2; fi",
    );
    let remaining = site.remove_all();
    assert_eq!(remaining.len(), 5, "{remaining:?}");
    let is_told = |failure: &RemoveFailure| matches!(failure, RemoveFailure::Own(StepFailure::Failed(reason)) if reason.starts_with("dpkg-query"));
    assert!(remaining.values().all(is_told), "{remaining:?}");
}

#[test]
fn who_is_to_stop_begins_nothing() {
    let site = Site::new(&[]);
    site.fixture.stop.request();
    let stopped = RemoveFailure::Own(StepFailure::Stopped);
    assert_eq!(site.remove_all(), BTreeMap::from(ALL.map(|name| (name, stopped.clone()))));
    assert_eq!(site.left(), ALL);
}

/// A step may be of many transactions, one of which is at work when the run is to stop.
#[test]
fn who_is_to_stop_ends_the_transaction_and_begins_no_other() {
    let site = Site::new(&["app"]);
    site.set_fault(
        "opkg-app-client",
        "touch /at-work; while [ ! -e /go ]; do sleep 0.1; done; touch /gone/$name",
    );
    let root = site.root();
    let remaining = std::thread::scope(|scope| {
        let removal = scope.spawn(|| site.remove_all());
        while !root.0.join("at-work").exists() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        site.fixture.stop.request();
        fs::write(root.0.join("go"), "").unwrap();
        removal.join().unwrap()
    });
    let stopped = RemoveFailure::Own(StepFailure::Stopped);
    assert_eq!(remaining, BTreeMap::from(["lib", "base"].map(|name| (name, stopped.clone()))));
    assert_eq!(site.left(), ["lib", "base"]);
}

#[test]
fn a_package_that_nobody_knows_is_an_error() {
    let site = Site::new(&[]);
    let unknown = PackageId(7);
    let packages = vec![package_id("view"), unknown];
    let step = Remove { target: IMAGE, packages, down_to: Stage::ShouldBeInstalled };
    let report = site.fixture.system().remove(&site.fixture.cluster, &step, RunId(1));
    let expected = BTreeMap::from([(unknown, failed("the database has no such package"))]);
    assert_eq!(report.outcome.remaining, expected);
    assert_eq!(site.left(), ["tool", "app", "lib", "base"]);
}
