//! Definitions as packages brought them.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::{FakeHost, ProcessOutput, exited, printed, test};
use opkg_apitest::definition::{Command, DefinitionBody, ParentCondition};
use opkg_apitest::parse::parse;
use opkg_plugin_hook_apitest::host::{SpawnError, TestOutcome};

/// The directory of real packages, unless it is absent.
fn corpus_dir() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let directory = std::env::var_os("OPKG_CORPUS").map_or_else(beside, PathBuf::from);
    if !directory.is_dir() {
        assert!(std::env::var_os("OPKG_REQUIRE_TOOLS").is_none_or(|it| it != "1"), "there is no corpus");
        eprintln!("skipped: there is no corpus at {}", directory.display());
        return None;
    }
    Some(directory)
}

/// All files below `testing/` of all packages that define tests, as they are installed.
fn installed_files(corpus: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for package in fs::read_dir(corpus).unwrap() {
        let package = package.unwrap();
        let name = package.file_name().into_string().unwrap();
        let testing = package.path().join("testing");
        for (directory, place) in
            [(testing.join("apitests.d"), "apitests.d".to_owned()), (testing, format!("data/{name}"))]
        {
            for file in fs::read_dir(directory).into_iter().flatten() {
                let path = file.unwrap().path();
                if path.extension().is_some_and(|it| it == "apt" || it == "apb") {
                    let file = path.file_name().unwrap().to_str().unwrap();
                    files.push((format!("{place}/{file}"), fs::read(&path).unwrap()));
                }
            }
        }
    }
    files.sort();
    files
}

/// All of them installed, with a test that passes for each file that a batch names and nobody has.
fn corpus_host(corpus: &Path) -> (FakeHost, Vec<String>) {
    let mut host = FakeHost::default();
    let files = installed_files(corpus);
    let mut missing = BTreeSet::new();
    for (path, bytes) in &files {
        host = host.with_file(path, bytes);
        if let DefinitionBody::Batch(batch) = parse(bytes).unwrap().body {
            missing.extend(batch.members.into_iter().map(|it| it.name));
        }
    }
    for name in missing {
        let is_there = files.iter().any(|it| it.0.ends_with(&format!("/{name}")));
        if !is_there {
            host = host.with_file(&format!("apitests.d/{name}"), test("/bin/true", ""));
        }
    }
    (host, files.into_iter().map(|it| it.0).collect())
}

#[test]
fn all_are_read_without_a_finding() {
    let Some(corpus) = corpus_dir() else { return };
    let files = installed_files(&corpus);
    assert!(files.len() >= 20, "{} files", files.len());
    for (path, bytes) in files {
        let definition = parse(&bytes).unwrap_or_else(|errors| panic!("{path}: {errors:?}"));
        assert!(definition.warnings.is_empty(), "{path}: {:?}", definition.warnings);
        assert!(!definition.description.is_empty(), "{path}");
    }
}

#[test]
fn they_say_what_a_person_reads_in_them() {
    let Some(corpus) = corpus_dir() else { return };
    let read = |path: &str| parse(&fs::read(corpus.join(path)).unwrap()).unwrap();
    let DefinitionBody::Test(test) = read("slurm/testing/apitests.d/slurm_job_test.apt").body else {
        panic!()
    };
    assert_eq!(test.command, Command::Words(vec!["tests.d/slurm_job_test.pl".into()]));
    assert_eq!((test.user.as_deref(), test.directory.as_deref()), (Some("oscartst"), Some("/tmp")));
    assert_eq!(test.expected.len(), 3);
    let DefinitionBody::Test(test) = read("pvm/testing/pvmd-path-ls.apt").body else { panic!() };
    assert_eq!(
        test.command,
        Command::Text {
            interpreter: Some("/bin/sh".into()),
            contents: "/bin/ls \"$@\"\n".into(),
            arguments: vec!["/opt/pvm3/lib/pvmd".into()],
        }
    );
    let DefinitionBody::Batch(batch) = read("torque/testing/apitests.d/torque_validate.apb").body else {
        panic!()
    };
    let names: Vec<_> = batch.members.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names[..3], ["torque_config.apb", "torque_services_up.apt", "torque_workq.apt"]);
    assert!(!batch.members[2].must_pass && batch.members[1].must_pass);
    assert_eq!(batch.members[2].parents, [(1, ParentCondition::Passed)]);
}

