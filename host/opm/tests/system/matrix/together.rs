//! Packages that leave together, with a real package manager: a script of one fails, something of the site's own needs
//! another, the rest has nothing to do with that. As the engine does it, to the point where somebody has to do something.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use opkg_engine::effects::Effects;
use opkg_engine::machine::{FailureReasons, FinishedStep, Scope, StageMachine, Step, StepStatus, WorkItem};
use opkg_oda::{
    Change, Cluster, Package, PackageClass, PackageId, PackageState, RunId, Stage, StateKey, WorkState,
};
use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::scratch;

use super::apt::AptRoot;
use super::full_disk;
use super::opkgs::{FAULT_DIR, PROOF};
use super::root::{ManagedRoot, SitePackage};
use super::rpm::{RpmManagedRoot, RpmManager};
use crate::fixture::{Fixture, IMAGE};

/// The packages, and what each needs.
const OPKGS: [(&str, Option<&str>); 6] = [
    ("library", None),
    // Its script before the removal fails.
    ("broken", Some("library")),
    // A package of the site needs it.
    ("needed", None),
    ("monitor", None),
    ("queue", Some("tools")),
    ("tools", None),
];

/// More work than there is.
const MAX_WORK: usize = 100;

/// An image with all of these packages, all of which are to go.
struct Site<R> {
    root: R,
    fixture: Fixture,
}

impl<R: ManagedRoot> Site<R> {
    fn new(root: R) -> Self {
        let source = build_source(root.target());
        fs::create_dir(root.resolve(FAULT_DIR)).unwrap();
        let mut files: Vec<PathBuf> =
            fs::read_dir(&source).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            (name.contains("-client") || name.contains("filesystem"))
                && (name.ends_with(".deb") || name.ends_with(".rpm"))
        });
        root.prepare(&files);
        root.put(&files);
        let mut fixture = Fixture::new();
        fixture.config.environment = root.environment();
        fixture.cluster = cluster_of(&fixture, &root);
        Self { root, fixture }
    }

    /// Works until nothing more can be done. Returns what was done, a line each.
    fn run(&mut self) -> String {
        let system = self.fixture.system();
        let scope = Scope { targets: [IMAGE].into(), packages: None };
        let mut machine = StageMachine::new(self.fixture.cluster.clone(), scope);
        let mut said = String::new();
        for now in 0..MAX_WORK {
            let now = i64::try_from(now).unwrap();
            match machine.next_work() {
                None => {
                    self.fixture.cluster = machine.into_cluster();
                    return said;
                }
                Some(WorkItem::SetStage(set_stage)) => drop(machine.set_stage(&set_stage, now)),
                Some(WorkItem::Step(Step::Remove(remove))) => {
                    let _ = machine.begin(&Step::Remove(remove.clone()), now);
                    let report = system.remove(machine.cluster(), &remove, RunId(1));
                    let names: Vec<&str> = remove.packages.iter().map(|id| name_of(*id)).collect();
                    let finished = FinishedStep::Remove(remove, report.outcome);
                    writeln!(said, "remove {}: {}", names.join(", "), describe(&finished.status())).unwrap();
                    let _ = machine.finish(&finished, now);
                }
                Some(work) => panic!("{work:?}"),
            }
        }
        panic!("it never ends: {said}");
    }

    fn take_proof(&self) -> Vec<String> {
        let file = self.root.resolve(PROOF);
        let text = fs::read_to_string(&file).unwrap_or_default();
        let _ = fs::remove_file(file);
        text.lines().map(str::to_owned).collect()
    }

    /// What is there of OPKGs by name, as the package manager says.
    fn installed(&self) -> Vec<String> {
        let names = self.root.installed().into_keys();
        let names =
            names.filter_map(|name| Some(name.strip_prefix("opkg-")?.strip_suffix("-client")?.to_owned()));
        names.collect()
    }

    fn failures(&self) -> String {
        let mut told = String::new();
        for (key, row) in self.fixture.cluster.all_states() {
            if let Some(failure) = &row.failure {
                writeln!(told, "  {}: {}", name_of(key.package), failure.message).unwrap();
            }
        }
        told
    }
}

fn build_source(target: &str) -> PathBuf {
    let output = scratch::create_directory("source");
    let mut arguments: Vec<OsString> =
        vec!["--dist".into(), target.into(), "--repo".into(), "-o".into(), output.clone().into()];
    for (name, needed) in OPKGS {
        let needs = needed.map(|needed| {
            format!("<clientDeps><requires><pkg>opkg-{needed}-client</pkg></requires></clientDeps>")
        });
        let config = file_tree::minimal_config(name, &needs.unwrap_or_default());
        let mut items = vec![TreeEntry::file("config.xml", 0o644, config)];
        for script in ["client-pre-uninstall", "client-post-uninstall"] {
            let text = format!(
                "#!/bin/sh\nfault={FAULT_DIR}/{name}-{script}\nif [ -e $fault ]; then . $fault; fi\n\
                 echo \"{name} {script}\" >> {PROOF}\n"
            );
            items.push(TreeEntry::file(format!("scripts/{script}"), 0o755, text));
        }
        let directory = scratch::create_directory("opkg").join(name);
        file_tree::write_tree(&directory, &items);
        arguments.push(directory.into());
    }
    OpkgcEnvironment::new().run_successfully(arguments);
    output.join(target)
}

