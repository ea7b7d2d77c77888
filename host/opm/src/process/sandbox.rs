//! What a confined program sees, and what it may do.
//!
//! Inside of a root it sees that alone; beside one, the running system, of which it can change nothing. In both cases
//! it has processes, devices, `/run` and `/tmp` of its own: no socket of the head node's services, no disk, nobody's
//! temporary files. Nodes of devices in the root are dead, and privileges that are about the machine are gone.

use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, readlinkat};
use rustix::mount::{
    MountFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive, mount_move, mount_remount, unmount,
};
use rustix::process::{chroot, pivot_root};
use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};

use super::launch_spec::Confinement;
use super::mount_table::{self, RestrictError};
use super::spec::SharedDir;
use crate::roots::{TargetRoot, TempFiles, device_and_inode, open_host_path};

/// Directories that are empty in a sandbox but for what is put there, if the root has them.
pub(crate) const FRESH_DIRS: [&str; 3] = ["/dev", "/run", "/tmp"];

/// Where programs beside a root may write as they like; it is gone with them.
const SCRATCH_DIR: &str = "/var";

/// Devices that are no way to the machine.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Links in `/dev`.
const DEVICE_LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// What `/proc` has for changing the machine: can be read.
const READ_ONLY_PROC: [&str; 5] = ["bus", "fs", "irq", "sys", "sysrq-trigger"];

/// What `/proc` has of the machine's memory and keys: is empty.
const MASKED_PROC: [&str; 4] = ["kcore", "keys", "latency_stats", "timer_list"];

/// What programs find names of hosts with: the head node's, where the root has none of its own; or always.
const RESOLVER_FILES: [(&str, ResolverPolicy); 2] =
    [("/etc/resolv.conf", ResolverPolicy::Always), ("/etc/hosts", ResolverPolicy::WhereMissing)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ResolverPolicy {
    Always,
    WhereMissing,
}

/// What installing packages takes; containers have shown that it is enough. Not among them: whatever is about modules,
/// the clock, the network's configuration, other processes, raw memory, restarting, or mounting.
const CAPABILITIES: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::LINUX_IMMUTABLE)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::SYS_CHROOT)
    // Devices can be made, and not be opened.
    .union(CapabilitySet::MKNOD)
    .union(CapabilitySet::AUDIT_WRITE)
    .union(CapabilitySet::SETFCAP);

/// Numbers of capabilities that a kernel may know.
const MAX_CAPABILITIES: u32 = 64;

/// Why a sandbox was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SandboxError {
    #[error("the root {} cannot be entered: {error}", .path.display())]
    Root { path: PathBuf, error: io::Error },
    #[error("the root {} is that of the running system, which cannot be entered", .0.display())]
    SystemRoot(PathBuf),
    #[error("{} cannot be mounted for it: {error}", .path.display())]
    Mount { path: PathBuf, error: io::Error },
    #[error("the list of mounts cannot be read: {0}")]
    MountTable(io::Error),
    #[error("its privileges cannot be given up: {0}")]
    Capabilities(io::Error),
}

impl From<RestrictError> for SandboxError {
    fn from(error: RestrictError) -> Self {
        match error {
            RestrictError::Table(error) => Self::MountTable(error),
            RestrictError::Mount { path, error } => Self::Mount { path, error },
        }
    }
}

/// Makes the surroundings of a program in namespaces that are this process' own, and goes there.
pub(super) fn enter(confinement: &Confinement, shared: &[SharedDir]) -> Result<(), SandboxError> {
    let path = confinement.root();
    let not_entered = |error| SandboxError::Root { path: path.clone(), error };
    let root = TargetRoot::open(path).map_err(not_entered)?;
    if root.is_system() {
        return Err(SandboxError::SystemRoot(path.clone()));
    }
    let sources = Sources::open(shared)?;
    let root = own_mount(&root).map_err(not_entered)?;
    mount_table::restrict(|mount| mount.starts_with(root.path()), MountFlags::NODEV)?;
    match confinement {
        Confinement::Inside(_) => {
            sources.mount_surroundings(&root)?;
            sources.mount_shared(&root, shared)?;
            sources.mount_resolver(&root)?;
            change_root(&root).map_err(not_entered)?;
        }
        Confinement::Beside(_) => {
            let top = root.open_at(Path::new("/"), OFlags::PATH | OFlags::DIRECTORY, Mode::empty());
            let top = top.map_err(not_entered)?;
            // Leaves nothing of the running system to change.
            mount_table::restrict(|mount| !mount.starts_with(root.path()), MountFlags::RDONLY)?;
            let system = TargetRoot::open(Path::new("/")).map_err(not_entered)?;
            mount_scratch(&system)?;
            sources.mount_surroundings(&system)?;
            restore(&system, &top, root.path())?;
            sources.mount_shared(&system, shared)?;
            sources.mount_resolver(&system)?;
        }
    }
    drop_capabilities().map_err(SandboxError::Capabilities)
}

