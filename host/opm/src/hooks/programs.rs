//! Programs that a hook asks for: whether it may run them, and what that means for the system.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use opkg_oda::PackageName;
use opkg_runtime::hook::{Output as RequestedOutput, Program as RequestedProgram, Request, SpawnError};

use super::environment::set_variable;
use super::invocation::HookInvocation;
use crate::config::{ExecPolicy, ProgramPattern, is_reserved};
use crate::process::{Account, ExecRequest, OutputMode, SharedDir};
use crate::roots::TargetRoot;

/// Bytes of the largest list of users that is read.
const MAX_PASSWD_BYTES: u64 = 16 << 20;

/// A program that may be run.
pub(crate) struct PreparedExec<'a> {
    /// For the target with this root.
    pub(crate) root: &'a TargetRoot,
    pub(crate) request: ExecRequest,
    /// Its text, which is there as long as this lives.
    pub(crate) _text_dir: Option<tempfile::TempDir>,
}

/// How a log names the program.
pub(crate) fn program_name(request: &Request) -> String {
    match &request.program {
        RequestedProgram::File(path) => path.clone(),
        RequestedProgram::Text(text) => text.interpreter.clone().unwrap_or_else(|| "a script".to_owned()),
    }
}

/// What is to be run for a request.
///
/// # Errors
/// It is not granted, or makes no sense.
pub(crate) fn prepare_exec<'a>(
    call: &'a HookInvocation<'a>,
    policy: &ExecPolicy,
    request: &Request,
) -> Result<PreparedExec<'a>, SpawnError> {
    let not_started = |reason: String| Err(SpawnError::NotStarted(reason));
    let words =
        request.arguments.iter().chain(request.environment.iter().flat_map(|(name, value)| [name, value]));
    if words.chain([&program_name(request)]).any(|it| it.contains('\0')) {
        return not_started("its arguments hold a null byte".to_owned());
    }
    let root = match (request.in_image, call.context.image) {
        (false, _) => call.root,
        (true, Some((_, root))) => root,
        (true, None) => return Err(SpawnError::NotGranted("this hook is about no image".to_owned())),
    };
    let check = PolicyCheck { call, policy, in_image: request.in_image };
    let mut text = None;
    let mut argv: Vec<OsString> = Vec::new();
    match &request.program {
        RequestedProgram::File(path) => argv.push(check.check_program(path)?.into()),
        RequestedProgram::Text(program) => {
            match &program.interpreter {
                Some(interpreter) => argv.push(check.check_program(interpreter)?.into()),
                None => check.require_builtin("a script without an interpreter")?,
            }
            let directory = tempfile::Builder::new().prefix("opm-").tempdir_in("/tmp");
            let directory = directory
                .map_err(|error| SpawnError::NotStarted(format!("its text cannot be stored: {error}")))?;
            argv.push(directory.path().join("program").into());
            text = Some((directory, &program.contents));
        }
    }
    argv.extend(request.arguments.iter().map(OsString::from));
    let mut environment = call.environment.variables.clone();
    if !request.environment.is_empty() {
        check.require_builtin("variables for the environment of programs")?;
    }
    for (name, value) in &request.environment {
        if name.is_empty() || name.contains('=') || is_reserved(name) {
            return not_started(format!("{} cannot be set by hooks", name.escape_debug()));
        }
        set_variable(&mut environment, name, value);
    }
    let mut account = None;
    if let Some(user) = &request.user {
        check.require_builtin("to be another user")?;
        let found =
            PasswdEntry::find(root, user).map_err(|error| SpawnError::NotStarted(error.to_string()))?;
        for (name, value) in [("HOME", &found.home), ("USER", &found.name), ("LOGNAME", &found.name)] {
            set_variable(&mut environment, name, value);
        }
        let own = rustix::process::geteuid().as_raw();
        if own != 0 && own != found.account.uid {
            let name = found.name;
            return Err(SpawnError::NotGranted(format!("only root can run it as {name}: run opm as root")));
        }
        // Who already is that user need not, and may not, become it.
        account = Some(found.account).filter(|_| own == 0);
    }
    if let Some((directory, contents)) = &text {
        write_program_text(directory.path(), contents, account)
            .map_err(|error| SpawnError::NotStarted(format!("its text cannot be written: {error}")))?;
    }
    let directory = match &request.directory {
        Some(directory) if request.in_image => Path::new("/").join(directory),
        Some(directory) => call.home.join(directory),
        None if request.in_image => "/".into(),
        None => call.home.clone(),
    };
    let read_only = |path: PathBuf| SharedDir { path, writable: false };
    let mut shared_dirs = vec![read_only(call.environment.directory())];
    if !request.in_image {
        shared_dirs
            .extend(call.shared_dirs.iter().map(|path| SharedDir { path: path.clone(), writable: true }));
    }
    shared_dirs.extend(text.iter().map(|(directory, _)| read_only(directory.path().to_owned())));
    let exec = ExecRequest {
        argv,
        environment,
        working_directory: directory,
        in_root: true,
        shared_dirs,
        timeout: call.timeout,
        output: match request.output {
            RequestedOutput::Logged => OutputMode::Log,
            RequestedOutput::Captured => OutputMode::LogAndCapture,
        },
        account,
    };
    Ok(PreparedExec { root, request: exec, _text_dir: text.map(|(directory, _)| directory) })
}

