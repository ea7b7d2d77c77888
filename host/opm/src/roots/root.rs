//! Files below the root directory of a target. Links in it lead where they would lead if it were the root of the
//! machine, never out of it.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use opkg_oda::crash::crash_point;
use opkg_oda::{Target, TargetAddress, TargetKind};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, mkdirat, open, openat, renameat, unlinkat};
use rustix::io::Errno;

use super::resolve::open_within;

/// Why the root of a target cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// There is no directory at its path.
    #[error("the root {} of {address} cannot be used: {error}", .path.display())]
    Unusable {
        /// The path of the root.
        path: PathBuf,
        /// The target.
        address: TargetAddress,
        /// What the system says.
        error: io::Error,
    },
    /// An image has the root of the running system.
    #[error("the root {} of {address} is that of the running system, which is no image", .path.display())]
    SystemAsImage {
        /// The path of the root.
        path: PathBuf,
        /// The image.
        address: TargetAddress,
    },
}

/// The root directory of a target.
#[derive(Debug)]
pub(crate) struct TargetRoot {
    directory: OwnedFd,
    path: PathBuf,
    is_system: bool,
}

impl TargetRoot {
    /// The root of a target; that of the system, where it maintains itself.
    ///
    /// # Errors
    /// When there is none, or it is that of the running system and the target is an image.
    pub(crate) fn of_target(target: &Target) -> Result<Self, RootError> {
        let path = target.root.as_deref().unwrap_or(Path::new("/"));
        let address = || target.address.clone();
        let root = Self::open(path).map_err(|error| RootError::Unusable {
            path: path.to_owned(),
            address: address(),
            error,
        })?;
        match root.is_system() && target.kind() == TargetKind::Image {
            true => Err(RootError::SystemAsImage { path: path.to_owned(), address: address() }),
            false => Ok(root),
        }
    }

    /// The directory at an absolute path, or the running system's.
    ///
    /// # Errors
    /// There is no directory at that path.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        if !path.is_absolute() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "not an absolute path"));
        }
        let path = path.canonicalize()?;
        let directory = open(&path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        // However it is called, and wherever it is mounted.
        let (here, system) = (path.metadata()?, Path::new("/").metadata()?);
        let is_system = (here.dev(), here.ino()) == (system.dev(), system.ino());
        Ok(Self { directory, path, is_system })
    }

    /// Without links.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is the root of the running system.
    pub(crate) fn is_system(&self) -> bool {
        self.is_system
    }

    /// What tells its directory from others of the same file system.
    ///
    /// # Errors
    /// The system does not say it.
    pub(crate) fn inode(&self) -> io::Result<u64> {
        device_and_inode(&self.directory).map(|(_, inode)| inode)
    }

    /// Opens what an absolute path stands for.
    pub(crate) fn open_at(&self, path: &Path, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let (path, flags) = (relative_path(path), flags | OFlags::CLOEXEC);
        if self.is_system {
            // There is no way out of it, and its kernel may be too old for the other call.
            return Ok(openat(&self.directory, path, flags, mode)?);
        }
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        open_within(&self.directory, path, flags, mode, resolve).map_err(|error| match error {
            Errno::NOSYS => {
                io::Error::new(ErrorKind::Unsupported, "a root directory needs Linux 5.6 or later")
            }
            error => error.into(),
        })
    }

    /// What stands at a path; nothing where nothing does.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub(crate) fn metadata(&self, path: &Path) -> io::Result<Option<std::fs::Metadata>> {
        match self.open_at(path, OFlags::PATH, Mode::empty()) {
            Ok(file) => File::from(file).metadata().map(Some),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The contents of a regular file of at most `most` bytes.
    ///
    /// # Errors
    /// There is none, it is larger, or it cannot be read.
    pub(crate) fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let mut contents = Vec::new();
        self.open_regular_file(path)?.take(most + 1).read_to_end(&mut contents)?;
        match contents.len() as u64 > most {
            true => Err(io::Error::new(ErrorKind::FileTooLarge, format!("larger than {most} bytes"))),
            false => Ok(contents),
        }
    }

    /// The first bytes of a regular file, at most `most`.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub(crate) fn read_prefix(&self, path: &Path, most: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open_regular_file(path)?.take(most as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Puts a file in place of what is there, all of it or nothing, and makes the directories above it.
    ///
    /// # Errors
    /// It cannot be written; then nothing has changed but for directories.
    pub(crate) fn write_atomic(&self, path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
        if let Some(parent) = path.parent() {
            self.missing_dirs(parent)?.iter().try_for_each(|directory| self.create_dir(directory))?;
        }
        let (parent, name) = self.open_parent(path)?;
        let mut new = name.as_os_str().to_owned();
        new.push(".new");
        match unlinkat(&parent, &new, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&parent, &new, flags, Mode::from_raw_mode(0o600))?);
        let written = file
            .write_all(contents)
            // Whatever the umask of this process.
            .and_then(|()| file.set_permissions(PermissionsExt::from_mode(mode)))
            .and_then(|()| file.sync_all());
        crash_point("replace.written");
        if let Err(error) = written.and_then(|()| Ok(renameat(&parent, &new, &parent, name)?)) {
            let _ = unlinkat(&parent, &new, AtFlags::empty());
            return Err(error);
        }
        crash_point("replace.renamed");
        File::from(openat(&parent, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
            .sync_all()
    }

    /// Removes a file, and the directories above it that are empty then.
    ///
    /// # Errors
    /// It cannot be removed.
    pub(crate) fn remove_with_empty_parents(&self, file: &Path) -> io::Result<()> {
        self.unlink(file, AtFlags::empty())?;
        let above = file.ancestors().skip(1).filter(|it| it.file_name().is_some());
        // The first that holds something else ends it.
        let _ = above.map(|it| self.unlink(it, AtFlags::REMOVEDIR)).find(Result::is_err);
        Ok(())
    }

    /// Those of a directory and all above it that are not there, in the order in which they can be made.
    ///
    /// # Errors
    /// What is there cannot be looked at.
    pub(super) fn missing_dirs(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let mut missing = Vec::new();
        for directory in path.ancestors().filter(|it| it.file_name().is_some()) {
            if self.metadata(directory)?.is_none() {
                missing.push(directory.to_owned());
            }
        }
        missing.reverse();
        Ok(missing)
    }

    /// Makes a directory for everybody.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn create_dir(&self, path: &Path) -> io::Result<()> {
        let (parent, name) = self.open_parent(path)?;
        Ok(mkdirat(parent, name, Mode::from_raw_mode(0o755))?)
    }

    fn open_regular_file(&self, path: &Path) -> io::Result<File> {
        // A pipe in its place shall not be waited for.
        let file = File::from(self.open_at(path, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty())?);
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(io::Error::new(ErrorKind::InvalidData, "not a regular file")),
        }
    }

    /// Removes a name.
    ///
    /// # Errors
    /// It cannot be removed, or is not there.
    pub(super) fn unlink(&self, path: &Path, flags: AtFlags) -> io::Result<()> {
        let (parent, name) = self.open_parent(path)?;
        Ok(unlinkat(parent, name, flags)?)
    }

    /// The directory that holds what `path` names, and the name.
    pub(super) fn open_parent<'a>(&self, path: &'a Path) -> io::Result<(OwnedFd, &'a Path)> {
        let invalid = || io::Error::new(ErrorKind::InvalidInput, "no name in this path");
        let name = Path::new(path.file_name().ok_or_else(invalid)?);
        let parent = path.parent().ok_or_else(invalid)?;
        Ok((self.open_at(parent, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?, name))
    }
}

