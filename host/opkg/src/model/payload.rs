//! What others have built, and what is taken of it.

use super::basics::{NodeId, Part};

/// What the source of a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PayloadForm {
    /// A tar, compressed or not.
    Tar,
    /// A binary RPM.
    Rpm,
    /// A binary package of format 2.0, see deb(5).
    Deb,
    /// The one file that is wanted.
    File,
    /// A directory of the OPKG, in which something has been built.
    Directory,
}

/// One `payload`: something that others have built, of which files are laid into the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The attribute `source`.
    pub at: NodeId,
    /// A URL, or a path relative to the OPKG's directory, with `/`.
    pub source: String,
    /// Whether the source is a path inside of the OPKG.
    pub is_inside: bool,
    pub form: PayloadForm,
    /// That the files are in.
    pub part: Part,
    /// The canonical name of the only architecture whose packages have them.
    pub arch: Option<&'static str>,
    /// Leading names that paths in it lose; what has no more than those is left.
    pub strip: usize,
    /// What is taken of it, never empty.
    pub takes: Vec<PayloadTake>,
    /// What is not, although it is among the above: [patterns](PayloadTake::path).
    pub omits: Vec<String>,
    /// Of the source itself, when it was read; nothing of a directory, and where sources are not read.
    pub digest: Option<PayloadDigest>,
}

impl Payload {
    /// The last name of its source: of a URL, without what is behind a `?`.
    #[must_use]
    pub fn file_name(&self) -> &str {
        let path =
            if self.is_inside { &self.source } else { self.source.split('?').next().unwrap_or_default() };
        path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
    }

    /// The directory of an OPKG in which its files would lie: `files/client@x86_64`.
    #[must_use]
    pub fn directory(&self) -> String {
        let part = self.part.name();
        self.arch.map_or_else(|| format!("files/{part}"), |arch| format!("files/{part}@{arch}"))
    }
}

/// What the source of a payload is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadDigest {
    /// Bytes.
    pub size: u64,
    pub sha256: [u8; 32],
}

/// One `take`: what is taken of a payload, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadTake {
    /// The element, or the attribute `source` where there is none.
    pub at: NodeId,
    /// Relative, with `*` and `?` within names. With a `/` at the end, all that is below it; `/` for all there is.
    pub path: String,
    /// Absolute: where the file goes, or with a `/` at the end, the directory that it goes into.
    pub to: String,
    /// Permissions of regular files; as they are in the source where it says nothing.
    pub mode: Option<u32>,
}
