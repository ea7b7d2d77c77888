//! The mounts of this process, as `/proc/self/mountinfo` lists them; see proc_pid_mountinfo(5).

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, StatVfsMountFlags, fstatvfs, open};
use rustix::mount::{MountFlags, mount_remount};

/// How often the table is read until no mount is left that allows too much. Mounts come and go one by one.
const MAX_READS: usize = 50;

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    id: u32,
    /// The mount that it is on.
    parent: u32,
    /// Where it is seen.
    path: PathBuf,
    /// What it does not allow.
    flags: MountFlags,
}

/// Why a mount still allows what it should not.
#[derive(Debug)]
pub(super) enum RestrictError {
    /// `/proc` is not there.
    Table(io::Error),
    Mount {
        path: PathBuf,
        error: io::Error,
    },
}

/// Takes something away from all mounts at some paths.
///
/// Others take mounts away at any time: whoever removes a file or directory that is a mount point ends what is mounted
/// there in every namespace. So a mount that is not found counts only if it is still listed afterwards.
pub(super) fn restrict(is_meant: impl Fn(&Path) -> bool, flags: MountFlags) -> Result<(), RestrictError> {
    restrict_with(
        read,
        |mount| mount.restrict(flags),
        |mount| is_meant(&mount.path) && !mount.flags.contains(flags),
    )
}

fn restrict_with(
    mut read: impl FnMut() -> io::Result<Vec<Mount>>,
    mut restrict: impl FnMut(&Mount) -> io::Result<()>,
    allows_too_much: impl Fn(&Mount) -> bool,
) -> Result<(), RestrictError> {
    let mut not_found = None;
    for _ in 0..MAX_READS {
        let table = read().map_err(RestrictError::Table)?;
        let left: Vec<_> =
            table.iter().filter(|mount| allows_too_much(mount) && !mount.is_hidden(&table)).collect();
        if left.is_empty() {
            return Ok(());
        }
        for mount in left {
            match restrict(mount) {
                Ok(()) => {}
                Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => {
                    not_found = Some((mount.path.clone(), error));
                }
                Err(error) => return Err(RestrictError::Mount { path: mount.path.clone(), error }),
            }
        }
    }
    let (path, error) = not_found
        .unwrap_or_else(|| (PathBuf::from("/"), io::Error::other("there are new mounts all the time")));
    Err(RestrictError::Mount { path, error })
}

/// All mounts, in the order in which they were made.
fn read() -> io::Result<Vec<Mount>> {
    Ok(std::fs::read("/proc/self/mountinfo")?.split(|byte| *byte == b'\n').filter_map(parse).collect())
}

