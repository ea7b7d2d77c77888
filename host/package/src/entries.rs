//! What a binary package installs, checked once more: from here on paths go into archives that a package manager
//! unpacks as root.

use opkg_interface::artefacts::{BinaryPackage, Content, FileMarks};

use crate::content::FileContent;
use crate::source::OpkgSource;
use crate::{Error, compress};

/// What is at a path.
pub(crate) enum EntryContent<'a> {
    /// A regular file.
    File(FileContent<'a>),
    /// A directory that the package owns.
    Directory,
    /// A symbolic link, and what it holds.
    Symlink(String),
}

/// Something that a package installs.
pub(crate) struct PackageEntry<'a> {
    /// Absolute and clean.
    pub(crate) path: String,
    /// Permission bits, and those for set-user-ID, set-group-ID and sticky.
    pub(crate) mode: u32,
    /// Names of a user and of a group.
    pub(crate) owner: String,
    pub(crate) group: String,
    /// As cap_to_text(3) writes them.
    pub(crate) capabilities: Option<String>,
    /// For people and for upgrades.
    pub(crate) marks: FileMarks,
    /// What stands at the path.
    pub(crate) content: EntryContent<'a>,
}

/// Everything that the package installs, in the order of paths.
pub(crate) fn collect_entries<'a>(
    package: &BinaryPackage,
    source: OpkgSource<'a>,
) -> Result<Vec<PackageEntry<'a>>, Error> {
    validate_files(package)?;
    let sources = source.files_by_node();
    let mut items = Vec::with_capacity(package.files.len());
    for file in &package.files {
        let body = match &file.content {
            Content::Source(node) => {
                let file = *sources.get(node).ok_or(Error::UnknownFile(*node))?;
                match &file.link {
                    Some(link) => EntryContent::Symlink(link.clone()),
                    None => EntryContent::File(FileContent::Source { source, file }),
                }
            }
            Content::Text(text) => EntryContent::File(FileContent::Bytes(text.clone().into_bytes())),
            Content::GzipText(text) => {
                EntryContent::File(FileContent::Bytes(compress::gzip_bytes(text.as_bytes())?))
            }
            Content::Directory => EntryContent::Directory,
            Content::Link(link) => EntryContent::Symlink(link.clone()),
        };
        items.push(PackageEntry {
            path: file.path.clone(),
            mode: file.mode,
            owner: file.owner.clone(),
            group: file.group.clone(),
            capabilities: file.capabilities.clone(),
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
        if file.mode > 0o7777 {
            return refuse(format!("{} has the mode {:o}", file.path, file.mode));
        }
        for account in [&file.owner, &file.group] {
            if account.is_empty()
                || account.len() > 31
                || account.contains(|c: char| c.is_control() || c.is_whitespace())
            {
                return refuse(format!("{} belongs to {account:?}", file.path));
            }
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
