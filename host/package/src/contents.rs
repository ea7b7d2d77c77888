//! What a binary package installs, with the bytes of every file, checked once more: from here on paths go
//! into archives that a package manager unpacks as root.

use opkg_runtime::artefacts::{BinaryPackage, Content, FileMarks};

use crate::source::Source;
use crate::{Error, compress};

/// Bytes that one package may hold. Above this, the formats need extensions that old readers do not know.
pub(crate) const LARGEST: u64 = 2 << 30;

/// What is at a path.
pub(crate) enum Body {
    /// A regular file.
    File(Vec<u8>),
    /// A directory that the package owns.
    Directory,
    /// A symbolic link, and what it holds.
    Link(String),
}

/// Something that a package installs.
pub(crate) struct Item {
    /// Absolute and clean.
    pub(crate) path: String,
    /// Permission bits.
    pub(crate) mode: u32,
    /// For people and for upgrades.
    pub(crate) marks: FileMarks,
    /// There.
    pub(crate) body: Body,
}

/// Reads everything that the package installs, in the order of paths.
pub(crate) fn read(package: &BinaryPackage, source: Source<'_>) -> Result<Vec<Item>, Error> {
    check(package)?;
    let sources = source.files();
    let mut room = LARGEST;
    let mut items = Vec::with_capacity(package.files.len());
    for file in &package.files {
        let body = match &file.content {
            Content::Source(node) => {
                let original = sources.get(node).ok_or(Error::UnknownFile(*node))?;
                match &original.link {
                    Some(link) => Body::Link(link.clone()),
                    None if original.size > room => return Err(too_large(package)),
                    None => Body::File(source.read(original)?),
                }
            }
            Content::Text(text) => Body::File(text.clone().into_bytes()),
            Content::GzipText(text) => Body::File(compress::gzip_bytes(text.as_bytes())?),
            Content::Directory => Body::Directory,
            Content::Link(link) => Body::Link(link.clone()),
        };
        if let Body::File(bytes) = &body {
            room = room.checked_sub(bytes.len() as u64).ok_or_else(|| too_large(package))?;
        }
        items.push(Item { path: file.path.clone(), mode: file.mode, marks: file.marks, body });
    }
    Ok(items)
}

fn check(package: &BinaryPackage) -> Result<(), Error> {
    let refuse = |what: String| Err(Error::Unpackable(format!("{}: {what}", package.file_name)));
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
