//! Whether a file that decides what programs run could have been written by somebody else: then it decides nothing.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fs_err as fs;

/// A file or directory that others than root and the user of this process can write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration {} is not used, since {who} can write it: {}", .path.display(), .cure)]
pub struct UntrustedError {
    /// The path.
    pub path: PathBuf,
    who: String,
    cure: String,
}

const WRITABLE_BY_GROUP: u32 = 0o020;
const WRITABLE_BY_ALL: u32 = 0o002;

/// Looks at a file or directory, if it is there.
///
/// # Errors
/// When others can write it.
pub(crate) fn check(path: &Path) -> Result<(), UntrustedError> {
    // One that cannot be looked at cannot be read either, and whoever reads it says so.
    let Ok(found) = fs::metadata(path) else { return Ok(()) };
    let own = rustix::process::geteuid().as_raw();
    check_owner_and_mode(path, (found.uid(), found.gid(), found.mode()), own)
}

/// Likewise for a directory with all files in it.
///
/// # Errors
/// When others can write one of them.
pub(super) fn check_directory(path: &Path) -> Result<(), UntrustedError> {
    check(path)?;
    let entries: io::Result<Vec<_>> = fs::read_dir(path).and_then(Iterator::collect);
    entries.unwrap_or_default().iter().try_for_each(|entry: &fs::DirEntry| check(&entry.path()))
}

fn check_owner_and_mode(
    path: &Path,
    (owner, group, mode): (u32, u32, u32),
    own: u32,
) -> Result<(), UntrustedError> {
    let refuse = |who: String, cure: &str| {
        Err(UntrustedError { path: path.to_owned(), who, cure: format!("`{cure} {}`", path.display()) })
    };
    if owner != 0 && owner != own {
        return refuse(format!("the user {owner}"), "chown root");
    }
    if mode & WRITABLE_BY_ALL != 0 {
        return refuse("everybody".into(), "chmod o-w");
    }
    // Users who try something out have groups of their own; what root does is nothing for a group.
    if mode & WRITABLE_BY_GROUP != 0 && group != 0 && own == 0 {
        return refuse(format!("the group {group}"), "chmod g-w");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_can_write_decides_nothing() {
        let check =
            |owner, group, mode, own| check_owner_and_mode(Path::new("/etc/opm"), (owner, group, mode), own);
        for (owner, group, mode, own) in [
            (0, 0, 0o100_644, 0),
            (0, 0, 0o100_664, 0),
            (0, 50, 0o100_640, 0),
            (0, 0, 0o100_644, 1000),
            (1000, 1000, 0o100_664, 1000),
            (0, 0, 0o040_755, 0),
        ] {
            assert_eq!(check(owner, group, mode, own), Ok(()), "{owner} {group} {mode:o} {own}");
        }
        for (owner, group, mode, own) in [
            (1000, 0, 0o100_644, 0),
            (1001, 1001, 0o100_644, 1000),
            (0, 0, 0o100_646, 0),
            (0, 50, 0o100_664, 0),
            (1000, 1000, 0o100_666, 1000),
            (0, 0, 0o040_777, 0),
        ] {
            assert!(check(owner, group, mode, own).is_err(), "{owner} {group} {mode:o} {own}");
        }
        assert_eq!(
            check(0, 50, 0o100_664, 0).map_err(|error| error.to_string()),
            Err("the configuration /etc/opm is not used, since the group 50 can write it: `chmod g-w /etc/opm`".into())
        );
    }
}
