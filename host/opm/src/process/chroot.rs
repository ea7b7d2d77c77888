//! Running a program inside the root directory of a target.
//!
//! The engine starts its own program once more, which leaves for a mount namespace of its own, puts the directories
//! of the running system that programs expect into the root, makes that its root, and becomes the program that is to
//! be run. Whatever happens to it, the kernel undoes all of it with the last process in there. Nobody but root may do
//! so, except in a user namespace, which the program makes where it is not root.

use std::convert::Infallible;
use std::ffi::OsString;
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

use super::executable::{self, ExecutableError, SpawnError};
use super::spec::Account;
use crate::roots::{TargetRoot, device_and_inode, open_host_path};

/// Directories of the running system that are seen in a root as well, where that has them.
pub(crate) const DEFAULT_SHARED_DIRS: [&str; 5] = ["/dev", "/proc", "/sys", "/run", "/tmp"];

/// The exit status where the program was not reached.
pub(crate) const EXIT_ENTER_FAILED: u8 = 125;

/// How the last line begins in that case.
pub(crate) const ERROR_PREFIX: &str = "opm: ";

/// Why a root was not entered, or the program in it not reached.
#[derive(Debug, thiserror::Error)]
enum EnterError {
    #[error(
        "usage: enter-root [--directory DIR] [--share DIR]... [--account USER:GROUP] [ROOT] -- PROGRAM [ARGUMENT]..."
    )]
    Usage,
    #[error("the root {} cannot be entered: {error}", .path.display())]
    Root { path: PathBuf, error: io::Error },
    #[error("the root {} is that of the running system, which cannot be entered", .0.display())]
    SystemRoot(PathBuf),
    #[error("the root {}: {error}", .path.display())]
    TopDirectory { path: PathBuf, error: io::Error },
    #[error("the directory {} cannot be entered: {error}", .path.display())]
    Directory { path: PathBuf, error: io::Error },
    #[error(
        "this needs root or a user namespace, and the kernel refuses that ({0}): run it as root, or have user namespaces \
         switched on (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, \
         kernel.apparmor_restrict_unprivileged_userns)"
    )]
    UserNamespace(String),
    #[error("no mount namespace: {0}")]
    MountNamespace(Errno),
    #[error("mounts cannot be made private: {0}")]
    PrivateMounts(io::Error),
    #[error("{} cannot be mounted in the root: {error}", .path.display())]
    BindMount { path: PathBuf, error: io::Error },
    #[error("there is no program {0}")]
    NotFound(String),
    #[error(transparent)]
    NotExecutable(#[from] ExecutableError),
    #[error(transparent)]
    Exec(#[from] SpawnError),
}

/// What to enter, in the words of the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ChrootSpec {
    /// The root directory; nothing where it is only about being root in a user namespace.
    pub(crate) root: Option<PathBuf>,
    /// Directories that are to be seen inside under the same paths. There must be directories at these paths.
    pub(crate) shared_dirs: Vec<PathBuf>,
    /// Where the program starts; as it is seen inside.
    pub(crate) working_directory: PathBuf,
    /// Who the program runs as, unless as we do.
    pub(crate) account: Option<Account>,
}

impl ChrootSpec {
    /// The arguments that [`enter_root`] understands, to be followed by the program and its own.
    pub(crate) fn to_args(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["--directory".into(), self.working_directory.clone().into()];
        for shared in &self.shared_dirs {
            arguments.extend(["--share".into(), shared.into()]);
        }
        if let Some(Account { uid: user, gid: group }) = self.account {
            arguments.extend(["--account".into(), format!("{user}:{group}").into()]);
        }
        arguments.extend(self.root.iter().map(Into::into));
        arguments.push("--".into());
        arguments
    }

    /// What such arguments mean, and the program with its own.
    fn parse(arguments: impl Iterator<Item = OsString>) -> Result<(Self, Vec<OsString>), EnterError> {
        let mut spec = Self { working_directory: "/".into(), ..Self::default() };
        let mut arguments = arguments.fuse();
        while let Some(argument) = arguments.next() {
            match argument.as_bytes() {
                b"--" => {
                    let argv: Vec<OsString> = arguments.collect();
                    return if argv.is_empty() { Err(EnterError::Usage) } else { Ok((spec, argv)) };
                }
                b"--directory" => spec.working_directory = arguments.next().ok_or(EnterError::Usage)?.into(),
                b"--account" => {
                    let numbers = arguments.next().and_then(|it| parse_account(it.to_str()?));
                    spec.account = Some(numbers.ok_or(EnterError::Usage)?);
                }
                b"--share" => spec.shared_dirs.push(arguments.next().ok_or(EnterError::Usage)?.into()),
                [b'/', ..] if spec.root.is_none() => spec.root = Some(argument.into()),
                _ => break,
            }
        }
        Err(EnterError::Usage)
    }
}

/// `0:0`
fn parse_account(text: &str) -> Option<Account> {
    let (user, group) = text.split_once(':')?;
    Some(Account { uid: user.parse().ok()?, gid: group.parse().ok()? })
}

