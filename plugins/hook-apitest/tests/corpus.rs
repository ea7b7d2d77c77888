//! Definitions as packages brought them.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::{Ended, Pretended, exited, printed, test};
use opkg_plugin_hook_apitest::definition::{Body, Command, Condition};
use opkg_plugin_hook_apitest::machine::{Refusal, Verdict};
use opkg_plugin_hook_apitest::parse::parse;

/// The directory of real packages, unless it is absent.
fn corpus() -> Option<PathBuf> {
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
fn installed(corpus: &Path) -> Vec<(String, Vec<u8>)> {
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
fn machine(corpus: &Path) -> (Pretended, Vec<String>) {
    let mut machine = Pretended::default();
    let files = installed(corpus);
    let mut missing = BTreeSet::new();
    for (path, bytes) in &files {
        machine = machine.file(path, bytes);
        if let Body::Batch(batch) = parse(bytes).unwrap().body {
            missing.extend(batch.members.into_iter().map(|it| it.name));
        }
    }
    for name in missing {
        let is_there = files.iter().any(|it| it.0.ends_with(&format!("/{name}")));
        if !is_there {
            machine = machine.file(&format!("apitests.d/{name}"), test("/bin/true", ""));
        }
    }
    (machine, files.into_iter().map(|it| it.0).collect())
}

#[test]
fn all_are_read_without_a_finding() {
    let Some(corpus) = corpus() else { return };
    let files = installed(&corpus);
    assert!(files.len() >= 20, "{} files", files.len());
    for (path, bytes) in files {
        let definition = parse(&bytes).unwrap_or_else(|flaws| panic!("{path}: {flaws:?}"));
        assert!(definition.findings.is_empty(), "{path}: {:?}", definition.findings);
        assert!(!definition.description.is_empty(), "{path}");
    }
}

#[test]
fn they_say_what_a_person_reads_in_them() {
    let Some(corpus) = corpus() else { return };
    let read = |path: &str| parse(&fs::read(corpus.join(path)).unwrap()).unwrap();
    let Body::Test(test) = read("slurm/testing/apitests.d/slurm_job_test.apt").body else { panic!() };
    assert_eq!(test.command, Command::Words(vec!["tests.d/slurm_job_test.pl".into()]));
    assert_eq!((test.user.as_deref(), test.directory.as_deref()), (Some("oscartst"), Some("/tmp")));
    assert_eq!(test.expected.len(), 3);
    let Body::Test(test) = read("pvm/testing/pvmd-path-ls.apt").body else { panic!() };
    assert_eq!(
        test.command,
        Command::Text {
            interpreter: Some("/bin/sh".into()),
            contents: "/bin/ls \"$@\"\n".into(),
            arguments: vec!["/opt/pvm3/lib/pvmd".into()],
        }
    );
    let Body::Batch(batch) = read("torque/testing/apitests.d/torque_validate.apb").body else { panic!() };
    let names: Vec<_> = batch.members.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names[..3], ["torque_config.apb", "torque_services_up.apt", "torque_workq.apt"]);
    assert!(!batch.members[2].must_pass && batch.members[1].must_pass);
    assert_eq!(batch.members[2].parents, [(1, Condition::Passed)]);
}

#[test]
fn all_run_whatever_their_programs_do() {
    let Some(corpus) = corpus() else { return };
    let (_, files) = machine(&corpus);
    for file in &files {
        let run = |change: fn(Pretended) -> Pretended| {
            let mut machine = change(machine(&corpus).0);
            let tally = machine.run(&[file]).unwrap_or_else(|faults| panic!("{file}: {faults:?}"));
            (tally, machine)
        };
        // Programs that print what those of the corpus look for.
        let (tally, good) = run(|machine| {
            let ls = |request: &opkg_plugin_hook_apitest::machine::Request| {
                Ok(printed(&format!("{}\n", request.arguments[0]), ""))
            };
            machine.program("/bin/ls", ls).program("/bin/ls \"$@\"", ls)
        });
        assert!(tally.good && tally.passed > 0, "{file}: {}", good.told);

        let (tally, _) = run(|machine| Pretended { otherwise: Box::new(|_| Ok(exited(1))), ..machine });
        let only_absent = tally.failed == 0;
        assert_eq!(tally.good, only_absent, "{file}");

        for answer in [
            |_: &_| Ok(Ended { stderr: vec![b'x'; 1 << 20], cut: true, ..exited(0) }),
            |_: &_| {
                let how = "was stopped after 30 min".into();
                Ok(Ended { how, exit_code: None, ..exited(0) })
            },
            |_: &_| Err(Refusal::NotStarted("does not exist".into())),
        ]
            as [fn(&opkg_plugin_hook_apitest::machine::Request) -> Result<Ended, Refusal>; 3]
        {
            let mut machine = Pretended { otherwise: Box::new(answer), ..machine(&corpus).0 };
            let tally = machine.run(&[file]).unwrap();
            let failed = machine.verdicts.values().filter(|it| matches!(it, Verdict::Failed(_))).count();
            assert_eq!(failed == 0, tally.good, "{file}: {}", machine.told);
        }
    }
}

#[test]
fn alone_a_batch_names_what_is_missing() {
    let Some(corpus) = corpus() else { return };
    let bytes = fs::read(corpus.join("munge/testing/apitests.d/munge_validate.apb")).unwrap();
    let mut machine = Pretended::default().file("apitests.d/munge_validate.apb", bytes);
    let faults = machine.run(&["apitests.d/munge_validate.apb"]).unwrap_err();
    assert_eq!(faults.len(), 4, "{faults:?}");
    assert!(
        faults.iter().all(|it| it.contains("is not there: it was looked for in apitests.d")),
        "{faults:?}"
    );
}

#[test]
fn the_examples_are_read_and_planned() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/jobwatch/testing/apitests.d");
    let mut machine = Pretended::default();
    for file in fs::read_dir(place).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        machine = machine.file(&format!("apitests.d/{name}"), fs::read(&path).unwrap());
    }
    let machine = machine.program("tests.d/jobwatch_nodes.pl", |_| Ok(printed("12 nodes\n", "")));
    insta::assert_snapshot!(machine.tells(&["apitests.d/jobwatch_validate.apb"]), @r"
    jobwatch_validate.apb: jobwatch works
      jobwatch_config.apt: Is jobwatch configured?
        passed
      jobwatch_nodes.apt: Does jobwatch know the nodes?
        passed
      passed
    Tally { passed: 2, failed: 0, tolerated: 0, skipped: 0, broken: 0, good: true }
    ");
}
