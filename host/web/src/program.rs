//! Commands of `opm` that a browser starts: one at a time, each a process of its own that goes on when the server ends.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::plain::plain;

/// Bytes of the end of what a command printed that are shown.
const SHOWN: usize = 16 << 10;
/// Between two looks whether it has ended.
const PAUSE: Duration = Duration::from_millis(10);

/// How `opm` is started: with the database and the configuration that this server works with.
#[derive(Debug, Clone)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// What stands before every command.
    pub arguments: Vec<OsString>,
}

/// The command that runs, or the one that ran last.
#[derive(Debug, Default)]
pub struct Programs {
    program: Option<Program>,
    present: Mutex<Present>,
}

#[derive(Debug, Default)]
struct Present {
    running: Option<Running>,
    last: Option<Told>,
    /// Grows when a command begins or ends.
    number: u64,
}

#[derive(Debug)]
struct Running {
    child: Child,
    printed: File,
    told: Told,
}

/// What is known of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// As one would type it.
    pub command: String,
    /// The process, while it runs.
    pub process: Option<u32>,
    /// Whether it ended well; nothing while it runs.
    pub went_well: Option<bool>,
    /// How it ended, in words.
    pub ending: String,
    /// The end of what it printed.
    pub printed: String,
}

/// Another command runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}`, started from here, has not ended yet")]
pub struct Busy(pub String);

impl Programs {
    /// None was started yet.
    #[must_use]
    pub fn new(program: Program) -> Self {
        Self { program: Some(program), present: Mutex::default() }
    }

    /// Starts a command. It is no child of the terminal: Ctrl-C there does not reach it.
    ///
    /// # Errors
    /// When it cannot be started; the inner error when another one runs.
    pub fn start(&self, arguments: &[&str]) -> io::Result<Result<(), Busy>> {
        let mut present = self.present();
        present.look();
        if let Some(running) = &present.running {
            return Ok(Err(Busy(running.told.command.clone())));
        }
        let Some(program) = &self.program else { return Err(io::ErrorKind::NotFound.into()) };
        let printed = tempfile::tempfile()?;
        let mut command = Command::new(&program.path);
        command.args(&program.arguments).args(arguments).process_group(0).stdin(Stdio::null());
        let child = command.stdout(printed.try_clone()?).stderr(printed.try_clone()?).spawn()?;
        let told = Told {
            command: format!("opm {}", arguments.join(" ")),
            process: Some(child.id()),
            went_well: None,
            ending: String::new(),
            printed: String::new(),
        };
        present.running = Some(Running { child, printed, told });
        present.number += 1;
        Ok(Ok(()))
    }

    /// Waits for the present command, but no longer than that; then as [`Self::told`].
    pub fn wait(&self, longest: Duration) -> Option<Told> {
        let until = Instant::now() + longest;
        loop {
            let told = self.told();
            let is_over = told.as_ref().is_none_or(|it| it.went_well.is_some());
            if is_over || Instant::now() >= until {
                return told;
            }
            thread::sleep(PAUSE);
        }
    }

    /// The present command, or the last one.
    #[must_use]
    pub fn told(&self) -> Option<Told> {
        let mut present = self.present();
        present.look();
        match &present.running {
            Some(running) => {
                let printed = end_of(&running.printed);
                Some(Told { printed, ..running.told.clone() })
            }
            None => present.last.clone(),
        }
    }

    /// Grows when a command begins or ends.
    #[must_use]
    pub fn number(&self) -> u64 {
        let mut present = self.present();
        present.look();
        present.number
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Present {
    fn look(&mut self) {
        let Some(mut running) = self.running.take() else { return };
        let (went_well, ending) = match running.child.try_wait() {
            Ok(None) => {
                self.running = Some(running);
                return;
            }
            Ok(Some(status)) => (status.success(), ending(status)),
            Err(error) => (false, format!("nobody knows how it ended: {error}")),
        };
        let printed = end_of(&running.printed);
        self.last = Some(Told { process: None, went_well: Some(went_well), ending, printed, ..running.told });
        self.number += 1;
    }
}

fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => "it ended well".into(),
        (Some(code), _) => format!("it ended with exit status {code}"),
        (None, Some(signal)) => format!("it was killed by signal {signal}"),
        (None, None) => "it ended".into(),
    }
}

/// The end of what was printed so far. What cannot be read is not shown.
fn end_of(file: &File) -> String {
    let length = file.metadata().map_or(0, |it| it.len());
    let mut bytes = vec![0; SHOWN];
    // The command writes at the same place of the same file: looking must not move that.
    let read = file.read_at(&mut bytes, length.saturating_sub(SHOWN as u64)).unwrap_or(0);
    plain(&String::from_utf8_lossy(&bytes[..read]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shell() -> Programs {
        Programs::new(Program { path: "/bin/sh".into(), arguments: vec!["-c".into()] })
    }

    #[test]
    fn one_at_a_time_with_what_it_prints() {
        let programs = shell();
        assert_eq!(programs.told(), None);
        programs.start(&["echo one; echo two >&2; read line; exit 3"]).unwrap().unwrap();
        let told = programs.wait(Duration::from_secs(20)).unwrap();
        assert_eq!((told.went_well, told.printed.as_str()), (Some(false), "one\ntwo\n"));
        assert_eq!(told.ending, "it ended with exit status 3");

        programs.start(&["echo here; exec sleep 60"]).unwrap().unwrap();
        let busy = programs.start(&["true"]).unwrap().unwrap_err();
        assert!(busy.0.contains("sleep 60"), "{busy}");
        let (before, process) = (programs.number(), programs.told().unwrap().process.unwrap());
        let process = rustix::process::Pid::from_raw(process.cast_signed()).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
        let told = programs.wait(Duration::from_secs(20)).unwrap();
        assert_eq!(told.ending, "it was killed by signal 15");
        assert_eq!(programs.number(), before + 1);
    }
}