/// What the program does when it is started for the sake of entering a root: arguments are those after the command's
/// name. Returns only if that fails, and has then said why.
///
/// To be called before anything else, since nothing but a single thread can move to another user namespace.
pub fn enter_root(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let entered = ChrootSpec::parse(arguments).and_then(|(spec, argv)| {
        enter_chroot(&spec)?;
        exec_program(&argv, spec.account)
    });
    let Err(error) = entered;
    eprintln!("{ERROR_PREFIX}{error}");
    ExitCode::from(EXIT_ENTER_FAILED)
}

fn enter_chroot(spec: &ChrootSpec) -> Result<(), EnterError> {
    unshare_mounts()?;
    if let Some(path) = &spec.root {
        let not_entered = |error| EnterError::Root { path: path.clone(), error };
        let root = TargetRoot::open(path).map_err(not_entered)?;
        if root.is_system() {
            return Err(EnterError::SystemRoot(path.clone()));
        }
        mount_shared(&root, &spec.shared_dirs)?;
        std::os::unix::fs::chroot(root.path()).map_err(not_entered)?;
        std::env::set_current_dir("/")
            .map_err(|error| EnterError::TopDirectory { path: path.clone(), error })?;
    }
    let path = &spec.working_directory;
    std::env::set_current_dir(path).map_err(|error| EnterError::Directory { path: path.clone(), error })
}

/// Leaves the mount namespace of the system, as root of a user namespace if need be.
fn unshare_mounts() -> Result<(), EnterError> {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    let alone = if user.is_root() { unshare(CloneFlags::CLONE_NEWNS) } else { Err(Errno::EPERM) };
    match alone {
        Ok(()) => {}
        Err(Errno::EPERM) => {
            unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)
                .map_err(|error| EnterError::UserNamespace(error.to_string()))?;
            let write = |file: &str, text: String| fs::write(Path::new("/proc/self").join(file), text);
            write("setgroups", "deny".into())
                .and_then(|()| write("uid_map", format!("0 {} 1", user.as_raw())))
                .and_then(|()| write("gid_map", format!("0 {} 1", group.as_raw())))
                .map_err(|error| EnterError::UserNamespace(error.to_string()))?;
        }
        Err(error) => return Err(EnterError::MountNamespace(error)),
    }
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .map_err(|error| EnterError::PrivateMounts(error.into()))
}

/// Puts directories of the running system into a root.
fn mount_shared(root: &TargetRoot, shared: &[PathBuf]) -> Result<(), EnterError> {
    let directory = OFlags::PATH | OFlags::DIRECTORY;
    for path in DEFAULT_SHARED_DIRS.map(Path::new) {
        // One that is not there is not made, since it would stay.
        if let Ok(mount_point) = root.open_at(path, directory, Mode::empty()) {
            bind_mount(path, &mount_point).map_err(|error| bind_mount_error(path, error))?;
        }
    }
    for path in shared {
        let mount_point =
            root.open_at(path, directory, Mode::empty()).map_err(|error| bind_mount_error(path, error))?;
        bind_mount(path, &mount_point).map_err(|error| bind_mount_error(path, error))?;
    }
    Ok(())
}

fn bind_mount_error(path: &Path, error: io::Error) -> EnterError {
    EnterError::BindMount { path: path.to_owned(), error }
}

/// Both ends are held open, so that no link made meanwhile can lead elsewhere.
fn bind_mount(source: &Path, mount_point: &OwnedFd) -> io::Result<()> {
    let source = open_host_path(source)?;
    if device_and_inode(&source)? == device_and_inode(mount_point)? {
        return Ok(());
    }
    let name = |file: &OwnedFd| format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(mount_bind_recursive(name(&source), name(mount_point))?)
}

/// Turns into the program.
fn exec_program(argv: &[OsString], account: Option<Account>) -> Result<Infallible, EnterError> {
    let name = argv.first().ok_or(EnterError::Usage)?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program = executable::find_in_path(name, &path)
        .ok_or_else(|| EnterError::NotFound(name.display().to_string()))?;
    executable::check_executable(&program)?;
    let mut command = Command::new(&program);
    command.arg0(name).args(&argv[1..]);
    if let Some(account) = account {
        account.apply(&mut command);
    }
    let error = command.exec();
    Err(SpawnError::new(&program, Path::new("."), error).into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn arguments_are_read_as_they_were_written() {
        let spec = ChrootSpec {
            root: Some("/srv/image".into()),
            shared_dirs: vec!["/srv/a".into(), "/srv/b".into()],
            working_directory: "/usr".into(),
            account: Some(Account { uid: 7, gid: 8 }),
        };
        let argv = ["ls", "--", "-l"].map(OsString::from).to_vec();
        let line = [spec.to_args(), argv.clone()].concat();
        assert_eq!(ChrootSpec::parse(line.into_iter()).unwrap(), (spec, argv));
        for wrong in [
            &["ls"][..],
            &["/srv"],
            &["/srv", "--"],
            &["/a", "/b", "--", "ls"],
            &["--share"],
            &["--account", "x", "--", "ls"],
            &[],
        ] {
            assert!(ChrootSpec::parse(wrong.iter().map(OsString::from)).is_err(), "{wrong:?}");
        }
    }
}
