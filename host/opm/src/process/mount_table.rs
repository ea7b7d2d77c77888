//! The mounts of this process, as `/proc/self/mountinfo` lists them; see proc_pid_mountinfo(5).

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags, StatVfsMountFlags, fstatvfs, open};
use rustix::mount::{MountFlags, mount_remount};

/// One mount.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Where it is seen.
    pub(super) path: PathBuf,
    /// What it does not allow.
    flags: MountFlags,
}

/// All mounts, in the order in which they were made.
///
/// # Errors
/// `/proc` is not there.
pub(super) fn read() -> io::Result<Vec<Mount>> {
    Ok(std::fs::read("/proc/self/mountinfo")?.split(|byte| *byte == b'\n').filter_map(parse).collect())
}

impl Mount {
    /// Takes away more.
    ///
    /// # Errors
    /// It is not there any more, or something covers it.
    pub(super) fn restrict(&self, flags: MountFlags) -> io::Result<()> {
        let place = open(&self.path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        let name = format!("/proc/self/fd/{}", place.as_raw_fd());
        Ok(mount_remount(name, MountFlags::BIND | self.flags | flags, c"")?)
    }
}

/// What the mount of an open file does not allow.
///
/// # Errors
/// When it does not tell.
pub(super) fn flags_of(file: &OwnedFd) -> io::Result<MountFlags> {
    let set = fstatvfs(file)?.f_flag;
    let flags = [
        (StatVfsMountFlags::RDONLY, MountFlags::RDONLY),
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ];
    Ok(flags.into_iter().filter(|(known, _)| set.contains(*known)).map(|(_, flag)| flag).collect())
}

/// `36 35 98:0 /subdirectory /mount/point rw,noatime master:1 - ext4 /dev/root rw`
fn parse(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ').skip(4);
    let path = PathBuf::from(OsString::from_vec(unescape(fields.next()?)));
    let options = fields.next()?.split(|byte| *byte == b',');
    let flags = options.map(|option| match option {
        b"ro" => MountFlags::RDONLY,
        b"nosuid" => MountFlags::NOSUID,
        b"nodev" => MountFlags::NODEV,
        b"noexec" => MountFlags::NOEXEC,
        b"noatime" => MountFlags::NOATIME,
        b"nodiratime" => MountFlags::NODIRATIME,
        b"relatime" => MountFlags::RELATIME,
        _ => MountFlags::empty(),
    });
    Some(Mount { path, flags: flags.collect() })
}

/// Blanks and the like are octal numbers after a backslash.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, tail)) = rest.split_first() {
        let number = tail.first_chunk::<3>().and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok().filter(|_| *first == b'\\')?;
            u8::from_str_radix(digits, 8).ok()
        });
        bytes.push(number.unwrap_or(*first));
        rest = if number.is_some() { &tail[3..] } else { tail };
    }
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lines_of_the_table() {
        let line = b"36 35 98:0 /mnt1 /srv/a\\040b\\134c rw,noatime,nodev master:1 - ext3 /dev/root rw,errors=continue";
        let mount = parse(line).unwrap();
        assert_eq!(mount.path, PathBuf::from("/srv/a b\\c"));
        assert_eq!(mount.flags, MountFlags::NOATIME | MountFlags::NODEV);
        assert_eq!(parse(b""), None);
        assert!(read().unwrap().iter().any(|mount| mount.path.as_os_str() == "/"));
    }
}
