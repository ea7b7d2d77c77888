//! Packages through `apt-get` and `dpkg` of a whole system in a directory.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use opkg_engine::effects::{Effects, Report};
use opkg_engine::machine::{Install, InstallOutcome, Remove, VerifyInherited};
use opkg_oda::{PackageId, RunId, Stage, StateKey};
use opkg_opm::{Repository, System};
use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::roots::chroot::SystemRoot;
use opkg_tests::roots::debian;
use opkg_tests::{inspect, scratch, tools};

use crate::fixture::{
    DEMO, Fixture, OTHER, SERVER, StepReport, assert_installed, failure_reason, package_failures,
    removal_of_one, transaction_error,
};

const TARGET: &str = "debian-12";

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
            name: None,
            unauthenticated: true,
            targets: vec!["server".parse().unwrap()],
        });
        fixture.config.limits.package_manager = Duration::from_secs(300);
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

    /// Installs a package of the site's own, with these fields and this script.
    fn install_site_package(&self, name: &str, fields: &str, script: (&str, &str)) {
        self.root.write(
            &format!("/site/{name}/DEBIAN/control"),
            &format!(
                "Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: Test Er <test@example.org>\n{fields}\
                 Description: a package of the site\n"
            ),
        );
        let (script, text) = script;
        self.root.write(&format!("/site/{name}/DEBIAN/{script}"), text);
        self.root.run_successfully(["chmod", "755", &format!("/site/{name}/DEBIAN/{script}")]);
        let file = format!("/site/{name}.deb");
        self.root.run_successfully(["dpkg-deb", "--build", &format!("/site/{name}"), &file]);
        self.root.run_successfully(["dpkg", "--install", &file]);
    }

    fn install(&self, system: &mut System, stage: Stage, packages: &[PackageId]) -> Report<InstallOutcome> {
        let step = Install { target: SERVER, stage, packages: packages.to_vec() };
        system.install(&self.fixture.cluster, &step, RunId(1))
    }

    fn remove(&self, system: &mut System, down_to: Stage) -> StepReport {
        let step = Remove { target: SERVER, packages: vec![DEMO], down_to };
        removal_of_one(system.remove(&self.fixture.cluster, &step, RunId(1)))
    }

    /// The OPKGs' packages that dpkg knows, with their states.
    fn package_states(&self) -> Vec<String> {
        let listed = self.root.run_successfully([
            "dpkg-query",
            "-W",
            "-f",
            "${Package} ${Version} ${db:Status-Status}\n",
        ]);
        let is_of_opkg =
            |line: &&str| line.starts_with("opkg-") && !line.starts_with(inspect::FILESYSTEM_PACKAGE);
        listed.lines().filter(is_of_opkg).map(str::to_owned).collect()
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
    assert!(report.trace.tail.contains("Setting up opkg-demo (1.0-1+deb12)"), "{}", report.trace.tail);
    let report = cluster.install(&mut system, Stage::InstallBinPkgs, &[DEMO]);
    assert_installed(&report);
    assert_eq!(
        cluster.package_states(),
        ["opkg-demo 1.0-1+deb12 installed", "opkg-demo-server 1.0-1+deb12 installed"]
    );
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
    assert_eq!(
        cluster.package_states(),
        ["opkg-demo 2.0-1+deb12 installed", "opkg-demo-server 2.0-1+deb12 installed"]
    );
    let _ = cluster.script_markers();

    let step = VerifyInherited { target: SERVER, packages: vec![DEMO, OTHER] };
    let report = system.verify_inherited(&cluster.fixture.cluster, &step, RunId(1));
    assert_eq!(report.outcome, Ok([DEMO].into()));
    assert_eq!(cluster.remove(&mut system, Stage::ShouldBeInstalled).outcome, Ok(()));
    assert_eq!(cluster.package_states(), ["opkg-demo 2.0-1+deb12 installed"]);
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
    let told: Vec<_> = package_failures(&report).iter().map(|(id, reason)| (*id, reason.as_str())).collect();
    let reason = "the post-installation script of opkg-demo-server failed with exit status 7: broken \
                  (opkg-demo-server is half-configured now)";
    assert_eq!(told, [(DEMO, reason)], "the other one is installed");
    assert!(cluster.package_states().contains(&"opkg-other-server 1.0-1+deb12 installed".to_owned()));
    assert!(report.trace.tail.contains("broken"), "{}", report.trace.tail);
    // A corrected one replaces the one that is half there.
    cluster.build("demo", "1.1-1", &[]);
    let mut system = cluster.fixture.system();
    let report = cluster.install(&mut system, Stage::InstallBinPkgs, &[DEMO]);
    assert_installed(&report);
    assert!(cluster.package_states().contains(&"opkg-demo-server 1.1-1+deb12 installed".to_owned()));
}