/// What a hook may do with programs.
struct PolicyCheck<'a> {
    call: &'a HookInvocation<'a>,
    policy: &'a ExecPolicy,
    in_image: bool,
}

impl PolicyCheck<'_> {
    /// The path of a program that may be run, as it is to be started.
    fn check_program(&self, path: &str) -> Result<PathBuf, SpawnError> {
        // A name is one in `$PATH`.
        if *self.policy == ExecPolicy::TestDefinitions && !path.contains('/') {
            return Ok(path.into());
        }
        let full = self.call.home.join(path);
        let named = match full.strip_prefix(&self.call.home) {
            Ok(below) if !self.in_image => below.to_string_lossy().into_owned(),
            _ if self.in_image => format!("image:{}", full.display()),
            _ => full.to_string_lossy().into_owned(),
        };
        let granted = match named.parse::<ProgramPattern>() {
            Ok(ProgramPattern::AnyInHome) => false,
            Ok(asked) => match self.policy {
                ExecPolicy::PackageFiles => ProgramPattern::AnyInHome.matches(&asked),
                ExecPolicy::TestDefinitions => true,
                ExecPolicy::PluginRunner(_, programs) | ExecPolicy::Component(programs) => {
                    programs.iter().any(|it| it.matches(&asked))
                }
            },
            Err(_) => false,
        };
        let own = *self.policy == ExecPolicy::PackageFiles
            && !self.in_image
            && self.call.candidates.contains(&full);
        match granted || own {
            true => Ok(full),
            false => Err(SpawnError::NotGranted(self.denial_message(&named))),
        }
    }

    /// What built-in runners alone are trusted with.
    fn require_builtin(&self, what: &str) -> Result<(), SpawnError> {
        match self.policy {
            ExecPolicy::PackageFiles | ExecPolicy::TestDefinitions => Ok(()),
            ExecPolicy::PluginRunner(..) | ExecPolicy::Component(_) => {
                Err(SpawnError::NotGranted(format!("{what} is never granted")))
            }
        }
    }

    fn denial_message(&self, program: &str) -> String {
        let package = self.call.package().map_or("no package", PackageName::as_str);
        let quoted = format!("\"{}\"", program.escape_default());
        match self.policy {
            ExecPolicy::TestDefinitions => format!("{program} is no path of a program"),
            ExecPolicy::PackageFiles => format!("{program} does not lie in the home of {package}"),
            ExecPolicy::PluginRunner(runner, _) => format!(
                "{program} is not granted to the runner {runner}: to grant it, add {quoted} to `programs` of a \
                 `[[runner]]` with name = \"{runner}\" in opm.toml"
            ),
            ExecPolicy::Component(_) => format!(
                "{program} is not granted to {package}: to grant it, put `[[grant]]`, package = \"{package}\", \
                 programs = [{quoted}] into opm.toml"
            ),
        }
    }
}

/// Why a user of a root is not known.
#[derive(Debug, thiserror::Error)]
enum PasswdError {
    #[error("/etc/passwd cannot be read: {0}")]
    Unreadable(std::io::Error),
    #[error("there is no user {} in /etc/passwd", .0.escape_debug())]
    UnknownUser(String),
}

/// A user of a root.
struct PasswdEntry {
    name: String,
    home: String,
    account: Account,
}

impl PasswdEntry {
    /// By name or number, out of the root's own list.
    fn find(root: &TargetRoot, user: &str) -> Result<Self, PasswdError> {
        let list = root.read(Path::new("/etc/passwd"), MAX_PASSWD_BYTES);
        let list = list.map_err(PasswdError::Unreadable)?;
        let list = String::from_utf8_lossy(&list);
        let number = user.parse::<u32>().ok();
        list.lines()
            .filter_map(Self::parse)
            .find(|it| it.name == user || number == Some(it.account.uid))
            .ok_or_else(|| PasswdError::UnknownUser(user.to_owned()))
    }

    /// `name:password:1000:1000:comment:/home/name:/bin/sh`
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let account = Account { uid: fields.nth(1)?.parse().ok()?, gid: fields.next()?.parse().ok()? };
        Some(Self { name, home: fields.nth(1)?.to_owned(), account })
    }
}

/// Writes the text of a program, for nobody but whoever runs it.
fn write_program_text(directory: &Path, contents: &str, account: Option<Account>) -> std::io::Result<()> {
    let path = directory.join("program");
    let mut file = std::fs::File::create_new(&path)?;
    file.set_permissions(PermissionsExt::from_mode(0o700))?;
    file.write_all(contents.as_bytes())?;
    for path in [&path, directory] {
        if let Some(Account { uid: user, gid: group }) = account {
            chown(path, Some(user), Some(group))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn users_are_those_of_the_root() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("etc")).unwrap();
        let list = "root:x:0:0:root:/root:/bin/sh\n\nbroken\nann:x:1000:100:Ann, Author:/home/ann:/bin/sh\n";
        std::fs::write(directory.path().join("etc/passwd"), list).unwrap();
        let root = TargetRoot::open(directory.path()).unwrap();
        for user in ["ann", "1000"] {
            let user = PasswdEntry::find(&root, user).unwrap();
            assert_eq!((user.name.as_str(), user.home.as_str()), ("ann", "/home/ann"));
            assert_eq!(user.account, Account { uid: 1000, gid: 100 });
        }
        assert!(PasswdEntry::find(&root, "broken").is_err());
    }
}
