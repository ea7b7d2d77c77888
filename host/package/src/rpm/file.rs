//! Files as an RPM describes them.

use md5::Md5;
use opkg_interface::artefacts::{DigestAlgorithm, FileMarks, RpmFormat, RpmFormatVersion};
use sha2::{Digest, Sha256};

use super::header::{Header, TagValue};
use super::{mime, tag};
use crate::entries::{EntryContent, PackageEntry};
use opkg::digest::hex;

const S_IFDIR: u16 = 0o040_000;
const S_IFREG: u16 = 0o100_000;
const S_IFLNK: u16 = 0o120_000;

/// A file with everything that header and payload say of it.
pub(super) struct RpmFile {
    /// Absolute; of a piece of a source package, its name.
    pub(super) path: String,
    /// With the bits for its kind.
    pub(super) mode: u16,
    /// Counts from 1 within the package.
    pub(super) inode: u32,
    /// Seconds since 1970.
    pub(super) mtime: u32,
    /// What the payload holds: for a link, where it points.
    pub(super) contents: Vec<u8>,
    flags: u32,
    owner: String,
    group: String,
    capabilities: Option<String>,
}

impl RpmFile {
    /// Something that a binary package installs.
    pub(super) fn from_entry(item: PackageEntry, inode: u32, mtime: u32) -> Self {
        let (mode, contents) = match item.content {
            // Checked to be no more than twelve bits.
            EntryContent::File(bytes) => (S_IFREG | item.mode as u16, bytes),
            EntryContent::Directory => (S_IFDIR | item.mode as u16, Vec::new()),
            EntryContent::Symlink(to) => (S_IFLNK | 0o777, to.into_bytes()),
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
        let PackageEntry { path, owner, group, capabilities, .. } = item;
        Self { path, mode, inode, mtime, contents, flags, owner, group, capabilities }
    }

    /// A piece of a source package.
    pub(super) fn new_source_file(name: String, contents: Vec<u8>, inode: u32, mtime: u32) -> Self {
        let flags = if name.ends_with(".spec") { tag::FILE_SPEC } else { 0 };
        let root = || "root".to_owned();
        Self {
            path: name,
            mode: S_IFREG | 0o644,
            inode,
            mtime,
            contents,
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

    fn content_digest(&self, algorithm: DigestAlgorithm) -> String {
        match algorithm {
            _ if !self.has_type(S_IFREG) || self.is_ghost() => String::new(),
            DigestAlgorithm::Md5 => hex(&Md5::digest(&self.contents)),
            DigestAlgorithm::Sha256 => hex(&Sha256::digest(&self.contents)),
        }
    }

    fn mime_type(&self) -> &'static str {
        match self.mode & 0o170_000 {
            S_IFDIR => "inode/directory",
            S_IFLNK => "inode/symlink",
            _ => mime::mime_type(&self.contents),
        }
    }

    fn link_target(&self) -> String {
        if self.has_type(S_IFLNK) {
            String::from_utf8_lossy(&self.contents).into_owned()
        } else {
            String::new()
        }
    }
}

/// Describes the files in the header. Sizes have 64 bits in format 6.
pub(super) fn write_file_tags(header: &mut Header, files: &[RpmFile], format: RpmFormat) {
    let digests = format.file_digests;
    let size: usize = files.iter().map(|it| it.contents.len()).sum();
    match format.version {
        RpmFormatVersion::V4 => header.number(tag::SIZE, to_u32(size)),
        RpmFormatVersion::V6 => header.put(tag::LONG_SIZE, TagValue::Int64(vec![size as u64])),
    }
    // Without a word it is MD5, and readers that know nothing else do not know the tag either.
    if digests == DigestAlgorithm::Sha256 {
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
    let numbers = |value: fn(&RpmFile) -> u32| TagValue::Int32(files.iter().map(value).collect());
    let texts = |value: fn(&RpmFile) -> String| TagValue::Strings(files.iter().map(value).collect());
    match format.version {
        RpmFormatVersion::V4 => header.put(tag::FILE_SIZES, numbers(|it| to_u32(it.contents.len()))),
        RpmFormatVersion::V6 => {
            let sizes = files.iter().map(|it| it.contents.len() as u64).collect();
            header.put(tag::LONG_FILE_SIZES, TagValue::Int64(sizes));
        }
    }
    header.put(tag::FILE_MODES, TagValue::Int16(files.iter().map(|it| it.mode).collect()));
    header.put(tag::FILE_RDEVS, TagValue::Int16(vec![0; files.len()]));
    header.put(tag::FILE_MTIMES, numbers(|it| it.mtime));
    let contents = files.iter().map(|file| file.content_digest(digests));
    header.put(tag::FILE_DIGESTS, TagValue::Strings(contents.collect()));
    header.put(tag::FILE_LINK_TOS, texts(RpmFile::link_target));
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

/// What the files of a binary package are, in the order in which they come first.
pub(super) fn write_mime_tags(header: &mut Header, files: &[RpmFile]) {
    let mut types: Vec<String> = Vec::new();
    let mut indexes = Vec::new();
    for file in files {
        let found = file.mime_type();
        let index = types.iter().position(|it| it == found).unwrap_or_else(|| {
            types.push(found.to_owned());
            types.len() - 1
        });
        indexes.push(to_u32(index));
    }
    header.strings(tag::MIME_TYPES, types);
    header.numbers(tag::FILE_MIME_INDEXES, indexes);
}

/// The contents of a package are checked to stay below 2 GiB.
fn to_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