#[test]
fn what_others_need_stays() {
    let Some(cluster) = DebFixture::new() else { return };
    cluster.build("demo", "1.0-1", &[]);
    let mut system = cluster.fixture.system();
    assert_installed(&cluster.install(&mut system, Stage::InstallBinPkgs, &[DEMO]));
    cluster.install_site_package("site-tools", "Depends: opkg-demo-server\n", ("postinst", "#!/bin/sh\n"));
    let before = cluster.root.run_successfully(["dpkg-query", "-W"]);
    assert_eq!(
        failure_reason(&cluster.remove(&mut system, Stage::ShouldBeInstalled)),
        "dpkg failed: others need opkg-demo-server: site-tools depends on opkg-demo-server"
    );
    assert_eq!(cluster.root.run_successfully(["dpkg-query", "-W"]), before);
}

#[test]
fn nothing_goes_for_an_installation() {
    let Some(cluster) = DebFixture::new() else { return };
    cluster.build("demo", "1.0-1", &[]);
    cluster.install_site_package("site-tools", "Conflicts: opkg-demo-server\n", ("postinst", "#!/bin/sh\n"));
    let before = cluster.root.run_successfully(["dpkg-query", "-W"]);
    let mut system = cluster.fixture.system();
    let report = cluster.install(&mut system, Stage::InstallBinPkgs, &[DEMO]);
    let reason = transaction_error(&report);
    assert!(reason.contains("site-tools"), "{reason}");
    assert_eq!(cluster.root.run_successfully(["dpkg-query", "-W"]), before);
}

/// A script that fails, and a loss of power: dpkg has the package half installed, and no longer request can be met before
/// that is ended.
#[test]
fn what_is_half_removed_is_neither_there_nor_gone() {
    let Some(cluster) = DebFixture::new() else { return };
    cluster.build("demo", "1.0-1", &["server-post-uninstall"]);
    let mut system = cluster.fixture.system();
    assert_installed(&cluster.install(&mut system, Stage::InstallBinPkgs, &[DEMO]));
    let reason = "the post-removal script of opkg-demo-server failed with exit status 7: broken \
                  (opkg-demo-server is half-installed now)";
    for _ in 0..2 {
        assert_eq!(failure_reason(&cluster.remove(&mut system, Stage::ShouldBeInstalled)), reason);
    }
    let step = VerifyInherited { target: SERVER, packages: vec![DEMO] };
    let report = system.verify_inherited(&cluster.fixture.cluster, &step, RunId(1));
    assert_eq!(report.outcome, Ok([].into()));
    // Somebody mends it.
    cluster.root.write("/var/lib/dpkg/info/opkg-demo-server.postrm", "#!/bin/sh\n");
    assert_eq!(cluster.remove(&mut system, Stage::ShouldBeInstalled).outcome, Ok(()));
    assert_eq!(cluster.package_states(), ["opkg-demo 1.0-1+deb12 installed"]);

    for (state, flag) in
        [("half-installed", "ok"), ("half-installed", "reinstreq"), ("half-configured", "ok")]
    {
        cluster.build("demo", "1.0-1", &[]);
        let mut system = cluster.fixture.system();
        assert_installed(&cluster.install(&mut system, Stage::InstallBinPkgs, &[DEMO]));
        cut_power(&cluster, state, flag);
        assert_installed(&cluster.install(&mut system, Stage::InstallBinPkgs, &[DEMO]));
        cut_power(&cluster, state, flag);
        assert_eq!(cluster.remove(&mut system, Stage::ShouldBeInstalled).outcome, Ok(()), "{state} {flag}");
        assert_eq!(cluster.package_states(), ["opkg-demo 1.0-1+deb12 installed"], "{state} {flag}");
    }
}

/// Leaves the package's part for servers in a state as if power had failed in the middle.
fn cut_power(cluster: &DebFixture, state: &str, flag: &str) {
    let path = cluster.root.resolve("/var/lib/dpkg/status");
    let text = std::fs::read_to_string(&path).unwrap();
    let cut = text.split("\n\n").map(|paragraph| match paragraph.contains("Package: opkg-demo-server\n") {
        true => paragraph.replace("Status: install ok installed", &format!("Status: install {flag} {state}")),
        false => paragraph.to_owned(),
    });
    let cut = cut.collect::<Vec<_>>().join("\n\n");
    assert_ne!(cut, text);
    std::fs::write(path, cut).unwrap();
}

#[test]
fn a_stage_that_runs_again_runs_its_scripts_again() {
    let Some(mut cluster) = DebFixture::new() else { return };
    cluster.build("demo", "1.0-1", &[]);
    let mut system = cluster.fixture.system();
    assert_installed(&cluster.install(&mut system, Stage::InstallBinPkgs, &[DEMO]));
    let _ = cluster.script_markers();
    let key = StateKey { target: SERVER, package: DEMO };
    let row = cluster.fixture.cluster.state(key).unwrap().clone();
    cluster.fixture.cluster.apply(&opkg_oda::Change::UpdateState(
        key,
        opkg_oda::PackageState { current: Stage::Finished, ..row },
    ));
    assert_installed(&cluster.install(&mut system, Stage::InstallBinPkgs, &[DEMO]));
    assert!(
        cluster.script_markers().contains(&"server-post-install configure of 1.0-1".to_owned()),
        "its scripts have not run"
    );
}

