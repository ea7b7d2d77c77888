//! Packages through `dnf` and `rpm` of this machine, in roots of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use opkg_engine::effects::{Effects, Report};
use opkg_engine::machine::{Install, InstallOutcome, Remove, VerifyInherited};
use opkg_oda::{PackageClass, PackageId, RunId, Stage, StateKey, TargetId};
use opkg_opm::{Repository, System};
use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::roots::rpm::{self, RpmRoot};
use opkg_tests::{inspect, process, scratch};

use crate::fixture::{
    CLIENT, DEMO, Fixture, IMAGE, OTHER, SERVER, StepReport, assert_installed, failure_reason,
    package_failures, removal_of_one, transaction_error,
};

const TARGET: &str = "rhel-9";

/// The fixture, with roots that RPMs can be installed in, and a source of packages.
struct RpmFixture {
    fixture: Fixture,
    roots: BTreeMap<TargetId, RpmRoot>,
    source: PathBuf,
}

impl RpmFixture {
    fn new() -> Option<Self> {
        if !rpm::is_supported() {
            return None;
        }
        let mut fixture = Fixture::new();
        let mut roots = BTreeMap::new();
        for target in [SERVER, IMAGE, CLIENT] {
            let root = RpmRoot::new();
            fs::write(
                root.path().join("etc/os-release"),
                "ID=\"rocky\"\nID_LIKE=\"rhel\"\nVERSION_ID=\"9.4\"\n",
            )
            .unwrap();
            // As the distribution has it.
            fs::create_dir_all(root.path().join("etc/dnf")).unwrap();
            fs::write(root.path().join("etc/dnf/dnf.conf"), "[main]\nbest=True\n").unwrap();
            fixture.cluster.targets.get_mut(&target).unwrap().root = Some(root.path().to_owned());
            roots.insert(target, root);
        }
        let output = scratch::create_directory("source");
        let source = output.join(TARGET);
        fixture.config.repositories.push(Repository {
            location: source.display().to_string(),
            name: None,
            unauthenticated: true,
            targets: Vec::new(),
        });
        // Where rpm keeps its database may depend on it.
        let home = roots[&SERVER].path().parent().unwrap().join("home").display().to_string();
        fixture.config.environment = vec![("HOME".into(), home), ("PROOF".into(), "/proof".into())];
        fixture.config.limits.package_manager = Duration::from_secs(120);
        Some(Self { fixture, roots, source })
    }

    /// Builds a package whose scripts prove that they ran, all but those that fail.
    fn build(&self, name: &str, version: &str, failing: &[&str]) {
        let config = file_tree::minimal_config(name, "").replace("1.0-1", version);
        let mut items = vec![TreeEntry::file("config.xml", 0o644, config)];
        for script in
            ["api-post-install", "server-post-install", "client-post-install", "client-pre-uninstall"]
        {
            let end = if failing.contains(&script) { "echo broken; exit 7\n" } else { "" };
            let text = format!("#!/bin/sh\necho \"{script} of {version}\" >> /proof\n{end}");
            items.push(TreeEntry::file(format!("scripts/{script}"), 0o755, text));
        }
        let directory = scratch::create_directory("opkg").join(name);
        file_tree::write_tree(&directory, &items);
        let output = self.source.parent().unwrap();
        let arguments: [OsString; 6] =
            ["--dist".into(), TARGET.into(), "--repo".into(), "-o".into(), output.into(), directory.into()];
        OpkgcEnvironment::new().run_successfully(arguments);
        self.stand_in();
    }

    /// Builds a package from the rest of a spec.
    fn build_spec(&self, name: &str, version: &str, rest: &str) -> PathBuf {
        let spec = format!(
            "Name: {name}\nVersion: {version}\nRelease: 1\nSummary: Test\nLicense: none\nBuildArch: noarch\n\
             AutoReqProv: no\n{rest}\n%description\nTest.\n%files\n"
        );
        let directory = scratch::create_directory("spec");
        fs::write(directory.join("x.spec"), spec).unwrap();
        let top = format!("_topdir {}", directory.display());
        process::run_successfully(
            Command::new("rpmbuild").args(["-bb", "--define", &top]).arg(directory.join("x.spec")),
        );
        directory.join(format!("RPMS/noarch/{name}-{version}-1.noarch.rpm"))
    }

