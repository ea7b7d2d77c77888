//! What the files of an archive or a package hold, as a stream: for those who take files out of one.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};

use opkg_package::rpm::reader as rpm_reader;

use crate::cpio::{ListedFile, walk_cpio};
use crate::decompress;
use crate::error::FormatError;
use crate::limits::{Budget, MAX_AR_MEMBERS};
use crate::package::FileKind;
use crate::rpm;
use crate::rpm_names::NameEncodings;
use crate::rpm_tags::{self as tag, SCRIPTLETS};
use crate::tar_entries::{TarEntry, walk_tar};

/// Scripts that a package of Debian's format can bring.
const DEB_SCRIPTS: [&str; 4] = ["preinst", "postinst", "prerm", "postrm"];

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentsFormat {
    /// A tar, compressed or not.
    Tar,
    /// A binary RPM.
    Rpm,
    /// A binary package of format 2.0, see deb(5).
    Deb,
}

/// Something that an archive holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentsEntry {
    /// As the archive has it, without empty names and `.` between the slashes. It may be anything: empty, with `..` and control
    /// characters.
    pub path: String,
    /// Whether the path is UTF-8; otherwise `\xNN` stands in place of the wrong bytes, and it is no path of the archive.
    pub has_utf8_path: bool,
    /// What it is.
    pub kind: FileKind,
    /// Permission bits, special ones included.
    pub mode: u32,
    /// `user:group`, with names where there are some.
    pub owner: String,
    /// Where a symbolic link points, or for a hard link the path of a file in the same archive.
    pub target: Option<String>,
    /// The same of the target.
    pub has_utf8_target: bool,
    /// Why what comes with it is not what the file holds, where it is not: `it is sparse`.
    pub unreadable: Option<&'static str>,
}

/// Why an archive could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ContentsError {
    /// It is not sound, or takes more than the limits allow.
    #[error("{0}")]
    Invalid(String),
    /// Whoever looks at the entries wants no more of them.
    #[error(transparent)]
    Stopped(#[from] io::Error),
}

/// What is known of a package besides its files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContentsSummary {
    /// Names of scripts that its package manager would run.
    pub scripts: Vec<String>,
}

/// Goes through everything that an archive holds, in its order; regular files come with their contents. What a package
/// knows and does not bring is left out. Compressed streams are read to their ends, where their checksums are.
///
/// # Errors
/// When it is not sound, or `visit` fails.
pub fn visit_contents(
    stream: impl Read,
    format: ContentsFormat,
    visit: &mut dyn FnMut(&ContentsEntry, &mut dyn Read) -> io::Result<()>,
) -> Result<ContentsSummary, ContentsError> {
    let budget = Budget::new();
    let mut visitor = Visitor { visit, stopped: None, budget: &budget };
    let stream = BufReader::with_capacity(64 << 10, stream);
    let read = match format {
        ContentsFormat::Tar => visitor.tar(stream, "").map(|()| ContentsSummary::default()),
        ContentsFormat::Rpm => visitor.rpm(stream),
        ContentsFormat::Deb => visitor.deb(stream),
    };
    match visitor.stopped {
        Some(stopped) => Err(stopped.into()),
        None => read.map_err(|error| ContentsError::Invalid(error.to_string())),
    }
}

struct Visitor<'a> {
    visit: &'a mut dyn FnMut(&ContentsEntry, &mut dyn Read) -> io::Result<()>,
    /// What the visitor failed with.
    stopped: Option<io::Error>,
    budget: &'a Budget,
}

