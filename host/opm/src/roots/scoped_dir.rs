//! Files below one directory, for hooks: no path and no link leads out of it, not even one that somebody makes at this
//! moment. The kernel sees to that: every path is resolved beneath a directory that is held open.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use opkg_runtime::hook::FileError;
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, fsync, mkdirat, openat, renameat,
    statat, unlinkat,
};
use rustix::io::Errno;

use super::resolve::open_within;

/// Bytes of a file that is read or written.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// Bytes that one hook writes.
const MAX_WRITTEN_BYTES: u64 = 256 << 20;

/// Names in a directory.
const MAX_ENTRIES: usize = 10_000;

/// Components of a path, and its bytes.
const MAX_DEPTH: usize = 64;
const MAX_PATH_BYTES: usize = 4000;

/// A directory that a hook is given.
#[derive(Debug)]
pub(crate) struct ScopedDir {
    directory: OwnedFd,
    /// Whether programs can be made and changed.
    allow_executables: bool,
    /// Bytes that may still be written.
    bytes_remaining: u64,
}

impl ScopedDir {
    /// `programs` says whether what is executable may be made, changed and removed.
    pub(crate) fn new(directory: OwnedFd, allow_executables: bool) -> Self {
        Self { directory, allow_executables, bytes_remaining: MAX_WRITTEN_BYTES }
    }

    /// The contents of a file.
    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let path = validate_path(path)?;
        // A pipe in its place shall not be waited for.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = File::from(self.open(path, flags)?);
        require_regular_file(&fstat(&file).map_err(from_errno)?)?;
        let mut contents = Vec::new();
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut contents).map_err(|error| from_io_error(&error))?;
        if contents.len() as u64 > MAX_FILE_BYTES { Err(FileError::TooLarge) } else { Ok(contents) }
    }

    /// Makes or replaces a file, with the directories above it.
    pub(crate) fn write(&mut self, path: &str, contents: &[u8], mode: u32) -> Result<(), FileError> {
        let path = validate_path(path)?;
        let size = contents.len() as u64;
        if size > MAX_FILE_BYTES || size > self.bytes_remaining {
            return Err(FileError::TooLarge);
        }
        if mode & !0o777 != 0 {
            return Err(denied(&format!("no file gets the permissions {mode:o}")));
        }
        if mode & 0o111 != 0 && !self.allow_executables {
            return Err(denied("what hooks write there cannot be run: leave out the permission to execute"));
        }
        let (above, name) = split_parent(path);
        let parent = self.create_dir_all(above)?;
        self.check_replaceable(&parent, name)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let partial = format!(".opkg-{}-{}", std::process::id(), now.as_nanos());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&parent, &partial, flags, Mode::from_raw_mode(0o600)).map_err(from_errno)?;
        let mut file = File::from(file);
        let written = file
            .write_all(contents)
            .and_then(|()| file.set_permissions(PermissionsExt::from_mode(mode)))
            .and_then(|()| file.sync_all())
            .and_then(|()| Ok(renameat(&parent, &partial, &parent, name)?));
        if let Err(error) = written {
            // It is ours, and nobody has asked for it under this name.
            let _ = unlinkat(&parent, &partial, AtFlags::empty());
            return Err(from_io_error(&error));
        }
        self.bytes_remaining -= size;
        sync_directory(&parent)
    }

    /// Removes a file.
    pub(crate) fn remove(&self, path: &str) -> Result<(), FileError> {
        let (above, name) = split_parent(validate_path(path)?);
        let parent = self.open(above, OFlags::PATH | OFlags::DIRECTORY)?;
        if !self.check_replaceable(&parent, name)? {
            return Err(FileError::NotFound);
        }
        unlinkat(&parent, name, AtFlags::empty()).map_err(from_errno)?;
        sync_directory(&parent)
    }

    /// Names in a directory, in order; those of directories end with a slash.
    pub(crate) fn entries(&self, path: &str) -> Result<Vec<String>, FileError> {
        let path = if path.is_empty() { "." } else { validate_path(path)? };
        let directory = self.open(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut names = Vec::new();
        for entry in Dir::read_from(&directory).map_err(from_errno)? {
            let entry = entry.map_err(from_errno)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if names.len() == MAX_ENTRIES {
                return Err(FileError::TooLarge);
            }
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    file_type(&statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW).map_err(from_errno)?)
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
    fn open(&self, path: &str, flags: OFlags) -> Result<OwnedFd, FileError> {
        open_beneath(&self.directory, path, flags)
    }

    /// Opens a directory, which is made where it is missing.
    fn create_dir_all(&self, path: &str) -> Result<OwnedFd, FileError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let mut made = 0;
        let names: Vec<&str> = path.split('/').filter(|it| *it != ".").collect();
        loop {
            match self.open(path, flags) {
                Err(FileError::NotFound) if made < names.len() => {}
                result => return result,
            }
            // From the top, so that a link on the way is followed or refused like any other.
            let parent = self.open(&names[..made].join("/"), flags)?;
            match mkdirat(&parent, names[made], Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => made += 1,
                Err(error) => return Err(from_errno(error)),
            }
        }
    }

    /// Whether there is a file in a place; what else is there is not for hooks.
    fn check_replaceable(&self, parent: &OwnedFd, name: &str) -> Result<bool, FileError> {
        match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => {
                require_regular_file(&stat)?;
                match stat.st_mode & 0o111 {
                    0 => Ok(true),
                    _ if self.allow_executables => Ok(true),
                    _ => Err(denied("it is a program of the package")),
                }
            }
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(from_errno(error)),
        }
    }
}