    /// Puts a package into a root by RPM alone.
    fn put(&self, target: TargetId, package: &Path) {
        let options = ["-i", "--force", "--nodeps"].map(AsRef::<std::ffi::OsStr>::as_ref);
        let ended = self.roots[&target].rpm(options.into_iter().chain([package.as_os_str()]));
        assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
    }

    /// Notes that the stage failed before.
    fn note_failed_attempt(&mut self, target: TargetId) {
        let key = StateKey { target, package: DEMO };
        let row = self.fixture.cluster.state(key).unwrap().clone();
        let again = opkg_oda::PackageState { attempts: 2, ..row };
        self.fixture.cluster.apply(&opkg_oda::Change::UpdateState(key, again));
    }

    fn stand_in(&self) {
        let files = inspect::package_files(&self.source);
        let packages: Vec<PathBuf> =
            files.into_iter().filter(|it| it.extension().is_some_and(|it| it == "rpm")).collect();
        self.roots.values().for_each(|root| root.install_stub(&packages));
    }

    fn install(
        &self,
        system: &mut System,
        target: TargetId,
        stage: Stage,
        packages: &[PackageId],
    ) -> Report<InstallOutcome> {
        let step = Install { target, stage, packages: packages.to_vec() };
        system.install(&self.fixture.cluster, &step, RunId(1))
    }

    fn remove(&self, system: &mut System, target: TargetId, down_to: Stage) -> StepReport {
        let step = Remove { target, packages: vec![DEMO], down_to };
        removal_of_one(system.remove(&self.fixture.cluster, &step, RunId(1)))
    }

    fn installed(&self, target: TargetId) -> Vec<String> {
        self.roots[&target]
            .installed()
            .into_iter()
            .filter(|(name, _)| name != inspect::FILESYSTEM_PACKAGE)
            .map(|(name, version)| format!("{name} {version}"))
            .collect()
    }
}

#[test]
fn a_package_on_all_its_ways() {
    let Some(cluster) = RpmFixture::new() else { return };
    cluster.build("demo", "1.0-1", &[]);
    let mut system = cluster.fixture.system();
    let report = cluster.install(&mut system, SERVER, Stage::ShouldBeInstalled, &[DEMO]);
    let learned = &assert_installed(&report)[0];
    assert_eq!(
        (learned.name.as_str(), learned.class, learned.version.as_deref()),
        ("demo", PackageClass::Included, Some("1.0-1"))
    );
    assert!(
        report.trace.tail.contains("Complete!") || report.trace.tail.contains("Installed:"),
        "{}",
        report.trace.tail
    );
    let report = cluster.install(&mut system, SERVER, Stage::InstallBinPkgs, &[DEMO]);
    assert!(assert_installed(&report).is_empty());
    assert_eq!(cluster.installed(SERVER), ["opkg-demo 1.0-1.el9", "opkg-demo-server 1.0-1.el9"]);
    assert_eq!(
        cluster.roots[&SERVER].take_proof(),
        ["api-post-install of 1.0-1", "server-post-install of 1.0-1"]
    );

    let report = cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]);
    assert_installed(&report);
    assert_eq!(cluster.installed(IMAGE), ["opkg-demo-client 1.0-1.el9"]);
    let find_present = |target| {
        let step = VerifyInherited { target, packages: vec![DEMO, OTHER] };
        system.verify_inherited(&cluster.fixture.cluster, &step, RunId(1)).outcome.unwrap()
    };
    assert_eq!(find_present(IMAGE), BTreeSet::from([DEMO]));
    assert_eq!(find_present(CLIENT), BTreeSet::new());

    // A newer one, in another run.
    cluster.build("demo", "2.0-1", &[]);
    let mut system = cluster.fixture.system();
    let report = cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]);
    assert_installed(&report);
    assert_eq!(cluster.installed(IMAGE), ["opkg-demo-client 2.0-1.el9"]);

    let _ = cluster.roots[&IMAGE].take_proof();
    assert_eq!(cluster.remove(&mut system, IMAGE, Stage::ShouldBeInstalled).outcome, Ok(()));
    assert_eq!(cluster.roots[&IMAGE].take_proof(), ["client-pre-uninstall of 2.0-1"]);
    let again = cluster.remove(&mut system, IMAGE, Stage::ShouldNotBeInstalled);
    assert_eq!(again.outcome, Ok(()), "what is not there need not be removed");
    assert_eq!(cluster.remove(&mut system, SERVER, Stage::ShouldBeInstalled).outcome, Ok(()));
    assert_eq!(cluster.installed(SERVER), ["opkg-demo 1.0-1.el9"]);
    assert_eq!(cluster.remove(&mut system, SERVER, Stage::ShouldNotBeInstalled).outcome, Ok(()));
    assert!(cluster.installed(SERVER).is_empty() && cluster.installed(IMAGE).is_empty());
}

