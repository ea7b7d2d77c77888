//! Running a program inside the root directory of a target.
//!
//! The engine starts its own program once more, which leaves for a mount namespace of its own, puts the directories
//! of the running system that programs expect into the root, makes that its root, and becomes the program that is to
//! be run. Whatever happens to it, the kernel undoes all of it with the last process in there. Nobody but root may do
//! so, except in a user namespace, which the program makes where it is not root.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use rustix::fs::{Mode, OFlags};
use rustix::mount::{MountPropagationFlags, mount_bind_recursive, mount_change};

use super::process::Account;
use super::root::{Root, identity, open_outside};
use super::start;

/// Directories of the running system that are seen in a root as well, where that has them.
pub(super) const SHARED: [&str; 5] = ["/dev", "/proc", "/sys", "/run", "/tmp"];

/// The exit status where the program was not reached.
pub(super) const FAILED: u8 = 125;

/// How the last line begins in that case.
pub(super) const COMPLAINT: &str = "opm: ";

/// What to enter, in the words of the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// The root directory; nothing where it is only about being root in a user namespace.
    pub(super) root: Option<PathBuf>,
    /// Directories that are to be seen inside under the same paths. There must be directories at these paths.
    pub(super) shared: Vec<PathBuf>,
    /// Where the program starts; as it is seen inside.
    pub(super) directory: PathBuf,
    /// Who the program runs as, unless as we do.
    pub(super) account: Option<Account>,
}

impl Entry {
    /// The arguments that [`enter`] understands, to be followed by the program and its own.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["--directory".into(), self.directory.clone().into()];
        for shared in &self.shared {
            arguments.extend(["--share".into(), shared.into()]);
        }
        if let Some(Account { user, group }) = self.account {
            arguments.extend(["--account".into(), format!("{user}:{group}").into()]);
        }
        arguments.extend(self.root.iter().map(Into::into));
        arguments.push("--".into());
        arguments
    }

    /// What such arguments mean, and the program with its own.
    fn parse(arguments: impl Iterator<Item = OsString>) -> Result<(Self, Vec<OsString>), String> {
        let mut entry = Self { directory: "/".into(), ..Self::default() };
        let mut arguments = arguments.fuse();
        let missing = || {
            "enter-root [--directory DIR] [--share DIR]... [--account USER:GROUP] [ROOT] -- PROGRAM [ARGUMENT]...".to_owned()
        };
        while let Some(argument) = arguments.next() {
            match argument.as_bytes() {
                b"--" => {
                    let argv: Vec<OsString> = arguments.collect();
                    return if argv.is_empty() { Err(missing()) } else { Ok((entry, argv)) };
                }
                b"--directory" => entry.directory = arguments.next().ok_or_else(missing)?.into(),
                b"--account" => {
                    let numbers = arguments.next().and_then(|it| account(it.to_str()?));
                    entry.account = Some(numbers.ok_or_else(missing)?);
                }
                b"--share" => entry.shared.push(arguments.next().ok_or_else(missing)?.into()),
                [b'/', ..] if entry.root.is_none() => entry.root = Some(argument.into()),
                _ => break,
            }
        }
        Err(missing())
    }
}

/// `0:0`
fn account(text: &str) -> Option<Account> {
    let (user, group) = text.split_once(':')?;
    Some(Account { user: user.parse().ok()?, group: group.parse().ok()? })
}

/// What the program does when it is started for the sake of entering a root: arguments are those after the command's
/// name. Returns only if that fails, and has then said why.
///
/// To be called before anything else, since nothing but a single thread can move to another user namespace.
pub fn enter(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let error = match Entry::parse(arguments) {
        Ok((entry, argv)) => match prepare(&entry) {
            Ok(()) => become_program(&argv, entry.account),
            Err(reason) => reason,
        },
        Err(usage) => format!("usage: {usage}"),
    };
    eprintln!("{COMPLAINT}{error}");
    ExitCode::from(FAILED)
}

