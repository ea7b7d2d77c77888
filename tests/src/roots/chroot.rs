//! A whole system, with a package manager of its own: made once per build directory, copied for each test, entered
//! like a machine.
//!
//! Nothing has to be undone: what is mounted for a command goes away with it, even if it is killed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{process, scratch, tools};

/// Run by a shell that sees mounts of its own: the root, then the command and its arguments.
const ENTER_SCRIPT: &str = r#"
root=$1
shift
mount -t proc proc "$root/proc"
[ -c "$root/dev/null" ] || mount --rbind /dev "$root/dev"
exec chroot "$root" "$@"
"#;

/// Programs that entering a root takes.
const TOOLS: [&str; 5] = ["unshare", "mount", "chroot", "cp", "sh"];

/// A system that belongs to one test, and goes away with it unless the test fails.
#[derive(Debug)]
pub struct SystemRoot {
    directory: PathBuf,
}

impl SystemRoot {
    /// A copy of a system.
    ///
    /// # Panics
    ///
    /// If it cannot be copied.
    #[must_use]
    pub fn copy(system: &Path) -> Self {
        let directory = scratch::create_directory("root").join("root");
        process::run_successfully(
            Command::new("cp").args(["-a", "--reflink=auto"]).arg(system).arg(&directory),
        );
        Self { directory }
    }

    /// Where it is, seen from outside.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.directory
    }

    /// A file or directory of it, named as it is inside.
    #[must_use]
    pub fn resolve(&self, inside: &str) -> PathBuf {
        self.directory.join(inside.trim_start_matches('/'))
    }

    /// Writes a file, with the directories above it.
    ///
    /// # Panics
    ///
    /// If that cannot be done.
    pub fn write(&self, inside: &str, contents: &str) {
        let path = self.resolve(inside);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, contents).unwrap();
    }

    /// A command inside, ready to be started: with processes of its own, no network, and an environment that
    /// says nothing of the machine around it.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        chroot_command(&self.directory, arguments)
    }

    /// Runs a command inside.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> process::ProcessOutput {
        process::run(&mut self.command(arguments))
    }

    /// Runs a command inside, which has to succeed, and gives its standard output.
    pub fn run_successfully<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        process::run_successfully(&mut self.command(arguments))
    }
}

impl Drop for SystemRoot {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // What is left is removed by the next run of the tests.
            let _ = fs_err::remove_dir_all(&self.directory);
        }
    }
}

/// Whether this process may make systems and enter them; says so where it may not.
#[must_use]
pub fn is_supported() -> bool {
    if !tools::is_root() || !tools::all_installed(&TOOLS) {
        return false;
    }
    let may_mount =
        process::run(Command::new("unshare").args(["--mount", "--pid", "--net", "--fork", "true"]));
    if may_mount.code != Some(0) {
        tools::skip("this machine does not let root mount file systems");
        return false;
    }
    true
}

/// A command in any root.
pub(super) fn chroot_command<A: AsRef<OsStr>>(
    root: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Command {
    let mut command = Command::new("unshare");
    command.args([
        "--mount",
        "--pid",
        "--net",
        "--fork",
        "--kill-child",
        "--",
        "sh",
        "-euc",
        ENTER_SCRIPT,
        "enter",
    ]);
    command.arg(root).args(arguments).current_dir("/").env_clear();
    command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    command.env("HOME", "/root").env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    command
}