#[test]
fn what_cannot_be_installed_fails_together_and_then_alone() {
    let Some(cluster) = RpmFixture::new() else { return };
    cluster.build("demo", "1.0-1", &[]);
    let mut system = cluster.fixture.system();
    let report = cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO, OTHER]);
    let InstallOutcome::Installed { failures, untouched, .. } = &report.outcome else { panic!("{report:?}") };
    assert_eq!(failures[&OTHER], "no package source has opkg-other-client");
    let reason = &untouched[&DEMO];
    assert_eq!(reason, "dnf failed: no package source has opkg-other-client");
    assert_eq!(report.trace.exit_code, Some(1));
    assert!(fs::read_to_string(report.trace.log.unwrap()).unwrap().contains("opkg-other-client"));
    let alone = cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[OTHER]);
    assert_eq!(package_failures(&alone)[&OTHER], "no package source has opkg-other-client");
    assert_installed(&cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]));
    assert_eq!(cluster.installed(IMAGE), ["opkg-demo-client 1.0-1.el9"]);
}

#[test]
fn an_unauthenticated_source_is_used_only_where_that_is_wanted() {
    let Some(mut cluster) = RpmFixture::new() else { return };
    cluster.build("demo", "1.0-1", &[]);
    cluster.fixture.config.repositories[0].unauthenticated = false;
    let mut system = cluster.fixture.system();
    let report = cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]);
    transaction_error(&report);
    assert!(cluster.installed(IMAGE).is_empty());
}

#[test]
fn a_distribution_that_nobody_knows() {
    let Some(cluster) = RpmFixture::new() else { return };
    let release = cluster.roots[&IMAGE].path().join("etc/os-release");
    let mut system = cluster.fixture.system();
    let mut said = Vec::new();
    let mut failure = |system: &mut System| {
        let report = cluster.install(system, IMAGE, Stage::InstallBinPkgs, &[DEMO]);
        let InstallOutcome::Failed(reason) = report.outcome else { panic!("{report:?}") };
        said.push(reason.replace(&cluster.roots[&IMAGE].path().display().to_string(), "ROOT"));
    };
    fs::write(&release, "ID=plan9\nID_LIKE='unix multics'\n").unwrap();
    failure(&mut system);
    fs::remove_file(&release).unwrap();
    failure(&mut system);
    fs::create_dir(&release).unwrap();
    failure(&mut system);
    insta::assert_snapshot!(said.join("\n"));
}

