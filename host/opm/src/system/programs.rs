//! Programs that a hook asks for: whether it may run them, and what that means for the system.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use opkg_oda::PackageName;
use opkg_runtime::hook::{Output as Wanted, Program as Asked, Refusal, Request};

use super::executor::Job;
use super::grants::{Program, Trust};
use super::hooks::Call;
use super::process::{Account, Output};
use super::root::Root;

/// Bytes of the largest list of users that is read.
const USERS: u64 = 16 << 20;

/// A program that may be run.
pub(super) struct Prepared<'a> {
    /// For the target with this root.
    pub(super) root: &'a Root,
    pub(super) job: Job,
    /// Its text, which is there as long as this lives.
    pub(super) _text: Option<tempfile::TempDir>,
}

/// How a log names the program.
pub(super) fn name(request: &Request) -> String {
    match &request.program {
        Asked::File(path) => path.clone(),
        Asked::Text(text) => text.interpreter.clone().unwrap_or_else(|| "a text".to_owned()),
    }
}

/// What is to be run for a request.
///
/// # Errors
/// It is not granted, or makes no sense.
pub(super) fn prepare<'a>(
    call: &'a Call<'a>,
    trust: &Trust,
    request: &Request,
) -> Result<Prepared<'a>, Refusal> {
    let not_started = |reason: String| Err(Refusal::NotStarted(reason));
    let words =
        request.arguments.iter().chain(request.environment.iter().flat_map(|(name, value)| [name, value]));
    if words.chain([&name(request)]).any(|it| it.contains('\0')) {
        return not_started("its arguments hold a null byte".to_owned());
    }
    let root = match (request.in_image, call.about.image) {
        (false, _) => call.root,
        (true, Some((_, root))) => root,
        (true, None) => return Err(Refusal::NotGranted("this hook is about no image".to_owned())),
    };
    let may = Permission { call, trust, in_image: request.in_image };
    let mut text = None;
    let mut argv: Vec<OsString> = Vec::new();
    match &request.program {
        Asked::File(path) => argv.push(may.file(path)?.into()),
        Asked::Text(program) => {
            match &program.interpreter {
                Some(interpreter) => argv.push(may.file(interpreter)?.into()),
                None => may.anything("a program of its own making")?,
            }
            let place = tempfile::Builder::new().prefix("opm-").tempdir_in("/tmp");
            let place =
                place.map_err(|error| Refusal::NotStarted(format!("no place for its text: {error}")))?;
            argv.push(place.path().join("program").into());
            text = Some((place, &program.contents));
        }
    }
    argv.extend(request.arguments.iter().map(OsString::from));
    let mut environment = call.environment.clone();
    if !request.environment.is_empty() {
        may.anything("variables for the environment of programs")?;
    }
    for (name, value) in &request.environment {
        let ours = name.starts_with("OPM_") || name.starts_with("OSCAR_PACKAGE_");
        if name.is_empty() || name.contains('=') || ours {
            return not_started(format!("{} is not for hooks to set", name.escape_debug()));
        }
        environment.retain(|(known, _)| known != name.as_str());
        environment.push((name.into(), value.into()));
    }
    let mut account = None;
    if let Some(user) = &request.user {
        may.anything("to be another user")?;
        let found = User::find(root, user).map_err(Refusal::NotStarted)?;
        for (name, value) in [("HOME", &found.home), ("USER", &found.name), ("LOGNAME", &found.name)] {
            environment.retain(|(known, _)| known != name);
            environment.push((name.into(), value.into()));
        }
        let own = rustix::process::geteuid().as_raw();
        if own != 0 && own != found.account.user {
            let name = found.name;
            return Err(Refusal::NotGranted(format!("only root can run it as {name}: run opm as root")));
        }
        // Who already is that user need not, and may not, become it.
        account = Some(found.account).filter(|_| own == 0);
    }
    if let Some((place, contents)) = &text {
        written(place.path(), contents, account)
            .map_err(|error| Refusal::NotStarted(format!("its text cannot be written: {error}")))?;
    }
    let directory = match &request.directory {
        Some(directory) if request.in_image => Path::new("/").join(directory),
        Some(directory) => call.home.join(directory),
        None if request.in_image => "/".into(),
        None => call.home.clone(),
    };
    let job = Job {
        argv,
        environment,
        directory,
        inside: true,
        shared: if request.in_image { Vec::new() } else { call.shared.clone() },
        patience: call.patience,
        output: match request.output {
            Wanted::Logged => Output::Logged,
            Wanted::Captured => Output::Captured,
        },
        account,
    };
    Ok(Prepared { root, job, _text: text.map(|(place, _)| place) })
}

