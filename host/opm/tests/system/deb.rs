//! Packages through `apt-get` and `dpkg` of a whole system in a directory.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use opkg_oda::{Key, PackageId, RunId, Stage};
use opkg_opm::effects::{Effects, Report};
use opkg_opm::machine::{Outcome, Work};
use opkg_opm::system::{Repository, System};
use opkg_tests::layout::{self, Item};
use opkg_tests::opkgc::Opkgc;
use opkg_tests::roots::debian;
use opkg_tests::roots::system::Root;
use opkg_tests::{process, scratch, tools};

use crate::bench::{Bench, DEMO, OTHER, SERVER};

const TARGET: &str = "debian-12";

/// What packages need from outside.
const STUBS: [&str; 3] = ["oscar-data", "liboscar-server", "liboscar-client"];

struct Cluster {
    bench: Bench,
    root: Root,
    source: PathBuf,
}

impl Cluster {
    fn new() -> Option<Self> {
        if !tools::available(&["dpkg-deb"]) {
            return None;
        }
        let root = debian::create()?;
        let mut bench = Bench::new();
        bench.cluster.targets.get_mut(&SERVER).unwrap().root = Some(root.path().to_owned());
        let source = scratch::directory("source").join(TARGET);
        std::fs::create_dir(&source).unwrap();
        bench.config.repositories.push(Repository {
            location: source.display().to_string(),
            unauthenticated: true,
            targets: vec!["server".parse().unwrap()],
        });
        bench.config.limits.package_manager = Duration::from_secs(300);
        for name in STUBS {
            let tree = scratch::directory("stub");
            let control = format!(
                "Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: Test Er <test@example.org>\n\
                 Description: stands for a package from outside\n"
            );
            std::fs::create_dir(tree.join("DEBIAN")).unwrap();
            std::fs::write(tree.join("DEBIAN/control"), control).unwrap();
            let mut pack = Command::new("dpkg-deb");
            pack.args(["--root-owner-group", "-Zgzip", "--build"]).arg(tree);
            process::succeed(pack.arg(source.join(format!("{name}_1_all.deb"))));
        }
        Some(Self { bench, root, source })
    }

    /// Builds a package whose scripts prove that they ran, all but those that fail.
    fn build(&self, name: &str, version: &str, failing: &[&str]) {
        let config = layout::config(name, "").replace("1.0-1", version);
        let mut items = vec![Item::file("config.xml", 0o644, config)];
        for script in ["api-post-install", "server-post-install", "server-post-uninstall"] {
            let end = if failing.contains(&script) { "echo broken; exit 7\n" } else { "" };
            let text = format!("#!/bin/sh\necho \"{script} $1 of {version}\" >> /proof\n{end}");
            items.push(Item::file(format!("scripts/{script}"), 0o755, text));
        }
        let directory = scratch::directory("opkg").join(name);
        layout::write(&directory, &items);
        let output = self.source.parent().unwrap();
        let arguments: [OsString; 6] =
            ["--dist".into(), TARGET.into(), "--repo".into(), "-o".into(), output.into(), directory.into()];
        Opkgc::new().succeed(arguments);
    }

    fn install(&self, system: &mut System, stage: Stage, packages: &[PackageId]) -> Report {
        let work = Work::Install { target: SERVER, stage, packages: packages.to_vec() };
        system.perform(&self.bench.cluster, &work, RunId(1))
    }

    fn remove(&self, system: &mut System, to: Stage) -> Report {
        let work = Work::Remove { key: Key { target: SERVER, package: DEMO }, to };
        system.perform(&self.bench.cluster, &work, RunId(1))
    }

    /// The OPKGs' packages that dpkg knows, with their states.
    fn states(&self) -> Vec<String> {
        let listed =
            self.root.succeed(["dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Status}\n"]);
        listed.lines().filter(|it| it.starts_with("opkg-")).map(str::to_owned).collect()
    }