/// Packages of before scriptlets: their scripts are run from disk, once.
#[test]
fn scripts_of_packages_without_scriptlets() {
    let Some(cluster) = RpmFixture::new() else { return };
    let build = |failing: bool| {
        let home = "/usr/lib/oscar/packages/demo";
        let end = if failing { "exit 3" } else { "exit 0" };
        let mut files = String::new();
        let mut install = format!("mkdir -p %{{buildroot}}{home}\n");
        for script in ["post_client_rpm_install", "client-pre-uninstall", "post_client_rpm_uninstall"] {
            install += &format!(
                "cat > %{{buildroot}}{home}/{script} <<'END'\n#!/bin/sh\necho ${{0##*/}} in $PWD >> /proof\n{end}\nEND\n"
            );
            files += &format!("%attr(755, root, root) {home}/{script}\n");
        }
        let spec = format!(
            "Name: opkg-demo-client\nVersion: 1.0\nRelease: 1\nSummary: Old\nLicense: none\nBuildArch: noarch\n\
             AutoReqProv: no\n%description\nOld.\n%install\n{install}%files\n%dir {home}\n{files}"
        );
        let directory = scratch::create_directory("old");
        fs::write(directory.join("old.spec"), spec).unwrap();
        let top = format!("_topdir {}", directory.display());
        process::run_successfully(
            Command::new("rpmbuild").args(["-bb", "--define", &top]).arg(directory.join("old.spec")),
        );
        directory.join("RPMS/noarch/opkg-demo-client-1.0-1.noarch.rpm")
    };
    let put = |package: &Path| {
        let ended =
            cluster.roots[&CLIENT].rpm(["-U".as_ref(), "--replacepkgs".as_ref(), package.as_os_str()]);
        assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
    };
    cluster.build("other", "1.0-1", &[]);
    let mut system = cluster.fixture.system();
    put(&build(true));
    let report = cluster.install(&mut system, CLIENT, Stage::InstallBinPkgs, &[DEMO]);
    assert_eq!(package_failures(&report)[&DEMO], "post_client_rpm_install of demo ended with exit status 3");
    assert_eq!(report.trace.exit_code, Some(3));
    put(&build(false));
    let _ = cluster.roots[&CLIENT].take_proof();
    let report = cluster.install(&mut system, CLIENT, Stage::InstallBinPkgs, &[DEMO]);
    assert_installed(&report);
    let home = "in /usr/lib/oscar/packages/demo";
    assert_eq!(cluster.roots[&CLIENT].take_proof(), [format!("post_client_rpm_install {home}")]);
    let report = cluster.remove(&mut system, CLIENT, Stage::ShouldBeInstalled);
    assert_eq!(report.outcome, Ok(()), "{}", report.trace.tail);
    assert_eq!(
        cluster.roots[&CLIENT].take_proof(),
        [format!("client-pre-uninstall {home}"), format!("post_client_rpm_uninstall {home}")]
    );
    assert!(!cluster.roots[&CLIENT].path().join("usr/lib/oscar/packages").exists());
    // What a run kept that crashed after the removal.
    let kept = cluster.roots[&CLIENT].path().join("usr/lib/oscar/packages/.removed/opkg-demo-client");
    fs::create_dir_all(&kept).unwrap();
    fs::write(kept.join("client-post-uninstall"), "#!/bin/sh\necho again >> /proof\n").unwrap();
    fs::set_permissions(
        kept.join("client-post-uninstall"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    assert_eq!(cluster.remove(&mut system, CLIENT, Stage::ShouldBeInstalled).outcome, Ok(()));
    assert_eq!(cluster.roots[&CLIENT].take_proof(), ["again"]);
    assert!(!kept.exists());
}

/// dnf 4 exits with 0.
#[test]
fn a_scriptlet_that_fails_is_a_failure_and_runs_again() {
    let Some(mut cluster) = RpmFixture::new() else { return };
    cluster.build("demo", "1.0-1", &["client-post-install"]);
    cluster.build("other", "1.0-1", &[]);
    let mut system = cluster.fixture.system();
    let report = cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO, OTHER]);
    let reason = "the scriptlet %post of opkg-demo-client failed with exit status 7: broken";
    assert_eq!(package_failures(&report).iter().collect::<Vec<_>>(), [(&DEMO, &reason.to_owned())]);
    cluster.note_failed_attempt(IMAGE);
    let _ = cluster.roots[&IMAGE].take_proof();
    let report = cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]);
    assert_eq!(package_failures(&report)[&DEMO], reason, "dnf alone finds nothing to do");
    assert_eq!(cluster.roots[&IMAGE].take_proof()[0], "client-post-install of 1.0-1");
}

