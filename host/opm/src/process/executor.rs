//! Runs programs for targets: directly, or inside their root.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::launch_spec::{Confinement, LaunchSpec};
use super::running;
use super::sandbox::{FRESH_DIRS, PLACEHOLDER, missing_resolver_files};
use super::spec::{Account, OutputMode, ProcessSpec, SharedDir, Timeout};
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
    /// Whether the target's root is to be its own. Otherwise it sees the running system; of that it can change nothing
    /// but the root, if the target has one of its own.
    pub(crate) in_root: bool,
    /// Directories of the running system that it must see there, under the same paths.
    pub(crate) shared_dirs: Vec<SharedDir>,
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
    /// The program, with its first arguments, that calls [`super::launch::launch`].
    pub(crate) launch_command: Vec<OsString>,
    /// Is asked before a program is started, and while it runs.
    pub(crate) stop: StopToken,
}

impl Executor {
    /// Runs a program for the target with this root.
    pub(crate) fn run(&self, root: &TargetRoot, request: &ExecRequest, log: &mut StepLog) -> ProcessOutput {
        let mut additions = TempFiles::new(root);
        let confinement = match (root.is_system(), request.in_root) {
            (true, _) => None,
            (false, true) => {
                if let Err((path, error)) = make_places(root, &request.shared_dirs, &mut additions) {
                    let reason =
                        format!("no place for {} in {}: {error}", path.display(), root.path().display());
                    log.note(&reason);
                    return ProcessOutput::not_run(Termination::NotStarted(reason));
                }
                Some(Confinement::Inside(root.path().to_owned()))
            }
            (false, false) => Some(Confinement::Beside(root.path().to_owned())),
        };
        let spec = LaunchSpec {
            shared_dirs: if confinement.is_some() { request.shared_dirs.clone() } else { Vec::new() },
            confinement,
            working_directory: request.working_directory.clone(),
            account: request.account,
        };
        let program = ProcessSpec {
            launcher: [self.launch_command.clone(), spec.to_args()].concat(),
            argv: request.argv.clone(),
            environment: request.environment.clone(),
            output: request.output,
        };
        running::run(&program, request.timeout, &self.stop, log)
    }
}

/// Makes what is missing in a root for the running system's directories and files to be seen there.
fn make_places(
    root: &TargetRoot,
    shared: &[SharedDir],
    additions: &mut TempFiles<'_>,
) -> Result<(), (PathBuf, io::Error)> {
    for SharedDir { path, .. } in shared.iter().filter(|shared| !is_in_fresh_dir(root, &shared.path)) {
        additions.create_dir_all(path).map_err(|error| (path.clone(), error))?;
    }
    for file in missing_resolver_files(root) {
        // Without names of hosts, much can still be done.
        if let Err(error) = additions.write_in_place(file, PLACEHOLDER) {
            tracing::debug!(file = %file.display(), root = %root.path().display(), %error, "no place");
        }
    }
    Ok(())
}

/// Whether the place for a directory is made where nothing stays.
fn is_in_fresh_dir(root: &TargetRoot, directory: &Path) -> bool {
    let above = FRESH_DIRS.iter().map(Path::new).find(|fresh| directory.starts_with(fresh));
    above.is_some_and(|path| {
        root.metadata(path).is_ok_and(|found| found.is_some_and(|metadata| metadata.is_dir()))
    })
}