impl Mount {
    /// Takes away more. Where it is not there any more the kernel says that there is no such file, or that this is no
    /// mount.
    fn restrict(&self, flags: MountFlags) -> io::Result<()> {
        let place = open(&self.path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        let name = format!("/proc/self/fd/{}", place.as_raw_fd());
        Ok(mount_remount(name, MountFlags::BIND | self.flags | flags, c"")?)
    }

    /// Whether another mount covers this one, or a directory on the way to it: then no path leads here.
    fn is_hidden(&self, table: &[Self]) -> bool {
        let is_covered =
            |other: &Self| other.parent == self.id && other.path == self.path && other.id != self.id;
        if table.iter().any(is_covered) {
            return true;
        }
        let mut mount = self;
        // A table that changes while it is read may have circles.
        for _ in 0..table.len() {
            let is_cut_off = |other: &Self| {
                other.parent == mount.parent
                    && other.path != mount.path
                    && mount.path.starts_with(&other.path)
                    && other.id != other.parent
            };
            if table.iter().any(is_cut_off) {
                return true;
            }
            match table.iter().find(|other| other.id == mount.parent && other.id != mount.id) {
                Some(parent) => mount = parent,
                None => return false,
            }
        }
        false
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
    let mut fields = line.split(|byte| *byte == b' ');
    let mut number = || std::str::from_utf8(fields.next()?).ok()?.parse().ok();
    let (id, parent) = (number()?, number()?);
    let path = PathBuf::from(OsString::from_vec(unescape(fields.nth(2)?)));
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
    Some(Mount { id, parent, path, flags: flags.collect() })
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

    fn mount(id: u32, parent: u32, path: &str) -> Mount {
        Mount { id, parent, path: path.into(), flags: MountFlags::empty() }
    }

    /// Restricts what successive tables list; those that are named are never found.
    fn restrict_all(tables: &[&[Mount]], never_found: &[&str]) -> Result<Vec<PathBuf>, RestrictError> {
        let mut done: Vec<PathBuf> = Vec::new();
        let mut reads = 0;
        let restricted = std::cell::RefCell::new(Vec::new());
        restrict_with(
            || {
                reads += 1;
                Ok(tables[(reads - 1).min(tables.len() - 1)].to_vec())
            },
            |mount| {
                if never_found.iter().any(|path| mount.path == Path::new(path)) {
                    return Err(ErrorKind::NotFound.into());
                }
                done.push(mount.path.clone());
                restricted.borrow_mut().push(mount.id);
                Ok(())
            },
            |mount| !restricted.borrow().contains(&mount.id),
        )?;
        Ok(done)
    }

    #[test]
    fn a_mount_that_has_gone_meanwhile_is_no_hindrance() {
        let before = [mount(1, 0, "/"), mount(2, 1, "/run/netns/a"), mount(3, 1, "/srv")];
        let after = [mount(1, 0, "/"), mount(3, 1, "/srv")];
        let done = restrict_all(&[&before, &after], &["/run/netns/a"]).unwrap();
        assert_eq!(done, ["/", "/srv"].map(PathBuf::from));
    }

    #[test]
    fn a_mount_that_moves_is_followed() {
        let before = [mount(1, 0, "/"), mount(2, 1, "/old/a")];
        let after = [mount(1, 0, "/"), mount(2, 1, "/new/a")];
        let done = restrict_all(&[&before, &after], &["/old/a"]).unwrap();
        assert_eq!(done, ["/", "/new/a"].map(PathBuf::from));
    }

    #[test]
    fn a_mount_that_stays_and_is_not_found_is_an_error() {
        let table = [mount(1, 0, "/"), mount(2, 1, "/srv/a")];
        match restrict_all(&[&table], &["/srv/a"]) {
            Err(RestrictError::Mount { path, .. }) => assert_eq!(path, Path::new("/srv/a")),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn mounts_that_no_path_leads_to_are_left_alone() {
        // The kernel's own root below that of the system, one that is covered, and one below a covered directory.
        let table = [
            mount(1, 1, "/"),
            mount(2, 1, "/"),
            mount(3, 2, "/run"),
            mount(4, 3, "/run"),
            mount(5, 2, "/srv/a/b"),
            mount(6, 2, "/srv/a"),
            mount(7, 6, "/srv/a/b"),
            // On the root that is covered, and what is on that of the system.
            mount(8, 1, "/dev"),
            mount(9, 2, "/dev"),
            // The same path twice on one mount, as old kernels have it.
            mount(10, 2, "/opt"),
            mount(11, 2, "/opt"),
        ];
        let hidden: Vec<u32> = table.iter().filter(|it| it.is_hidden(&table)).map(|it| it.id).collect();
        assert_eq!(hidden, [1, 3, 5, 8]);
    }

    #[test]
    fn lines_of_the_table() {
        let line = b"36 35 98:0 /mnt1 /srv/a\\040b\\134c rw,noatime,nodev master:1 - ext3 /dev/root rw,errors=continue";
        let mount = parse(line).unwrap();
        assert_eq!((mount.id, mount.parent), (36, 35));
        assert_eq!(mount.path, PathBuf::from("/srv/a b\\c"));
        assert_eq!(mount.flags, MountFlags::NOATIME | MountFlags::NODEV);
        assert_eq!(parse(b""), None);
        assert!(read().unwrap().iter().any(|mount| mount.path.as_os_str() == "/"));
    }
}
