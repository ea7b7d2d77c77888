//! The meta-files are worth something without the program: the distributions' tools, run by hand, accept
//! them and build the same packages of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::inspect::BuiltPackage;
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::package::PackageFormat;
use opkg_tests::{compare, corpus, expect, inspect, parallel, process, require_tools};

use crate::builds::{self, CompiledPackage};

#[test]
fn rpmspec_accepts_every_spec() {
    require_tools!("rpmspec");
    let specs: Vec<PathBuf> = all_compiled().flat_map(compiled_specs).collect();
    parallel::map(&specs, |spec| {
        let ended = process::run(Command::new("rpmspec").arg("-P").arg(spec));
        assert!(
            ended.code == Some(0) && ended.stderr.is_empty(),
            "{}: {}",
            spec.display(),
            ended.combined_output()
        );
    });
}

/// Targets with a version, since otherwise the machine's own macros decide, and it is none of these.
#[test]
fn rpmbuild_by_hand_builds_what_the_format_implies() {
    require_tools!("rpm", "rpmbuild");
    build_by_hand(PackageFormat::Rpm, |tree, opkgc| {
        let mut rpmbuild = Command::new("rpmbuild");
        opkgc.apply_environment(&mut rpmbuild);
        rpmbuild.arg("-bb").arg("--define").arg(format!("_topdir {}", tree.display())).args(specs_in(tree));
        process::run_successfully(&mut rpmbuild);
        directories(&tree.join("RPMS")).iter().flat_map(|arch| inspect::package_files(arch)).collect()
    });
}

#[test]
fn dpkg_buildpackage_by_hand_builds_what_the_format_implies() {
    require_tools!("dpkg-buildpackage", "dpkg-deb");
    build_by_hand(PackageFormat::Deb, |tree, opkgc| {
        let source = directories(tree).into_iter().find(|it| it.join("debian/control").is_file()).unwrap();
        let mut command = Command::new("dpkg-buildpackage");
        opkgc.apply_environment(&mut command);
        process::run_successfully(command.args(["-b", "-us", "-uc"]).current_dir(source));
        inspect::package_files(tree)
    });
}

/// Compiles a few OPKGs to meta-files alone and has them built in the directory that they are in.
fn build_by_hand(format: PackageFormat, build: impl Fn(&Path, &OpkgcEnvironment) -> Vec<PathBuf> + Sync) {
    let mut work = Vec::new();
    for directory in sample_directories() {
        let targets = expect::VERSIONED_TARGETS.into_iter().filter(|target| target.format == format);
        work.extend(targets.map(|target| (directory.clone(), target)));
    }
    parallel::map(&work, |(directory, target)| {
        let Some(expected) = expect::packages(directory, target) else { return };
        let compiled = builds::compile(directory, std::slice::from_ref(target), None);
        let files = build(&compiled.target_directory(target), &OpkgcEnvironment::new());
        // What is written beside all packages was there before.
        let built: Vec<BuiltPackage> = files
            .iter()
            .map(|file| inspect::read(file))
            .filter(|built| built.package.name != "opkg-filesystem")
            .collect();
        assert_eq!(built.len(), expected.len());
        for expected in &expected {
            let built = built.iter().find(|built| built.package.name == expected.package.name).unwrap();
            let differences = compare::differences(expected, built, target);
            let what = directory.display();
            assert!(differences.is_empty(), "{what} for {}:\n{}", target.dist, differences.join("\n"));
        }
    });
}

#[test]
fn source_packages_of_debian_unpack_to_the_tree() {
    require_tools!("dpkg-source");
    let [.., debian] = expect::UNVERSIONED_TARGETS;
    parallel::map(&sample_directories(), |directory| {
        if expect::packages(directory, &debian).is_none() {
            return;
        }
        let tree = builds::compile(directory, &[debian], None).target_directory(&debian);
        let dsc = files_ending(&tree, ".dsc");
        let [dsc] = dsc.as_slice() else { panic!("{dsc:?}") };
        let opkgc = OpkgcEnvironment::new();
        let mut command = Command::new("dpkg-source");
        opkgc.apply_environment(&mut command);
        let unpacked = opkgc.home().join("unpacked");
        process::run_successfully(command.arg("--no-check").arg("-x").arg(dsc).arg(&unpacked));
        assert!(unpacked.join("debian/control").is_file());
        assert!(unpacked.join("config.xml").is_file());
    });
}

fn all_compiled() -> impl Iterator<Item = &'static CompiledPackage> {
    builds::compiled_corpus().iter().chain(builds::compiled_examples())
}

/// Enough for what is slow: the examples, and every fifth package of the corpus.
fn sample_directories() -> Vec<PathBuf> {
    let real = corpus::samples().into_iter().step_by(5).map(|sample| sample.write_to_scratch());
    builds::example_directories().into_iter().chain(real).collect()
}

fn compiled_specs(compiled: &CompiledPackage) -> Vec<PathBuf> {
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
