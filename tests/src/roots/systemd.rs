//! A system that runs: systemd is its first process, with processes, a network and control groups of its own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::chroot::SystemRoot;
use super::debian;
use crate::{process, tools};

/// What is mounted as containers have it (systemd's "Container Interface"), before systemd takes over. The shell is in
/// namespaces of its own.
const BOOT_SCRIPT: &str = r#"
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=755 dev "$root/dev"
for device in null zero full random urandom tty; do
    : > "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup "$root/sys/fs/cgroup"
exec chroot "$root" env -i container=tests PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --show-status=no
"#;

/// How long a boot takes at most.
const BOOT_TIMEOUT: Duration = Duration::from_secs(120);

/// A Debian that runs until this is dropped. Packages of RPM can be installed in it as well.
#[derive(Debug)]
pub struct RunningSystem {
    root: SystemRoot,
    boot: Child,
    /// The number of its first process, seen from outside.
    first_process: String,
    control_group: PathBuf,
}

impl RunningSystem {
    /// Boots a system of a test's own; nothing, saying so, where that cannot be.
    ///
    /// # Panics
    ///
    /// If it does not come up although everything for it is there.
    #[must_use]
    pub fn boot() -> Option<Self> {
        if !tools::all_installed(&["unshare", "nsenter", "mount", "chroot"]) {
            return None;
        }
        let Some(groups) = find_control_groups() else {
            tools::skip("this machine has no control groups of version 2");
            return None;
        };
        let root = debian::create_bootable()?;
        let control_group = groups.join(format!("opkg-tests-{}", root_name(&root)));
        fs_err::create_dir(&control_group).unwrap();
        // Enters the group before its namespace, whose root the group is then.
        let mut boot = Command::new("sh");
        let script = "echo $$ > \"$1/cgroup.procs\"; shift; exec unshare --mount --pid --net --uts --ipc --cgroup --fork \
                      --kill-child sh -euc \"$@\"";
        boot.args(["-euc", script, "boot"]).arg(&control_group).args([BOOT_SCRIPT, "boot"]).arg(root.path());
        let log = fs_err::File::create(root.path().with_extension("boot")).unwrap().into_parts().0;
        boot.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let boot = boot.spawn().unwrap();
        let mut this = Self { root, boot, first_process: String::new(), control_group };
        this.wait_until_running();
        Some(this)
    }

    fn wait_until_running(&mut self) {
        let began = Instant::now();
        loop {
            let id = self.boot.id();
            let children = fs_err::read_to_string(format!("/proc/{id}/task/{id}/children"));
            self.first_process = children.unwrap_or_default().trim().to_owned();
            let state = match self.first_process.is_empty() {
                true => String::new(),
                false => self.run(["systemctl", "is-system-running"]).stdout,
            };
            match state.trim() {
                "running" => return,
                "degraded" => {
                    panic!("{}", self.run(["systemctl", "list-units", "--failed"]).combined_output())
                }
                state => assert!(
                    began.elapsed() < BOOT_TIMEOUT,
                    "the system is `{state}` after {BOOT_TIMEOUT:?}: {}",
                    fs_err::read_to_string(self.root.path().with_extension("boot")).unwrap_or_default()
                ),
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Its files, seen from outside.
    #[must_use]
    pub fn root(&self) -> &SystemRoot {
        &self.root
    }

    /// Runs a command inside.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> process::ProcessOutput {
        process::run(&mut self.command(arguments))
    }

    /// Runs a command inside, which has to succeed, and gives its standard output.
    pub fn run_successfully<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        process::run_successfully(&mut self.command(arguments))
    }

    fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.first_process]);
        command.args(["--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--root", "--wd=/"]);
        command.args(arguments).env_clear();
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", "/root").env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        command
    }
}

impl Drop for RunningSystem {
    fn drop(&mut self) {
        // Nothing that could panic: it happens while a test fails as well. All processes go with the first one.
        match self.first_process.as_str() {
            "" => drop(self.boot.kill()),
            process => drop(Command::new("kill").args(["-9", process]).stderr(Stdio::null()).status()),
        }
        let _ = self.boot.wait();
        remove_control_groups(&self.control_group);
    }
}

/// Directories, the innermost first; the files in them are the kernel's.
fn remove_control_groups(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_control_groups(&entry.path());
        }
    }
    let _ = std::fs::remove_dir(directory);
}

/// The group of version 2 that this process is in.
fn find_control_groups() -> Option<PathBuf> {
    let mounts = fs_err::read_to_string("/proc/self/mounts").unwrap_or_default();
    let place = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"))?.split(' ').nth(1)?;
    let own = fs_err::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(Path::new(place).join(own))
}

/// A name that no other system of these tests has.
fn root_name(root: &SystemRoot) -> String {
    let parent = root.path().parent().and_then(Path::file_name).unwrap_or_default();
    format!("{}-{}", std::process::id(), parent.to_string_lossy())
}
