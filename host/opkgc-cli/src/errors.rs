//! Every error of the libraries, turned into what a user reads: what happened, and what to do next.

use std::fmt::Display;
use std::io;

use opkg_shell::errors::{ErrorReport, UsageError, io_error_kind};
use opkg_shell::{Shell, StdoutError};

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
        Self { report: ErrorReport::new(message.into()), exit: ExitStatus::Failed }
    }

    /// An error that is not the user's, with what there is to do about it.
    fn failed(
        error: impl std::error::Error + Send + Sync + 'static,
        hint: Option<impl Into<String>>,
    ) -> Self {
        Self { report: ErrorReport::new(error).hint(hint), exit: ExitStatus::Failed }
    }

    /// A plugin that the user named does not work.
    pub fn unusable_plugin(error: &opkg_runtime::LoadError, hint: String) -> Self {
        let report = ErrorReport::new(error.to_string()).details(error.details()).hint(Some(hint));
        Self { report, exit: ExitStatus::UsageError }
    }

    /// A version is something else than when a plugin was installed from there.
    pub fn moved_tag(source: &str, id: &str, locked: Option<&str>, found: &str) -> Self {
        let locked = locked.unwrap_or_default();
        let message =
            format!("the tag was moved: {source} is {found} now, and was {locked} when {id} was installed");
        let help = format!(
            "versions should stay what they are: ask whoever publishes it; if that is meant, `opkgc plugin update {id}` takes it"
        );
        Self { report: ErrorReport::new(message).hint(Some(help)), exit: ExitStatus::Failed }
    }

    /// A registry has no versions any more of what is installed.
    pub fn no_versions(reference: &opkg_oci::Reference) -> Self {
        let message = format!("there are no versions any more where {reference} was");
        let help = "ask whoever keeps the registry; what is installed stays";
        Self { report: ErrorReport::new(message).hint(Some(help)), exit: ExitStatus::Failed }
    }

    /// A registry has only older versions than the one that is installed.
    pub fn withdrawn(reference: &opkg_oci::Reference, newest: &str) -> Self {
        let message = format!(
            "the newest version there is {newest}, older than the one that is installed ({reference})"
        );
        let help =
            "it may have been withdrawn: ask whoever publishes it; --allow-downgrade takes the older one";
        Self { report: ErrorReport::new(message).hint(Some(help)), exit: ExitStatus::Failed }
    }

    /// With further lines below it.
    fn details(self, lines: Vec<String>) -> Self {
        Self { report: self.report.details(lines), ..self }
    }

    /// With what was being done.
    pub fn context(self, text: impl Into<String>) -> Self {
        Self { report: self.report.context(text), ..self }
    }

    /// All that users read of it.
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
        Self { report: ErrorReport::new(error).hint(Some(help)), exit: ExitStatus::UsageError }
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        let hint = (!StdoutError::is_cause_of(&error)).then(|| io_hint(error.kind())).flatten();
        Self::failed(error, hint)
    }
}

impl From<opkg_runtime::LoadError> for CliError {
    fn from(error: opkg_runtime::LoadError) -> Self {
        let (hint, details) = (error.help(), error.details());
        Self::failed(error, hint).details(details)
    }
}

impl From<opkg_runtime::LoadErrorKind> for CliError {
    fn from(error: opkg_runtime::LoadErrorKind) -> Self {
        let hint = error.help();
        Self::failed(error, hint)
    }
}

impl From<opkg_runtime::GenerateError> for CliError {
    fn from(error: opkg_runtime::GenerateError) -> Self {
        use opkg_runtime::GenerateError as Error;
        match error {
            Error::Broken(error) => error.into(),
            Error::UnknownTarget(_) | Error::TargetExcluded(_) | Error::Diagnostics(_) => {
                Self::failed(error, None::<String>)
            }
        }
    }
}

impl From<opkg_runtime::CallError> for CliError {
    fn from(error: opkg_runtime::CallError) -> Self {
        let (hint, details) = (error.help(), error.details());
        Self::failed(error, hint).details(details)
    }
}

impl From<opkg_runtime::CommandsError> for CliError {
    fn from(error: opkg_runtime::CommandsError) -> Self {
        use opkg_runtime::CommandsError as Error;
        match error {
            Error::Broken(error) => error.into(),
            Error::Refused(_) | Error::NotGranted { .. } => Self::failed(error, None::<String>),
        }
    }
}

impl From<opkg_runtime::GrantError> for CliError {
    fn from(error: opkg_runtime::GrantError) -> Self {
        let hint = match &error {
            opkg_runtime::GrantError::Io { source, .. } => io_hint(source.kind()),
            opkg_runtime::GrantError::Invalid { .. } => Some("correct or remove it, then grant anew"),
            opkg_runtime::GrantError::NotTrusted(_) => {
                Some("look at what it grants, then `chown` and `chmod go-w` it")
            }
            opkg_runtime::GrantError::NoPlace => Some("set one of them"),
        };
        Self::failed(error, hint)
    }
}