#[test]
fn all_run_whatever_their_programs_do() {
    let Some(corpus) = corpus_dir() else { return };
    let (_, files) = corpus_host(&corpus);
    for file in &files {
        let run = |change: fn(FakeHost) -> FakeHost| {
            let mut host = change(corpus_host(&corpus).0);
            let summary = host.run(&[file]).unwrap_or_else(|errors| panic!("{file}: {errors:?}"));
            (summary, host)
        };
        // Programs that print what those of the corpus look for.
        let (summary, good) = run(|host| {
            let ls = |request: &opkg_plugin_hook_apitest::host::Request| {
                Ok(printed(&format!("{}\n", request.arguments[0]), ""))
            };
            host.with_program("/bin/ls", ls).with_program("/bin/ls \"$@\"", ls)
        });
        assert!(summary.all_required_passed && summary.passed > 0, "{file}: {}", good.transcript);

        let (summary, _) = run(|host| FakeHost { default_program: Box::new(|_| Ok(exited(1))), ..host });
        let only_absent = summary.failed == 0;
        assert_eq!(summary.all_required_passed, only_absent, "{file}");

        for answer in [
            |_: &_| Ok(ProcessOutput { stderr: vec![b'x'; 1 << 20], truncated: true, ..exited(0) }),
            |_: &_| {
                let how = "was stopped after 30 min".into();
                Ok(ProcessOutput { termination: how, exit_code: None, ..exited(0) })
            },
            |_: &_| Err(SpawnError::NotStarted("does not exist".into())),
        ]
            as [fn(&opkg_plugin_hook_apitest::host::Request) -> Result<ProcessOutput, SpawnError>; 3]
        {
            let mut host = FakeHost { default_program: Box::new(answer), ..corpus_host(&corpus).0 };
            let summary = host.run(&[file]).unwrap();
            let failed = host.outcomes.values().filter(|it| matches!(it, TestOutcome::Failed(_))).count();
            assert_eq!(failed == 0, summary.all_required_passed, "{file}: {}", host.transcript);
        }
    }
}

#[test]
fn alone_a_batch_names_what_is_missing() {
    let Some(corpus) = corpus_dir() else { return };
    let bytes = fs::read(corpus.join("munge/testing/apitests.d/munge_validate.apb")).unwrap();
    let mut host = FakeHost::default().with_file("apitests.d/munge_validate.apb", bytes);
    let errors = host.run(&["apitests.d/munge_validate.apb"]).unwrap_err();
    assert_eq!(errors.len(), 4, "{errors:?}");
    assert!(
        errors.iter().all(|it| it.contains("is not there: it was looked for in apitests.d")),
        "{errors:?}"
    );
}

#[test]
fn the_examples_are_read_and_planned() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/jobwatch/testing/apitests.d");
    let mut host = FakeHost::default();
    for file in fs::read_dir(place).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        host = host.with_file(&format!("apitests.d/{name}"), fs::read(&path).unwrap());
    }
    let host = host.with_program("tests.d/jobwatch_nodes.pl", |_| Ok(printed("12 nodes\n", "")));
    insta::assert_snapshot!(host.transcript_of(&["apitests.d/jobwatch_validate.apb"]), @r"
    jobwatch_validate.apb: jobwatch works
      jobwatch_config.apt: Is jobwatch configured?
        passed
      jobwatch_nodes.apt: Does jobwatch know the nodes?
        passed
      passed
    TestSummary { passed: 2, failed: 0, allowed_failures: 0, skipped: 0, errored: 0, all_required_passed: true }
    ");
}
