//! Which programs plugins that are not built in may have run: what `opkgc plugin grant` noted, for a user, and for
//! everybody on the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Bytes of the largest file that is read.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Programs, by the id of the plugin that may have them run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProgramGrants(BTreeMap<String, BTreeSet<String>>);

/// Why a file of grants counts for nothing.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// It cannot be read or written.
    #[error("the grants {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It does not have the form `{"PLUGIN": ["PROGRAM"]}`.
    #[error("the grants {}: {source}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// Somebody else could have written it.
    #[error("the grants {} count for nothing: others may write to the file, or own it", .0.display())]
    NotTrusted(PathBuf),
    /// There is no place for a user's own.
    #[error("there is no place for grants: neither XDG_DATA_HOME nor HOME is set")]
    NoPlace,
}

impl ProgramGrants {
    /// Those of a file; none where it is not there.
    ///
    /// # Errors
    /// It cannot be read, understood or trusted.
    pub fn read(path: &Path) -> Result<Self, GrantError> {
        let io_error = |source| GrantError::Io { path: path.to_owned(), source };
        // A pipe in its place shall not be waited for.
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let file = match File::options().read(true).custom_flags(flags).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(io_error(error)),
        };
        let metadata = file.metadata().map_err(io_error)?;
        let is_ours = [0, rustix::process::geteuid().as_raw()].contains(&metadata.uid());
        if !is_ours || !metadata.is_file() || metadata.permissions().mode() & 0o022 != 0 {
            return Err(GrantError::NotTrusted(path.to_owned()));
        }
        let mut text = Vec::new();
        file.take(MAX_FILE_BYTES).read_to_end(&mut text).map_err(io_error)?;
        let grants = serde_json::from_slice(&text);
        Ok(Self(grants.map_err(|source| GrantError::Invalid { path: path.to_owned(), source })?))
    }

    /// Adds programs of a plugin.
    pub fn add(&mut self, plugin: &str, programs: impl IntoIterator<Item = String>) {
        self.0.entry(plugin.to_owned()).or_default().extend(programs);
    }

    /// Adds all of others.
    pub(crate) fn merge(&mut self, others: Self) {
        for (plugin, programs) in others.0 {
            self.add(&plugin, programs);
        }
    }

    /// Whether a plugin may have a program run.
    #[must_use]
    pub fn allows(&self, plugin: &str, program: &str) -> bool {
        self.0.get(plugin).is_some_and(|programs| programs.contains(program))
    }

    /// Puts them into a file, in place of what is there.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), GrantError> {
        let io_error = |source| GrantError::Io { path: path.to_owned(), source };
        let write = || {
            let directory = path.parent().unwrap_or(Path::new("/"));
            fs::create_dir_all(directory)?;
            // Which nobody else may read or write.
            let mut file = tempfile::NamedTempFile::new_in(directory)?;
            serde_json::to_writer_pretty(&mut file, &self.0)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(io_error)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn grants_are_kept_and_trusted_only_where_nobody_else_writes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("opkg/grants.json");
        assert_eq!(ProgramGrants::read(&path).unwrap(), ProgramGrants::default());
        let mut grants = ProgramGrants::default();
        grants.add("arch", ["pacman".to_owned()]);
        grants.add("arch", ["makepkg".to_owned()]);
        grants.write(&path).unwrap();
        let read = ProgramGrants::read(&path).unwrap();
        assert_eq!(read, grants);
        assert!(read.allows("arch", "pacman") && read.allows("arch", "makepkg"));
        assert!(!read.allows("arch", "sh") && !read.allows("other", "pacman"));
        for mode in [0o620, 0o602] {
            fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            assert!(matches!(ProgramGrants::read(&path), Err(GrantError::NotTrusted(_))), "{mode:o}");
        }
        fs::remove_file(&path).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        assert!(matches!(ProgramGrants::read(&path), Err(GrantError::NotTrusted(_))), "a pipe");
        fs::remove_file(&path).unwrap();
        fs::write(&path, "[]").unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        assert!(matches!(ProgramGrants::read(&path), Err(GrantError::Invalid { .. })));
    }
}