impl From<opkg_conformance::SuiteError> for CliError {
    fn from(error: opkg_conformance::SuiteError) -> Self {
        use opkg_conformance::SuiteError as Error;
        let hint = match &error {
            Error::Io(error) => io_hint(error.kind()).map(str::to_owned),
            Error::InvalidOpkg { .. } => Some("this is a mistake in opkgc: please report it".to_owned()),
            Error::Describe(error) => error.help(),
        };
        Self::failed(error, hint)
    }
}

impl From<opkg_build::BuildError> for CliError {
    fn from(error: opkg_build::BuildError) -> Self {
        let hint = io_error_kind(&error).and_then(io_hint);
        Self::failed(error, hint)
    }
}

impl From<opkg_opm::TrialError> for CliError {
    fn from(error: opkg_opm::TrialError) -> Self {
        use opkg_opm::TrialError as Error;
        let hint = match &error {
            Error::Hook(error) => error.help(),
            Error::Files(error) => io_hint(error.kind()).map(str::to_owned),
            Error::NoProgram { .. } => Some("name one with --program".to_owned()),
            Error::NoRunner(_) => Some("leave out --program".to_owned()),
            Error::NotTaken { .. } => Some("name another one with --program".to_owned()),
            Error::Target(_) | Error::ProgramTooLarge(_) => None,
        };
        Self::failed(error, hint)
    }
}

impl From<opkg_package::Error> for CliError {
    fn from(error: opkg_package::Error) -> Self {
        use opkg_package::Error;
        let hint = match &error {
            Error::FileChanged(_) => Some("run it again when nobody writes to the OPKG"),
            Error::UnknownFile(_) | Error::InvalidOutput(_) => Some("tell the authors of the plugin"),
            Error::TooLarge { .. } => {
                Some("divide what the OPKG brings among several OPKGs; docs/opkgc.md says what formats hold")
            }
            Error::CannotHold { remedy, .. } => Some(*remedy),
            Error::NoMembers { .. } => Some("tell the authors of the plugin"),
            Error::UnreadableFormat { .. } => Some("leave out --rpm-format for this target"),
            Error::CannotDescribe { .. } => Some("leave out --sbom and --provenance for this target"),
            Error::Signing => Some("look whether `gpg` can sign with that key"),
            Error::MissingProgram { .. } => {
                Some("install it, or leave out --builder: opkgc makes the same packages itself")
            }
            Error::ProgramFailed { .. } => Some("-v shows everything that it prints"),
            Error::MissingBuildResult(_) => Some("-v shows what the native build prints"),
            Error::CannotIndex { .. } => {
                Some("move it out of the directory, or build it anew; the directory is as it was")
            }
            Error::NoIndex { .. } => Some(
                "move packages that others made out of it, or tell the authors of the plugin; it is as it was",
            ),
            Error::SignatureLost(_) => {
                Some("name the key with --sign; with --no-sign, the new index is not signed")
            }
            Error::ForeignIndex { .. } => Some(
                "name another --output, or remove that index if nobody needs it; the directory is as it was",
            ),
            Error::NotWrittenByUs { .. } => {
                Some("move it away, or name another --output; the directory is as it was")
            }
            Error::TooMuchToIndex { .. } => {
                Some("keep packages of several purposes in several directories; the directory is as it was")
            }
            Error::NothingToIndex(_) => Some("put packages there first, or leave out --repo for this target"),
            Error::Io(error) => io_hint(error.kind()),
        };
        let details: Vec<String> = match &error {
            Error::ProgramFailed { last_lines, .. } => {
                last_lines.iter().map(|line| quote_line(line)).collect()
            }
            _ => Vec::new(),
        };
        let Self { report, exit } = Self::failed(error, hint);
        Self { report: details.into_iter().fold(report, ErrorReport::detail), exit }
    }
}

impl From<opkg_package::KeyError> for CliError {
    fn from(error: opkg_package::KeyError) -> Self {
        let hint = error.help();
        Self::failed(error, Some(hint))
    }
}

impl From<opkg_package::PublicKeyError> for CliError {
    fn from(error: opkg_package::PublicKeyError) -> Self {
        use opkg_package::PublicKeyError as Error;
        let help = match error {
            Error::Revoked => "ask for the key that packages are signed with now",
            _ => "name the file that `gpg --export KEY` prints",
        };
        Self::from(UsageError::new(error.to_string(), help))
    }
}

