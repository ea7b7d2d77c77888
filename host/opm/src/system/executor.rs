//! Runs programs for targets: directly, or inside their root.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::enter::{COMPLAINT, Entry, FAILED, SHARED};
use super::log::Log;
use super::process::{self, Account, Ended, How, Output, Patience, Program};
use super::root::{Additions, Root};
use super::stop::Stop;

/// Where programs are looked for, in any root.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program for a target.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// The program and its arguments.
    pub(super) argv: Vec<OsString>,
    /// All of its environment.
    pub(super) environment: Vec<(OsString, OsString)>,
    /// Where it starts, as the program sees it.
    pub(super) directory: PathBuf,
    /// Whether the target's root is to be its own.
    pub(super) inside: bool,
    /// Directories of the running system that it must see there, under the same paths.
    pub(super) shared: Vec<PathBuf>,
    /// How long it may take.
    pub(super) patience: Patience,
    /// Who gets what it prints.
    pub(super) output: Output,
    /// Who it runs as, unless as we do.
    pub(super) account: Option<Account>,
}

/// Runs programs, as long as nobody asks to stop.
#[derive(Debug, Clone)]
pub(super) struct Executor {
    /// The program, with its first arguments, that [`super::enter`] is in.
    pub(super) entrance: Vec<OsString>,
    /// Who asks to stop.
    pub(super) stop: Stop,
}

impl Executor {
    /// Runs a program for the target with this root.
    pub(super) fn run(&self, root: &Root, job: &Job, log: &mut Log) -> Ended {
        // Whoever is not root of the system has to be in a namespace for being it in a directory.
        let alone = !root.is_system() && !rustix::process::geteuid().is_root();
        if root.is_system() || !(job.inside || alone) {
            let program = self.program(job, job.argv.clone(), job.directory.clone());
            return process::run(&Program { account: job.account, ..program }, job.patience, &self.stop, log);
        }
        let mut places = Additions::new(root);
        if job.inside {
            for directory in job.shared.iter().filter(|it| !is_shared(root, it)) {
                if let Err(error) = places.directory(directory) {
                    let reason =
                        format!("no place for {} in {}: {error}", directory.display(), root.path().display());
                    log.note(&reason);
                    return Ended::without(How::NotStarted(reason));
                }
            }
        }
        let entry = Entry {
            root: job.inside.then(|| root.path().to_owned()),
            shared: if job.inside { job.shared.clone() } else { Vec::new() },
            directory: job.directory.clone(),
            account: job.account,
        };
        let argv = [self.entrance.clone(), entry.arguments(), job.argv.clone()].concat();
        let ended = process::run(&self.program(job, argv, "/".into()), job.patience, &self.stop, log);
        let said = log.last_line();
        let complaint = said.as_deref().and_then(|line| line.strip_prefix(COMPLAINT));
        match (&ended.how, complaint) {
            (How::Exited(code), Some(reason)) if *code == i32::from(FAILED) => {
                Ended { how: How::NotStarted(reason.to_owned()), ..ended }
            }
            _ => ended,
        }
    }

    fn program(&self, job: &Job, argv: Vec<OsString>, directory: PathBuf) -> Program {
        let environment = job.environment.clone();
        Program { argv, environment, directory, output: job.output, account: None }
    }
}

/// Whether a directory is seen in a root anyway, since one above it is.
fn is_shared(root: &Root, directory: &Path) -> bool {
    let above = SHARED.iter().map(Path::new).find(|it| directory.starts_with(it));
    above.is_some_and(|it| root.find(it).is_ok_and(|found| found.is_some_and(|it| it.is_dir())))
}

/// What went wrong with a program, in one line: how it ended, and the last that it said.
pub(super) fn explain(name: &str, how: &How, log: &Log) -> String {
    let mut text = format!("{name} {how}");
    if let (false, Some(said)) = (matches!(how, How::NotStarted(_) | How::Stopped), log.last_line()) {
        let _ = write!(text, ": {said}");
    }
    text
}