#[test]
fn what_others_need_stays() {
    let Some(cluster) = RpmFixture::new() else { return };
    cluster.build("demo", "1.0-1", &[]);
    let mut system = cluster.fixture.system();
    assert_installed(&cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]));
    cluster.put(IMAGE, &cluster.build_spec("site-tools", "1", "Requires: opkg-demo-client"));
    assert_eq!(
        failure_reason(&cluster.remove(&mut system, IMAGE, Stage::ShouldBeInstalled)),
        "rpm failed: others need it: site-tools-1-1.noarch needs opkg-demo-client"
    );
    assert_eq!(cluster.installed(IMAGE), ["opkg-demo-client 1.0-1.el9", "site-tools 1-1"]);
}

#[test]
fn nothing_is_replaced_for_an_installation() {
    let Some(cluster) = RpmFixture::new() else { return };
    cluster.build("other", "1.0-1", &[]);
    cluster.put(IMAGE, &cluster.build_spec("site-tools", "1", ""));
    let obsoleter = cluster.build_spec("opkg-demo-client", "1.0", "Obsoletes: site-tools < 9");
    fs::copy(&obsoleter, cluster.source.join("opkg-demo-client.rpm")).unwrap();
    process::run_successfully(Command::new("createrepo_c").arg("-q").arg(&cluster.source));
    let mut system = cluster.fixture.system();
    let report = cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]);
    assert_eq!(
        transaction_error(&report),
        "it would replace site-tools, which nobody asked for: nothing was changed"
    );
    assert_eq!(cluster.installed(IMAGE), ["site-tools 1-1"]);
}

/// Power fails after the new version is in the database, and before the old one is out of it.
#[test]
fn an_upgrade_that_was_cut_off_is_ended() {
    let Some(cluster) = RpmFixture::new() else { return };
    cluster.build("demo", "2.0-1", &[]);
    let old = |version| cluster.build_spec("opkg-demo-client", version, "");
    for target in [IMAGE, CLIENT] {
        for version in ["1.0", "2.0"] {
            cluster.put(target, &old(version));
        }
        assert_eq!(cluster.roots[&target].rpm(["-q", "opkg-demo-client"]).stdout.lines().count(), 2);
    }
    let mut system = cluster.fixture.system();
    let step = VerifyInherited { target: IMAGE, packages: vec![DEMO] };
    let report = system.verify_inherited(&cluster.fixture.cluster, &step, RunId(1));
    assert_eq!(report.outcome, Ok(BTreeSet::new()), "it is not installed");
    assert_installed(&cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]));
    assert_eq!(
        cluster.roots[&IMAGE].rpm(["-q", "opkg-demo-client"]).stdout,
        "opkg-demo-client-2.0-1.el9.noarch\n"
    );
    assert_eq!(cluster.remove(&mut system, CLIENT, Stage::ShouldBeInstalled).outcome, Ok(()));
    assert!(cluster.installed(CLIENT).is_empty(), "all versions are gone");
}

#[test]
fn a_database_that_cannot_be_read_is_no_empty_system() {
    let Some(cluster) = RpmFixture::new() else { return };
    cluster.build("demo", "1.0-1", &[]);
    let mut system = cluster.fixture.system();
    let database = cluster.roots[&IMAGE].path().join("var/lib/rpm");
    fs::remove_dir_all(&database).unwrap();
    fs::create_dir(&database).unwrap();
    let report = cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]);
    assert!(transaction_error(&report).contains("rpm knows of no package at all"), "{report:?}");
    for entry in fs::read_dir(&database).unwrap() {
        fs::write(entry.unwrap().path(), "nonsense").unwrap();
    }
    let report = cluster.remove(&mut system, IMAGE, Stage::ShouldBeInstalled);
    assert!(failure_reason(&report).contains("database"), "{report:?}");
}

