#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread;

use rustix::process::test_kill_process;

use super::*;
use crate::process::launch_spec::LaunchSpec;

/// Long enough for a shell to begin on a busy machine.
const SHORT_TIMEOUT: Timeout = Timeout { limit: Duration::from_secs(3), grace: Duration::from_millis(300) };
const LONG_TIMEOUT: Timeout = Timeout { limit: Duration::from_secs(60), grace: Duration::from_millis(300) };

/// The program of this crate that launches others, which is built with its tests.
fn launcher() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let launcher = tests.ancestors().nth(2).unwrap().join("launcher");
    assert!(launcher.is_file(), "{} is not built: cargo build -p opkg-opm --bins", launcher.display());
    launcher
}

/// A directory for programs and their log.
struct Fixture(tempfile::TempDir);

/// What came of a program.
struct RunResult {
    termination: Termination,
    lines: String,
    stdout: Vec<u8>,
    elapsed: Duration,
}

impl Fixture {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write_script(&self, text: &str) -> PathBuf {
        self.write_file(text.as_bytes(), 0o755)
    }

    fn write_file(&self, contents: &[u8], mode: u32) -> PathBuf {
        let path = self.path("program");
        fs::write(&path, contents).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn run_shell(&self, commands: &str, timeout: Timeout) -> RunResult {
        self.run(&["/bin/sh", "-c", commands], timeout, false, &StopToken::default())
    }

    fn run(&self, argv: &[&str], timeout: Timeout, answers: bool, stop: &StopToken) -> RunResult {
        let spec = LaunchSpec { working_directory: self.0.path().to_owned(), ..LaunchSpec::default() };
        let program = ProcessSpec {
            launcher: [vec![launcher().into()], spec.to_args()].concat(),
            argv: argv.iter().map(Into::into).collect(),
            environment: vec![("PATH".into(), "/usr/bin:/bin".into()), ("A".into(), "b".into())],
            output: if answers { OutputMode::CaptureStdout } else { OutputMode::Log },
        };
        let log = self.path("log");
        let _ = fs::remove_file(&log);
        let mut log = StepLog::create(&log).unwrap();
        let start = Instant::now();
        let ended = run(&program, timeout, stop, &mut log);
        let (took, lines) = (start.elapsed(), log.last_lines());
        assert_eq!(log.finish(), None);
        RunResult { termination: ended.termination, lines, stdout: ended.stdout, elapsed: took }
    }

    fn run_to_termination(&self, argv: &[&str]) -> Termination {
        self.run(argv, LONG_TIMEOUT, false, &StopToken::default()).termination
    }
}

fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    let running = stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'));
    running && test_kill_process(Pid::from_raw(pid.trim().parse().unwrap()).unwrap()).is_ok()
}

fn dies_soon(pid: &str) -> bool {
    (0..200).any(|_| {
        thread::sleep(Duration::from_millis(10));
        !is_alive(pid)
    })
}

#[test]
fn output_of_both_kinds_in_order_and_nothing_else_of_the_environment() {
    let fixture = Fixture::new();
    let outcome = fixture.run_shell(
        "echo one; echo two >&2; env | grep -v '^PWD\\|^_\\|^SHLVL' | sort; pwd; cat",
        LONG_TIMEOUT,
    );
    assert_eq!(outcome.termination, Termination::Exited(0));
    let directory = fixture.0.path().display();
    assert_eq!(outcome.lines, format!("one\ntwo\nA=b\nPATH=/usr/bin:/bin\n{directory}"));
    let log = fs::read_to_string(fixture.path("log")).unwrap();
    assert!(
        log.starts_with("$ /bin/sh -c \"echo one; ") && log.ends_with(&format!("\n{directory}\n")),
        "{log}"
    );
}

