//! Files that say which targets are meant. They decide where packages go, and so must be as trustworthy as `opm.toml`.

use std::io::Read;
use std::path::{Path, PathBuf};

use fs_err as fs;
use opkg_engine::groups::GroupSourceError;

use crate::config::check_trusted;

/// Larger than the configuration of any cluster.
const MAX_BYTES: u64 = 16 << 20;

/// Reads a file. Bytes that are no UTF-8, in comments of old files say, become letters that no name has.
pub(super) fn read(path: &Path) -> Result<String, GroupSourceError> {
    check(path)?;
    path.parent().map_or(Ok(()), check)?;
    let unusable = |error: std::io::Error| {
        GroupSourceError::Unusable(format!("{} cannot be read: {}", path.display(), error.kind()))
    };
    // A pipe would keep whoever opens it waiting.
    if !fs::metadata(path).map_err(unusable)?.is_file() {
        return Err(GroupSourceError::Unusable(format!("{} is no file", path.display())));
    }
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(unusable)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unusable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(GroupSourceError::Unusable(format!(
            "{} has more than {} MiB",
            path.display(),
            MAX_BYTES >> 20
        )));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The files of a directory with one of these extensions, sorted by their names. Hidden ones do not count.
pub(super) fn list(
    directory: &Path,
    extensions: &[&str],
    most: usize,
) -> Result<Vec<PathBuf>, GroupSourceError> {
    check(directory)?;
    let unusable = |error: std::io::Error| {
        GroupSourceError::Unusable(format!("{} cannot be read: {}", directory.display(), error.kind()))
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(unusable)? {
        let path = entry.map_err(unusable)?.path();
        let is_wanted =
            path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted));
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_wanted && !is_hidden {
            paths.push(path);
        }
        if paths.len() > most {
            return Err(GroupSourceError::Unusable(format!(
                "{} has more than {most} files",
                directory.display()
            )));
        }
    }
    paths.sort();
    Ok(paths)
}

fn check(path: &Path) -> Result<(), GroupSourceError> {
    check_trusted(path).map_err(|error| GroupSourceError::Unusable(error.to_string()))
}
