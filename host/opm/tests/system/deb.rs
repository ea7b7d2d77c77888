//! Packages through `apt-get` and `dpkg` of a whole system in a directory.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use opkg_engine::effects::{Effects, Report};
use opkg_engine::machine::{Install, InstallOutcome, Remove, VerifyInherited};
use opkg_oda::{PackageId, RunId, Stage, StateKey};
use opkg_opm::{Repository, System};
use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::roots::chroot::SystemRoot;
use opkg_tests::roots::debian;
use opkg_tests::{process, scratch, tools};

use crate::fixture::{DEMO, Fixture, OTHER, SERVER, StepReport, assert_installed, transaction_error};

const TARGET: &str = "debian-12";

/// What packages need from outside.
const STUBS: [&str; 3] = ["oscar-data", "liboscar-server", "liboscar-client"];

struct DebFixture {
    fixture: Fixture,
    root: SystemRoot,
    source: PathBuf,
}

impl DebFixture {
    fn new() -> Option<Self> {
        if !tools::all_installed(&["dpkg-deb"]) {
            return None;
        }
        let root = debian::create()?;
        let mut fixture = Fixture::new();
        fixture.cluster.targets.get_mut(&SERVER).unwrap().root = Some(root.path().to_owned());
        let source = scratch::create_directory("source").join(TARGET);
        std::fs::create_dir(&source).unwrap();
        fixture.config.repositories.push(Repository {
            location: source.display().to_string(),
            unauthenticated: true,
            targets: vec!["server".parse().unwrap()],
        });
        fixture.config.limits.package_manager = Duration::from_secs(300);
        for name in STUBS {
            let tree = scratch::create_directory("stub");
            let control = format!(
                "Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: Test Er <test@example.org>\n\
                 Description: stands for a package from outside\n"
            );
            std::fs::create_dir(tree.join("DEBIAN")).unwrap();
            std::fs::write(tree.join("DEBIAN/control"), control).unwrap();
            let mut pack = Command::new("dpkg-deb");
            pack.args(["--root-owner-group", "-Zgzip", "--build"]).arg(tree);
            process::run_successfully(pack.arg(source.join(format!("{name}_1_all.deb"))));
        }
        Some(Self { fixture, root, source })
    }

    /// Builds a package whose scripts prove that they ran, all but those that fail.
    fn build(&self, name: &str, version: &str, failing: &[&str]) {
        let config = file_tree::minimal_config(name, "").replace("1.0-1", version);
        let mut items = vec![TreeEntry::file("config.xml", 0o644, config)];
        for script in ["api-post-install", "server-post-install", "server-post-uninstall"] {
            let end = if failing.contains(&script) { "echo broken; exit 7\n" } else { "" };
            let text = format!("#!/bin/sh\necho \"{script} $1 of {version}\" >> /proof\n{end}");
            items.push(TreeEntry::file(format!("scripts/{script}"), 0o755, text));
        }
        let directory = scratch::create_directory("opkg").join(name);
        file_tree::write_tree(&directory, &items);
        let output = self.source.parent().unwrap();
        let arguments: [OsString; 6] =
            ["--dist".into(), TARGET.into(), "--repo".into(), "-o".into(), output.into(), directory.into()];
        OpkgcEnvironment::new().run_successfully(arguments);
    }

    fn install(&self, system: &mut System, stage: Stage, packages: &[PackageId]) -> Report<InstallOutcome> {
        let step = Install { target: SERVER, stage, packages: packages.to_vec() };
        system.install(&self.fixture.cluster, &step, RunId(1))
    }

    fn remove(&self, system: &mut System, down_to: Stage) -> StepReport {
        let step = Remove { key: StateKey { target: SERVER, package: DEMO }, down_to };
        system.remove(&self.fixture.cluster, &step, RunId(1))
    }

    /// The OPKGs' packages that dpkg knows, with their states.
    fn package_states(&self) -> Vec<String> {
        let listed = self.root.run_successfully([
            "dpkg-query",
            "-W",
            "-f",
            "${Package} ${Version} ${db:Status-Status}\n",
        ]);
        listed.lines().filter(|it| it.starts_with("opkg-")).map(str::to_owned).collect()
    }

