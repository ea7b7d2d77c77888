//! Files as an RPM describes them.

use opkg_interface::artefacts::{FileMarks, RpmDigestAlgorithm, RpmFormat, RpmFormatVersion};

use super::header::{Header, TagValue};
use super::tag;
use crate::content::FileContent;
use crate::entries::{EntryContent, PackageEntry};

const S_IFDIR: u16 = 0o040_000;
const S_IFREG: u16 = 0o100_000;
const S_IFLNK: u16 = 0o120_000;

/// A file with everything that header and payload say of it.
pub(super) struct RpmFile<'a> {
    /// Absolute; of a piece of a source package, its name.
    pub(super) path: String,
    /// With the bits for its kind.
    pub(super) mode: u16,
    /// Counts from 1 within the package.
    pub(super) inode: u32,
    /// Seconds since 1970.
    pub(super) mtime: u32,
    /// What the payload holds: for a link, where it points.
    pub(super) content: FileContent<'a>,
    flags: u32,
    owner: String,
    group: String,
    capabilities: Option<String>,
}

/// What was found of the contents of a file while they were packed, for the header.
pub(super) struct ContentFacts {
    /// Of a regular file that the package brings, otherwise empty.
    pub(super) digest: String,
    /// As `file --mime-type` calls it. Of binary packages of format 6.
    pub(super) mime_type: Option<&'static str>,
}

impl<'a> RpmFile<'a> {
    /// Something that a binary package installs.
    pub(super) fn from_entry(item: PackageEntry<'a>, inode: u32, mtime: u32) -> Self {
        let (mode, content) = match item.content {
            // Checked to be no more than twelve bits.
            EntryContent::File(content) => (S_IFREG | item.mode as u16, content),
            EntryContent::Directory => (S_IFDIR | item.mode as u16, FileContent::Bytes(Vec::new())),
            EntryContent::Symlink(to) => (S_IFLNK | 0o777, FileContent::Bytes(to.into_bytes())),
        };
        let mut flags = 0;
        if item.marks.contains(FileMarks::DOCUMENTATION) {
            flags |= tag::FILE_DOC;
        }
        if item.marks.contains(FileMarks::CONFIGURATION) {
            flags |= tag::FILE_CONFIG;
            if !item.marks.contains(FileMarks::REPLACED) {
                flags |= tag::FILE_NO_REPLACE;
            }
        }
        if item.marks.contains(FileMarks::GHOST) {
            flags |= tag::FILE_GHOST;
        }
        if item.marks.contains(FileMarks::LICENSE) {
            flags |= tag::FILE_LICENSE;
        }
        if item.marks.contains(FileMarks::MISSING_OK) {
            flags |= tag::FILE_MISSING_OK;
        }
        let PackageEntry { path, owner, group, capabilities, .. } = item;
        Self { path, mode, inode, mtime, content, flags, owner, group, capabilities }
    }

    /// A piece of a source package.
    pub(super) fn new_source_file(name: String, content: FileContent<'a>, inode: u32, mtime: u32) -> Self {
        let flags = if name.ends_with(".spec") { tag::FILE_SPEC } else { 0 };
        let root = || "root".to_owned();
        Self {
            path: name,
            mode: S_IFREG | 0o644,
            inode,
            mtime,
            content,
            flags,
            owner: root(),
            group: root(),
            capabilities: None,
        }
    }

    /// Whether the package owns it without bringing it.
    pub(super) fn is_ghost(&self) -> bool {
        self.flags & tag::FILE_GHOST != 0
    }

    fn has_type(&self, kind: u16) -> bool {
        self.mode & 0o170_000 == kind
    }

    /// Directory with its last `/`, and name within it.
    fn split_path(&self) -> (&str, &str) {
        self.path.split_at(self.path.rfind('/').map_or(0, |slash| slash + 1))
    }

    /// Whether it has contents that are checked.
    pub(super) fn is_regular(&self) -> bool {
        self.has_type(S_IFREG)
    }

    /// What it is if it is no regular file, as `file --mime-type` calls it.
    pub(super) fn special_mime_type(&self) -> Option<&'static str> {
        match self.mode & 0o170_000 {
            S_IFDIR => Some("inode/directory"),
            S_IFLNK => Some("inode/symlink"),
            _ => None,
        }
    }

    fn link_target(&self) -> String {
        match &self.content {
            FileContent::Bytes(target) if self.has_type(S_IFLNK) => {
                String::from_utf8_lossy(target).into_owned()
            }
            _ => String::new(),
        }
    }
}

