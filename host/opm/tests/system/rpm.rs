//! Packages through `dnf` and `rpm` of this machine, in roots of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use opkg_oda::{Class, Key, PackageId, RunId, Stage, TargetId};
use opkg_opm::effects::{Effects, Report};
use opkg_opm::machine::{Outcome, Work};
use opkg_opm::system::{Repository, System};
use opkg_tests::layout::{self, Item};
use opkg_tests::opkgc::Opkgc;
use opkg_tests::roots::rpm::{self, Root};
use opkg_tests::{built, process, scratch};

use crate::bench::{Bench, CLIENT, DEMO, IMAGE, OTHER, SERVER};

const TARGET: &str = "rhel-9";

/// The bench, with roots that RPMs can be installed in, and a source of packages.
struct Cluster {
    bench: Bench,
    roots: BTreeMap<TargetId, Root>,
    source: PathBuf,
}

impl Cluster {
    fn new() -> Option<Self> {
        if !rpm::possible() {
            return None;
        }
        let mut bench = Bench::new();
        let mut roots = BTreeMap::new();
        for target in [SERVER, IMAGE, CLIENT] {
            let root = Root::new();
            fs::write(
                root.path().join("etc/os-release"),
                "ID=\"rocky\"\nID_LIKE=\"rhel\"\nVERSION_ID=\"9.4\"\n",
            )
            .unwrap();
            // As the distribution has it.
            fs::create_dir_all(root.path().join("etc/dnf")).unwrap();
            fs::write(root.path().join("etc/dnf/dnf.conf"), "[main]\nbest=True\n").unwrap();
            bench.cluster.targets.get_mut(&target).unwrap().root = Some(root.path().to_owned());
            roots.insert(target, root);
        }
        let output = scratch::directory("source");
        let source = output.join(TARGET);
        bench.config.repositories.push(Repository {
            location: source.display().to_string(),
            unauthenticated: true,
            targets: Vec::new(),
        });
        // Where rpm keeps its database may depend on it.
        let home = roots[&SERVER].path().parent().unwrap().join("home").display().to_string();
        bench.config.environment = vec![("HOME".into(), home), ("PROOF".into(), "/proof".into())];
        bench.config.limits.package_manager = Duration::from_secs(120);
        Some(Self { bench, roots, source })
    }

    /// Builds a package whose scripts prove that they ran, all but those that fail.
    fn build(&self, name: &str, version: &str, failing: &[&str]) {
        let config = layout::config(name, "").replace("1.0-1", version);
        let mut items = vec![Item::file("config.xml", 0o644, config)];
        for script in
            ["api-post-install", "server-post-install", "client-post-install", "client-pre-uninstall"]
        {
            let end = if failing.contains(&script) { "echo broken; exit 7\n" } else { "" };
            let text = format!("#!/bin/sh\necho \"{script} of {version}\" >> /proof\n{end}");
            items.push(Item::file(format!("scripts/{script}"), 0o755, text));
        }
        let directory = scratch::directory("opkg").join(name);
        layout::write(&directory, &items);
        let output = self.source.parent().unwrap();
        let arguments: [OsString; 6] =
            ["--dist".into(), TARGET.into(), "--repo".into(), "-o".into(), output.into(), directory.into()];
        Opkgc::new().succeed(arguments);
        self.stand_in();
    }

    fn stand_in(&self) {
        let files = built::files(&self.source);
        let packages: Vec<PathBuf> =
            files.into_iter().filter(|it| it.extension().is_some_and(|it| it == "rpm")).collect();
        self.roots.values().for_each(|root| root.stand_in(&packages));
    }

    fn perform(&self, system: &mut System, work: &Work) -> Report {
        system.perform(&self.bench.cluster, work, RunId(1))
    }

    fn install(&self, system: &mut System, target: TargetId, stage: Stage, packages: &[PackageId]) -> Report {
        self.perform(system, &Work::Install { target, stage, packages: packages.to_vec() })
    }