/// Code that lies in an image is none of the head node's.
#[test]
fn an_image_has_nothing_run_outside_of_it() {
    let Some(cluster) = RpmFixture::new() else { return };
    cluster.build("demo", "1.0-1", &[]);
    let image = cluster.roots[&IMAGE].path().to_owned();
    let outside = cluster.fixture.path().join("outside");
    let inside = image.join("ran");
    let plugin = format!(
        "import dnf\nfor path in ({outside:?}, {inside:?}):\n    try:\n        open(path, 'w').write('x')\n    except OSError:\n        \
         pass\nclass Evil(dnf.Plugin):\n    name = 'evil'\n"
    );
    for directory in ["evil/plugins", "evil/conf", "evil/log"] {
        fs::create_dir_all(image.join(directory)).unwrap();
    }
    fs::write(image.join("evil/plugins/evil.py"), plugin).unwrap();
    fs::write(image.join("evil/conf/evil.conf"), "[main]\nenabled=1\n").unwrap();
    let conf = format!(
        "[main]\nplugins=1\npluginpath={0}/evil/plugins\npluginconfpath={0}/evil/conf\nlogdir=/../../../..{1}\n",
        image.display(),
        cluster.fixture.path().display()
    );
    fs::write(image.join("etc/dnf/dnf.conf"), conf).unwrap();
    // That it would be run by whoever did not care.
    let mut careless = Command::new("dnf");
    careless.arg(format!("--installroot={}", image.display())).args(["--releasever=9", "repolist"]);
    let _ = process::run(&mut careless);
    assert!(outside.exists() && inside.exists(), "the plugin works");
    fs::remove_file(&outside).unwrap();
    fs::remove_file(&inside).unwrap();
    let names = || {
        let entries = fs::read_dir(cluster.fixture.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    fs::create_dir_all(&cluster.fixture.config.log_directory).unwrap();
    let before = names();
    let mut system = cluster.fixture.system();
    let report = cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]);
    assert_installed(&report);
    assert_eq!(cluster.installed(IMAGE), ["opkg-demo-client 1.0-1.el9"]);
    assert_eq!(cluster.remove(&mut system, IMAGE, Stage::ShouldNotBeInstalled).outcome, Ok(()));
    assert!(!outside.exists() && !inside.exists());
    assert_eq!(names(), before, "logs do not go where the image wants them");
}

/// It runs what lies in a root inside of it, where that is the business of the root.
#[test]
fn code_of_an_image_that_zypper_runs_stays_there() {
    if !opkg_tests::tools::all_installed(&["zypper"]) {
        return;
    }
    let Some(cluster) = RpmFixture::new() else { return };
    cluster.build("demo", "1.0-1", &[]);
    let image = cluster.roots[&IMAGE].path().to_owned();
    fs::write(image.join("etc/os-release"), "ID=opensuse-leap\nVERSION_ID=15.6\n").unwrap();
    let outside = cluster.fixture.path().join("outside");
    fs::write(&outside, "of the head node").unwrap();
    for kind in ["commit", "services", "system", "urlresolver"] {
        let directory = image.join("usr/lib/zypp/plugins").join(kind);
        fs::create_dir_all(&directory).unwrap();
        let script = format!(
            "#!/bin/sh\nexec 2> /dev/null\necho {kind} >> /ran\necho x > {0}\necho x > /proc/1/root{0}\nexit 0\n",
            outside.display()
        );
        fs::write(directory.join("evil"), script).unwrap();
        fs::set_permissions(directory.join("evil"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
    }
    let mut system = cluster.fixture.system();
    assert_installed(&cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]));
    assert_eq!(cluster.installed(IMAGE), ["opkg-demo-client 1.0-1.el9"]);
    assert!(fs::read_to_string(image.join("ran")).unwrap().contains("services"), "it was run");
    assert_eq!(fs::read_to_string(&outside).unwrap(), "of the head node");
}

/// An older one and a newer one than what is there, on both stages of the head node and in an image; and none that
/// nobody has.
#[test]
fn the_version_that_was_chosen_is_installed() {
    let Some(cluster) = RpmFixture::new() else { return };
    check_chosen_versions(cluster);
}

