//! The meta-files are worth something without the program: the distributions' tools, run by hand, accept
//! them and build the same packages of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::built::Built;
use opkg_tests::opkgc::Opkgc;
use opkg_tests::package::Format;
use opkg_tests::{built, compare, corpus, expect, need, parallel, process};

use crate::builds::{self, Compiled};

#[test]
fn rpmspec_accepts_every_spec() {
    need!("rpmspec");
    let specs: Vec<PathBuf> = all().flat_map(compiled_specs).collect();
    parallel::map(&specs, |spec| {
        let ended = process::run(Command::new("rpmspec").arg("-P").arg(spec));
        assert!(ended.code == Some(0) && ended.stderr.is_empty(), "{}: {}", spec.display(), ended.output());
    });
}

/// Targets with a version, since otherwise the machine's own macros decide, and it is none of these.
#[test]
fn rpmbuild_by_hand_builds_what_the_format_implies() {
    need!("rpm", "rpmbuild");
    by_hand(Format::Rpm, |tree, opkgc| {
        let mut rpmbuild = Command::new("rpmbuild");
        opkgc.isolate(&mut rpmbuild);
        rpmbuild.arg("-bb").arg("--define").arg(format!("_topdir {}", tree.display())).args(specs_in(tree));
        process::succeed(&mut rpmbuild);
        directories(&tree.join("RPMS")).iter().flat_map(|arch| built::files(arch)).collect()
    });
}

#[test]
fn dpkg_buildpackage_by_hand_builds_what_the_format_implies() {
    need!("dpkg-buildpackage", "dpkg-deb");
    by_hand(Format::Deb, |tree, opkgc| {
        let source = directories(tree).into_iter().find(|it| it.join("debian/control").is_file()).unwrap();
        let mut command = Command::new("dpkg-buildpackage");
        opkgc.isolate(&mut command);
        process::succeed(command.args(["-b", "-us", "-uc"]).current_dir(source));
        built::files(tree)
    });
}

/// Compiles a few OPKGs to meta-files alone and has them built in the directory that they are in.
fn by_hand(format: Format, build: impl Fn(&Path, &Opkgc) -> Vec<PathBuf> + Sync) {
    let mut work = Vec::new();
    for directory in few() {
        let targets = expect::EXACT.into_iter().filter(|target| target.format == format);
        work.extend(targets.map(|target| (directory.clone(), target)));
    }
    parallel::map(&work, |(directory, target)| {
        let Some(expected) = expect::packages(directory, target) else { return };
        let compiled = builds::compile(directory, std::slice::from_ref(target), None);
        let files = build(&compiled.of(target), &Opkgc::new());
        let built: Vec<Built> = files.iter().map(|file| built::read(file)).collect();
        assert_eq!(built.len(), expected.len());
        for expected in &expected {
            let built = built.iter().find(|built| built.package.name == expected.package.name).unwrap();
            let differences = compare::differences(expected, built, target);
            let what = directory.display();
            assert!(differences.is_empty(), "{what} for {}:\n{}", target.argument, differences.join("\n"));
        }
    });
}

#[test]
fn source_packages_of_debian_unpack_to_the_tree() {
    need!("dpkg-source");
    let [.., debian] = expect::PLAIN;
    parallel::map(&few(), |directory| {
        if expect::packages(directory, &debian).is_none() {
            return;
        }
        let tree = builds::compile(directory, &[debian], None).of(&debian);
        let dsc = files_ending(&tree, ".dsc");
        let [dsc] = dsc.as_slice() else { panic!("{dsc:?}") };
        let opkgc = Opkgc::new();
        let mut command = Command::new("dpkg-source");
        opkgc.isolate(&mut command);
        let unpacked = opkgc.home().join("unpacked");
        process::succeed(command.arg("--no-check").arg("-x").arg(dsc).arg(&unpacked));
        assert!(unpacked.join("debian/control").is_file());
        assert!(unpacked.join("config.xml").is_file());
    });
}

fn all() -> impl Iterator<Item = &'static Compiled> {
    builds::corpus().iter().chain(builds::examples())
}

/// Enough for what is slow: the examples, and every fifth package of the corpus.
fn few() -> Vec<PathBuf> {
    let real = corpus::samples().into_iter().step_by(5).map(|sample| sample.lay());
    builds::example_directories().into_iter().chain(real).collect()
}

fn compiled_specs(compiled: &Compiled) -> Vec<PathBuf> {
    directories(&compiled.output).iter().flat_map(|target| specs_in(target)).collect()
}

fn specs_in(tree: &Path) -> Vec<PathBuf> {
    let specs = tree.join("SPECS");
    if specs.is_dir() { files_ending(&specs, ".spec") } else { Vec::new() }
}

fn files_ending(directory: &Path, end: &str) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().ends_with(end)).collect()
}

fn directories(directory: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}
