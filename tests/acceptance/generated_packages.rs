//! OPKGs that nobody has seen before: texts, names, versions and files that break careless quoting.

use std::ops::Range;
use std::path::Path;
use std::process::Command;

use opkg_tests::generated::{self, CANARY};
use opkg_tests::inspect::BuiltPackage;
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::{expect, parallel, process, require_tools, scratch};

use crate::builds;

/// Where the seeds begin; another number tries other OPKGs.
const SEED_VAR: &str = "OPKG_TESTS_SEED";
/// So many are built with the distributions' tools; seconds each.
const BUILT_COUNT: u64 = 10;
/// So many more are only compiled; milliseconds each.
const COMPILED_COUNT: u64 = 120;

#[test]
fn generated_opkgs_have_no_errors() {
    let seeds = seeds(0..BUILT_COUNT + COMPILED_COUNT);
    parallel::map(&seeds, |seed| {
        let checked = OpkgcEnvironment::new().check(&generated::generate(*seed).write_to_scratch());
        let errors: Vec<_> = checked.errors().collect();
        assert!(errors.is_empty() && checked.code == Some(0), "seed {seed}: {errors:#?}");
    });
}

#[test]
fn packages_of_generated_opkgs_are_what_the_format_implies() {
    require_tools!("rpm", "rpmbuild", "dpkg-buildpackage", "dpkg-deb");
    let seeds = seeds(0..BUILT_COUNT);
    parallel::map(&seeds, |seed| {
        let compiled = builds::compile(
            &generated::generate(*seed).write_to_scratch(),
            &expect::VERSIONED_TARGETS,
            Some("native"),
        );
        for target in &expect::VERSIONED_TARGETS {
            for built in builds::assert_as_expected(&compiled, target).into_iter().flatten() {
                assert_carried_scripts_run(&built);
            }
        }
    });
    no_text_was_run();
}

#[test]
fn specs_of_generated_opkgs_are_accepted() {
    require_tools!("rpmspec");
    let seeds = seeds(BUILT_COUNT..BUILT_COUNT + COMPILED_COUNT);
    parallel::map(&seeds, |seed| {
        let generated = generated::generate(*seed);
        let compiled = builds::compile(&generated.write_to_scratch(), &expect::UNVERSIONED_TARGETS, None);
        for target in expect::UNVERSIONED_TARGETS.iter().filter(|target| target.dist != "debian") {
            let spec = compiled.target_directory(target).join(format!("SPECS/opkg-{}.spec", generated.name));
            process::run_successfully(Command::new("rpmspec").arg("-P").arg(spec));
        }
    });
    no_text_was_run();
}

fn seeds(numbers: Range<u64>) -> Vec<u64> {
    let first = std::env::var(SEED_VAR).map_or(0, |seed| seed.parse::<u64>().unwrap());
    numbers.map(|number| first + number).collect()
}

fn no_text_was_run() {
    assert!(!Path::new(CANARY).exists(), "a text of an OPKG was run as a command; remove {CANARY}");
}

/// A script that is not on disk when it is needed comes with its package. It is run as the package manager
/// would, by its interpreter; what the generated scripts note down shows who ran and with what.
fn assert_carried_scripts_run(built: &BuiltPackage) {
    let name = built.package.name.trim_start_matches("opkg-");
    let name = name.strip_suffix("-server").or(name.strip_suffix("-client")).unwrap_or(name);
    for time in ["pre-install", "post-uninstall"] {
        let Some((interpreter, text)) = built.scripts.get(time) else { continue };
        let directory = scratch::create_directory("scriptlet");
        let script = directory.join("script");
        let proof = directory.join("proof");
        fs_err::write(&script, text).unwrap();
        let mut words = interpreter.split_whitespace();
        let mut command = Command::new(words.next().unwrap());
        command.args(words).arg(&script).args(["upgrade", "two words"]).env("PROOF", &proof);
        process::run_successfully(&mut command);
        let proof = fs_err::read_to_string(proof).unwrap();
        let (_, said) = proof.trim_end().split_once(' ').unwrap();
        assert_eq!(said, format!("upgrade two words /usr/lib/oscar/packages/{name}"), "{time}: {text}");
    }
}
