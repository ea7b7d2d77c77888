//! Files below one directory, for hooks: no path and no link leads out of it, not even one that somebody makes at this
//! moment. The kernel sees to that: every path is resolved beneath a directory that is held open.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::time::{SystemTime, UNIX_EPOCH};

use opkg_runtime::hook::Problem;
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, fsync, mkdirat, openat, openat2,
    renameat, statat, unlinkat,
};
use rustix::io::Errno;

/// Bytes of a file that is read or written.
const LARGEST: u64 = 16 << 20;

/// Bytes that one hook writes.
const MOST: u64 = 256 << 20;

/// Names in a directory.
const ENTRIES: usize = 10_000;

/// Components of a path, and its bytes.
const DEEPEST: usize = 64;
const LONGEST: usize = 4000;

/// A directory that a hook is given.
#[derive(Debug)]
pub(super) struct Rooted {
    directory: OwnedFd,
    /// Whether programs can be made and changed.
    programs: bool,
    /// Bytes that may still be written.
    room: u64,
}

impl Rooted {
    /// `programs` says whether what is executable may be made, changed and removed.
    pub(super) fn new(directory: OwnedFd, programs: bool) -> Self {
        Self { directory, programs, room: MOST }
    }

    /// The contents of a file.
    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, Problem> {
        let path = checked(path)?;
        // A pipe in its place shall not be waited for.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = File::from(self.open(path, flags)?);
        regular(&fstat(&file).map_err(errno)?)?;
        let mut contents = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut contents).map_err(|error| other(&error))?;
        if contents.len() as u64 > LARGEST { Err(Problem::TooLarge) } else { Ok(contents) }
    }

    /// Makes or replaces a file, with the directories above it.
    pub(super) fn write(&mut self, path: &str, contents: &[u8], mode: u32) -> Result<(), Problem> {
        let path = checked(path)?;
        let size = contents.len() as u64;
        if size > LARGEST || size > self.room {
            return Err(Problem::TooLarge);
        }
        if mode & !0o777 != 0 {
            return Err(denied(&format!("no file gets the permissions {mode:o}")));
        }
        if mode & 0o111 != 0 && !self.programs {
            return Err(denied("what hooks write there cannot be run: leave out the permission to execute"));
        }
        let (above, name) = split(path);
        let parent = self.make(above)?;
        self.replaceable(&parent, name)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let partial = format!(".opkg-{}-{}", std::process::id(), now.as_nanos());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&parent, &partial, flags, Mode::from_raw_mode(0o600)).map_err(errno)?;
        let mut file = File::from(file);
        let written = file
            .write_all(contents)
            .and_then(|()| file.set_permissions(PermissionsExt::from_mode(mode)))
            .and_then(|()| file.sync_all())
            .and_then(|()| Ok(renameat(&parent, &partial, &parent, name)?));
        if let Err(error) = written {
            // It is ours, and nobody has asked for it under this name.
            let _ = unlinkat(&parent, &partial, AtFlags::empty());
            return Err(other(&error));
        }
        self.room -= size;
        settle(&parent)
    }

    /// Removes a file.
    pub(super) fn remove(&self, path: &str) -> Result<(), Problem> {
        let (above, name) = split(checked(path)?);
        let parent = self.open(above, OFlags::PATH | OFlags::DIRECTORY)?;
        if !self.replaceable(&parent, name)? {
            return Err(Problem::NotFound);
        }
        unlinkat(&parent, name, AtFlags::empty()).map_err(errno)?;
        settle(&parent)
    }

    /// Names in a directory, in order; those of directories end with a slash.
    pub(super) fn entries(&self, path: &str) -> Result<Vec<String>, Problem> {
        let path = if path.is_empty() { "." } else { checked(path)? };
        let directory = self.open(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut names = Vec::new();
        for entry in Dir::read_from(&directory).map_err(errno)? {
            let entry = entry.map_err(errno)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if names.len() == ENTRIES {
                return Err(Problem::TooLarge);
            }
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    kind(&statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW).map_err(errno)?)
                }
                known => known,
            };
            let slash = if kind == FileType::Directory { "/" } else { "" };
            names.push(format!("{}{slash}", name.to_string_lossy()));
        }
        names.sort();
        Ok(names)
    }

    /// Opens what is there.
    fn open(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Problem> {
        beneath(&self.directory, path, flags)
    }

    /// Opens a directory, which is made where it is missing.
    fn make(&self, path: &str) -> Result<OwnedFd, Problem> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let mut made = 0;
        let names: Vec<&str> = path.split('/').filter(|it| *it != ".").collect();
        loop {
            match self.open(path, flags) {
                Err(Problem::NotFound) if made < names.len() => {}
                result => return result,
            }
            // From the top, so that a link on the way is followed or refused like any other.
            let parent = self.open(&names[..made].join("/"), flags)?;
            match mkdirat(&parent, names[made], Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => made += 1,
                Err(error) => return Err(errno(error)),
            }
        }
    }

    /// Whether there is a file in a place; what else is there is not for hooks.
    fn replaceable(&self, parent: &OwnedFd, name: &str) -> Result<bool, Problem> {
        match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => {
                regular(&stat)?;
                match stat.st_mode & 0o111 {
                    0 => Ok(true),
                    _ if self.programs => Ok(true),
                    _ => Err(denied("it is a program of the package")),
                }
            }
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(errno(error)),
        }
    }
}

