#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;

use rustix::process::test_kill_process;

use super::*;

/// Long enough for a shell to begin on a busy machine.
const SHORT: Patience = Patience { limit: Duration::from_secs(3), grace: Duration::from_millis(300) };
const LONG: Patience = Patience { limit: Duration::from_secs(60), grace: Duration::from_millis(300) };

/// A directory for programs and their log.
struct Bench(tempfile::TempDir);

/// What came of a program.
struct Outcome {
    how: How,
    lines: String,
    answer: Vec<u8>,
    took: Duration,
}

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn script(&self, text: &str) -> PathBuf {
        self.file(text.as_bytes(), 0o755)
    }

    fn file(&self, contents: &[u8], mode: u32) -> PathBuf {
        let path = self.path("program");
        fs::write(&path, contents).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn sh(&self, commands: &str, patience: Patience) -> Outcome {
        self.run(&["/bin/sh", "-c", commands], patience, false, &Stop::default())
    }

    fn run(&self, argv: &[&str], patience: Patience, answers: bool, stop: &Stop) -> Outcome {
        let program = Program {
            argv: argv.iter().map(Into::into).collect(),
            environment: vec![("PATH".into(), "/usr/bin:/bin".into()), ("A".into(), "b".into())],
            directory: self.0.path().to_owned(),
            output: if answers { Output::Answer } else { Output::Logged },
            account: None,
        };
        let log = self.path("log");
        let _ = fs::remove_file(&log);
        let mut log = Log::create(&log).unwrap();
        let start = Instant::now();
        let ended = run(&program, patience, stop, &mut log);
        let (took, lines) = (start.elapsed(), log.lines());
        assert_eq!(log.finish(), None);
        Outcome { how: ended.how, lines, answer: ended.answer, took }
    }

    fn start(&self, argv: &[&str]) -> How {
        self.run(argv, LONG, false, &Stop::default()).how
    }
}

fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    let running = stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'));
    running && test_kill_process(Pid::from_raw(pid.trim().parse().unwrap()).unwrap()).is_ok()
}

fn soon_dead(pid: &str) -> bool {
    (0..200).any(|_| {
        thread::sleep(Duration::from_millis(10));
        !is_alive(pid)
    })
}

#[test]
fn output_of_both_kinds_in_order_and_nothing_else_of_the_environment() {
    let bench = Bench::new();
    let outcome =
        bench.sh("echo one; echo two >&2; env | grep -v '^PWD\\|^_\\|^SHLVL' | sort; pwd; cat", LONG);
    assert_eq!(outcome.how, How::Exited(0));
    let directory = bench.0.path().display();
    assert_eq!(outcome.lines, format!("one\ntwo\nA=b\nPATH=/usr/bin:/bin\n{directory}"));
    let log = fs::read_to_string(bench.path("log")).unwrap();
    assert!(
        log.starts_with("$ /bin/sh -c \"echo one; ") && log.ends_with(&format!("\n{directory}\n")),
        "{log}"
    );
}

#[test]
fn exit_status_and_signal_are_told_apart() {
    let bench = Bench::new();
    assert_eq!(bench.sh("exit 9", LONG).how, How::Exited(9));
    assert_eq!(bench.sh("kill -9 $$", LONG).how, How::Killed(9));
    assert_eq!(bench.sh("exit 137", LONG).how, How::Exited(137));
    assert_eq!(bench.sh("kill -9 $$", LONG).how.to_string(), "was killed by signal 9 (SIGKILL)");
}

#[test]
fn the_time_limit_is_for_the_whole_group() {
    let bench = Bench::new();
    let outcome = bench.sh("sleep 100 & echo $!; wait", SHORT);
    assert_eq!(outcome.how, How::TimedOut(SHORT.limit));
    assert!(outcome.took < Duration::from_secs(60), "{:?}", outcome.took);
    assert!(soon_dead(&outcome.lines));
}

#[test]
fn who_ignores_the_first_signal_gets_the_other() {
    let bench = Bench::new();
    let outcome = bench.sh("trap '' TERM; sleep 100 & echo $!; while :; do sleep 0.05; done", SHORT);
    assert_eq!(outcome.how, How::TimedOut(SHORT.limit));
    assert!(outcome.took >= SHORT.limit + SHORT.grace && outcome.took < Duration::from_secs(60));
    assert!(soon_dead(&outcome.lines));
    // One that ends well when it is asked to, and leaves one behind that does not.
    let outcome =
        bench.sh("(trap '' TERM; sleep 0.2; exec sleep 100) & echo $!; trap 'exit 0' TERM; wait", SHORT);
    assert_eq!(outcome.how, How::TimedOut(SHORT.limit));
    assert!(soon_dead(&outcome.lines));
}

