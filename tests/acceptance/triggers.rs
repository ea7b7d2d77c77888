//! Triggers, as `triggers` in `config.xml` has them: in our packages as in those of the distributions' own tools, and on systems
//! in which other packages come, change and go.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::roots::rpm::{self, RpmRoot};
use opkg_tests::{inspect, parallel, scratch, tools};

use crate::debian_system::DebianSystem;
use crate::direct;

const MODULES: &str = "/usr/share/modulefiles";
const SITE: &str = "/etc/site.d";

/// An OPKG whose script writes down what it is told.
fn write_triggered(version: &str) -> PathBuf {
    let elements = format!(r#"<triggers><trigger path="{MODULES}"/><trigger path="{SITE}"/></triggers>"#);
    let config = file_tree::minimal_config("caches", &elements).replace("1.0-1", version);
    let text = "#!/bin/sh\necho $OPKG_ACTION ${OPKG_OLD_VERSION:-none} $* >> ${PROOF:-/var/log/proof}\n";
    // What a package manager runs around the package is none of its triggers' business.
    let around =
        "#!/bin/sh\ncase \"$1\" in triggered | /*) echo called >> ${PROOF:-/var/log/proof} ;; esac\n";
    let items = [
        TreeEntry::file("config.xml", 0o644, config),
        TreeEntry::file("scripts/client-triggered", 0o755, text),
        TreeEntry::file("scripts/client-post-install", 0o755, around),
    ];
    let directory = scratch::create_directory("opkg").join("caches");
    file_tree::write_tree(&directory, &items);
    directory
}

/// Another OPKG, which lays files of this version into its nodes.
fn write_other(name: &str, version: &str, paths: &[&str]) -> PathBuf {
    let config = file_tree::minimal_config(name, "").replace("1.0-1", version);
    let mut items = vec![TreeEntry::file("config.xml", 0o644, config)];
    for path in paths {
        items.push(TreeEntry::file(format!("files/client{path}"), 0o644, format!("{version}\n")));
    }
    let directory = scratch::create_directory("opkg").join(name);
    file_tree::write_tree(&directory, &items);
    directory
}

fn module(version: &str) -> PathBuf {
    write_other("module", version, &["/usr/share/modulefiles/site/1.0"])
}

/// Has the one directory's name in front of its own, and is none of it.
fn neighbour(version: &str) -> PathBuf {
    write_other("neighbour", version, &["/usr/share/modulefiles-old/site"])
}

fn both(version: &str) -> PathBuf {
    write_other("both", version, &["/usr/share/modulefiles/both", "/etc/site.d/both"])
}

fn told(paths: &str) -> Vec<String> {
    vec![format!("triggered none {paths}")]
}

#[test]
fn packages_with_triggers_are_those_of_the_distributions_tools() {
    if !tools::all_installed(&direct::TOOLS) {
        return;
    }
    let targets = ["rhel-9", "rhel", "fedora", "suse", "debian-12", "ubuntu"];
    let directory = write_triggered("1.0-1");
    let [native, direct] = ["native", "direct"].map(|builder| direct::compile(&directory, &targets, builder));
    assert!(direct::assert_packages_agree(&native, &direct) > 0);
}

/// The package for nodes, of an OPKG for a target.
fn client_package(opkg: &Path, target: &str) -> OsString {
    let output = scratch::create_directory("output");
    let arguments: [OsString; 5] =
        ["--dist".into(), target.into(), "-o".into(), output.clone().into(), opkg.into()];
    OpkgcEnvironment::new().run_successfully(arguments);
    let mut files = inspect::package_files(&output.join(target)).into_iter();
    files.find(|file| file.to_string_lossy().contains("-client-")).unwrap().into()
}

#[test]
fn rpm_runs_triggers_once_for_a_transaction() {
    if !rpm::is_supported() {
        return;
    }
    parallel::map(&["rhel-9", "suse"], |target| {
        let root = RpmRoot::new();
        fs_err::create_dir(root.path().join("run")).unwrap();
        let rpm = |arguments: &[&str], packages: &[PathBuf]| {
            let packages = packages.iter().map(|opkg| client_package(opkg, target));
            let ended = root.rpm(arguments.iter().map(OsString::from).chain(packages));
            assert_eq!(ended.code, Some(0), "{target}: {}", ended.combined_output());
            assert!(!ended.stderr.contains("warning"), "{target}: {}", ended.combined_output());
            root.take_proof()
        };
        let install = |packages: &[PathBuf]| rpm(&["-U", "--nodeps", "--nosignature"], packages);
        let nothing: [&str; 0] = [];
        assert_eq!(install(&[write_triggered("1.0-1")]), nothing, "nothing is there");
        assert_eq!(install(&[module("1.0-1")]), told(MODULES));
        assert_eq!(install(&[module("2.0-1")]), told(MODULES), "an upgrade is one change");
        assert_eq!(install(&[neighbour("1.0-1")]), nothing);
        assert_eq!(install(&[neighbour("2.0-1"), both("1.0-1")]), told(&format!("{MODULES} {SITE}")));
        assert_eq!(rpm(&["-e", "opkg-neighbour-client"], &[]), nothing);
        assert_eq!(rpm(&["-e", "opkg-module-client"], &[]), told(MODULES));
        assert_eq!(install(&[both("2.0-1"), module("3.0-1")]), told(&format!("{MODULES} {SITE}")));
        let all = ["-e", "opkg-both-client", "opkg-module-client"];
        assert_eq!(rpm(&all, &[]), told(&format!("{MODULES} {SITE}")), "one transaction, one run");
        // What was there before counts for the package that comes, and that is upgraded.
        assert_eq!(rpm(&["-e", "opkg-caches-client"], &[]), nothing);
        assert_eq!(fs_err::read_dir(root.path().join("run")).unwrap().count(), 0, "nothing is left");
        assert_eq!(install(&[module("4.0-1")]), nothing);
        for version in ["1.0-1", "2.0-1"] {
            assert_eq!(install(&[write_triggered(version)]), told(MODULES), "{version}");
        }
        // Without the directory for what a run of the system remembers, nothing is missed.
        fs_err::remove_dir_all(root.path().join("run")).unwrap();
        assert!(install(&[module("5.0-1")]).contains(&told(MODULES)[0]));
        let all_removed = rpm(&["-e", "opkg-module-client"], &[]);
        assert_eq!(all_removed, told(MODULES));
    });
}

#[test]
fn dpkg_runs_triggers_once_for_a_transaction() {
    let Some(system) = DebianSystem::new() else { return };
    let nothing: [&str; 0] = [];
    let take = || system.take_proofs();
    system.publish(&[write_triggered("1.0-1"), module("1.0-1"), neighbour("1.0-1"), both("1.0-1")]);
    system.apt_succeeds(&["install", "opkg-caches-client"]);
    assert_eq!(take(), nothing, "nothing is there");
    system.apt_succeeds(&["install", "opkg-module-client"]);
    assert_eq!(take(), told(MODULES));
    system.apt_succeeds(&["install", "opkg-neighbour-client"]);
    assert_eq!(take(), nothing);
    system.publish(&[module("2.0-1")]);
    system.apt_succeeds(&["dist-upgrade"]);
    assert_eq!(take(), told(MODULES), "an upgrade is one change");
    system.apt_succeeds(&["install", "opkg-both-client"]);
    let both: Vec<String> = take().iter().flat_map(|line| words(line)).collect();
    assert_eq!(both, words(&told(&format!("{SITE} {MODULES}"))[0]));
    system.apt_succeeds(&["remove", "opkg-module-client"]);
    assert_eq!(take(), told(MODULES));
    system.apt_succeeds(&["purge", "opkg-both-client"]);
    take();
    // What was there before counts for the package that comes, and that is upgraded.
    system.apt_succeeds(&["purge", "opkg-caches-client"]);
    system.apt_succeeds(&["install", "opkg-module-client"]);
    assert_eq!(take(), nothing);
    system.apt_succeeds(&["install", "opkg-caches-client"]);
    assert_eq!(take(), told(MODULES));
    system.publish(&[write_triggered("2.0-1")]);
    system.apt_succeeds(&["dist-upgrade"]);
    assert_eq!(take(), told(MODULES));
    system.verify(&["opkg-caches-client", "opkg-module-client"]);
}

/// dpkg tells paths in an order of its own.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    words.sort();
    words
}