/// `openat2` takes the root itself as `.`.
fn relative_path(path: &Path) -> &Path {
    let path = path.strip_prefix("/").unwrap_or(path);
    if path.as_os_str().as_bytes().is_empty() { Path::new(".") } else { path }
}

/// The identity of a file, for comparing.
pub(crate) fn device_and_inode(file: &OwnedFd) -> io::Result<(u64, u64)> {
    let stat = rustix::fs::statat(file, "", AtFlags::EMPTY_PATH)?;
    Ok((stat.st_dev, stat.st_ino))
}

/// The identity of what a path stands for outside of any root.
pub(crate) fn open_host_path(path: &Path) -> io::Result<OwnedFd> {
    Ok(openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn tree() -> (tempfile::TempDir, TargetRoot) {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().join("root");
        fs::create_dir_all(top.join("etc")).unwrap();
        fs::create_dir_all(top.join("usr/lib")).unwrap();
        fs::write(top.join("usr/lib/inside"), "inside").unwrap();
        fs::write(directory.path().join("outside"), "outside").unwrap();
        let root = TargetRoot::open(&top).unwrap();
        (directory, root)
    }

    #[test]
    fn links_stay_inside() {
        let (directory, root) = tree();
        let top = root.path();
        symlink("../../../../usr/lib/inside", top.join("etc/relative")).unwrap();
        symlink("/usr/lib/inside", top.join("etc/absolute")).unwrap();
        symlink("../../outside", top.join("etc/escape")).unwrap();
        symlink(directory.path().join("outside"), top.join("etc/absolute-escape")).unwrap();
        for good in ["/etc/relative", "/etc/absolute", "/usr/lib/inside", "/../usr/lib/inside"] {
            assert_eq!(root.read(Path::new(good), 100).unwrap(), b"inside", "{good}");
        }
        for bad in ["/etc/escape", "/etc/absolute-escape", "/../outside"] {
            assert_eq!(root.read(Path::new(bad), 100).unwrap_err().kind(), ErrorKind::NotFound, "{bad}");
            assert!(root.metadata(Path::new(bad)).unwrap().is_none());
        }
        assert_eq!(root.read(Path::new("/usr/lib/inside"), 3).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(root.read(Path::new("/usr"), 3).unwrap_err().kind(), ErrorKind::InvalidData);
        rustix::fs::mknodat(CWD, top.join("fifo"), rustix::fs::FileType::Fifo, Mode::from_raw_mode(0o600), 0)
            .unwrap();
        assert_eq!(root.read(Path::new("/fifo"), 3).unwrap_err().kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn the_running_system_under_any_name() {
        assert!(TargetRoot::open(Path::new("/")).unwrap().is_system());
        assert!(TargetRoot::open(Path::new("/usr/..")).unwrap().is_system());
        assert!(TargetRoot::open(Path::new("/proc/self/root")).unwrap().is_system());
        assert!(!tree().1.is_system());
        assert!(TargetRoot::open(Path::new("usr")).is_err());
    }
}