/// Opens a path beneath a directory; a file system that is mounted there is another place.
fn beneath(directory: &OwnedFd, path: &str, flags: OFlags) -> Result<OwnedFd, Problem> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    let path = if path.is_empty() { "." } else { path };
    // While somebody renames directories, the kernel cannot tell and asks to try again.
    const TIMES: usize = 20;
    let mut result = Err(Errno::AGAIN);
    for _ in 0..TIMES {
        result = openat2(directory, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve);
        if !matches!(result, Err(Errno::AGAIN)) {
            break;
        }
    }
    result.map_err(errno)
}

/// Brings what was changed in a directory to the disk.
fn settle(directory: &OwnedFd) -> Result<(), Problem> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(directory, ".", flags, Mode::empty()).and_then(fsync).map_err(errno)
}

/// A path that names something below a directory, whatever is there.
fn checked(path: &str) -> Result<&str, Problem> {
    if path.starts_with('/') || path.split('/').any(|it| it == "..") {
        return Err(Problem::Escapes);
    }
    if path.is_empty() || path.contains('\0') || path.split('/').any(|it| it.is_empty() || it == ".") {
        return Err(denied("its path is not relative and clean"));
    }
    if path.len() > LONGEST || path.split('/').count() > DEEPEST {
        return Err(denied(&format!("its path is longer than {LONGEST} bytes or {DEEPEST} names")));
    }
    Ok(path)
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or((".", path))
}

/// Only files that have this one name are for hooks.
fn regular(stat: &Stat) -> Result<(), Problem> {
    match kind(stat) {
        FileType::RegularFile if stat.st_nlink == 1 => Ok(()),
        FileType::RegularFile => Err(denied("it has another name (a hard link)")),
        FileType::Directory => Err(denied("it is a directory")),
        FileType::Symlink => Err(denied("it is a symbolic link")),
        _ => Err(denied("it is no regular file")),
    }
}

fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

fn denied(why: &str) -> Problem {
    Problem::Denied(why.to_owned())
}

fn other(error: &io::Error) -> Problem {
    Problem::Other(error.to_string())
}

fn errno(error: Errno) -> Problem {
    match error {
        Errno::NOENT => Problem::NotFound,
        // What links lead to, and mounts.
        Errno::XDEV | Errno::LOOP => Problem::Escapes,
        Errno::NOTDIR => denied("a part of its path is no directory"),
        Errno::NOSYS => Problem::Other("files of hooks need Linux 5.6 or later".to_owned()),
        error => other(&error.into()),
    }
}

#[cfg(test)]
#[path = "rooted_tests.rs"]
mod tests;