fn package_id(name: &str) -> PackageId {
    let place = OPKGS.iter().position(|(other, _)| *other == name).unwrap();
    PackageId(i64::try_from(place).unwrap() + 1)
}

fn name_of(id: PackageId) -> &'static str {
    OPKGS.iter().map(|(name, _)| *name).find(|name| package_id(name) == id).unwrap()
}

fn cluster_of(fixture: &Fixture, root: &impl ManagedRoot) -> Cluster {
    let mut cluster = Cluster::default();
    let mut image = fixture.cluster.targets[&IMAGE].clone();
    image.root = Some(root.path().to_owned());
    cluster.apply(&Change::PutTarget(image));
    for (name, needed) in OPKGS {
        let id = package_id(name);
        cluster.apply(&Change::PutPackage(Package {
            id,
            name: name.parse().unwrap(),
            class: PackageClass::ThirdParty,
            version: None,
            dependencies: needed.into_iter().map(package_id).collect(),
            waiting_for: None,
        }));
        let key = StateKey { target: IMAGE, package: id };
        cluster.apply(&Change::Request { key, stage: Stage::ShouldNotBeInstalled, requested_at: 0 });
        let row = PackageState {
            current: Stage::InstallBinPkgs,
            ..PackageState::new(Stage::ShouldNotBeInstalled, 0)
        };
        cluster.apply(&Change::UpdateState(key, row));
    }
    cluster
}

fn describe(status: &StepStatus) -> String {
    match status {
        StepStatus::Done => "done".to_owned(),
        StepStatus::Failed(FailureReasons::Whole(reason)) => format!("failed: {reason}"),
        StepStatus::Failed(FailureReasons::ByPackage(reasons)) => {
            let reasons = reasons.iter().map(|(id, reason)| format!("\n  {}: {reason}", name_of(*id)));
            format!("failed:{}", reasons.collect::<String>())
        }
        other => format!("{other:?}"),
    }
}

fn try_with<R: ManagedRoot>(name: &str, root: Option<R>) {
    let Some(root) = root else { return };
    let mut site = Site::new(root);
    assert_eq!(site.installed().len(), OPKGS.len());
    let fault = site.root.resolve(&format!("{FAULT_DIR}/broken-client-pre-uninstall"));
    fs::write(&fault, "echo no longer\nexit 7\n").unwrap();
    site.root.put_site_package(SitePackage {
        name: "site-tools",
        requires: Some("opkg-needed-client"),
        file: None,
    });
    let _ = site.take_proof();

    let first = site.run();
    let failures = site.failures();
    assert_eq!(site.installed(), ["broken", "library", "needed"], "{name}: {first}");
    let ran = site.take_proof();
    for innocent in ["monitor", "queue", "tools"] {
        let line = format!("{innocent} client-pre-uninstall");
        assert_eq!(ran.iter().filter(|it| **it == line).count(), 1, "{name}: {line} once in {ran:?}");
    }
    let place = |line: &str| ran.iter().position(|it| it == line);
    assert!(place("queue client-pre-uninstall") < place("tools client-pre-uninstall"), "{name}: {ran:?}");
    assert!(!ran.iter().any(|line| line.starts_with("library")), "what a package needs stays: {ran:?}");
    let states = |site: &Site<R>| {
        let failed = |name: &str| {
            let key = StateKey { target: IMAGE, package: package_id(name) };
            site.fixture.cluster.state(key).unwrap().work_state == WorkState::Failed
        };
        OPKGS.map(|(name, _)| name).into_iter().filter(|name| failed(name)).collect::<Vec<_>>()
    };
    assert_eq!(states(&site), ["broken", "needed"], "{name}: {first}");

    // Both are mended and cleared.
    fs::remove_file(fault).unwrap();
    site.root.take(&["site-tools".to_owned()]);
    let failed: Vec<(StateKey, PackageState)> = site
        .fixture
        .cluster
        .all_states()
        .filter(|(_, row)| row.work_state == WorkState::Failed)
        .map(|(key, row)| (key, PackageState { work_state: WorkState::Idle, failure: None, ..row.clone() }))
        .collect();
    for (key, row) in failed {
        site.fixture.cluster.apply(&Change::UpdateState(key, row));
    }
    let second = site.run();
    assert!(site.installed().is_empty(), "{name}: {second}");
    assert!(states(&site).is_empty(), "{name}: {second}");
    assert_eq!(site.run(), "", "{name}: nothing is left");
    let said = format!("{first}in error:\n{failures}after that:\n{second}");
    insta::assert_snapshot!(format!("together_{name}"), said);
}

#[test]
fn apt() {
    full_disk::with_own_mounts(|| try_with("apt", AptRoot::new()));
}

#[test]
fn dnf() {
    full_disk::with_own_mounts(|| try_with("dnf", RpmManagedRoot::new(RpmManager::Dnf)));
}

#[test]
fn zypper() {
    full_disk::with_own_mounts(|| try_with("zypper", RpmManagedRoot::new(RpmManager::Zypper)));
}
