//! Every error of the libraries, turned into what an administrator reads: what happened, and which command goes on.

use std::fmt::Display;
use std::io;

use opkg_database::AddressError;
use opkg_engine::clock::{format_duration, format_timestamp, now_seconds};
use opkg_engine::engine::RunError;
use opkg_engine::operations::OperationError;
use opkg_engine::packages::NameClash;
use opkg_engine::requests::RequestError;
use opkg_engine::target_selector::SelectError;
use opkg_engine::targets::TargetChangeError;
use opkg_oda::{Error as DatabaseError, LockHolder, ParseError};
use opkg_opm::ConfigError;
use opkg_opm::answers::FormStateError;
use opkg_shell::Shell;
use opkg_shell::errors::{ErrorReport, UsageError, io_error_kind};

use crate::exit::ExitStatus;

/// Why a command failed, and how the program ends.
#[derive(Debug)]
pub struct CliError {
    report: ErrorReport,
    exit: ExitStatus,
}

impl CliError {
    /// One that has nothing to say but this.
    pub fn new(message: impl Into<String>) -> Self {
        Self { report: ErrorReport::new(message.into()), exit: ExitStatus::UsageError }
    }

    /// The command line, a configuration file or a file of the system is not as it should be.
    fn usage(error: impl std::error::Error + Send + Sync + 'static, hint: Option<impl Into<String>>) -> Self {
        Self { report: ErrorReport::new(error).hint(hint), exit: ExitStatus::UsageError }
    }

    /// With what was being done.
    pub fn context(self, text: impl Into<String>) -> Self {
        Self { report: self.report.context(text), ..self }
    }

    /// Whether the same again can only fail again: nobody but the administrator can do something about it.
    pub fn is_about_usage(&self) -> bool {
        self.exit == ExitStatus::UsageError
    }

    /// All that administrators read of it.
    pub fn report(&self) -> &ErrorReport {
        &self.report
    }
}

/// Says what went wrong and how the program ends.
pub fn report_error(shell: Shell, error: &CliError) -> ExitStatus {
    if error.report.is_broken_pipe() {
        return ExitStatus::Success;
    }
    shell.eprint(&error.report.to_string());
    error.exit
}

/// Says what was being done when something failed.
pub trait Context<T> {
    fn context(self, text: impl Display) -> Result<T, CliError>;
}

impl<T, E: Into<CliError>> Context<T> for Result<T, E> {
    fn context(self, text: impl Display) -> Result<T, CliError> {
        self.map_err(|error| error.into().context(text.to_string()))
    }
}

impl From<UsageError> for CliError {
    fn from(error: UsageError) -> Self {
        let help = error.help().to_owned();
        Self::usage(error, Some(help))
    }
}

impl From<opkg_runtime::LoadError> for CliError {
    fn from(error: opkg_runtime::LoadError) -> Self {
        let (hint, details) = (error.help(), error.details());
        let report = ErrorReport::new(error).details(details).hint(hint);
        Self { report, exit: ExitStatus::UsageError }
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        let hint = io_hint(error.kind());
        Self::usage(error, hint)
    }
}

impl From<inquire::InquireError> for CliError {
    fn from(error: inquire::InquireError) -> Self {
        let hint = io_error_kind(&error).and_then(io_hint);
        Self::usage(error, hint)
    }
}

impl From<std::string::FromUtf8Error> for CliError {
    fn from(error: std::string::FromUtf8Error) -> Self {
        Self::usage(error, None::<String>)
    }
}

impl From<ParseError> for CliError {
    fn from(error: ParseError) -> Self {
        Self::usage(error, None::<String>)
    }
}

impl From<AddressError> for CliError {
    fn from(error: AddressError) -> Self {
        Self::usage(error, Some("for example postgres://opm@head.cluster/opm; a path names a file of SQLite"))
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::usage(error, None::<String>)
    }
}

impl From<DatabaseError> for CliError {
    fn from(error: DatabaseError) -> Self {
        let hint = database_hint(&error);
        Self { report: ErrorReport::new(error).hint(Some(hint)), exit: ExitStatus::Database }
    }
}