/// What a hook may do with programs.
struct Permission<'a> {
    call: &'a Call<'a>,
    trust: &'a Trust,
    in_image: bool,
}

impl Permission<'_> {
    /// The path of a program that may be run, as it is to be started.
    fn file(&self, path: &str) -> Result<PathBuf, Refusal> {
        // A name is one in `$PATH`.
        if *self.trust == Trust::Definitions && !path.contains('/') {
            return Ok(path.into());
        }
        let full = self.call.home.join(path);
        let named = match full.strip_prefix(&self.call.home) {
            Ok(below) if !self.in_image => below.to_string_lossy().into_owned(),
            _ if self.in_image => format!("image:{}", full.display()),
            _ => full.to_string_lossy().into_owned(),
        };
        let granted = match named.parse::<Program>() {
            Ok(Program::Home) => false,
            Ok(asked) => match self.trust {
                Trust::OwnFiles => Program::Home.allows(&asked),
                Trust::Definitions => true,
                Trust::Named(_, programs) | Trust::Granted(programs) => {
                    programs.iter().any(|it| it.allows(&asked))
                }
            },
            Err(_) => false,
        };
        let own = *self.trust == Trust::OwnFiles && !self.in_image && self.call.candidates.contains(&full);
        match granted || own {
            true => Ok(full),
            false => Err(Refusal::NotGranted(self.remedy(&named))),
        }
    }

    /// What built-in runners alone are trusted with.
    fn anything(&self, what: &str) -> Result<(), Refusal> {
        match self.trust {
            Trust::OwnFiles | Trust::Definitions => Ok(()),
            Trust::Named(..) | Trust::Granted(_) => {
                Err(Refusal::NotGranted(format!("{what} is never granted")))
            }
        }
    }

    fn remedy(&self, program: &str) -> String {
        let package = self.call.package().map_or("no package", PackageName::as_str);
        let quoted = format!("\"{}\"", program.escape_default());
        match self.trust {
            Trust::Definitions => format!("{program} is no path of a program"),
            Trust::OwnFiles => format!("{program} does not lie in the home of {package}"),
            Trust::Named(runner, _) => format!(
                "{program} is not granted to the runner {runner}: to grant it, add {quoted} to `programs` of a \
                 `[[runner]]` with name = \"{runner}\" in opm.toml"
            ),
            Trust::Granted(_) => format!(
                "{program} is not granted to {package}: to grant it, put `[[grant]]`, package = \"{package}\", \
                 programs = [{quoted}] into opm.toml"
            ),
        }
    }
}

/// A user of a root.
struct User {
    name: String,
    home: String,
    account: Account,
}

impl User {
    /// By name or number, out of the root's own list.
    fn find(root: &Root, user: &str) -> Result<Self, String> {
        let list = root.read(Path::new("/etc/passwd"), USERS);
        let list = list.map_err(|error| format!("/etc/passwd cannot be read: {error}"))?;
        let list = String::from_utf8_lossy(&list);
        let number = user.parse::<u32>().ok();
        list.lines()
            .filter_map(Self::parse)
            .find(|it| it.name == user || number == Some(it.account.user))
            .ok_or_else(|| format!("there is no user {} in /etc/passwd", user.escape_debug()))
    }

    /// `name:password:1000:1000:comment:/home/name:/bin/sh`
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let account = Account { user: fields.nth(1)?.parse().ok()?, group: fields.next()?.parse().ok()? };
        Some(Self { name, home: fields.nth(1)?.to_owned(), account })
    }
}

/// Writes the text of a program, for nobody but whoever runs it.
fn written(place: &Path, contents: &str, account: Option<Account>) -> std::io::Result<()> {
    let path = place.join("program");
    let mut file = std::fs::File::create_new(&path)?;
    file.set_permissions(PermissionsExt::from_mode(0o700))?;
    file.write_all(contents.as_bytes())?;
    for path in [&path, place] {
        if let Some(Account { user, group }) = account {
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
        let root = Root::open(directory.path()).unwrap();
        for user in ["ann", "1000"] {
            let user = User::find(&root, user).unwrap();
            assert_eq!((user.name.as_str(), user.home.as_str()), ("ann", "/home/ann"));
            assert_eq!(user.account, Account { user: 1000, group: 100 });
        }
        assert!(User::find(&root, "broken").is_err());
    }
}
