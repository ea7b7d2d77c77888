//! A distribution made up for the tests, and what it takes to run RPM's own tools on its output.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)] // each test uses a part of it

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output as ProcessOutput};

use opkg_rpm_family::release_macro::{IfExpression, ReleaseMacro};
use opkg_rpm_family::{LicenseNames, ReleaseProfile, RpmVersion, WeakDependencies};
use opkg_sdk::artefacts::{Output, SourcePackage};
use opkg_sdk::filter::{DistIdentity, FilterContext, VersionSyntax, VersionTest};
use opkg_sdk::model::{BuildTarget, Opkg};
use opkg_sdk::packaging::Refusal;
use opkg_sdk::version::ReleaseNumber;

const MACRO: ReleaseMacro = ReleaseMacro { name: "rhel", weights: &[1] };

fn expression(test: &VersionTest) -> IfExpression {
    MACRO.comparison_expr(test.comparison, test.version.components())
}

pub fn sample_profile(target: &BuildTarget) -> ReleaseProfile {
    let identity = DistIdentity {
        id: "rhel".into(),
        version: target.version.as_deref().and_then(ReleaseNumber::parse),
        default_version: ReleaseNumber::new([9]),
        version_syntax: VersionSyntax::numbers(),
    };
    ReleaseProfile {
        filter_context: FilterContext::new(target, vec![identity]),
        archs: &[("x86_64", "x86_64"), ("i386", "i686"), ("aarch64", "aarch64")],
        version_expression: expression,
        weak_dependencies: match target.version {
            Some(_) => WeakDependencies::Always,
            None => WeakDependencies::Conditional { expression: "0%{?rhel} >= 8".into(), by_default: true },
        },
        documentation_dir: "/usr/share/doc",
        has_versioned_documentation: false,
        release_tag: "el9".into(),
        license_names: LicenseNames::Spdx,
        account_tools: "shadow-utils",
        has_file_triggers: true,
        merged_directories: &[],
        rpm_version: RpmVersion(4, 16),
        macros: vec![("rhel", "9".into())],
    }
}

/// What an OPKG becomes on the made-up distribution.
pub fn generate_for(opkg: &Opkg, target: &BuildTarget) -> Result<Output, Refusal> {
    opkg_rpm_family::generate(opkg, target, &sample_profile(target))
}

/// Whether a program is there; says so where it is not, since the test then shows nothing.
pub fn is_installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok_and(|ended| ended.status.success());
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

pub fn output_text(ended: &ProcessOutput) -> String {
    String::from_utf8_lossy(&[ended.stdout.as_slice(), &ended.stderr].concat()).into_owned()
}

/// The file of an OPKG that is a program of the machine. All others are texts.
pub const PROGRAM: &str = "doc/true";

/// Lays out what the host would: meta-files, and the tarball with the given files of the OPKG.
pub fn write_source_tree(opkg: &Opkg, output: &Output, root: &Path) {
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
                let contents = match file.path.as_str() {
                    PROGRAM => fs::read("/bin/true").unwrap(),
                    text => format!("{text}\n").into_bytes(),
                };
                fs::write(&path, contents).unwrap();
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
    assert!(ended.status.success(), "{}", output_text(&ended));
}

/// Runs the commands that the plugin gave, as the host would.
pub fn run_native_build(output: &Output, root: &Path) {
    for command in &output.native_build.commands {
        let ended = Command::new(&command.argv[0])
            .args(&command.argv[1..])
            .envs(command.env.iter().map(|(name, value)| (name, value)))
            .env("PWD", root)
            .env("HOME", root)
            .current_dir(root)
            .output()
            .unwrap();
        assert!(ended.status.success(), "{:?}\n{}", command.argv, output_text(&ended));
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
    assert!(ended.status.success(), "{}", output_text(&ended));
    String::from_utf8(ended.stdout).unwrap()
}
