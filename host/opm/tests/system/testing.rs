//! Tests of packages, as the built-in runner runs them: real programs, real users.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use opkg_oda::{Cluster, Phase, RunId, TargetId};
use opkg_opm::effects::Report;
use opkg_opm::engine::Clock;
use opkg_opm::machine::Outcome;
use opkg_opm::testing::{Audience, Bench as _, Counts, Exam, Examined, HOME, Part, Subject, Verdict};
use opkg_tests::tools;

use crate::bench::{Bench, DEMO, IMAGE, SERVER};

struct Still(Cell<i64>);

impl Clock for Still {
    fn now(&self) -> i64 {
        self.0.get()
    }
}

/// Keeps the tree as text.
#[derive(Default)]
struct Listener(String);

impl Audience for Listener {
    fn begins(&mut self, _: &Cluster, _: &Exam) {}
    fn part_begins(&mut self, part: &Part, depth: usize) {
        self.0.push_str(&format!("{}{}\n", "  ".repeat(depth), part.name));
    }
    fn part_ended(&mut self, part: &Part, depth: usize) {
        let indent = "  ".repeat(depth + 1);
        self.0.push_str(&format!("{indent}{}\n", part.verdict.name()));
        for line in part.verdict.reason().unwrap_or_default().lines() {
            self.0.push_str(&format!("{indent}| {line}\n"));
        }
    }
    fn ended(&mut self, _: &Cluster, _: &Examined) {}
}

struct Ran {
    report: Report,
    parts: Vec<Part>,
    told: String,
}

impl Ran {
    fn log(&self) -> String {
        fs::read_to_string(self.report.log.as_ref().unwrap()).unwrap()
    }

    fn counts(&self) -> Counts {
        Counts::of(&self.parts)
    }
}

fn place(bench: &Bench, target: TargetId) -> PathBuf {
    let place = bench.root(target).0.join(HOME.trim_start_matches('/'));
    for directory in ["apitests.d", "tests.d", "data/demo"] {
        fs::create_dir_all(place.join(directory)).unwrap();
    }
    place
}

fn file(bench: &Bench, path: &str, contents: impl AsRef<[u8]>) {
    fs::write(place(bench, SERVER).join(path), contents).unwrap();
}

fn program(bench: &Bench, path: &str, script: &str) {
    file(bench, path, format!("#!/bin/sh\n{script}\n"));
    let path = place(bench, SERVER).join(path);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn test(command: &str, rest: &str) -> String {
    format!("<testDef><test type='cmd'>{command}{rest}</test></testDef>")
}

fn find(bench: &Bench) -> Vec<String> {
    bench.system().find(&bench.cluster, SERVER, Subject::Package(DEMO)).unwrap()
}

fn run(bench: &Bench) -> Ran {
    run_on(bench, SERVER, Subject::Package(DEMO))
}

fn run_on(bench: &Bench, target: TargetId, subject: Subject) -> Ran {
    let mut system = bench.system();
    let files = system.find(&bench.cluster, target, subject).unwrap();
    let exam = Exam { target, subject, files };
    let mut listener = Listener::default();
    let (report, parts) =
        system.examine(&bench.cluster, &exam, RunId(7), &Still(Cell::new(0)), &mut listener);
    Ran { report, parts, told: listener.0 }
}

#[test]
fn programs_run_as_definitions_say() {
    let bench = Bench::new();
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
    file(&bench, "tests.d/args", "");
    program(
        &bench,
        "tests.d/args",
        "echo \"0:${0#/usr/lib/oscar/testing} $(for it in \"$@\"; do echo -n \"$it|\"; done)\"",
    );
    file(&bench, "tests.d/plain", "echo plain $1\n");
    for (name, command, stdout) in definitions {
        let stdout = format!("<output name='stdout'>{stdout}</output>");
        file(&bench, &format!("apitests.d/demo_{name}.apt"), test(command, &format!("{stdout}{status}")));
    }
    let script = "<testDef><test type='script'><command>
        #!/bin/sh
        echo \"$0\" | grep -c '^/tmp/' &amp;&amp; cat; echo \"$OPM_PACKAGE:$OPM_NODES:$1\"
        </command><input name='argument'>it</input><output name='stdout'>1\ndemo:node1:it</output></test></testDef>";
    file(&bench, "apitests.d/demo_script.apt", script);
    let ran = run(&bench);
    assert_eq!(ran.report.outcome, Outcome::Done, "{}", ran.told);
    assert_eq!(ran.counts(), Counts { passed: 7, ..Counts::default() });
    assert!(!place(&bench, SERVER).join("tests.d/program").exists());
}

#[test]
fn what_goes_wrong_with_programs_is_seen() {
    let mut bench = Bench::new();
    // All but one have to end by themselves meanwhile, on a busy machine as well.
    bench.config.limits.hook = Duration::from_secs(12);
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
        let definition = test(&format!("<command>tests.d/{name}</command>"), quiet);
        file(&bench, &format!("apitests.d/demo_{name}.apt"), definition);
        if name != "4missing" {
            program(&bench, &format!("tests.d/{name}"), script);
        }
    }
    let began = std::time::Instant::now();
    let ran = run(&bench);
    assert!(began.elapsed() < Duration::from_secs(90), "nobody waits for the one that hangs");
    let told = ran.told.replace(&"\"y\"\n    |             ".repeat(4), "");
    insta::assert_snapshot!(told);
    assert_eq!(ran.report.outcome, Outcome::Failed("tests failed: of 7 tests, 6 failed".into()));
    assert!(ran.log().contains("/tests.d/1fails\nno node\n"), "{}", ran.log());
    let size = fs::metadata(ran.report.log.unwrap()).unwrap().len();
    assert!(size < 10 << 20, "{size}");
}