#[test]
fn exit_status_and_signal_are_told_apart() {
    let fixture = Fixture::new();
    assert_eq!(fixture.run_shell("exit 9", LONG_TIMEOUT).termination, Termination::Exited(9));
    assert_eq!(fixture.run_shell("kill -9 $$", LONG_TIMEOUT).termination, Termination::Signaled(9));
    assert_eq!(fixture.run_shell("exit 137", LONG_TIMEOUT).termination, Termination::Exited(137));
    assert_eq!(
        fixture.run_shell("kill -9 $$", LONG_TIMEOUT).termination.to_string(),
        "was killed by signal 9 (SIGKILL)"
    );
}

#[test]
fn the_time_limit_is_for_the_whole_group() {
    let fixture = Fixture::new();
    let outcome = fixture.run_shell("sleep 100 & echo $!; wait", SHORT_TIMEOUT);
    assert_eq!(outcome.termination, Termination::TimedOut(SHORT_TIMEOUT.limit));
    assert!(outcome.elapsed < Duration::from_secs(60), "{:?}", outcome.elapsed);
    assert!(dies_soon(&outcome.lines));
}

#[test]
fn who_ignores_the_first_signal_gets_the_other() {
    let fixture = Fixture::new();
    let outcome =
        fixture.run_shell("trap '' TERM; sleep 100 & echo $!; while :; do sleep 0.05; done", SHORT_TIMEOUT);
    assert_eq!(outcome.termination, Termination::TimedOut(SHORT_TIMEOUT.limit));
    assert!(
        outcome.elapsed >= SHORT_TIMEOUT.limit + SHORT_TIMEOUT.grace
            && outcome.elapsed < Duration::from_secs(60)
    );
    assert!(dies_soon(&outcome.lines));
    // One that ends well when it is asked to, and leaves one behind that does not.
    let outcome = fixture.run_shell(
        "(trap '' TERM; sleep 0.2; exec sleep 100) & echo $!; trap 'exit 0' TERM; wait",
        SHORT_TIMEOUT,
    );
    assert_eq!(outcome.termination, Termination::TimedOut(SHORT_TIMEOUT.limit));
    assert!(dies_soon(&outcome.lines));
}

#[test]
fn the_end_of_the_program_is_the_end_whoever_holds_its_output() {
    let fixture = Fixture::new();
    let outcome = fixture.run_shell("sleep 30 & echo $!; echo done >&2", LONG_TIMEOUT);
    assert_eq!(outcome.termination, Termination::Exited(0));
    assert!(outcome.elapsed < Duration::from_secs(25));
    let (pid, rest) = outcome.lines.split_once('\n').unwrap();
    assert_eq!(rest, "done");
    assert!(is_alive(pid), "what it left running is none of our business");
    rustix::process::kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap(), Signal::KILL).unwrap();
    // One that goes on filling the pipe.
    let outcome = fixture.run_shell("yes & echo $! > pid; sleep 0.3", LONG_TIMEOUT);
    assert_eq!(outcome.termination, Termination::Exited(0));
    let pid = fs::read_to_string(fixture.path("pid")).unwrap();
    assert!(dies_soon(&pid), "its output is read by nobody");
}

#[test]
fn a_flood_does_not_fill_the_disk() {
    let fixture = Fixture::new();
    let outcome = fixture.run_shell(
        "yes 0123456789abcdefghijklmnopqrstuvwxyz | head -c 100000000; echo; echo the end",
        LONG_TIMEOUT,
    );
    assert_eq!(outcome.termination, Termination::Exited(0));
    assert!(outcome.lines.ends_with("\nthe end"));
    assert!(fs::metadata(fixture.path("log")).unwrap().len() < 6 << 20);
}

#[test]
fn an_answer_is_apart_from_the_log() {
    let fixture = Fixture::new();
    let outcome =
        fixture.run(&["sh", "-c", "echo 'x\ty'; echo no >&2"], LONG_TIMEOUT, true, &StopToken::default());
    assert_eq!((outcome.stdout.as_slice(), outcome.lines.as_str()), (&b"x\ty\n"[..], "no"));
    let outcome =
        fixture.run(&["head", "-c", "40000000", "/dev/zero"], LONG_TIMEOUT, true, &StopToken::default());
    assert_eq!((outcome.termination, outcome.stdout.len()), (Termination::Exited(0), 40_000_000));
    let outcome = fixture.run(&["cat", "/dev/zero"], LONG_TIMEOUT, true, &StopToken::default());
    assert_eq!(outcome.termination, Termination::OutputTooLarge);
}