/// What is taken from the running system, opened before anything covers it.
struct Sources {
    devices: Vec<(&'static str, OwnedFd)>,
    shared: Vec<OwnedFd>,
    resolver: Vec<(&'static str, ResolverPolicy, OwnedFd)>,
    sys: Option<OwnedFd>,
    proc: OwnedFd,
    /// Without privileges of the machine, there is less to take away, and mounts that come from outside stay together.
    is_privileged: bool,
}

impl Sources {
    fn open(shared: &[SharedDir]) -> Result<Self, SandboxError> {
        let optional = |path: &Path| open_host_path(path).ok();
        let open = |path: &Path| open_host_path(path).map_err(|error| mount_error(path, error));
        let map = std::fs::read_to_string("/proc/self/uid_map").map_err(SandboxError::MountTable)?;
        Ok(Self {
            devices: DEVICES
                .into_iter()
                .filter_map(|name| Some((name, optional(&Path::new("/dev").join(name))?)))
                .collect(),
            shared: shared.iter().map(|shared| open(&shared.path)).collect::<Result<_, _>>()?,
            resolver: RESOLVER_FILES
                .into_iter()
                .filter_map(|(path, policy)| Some((path, policy, optional(Path::new(path))?)))
                .collect(),
            sys: optional(Path::new("/sys")),
            proc: open(Path::new("/proc"))?,
            is_privileged: map.split_ascii_whitespace().eq(["0", "0", "4294967295"]),
        })
    }

    /// Devices, processes and empty directories, where the root has places for them: what is made there would stay.
    fn mount_surroundings(&self, root: &TargetRoot) -> Result<(), SandboxError> {
        for (path, mode) in [("/run", "mode=0755"), ("/tmp", "mode=1777"), ("/dev", "mode=0755")] {
            if let Some(place) = mount_point(root, path) {
                mount_tmpfs(&place, mode).map_err(|error| mount_error(Path::new(path), error))?;
            }
        }
        self.mount_devices(root).map_err(|error| mount_error(Path::new("/dev"), error))?;
        if let (Some(source), Some(place)) = (&self.sys, mount_point(root, "/sys"))
            && device_and_inode(source).ok() != device_and_inode(&place).ok()
        {
            let mounted = match self.is_privileged {
                true => bind(source, root, "/sys", false, MountFlags::RDONLY),
                false => bind(source, root, "/sys", true, MountFlags::empty()),
            };
            mounted.map_err(|error| mount_error(Path::new("/sys"), error))?;
        }
        self.mount_proc(root).map_err(|error| mount_error(Path::new("/proc"), error))
    }

    fn mount_devices(&self, root: &TargetRoot) -> io::Result<()> {
        let Some(place) = mount_point(root, "/dev") else { return Ok(()) };
        let directory = PathBuf::from(name(&place));
        for (device, source) in &self.devices {
            std::fs::File::create(directory.join(device))?;
            mount_bind(name(source), directory.join(device))?;
        }
        for (link, target) in DEVICE_LINKS {
            std::os::unix::fs::symlink(target, directory.join(link))?;
        }
        for pseudo in ["pts", "shm"] {
            std::fs::create_dir(directory.join(pseudo))?;
        }
        let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
        mount("devpts", directory.join("pts"), "devpts", flags, c"newinstance,ptmxmode=0666,mode=0620")?;
        Ok(mount("tmpfs", directory.join("shm"), "tmpfs", flags | MountFlags::NODEV, c"mode=1777")?)
    }

    fn mount_proc(&self, root: &TargetRoot) -> io::Result<()> {
        let Some(place) = mount_point(root, "/proc") else { return Ok(()) };
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        match mount("proc", name(&place), "proc", flags, None) {
            Ok(()) => {}
            // In a container whose own is partly covered; without privileges it is no way to anything.
            Err(rustix::io::Errno::PERM) if !self.is_privileged => {
                return Ok(mount_bind_recursive(name(&self.proc), name(&place))?);
            }
            Err(error) => return Err(error.into()),
        }
        if !self.is_privileged {
            return Ok(());
        }
        for path in READ_ONLY_PROC.map(|file| format!("/proc/{file}")) {
            if let Ok(source) = root.open_at(Path::new(&path), OFlags::PATH, Mode::empty()) {
                bind(&source, root, &path, true, MountFlags::RDONLY)?;
            }
        }
        let null = self.devices.iter().find(|(device, _)| *device == "null").map(|(_, source)| source);
        for path in MASKED_PROC.map(|file| format!("/proc/{file}")) {
            if let (Some(null), Ok(_)) = (null, root.open_at(Path::new(&path), OFlags::PATH, Mode::empty())) {
                bind(null, root, &path, false, MountFlags::empty())?;
            }
        }
        Ok(())
    }

    /// Directories of the running system, under their own paths.
    fn mount_shared(&self, root: &TargetRoot, shared: &[SharedDir]) -> Result<(), SandboxError> {
        for (directory, source) in shared.iter().zip(&self.shared) {
            let flags = if directory.writable { MountFlags::empty() } else { MountFlags::RDONLY };
            let path = &directory.path;
            make_in_fresh(root, path)
                .and_then(|()| bind(source, root, path, true, flags | MountFlags::NODEV))
                .map_err(|error| mount_error(path, error))?;
        }
        Ok(())
    }

    fn mount_resolver(&self, root: &TargetRoot) -> Result<(), SandboxError> {
        for (path, policy, source) in &self.resolver {
            let path = Path::new(path);
            let mounted = resolver_place(root, path, *policy).and_then(|found| match found {
                true => bind(source, root, path, false, MountFlags::RDONLY),
                false => Ok(()),
            });
            mounted.map_err(|error| mount_error(path, error))?;
        }
        Ok(())
    }
}

/// What marks a file that stands in a root only for the head node's to be mounted over it.
pub(crate) const PLACEHOLDER: &[u8] = b"# opm puts the head node's file here while it works\n";

/// Files of the head node that a root has no place for.
pub(crate) fn missing_resolver_files(root: &TargetRoot) -> Vec<&'static Path> {
    RESOLVER_FILES
        .into_iter()
        .map(|(path, _)| Path::new(path))
        .filter(|path| open_host_path(path).is_ok())
        .filter(|path| {
            let entry = root.open_at(path, OFlags::PATH | OFlags::NOFOLLOW, Mode::empty());
            let is_placeholder = || root.read(path, 1 << 10).is_ok_and(|found| found == PLACEHOLDER);
            match entry {
                Ok(_) => is_placeholder(),
                Err(error) => error.kind() == ErrorKind::NotFound,
            }
        })
        .collect()
}

/// Whether there is something that the head node's file is to be mounted over. A link to a directory that is fresh in the
/// sandbox leads to nothing: then it is made.
fn resolver_place(root: &TargetRoot, path: &Path, policy: ResolverPolicy) -> io::Result<bool> {
    if let Ok(file) = root.open_at(path, OFlags::PATH, Mode::empty()) {
        let is_file = std::fs::File::from(file).metadata()?.is_file();
        let is_free = || root.read(path, 1 << 10).is_ok_and(|found| found == PLACEHOLDER);
        return Ok(is_file && (policy == ResolverPolicy::Always || is_free()));
    }
    let Ok(parent) =
        root.open_at(path.parent().unwrap_or(path), OFlags::PATH | OFlags::DIRECTORY, Mode::empty())
    else {
        return Ok(false);
    };
    let Ok(link) = readlinkat(&parent, path.file_name().unwrap_or_default(), Vec::new()) else {
        return Ok(false);
    };
    let link = Path::new(std::ffi::OsStr::from_bytes(link.as_bytes())).to_owned();
    let target = normalize(&path.parent().unwrap_or(path).join(link));
    let (Some(directory), true) = (target.parent(), is_fresh(&target)) else { return Ok(false) };
    make_in_fresh(root, directory)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    root.open_at(&target, flags, Mode::from_raw_mode(0o644))?;
    Ok(true)
}

/// An absolute path without `..`, as if no link were on the way.
fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(name) => normal.push(name),
            Component::ParentDir => {
                normal.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    normal
}

fn is_fresh(path: &Path) -> bool {
    FRESH_DIRS.iter().any(|fresh| path.starts_with(fresh))
}

/// Makes a directory where nothing stays.
fn make_in_fresh(root: &TargetRoot, path: &Path) -> io::Result<()> {
    if is_fresh(path) {
        let mut directories = TempFiles::new(root);
        directories.create_dir_all(path)?;
        directories.keep();
    }
    Ok(())
}

/// The root as a mount of its own, whatever it was.
fn own_mount(root: &TargetRoot) -> io::Result<TargetRoot> {
    let before = root.open_at(Path::new("/"), OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?;
    mount_bind_recursive(name(&before), name(&before))?;
    let root = TargetRoot::open(root.path())?;
    let after = root.open_at(Path::new("/"), OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?;
    match device_and_inode(&before)? == device_and_inode(&after)? {
        true => Ok(root),
        false => Err(io::Error::other("somebody else put another directory there")),
    }
}

/// Lets programs write where they keep logs, caches and locks, into memory. Where the kernel cannot do that, they must do
/// without.
fn mount_scratch(system: &TargetRoot) -> Result<(), SandboxError> {
    let Some(place) = mount_point(system, "/run") else { return Ok(()) };
    mount_tmpfs(&place, "mode=0700").map_err(|error| mount_error(Path::new("/run"), error))?;
    let mounted =
        std::fs::create_dir("/run/upper").and_then(|()| std::fs::create_dir("/run/work")).and_then(|()| {
            let options = c"lowerdir=/var,upperdir=/run/upper,workdir=/run/work";
            let flags = MountFlags::NOSUID | MountFlags::NODEV;
            Ok(mount("overlay", SCRATCH_DIR, "overlay", flags, options)?)
        });
    if let Err(error) = mounted {
        tracing::debug!(%error, "{SCRATCH_DIR} stays read-only");
    }
    Ok(())
}

/// Puts a root back to its path, where something has covered it.
fn restore(system: &TargetRoot, top: &OwnedFd, path: &Path) -> Result<(), SandboxError> {
    let is_there = || {
        let found = system.open_at(path, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).ok()?;
        (device_and_inode(&found).ok()? == device_and_inode(top).ok()?).then_some(())
    };
    if !is_fresh(path) && !path.starts_with(SCRATCH_DIR) && is_there().is_some() {
        return Ok(());
    }
    make_in_fresh(system, path)
        .and_then(|()| {
            let place = system.open_at(path, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?;
            Ok(mount_bind_recursive(name(top), name(&place))?)
        })
        .map_err(|error| mount_error(path, error))
}

/// Makes a directory the root of this process and of all that it starts; there is no way back.
fn change_root(root: &TargetRoot) -> io::Result<()> {
    std::env::set_current_dir(root.path())?;
    match pivot_root(".", ".") {
        Ok(()) => unmount(".", UnmountFlags::DETACH)?,
        // The running system is still on the root that the kernel began with, which stays below everything.
        Err(rustix::io::Errno::INVAL) => {
            mount_move(".", "/")?;
            chroot(".")?;
        }
        Err(error) => return Err(error.into()),
    }
    std::env::set_current_dir("/")
}

fn drop_capabilities() -> io::Result<()> {
    for capability in (0..MAX_CAPABILITIES).filter_map(|number| CapabilitySet::from_bits(1 << number)) {
        if !CAPABILITIES.contains(capability) {
            match remove_capability_from_bounding_set(capability) {
                // One that this kernel does not know.
                Ok(()) | Err(rustix::io::Errno::INVAL) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// Mounts a file or directory on what stands at a path of a root.
fn bind(
    source: &OwnedFd,
    root: &TargetRoot,
    path: impl AsRef<Path>,
    recursive: bool,
    restrictions: MountFlags,
) -> io::Result<()> {
    let open = || root.open_at(path.as_ref(), OFlags::PATH, Mode::empty());
    let place = open()?;
    if recursive {
        mount_bind_recursive(name(source), name(&place))?;
    } else {
        mount_bind(name(source), name(&place))?;
    }
    if restrictions.is_empty() {
        return Ok(());
    }
    // Opened anew it is the mount.
    let place = open()?;
    let flags = mount_table::flags_of(&place)?;
    Ok(mount_remount(name(&place), MountFlags::BIND | flags | restrictions, c"")?)
}

/// The directory that stands at a path of a root.
fn mount_point(root: &TargetRoot, path: &str) -> Option<OwnedFd> {
    root.open_at(Path::new(path), OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).ok()
}

fn mount_tmpfs(place: &OwnedFd, options: &str) -> io::Result<()> {
    let options = std::ffi::CString::new(options)?;
    Ok(mount("tmpfs", name(place), "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, options.as_c_str())?)
}

/// A path that means an open file, whatever its own may lead to meanwhile.
fn name(file: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

fn mount_error(path: &Path, error: io::Error) -> SandboxError {
    SandboxError::Mount { path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_as_paths_of_the_root() {
        for (path, normal) in [
            ("/etc/../run/systemd/resolve/stub-resolv.conf", "/run/systemd/resolve/stub-resolv.conf"),
            ("/etc/../../../run/x", "/run/x"),
            ("/run/./x//y", "/run/x/y"),
            ("/etc//tmp/../etc/passwd", "/etc/etc/passwd"),
        ] {
            assert_eq!(normalize(Path::new(path)), Path::new(normal), "{path}");
        }
        assert!(is_fresh(Path::new("/run/x")) && !is_fresh(Path::new("/running")));
    }
}