fn prepare(entry: &Entry) -> Result<(), String> {
    leave()?;
    if let Some(path) = &entry.root {
        let shown = path.display();
        let root =
            Root::open(path).map_err(|error| format!("the root {shown} cannot be entered: {error}"))?;
        if root.is_system() {
            return Err(format!("the root {shown} is that of the running system, and not to be entered"));
        }
        furnish(&root, &entry.shared)?;
        std::os::unix::fs::chroot(root.path())
            .map_err(|error| format!("the root {shown} cannot be entered: {error}"))?;
        std::env::set_current_dir("/").map_err(|error| format!("the root {shown}: {error}"))?;
    }
    std::env::set_current_dir(&entry.directory)
        .map_err(|error| format!("the directory {} cannot be entered: {error}", entry.directory.display()))
}

/// Leaves the mount namespace of the system, as root of a user namespace if need be.
fn leave() -> Result<(), String> {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    let alone = if user.is_root() { unshare(CloneFlags::CLONE_NEWNS) } else { Err(Errno::EPERM) };
    match alone {
        Ok(()) => {}
        Err(Errno::EPERM) => {
            let refused = |error: &dyn std::fmt::Display| {
                format!(
                    "this needs root or a user namespace, and the kernel refuses that ({error}): run it as root, or have \
                     user namespaces switched on (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, \
                     kernel.apparmor_restrict_unprivileged_userns)"
                )
            };
            unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS).map_err(|error| refused(&error))?;
            let write = |file: &str, text: String| fs::write(Path::new("/proc/self").join(file), text);
            write("setgroups", "deny".into())
                .and_then(|()| write("uid_map", format!("0 {} 1", user.as_raw())))
                .and_then(|()| write("gid_map", format!("0 {} 1", group.as_raw())))
                .map_err(|error| refused(&error))?;
        }
        Err(error) => return Err(format!("no mount namespace: {error}")),
    }
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .map_err(|error| format!("mounts cannot be made private: {error}"))
}

/// Puts directories of the running system into a root.
fn furnish(root: &Root, shared: &[PathBuf]) -> Result<(), String> {
    let directory = OFlags::PATH | OFlags::DIRECTORY;
    for path in SHARED.map(Path::new) {
        // One that is not there is not made, since it would stay.
        if let Ok(place) = root.open_at(path, directory, Mode::empty()) {
            bind(path, &place).map_err(|error| cannot_bind(path, &error))?;
        }
    }
    for path in shared {
        let place =
            root.open_at(path, directory, Mode::empty()).map_err(|error| cannot_bind(path, &error))?;
        bind(path, &place).map_err(|error| cannot_bind(path, &error))?;
    }
    Ok(())
}

fn cannot_bind(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be shown in the root: {error}", path.display())
}

/// Both ends are held open, so that no link made meanwhile can lead elsewhere.
fn bind(source: &Path, place: &OwnedFd) -> io::Result<()> {
    let source = open_outside(source)?;
    if identity(&source)? == identity(place)? {
        return Ok(());
    }
    let name = |file: &OwnedFd| format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(mount_bind_recursive(name(&source), name(place))?)
}

/// Turns into the program. Returns why that failed.
fn become_program(argv: &[OsString], account: Option<Account>) -> String {
    let Some(name) = argv.first() else { return "an empty command".into() };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Some(program) = start::find(name, &path) else {
        return format!("there is no program {}", OsStr::display(name));
    };
    if let Err(reason) = start::check(&program) {
        return reason;
    }
    let mut command = Command::new(&program);
    command.arg0(name).args(&argv[1..]);
    if let Some(account) = account {
        account.apply(&mut command);
    }
    let error = command.exec();
    start::explain(&program, Path::new("."), &error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn arguments_are_read_as_they_were_written() {
        let entry = Entry {
            root: Some("/srv/image".into()),
            shared: vec!["/srv/a".into(), "/srv/b".into()],
            directory: "/usr".into(),
            account: Some(Account { user: 7, group: 8 }),
        };
        let argv = ["ls", "--", "-l"].map(OsString::from).to_vec();
        let line = [entry.arguments(), argv.clone()].concat();
        assert_eq!(Entry::parse(line.into_iter()).unwrap(), (entry, argv));
        for wrong in [
            &["ls"][..],
            &["/srv"],
            &["/srv", "--"],
            &["/a", "/b", "--", "ls"],
            &["--share"],
            &["--account", "x", "--", "ls"],
            &[],
        ] {
            assert!(Entry::parse(wrong.iter().map(OsString::from)).is_err(), "{wrong:?}");
        }
    }
}