    fn script_markers(&self) -> Vec<String> {
        let proof = self.root.resolve("/proof");
        let text = std::fs::read_to_string(&proof).unwrap_or_default();
        let _ = std::fs::remove_file(proof);
        text.lines().map(str::to_owned).collect()
    }
}

#[test]
fn a_package_on_all_its_ways() {
    let Some(cluster) = DebFixture::new() else { return };
    cluster.build("demo", "1.0-1", &[]);
    let mut system = cluster.fixture.system();
    let report = cluster.install(&mut system, Stage::ShouldBeInstalled, &[DEMO]);
    assert_eq!(assert_installed(&report)[0].version.as_deref(), Some("1.0-1"));
    assert!(report.trace.tail.contains("Setting up opkg-demo (1.0-1)"), "{}", report.trace.tail);
    let report = cluster.install(&mut system, Stage::InstallBinPkgs, &[DEMO]);
    assert_installed(&report);
    assert_eq!(cluster.package_states(), ["opkg-demo 1.0-1 installed", "opkg-demo-server 1.0-1 installed"]);
    assert_eq!(
        cluster.script_markers(),
        ["api-post-install configure of 1.0-1", "server-post-install configure of 1.0-1"]
    );

    cluster.build("demo", "2.0-1", &[]);
    let mut system = cluster.fixture.system();
    for stage in [Stage::ShouldBeInstalled, Stage::InstallBinPkgs] {
        let report = cluster.install(&mut system, stage, &[DEMO]);
        assert_installed(&report);
    }
    assert_eq!(cluster.package_states(), ["opkg-demo 2.0-1 installed", "opkg-demo-server 2.0-1 installed"]);
    let _ = cluster.script_markers();

    let step = VerifyInherited { target: SERVER, packages: vec![DEMO, OTHER] };
    let report = system.verify_inherited(&cluster.fixture.cluster, &step, RunId(1));
    assert_eq!(report.outcome, Ok([DEMO].into()));
    assert_eq!(cluster.remove(&mut system, Stage::ShouldBeInstalled).outcome, Ok(()));
    assert_eq!(cluster.package_states(), ["opkg-demo 2.0-1 installed"]);
    assert_eq!(
        cluster.script_markers(),
        ["server-post-uninstall remove of 2.0-1", "server-post-uninstall purge of 2.0-1"]
    );
    assert_eq!(cluster.remove(&mut system, Stage::ShouldNotBeInstalled).outcome, Ok(()));
    assert!(cluster.package_states().is_empty(), "{:?}", cluster.package_states());
    assert_eq!(cluster.remove(&mut system, Stage::ShouldNotBeInstalled).outcome, Ok(()));
    assert!(
        !cluster.root.resolve(cluster.source.to_str().unwrap()).exists(),
        "nothing is left of the source's place"
    );
}

#[test]
fn a_package_whose_script_fails_can_be_tried_again() {
    let Some(cluster) = DebFixture::new() else { return };
    cluster.build("demo", "1.0-1", &["server-post-install"]);
    cluster.build("other", "1.0-1", &[]);
    let mut system = cluster.fixture.system();
    let report = cluster.install(&mut system, Stage::InstallBinPkgs, &[DEMO, OTHER]);
    assert_eq!(
        transaction_error(&report),
        "apt-get ended with exit status 100: E: Sub-process /usr/bin/dpkg returned an error code (1)"
    );
    assert!(report.trace.tail.contains("broken"), "{}", report.trace.tail);
    // A corrected one replaces the one that is half there.
    cluster.build("demo", "1.1-1", &[]);
    let mut system = cluster.fixture.system();
    let report = cluster.install(&mut system, Stage::InstallBinPkgs, &[DEMO]);
    assert_installed(&report);
    assert!(cluster.package_states().contains(&"opkg-demo-server 1.1-1 installed".to_owned()));
}
