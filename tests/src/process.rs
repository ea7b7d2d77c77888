//! Child processes: with a time limit, with their output, and with a message when they fail.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// Nothing that the tests start takes longer, or it hangs.
const LIMIT: Duration = Duration::from_secs(240);

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit status; nothing if a signal ended it.
    pub code: Option<i32>,
    /// Standard output, bytes that are not UTF-8 replaced.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
}

impl Ended {
    /// Both outputs, for a message.
    #[must_use]
    pub fn output(&self) -> String {
        format!("exit status {:?}\n{}{}", self.code, self.stdout, self.stderr)
    }
}

/// Runs a command to its end.
///
/// # Panics
///
/// If it cannot be started, or does not end within minutes.
#[must_use]
pub fn run(command: &mut Command) -> Ended {
    run_within(command, LIMIT)
}

/// Runs a command to its end, for which it has a time of its own.
///
/// # Panics
///
/// If it cannot be started, or does not end within that time.
#[must_use]
pub fn run_within(command: &mut Command, limit: Duration) -> Ended {
    let what = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {what}: {error}"));
    let stdout = reader(child.stdout.take());
    let stderr = reader(child.stderr.take());
    let code = wait(&mut child, &what, limit);
    Ended { code, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

/// Runs a command that has to succeed, and gives what it printed on standard output.
///
/// # Panics
///
/// If it fails; the message has all that it said.
pub fn succeed(command: &mut Command) -> String {
    let ended = run(command);
    assert!(ended.code == Some(0), "{command:?}\n{}", ended.output());
    ended.stdout
}

/// Runs a command that has to succeed, and gives the bytes that it printed on standard output.
///
/// # Panics
///
/// If it fails; the message has what it said.
#[must_use]
pub fn bytes(command: &mut Command) -> Vec<u8> {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).unwrap();
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn wait(child: &mut Child, what: &str, limit: Duration) -> Option<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if start.elapsed() > limit {
            if let Some(group) = Pid::from_raw(i32::try_from(child.id()).unwrap()) {
                let _ = kill_process_group(group, Signal::KILL);
            }
            panic!("still running after {limit:?}: {what}");
        }
        thread::sleep(Duration::from_millis(3));
    }
}
