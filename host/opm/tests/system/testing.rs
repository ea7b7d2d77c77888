//! Tests of packages, as the built-in runner runs them: real programs, real users.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use opkg_engine::clock::Clock;
use opkg_engine::machine::StepFailure;
use opkg_engine::testing::{
    TESTING_DIR, TestBackend as _, TestCounts, TestNode, TestObserver, TestRun, TestRunResult, TestStatus,
    TestSubject,
};
use opkg_oda::{Cluster, Phase, RunId, TargetId};
use opkg_tests::tools;

use crate::fixture::{DEMO, Fixture, IMAGE, SERVER, StepReport};

struct FixedClock(Cell<i64>);

impl Clock for FixedClock {
    fn now(&self) -> i64 {
        self.0.get()
    }
}

/// Keeps the tree as text.
#[derive(Default)]
struct TranscriptObserver(String);

impl TestObserver for TranscriptObserver {
    fn run_started(&mut self, _: &Cluster, _: &TestRun) {}
    fn test_started(&mut self, part: &TestNode, depth: usize) {
        self.0.push_str(&format!("{}{}\n", "  ".repeat(depth), part.name));
    }
    fn test_finished(&mut self, part: &TestNode, depth: usize) {
        let indent = "  ".repeat(depth + 1);
        self.0.push_str(&format!("{indent}{}\n", part.status.name()));
        for line in part.status.reason().unwrap_or_default().lines() {
            self.0.push_str(&format!("{indent}| {line}\n"));
        }
    }
    fn run_finished(&mut self, _: &Cluster, _: &TestRunResult) {}
}

struct TestOutput {
    report: StepReport,
    parts: Vec<TestNode>,
    transcript: String,
}

impl TestOutput {
    fn log(&self) -> String {
        fs::read_to_string(self.report.trace.log.as_ref().unwrap()).unwrap()
    }

    fn counts(&self) -> TestCounts {
        TestCounts::of(&self.parts)
    }
}

fn create_testing_dirs(fixture: &Fixture, target: TargetId) -> PathBuf {
    let place = fixture.root(target).0.join(TESTING_DIR.trim_start_matches('/'));
    for directory in ["apitests.d", "tests.d", "data/demo"] {
        fs::create_dir_all(place.join(directory)).unwrap();
    }
    place
}

fn write_file(fixture: &Fixture, path: &str, contents: impl AsRef<[u8]>) {
    fs::write(create_testing_dirs(fixture, SERVER).join(path), contents).unwrap();
}

