//! What scripts of packages are told of why they run, on systems with the package managers themselves.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::roots::rpm::{self, RpmRoot};
use opkg_tests::{inspect, parallel, scratch};

use crate::debian_system::DebianSystem;

/// An OPKG of this version whose scripts write down what they are told.
fn write_opkg(version: &str) -> PathBuf {
    let config = file_tree::minimal_config("told", "").replace("1.0-1", version);
    let mut items = vec![TreeEntry::file("config.xml", 0o644, config)];
    for time in ["pre-install", "post-install", "pre-uninstall", "post-uninstall", "post-transaction"] {
        let text = format!(
            "#!/bin/sh\necho {time}: $OPKG_ACTION ${{OPKG_OLD_VERSION:-none}} >> ${{PROOF:-/var/log/proof}}\n"
        );
        items.push(TreeEntry::file(format!("scripts/client-{time}"), 0o755, text));
    }
    let directory = scratch::create_directory("opkg").join("told");
    file_tree::write_tree(&directory, &items);
    directory
}

/// The package for nodes, of an OPKG for a target.
fn client_package(opkg: &Path, target: &str) -> PathBuf {
    let output = scratch::create_directory("output");
    let arguments: [OsString; 5] =
        ["--dist".into(), target.into(), "-o".into(), output.clone().into(), opkg.into()];
    OpkgcEnvironment::new().run_successfully(arguments);
    let mut files = inspect::package_files(&output.join(target)).into_iter();
    files.rfind(|file| file.to_string_lossy().contains("opkg-told-client")).unwrap()
}

#[test]
fn scripts_of_rpms_are_told_why_they_run() {
    if !rpm::is_supported() {
        return;
    }
    parallel::map(&[("rhel-9", ".el9"), ("suse", ".lp156")], |(target, tag)| {
        let [old, new] = ["1.0-1", "1:0.9-2"].map(|version| client_package(&write_opkg(version), target));
        let root = RpmRoot::new();
        root.install_rpm();
        let life = |arguments: &[&str], package: &Path| {
            let words = arguments.iter().map(OsString::from).chain([package.into()]);
            let ended = root.rpm(words);
            assert_eq!(ended.code, Some(0), "{target}: {}", ended.combined_output());
            root.take_proof()
        };
        let (before, after) = (format!("1.0-1{tag}"), format!("1:0.9-2{tag}"));
        assert_eq!(
            life(&["-U", "--nodeps"], &old),
            ["pre-install: install none", "post-install: install none", "post-transaction: transaction none"]
        );
        let upgraded = |version: &str| {
            let times = ["pre-install", "post-install", "pre-uninstall", "post-uninstall"];
            let lines = times.map(|time| format!("{time}: upgrade {version}"));
            lines.into_iter().chain(["post-transaction: transaction none".to_owned()]).collect::<Vec<_>>()
        };
        assert_eq!(life(&["-U", "--nodeps"], &new), upgraded(&before), "{target}");
        assert_eq!(
            life(&["-U", "--nodeps", "--replacepkgs"], &new),
            upgraded(&after),
            "{target}: installed again"
        );
        assert_eq!(
            life(&["-e", "--nodeps"], Path::new("opkg-told-client")),
            ["pre-uninstall", "post-uninstall"].map(|time| format!("{time}: remove {after}"))
        );
    });
}

#[test]
fn scripts_of_debs_are_told_why_they_run() {
    let Some(system) = DebianSystem::new() else { return };
    let (before, after) = ("1.0-1+deb12", "1:0.9-2+deb12");
    system.publish(&[write_opkg("1.0-1")]);
    system.apt_succeeds(&["install", "opkg-told-client"]);
    assert_eq!(system.take_proofs(), ["pre-install: install none", "post-install: install none"]);
    system.publish(&[write_opkg("1:0.9-2")]);
    system.apt_succeeds(&["dist-upgrade"]);
    let upgraded = ["pre-uninstall", "pre-install", "post-uninstall", "post-install"];
    assert_eq!(system.take_proofs(), upgraded.map(|time| format!("{time}: upgrade {before}")));
    system.apt_succeeds(&["remove", "opkg-told-client"]);
    let removed = ["pre-uninstall", "post-uninstall"];
    assert_eq!(system.take_proofs(), removed.map(|time| format!("{time}: remove {after}")));
    system.apt_succeeds(&["purge", "opkg-told-client"]);
    assert_eq!(system.take_proofs(), [format!("post-uninstall: purge {after}")]);
}