/// Opens a path beneath a directory; a file system that is mounted there is another place.
fn open_beneath(directory: &OwnedFd, path: &str, flags: OFlags) -> Result<OwnedFd, FileError> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    let path = if path.is_empty() { "." } else { path };
    open_within(directory, Path::new(path), flags, Mode::empty(), resolve).map_err(from_errno)
}

/// Brings what was changed in a directory to the disk.
fn sync_directory(directory: &OwnedFd) -> Result<(), FileError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(directory, ".", flags, Mode::empty()).and_then(fsync).map_err(from_errno)
}

/// A path that names something below a directory, whatever is there.
fn validate_path(path: &str) -> Result<&str, FileError> {
    if path.starts_with('/') || path.split('/').any(|it| it == "..") {
        return Err(FileError::Escapes);
    }
    if path.is_empty() || path.contains('\0') || path.split('/').any(|it| it.is_empty() || it == ".") {
        return Err(denied("its path is not relative and clean"));
    }
    if path.len() > MAX_PATH_BYTES || path.split('/').count() > MAX_DEPTH {
        return Err(denied(&format!("its path is longer than {MAX_PATH_BYTES} bytes or {MAX_DEPTH} names")));
    }
    Ok(path)
}

fn split_parent(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or((".", path))
}

/// Only files that have this one name are for hooks.
fn require_regular_file(stat: &Stat) -> Result<(), FileError> {
    match file_type(stat) {
        FileType::RegularFile if stat.st_nlink == 1 => Ok(()),
        FileType::RegularFile => Err(denied("it has another name (a hard link)")),
        FileType::Directory => Err(denied("it is a directory")),
        FileType::Symlink => Err(denied("it is a symbolic link")),
        _ => Err(denied("it is no regular file")),
    }
}

fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

fn denied(why: &str) -> FileError {
    FileError::Denied(why.to_owned())
}

fn from_io_error(error: &io::Error) -> FileError {
    FileError::Other(error.to_string())
}

fn from_errno(error: Errno) -> FileError {
    match error {
        Errno::NOENT => FileError::NotFound,
        // What links lead to, and mounts.
        Errno::XDEV | Errno::LOOP => FileError::Escapes,
        Errno::NOTDIR => denied("a part of its path is no directory"),
        Errno::NOSYS => FileError::Other("files of hooks need Linux 5.6 or later".to_owned()),
        error => from_io_error(&error.into()),
    }
}

#[cfg(test)]
#[path = "scoped_dir_tests.rs"]
mod tests;