fn write_program(fixture: &Fixture, path: &str, script: &str) {
    write_file(fixture, path, format!("#!/bin/sh\n{script}\n"));
    let path = create_testing_dirs(fixture, SERVER).join(path);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn test_definition(command: &str, rest: &str) -> String {
    format!("<testDef><test type='cmd'>{command}{rest}</test></testDef>")
}

fn find_tests(fixture: &Fixture) -> Vec<String> {
    fixture.system().find(&fixture.cluster, SERVER, TestSubject::Package(DEMO)).unwrap()
}

fn run_tests(fixture: &Fixture) -> TestOutput {
    run_tests_on(fixture, SERVER, TestSubject::Package(DEMO))
}

fn run_tests_on(fixture: &Fixture, target: TargetId, subject: TestSubject) -> TestOutput {
    let mut system = fixture.system();
    let files = system.find(&fixture.cluster, target, subject).unwrap();
    let test_run = TestRun { target, subject, files };
    let mut listener = TranscriptObserver::default();
    let (report, parts) =
        system.run_tests(&fixture.cluster, &test_run, RunId(7), &FixedClock(Cell::new(0)), &mut listener);
    TestOutput { report, parts, transcript: listener.0 }
}

#[test]
fn programs_run_as_definitions_say() {
    let fixture = Fixture::new();
    let status = "<output name='status'>0</output><output name='stderr'/>";
    let definitions = [
        (
            "args",
            "<command>tests.d/args 'a  b'</command><input name='argument'>$HOME; ls</input>",
            "0:/tests.d/args a  b|$HOME; ls|",
        ),
        ("where", "<command wdir='/tmp'>readlink /proc/self/cwd</command>", "/tmp"),
        (
            "home",
            "<command wdir='tests.d'>readlink /proc/self/cwd</command>",
            "/usr/lib/oscar/testing/tests.d",
        ),
        ("path", "<command>cat /proc/self/comm</command>", "cat"),
        (
            "shell",
            "<command interpreter='sh'>for x in 1 2; do echo $x; done; echo</command><input>| cat $HOME</input>",
            "1\n2\n| cat $HOME",
        ),
        ("by", "<command interpreter='/bin/sh -e' wdir='/'>tests.d/plain x</command>", "plain x"),
    ];
    write_file(&fixture, "tests.d/args", "");
    write_program(
        &fixture,
        "tests.d/args",
        "echo \"0:${0#/usr/lib/oscar/testing} $(for it in \"$@\"; do echo -n \"$it|\"; done)\"",
    );
    write_file(&fixture, "tests.d/plain", "echo plain $1\n");
    for (name, command, stdout) in definitions {
        let stdout = format!("<output name='stdout'>{stdout}</output>");
        write_file(
            &fixture,
            &format!("apitests.d/demo_{name}.apt"),
            test_definition(command, &format!("{stdout}{status}")),
        );
    }
    let script = "<testDef><test type='script'><command>
        #!/bin/sh
        echo \"$0\" | grep -c '^/tmp/' &amp;&amp; cat; echo \"$OPM_PACKAGE:$OPM_NODES:$1\"
        </command><input name='argument'>it</input><output name='stdout'>1\ndemo:node1:it</output></test></testDef>";
    write_file(&fixture, "apitests.d/demo_script.apt", script);
    let ran = run_tests(&fixture);
    assert_eq!(ran.report.outcome, Ok(()), "{}", ran.transcript);
    assert_eq!(ran.counts(), TestCounts { passed: 7, ..TestCounts::default() });
    assert!(!create_testing_dirs(&fixture, SERVER).join("tests.d/program").exists());
}

#[test]
fn what_goes_wrong_with_programs_is_seen() {
    let mut fixture = Fixture::new();
    // All but one have to end by themselves meanwhile, on a busy machine as well.
    fixture.config.limits.hook = Duration::from_secs(12);
    let quiet = "<output name='stdout'/><output name='stderr'/><output name='status'>0</output>";
    for (name, script) in [
        ("1fails", "echo 'no node' >&2; exit 3"),
        ("2killed", "kill -SEGV $$"),
        ("3floods", "yes | head -c 30000000"),
        ("4missing", ""),
        ("5nothing", "exit 0"),
        ("6hangs", "sleep 100"),
        ("7late", "exit 0"),
    ] {
        let definition = test_definition(&format!("<command>tests.d/{name}</command>"), quiet);
        write_file(&fixture, &format!("apitests.d/demo_{name}.apt"), definition);
        if name != "4missing" {
            write_program(&fixture, &format!("tests.d/{name}"), script);
        }
    }
    let began = std::time::Instant::now();
    let ran = run_tests(&fixture);
    assert!(began.elapsed() < Duration::from_secs(90), "nobody waits for the one that hangs");
    let told = ran.transcript.replace(&"\"y\"\n    |             ".repeat(4), "");
    insta::assert_snapshot!(told);
    assert_eq!(ran.report.outcome, Err(StepFailure::Failed("tests failed: of 7 tests, 6 failed".into())));
    assert!(ran.log().contains("/tests.d/1fails\nno node\n"), "{}", ran.log());
    let size = fs::metadata(ran.report.trace.log.unwrap()).unwrap().len();
    assert!(size < 10 << 20, "{size}");
}

#[test]
fn other_users_run_tests_where_root_does() {
    if !tools::is_root() {
        return;
    }
    let fixture = Fixture::new();
    let accounts = "root:x:0:0::/root:/bin/sh\noscartst:x:4242:4243::/home/oscartst:/bin/sh\n";
    fs::write(fixture.server().0.join("etc/passwd"), accounts).unwrap();
    let expect = |text: &str| format!("<output name='stdout'>{text}</output><output name='stderr'/>");
    let say = "id -u; id -g; echo $HOME $USER";
    write_program(&fixture, "tests.d/who", say);
    write_file(
        &fixture,
        "apitests.d/demo_1.apt",
        test_definition(
            "<command uname='oscartst'>tests.d/who</command>",
            &expect("4242\n4243\n/home/oscartst oscartst"),
        ),
    );
    write_file(
        &fixture,
        "apitests.d/demo_2.apt",
        test_definition(
            "<command uid='4242' wdir='/tmp'>tests.d/who</command>",
            &expect("4242\n4243\n/home/oscartst oscartst"),
        ),
    );
    let script = format!(
        "<testDef><test type='script'><command uname='oscartst'>{say}; cat $0 | head -n 1</command>{}</test></testDef>",
        expect("4242\n4243\n/home/oscartst oscartst\nid -u; id -g; echo $HOME $USER; cat $0 | head -n 1")
    );
    write_file(&fixture, "apitests.d/demo_3.apt", script);
    write_file(
        &fixture,
        "apitests.d/demo_4.apt",
        test_definition("<command uname='nobody'>tests.d/who</command>", ""),
    );
    let ran = run_tests(&fixture);
    insta::assert_snapshot!(ran.transcript, @r"
    demo_1.apt
      passed
    demo_2.apt
      passed
    demo_3.apt
      passed
    demo_4.apt
      failed
      | tests.d/who did not start: there is no user nobody in /etc/passwd
    ");
}

#[test]
fn the_programs_of_old_packages() {
    let fixture = Fixture::new();
    write_program(&fixture, "data/demo/test_user", "echo \"$@\"; exit 1");
    assert_eq!(find_tests(&fixture), ["data/demo/test_user"]);
    if !tools::is_root() {
        return;
    }
    let accounts = "root:x:0:0::/root:/bin/sh\noscartst:x:4242:4243::/:/bin/sh\n";
    fs::write(fixture.server().0.join("etc/passwd"), accounts).unwrap();
    write_program(&fixture, "data/demo/test_root", "test $(id -u) = 0");
    let ran = run_tests(&fixture);
    insta::assert_snapshot!(ran.transcript, @r#"
    data/demo/test_root
      passed
    data/demo/test_user
      failed
      | it ended with exit status 1
      |   output: "node1"
    "#);
}

#[test]
fn definitions_of_the_corpus_with_stubs_for_their_programs() {
    let Some(corpus) = opkg_tests::corpus::corpus_directory() else { return };
    let mut fixture = Fixture::new();
    let accounts = "root:x:0:0::/root:/bin/sh\noscartst:x:4242:4243::/:/bin/sh\n";
    fs::write(fixture.server().0.join("etc/passwd"), accounts).unwrap();
    let files = fs::read_dir(corpus.join("slurm/testing/apitests.d")).unwrap();
    for it in files.map(Result::unwrap) {
        write_file(
            &fixture,
            &format!("apitests.d/{}", it.file_name().display()),
            fs::read(it.path()).unwrap(),
        );
    }
    for name in ["slurm_workq", "slurm_default_queue", "oscartst_user"] {
        write_file(
            &fixture,
            &format!("apitests.d/{name}.apt"),
            test_definition("<command>cat /dev/null</command>", "<output name='stdout'/>"),
        );
    }
    for name in ["slurm_services_up", "slurm_nodes_up", "slurm_job_test"] {
        write_program(&fixture, &format!("tests.d/{name}.pl"), "echo fine; exit 0");
    }
    fixture.cluster.packages.get_mut(&DEMO).unwrap().name = "slurm".parse().unwrap();
    if !tools::is_root() {
        return;
    }
    let ran = run_tests(&fixture);
    assert_eq!(ran.report.outcome, Ok(()), "{}", ran.transcript);
    assert_eq!(ran.counts(), TestCounts { passed: 6, ..TestCounts::default() });
    write_program(&fixture, "tests.d/slurm_services_up.pl", "echo slurmctld is down; exit 1");
    let ran = run_tests(&fixture);
    insta::assert_snapshot!(ran.transcript, @r"
    slurm_validate.apb
      slurm_services_up.apt
        failed
        | the exit status is 1 instead of 0
      slurm_workq.apt
        skipped
        | slurm_services_up.apt did not pass
      slurm_default_queue.apt
        skipped
        | slurm_services_up.apt did not pass
      slurm_nodes_up.apt
        skipped
        | slurm_services_up.apt did not pass
      oscartst_user.apt
        passed
      slurm_job_test.apt
        skipped
        | slurm_workq.apt did not pass
      failed
      | 5 of 6 did not pass
    ");
}

#[test]
fn what_cannot_be_read_runs_nothing() {
    let fixture = Fixture::new();
    write_program(&fixture, "tests.d/touches", "touch /ran");
    write_file(&fixture, "apitests.d/demo_a.apt", test_definition("<command>tests.d/touches</command>", ""));
    write_file(
        &fixture,
        "apitests.d/demo_b.apb",
        "<testBatch><test name='gone.apt'/><test name='../../../../../etc/x.apt'/></testBatch>",
    );
    // A link out of the directory is none that is followed.
    std::os::unix::fs::symlink(
        "/etc/passwd",
        create_testing_dirs(&fixture, SERVER).join("apitests.d/demo_c.apt"),
    )
    .unwrap();
    let ran = run_tests(&fixture);
    insta::assert_snapshot!(ran.transcript, @r"
    definitions
      error
      | apitests.d/demo_b.apb:1: `gone.apt` is not there: it was looked for in apitests.d
      | apitests.d/demo_b.apb:1: `../../../../../etc/x.apt` leads out of the directory of tests
      | apitests.d/demo_c.apt: it cannot be read: it leads out of the directory of tests
    ");
    assert!(
        matches!(&ran.report.outcome, Err(StepFailure::Failed(reason)) if reason.contains("and 2 more")),
        "{:?}",
        ran.report
    );
    assert!(!fixture.server().0.join("ran").exists());
}

#[test]
fn phases_and_images_are_tested_likewise() {
    let fixture = Fixture::new();
    let phase = TestSubject::Phase(Phase::BuildImage);
    assert_eq!(fixture.system().find(&fixture.cluster, SERVER, phase).unwrap(), [""; 0]);
    write_file(
        &fixture,
        "apitests.d/before_build_image.apb",
        "<testBatch><test name='demo_x.apt'/></testBatch>",
    );
    let command =
        "<command>sh -c 'echo ${OPM_PACKAGE-unset}:${OSCAR_PACKAGE_HOME-unset}:$OPM_STAGE'</command>";
    write_file(
        &fixture,
        "apitests.d/demo_x.apt",
        test_definition(command, "<output name='stdout'>:unset:install-bin-pkgs</output>"),
    );
    let ran = run_tests_on(&fixture, SERVER, phase);
    assert_eq!(ran.report.outcome, Ok(()), "{}", ran.transcript);
    let definition =
        test_definition("<command>cat /etc/where</command>", "<output name='stdout'>image</output>");
    fs::write(create_testing_dirs(&fixture, IMAGE).join("apitests.d/demo_y.apt"), definition).unwrap();
    fs::write(fixture.root(IMAGE).0.join("etc/where"), "image").unwrap();
    let ran = run_tests_on(&fixture, IMAGE, TestSubject::Package(DEMO));
    assert_eq!(
        (ran.report.outcome, ran.parts[0].status.clone()),
        (Ok(()), TestStatus::Passed),
        "{}",
        ran.transcript
    );
}
