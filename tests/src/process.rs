//! Child processes: with a time limit, with their output, and with a message when they fail.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// Nothing that the tests start takes longer, or it hangs.
const TIMEOUT: Duration = Duration::from_secs(240);

/// How a process ended.
#[derive(Debug)]
pub struct ProcessOutput {
    /// Exit status; nothing if a signal ended it.
    pub code: Option<i32>,
    /// Standard output, bytes that are not UTF-8 replaced.
    pub stdout: String,
    pub stderr: String,
}

impl ProcessOutput {
    /// Both outputs, for a message.
    #[must_use]
    pub fn combined_output(&self) -> String {
        format!("exit status {:?}\n{}{}", self.code, self.stdout, self.stderr)
    }
}

/// Runs a command to its end.
///
/// # Panics
///
/// If it cannot be started, or does not end within minutes.
#[must_use]
pub fn run(command: &mut Command) -> ProcessOutput {
    run_with_timeout(command, TIMEOUT)
}

/// Runs a command to its end, for which it has a time of its own.
///
/// # Panics
///
/// If it cannot be started, or does not end within that time.
#[must_use]
pub fn run_with_timeout(command: &mut Command, limit: Duration) -> ProcessOutput {
    let what = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {what}: {error}"));
    let stdout = spawn_reader(child.stdout.take());
    let stderr = spawn_reader(child.stderr.take());
    let code = wait_with_timeout(&mut child, &what, limit);
    ProcessOutput { code, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

/// Runs a command that has to succeed, and gives what it printed on standard output.
///
/// # Panics
///
/// If it fails; the message has all that it said.
pub fn run_successfully(command: &mut Command) -> String {
    let ended = run(command);
    assert!(ended.code == Some(0), "{command:?}\n{}", ended.combined_output());
    ended.stdout
}

/// Runs a command that has to succeed, and gives the bytes that it printed on standard output.
///
/// # Panics
///
/// If it fails; the message has what it said.
#[must_use]
pub fn stdout_bytes(command: &mut Command) -> Vec<u8> {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn spawn_reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).unwrap();
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn wait_with_timeout(child: &mut Child, what: &str, limit: Duration) -> Option<i32> {
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
