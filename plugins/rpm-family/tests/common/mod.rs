//! A distribution made up for the tests, and what it takes to run RPM's own tools on its output.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)] // each test uses a part of it

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output as Ended};

use opkg_plugin::artefacts::{Compression, Output, SourcePackage};
use opkg_plugin::filter::{Identity, Subject, VersionTest};
use opkg_plugin::opkg::{Opkg, Target};
use opkg_plugin::version::Version;
use opkg_rpm_family::counter::{Counter, Expression};
use opkg_rpm_family::{Flavour, LicenseNames, Weak};

const MACRO: Counter = Counter { name: "rhel", weights: &[1] };

fn expression(test: &VersionTest) -> Expression {
    MACRO.test(test.comparison, test.version.components())
}

pub fn flavour(target: &Target) -> Flavour {
    let identity = Identity {
        id: "rhel".into(),
        version: target.version.as_deref().and_then(Version::parse),
        default: Version::new([9]),
        read: Version::parse,
    };
    Flavour {
        subject: Subject::of(target, vec![identity]),
        archs: &[("x86_64", "x86_64"), ("i386", "i686"), ("aarch64", "aarch64")],
        expression,
        weak: match target.version {
            Some(_) => Weak::Always,
            None => Weak::When { expression: "0%{?rhel} >= 8".into(), by_default: true },
        },
        documentation: "/usr/share/doc",
        versioned_documentation: false,
        licenses: LicenseNames::Spdx,
        compression: Compression::Zstd,
        macros: vec![("rhel", "9".into())],
    }
}

/// Whether a program is there; says so where it is not, since the test then shows nothing.
pub fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok_and(|ended| ended.status.success());
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

pub fn text(ended: &Ended) -> String {
    String::from_utf8_lossy(&[ended.stdout.as_slice(), &ended.stderr].concat()).into_owned()
}

/// Lays out what the host would: meta-files, and the tarball with the given files of the OPKG.
pub fn lay_out(opkg: &Opkg, output: &Output, root: &Path) {
    for file in &output.meta_files {
        let path = root.join(&file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &file.contents).unwrap();
    }
    let SourcePackage::Tarball(tarball) = &output.source else { panic!("an RPM is fed from a tarball") };
    let tree = root.join("tree").join(&tarball.prefix);
    for file in &opkg.files {
        let path = tree.join(&file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match &file.link {
            Some(link) => std::os::unix::fs::symlink(link, path).unwrap(),
            None => {
                fs::write(&path, format!("{}\n", file.path)).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            }
        }
    }
    let archive = root.join(&tarball.path);
    fs::create_dir_all(archive.parent().unwrap()).unwrap();
    let ended = Command::new("tar")
        .args(["-C".as_ref(), root.join("tree").as_os_str(), "-czf".as_ref(), archive.as_os_str()])
        .arg(&tarball.prefix)
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}", text(&ended));
}

/// Runs the commands that the plugin gave, as the host would.
pub fn build(output: &Output, root: &Path) {
    for command in &output.native_build.commands {
        let ended = Command::new(&command.argv[0])
            .args(&command.argv[1..])
            .envs(command.env.iter().map(|(name, value)| (name, value)))
            .env("PWD", root)
            .env("HOME", root)
            .current_dir(root)
            .output()
            .unwrap();
        assert!(ended.status.success(), "{:?}\n{}", command.argv, text(&ended));
    }
}

/// What RPM reads in a package or spec, in the given format.
pub fn query(arguments: &[&str], path: &Path, format: &str) -> String {
    let ended = Command::new(arguments[0])
        .args(&arguments[1..])
        .args(["--qf", format])
        .arg(path)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}", text(&ended));
    String::from_utf8(ended.stdout).unwrap()
}