    fn remove(&self, system: &mut System, target: TargetId, to: Stage) -> Report {
        self.perform(system, &Work::Remove { key: Key { target, package: DEMO }, to })
    }

    fn installed(&self, target: TargetId) -> Vec<String> {
        self.roots[&target]
            .installed()
            .into_iter()
            .map(|(name, version)| format!("{name} {version}"))
            .collect()
    }
}

#[test]
fn a_package_on_all_its_ways() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.build("demo", "1.0-1", &[]);
    let mut system = cluster.bench.system();
    let report = cluster.install(&mut system, SERVER, Stage::ShouldBeInstalled, &[DEMO]);
    assert_eq!(report.outcome, Outcome::Done, "{}", report.tail);
    let learned = &report.learned[0];
    assert_eq!(
        (learned.id, learned.class, learned.version.as_deref()),
        (DEMO, Class::Included, Some("1.0-1"))
    );
    assert!(report.tail.contains("Complete!") || report.tail.contains("Installed:"), "{}", report.tail);
    let report = cluster.install(&mut system, SERVER, Stage::InstallBinPkgs, &[DEMO]);
    assert_eq!((report.outcome, report.learned.len()), (Outcome::Done, 0), "{}", report.tail);
    assert_eq!(cluster.installed(SERVER), ["opkg-demo 1.0-1", "opkg-demo-server 1.0-1"]);
    assert_eq!(cluster.roots[&SERVER].proof(), ["api-post-install of 1.0-1", "server-post-install of 1.0-1"]);

    let report = cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]);
    assert_eq!(report.outcome, Outcome::Done, "{}", report.tail);
    assert_eq!(cluster.installed(IMAGE), ["opkg-demo-client 1.0-1"]);
    let confirm = |target| Work::Confirm { target, packages: vec![DEMO, OTHER] };
    let found = |packages: &[PackageId]| Outcome::Present(packages.iter().copied().collect::<BTreeSet<_>>());
    assert_eq!(cluster.perform(&mut system, &confirm(IMAGE)).outcome, found(&[DEMO]));
    assert_eq!(cluster.perform(&mut system, &confirm(CLIENT)).outcome, found(&[]));

    // A newer one, in another run.
    cluster.build("demo", "2.0-1", &[]);
    let mut system = cluster.bench.system();
    let report = cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]);
    assert_eq!(
        (report.outcome, cluster.installed(IMAGE)),
        (Outcome::Done, vec!["opkg-demo-client 2.0-1".to_owned()])
    );

    let _ = cluster.roots[&IMAGE].proof();
    assert_eq!(cluster.remove(&mut system, IMAGE, Stage::ShouldBeInstalled).outcome, Outcome::Done);
    assert_eq!(cluster.roots[&IMAGE].proof(), ["client-pre-uninstall of 2.0-1"]);
    let again = cluster.remove(&mut system, IMAGE, Stage::ShouldNotBeInstalled);
    assert_eq!(again.outcome, Outcome::Done, "what is not there need not be removed");
    assert_eq!(cluster.remove(&mut system, SERVER, Stage::ShouldBeInstalled).outcome, Outcome::Done);
    assert_eq!(cluster.installed(SERVER), ["opkg-demo 1.0-1"]);
    assert_eq!(cluster.remove(&mut system, SERVER, Stage::ShouldNotBeInstalled).outcome, Outcome::Done);
    assert!(cluster.installed(SERVER).is_empty() && cluster.installed(IMAGE).is_empty());
}

#[test]
fn what_cannot_be_installed_fails_together_and_then_alone() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.build("demo", "1.0-1", &[]);
    let mut system = cluster.bench.system();
    let report = cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO, OTHER]);
    let Outcome::Together(reason) = &report.outcome else { panic!("{report:?}") };
    assert!(reason.starts_with("dnf ended with exit status 1: "), "{reason}");
    assert_eq!(report.exit_code, Some(1));
    assert!(fs::read_to_string(report.log.unwrap()).unwrap().contains("opkg-other-client"));
    let alone = cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[OTHER]);
    assert!(matches!(alone.outcome, Outcome::Together(_)));
    assert_eq!(cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]).outcome, Outcome::Done);
    assert_eq!(cluster.installed(IMAGE), ["opkg-demo-client 1.0-1"]);
}

