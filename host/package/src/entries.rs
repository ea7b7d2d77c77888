//! What a binary package installs, with the bytes of every file, checked once more: from here on paths go
//! into archives that a package manager unpacks as root.

use opkg_interface::artefacts::{BinaryPackage, Content, FileMarks};

use crate::source::OpkgSource;
use crate::{Error, compress};

/// Bytes that one package may hold. Above this, the formats need extensions that old readers do not know.
pub(crate) const MAX_PACKAGE_BYTES: u64 = 2 << 30;

/// What is at a path.
pub(crate) enum EntryContent {
    /// A regular file.
    File(Vec<u8>),
    /// A directory that the package owns.
    Directory,
    /// A symbolic link, and what it holds.
    Symlink(String),
}

/// Something that a package installs.
pub(crate) struct PackageEntry {
    /// Absolute and clean.
    pub(crate) path: String,
    /// Permission bits.
    pub(crate) mode: u32,
    /// For people and for upgrades.
    pub(crate) marks: FileMarks,
    /// What stands at the path.
    pub(crate) content: EntryContent,
}

/// Reads everything that the package installs, in the order of paths.
pub(crate) fn collect_entries(
    package: &BinaryPackage,
    source: OpkgSource<'_>,
) -> Result<Vec<PackageEntry>, Error> {
    validate_files(package)?;
    let sources = source.files_by_node();
    let mut room = MAX_PACKAGE_BYTES;
    let mut items = Vec::with_capacity(package.files.len());
    for file in &package.files {
        let body = match &file.content {
            Content::Source(node) => {
                let original = sources.get(node).ok_or(Error::UnknownFile(*node))?;
                match &original.link {
                    Some(link) => EntryContent::Symlink(link.clone()),
                    None if original.size > room => return Err(too_large(package)),
                    None => EntryContent::File(source.read(original)?),
                }
            }
            Content::Text(text) => EntryContent::File(text.clone().into_bytes()),
            Content::GzipText(text) => EntryContent::File(compress::gzip_bytes(text.as_bytes())?),
            Content::Directory => EntryContent::Directory,
            Content::Link(link) => EntryContent::Symlink(link.clone()),
        };
        if let EntryContent::File(bytes) = &body {
            room = room.checked_sub(bytes.len() as u64).ok_or_else(|| too_large(package))?;
        }
        items.push(PackageEntry {
            path: file.path.clone(),
            mode: file.mode,
            marks: file.marks,
            content: body,
        });
    }
    Ok(items)
}

fn validate_files(package: &BinaryPackage) -> Result<(), Error> {
    let refuse = |what: String| Err(Error::InvalidOutput(format!("{}: {what}", package.file_name)));
    for file in &package.files {
        let clean = |name: &str| !matches!(name, "" | "." | "..") && !name.contains(char::is_control);
        if !file.path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(clean)) {
            return refuse(format!("the path {:?} is not absolute and clean", file.path));
        }
        if file.mode > 0o777 {
            return refuse(format!("{} has the mode {:o}", file.path, file.mode));
        }
        if let Content::Link(to) = &file.content
            && (to.is_empty() || to.contains(char::is_control))
        {
            return refuse(format!("{} is a link to {to:?}", file.path));
        }
    }
    match package.files.windows(2).find(|pair| pair[0].path >= pair[1].path) {
        Some(pair) => refuse(format!("{} does not come after {}", pair[1].path, pair[0].path)),
        None => Ok(()),
    }
}

fn too_large(package: &BinaryPackage) -> Error {
    Error::TooLarge(package.file_name.clone())
}