/// An older one and a newer one than what is there, on both stages of the head node; and none that nobody has.
#[test]
fn the_version_that_was_chosen_is_installed() {
    let Some(mut cluster) = DebFixture::new() else { return };
    for version in ["1.0-1", "1.1-1", "2.0-1"] {
        cluster.build("demo", version, &[]);
    }
    let both = |version: &str| {
        ["opkg-demo", "opkg-demo-server"].map(|name| format!("{name} {version}+deb12 installed"))
    };
    // Nothing is there as yet, and what the part needs comes in the same version.
    cluster.fixture.pin(Some("1.1-1"));
    let mut system = cluster.fixture.system();
    assert_installed(&cluster.install(&mut system, Stage::InstallBinPkgs, &[DEMO]));
    assert_eq!(cluster.package_states(), both("1.1-1"));
    for (pinned, expected) in [(Some("1.0-1"), "1.0-1"), (None, "2.0-1")] {
        cluster.fixture.pin(pinned);
        for stage in [Stage::ShouldBeInstalled, Stage::InstallBinPkgs] {
            assert_installed(&cluster.install(&mut system, stage, &[DEMO]));
            assert_eq!(cluster.package_states(), both(expected), "{pinned:?} {stage}");
        }
    }
    cluster.fixture.pin(Some("3.0-1"));
    let report = cluster.install(&mut system, Stage::ShouldBeInstalled, &[DEMO]);
    assert_eq!(
        transaction_error(&report),
        "no package source has 3.0-1 of demo; there are 2.0-1+deb12, 1.1-1+deb12, 1.0-1+deb12"
    );
    assert_eq!(cluster.package_states(), both("2.0-1"));

    // A stage that runs again is about the version that is there.
    cluster.fixture.pin(Some("1.0-1"));
    for stage in [Stage::ShouldBeInstalled, Stage::InstallBinPkgs] {
        assert_installed(&cluster.install(&mut system, stage, &[DEMO]));
    }
    cluster.fixture.note_finished(SERVER);
    let _ = cluster.script_markers();
    assert_installed(&cluster.install(&mut system, Stage::InstallBinPkgs, &[DEMO]));
    assert!(cluster.script_markers().contains(&"server-post-install configure of 1.0-1".to_owned()));
    assert_eq!(cluster.package_states(), both("1.0-1"));
}

/// apt that may downgrade what was asked for may downgrade others as well, where somebody prefers an older one of those.
#[test]
fn nothing_else_is_downgraded_for_a_version() {
    let Some(mut cluster) = DebFixture::new() else { return };
    let deb = |name: &str, version: &str, fields: &str| {
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Test Er <test@example.org>\n{fields}\
             Description: a package of the site\n"
        );
        cluster.root.write(&format!("/site/{name}-{version}/DEBIAN/control"), &control);
        let file = format!("/site/{name}_{version}_all.deb");
        cluster.root.run_successfully(["dpkg-deb", "--build", &format!("/site/{name}-{version}"), &file]);
        cluster.root.resolve(&file)
    };
    let newer = deb("site-lib", "2", "");
    cluster.root.run_successfully(["dpkg", "--install", "/site/site-lib_2_all.deb"]);
    std::fs::remove_file(newer).unwrap();
    // Built after what it stands beside, so that the index lists all of them.
    std::fs::create_dir_all(&cluster.source).unwrap();
    for file in [
        deb("site-lib", "1", ""),
        deb("opkg-demo-server", "1.0-1", "Depends: site-lib (<< 2)\n"),
        deb("opkg-demo-server", "0.9-1", ""),
    ] {
        std::fs::copy(&file, cluster.source.join(file.file_name().unwrap())).unwrap();
    }
    cluster.build("other", "1.0-1", &[]);
    cluster
        .root
        .write("/etc/apt/preferences.d/site", "Package: site-lib\nPin: version 1\nPin-Priority: 1001\n");
    let versions =
        || cluster.root.run_successfully(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", "site-lib"]);
    cluster.fixture.pin(Some("1.0-1"));
    let mut system = cluster.fixture.system();
    let report = system.install(
        &cluster.fixture.cluster,
        &Install { target: SERVER, stage: Stage::InstallBinPkgs, packages: vec![DEMO] },
        RunId(1),
    );
    assert_eq!(
        transaction_error(&report),
        "it would downgrade site-lib, which nobody asked for: nothing was changed"
    );
    assert_eq!(versions(), "site-lib 2\n");
    cluster.fixture.pin(Some("0.9-1"));
    assert_installed(&cluster.install(&mut system, Stage::InstallBinPkgs, &[DEMO]));
    assert_eq!(versions(), "site-lib 2\n");
}
