//! The launcher: this program once more, in front of every program that is run for a target.
//!
//! It is what gives a program its attributes, so that none depends on whoever started `opm`: a session of its own
//! without a terminal and signals as they are by default (`spawn`, on the caller's side, sees to these), a umask of
//! 022, no files open but the standard ones. What stays as the administrator set it for `opm`: resource limits,
//! priority, the score of the out-of-memory killer.
//!
//! Where the program is confined, the launcher leaves for namespaces of their own and starts `init` there, waits,
//! and ends as the program did.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use rustix::fs::Mode;
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit, umask};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::init;
use super::launch_spec::{LaunchSpec, UsageError};
use super::program::{self, Ended, ProgramError};

/// The file descriptor on which a launcher says why the program was not started.
pub(crate) const REPORT_FD: RawFd = 3;

/// The exit status where the program was not started.
pub(crate) const EXIT_NOT_STARTED: u8 = 125;

/// The umask of all programs: that of package managers for their scripts.
const UMASK: u32 = 0o022;

/// The argument that makes a launcher the first process of its namespaces.
const INIT: &str = "init";

/// What a whole group is asked to end with: the launcher lives until the program has ended.
const SIGNALS_TO_OUTLIVE: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// Why a program was not launched.
#[derive(Debug, thiserror::Error)]
enum LaunchError {
    #[error(transparent)]
    Usage(#[from] UsageError),
    #[error(
        "this needs root or a user namespace, and the kernel refuses that ({0}): run it as root, or have user namespaces \
         switched on (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, \
         kernel.apparmor_restrict_unprivileged_userns)"
    )]
    UserNamespace(String),
    #[error("no namespaces of its own: {0}")]
    Namespaces(Errno),
    #[error("mounts cannot be made private: {0}")]
    PrivateMounts(io::Error),
    #[error("its surroundings cannot be made: {0}")]
    Init(io::Error),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Program(#[from] ProgramError),
}

/// What the program does when it is started as a launcher: `arguments` are those after the words of `command`, with
/// which it is started so. Returns only if the program was not started, or has ended by itself.
///
/// To be called before anything else: nothing but a single thread can move to other namespaces, and every open file
/// descriptor is taken for a stray one.
pub fn launch(command: &[&str], arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.peekable();
    if arguments.next_if(|word| word == INIT).is_some() {
        return init::run(arguments);
    }
    // Opened anew it is closed when the program starts.
    let report = File::options().write(true).open(format!("/proc/self/fd/{REPORT_FD}")).ok();
    close_stray_files(report.as_ref().map(AsRawFd::as_raw_fd));
    umask(Mode::from_raw_mode(UMASK));
    match try_launch(command, arguments.collect()) {
        Ok(ended) => end_as(ended),
        Err(error) => {
            let text = error.to_string();
            if report.is_none_or(|mut report| report.write_all(text.as_bytes()).is_err()) {
                eprintln!("opm: {text}");
            }
            ExitCode::from(EXIT_NOT_STARTED)
        }
    }
}

fn try_launch(command: &[&str], words: Vec<OsString>) -> Result<Ended, LaunchError> {
    let (spec, argv) = LaunchSpec::parse(words.clone().into_iter())?;
    if spec.confinement.is_some() {
        return launch_confined(command, words);
    }
    program::enter_directory(&spec.working_directory)?;
    if spec.account.is_none() {
        return Err(program::exec(&argv).into());
    }
    // The launcher stays: a process of this user, by which a later run finds those of the other one.
    outlive_signals();
    Ok(program::run(&argv, spec.account)?)
}

/// Starts the first process in namespaces of their own, and waits for it.
fn launch_confined(command: &[&str], words: Vec<OsString>) -> Result<Ended, LaunchError> {
    unshare_namespaces()?;
    outlive_signals();
    let (mut line, other_end) = UnixStream::pair().map_err(LaunchError::Init)?;
    let mut init = Command::new("/proc/self/exe");
    init.args(command).arg(INIT).args(words).stdin(OwnedFd::from(other_end));
    program::set_session(&mut init);
    let mut child = init.spawn().map_err(LaunchError::Init)?;
    // Which holds the other end; the line is to end with the process.
    drop(init);
    let mut message = String::new();
    let read = line.read_to_string(&mut message);
    let status = child.wait().map_err(LaunchError::Init)?;
    read.map_err(LaunchError::Init)?;
    match init::parse_message(&message) {
        Some(answer) => answer.map_err(LaunchError::Refused),
        None => Err(LaunchError::Refused(format!("its surroundings went away: {status}"))),
    }
}

/// Leaves the namespaces of the system, as root of a user namespace if need be.
fn unshare_namespaces() -> Result<(), LaunchError> {
    let own = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    let alone = if user.is_root() { unshare(own) } else { Err(Errno::EPERM) };
    match alone {
        Ok(()) => {}
        Err(Errno::EPERM) => {
            unshare(CloneFlags::CLONE_NEWUSER | own)
                .map_err(|error| LaunchError::UserNamespace(error.to_string()))?;
            let write = |file: &str, text: String| fs::write(Path::new("/proc/self").join(file), text);
            write("setgroups", "deny".into())
                .and_then(|()| write("uid_map", format!("0 {} 1", user.as_raw())))
                .and_then(|()| write("gid_map", format!("0 {} 1", group.as_raw())))
                .map_err(|error| LaunchError::UserNamespace(error.to_string()))?;
        }
        Err(error) => return Err(LaunchError::Namespaces(error)),
    }
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .map_err(|error| LaunchError::PrivateMounts(error.into()))
}

/// Closes what somebody left open for whatever they start: all but the standard files and one more.
fn close_stray_files(kept: Option<RawFd>) {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<RawFd> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for file in open.into_iter().filter(|file| *file > 2 && Some(*file) != kept) {
        // That of the list itself is closed by now.
        let _ = nix::unistd::close(file);
    }
}

/// Lives on where the group is asked to end.
fn outlive_signals() {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in SIGNALS_TO_OUTLIVE {
        // Where one cannot be caught it ends us, and with us the program.
        let _ = signal_hook::flag::register(signal, asked.clone());
    }
}

/// Ends as the program did, for whoever waits for us.
fn end_as(ended: Ended) -> ExitCode {
    match ended {
        Ended::Exited(status) => ExitCode::from(u8::try_from(status & 0xff).unwrap_or(EXIT_NOT_STARTED)),
        Ended::Signaled(signal) => {
            // The program has dumped its core already.
            let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
            let _ = signal_hook::low_level::emulate_default_handler(signal);
            let _ = kill_process(getpid(), Signal::KILL);
            ExitCode::from(EXIT_NOT_STARTED)
        }
    }
}