#[test]
fn an_unauthenticated_source_is_used_only_where_that_is_wanted() {
    let Some(mut cluster) = Cluster::new() else { return };
    cluster.build("demo", "1.0-1", &[]);
    cluster.bench.config.repositories[0].unauthenticated = false;
    let mut system = cluster.bench.system();
    let report = cluster.install(&mut system, IMAGE, Stage::InstallBinPkgs, &[DEMO]);
    assert!(matches!(report.outcome, Outcome::Together(_)), "{report:?}");
    assert!(cluster.installed(IMAGE).is_empty());
}

#[test]
fn a_distribution_that_nobody_knows() {
    let Some(cluster) = Cluster::new() else { return };
    let release = cluster.roots[&IMAGE].path().join("etc/os-release");
    let mut system = cluster.bench.system();
    let mut said = Vec::new();
    let mut failure = |system: &mut System| {
        let Outcome::Failed(reason) = cluster.install(system, IMAGE, Stage::InstallBinPkgs, &[DEMO]).outcome
        else {
            panic!()
        };
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
    let Some(cluster) = Cluster::new() else { return };
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
        let directory = scratch::directory("old");
        fs::write(directory.join("old.spec"), spec).unwrap();
        let top = format!("_topdir {}", directory.display());
        process::succeed(
            Command::new("rpmbuild").args(["-bb", "--define", &top]).arg(directory.join("old.spec")),
        );
        directory.join("RPMS/noarch/opkg-demo-client-1.0-1.noarch.rpm")
    };
    let put = |package: &Path| {
        let ended =
            cluster.roots[&CLIENT].rpm(["-U".as_ref(), "--replacepkgs".as_ref(), package.as_os_str()]);
        assert_eq!(ended.code, Some(0), "{}", ended.output());
    };
    cluster.build("other", "1.0-1", &[]);
    let mut system = cluster.bench.system();
    put(&build(true));
    let report = cluster.install(&mut system, CLIENT, Stage::InstallBinPkgs, &[DEMO]);
    let Outcome::Partly(failed) = &report.outcome else { panic!("{report:?}") };
    assert_eq!(failed[&DEMO], "post_client_rpm_install of demo ended with exit status 3");
    assert_eq!(report.exit_code, Some(3));
    put(&build(false));
    let _ = cluster.roots[&CLIENT].proof();
    let report = cluster.install(&mut system, CLIENT, Stage::InstallBinPkgs, &[DEMO]);
    assert_eq!(report.outcome, Outcome::Done, "{}", report.tail);
    let home = "in /usr/lib/oscar/packages/demo";
    assert_eq!(cluster.roots[&CLIENT].proof(), [format!("post_client_rpm_install {home}")]);
    let report = cluster.remove(&mut system, CLIENT, Stage::ShouldBeInstalled);
    assert_eq!(report.outcome, Outcome::Done, "{}", report.tail);
    assert_eq!(
        cluster.roots[&CLIENT].proof(),
        [format!("client-pre-uninstall {home}"), format!("post_client_rpm_uninstall {home}")]
    );
    assert!(!cluster.roots[&CLIENT].path().join("usr/lib/oscar/packages").exists());
    // What a run kept that died after the removal.
    let kept = cluster.roots[&CLIENT].path().join("usr/lib/oscar/packages/.removed/opkg-demo-client");
    fs::create_dir_all(&kept).unwrap();
    fs::write(kept.join("client-post-uninstall"), "#!/bin/sh\necho again >> /proof\n").unwrap();
    fs::set_permissions(
        kept.join("client-post-uninstall"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    assert_eq!(cluster.remove(&mut system, CLIENT, Stage::ShouldBeInstalled).outcome, Outcome::Done);
    assert_eq!(cluster.roots[&CLIENT].proof(), ["again"]);
    assert!(!kept.exists());
}