impl Visitor<'_> {
    fn visit(&mut self, entry: &ContentsEntry, contents: &mut dyn Read) -> Result<(), FormatError> {
        // Whoever looks at them may keep all of them.
        self.budget.take_file(&entry.path)?;
        self.budget.take_bytes(entry.target.as_ref().map_or(0, String::len))?;
        (self.visit)(entry, contents).map_err(|error| {
            self.stopped = Some(error);
            FormatError::corrupt("stopped")
        })
    }

    fn tar(&mut self, stream: impl BufRead, member: &str) -> Result<(), FormatError> {
        let mut stream = stream;
        if decompress::is_bzip2(stream.fill_buf()?) {
            return Err(FormatError::corrupt("it is compressed with bzip2, which is not read"));
        }
        let budget = self.budget;
        let walked = walk_tar(decompress::reader(stream, budget)?, |entry, contents| {
            let TarEntry { path, kind, mode, owner, target, is_utf8, unreadable, .. } = entry;
            let target = match kind {
                FileKind::HardLink => target.as_deref().map(relative_path),
                _ => target,
            };
            let [has_utf8_path, has_utf8_target] = is_utf8;
            let path = relative_path(&path);
            let entry =
                ContentsEntry { path, has_utf8_path, kind, mode, owner, target, has_utf8_target, unreadable };
            self.visit(&entry, contents)
        });
        match member {
            "" => walked,
            member => walked.map_err(|error| error.in_member(member)),
        }
    }

    fn rpm(&mut self, mut stream: impl BufRead) -> Result<ContentsSummary, FormatError> {
        let bytes = rpm_reader::read_headers(&mut stream)?;
        let rpm = rpm_reader::read(&bytes)?;
        if rpm.is_source {
            return Err(FormatError::corrupt("it is a source package"));
        }
        let header = &rpm.header;
        let listed = rpm::list_files(header, self.budget)?;
        let identities = rpm::file_identities(header);
        let carriers = rpm::content_carriers(&identities);
        let encodings = NameEncodings::new(&bytes[rpm.header_range.clone()], header);
        let entries: Vec<ContentsEntry> =
            (0..listed.len()).map(|index| entry(header, &listed, &encodings, index)).collect();
        // Directories and links are told by the header.
        for (index, entry) in entries.iter().enumerate() {
            let is_ghost = identities.get(index).is_some_and(|identity| identity.is_ghost);
            if entry.kind != FileKind::File && !is_ghost {
                self.visit(entry, &mut io::empty())?;
            }
        }
        let by_path: BTreeMap<&str, usize> =
            listed.iter().enumerate().map(|(index, file)| (file.path.as_str(), index)).collect();
        let payload = rpm::payload_reader(stream, header, self.budget)?
            .ok_or_else(|| FormatError::corrupt("its payload is compressed in a way that is not read"))?;
        let mut is_seen = vec![false; entries.len()];
        walk_cpio(payload, &listed, |file, contents| {
            let unknown = || FormatError::corrupt(format!("{:?} is not in the header", file.path));
            let index = *by_path.get(file.path.as_str()).ok_or_else(unknown)?;
            let entry = &entries[index];
            if entry.kind != FileKind::File {
                return Ok(());
            }
            if std::mem::replace(&mut is_seen[index], true) {
                return Err(FormatError::corrupt(format!("{:?} stands twice in the payload", file.path)));
            }
            let carrier = identities.get(index).and_then(|identity| carriers.get(&identity.inode?));
            match carrier {
                Some(carrier) if *carrier != index => {
                    let target = Some(entries[*carrier].path.clone());
                    let linked = ContentsEntry { kind: FileKind::HardLink, target, ..entry.clone() };
                    self.visit(&linked, &mut io::empty())
                }
                _ => {
                    let size = file.payload_size;
                    if identities.get(index).is_some_and(|identity| identity.size != size) {
                        return Err(FormatError::corrupt(format!("{:?} has another size", file.path)));
                    }
                    self.visit(entry, contents)
                }
            }
        })
        .map_err(|error| error.in_member("payload"))?;
        let scripts = SCRIPTLETS.iter().filter(|(_, body, _)| header.text(*body).is_some());
        Ok(ContentsSummary { scripts: scripts.map(|(name, ..)| (*name).to_owned()).collect() })
    }

    fn deb(&mut self, mut stream: impl BufRead) -> Result<ContentsSummary, FormatError> {
        let mut summary = ContentsSummary::default();
        let damaged = || FormatError::corrupt("a damaged ar archive");
        let mut magic = [0; 8];
        stream.read_exact(&mut magic).map_err(|_| damaged())?;
        if magic != *b"!<arch>\n" {
            return Err(FormatError::corrupt("it is no package of this format"));
        }
        for _ in 0..MAX_AR_MEMBERS {
            let mut header = [0; 60];
            stream.read_exact(&mut header).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => FormatError::corrupt("there is no data.tar in the archive"),
                _ => error.into(),
            })?;
            let word = |range: std::ops::Range<usize>| {
                std::str::from_utf8(&header[range]).map(str::trim_end).map_err(|_| damaged())
            };
            if !header.ends_with(b"`\n") {
                return Err(damaged());
            }
            let size: u64 = word(48..58)?.parse().map_err(|_| damaged())?;
            let name = word(0..16)?.trim_end_matches('/').to_owned();
            let is_named = |wanted: &str| {
                name.strip_prefix(wanted).is_some_and(|end| end.is_empty() || end.starts_with('.'))
            };
            let mut member = stream.by_ref().take(size);
            if is_named("control.tar") {
                let reader = decompress::reader(&mut member, self.budget)?;
                walk_tar(reader, |entry, _| {
                    self.budget.take_file(&entry.path)?;
                    if DEB_SCRIPTS.contains(&entry.path.as_str()) {
                        summary.scripts.push(entry.path);
                    }
                    Ok(())
                })
                .map_err(|error| error.in_member(&name))?;
            } else if is_named("data.tar") {
                self.tar(&mut member, &name)?;
                // What is behind it is nobody's business; it has to be there itself.
                decompress::drain(&mut member)?;
                return match member.limit() {
                    0 => Ok(summary),
                    _ => Err(FormatError::corrupt("it ends too early").in_member(&name)),
                };
            }
            let left = member.limit();
            io::copy(&mut stream.by_ref().take(left + size % 2), &mut io::sink())?;
        }
        Err(FormatError::corrupt(format!("an ar archive of more than {MAX_AR_MEMBERS} members")))
    }
}

/// What the header of an RPM says of one of its files.
fn entry(
    header: &rpm_reader::ParsedHeader,
    listed: &[ListedFile],
    encodings: &NameEncodings,
    index: usize,
) -> ContentsEntry {
    let [has_utf8_path, has_utf8_target] = encodings.of(index);
    let text = |tag| header.texts(tag).get(index).filter(|it| !it.is_empty()).cloned();
    let mode = header.numbers(tag::FILE_MODES).get(index).copied().unwrap_or(0);
    let kind = rpm::file_kind(mode);
    let (user, group) = (text(tag::FILE_USERS), text(tag::FILE_GROUPS));
    ContentsEntry {
        path: relative_path(&listed[index].path),
        has_utf8_path,
        kind,
        mode: (mode & 0o7777) as u32,
        owner: format!("{}:{}", user.unwrap_or_default(), group.unwrap_or_default()),
        target: text(tag::FILE_LINKS).filter(|_| kind == FileKind::Link),
        has_utf8_target,
        unreadable: None,
    }
}

/// From the root, as programs that unpack read it: without names that are empty or `.`.
fn relative_path(path: &str) -> String {
    let names = path.split('/').filter(|name| !matches!(*name, "" | "."));
    names.collect::<Vec<_>>().join("/")
}