impl From<RunError> for CliError {
    fn from(error: RunError) -> Self {
        match &error {
            RunError::Locked { holder, .. } => {
                let detail = describe_lock_holder(holder, now_seconds());
                let hint = "`opm status --watch` shows what it does; run opm again when it has ended";
                let report = ErrorReport::new(error).detail(detail).hint(Some(hint));
                Self { report, exit: ExitStatus::Locked }
            }
            RunError::Database(database) => {
                let hint = database_hint(database);
                Self { report: ErrorReport::new(error).hint(Some(hint)), exit: ExitStatus::Database }
            }
            RunError::ResultsOnDisk { .. } => {
                let hint =
                    "nothing is lost: `opm run` and `opm watch` deliver it as soon as the database is back";
                Self { report: ErrorReport::new(error).hint(Some(hint)), exit: ExitStatus::Database }
            }
            RunError::Thread(_) => {
                let hint = "run opm again with fewer `--jobs`; it takes up what was begun";
                Self { report: ErrorReport::new(error).hint(Some(hint)), exit: ExitStatus::Failed }
            }
        }
    }
}

impl From<OperationError> for CliError {
    fn from(error: OperationError) -> Self {
        let hint = match &error {
            OperationError::NoPackage | OperationError::NoStage => None,
            OperationError::NewPackage { name, suggestion } => {
                let near =
                    suggestion.as_ref().map_or_else(String::new, |near| format!("did you mean `{near}`? "));
                Some(format!(
                    "{near}`opm package list` lists those that are known, `opm package add DIR` makes {name} known \
                     from its OPKG, `--new` takes it as it is"
                ))
            }
            OperationError::UnknownPackage { suggestion: Some(near), .. } => {
                Some(format!("did you mean `{near}`? `opm package list` lists those that are known"))
            }
            OperationError::UnknownPackage { suggestion: None, .. } => {
                Some("`opm package list` lists those that are known".to_owned())
            }
            OperationError::Refused(refused) => Some(request_hint(refused)),
        };
        Self::usage(error, hint)
    }
}

impl From<NameClash> for CliError {
    fn from(clash: NameClash) -> Self {
        OperationError::from(RequestError::from(clash)).into()
    }
}

impl From<SelectError> for CliError {
    fn from(error: SelectError) -> Self {
        let hint = error.help();
        Self::usage(error, Some(hint))
    }
}

impl From<TargetChangeError> for CliError {
    fn from(error: TargetChangeError) -> Self {
        let hint = target_hint(&error);
        Self::usage(error, Some(hint))
    }
}

impl From<FormStateError> for CliError {
    fn from(error: FormStateError) -> Self {
        let hint = match error {
            FormStateError::Database(error) => return error.into(),
            FormStateError::NoHeadNode => "`opm target add server:NAME` makes one known",
            FormStateError::NotFound => "`opm package list` and `opm target list` list them",
            FormStateError::Invalid(_) => "fix that file, then run the command again",
        };
        Self::usage(error, Some(hint))
    }
}

/// Who has a target, and since when.
fn describe_lock_holder(holder: &LockHolder, now: i64) -> String {
    let process = holder.pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
    let host =
        holder.host.as_ref().map_or_else(String::new, |host| format!(" on {}", opkg::escape_line(host)));
    let since = holder.locked_since.map_or_else(String::new, |since| {
        let time = format_timestamp(since.saturating_mul(1000));
        format!(", since {time} (for {})", format_duration(now.saturating_sub(since) * 1000))
    });
    format!("locked by {process}{host}{since}")
}

