//! The same input gives the same bytes: in another directory, time zone, locale, umask, by another user,
//! with other time stamps and another order of files on disk.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::generated;
use opkg_tests::opkgc::{self, OpkgcEnvironment};
use opkg_tests::{expect, process, require_tools, scratch, tools};

use crate::builds;

/// What must not change a build.
struct BuildEnvironment {
    directory: &'static str,
    zone: &'static str,
    locale: &'static str,
    umask: &'static str,
    nobody: bool,
}

const BASELINE: BuildEnvironment =
    BuildEnvironment { directory: "in", zone: "UTC", locale: "C.UTF-8", umask: "022", nobody: false };
const VARIATIONS: [BuildEnvironment; 3] = [
    BuildEnvironment {
        directory: "another one",
        zone: "Asia/Kathmandu",
        locale: "C",
        umask: "077",
        nobody: false,
    },
    BuildEnvironment {
        directory: "é",
        zone: "America/St_Johns",
        locale: "tr_TR.UTF-8",
        umask: "000",
        nobody: false,
    },
    BuildEnvironment { directory: "in", zone: "UTC", locale: "C.UTF-8", umask: "027", nobody: true },
];

#[test]
fn bytes_depend_on_the_input_alone() {
    require_tools!("rpmbuild", "dpkg-buildpackage");
    let packages = [
        ("generated", generated::generate(4711).items),
        ("example", read_entries(&builds::example_directories()[1])),
    ];
    for (what, items) in packages {
        let first = build_in(&items, &BASELINE);
        assert!(first.len() > 10, "{what}");
        for variation in &VARIATIONS {
            if variation.nobody && !(tools::is_root() && tools::all_installed(&["setpriv"])) {
                continue;
            }
            let mut turned = items.clone();
            turned.reverse();
            let other = build_in(&turned, variation);
            let differing: Vec<&str> = first
                .iter()
                .zip(&other)
                .filter(|(one, other)| one != other)
                .map(|(one, _)| &*one.0)
                .collect();
            assert!(
                first.len() == other.len() && differing.is_empty(),
                "{what}, {} {} {}: {differing:?}",
                variation.zone,
                variation.locale,
                variation.umask
            );
        }
    }
}

/// Many jobs on one thread and on two.
#[test]
fn threads_do_not_matter() {
    let packages: Vec<_> = (0..4).map(|seed| generated::generate(seed).write_to_scratch()).collect();
    let packages = [packages, builds::example_directories()].concat();
    let targets = expect::UNVERSIONED_TARGETS.map(|target| target.dist).join(",");
    let with_jobs = |jobs: &str| {
        let output = scratch::create_directory("output");
        let mut command =
            OpkgcEnvironment::new().command(["--quiet", "--jobs", jobs, "--dist", &targets, "-o"]);
        process::run_successfully(command.arg(&output).args(&packages));
        file_tree::read_tree(&output)
    };
    let alone = with_jobs("1");
    assert!(alone.len() > packages.len() * expect::UNVERSIONED_TARGETS.len() * 5);
    let several = with_jobs("2");
    assert!(alone.iter().map(|it| &it.0).eq(several.iter().map(|it| &it.0)), "other files");
    let differing: Vec<&str> =
        alone.iter().zip(&several).filter(|(one, other)| one != other).map(|(one, _)| &*one.0).collect();
    assert!(differing.is_empty(), "{differing:?}");
}

/// Everything that a run writes: meta-files, source packages and what the distributions' tools built.
fn build_in(items: &[TreeEntry], variation: &BuildEnvironment) -> Vec<(String, Vec<u8>)> {
    // Where everybody may go.
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join(variation.directory);
    file_tree::write_tree(&directory.join("opkg"), items);
    let everybody = std::fs::Permissions::from_mode(0o777);
    fs_err::set_permissions(place.path(), everybody.clone()).unwrap();
    fs_err::set_permissions(&directory, everybody).unwrap();
    make_readable(&directory.join("opkg"));

    let opkgc = OpkgcEnvironment::new();
    let mut command = Command::new(if variation.nobody { "setpriv" } else { "env" });
    opkgc.apply_environment(&mut command);
    if variation.nobody {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.env("HOME", &directory).env("TMPDIR", &directory).env("XDG_CACHE_HOME", &directory);
    }
    let targets = expect::UNVERSIONED_TARGETS.map(|target| target.dist).join(",");
    command.args(["sh", "-c"]).arg(format!("umask {} && exec \"$0\" \"$@\"", variation.umask));
    command.arg(opkgc::program()).args(["--dist", &targets, "--builder", "native", "-o", "out", "opkg"]);
    command.env("TZ", variation.zone).env("LC_ALL", variation.locale).current_dir(&directory);
    process::run_successfully(&mut command);
    file_tree::read_tree(&directory.join("out"))
}

/// Another user must be able to read everything; who the group is does not matter.
fn make_readable(directory: &Path) {
    process::run_successfully(Command::new("chmod").args(["-R", "a+rX"]).arg(directory));
}

fn read_entries(directory: &Path) -> Vec<TreeEntry> {
    let item = |(path, bytes): (String, Vec<u8>)| {
        let metadata = fs_err::symlink_metadata(directory.join(&path)).unwrap();
        if metadata.is_symlink() {
            return TreeEntry::link(path, String::from_utf8(bytes).unwrap());
        }
        TreeEntry::file(path, metadata.permissions().mode() & 0o777, bytes)
    };
    file_tree::read_tree(directory).into_iter().map(item).collect()
}