    fn proof(&self) -> Vec<String> {
        let proof = self.root.at("/proof");
        let text = std::fs::read_to_string(&proof).unwrap_or_default();
        let _ = std::fs::remove_file(proof);
        text.lines().map(str::to_owned).collect()
    }
}

#[test]
fn a_package_on_all_its_ways() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.build("demo", "1.0-1", &[]);
    let mut system = cluster.bench.system();
    let report = cluster.install(&mut system, Stage::ShouldBeInstalled, &[DEMO]);
    assert_eq!(report.outcome, Outcome::Done, "{}", report.tail);
    assert_eq!(report.learned[0].version.as_deref(), Some("1.0-1"));
    assert!(report.tail.contains("Setting up opkg-demo (1.0-1)"), "{}", report.tail);
    let report = cluster.install(&mut system, Stage::InstallBinPkgs, &[DEMO]);
    assert_eq!(report.outcome, Outcome::Done, "{}", report.tail);
    assert_eq!(cluster.states(), ["opkg-demo 1.0-1 installed", "opkg-demo-server 1.0-1 installed"]);
    assert_eq!(
        cluster.proof(),
        ["api-post-install configure of 1.0-1", "server-post-install configure of 1.0-1"]
    );

    cluster.build("demo", "2.0-1", &[]);
    let mut system = cluster.bench.system();
    for stage in [Stage::ShouldBeInstalled, Stage::InstallBinPkgs] {
        let report = cluster.install(&mut system, stage, &[DEMO]);
        assert_eq!(report.outcome, Outcome::Done, "{}", report.tail);
    }
    assert_eq!(cluster.states(), ["opkg-demo 2.0-1 installed", "opkg-demo-server 2.0-1 installed"]);
    let _ = cluster.proof();

    let confirm = Work::Confirm { target: SERVER, packages: vec![DEMO, OTHER] };
    let report = system.perform(&cluster.bench.cluster, &confirm, RunId(1));
    assert_eq!(report.outcome, Outcome::Present([DEMO].into()));
    assert_eq!(cluster.remove(&mut system, Stage::ShouldBeInstalled).outcome, Outcome::Done);
    assert_eq!(cluster.states(), ["opkg-demo 2.0-1 installed"]);
    assert_eq!(
        cluster.proof(),
        ["server-post-uninstall remove of 2.0-1", "server-post-uninstall purge of 2.0-1"]
    );
    assert_eq!(cluster.remove(&mut system, Stage::ShouldNotBeInstalled).outcome, Outcome::Done);
    assert!(cluster.states().is_empty(), "{:?}", cluster.states());
    assert_eq!(cluster.remove(&mut system, Stage::ShouldNotBeInstalled).outcome, Outcome::Done);
    assert!(
        !cluster.root.at(cluster.source.to_str().unwrap()).exists(),
        "nothing is left of the source's place"
    );
}

#[test]
fn a_package_whose_script_fails_can_be_tried_again() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.build("demo", "1.0-1", &["server-post-install"]);
    cluster.build("other", "1.0-1", &[]);
    let mut system = cluster.bench.system();
    let report = cluster.install(&mut system, Stage::InstallBinPkgs, &[DEMO, OTHER]);
    let Outcome::Together(reason) = &report.outcome else { panic!("{report:?}") };
    assert_eq!(
        reason,
        "apt-get ended with exit status 100: E: Sub-process /usr/bin/dpkg returned an error code (1)"
    );
    assert!(report.tail.contains("broken"), "{}", report.tail);
    // A corrected one replaces the one that is half there.
    cluster.build("demo", "1.1-1", &[]);
    let mut system = cluster.bench.system();
    let report = cluster.install(&mut system, Stage::InstallBinPkgs, &[DEMO]);
    assert_eq!(report.outcome, Outcome::Done, "{}", report.tail);
    assert!(cluster.states().contains(&"opkg-demo-server 1.1-1 installed".to_owned()));
}