fn database_hint(error: &DatabaseError) -> String {
    match error {
        DatabaseError::NotFound(_) => {
            "`opm init --name NAME` makes one; --database or $OPM_DATABASE names another".into()
        }
        DatabaseError::AlreadyExists(_) => {
            "it is not touched; name another one, or move it away if it is not wanted any longer".into()
        }
        DatabaseError::NotADatabase(_) => {
            "name the right one with --database or $OPM_DATABASE; on a server `opm init --name NAME` makes its tables".into()
        }
        DatabaseError::SchemaTooOld { .. } => {
            "`opm migrate` brings it there, on the head node and by whoever owns it; nodes that are not updated yet go on".into()
        }
        DatabaseError::SchemaTooNew { .. } => "use the opm that wrote it, or a newer one".into(),
        DatabaseError::Corrupt { .. } => {
            "put a backup in its place (`opm export` makes one); nothing was changed".into()
        }
        DatabaseError::UnsafeFileSystem { .. } => {
            "put it on a local disk, and name it with --database FILE".into()
        }
        DatabaseError::ReadOnly { .. } => {
            "run opm as root, or name a database that you may write to with --database".into()
        }
        DatabaseError::DiskFull(database) => {
            format!("make room on the disk of {database}, then run opm again: it goes on where it was")
        }
        DatabaseError::Busy { .. } => "run it again when the other process has ended".into(),
        DatabaseError::Unreachable { .. } => {
            "see that the server runs and can be reached from here, then run opm again: it goes on where it was".into()
        }
        DatabaseError::Refused { .. } => {
            "the address says who connects; the password comes from ~/.pgpass, or the credentials of this machine: \
             on a node, `opm enroll node` gets new ones for a token"
                .into()
        }
        DatabaseError::Forbidden { .. } => {
            "administrators say with `opm access grant` what people may do, and with `opm enroll` which nodes may work".into()
        }
        DatabaseError::Superseded(_) => {
            "`opm log` shows who works on them; run opm again when that has ended".into()
        }
        DatabaseError::Other { .. } => "nothing was changed; run it again when the cause is gone".into(),
    }
}

fn request_hint(error: &RequestError) -> String {
    match error {
        RequestError::CorePackage(_) => "it stays; nothing was changed".into(),
        RequestError::RequiredByOthers { needed, by, .. } => format!(
            "`opm remove --cascade {needed}` removes {} as well; nothing was changed",
            if by.len() == 1 { "it" } else { "them" }
        ),
        RequestError::NotRequested { package, .. } => {
            format!("`opm status {package}` shows where it was requested")
        }
        RequestError::CannotRequestRemoval(package) => format!("`opm remove {package}` asks for its removal"),
        RequestError::StageHasNoWork(_) => "name a stage with work, post-clients or post-install say".into(),
        RequestError::Held(package) => format!("`opm unhold {package}` lets it be upgraded"),
        RequestError::NoRollout(_) => "`opm rollout list` lists those that are not over".into(),
        RequestError::RolloutUnderWay(id) => {
            format!("`opm rollout list` shows how far it has come; `opm rollout stop {id}` stops it")
        }
        RequestError::RolloutStopped(id) => format!("`opm rollout resume {id}` lets it go on"),
        RequestError::NameClash(clash) => {
            format!("name one of them otherwise: {} and {} exclude each other", clash.one, clash.other)
        }
        RequestError::InUse { package, .. } => {
            format!("`opm remove {package}` asks for its removal; `opm` does it")
        }
        RequestError::NotAClient(_) => {
            "only clients are assigned packages; `opm request --on` asks for them elsewhere".into()
        }
    }
}

fn target_hint(error: &TargetChangeError) -> String {
    match error {
        TargetChangeError::SecondHeadNode(_) => {
            "a cluster has one head node; other machines are clients".into()
        }
        TargetChangeError::NotAClient(_) => "leave out --image".into(),
        TargetChangeError::UnknownImage(image) => {
            format!("`opm target add image:{} --root DIR` makes it known", image.name)
        }
        TargetChangeError::InvalidRoot { .. } => "name a directory of its own with --root DIR".into(),
        TargetChangeError::MissingRoot(image) => {
            format!("`opm target add {image} --root DIR` says where it is")
        }
        TargetChangeError::CannotRemoveHeadNode(_) => "move the database away to begin anew".into(),
        TargetChangeError::HasPackages { address, .. } => {
            format!(
                "`opm status --on {address}` shows them; --force forgets them, without removing them there"
            )
        }
    }
}

fn io_hint(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Some("run opm as root, or name a place that you may write to")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some("make room, then run it again"),
        io::ErrorKind::NotFound => Some("see whether the path is right"),
        _ => None,
    }
}