/// Whether one of the files is too large for the old tag of sizes, and the old payload. RPM 4.12 brought the new ones.
pub(super) fn has_large_files(files: &[RpmFile<'_>]) -> bool {
    files.iter().any(|file| file.content.size() > u32::MAX.into())
}

/// Describes the files in the header, with what was found of the contents of each. Sizes have 64 bits where they need
/// them, and always in format 6.
pub(super) fn write_file_tags(
    header: &mut Header,
    files: &[RpmFile<'_>],
    facts: Vec<ContentFacts>,
    format: RpmFormat,
) {
    let size: u64 = files.iter().map(|it| it.content.size()).sum();
    match u32::try_from(size) {
        Ok(size) if format.version == RpmFormatVersion::V4 => header.number(tag::SIZE, size),
        _ => header.put(tag::LONG_SIZE, TagValue::Int64(vec![size])),
    }
    // Without a word it is MD5, and readers that know nothing else do not know the tag either.
    if format.file_digests == RpmDigestAlgorithm::Sha256 {
        header.number(tag::FILE_DIGEST_ALGORITHM, tag::SHA256);
    }
    if files.is_empty() {
        return;
    }
    let mut directories: Vec<String> = Vec::new();
    let mut indexes = Vec::new();
    for file in files {
        let directory = file.split_path().0;
        let index = directories.iter().position(|it| it == directory).unwrap_or_else(|| {
            directories.push(directory.to_owned());
            directories.len() - 1
        });
        indexes.push(to_u32(index));
    }
    let numbers = |value: fn(&RpmFile<'_>) -> u32| TagValue::Int32(files.iter().map(value).collect());
    let texts = |value: fn(&RpmFile<'_>) -> String| TagValue::Strings(files.iter().map(value).collect());
    let sizes: Vec<u64> = files.iter().map(|it| it.content.size()).collect();
    match sizes.iter().map(|size| u32::try_from(*size)).collect() {
        Ok(sizes) if format.version == RpmFormatVersion::V4 => {
            header.put(tag::FILE_SIZES, TagValue::Int32(sizes));
        }
        _ => header.put(tag::LONG_FILE_SIZES, TagValue::Int64(sizes)),
    }
    header.put(tag::FILE_MODES, TagValue::Int16(files.iter().map(|it| it.mode).collect()));
    header.put(tag::FILE_RDEVS, TagValue::Int16(vec![0; files.len()]));
    header.put(tag::FILE_MTIMES, numbers(|it| it.mtime));
    let (digests, mime_types): (_, Vec<_>) = facts.into_iter().map(|it| (it.digest, it.mime_type)).unzip();
    header.put(tag::FILE_DIGESTS, TagValue::Strings(digests));
    write_mime_tags(header, &mime_types.into_iter().flatten().collect::<Vec<_>>());
    header.put(tag::FILE_LINK_TOS, texts(|it| it.link_target()));
    header.put(tag::FILE_FLAGS, numbers(|it| it.flags));
    header.put(tag::FILE_USERS, texts(|it| it.owner.clone()));
    header.put(tag::FILE_GROUPS, texts(|it| it.group.clone()));
    header.put(
        tag::FILE_VERIFY_FLAGS,
        numbers(|it| if it.is_ghost() { !tag::VERIFY_CONTENTS } else { u32::MAX }),
    );
    header.put(tag::FILE_DEVICES, numbers(|_| 1));
    header.put(tag::FILE_INODES, numbers(|it| it.inode));
    header.put(tag::FILE_LANGUAGES, texts(|_| String::new()));
    header.put(tag::DIRECTORY_INDEXES, TagValue::Int32(indexes));
    header.put(tag::BASE_NAMES, texts(|it| it.split_path().1.to_owned()));
    header.strings(tag::DIRECTORY_NAMES, directories);
    if files.iter().any(|file| file.capabilities.is_some()) {
        header.put(tag::FILE_CAPABILITIES, texts(|it| it.capabilities.clone().unwrap_or_default()));
    }
}

/// What the files of a binary package of format 6 are, in the order in which they come first.
fn write_mime_tags(header: &mut Header, of_files: &[&'static str]) {
    if of_files.is_empty() {
        return;
    }
    let mut types: Vec<String> = Vec::new();
    let mut indexes = Vec::new();
    for found in of_files {
        let index = types.iter().position(|it| it == found).unwrap_or_else(|| {
            types.push((*found).to_owned());
            types.len() - 1
        });
        indexes.push(to_u32(index));
    }
    header.strings(tag::MIME_TYPES, types);
    header.numbers(tag::FILE_MIME_INDEXES, indexes);
}

/// Of a position among the files of a package, which are counted before.
fn to_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
