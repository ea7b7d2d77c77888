//! Tar archives that depend on nothing but their contents: one owner, one time, a fixed order.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

use opkg_runtime::artefacts::TextFile;
use tar::{Builder, EntryType, Header, HeaderMode};

use crate::source::{Source, changed};
use crate::{Error, mode};

/// A tar being written. Parent directories are added as they come up.
pub(crate) struct Tarball<W: Write> {
    builder: Builder<W>,
    time: u64,
    directories: BTreeSet<String>,
}

impl<W: Write> Tarball<W> {
    pub(crate) fn new(inner: W, time: u64) -> Self {
        let mut builder = Builder::new(inner);
        builder.mode(HeaderMode::Deterministic);
        Self { builder, time, directories: BTreeSet::new() }
    }

    /// The OPKG's own files, each under `prefix`.
    pub(crate) fn sources(&mut self, source: Source<'_>, prefix: &str) -> Result<(), Error> {
        for file in &source.opkg.files {
            let path = format!("{prefix}/{}", file.path);
            match &file.link {
                Some(link) => self.link(&path, link)?,
                None => self.file(&path, file.mode, file.size, &mut source.open(file)?).map_err(changed)?,
            }
        }
        Ok(())
    }

    /// A meta-file under `path`.
    pub(crate) fn text(&mut self, path: &str, file: &TextFile) -> io::Result<()> {
        let contents = file.contents.as_bytes();
        self.file(path, mode(file.executable), contents.len() as u64, &mut &contents[..])
    }

    pub(crate) fn finish(self) -> io::Result<W> {
        self.builder.into_inner()
    }

    fn file(&mut self, path: &str, mode: u32, size: u64, contents: &mut dyn Read) -> io::Result<()> {
        self.parents(path)?;
        let mut header = self.header(EntryType::Regular, mode);
        header.set_size(size);
        self.builder.append_data(&mut header, path, contents)
    }

    fn link(&mut self, path: &str, to: &str) -> io::Result<()> {
        self.parents(path)?;
        let mut header = self.header(EntryType::Symlink, 0o777);
        self.builder.append_link(&mut header, path, to)
    }

    fn parents(&mut self, path: &str) -> io::Result<()> {
        for (end, _) in path.match_indices('/') {
            let directory = format!("{}/", &path[..end]);
            if !self.directories.contains(&directory) {
                let mut header = self.header(EntryType::Directory, 0o755);
                self.builder.append_data(&mut header, &directory, io::empty())?;
                self.directories.insert(directory);
            }
        }
        Ok(())
    }

    fn header(&self, kind: EntryType, mode: u32) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_mtime(self.time);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(0);
        // Eight characters at most, which always fit.
        let _ = header.set_username("root");
        let _ = header.set_groupname("root");
        header
    }
}