impl From<opkg_payload::PayloadError> for CliError {
    fn from(error: opkg_payload::PayloadError) -> Self {
        use opkg_fetch::FetchError;
        use opkg_payload::PayloadError as Error;
        let hint = match &error {
            Error::Lock(_) => Some("correct it, or remove it and lock anew"),
            Error::NotLocked(_) => Some("run `opkgc payload lock` with this OPKG"),
            Error::NotInside(_) => Some("build it, or correct the path in config.xml"),
            Error::Differs { .. } => Some(
                "do not use it before you know why: ask whoever publishes it; if that is meant, \
                 `opkgc payload lock --update` notes what it is now",
            ),
            Error::Fetch(FetchError::Write(error)) => io_hint(error.kind()),
            Error::Fetch(error) if error.is_transient() => {
                Some("try again later; a proxy is named by HTTPS_PROXY in the environment")
            }
            Error::Fetch(FetchError::RefusedRedirect { .. } | FetchError::TooManyRedirects(_)) => {
                Some("write the address that it is at in the end into config.xml")
            }
            Error::Fetch(_) => Some("correct the address in config.xml"),
            Error::NoCache => Some("name a directory with --to, or use --vendor"),
            Error::Io(error) => io_hint(error.kind()),
            _ => None,
        };
        Self::failed(error, hint)
    }
}

impl From<opkg_oci::RegistryError> for CliError {
    fn from(error: opkg_oci::RegistryError) -> Self {
        use opkg_oci::RegistryError as Error;
        let hint = match &error {
            Error::Fetch(opkg_fetch::FetchError::Connection { reason, .. }) if reason.contains("certificate") => Some(
                "nobody whom the system trusts vouches for the registry; SSL_CERT_FILE in the environment names a file with others"
                    .to_owned(),
            ),
            Error::Fetch(error) if error.is_transient() => Some(
                "look whether the name of the registry is right, then try again; a proxy is named by HTTPS_PROXY in the environment, \
                 a registry without encryption is asked with --plain-http"
                    .to_owned(),
            ),
            Error::Fetch(_) => Some("look whether the name of the registry is right".into()),
            Error::NotFound { versions, .. } => Some(match versions.as_slice() {
                [] => "look whether the name is right; one that not everybody may see needs credentials (--auth-file)".into(),
                versions => format!("there are {}", versions.join(", ")),
            }),
            Error::NoVersion(_) => Some("name a tag, or a digest".into()),
            Error::Unauthorized { registry, .. } => Some(format!(
                "`podman login --authfile FILE {registry}` writes credentials into a file, which --auth-file names"
            )),
            Error::Denied { .. } => Some("ask whoever keeps the registry; you are known there, or need not be".into()),
            Error::Unexpected { .. } | Error::Malformed { .. } => {
                Some("look whether that is a registry of OCI at all, and in order; `-vv` shows what was asked".into())
            }
            Error::Altered { .. } => {
                Some("do not use it: the registry, or somebody on the way, has changed it; tell whoever keeps it".into())
            }
            Error::TooLarge { .. } => Some("ask its author for a smaller one; no plugin should take that much".into()),
            Error::NotAComponent { .. } => {
                Some("name a plugin, as `opkgc plugin publish` and `wkg oci push` publish it".into())
            }
            Error::AlreadyThere { .. } => {
                Some("a version stays what it is: give the plugin a new one, and publish that".into())
            }
            _ => None,
        };
        Self::failed(error, hint)
    }
}

impl From<opkg_oci::AuthFileError> for CliError {
    fn from(error: opkg_oci::AuthFileError) -> Self {
        let help = "name a file as `podman login --authfile FILE` writes it";
        Self::from(UsageError::new(error.to_string(), help))
    }
}

impl From<opkg_runtime::PolicyError> for CliError {
    fn from(error: opkg_runtime::PolicyError) -> Self {
        let help = match &error {
            opkg_runtime::PolicyError::NotTrusted(path) => {
                format!("see that it says what you want, then `chmod go-w {}`", path.display())
            }
            _ => "correct the file: as long as nobody knows what it forbids, only plugins that are built in are used".into(),
        };
        Self::from(UsageError::new(error.to_string(), help))
    }
}

impl From<opkg_runtime::PluginLockError> for CliError {
    fn from(error: opkg_runtime::PluginLockError) -> Self {
        Self::failed(error, Some("remove that file, and install the plugins beside it again"))
    }
}

impl From<opkg_inspect::Error> for CliError {
    fn from(error: opkg_inspect::Error) -> Self {
        use opkg_inspect::Error;
        let hint = match &error {
            Error::KindMismatch(..) => Some("name two files or two directories"),
            Error::Io(error) => io_hint(error.kind()),
            Error::InvalidPackage { .. } => None,
        };
        Self::failed(error, hint)
    }
}

impl From<opkg_convert::Error> for CliError {
    fn from(error: opkg_convert::Error) -> Self {
        let hint = error.help().or_else(|| io_error_kind(&error).and_then(io_hint));
        Self::failed(error, hint)
    }
}

/// A line that a program printed, without what could do something to a terminal.
fn quote_line(line: &str) -> String {
    format!("  | {}", opkg::escape_hidden(line))
}

fn io_hint(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("nothing was left behind; make room, or name another place with --output")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Some("name a directory that you may write to with --output")
        }
        io::ErrorKind::NotADirectory => {
            Some("a file stands where a directory is needed; name another --output")
        }
        _ => None,
    }
}
