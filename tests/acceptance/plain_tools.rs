//! The meta-files are worth something without the program: the distributions' tools, run by hand, accept
//! them and build the same packages of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::opkgc::Opkgc;
use opkg_tests::package::Format;
use opkg_tests::{built, expect, need, parallel, process};

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

#[test]
fn rpmbuild_by_hand_builds_the_same() {
    let built: Vec<(&Compiled, &str)> = sample(Format::Rpm);
    parallel::map(&built, |(compiled, target)| {
        let tree = compiled.output.join(target);
        let specs = specs_in(&tree);
        let opkgc = Opkgc::new();
        let mut rpmbuild = Command::new("rpmbuild");
        opkgc.isolate(&mut rpmbuild);
        let top = opkgc.home().join("rpm");
        copy(&tree.join("SOURCES"), &top.join("SOURCES"));
        rpmbuild.arg("-bb").arg("--define").arg(format!("_topdir {}", top.display())).args(specs);
        process::succeed(&mut rpmbuild);
        let by_hand: Vec<PathBuf> = fs_err::read_dir(top.join("RPMS"))
            .unwrap()
            .flat_map(|arch| built::files(&arch.unwrap().path()))
            .collect();
        same_packages(&built::files(&tree), &by_hand);
    });
}

#[test]
fn dpkg_buildpackage_by_hand_builds_the_same() {
    let built: Vec<(&Compiled, &str)> = sample(Format::Deb);
    parallel::map(&built, |(compiled, target)| {
        let tree = compiled.output.join(target);
        let opkgc = Opkgc::new();
        let copied = opkgc.home().join("a directory");
        copy(&tree, &copied);
        for file in built::files(&copied) {
            fs_err::remove_file(file).unwrap();
        }
        let source = directories(&copied).into_iter().find(|it| it.join("debian/control").is_file()).unwrap();
        let mut command = Command::new("dpkg-buildpackage");
        opkgc.isolate(&mut command);
        process::succeed(command.args(["-b", "-us", "-uc"]).current_dir(source));
        same_packages(&built::files(&tree), &built::files(&copied));
    });
}

#[test]
fn source_packages_of_debian_unpack_to_the_tree() {
    let built: Vec<(&Compiled, &str)> = sample(Format::Deb);
    parallel::map(&built, |(compiled, target)| {
        let tree = compiled.output.join(target);
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

/// A few of them are enough here: the examples, and every fifth package of the corpus.
fn sample(format: Format) -> Vec<(&'static Compiled, &'static str)> {
    let few = builds::corpus().iter().step_by(5).chain(builds::examples());
    let targets = expect::PLAIN.iter().filter(move |target| target.format == format);
    let pairs: Vec<_> =
        few.flat_map(|compiled| targets.clone().map(move |it| (compiled, it.argument))).collect();
    pairs.into_iter().filter(|(compiled, target)| compiled.output.join(target).exists()).collect()
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

fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to.parent().unwrap()).unwrap();
    process::succeed(Command::new("cp").arg("-a").arg(from).arg(to));
}

fn same_packages(one: &[PathBuf], other: &[PathBuf]) {
    let names =
        |files: &[PathBuf]| files.iter().map(|it| it.file_name().unwrap().to_owned()).collect::<Vec<_>>();
    assert!(!one.is_empty());
    let (mut one, mut other) = (one.to_vec(), other.to_vec());
    one.sort_by_key(|file| file.file_name().unwrap().to_owned());
    other.sort_by_key(|file| file.file_name().unwrap().to_owned());
    assert_eq!(names(&one), names(&other));
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(built::read(one).package, built::read(other).package, "{}", one.display());
    }
}