#[test]
fn the_end_of_the_program_is_the_end_whoever_holds_its_output() {
    let bench = Bench::new();
    let outcome = bench.sh("sleep 30 & echo $!; echo done >&2", LONG);
    assert_eq!(outcome.how, How::Exited(0));
    assert!(outcome.took < Duration::from_secs(25));
    let (pid, rest) = outcome.lines.split_once('\n').unwrap();
    assert_eq!(rest, "done");
    assert!(is_alive(pid), "what it left running is none of our business");
    rustix::process::kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap(), Signal::KILL).unwrap();
    // One that goes on filling the pipe.
    let outcome = bench.sh("yes & echo $! > pid; sleep 0.3", LONG);
    assert_eq!(outcome.how, How::Exited(0));
    let pid = fs::read_to_string(bench.path("pid")).unwrap();
    assert!(soon_dead(&pid), "its output is read by nobody");
}

#[test]
fn a_flood_does_not_fill_the_disk() {
    let bench = Bench::new();
    let outcome =
        bench.sh("yes 0123456789abcdefghijklmnopqrstuvwxyz | head -c 100000000; echo; echo the end", LONG);
    assert_eq!(outcome.how, How::Exited(0));
    assert!(outcome.lines.ends_with("\nthe end"));
    assert!(fs::metadata(bench.path("log")).unwrap().len() < 6 << 20);
}

#[test]
fn an_answer_is_apart_from_the_log() {
    let bench = Bench::new();
    let outcome = bench.run(&["sh", "-c", "echo 'x\ty'; echo no >&2"], LONG, true, &Stop::default());
    assert_eq!((outcome.answer.as_slice(), outcome.lines.as_str()), (&b"x\ty\n"[..], "no"));
    let outcome = bench.run(&["head", "-c", "40000000", "/dev/zero"], LONG, true, &Stop::default());
    assert_eq!((outcome.how, outcome.answer.len()), (How::Exited(0), 40_000_000));
    let outcome = bench.run(&["cat", "/dev/zero"], LONG, true, &Stop::default());
    assert_eq!(outcome.how, How::TooMuch);
}

#[test]
fn what_cannot_be_started_is_told() {
    let bench = Bench::new();
    let path = bench.path("program");
    let path = path.to_str().unwrap();
    let mut said = Vec::new();
    let mut tell = |how: How| match how {
        How::NotStarted(reason) => said.push(reason.replace(path, "PROGRAM")),
        other => said.push(format!("{other:?}")),
    };
    tell(bench.start(&[path]));
    tell(bench.start(&["no-such-program"]));
    bench.script("#!/no/such/interpreter -x\n");
    tell(bench.start(&[path]));
    bench.script("echo a shell would run this\n");
    tell(bench.start(&[path]));
    bench.file(b"#!/bin/sh\n", 0o644);
    tell(bench.start(&[path]));
    bench.file(b"\x7fELF nothing more", 0o755);
    tell(bench.start(&[path]));
    bench.script("#!/bin/sh\n");
    let writer = fs::OpenOptions::new().write(true).open(path).unwrap();
    tell(bench.start(&[path]));
    drop(writer);
    tell(bench.start(&[path]));
    tell(bench.start(&["/"]));
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn whoever_asks_twice_gets_it_at_once() {
    let bench = Bench::new();
    let stop = Stop::default();
    stop.request();
    assert_eq!(bench.run(&["sleep", "0.1"], LONG, false, &stop).how, How::Exited(0));
    let (asks, at_work) = (stop.clone(), bench.path("at-work"));
    let second = thread::spawn(move || {
        while !at_work.exists() {
            thread::sleep(Duration::from_millis(10));
        }
        asks.request();
    });
    let outcome = bench.run(&["sh", "-c", "touch at-work; exec sleep 100"], LONG, false, &stop);
    assert_eq!(outcome.how, How::Stopped);
    assert!(outcome.took < Duration::from_secs(60));
    second.join().unwrap();
    assert_eq!(bench.run(&["touch", "started"], LONG, false, &stop).how, How::Stopped);
    assert!(!bench.path("started").exists());
}
