//! The file that says which target this machine is: how it is written.

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use opkg_engine::local_target;
use opkg_oda::TargetAddress;
use tempfile::NamedTempFile;

use crate::errors::{CliError, Context};

/// The whole file, on the disk beside the place where it is going to stand: neither a full disk nor a loss of power leaves
/// less than all of it there.
pub struct ConfDraft {
    file: NamedTempFile,
    path: PathBuf,
}

impl ConfDraft {
    /// Writes which target this machine is.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(path: &Path, address: &TargetAddress) -> Result<Self, CliError> {
        let write = || -> io::Result<NamedTempFile> {
            let mut file = tempfile::Builder::new().prefix(".opm.conf-").tempfile_in(directory_of(path))?;
            file.write_all(local_target::render(address).as_bytes())?;
            file.as_file().set_permissions(PermissionsExt::from_mode(0o644))?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        let file = write().context(format_args!("cannot write {}", path.display()))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Puts it into its place.
    ///
    /// # Errors
    /// It cannot be put there.
    pub fn place(self) -> Result<(), CliError> {
        let Self { file, path } = self;
        let place = || -> io::Result<()> {
            file.persist(&path)?;
            fs::File::open(directory_of(&path))?.sync_all()
        };
        place().context(format_args!("cannot write {}", path.display()))
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|directory| *directory != Path::new("")).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_draft_is_complete_before_it_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("opm.conf");
        let draft = ConfDraft::write(&path, &"client:node1".parse().unwrap()).unwrap();
        assert!(!path.exists());
        draft.place().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "client\nnode1\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
