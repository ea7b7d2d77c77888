//! Something that is laid into an archive, and what an archive cannot hold.

use std::collections::BTreeMap;
use std::io::Read;

use opkg_interface::text::quote;

use crate::Error;

/// What stands at the path of an entry.
pub(super) enum Data<'a> {
    /// A stream of exactly so many bytes.
    File(u64, &'a mut dyn Read),
    Directory,
    /// A symbolic link, and what it holds.
    Link(&'a str),
}

impl Data<'_> {
    /// Bytes of a file.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::File(size, _) => *size,
            Self::Directory | Self::Link(_) => 0,
        }
    }
}

/// An entry of an archive, of any format.
pub(super) struct Entry<'a> {
    /// As it stands in the archive; a directory's without a `/` at its end.
    pub(super) path: &'a str,
    /// Permission bits, special ones included.
    pub(super) mode: u32,
    /// Names of a user and of a group.
    pub(super) owner: &'a str,
    pub(super) group: &'a str,
    /// Keywords and values, of a tar.
    pub(super) headers: &'a [(String, String)],
    pub(super) data: Data<'a>,
}

/// Why an archive cannot hold something.
#[derive(Debug)]
pub(super) enum EntryError {
    /// What it holds cannot be read, or the archive cannot be written.
    Failed(Error),
    /// Why the format has no place for it, and what there is to do.
    Refused(String, &'static str),
}

impl<E: Into<Error>> From<E> for EntryError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What to do about what the format has no place for.
pub(super) const OTHER_FORMAT: &str = "the plugin has to choose a format that holds it";

/// The same about what a plugin should not have said.
pub(super) const PLUGIN_FAULT: &str = "tell the authors of the plugin";

pub(super) fn refuse<R>(reason: impl Into<String>, remedy: &'static str) -> Result<R, EntryError> {
    Err(EntryError::Refused(reason.into(), remedy))
}

/// Where an entry would be unpacked, without what stands for the directory of the archive.
fn unpacked_path(path: &str) -> &str {
    let mut rest = path;
    while let Some(shorter) = rest.strip_prefix("./").or_else(|| rest.strip_prefix('/')) {
        rest = shorter;
    }
    rest.trim_end_matches('/')
}

/// Mode, user and group of a directory that is in the archive, nothing for another entry.
type Known = Option<(u32, String, String)>;

/// The paths of an archive: clean, and each of them once.
#[derive(Default)]
pub(super) struct Paths(BTreeMap<String, Known>);

impl Paths {
    /// Whether an entry is to be written; not a directory that is there already.
    pub(super) fn admit(&mut self, entry: &Entry<'_>) -> Result<bool, EntryError> {
        let path = unpacked_path(entry.path);
        let is_root = path.is_empty() || path == ".";
        let is_clean = |name: &str| !matches!(name, "" | "." | "..") && !name.contains(char::is_control);
        if is_root && !matches!(entry.data, Data::Directory) {
            return refuse("it has no name there", PLUGIN_FAULT);
        }
        if !is_root && !path.split('/').all(is_clean) {
            return refuse("its path has an empty component, `.`, `..` or a control character", PLUGIN_FAULT);
        }
        if entry.mode > 0o7777 {
            return refuse(format!("its mode is {:o}", entry.mode), PLUGIN_FAULT);
        }
        let known = matches!(entry.data, Data::Directory)
            .then(|| (entry.mode, entry.owner.to_owned(), entry.group.to_owned()));
        let path = if is_root { "" } else { path };
        match self.0.get(path) {
            None => {
                self.reject_beneath_file(path)?;
                self.0.insert(path.to_owned(), known);
                Ok(true)
            }
            Some(before) if before.is_some() && *before == known => Ok(false),
            Some(_) => refuse("there is another entry of this path already", PLUGIN_FAULT),
        }
    }

    /// Whether there is an entry at a path.
    pub(super) fn contains(&self, path: &str) -> bool {
        self.0.contains_key(unpacked_path(path))
    }

    fn reject_beneath_file(&self, path: &str) -> Result<(), EntryError> {
        let mut above = path.match_indices('/').map(|(end, _)| &path[..end]);
        match above.find(|above| matches!(self.0.get(*above), Some(None))) {
            Some(file) => {
                refuse(format!("it lies below {}, which is no directory", quote(file)), PLUGIN_FAULT)
            }
            None => Ok(()),
        }
    }
}