#[test]
fn what_cannot_be_started_is_told() {
    let fixture = Fixture::new();
    let path = fixture.path("program");
    let path = path.to_str().unwrap();
    let mut said = Vec::new();
    let mut tell = |how: Termination| match how {
        Termination::NotStarted(reason) => said.push(reason.replace(path, "PROGRAM")),
        other => said.push(format!("{other:?}")),
    };
    tell(fixture.run_to_termination(&[path]));
    tell(fixture.run_to_termination(&["no-such-program"]));
    fixture.write_script("#!/no/such/interpreter -x\n");
    tell(fixture.run_to_termination(&[path]));
    fixture.write_script("echo a shell would run this\n");
    tell(fixture.run_to_termination(&[path]));
    fixture.write_file(b"#!/bin/sh\n", 0o644);
    tell(fixture.run_to_termination(&[path]));
    fixture.write_file(b"\x7fELF nothing more", 0o755);
    tell(fixture.run_to_termination(&[path]));
    fixture.write_script("#!/bin/sh\n");
    let writer = fs::OpenOptions::new().write(true).open(path).unwrap();
    tell(fixture.run_to_termination(&[path]));
    drop(writer);
    tell(fixture.run_to_termination(&[path]));
    tell(fixture.run_to_termination(&["/"]));
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn whoever_asks_twice_gets_it_at_once() {
    let fixture = Fixture::new();
    let stop = StopToken::default();
    stop.request();
    assert_eq!(
        fixture.run(&["sleep", "0.1"], LONG_TIMEOUT, false, &stop).termination,
        Termination::Exited(0)
    );
    let (asks, at_work) = (stop.clone(), fixture.path("at-work"));
    let second = thread::spawn(move || {
        while !at_work.exists() {
            thread::sleep(Duration::from_millis(10));
        }
        asks.request();
    });
    let outcome = fixture.run(&["sh", "-c", "touch at-work; exec sleep 100"], LONG_TIMEOUT, false, &stop);
    assert_eq!(outcome.termination, Termination::Stopped);
    assert!(outcome.elapsed < Duration::from_secs(60));
    second.join().unwrap();
    assert_eq!(
        fixture.run(&["touch", "started"], LONG_TIMEOUT, false, &stop).termination,
        Termination::Stopped
    );
    assert!(!fixture.path("started").exists());
}

/// For a program of the running system; what is confined is tested with roots.
#[test]
fn attributes_do_not_depend_on_the_caller() {
    let fixture = Fixture::new();
    let outcome = fixture.run_shell(
        "umask; grep -E '^Sig(Blk|Ign):' /proc/self/status; echo files: $(ls /proc/self/fd)
         read pid name state parent group session terminal rest < /proc/self/stat
         [ $pid = $group ] && [ $pid = $session ] && echo leader; echo terminal: $terminal",
        LONG_TIMEOUT,
    );
    let expected =
        "0022\nSigBlk: 0000000000000000\nSigIgn: 0000000000000000\nfiles: 0 1 2 3\nleader\nterminal: 0";
    // Two signals are glibc's own, which ignores them in what it starts.
    assert_eq!(outcome.lines.replace("SigIgn: 0000000180000000", "SigIgn: 0000000000000000"), expected);
}

#[test]
fn what_is_too_long_for_the_kernel_is_told() {
    let fixture = Fixture::new();
    let word = "x".repeat(200_000);
    let Termination::NotStarted(reason) = fixture.run_to_termination(&["true", &word]) else { panic!() };
    assert_eq!(reason, "true cannot be started: its arguments and environment are too long");
}
