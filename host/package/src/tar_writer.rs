//! Tar archives that depend on nothing but their contents: one owner, one time, a fixed order.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

use opkg_interface::artefacts::TextFile;
use tar::{Builder, EntryType, Header, HeaderMode};

use crate::error::Error;
use crate::permissions::file_mode;
use crate::source::{OpkgSource, into_error};

/// What an archive says of a file beside its contents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attributes<'a> {
    /// Permissions, and the bits for set-user-ID, set-group-ID and sticky.
    pub(crate) mode: u32,
    /// Names, at most 31 bytes; whoever unpacks it and knows none of that name takes root.
    pub(crate) owner: &'a str,
    pub(crate) group: &'a str,
}

impl From<u32> for Attributes<'static> {
    /// Root's, with this mode.
    fn from(mode: u32) -> Self {
        Self { mode, owner: "root", group: "root" }
    }
}

/// A tar being written. Parent directories are added as they come up.
pub(crate) struct TarWriter<W: Write> {
    builder: Builder<W>,
    mtime: u64,
    directories: BTreeSet<String>,
}

impl<W: Write> TarWriter<W> {
    pub(crate) fn new(inner: W, mtime: u64) -> Self {
        let mut builder = Builder::new(inner);
        builder.mode(HeaderMode::Deterministic);
        Self { builder, mtime, directories: BTreeSet::new() }
    }

    /// The OPKG's own files, each under `prefix`.
    pub(crate) fn append_sources(&mut self, source: OpkgSource<'_>, prefix: &str) -> Result<(), Error> {
        for file in &source.opkg.files {
            let path = format!("{prefix}/{}", file.path);
            match &file.link {
                Some(link) => self.append_symlink(&path, link, 0o777)?,
                None => self
                    .append_file(&path, file.mode, file.size, &mut source.open(file)?)
                    .map_err(into_error)?,
            }
        }
        Ok(())
    }

    /// A meta-file under `path`.
    pub(crate) fn append_text(&mut self, path: &str, file: &TextFile) -> io::Result<()> {
        let contents = file.contents.as_bytes();
        self.append_file(path, file_mode(file.executable), contents.len() as u64, &mut &contents[..])
    }

    pub(crate) fn finish(self) -> io::Result<W> {
        self.builder.into_inner()
    }

    /// A regular file. `contents` has exactly `size` bytes.
    pub(crate) fn append_file<'a>(
        &mut self,
        path: &str,
        attributes: impl Into<Attributes<'a>>,
        size: u64,
        contents: &mut dyn Read,
    ) -> io::Result<()> {
        self.append_parents(path)?;
        let mut header = self.new_header(EntryType::Regular, attributes.into());
        header.set_size(size);
        self.append_entry(header, path, contents)
    }

    /// A symbolic link.
    pub(crate) fn append_symlink<'a>(
        &mut self,
        path: &str,
        to: &str,
        attributes: impl Into<Attributes<'a>>,
    ) -> io::Result<()> {
        self.append_parents(path)?;
        let mut header = self.new_header(EntryType::Symlink, attributes.into());
        if !fill_field(header.as_gnu_mut().map(|it| &mut it.linkname[..]), to) {
            self.append_long_name(EntryType::GNULongLink, to)?;
        }
        self.append_entry(header, path, &mut io::empty())
    }

    /// A directory, unless it is there already.
    pub(crate) fn append_directory<'a>(
        &mut self,
        path: &str,
        attributes: impl Into<Attributes<'a>>,
    ) -> io::Result<()> {
        self.append_parents(path)?;
        let path = format!("{path}/");
        if !self.directories.contains(&path) {
            let header = self.new_header(EntryType::Directory, attributes.into());
            self.append_entry(header, &path, &mut io::empty())?;
            self.directories.insert(path);
        }
        Ok(())
    }

    fn append_parents(&mut self, path: &str) -> io::Result<()> {
        for (end, _) in path.match_indices('/') {
            let directory = format!("{}/", &path[..end]);
            if !self.directories.contains(&directory) {
                let header = self.new_header(EntryType::Directory, 0o755.into());
                self.append_entry(header, &directory, &mut io::empty())?;
                self.directories.insert(directory);
            }
        }
        Ok(())
    }

    /// Writes the path as it is: the library's own way of setting it would drop a leading `./`.
    fn append_entry(&mut self, mut header: Header, path: &str, contents: &mut dyn Read) -> io::Result<()> {
        if !fill_field(header.as_gnu_mut().map(|it| &mut it.name[..]), path) {
            self.append_long_name(EntryType::GNULongName, path)?;
        }
        header.set_cksum();
        self.builder.append(&header, contents)
    }

    /// GNU's way of saying what has no place in the header of the entry that follows.
    fn append_long_name(&mut self, kind: EntryType, text: &str) -> io::Result<()> {
        let mut header = self.new_header(kind, 0o644.into());
        header.set_mtime(0);
        header.set_size(text.len() as u64 + 1);
        fill_field(header.as_gnu_mut().map(|it| &mut it.name[..]), "././@LongLink");
        header.set_cksum();
        self.builder.append(&header, text.as_bytes().chain(&[0][..]))
    }

    fn new_header(&self, kind: EntryType, attributes: Attributes<'_>) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(attributes.mode);
        header.set_mtime(self.mtime);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(0);
        // What does not fit is refused before.
        let _ = header.set_username(attributes.owner);
        let _ = header.set_groupname(attributes.group);
        header
    }
}

/// Puts a text into a place of a header, as far as it goes; says whether all of it fits.
fn fill_field(place: Option<&mut [u8]>, text: &str) -> bool {
    let Some(place) = place else { return false };
    let count = text.len().min(place.len());
    place[..count].copy_from_slice(&text.as_bytes()[..count]);
    count == text.len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn paths_and_links_of_any_length_come_back() {
        let mut tarball = TarWriter::new(Vec::new(), 7);
        let names = [99, 100, 101, 155, 300].map(|length| "x".repeat(length));
        for name in &names {
            tarball.append_file(&format!("./d/{name}"), 0o644, 2, &mut &b"ab"[..]).unwrap();
            tarball.append_symlink(&format!("./l/{name}"), name, 0o777).unwrap();
        }
        let bytes = tarball.finish().unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
            (path, entry.link_name_bytes().map(|it| String::from_utf8(it.into_owned()).unwrap()))
        });
        let entries: Vec<_> = entries.collect();
        assert_eq!(entries[..2], [("./".into(), None), ("./d/".into(), None)]);
        for name in names {
            assert!(entries.contains(&(format!("./d/{name}"), None)));
            assert!(entries.contains(&(format!("./l/{name}"), Some(name.clone()))));
        }
    }
}