#[test]
fn the_version_that_was_chosen_is_installed_by_zypper() {
    if !opkg_tests::tools::all_installed(&["zypper"]) {
        return;
    }
    let Some(cluster) = RpmFixture::new() else { return };
    for target in [SERVER, IMAGE] {
        let release = cluster.roots[&target].path().join("etc/os-release");
        fs::write(release, "ID=opensuse-leap\nVERSION_ID=15.6\n").unwrap();
    }
    check_chosen_versions(cluster);
}

fn check_chosen_versions(mut cluster: RpmFixture) {
    for version in ["1.0-1", "1.1-1", "2.0-1"] {
        cluster.build("demo", version, &[]);
    }
    let both = |version: &str| ["opkg-demo", "opkg-demo-server"].map(|name| format!("{name} {version}.el9"));
    let client = |version: &str| [format!("opkg-demo-client {version}.el9")];
    cluster.fixture.pin(Some("1.1-1"));
    let mut system = cluster.fixture.system();
    assert_installed(&cluster.install(&mut system, SERVER, Stage::InstallBinPkgs, &[DEMO]));
    assert_eq!(cluster.installed(SERVER), both("1.1-1"), "what the part needs is of the same version");
    for (pinned, expected) in
        [(Some("1.0-1"), "1.0-1"), (Some("2.0-1"), "2.0-1"), (Some("1.0-1"), "1.0-1"), (None, "2.0-1")]
    {
        cluster.fixture.pin(pinned);
        for stage in [Stage::ShouldBeInstalled, Stage::InstallBinPkgs] {
            assert_installed(&cluster.install(&mut system, SERVER, stage, &[DEMO]));
            assert_eq!(cluster.installed(SERVER), both(expected), "{pinned:?} {stage}");
        }
        assert_installed(&cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]));
        assert_eq!(cluster.installed(IMAGE), client(expected), "{pinned:?}");
    }
    cluster.fixture.pin(Some("3.0-1"));
    let report = cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]);
    assert_eq!(
        transaction_error(&report),
        "no package source has 3.0-1 of demo; there are 2.0-1.el9, 1.1-1.el9, 1.0-1.el9"
    );
    assert_eq!(cluster.installed(IMAGE), client("2.0-1"));

    // A stage that runs again is about the version that is there.
    cluster.fixture.pin(Some("1.0-1"));
    assert_installed(&cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]));
    cluster.fixture.note_finished(IMAGE);
    let _ = cluster.roots[&IMAGE].take_proof();
    assert_installed(&cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]));
    assert_eq!(cluster.installed(IMAGE), client("1.0-1"));
    assert_eq!(cluster.roots[&IMAGE].take_proof()[0], "client-post-install of 1.0-1");
}

/// A dependency that would have to go back as well is somebody else's.
#[test]
fn nothing_else_is_downgraded_for_a_version() {
    let Some(mut cluster) = RpmFixture::new() else { return };
    fs::create_dir_all(&cluster.source).unwrap();
    cluster.put(IMAGE, &cluster.build_spec("site-lib", "2", ""));
    for package in [
        cluster.build_spec("site-lib", "1", ""),
        cluster.build_spec("opkg-demo-client", "1.0", "Requires: site-lib < 2"),
        cluster.build_spec("opkg-demo-client", "2.0", ""),
    ] {
        fs::copy(&package, cluster.source.join(package.file_name().unwrap())).unwrap();
    }
    process::run_successfully(Command::new("createrepo_c").arg("-q").arg(&cluster.source));
    let mut system = cluster.fixture.system();
    assert_installed(&cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]));
    let before = ["opkg-demo-client 2.0-1", "site-lib 2-1"];
    assert_eq!(cluster.installed(IMAGE), before);
    cluster.fixture.pin(Some("1.0-1"));
    let report = cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]);
    assert_eq!(
        transaction_error(&report),
        "it would downgrade site-lib, which nobody asked for: nothing was changed"
    );
    assert_eq!(cluster.installed(IMAGE), before);
}
