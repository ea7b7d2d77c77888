//! Files as an RPM describes them.

use opkg_runtime::artefacts::FileMarks;
use sha2::{Digest, Sha256};

use super::header::{Header, Value};
use super::tag;
use crate::contents::{Body, Item};
use crate::hex::hex;

const DIRECTORY: u16 = 0o040_000;
const REGULAR: u16 = 0o100_000;
const LINK: u16 = 0o120_000;

/// A file with everything that header and payload say of it.
pub(super) struct File {
    /// Absolute; of a piece of a source package, its name.
    pub(super) path: String,
    /// With the bits for its kind.
    pub(super) mode: u16,
    /// Counts from 1 within the package.
    pub(super) inode: u32,
    /// Seconds since 1970.
    pub(super) time: u32,
    /// What the payload holds: for a link, where it points.
    pub(super) contents: Vec<u8>,
    flags: u32,
}

impl File {
    /// Something that a binary package installs.
    pub(super) fn installed(item: Item, inode: u32, time: u32) -> Self {
        let (mode, contents) = match item.body {
            // Checked to be no more than the nine bits.
            Body::File(bytes) => (REGULAR | item.mode as u16, bytes),
            Body::Directory => (DIRECTORY | item.mode as u16, Vec::new()),
            Body::Link(to) => (LINK | 0o777, to.into_bytes()),
        };
        let mut flags = 0;
        if item.marks.contains(FileMarks::DOCUMENTATION) {
            flags |= tag::FILE_DOC;
        }
        if item.marks.contains(FileMarks::CONFIGURATION) {
            flags |= tag::FILE_CONFIG | tag::FILE_NO_REPLACE;
        }
        Self { path: item.path, mode, inode, time, contents, flags }
    }

    /// A piece of a source package.
    pub(super) fn piece(name: String, contents: Vec<u8>, inode: u32, time: u32) -> Self {
        let flags = if name.ends_with(".spec") { tag::FILE_SPEC } else { 0 };
        Self { path: name, mode: REGULAR | 0o644, inode, time, contents, flags }
    }

    fn is(&self, kind: u16) -> bool {
        self.mode & 0o170_000 == kind
    }

    /// Directory with its last `/`, and name within it.
    fn split(&self) -> (&str, &str) {
        self.path.split_at(self.path.rfind('/').map_or(0, |slash| slash + 1))
    }

    fn digest(&self) -> String {
        if self.is(REGULAR) { hex(&Sha256::digest(&self.contents)) } else { String::new() }
    }

    fn link(&self) -> String {
        if self.is(LINK) { String::from_utf8_lossy(&self.contents).into_owned() } else { String::new() }
    }
}

/// Describes the files in the header.
pub(super) fn describe(header: &mut Header, files: &[File]) {
    let size: usize = files.iter().map(|it| it.contents.len()).sum();
    header.number(tag::SIZE, number(size));
    header.number(tag::FILE_DIGEST_ALGORITHM, tag::SHA256);
    if files.is_empty() {
        return;
    }
    let mut directories: Vec<String> = Vec::new();
    let mut indexes = Vec::new();
    for file in files {
        let directory = file.split().0;
        let index = directories.iter().position(|it| it == directory).unwrap_or_else(|| {
            directories.push(directory.to_owned());
            directories.len() - 1
        });
        indexes.push(number(index));
    }
    let numbers = |value: fn(&File) -> u32| Value::Int32(files.iter().map(value).collect());
    let texts = |value: fn(&File) -> String| Value::Strings(files.iter().map(value).collect());
    header.put(tag::FILE_SIZES, numbers(|it| number(it.contents.len())));
    header.put(tag::FILE_MODES, Value::Int16(files.iter().map(|it| it.mode).collect()));
    header.put(tag::FILE_RDEVS, Value::Int16(vec![0; files.len()]));
    header.put(tag::FILE_MTIMES, numbers(|it| it.time));
    header.put(tag::FILE_DIGESTS, texts(File::digest));
    header.put(tag::FILE_LINK_TOS, texts(File::link));
    header.put(tag::FILE_FLAGS, numbers(|it| it.flags));
    header.put(tag::FILE_USERS, texts(|_| "root".into()));
    header.put(tag::FILE_GROUPS, texts(|_| "root".into()));
    header.put(tag::FILE_VERIFY_FLAGS, numbers(|_| u32::MAX));
    header.put(tag::FILE_DEVICES, numbers(|_| 1));
    header.put(tag::FILE_INODES, numbers(|it| it.inode));
    header.put(tag::FILE_LANGUAGES, texts(|_| String::new()));
    header.put(tag::DIRECTORY_INDEXES, Value::Int32(indexes));
    header.put(tag::BASE_NAMES, texts(|it| it.split().1.to_owned()));
    header.strings(tag::DIRECTORY_NAMES, directories);
}

/// The contents of a package are checked to stay below 2 GiB.
fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