#[test]
fn other_users_run_tests_where_root_does() {
    if !tools::root() {
        return;
    }
    let bench = Bench::new();
    let accounts = "root:x:0:0::/root:/bin/sh\noscartst:x:4242:4243::/home/oscartst:/bin/sh\n";
    fs::write(bench.server().0.join("etc/passwd"), accounts).unwrap();
    let expect = |text: &str| format!("<output name='stdout'>{text}</output><output name='stderr'/>");
    let say = "id -u; id -g; echo $HOME $USER";
    program(&bench, "tests.d/who", say);
    file(
        &bench,
        "apitests.d/demo_1.apt",
        test(
            "<command uname='oscartst'>tests.d/who</command>",
            &expect("4242\n4243\n/home/oscartst oscartst"),
        ),
    );
    file(
        &bench,
        "apitests.d/demo_2.apt",
        test(
            "<command uid='4242' wdir='/tmp'>tests.d/who</command>",
            &expect("4242\n4243\n/home/oscartst oscartst"),
        ),
    );
    let script = format!(
        "<testDef><test type='script'><command uname='oscartst'>{say}; cat $0 | head -n 1</command>{}</test></testDef>",
        expect("4242\n4243\n/home/oscartst oscartst\nid -u; id -g; echo $HOME $USER; cat $0 | head -n 1")
    );
    file(&bench, "apitests.d/demo_3.apt", script);
    file(&bench, "apitests.d/demo_4.apt", test("<command uname='nobody'>tests.d/who</command>", ""));
    let ran = run(&bench);
    insta::assert_snapshot!(ran.told, @r"
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
    let bench = Bench::new();
    program(&bench, "data/demo/test_user", "echo \"$@\"; exit 1");
    assert_eq!(find(&bench), ["data/demo/test_user"]);
    if !tools::root() {
        return;
    }
    let accounts = "root:x:0:0::/root:/bin/sh\noscartst:x:4242:4243::/:/bin/sh\n";
    fs::write(bench.server().0.join("etc/passwd"), accounts).unwrap();
    program(&bench, "data/demo/test_root", "test $(id -u) = 0");
    let ran = run(&bench);
    insta::assert_snapshot!(ran.told, @r#"
    data/demo/test_root
      passed
    data/demo/test_user
      failed
      | it ended with exit status 1
      |   it said: "node1"
    "#);
}

#[test]
fn definitions_of_the_corpus_with_stubs_for_their_programs() {
    let Some(corpus) = opkg_tests::corpus::root() else { return };
    let mut bench = Bench::new();
    let accounts = "root:x:0:0::/root:/bin/sh\noscartst:x:4242:4243::/:/bin/sh\n";
    fs::write(bench.server().0.join("etc/passwd"), accounts).unwrap();
    let files = fs::read_dir(corpus.join("slurm/testing/apitests.d")).unwrap();
    for it in files.map(Result::unwrap) {
        file(&bench, &format!("apitests.d/{}", it.file_name().display()), fs::read(it.path()).unwrap());
    }
    for name in ["slurm_workq", "slurm_default_queue", "oscartst_user"] {
        file(
            &bench,
            &format!("apitests.d/{name}.apt"),
            test("<command>cat /dev/null</command>", "<output name='stdout'/>"),
        );
    }
    for name in ["slurm_services_up", "slurm_nodes_up", "slurm_job_test"] {
        program(&bench, &format!("tests.d/{name}.pl"), "echo fine; exit 0");
    }
    bench.cluster.packages.get_mut(&DEMO).unwrap().name = "slurm".parse().unwrap();
    if !tools::root() {
        return;
    }
    let ran = run(&bench);
    assert_eq!(ran.report.outcome, Outcome::Done, "{}", ran.told);
    assert_eq!(ran.counts(), Counts { passed: 6, ..Counts::default() });
    program(&bench, "tests.d/slurm_services_up.pl", "echo slurmctld is down; exit 1");
    let ran = run(&bench);
    insta::assert_snapshot!(ran.told, @r"
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
    let bench = Bench::new();
    program(&bench, "tests.d/touches", "touch /ran");
    file(&bench, "apitests.d/demo_a.apt", test("<command>tests.d/touches</command>", ""));
    file(
        &bench,
        "apitests.d/demo_b.apb",
        "<testBatch><test name='gone.apt'/><test name='../../../../../etc/x.apt'/></testBatch>",
    );
    // A link out of the directory is none that is followed.
    std::os::unix::fs::symlink("/etc/passwd", place(&bench, SERVER).join("apitests.d/demo_c.apt")).unwrap();
    let ran = run(&bench);
    insta::assert_snapshot!(ran.told, @r"
    definitions
      error
      | apitests.d/demo_b.apb:1: `gone.apt` is not there: it was looked for in apitests.d
      | apitests.d/demo_b.apb:1: `../../../../../etc/x.apt` leads out of the directory of tests
      | apitests.d/demo_c.apt: it cannot be read: it leads out of the directory of tests
    ");
    assert!(
        matches!(&ran.report.outcome, Outcome::Failed(reason) if reason.contains("and 2 more")),
        "{:?}",
        ran.report
    );
    assert!(!bench.server().0.join("ran").exists());
}

#[test]
fn phases_and_images_are_tested_likewise() {
    let bench = Bench::new();
    let phase = Subject::Phase(Phase::BuildImage);
    assert_eq!(bench.system().find(&bench.cluster, SERVER, phase).unwrap(), [""; 0]);
    file(&bench, "apitests.d/before_build_image.apb", "<testBatch><test name='demo_x.apt'/></testBatch>");
    let command =
        "<command>sh -c 'echo ${OPM_PACKAGE-unset}:${OSCAR_PACKAGE_HOME-unset}:$OPM_STAGE'</command>";
    file(
        &bench,
        "apitests.d/demo_x.apt",
        test(command, "<output name='stdout'>:unset:install-bin-pkgs</output>"),
    );
    let ran = run_on(&bench, SERVER, phase);
    assert_eq!(ran.report.outcome, Outcome::Done, "{}", ran.told);
    let definition = test("<command>cat /etc/where</command>", "<output name='stdout'>image</output>");
    fs::write(place(&bench, IMAGE).join("apitests.d/demo_y.apt"), definition).unwrap();
    fs::write(bench.root(IMAGE).0.join("etc/where"), "image").unwrap();
    let ran = run_on(&bench, IMAGE, Subject::Package(DEMO));
    assert_eq!(
        (ran.report.outcome, ran.parts[0].verdict.clone()),
        (Outcome::Done, Verdict::Passed),
        "{}",
        ran.told
    );
}
