//! What rpmlint and lintian say of the packages, and lintian of sources and uploads as well: no error, and
//! nothing that is not listed with its reason in `lint-warnings.toml`. What rpmlint calls an error although it
//! is the OPKG's own affair has a table of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use opkg_tests::opkgc::{self, OpkgcEnvironment};
use opkg_tests::{corpus, inspect, parallel, process, require_tools, scratch};

use crate::{builds, site_examples};

/// Tag → why it stays.
type ReasonsByTag = BTreeMap<String, String>;

#[derive(serde::Deserialize)]
struct LintBaseline {
    rpmlint: AcceptedTags,
    lintian: AcceptedTags,
}

#[derive(serde::Deserialize)]
struct AcceptedTags {
    #[serde(default)]
    errors: ReasonsByTag,
    warnings: ReasonsByTag,
}

/// One line of a linter.
#[derive(Debug)]
struct LintMessage {
    error: bool,
    tag: String,
    line: String,
}

fn load_baseline() -> LintBaseline {
    let file = opkgc::workspace().join("tests/lint-warnings.toml");
    toml::from_str(&fs_err::read_to_string(file).unwrap()).unwrap()
}

fn packages(extension: &str) -> Vec<PathBuf> {
    builds::compiled_corpus()
        .iter()
        .chain(builds::compiled_examples())
        .flat_map(|compiled| fs_err::read_dir(&compiled.output).unwrap())
        .flat_map(|target| inspect::package_files(&target.unwrap().path()))
        .filter(|file| file.extension().is_some_and(|it| it == extension))
        .collect()
}

#[test]
fn rpmlint_has_nothing_to_say_that_is_not_listed() {
    require_tools!("rpmlint");
    let native = packages("rpm");
    if native.is_empty() {
        return;
    }
    let (binaries, sources): (Vec<_>, Vec<_>) =
        direct_rpms().into_iter().partition(|file| !file.to_string_lossy().ends_with(".src.rpm"));
    let mut remarks = rpmlint(&[native, binaries].concat());
    // Of several source packages at once it takes all specs for those of each.
    remarks.extend(parallel::map(&sources, |file| rpmlint(std::slice::from_ref(file))).into_iter().flatten());
    check_against_baseline(&remarks, &load_baseline().rpmlint);
}

/// Packages that `opkgc` wrote itself, binary and source, of the examples and of some of the corpus.
fn direct_rpms() -> Vec<PathBuf> {
    let real = builds::compiled_corpus().iter().step_by(6).map(|compiled| compiled.directory.clone());
    let examples = builds::example_directories().into_iter().chain(site_examples::directories());
    let directories: Vec<PathBuf> = examples.chain(real).collect();
    let written = parallel::map(&directories, |directory| {
        let output = scratch::create_directory("direct");
        let mut arguments: Vec<OsString> = vec!["--dist".into(), "rhel-9,fedora,suse,mandriva".into()];
        arguments.extend(["-o".into(), output.clone().into(), directory.into()]);
        let printed = OpkgcEnvironment::new().run_successfully(arguments);
        printed.lines().filter(|line| line.ends_with(".rpm")).map(PathBuf::from).collect::<Vec<_>>()
    });
    written.concat()
}

fn rpmlint(packages: &[PathBuf]) -> Vec<LintMessage> {
    // `opkg-munge.noarch: W: no-documentation`
    let ended = process::run(Command::new("rpmlint").args(packages).env("LC_ALL", "C.UTF-8"));
    let remark = |line: &str| {
        let mut words = line.split_once(": ")?.1.split(' ');
        let error = match words.next()? {
            "E:" => true,
            "W:" => false,
            _ => return None,
        };
        Some(LintMessage { error, tag: words.next()?.to_owned(), line: line.to_owned() })
    };
    let remarks: Vec<LintMessage> = ended.stdout.lines().filter_map(remark).collect();
    assert!(!remarks.is_empty() || ended.stdout.contains("0 errors"), "{}", ended.combined_output());
    remarks
}

#[test]
fn lintian_has_nothing_to_say_that_is_not_listed() {
    require_tools!("lintian");
    let uploads = build_uploads();
    // `W: opkg-munge: no-manual-page [usr/bin/x]`, and a word more about what is no binary package.
    let mut lintian = Command::new("lintian");
    let ended = process::run(lintian.args(["--tag-display-limit", "0", "--allow-root"]).args(uploads));
    let remark = |line: &str| {
        let mut words = line.splitn(3, ": ");
        let error = match words.next()? {
            "E" => true,
            "W" => false,
            _ => return None,
        };
        let tag = words.nth(1)?.split(' ').next()?.to_owned();
        Some(LintMessage { error, tag, line: line.to_owned() })
    };
    let remarks: Vec<LintMessage> = ended.stdout.lines().filter_map(remark).collect();
    assert!(ended.stderr.is_empty(), "{}", ended.stderr);
    check_against_baseline(&remarks, &load_baseline().lintian);
}

/// Lists of everything that opkgc itself makes for one target: source and binary packages. Those of the tools
/// are the same, as other tests make sure of.
fn build_uploads() -> Vec<PathBuf> {
    let samples = corpus::samples().into_iter().map(|sample| sample.write_to_scratch());
    let examples = builds::example_directories().into_iter().chain(site_examples::directories());
    let directories: Vec<PathBuf> = examples.chain(samples).collect();
    let uploads = parallel::map(&directories, |directory| {
        let output = scratch::create_directory("uploads");
        let arguments = ["--dist", "debian", "-o", output.to_str().unwrap(), directory.to_str().unwrap()];
        let ended = OpkgcEnvironment::new().run(arguments);
        // Four: the package excludes the distribution.
        assert!(matches!(ended.code, Some(0 | 4)), "{}", ended.combined_output());
        let files = ended.stdout.lines().map(PathBuf::from);
        files.filter(|file| file.extension().is_some_and(|it| it == "changes")).collect::<Vec<_>>()
    });
    uploads.into_iter().flatten().collect()
}

fn check_against_baseline(remarks: &[LintMessage], listed: &AcceptedTags) {
    let reasons = |remark: &LintMessage| if remark.error { &listed.errors } else { &listed.warnings };
    let bad: Vec<&str> = remarks
        .iter()
        .filter(|remark| !reasons(remark).contains_key(&remark.tag))
        .map(|remark| remark.line.as_str())
        .collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    let seen: BTreeSet<&str> = remarks.iter().map(|remark| remark.tag.as_str()).collect();
    let all = listed.errors.keys().chain(listed.warnings.keys());
    let idle: Vec<_> = all.filter(|tag| !seen.contains(tag.as_str())).collect();
    assert!(idle.is_empty(), "listed, but no longer said: {idle:?}");
}
