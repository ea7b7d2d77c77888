//! Runs programs for targets: directly, or inside their root.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::chroot::{ChrootSpec, DEFAULT_SHARED_DIRS, ERROR_PREFIX, EXIT_ENTER_FAILED};
use super::running;
use super::spec::{Account, OutputMode, ProcessSpec, Timeout};
use super::step_log::StepLog;
use super::stop::StopToken;
use super::termination::{ProcessOutput, Termination};
use crate::roots::{TargetRoot, TempFiles};

/// Where programs are looked for, in any root.
pub(crate) const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program for a target.
#[derive(Debug, Clone)]
pub(crate) struct ExecRequest {
    /// The program and its arguments.
    pub(crate) argv: Vec<OsString>,
    /// The whole environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Where it starts, as the program sees it.
    pub(crate) working_directory: PathBuf,
    /// Whether the target's root is to be its own.
    pub(crate) in_root: bool,
    /// Directories of the running system that it must see there, under the same paths.
    pub(crate) shared_dirs: Vec<PathBuf>,
    /// How long it may take.
    pub(crate) timeout: Timeout,
    /// Who gets what it prints.
    pub(crate) output: OutputMode,
    /// Who it runs as, unless as we do.
    pub(crate) account: Option<Account>,
}

/// Runs programs, as long as nobody asks to stop.
#[derive(Debug, Clone)]
pub(crate) struct Executor {
    /// The program, with its first arguments, that calls [`super::chroot::enter_root`].
    pub(crate) enter_command: Vec<OsString>,
    /// Is asked before a program is started, and while it runs.
    pub(crate) stop: StopToken,
}

impl Executor {
    /// Runs a program for the target with this root.
    pub(crate) fn run(&self, root: &TargetRoot, request: &ExecRequest, log: &mut StepLog) -> ProcessOutput {
        // Whoever is not root of the system has to be in a namespace for being it in a directory.
        let needs_namespace = !root.is_system() && !rustix::process::geteuid().is_root();
        if root.is_system() || !(request.in_root || needs_namespace) {
            let program = self.process_spec(request, request.argv.clone(), request.working_directory.clone());
            return running::run(
                &ProcessSpec { account: request.account, ..program },
                request.timeout,
                &self.stop,
                log,
            );
        }
        let mut mount_points = TempFiles::new(root);
        if request.in_root {
            for directory in request.shared_dirs.iter().filter(|it| !is_in_shared_dir(root, it)) {
                if let Err(error) = mount_points.create_dir_all(directory) {
                    let reason =
                        format!("no place for {} in {}: {error}", directory.display(), root.path().display());
                    log.note(&reason);
                    return ProcessOutput::not_run(Termination::NotStarted(reason));
                }
            }
        }
        let entry = ChrootSpec {
            root: request.in_root.then(|| root.path().to_owned()),
            shared_dirs: if request.in_root { request.shared_dirs.clone() } else { Vec::new() },
            working_directory: request.working_directory.clone(),
            account: request.account,
        };
        let argv = [self.enter_command.clone(), entry.to_args(), request.argv.clone()].concat();
        let output =
            running::run(&self.process_spec(request, argv, "/".into()), request.timeout, &self.stop, log);
        let last_line = log.last_line();
        let complaint = last_line.as_deref().and_then(|line| line.strip_prefix(ERROR_PREFIX));
        match (&output.termination, complaint) {
            (Termination::Exited(code), Some(reason)) if *code == i32::from(EXIT_ENTER_FAILED) => {
                ProcessOutput { termination: Termination::NotStarted(reason.to_owned()), ..output }
            }
            _ => output,
        }
    }

    fn process_spec(&self, request: &ExecRequest, argv: Vec<OsString>, directory: PathBuf) -> ProcessSpec {
        let environment = request.environment.clone();
        ProcessSpec { argv, environment, working_directory: directory, output: request.output, account: None }
    }
}

/// Whether a directory is seen in a root anyway, since one above it is.
fn is_in_shared_dir(root: &TargetRoot, directory: &Path) -> bool {
    let above = DEFAULT_SHARED_DIRS.iter().map(Path::new).find(|it| directory.starts_with(it));
    above.is_some_and(|path| {
        root.metadata(path).is_ok_and(|found| found.is_some_and(|metadata| metadata.is_dir()))
    })
}

/// What went wrong with a program, in one line: how it ended, and the last that it said.
pub(crate) fn describe_failure(name: &str, termination: &Termination, log: &StepLog) -> String {
    let mut text = format!("{name} {termination}");
    let is_explained = matches!(termination, Termination::NotStarted(_) | Termination::Stopped);
    if let (false, Some(line)) = (is_explained, log.last_line()) {
        let _ = write!(text, ": {line}");
    }
    text
}
