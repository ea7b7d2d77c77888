//! Files below the directory of an OPKG: no path leads out of it, whatever becomes of its directories meanwhile. Each
//! name on the way is opened inside of the directory that was opened before it, and none of them is a link.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, Mode, OFlags, openat, readlinkat};

/// The directory of an OPKG, held open.
#[derive(Debug)]
pub struct SourceDir(OwnedFd);

impl SourceDir {
    /// Opens it, through links.
    ///
    /// # Errors
    /// It is no directory that can be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?))
    }

    /// Opens a regular file. A named pipe in its place is no reason to wait.
    ///
    /// # Errors
    /// It cannot be opened, or is something else.
    pub fn open_file(&self, path: &str) -> io::Result<File> {
        let file = File::from(self.open_at(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?);
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
    }

    /// What stands at a path itself.
    ///
    /// # Errors
    /// Nothing does, or it cannot be looked at.
    pub fn metadata(&self, path: &str) -> io::Result<Metadata> {
        File::from(self.open_at(path, OFlags::PATH)?).metadata()
    }

    /// What a link holds.
    ///
    /// # Errors
    /// It is no link.
    pub fn read_link(&self, path: &str) -> io::Result<PathBuf> {
        let link = self.open_at(path, OFlags::PATH)?;
        Ok(OsString::from_vec(readlinkat(link, "", Vec::new())?.into_bytes()).into())
    }

    /// The names in a directory, at most so many, in no order.
    ///
    /// # Errors
    /// It is no directory, or cannot be read.
    pub fn names(&self, path: &str, limit: usize) -> io::Result<Vec<OsString>> {
        let directory = self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let names = Dir::read_from(&directory)?
            .map(|entry| Ok(std::ffi::OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned()));
        let is_entry =
            |name: &io::Result<OsString>| !name.as_ref().is_ok_and(|name| name == "." || name == "..");
        names.filter(is_entry).take(limit).collect()
    }

    /// Opens what stands at a relative path, itself if it is a link.
    fn open_at(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut parent: Option<OwnedFd> = None;
        for name in above.split('/').filter(|name| !name.is_empty()) {
            parent = Some(self.step(parent.as_ref(), name, OFlags::PATH | OFlags::DIRECTORY)?);
        }
        self.step(parent.as_ref(), if name.is_empty() { "." } else { name }, flags)
    }

    fn step(&self, parent: Option<&OwnedFd>, name: &str, flags: OFlags) -> io::Result<OwnedFd> {
        if name == ".." {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a path that leads upwards"));
        }
        let parent = parent.unwrap_or(&self.0).as_fd();
        Ok(openat(parent, name, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    #[test]
    fn no_link_on_the_way_is_followed() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().join("opkg");
        fs::create_dir_all(top.join("scripts/lib")).unwrap();
        fs::create_dir_all(directory.path().join("secrets/lib")).unwrap();
        fs::write(top.join("scripts/lib/x"), "inside").unwrap();
        fs::write(directory.path().join("secrets/lib/x"), "outside").unwrap();
        let source = SourceDir::open(&top).unwrap();
        let read = |path: &str| {
            let mut text = String::new();
            source.open_file(path)?.read_to_string(&mut text)?;
            Ok::<_, io::Error>(text)
        };
        assert_eq!(read("scripts/lib/x").unwrap(), "inside");
        assert_eq!(source.names("scripts", 10).unwrap(), ["lib"]);
        assert_eq!(source.names("", 10).unwrap(), ["scripts"]);
        // As somebody may do while the OPKG is read: the directory, one above it, the file itself.
        fs::rename(top.join("scripts"), top.join("kept")).unwrap();
        symlink("../secrets", top.join("scripts")).unwrap();
        assert!(read("scripts/lib/x").is_err() && source.names("scripts/lib", 10).is_err());
        assert!(source.metadata("scripts/lib/x").is_err() && source.names("scripts", 10).is_err());
        symlink("../../secrets/lib", top.join("kept/link")).unwrap();
        assert!(read("kept/link/x").is_err());
        symlink("../../../secrets/lib/x", top.join("kept/lib/y")).unwrap();
        assert!(read("kept/lib/y").is_err() && read("kept/../kept/lib/x").is_err());
        assert_eq!(source.read_link("kept/lib/y").unwrap(), Path::new("../../../secrets/lib/x"));
        // The directory itself moves away; another one takes its place.
        fs::rename(&top, directory.path().join("moved")).unwrap();
        symlink("secrets", &top).unwrap();
        assert_eq!(read("kept/lib/x").unwrap(), "inside");
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            directory.path().join("pipe"),
            rustix::fs::FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        assert!(SourceDir::open(directory.path()).unwrap().open_file("pipe").is_err());
    }
}
