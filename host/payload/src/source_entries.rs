//! What is in a source, whatever it is.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use opkg::SourceDir;
use opkg::limits::{MAX_DIRECTORY_DEPTH, MAX_DIRECTORY_ENTRIES};
use opkg::model::{Payload, PayloadForm};
use opkg::rules::is_vcs_or_editor_file;
use opkg_inspect::{
    ContentsEntry, ContentsError, ContentsFormat, ContentsSummary, FileKind, check_integrity, visit_contents,
};

/// Called for each entry, with what it holds.
pub(crate) type Visit<'a> = dyn FnMut(&ContentsEntry, &mut dyn Read) -> io::Result<()> + 'a;

/// A source that can be read, several times if need be.
pub(crate) enum SourceReader<'a> {
    /// An archive, checked.
    Archive(File, ContentsFormat),
    /// The one file that is wanted, by its name; checked.
    File(File, &'a str),
    /// A directory of the OPKG, by its path in there.
    Directory(&'a SourceDir, &'a str),
}

impl<'a> SourceReader<'a> {
    /// Of a payload whose source has been opened.
    pub(crate) fn new(file: File, payload: &'a Payload) -> Self {
        let format = match payload.form {
            PayloadForm::Rpm => ContentsFormat::Rpm,
            PayloadForm::Deb => ContentsFormat::Deb,
            PayloadForm::Tar => ContentsFormat::Tar,
            PayloadForm::File | PayloadForm::Directory => return Self::File(file, payload.file_name()),
        };
        Self::Archive(file, format)
    }

    /// Whether what it says of owners is meant.
    pub(crate) fn has_owners(&self) -> bool {
        matches!(self, Self::Archive(_, ContentsFormat::Rpm | ContentsFormat::Deb))
    }

    /// Goes through all of it. What is damaged is an error, perhaps only at the end.
    pub(crate) fn visit(&mut self, visit: &mut Visit<'_>) -> Result<ContentsSummary, ContentsError> {
        match self {
            Self::Archive(file, format) => {
                check_integrity(file, *format)?;
                file.seek(SeekFrom::Start(0))?;
                visit_contents(file, *format, visit)
            }
            Self::File(file, name) => {
                file.seek(SeekFrom::Start(0))?;
                visit(&entry(name, FileKind::File, 0o644, None), file)?;
                Ok(ContentsSummary::default())
            }
            Self::Directory(source, path) => {
                visit_directory(source, path, visit)?;
                Ok(ContentsSummary::default())
            }
        }
    }
}

fn entry(path: &str, kind: FileKind, mode: u32, target: Option<String>) -> ContentsEntry {
    ContentsEntry {
        path: path.to_owned(),
        has_utf8_path: true,
        kind,
        mode,
        owner: String::new(),
        target,
        has_utf8_target: true,
        unreadable: None,
    }
}

/// Goes through a directory of the OPKG: by name, directories before what is in them.
fn visit_directory(source: &SourceDir, top: &str, visit: &mut Visit<'_>) -> Result<(), ContentsError> {
    let invalid = |reason: String| Err(ContentsError::Invalid(reason));
    let mut pending = vec![(String::new(), 0)];
    let mut seen = 0;
    while let Some((below, depth)) = pending.pop() {
        let directory = if below.is_empty() { top.to_owned() } else { format!("{top}/{below}") };
        let mut names = source
            .names(&directory, MAX_DIRECTORY_ENTRIES + 1 - seen)
            .map_err(|error| ContentsError::Invalid(format!("`{directory}` cannot be read: {error}")))?;
        seen += names.len();
        if seen > MAX_DIRECTORY_ENTRIES {
            return invalid(format!("it has more than {MAX_DIRECTORY_ENTRIES} files"));
        }
        names.sort();
        let mut directories = Vec::new();
        for name in names {
            let Some(name) = name.to_str() else {
                return invalid(format!("{name:?} in `{directory}` is not UTF-8"));
            };
            if is_vcs_or_editor_file(name) {
                continue;
            }
            let path = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
            let full = format!("{top}/{path}");
            let unreadable =
                |error: io::Error| ContentsError::Invalid(format!("`{full}` cannot be read: {error}"));
            let metadata = source.metadata(&full).map_err(unreadable)?;
            use std::os::unix::fs::PermissionsExt;
            let (kind, mode) = (metadata.file_type(), metadata.permissions().mode() & 0o7777);
            if kind.is_dir() {
                if depth >= MAX_DIRECTORY_DEPTH {
                    return invalid(format!("it has more than {MAX_DIRECTORY_DEPTH} levels of directories"));
                }
                visit(&entry(&path, FileKind::Directory, mode, None), &mut io::empty())?;
                directories.push((path, depth + 1));
            } else if kind.is_symlink() {
                let held = source.read_link(&full).map_err(unreadable)?;
                let Some(held) = held.to_str() else {
                    return invalid(format!("the link `{full}` holds a name that is not UTF-8"));
                };
                visit(&entry(&path, FileKind::Link, mode, Some(held.to_owned())), &mut io::empty())?;
            } else if kind.is_file() {
                let mut file = source.open_file(&full).map_err(unreadable)?;
                visit(&entry(&path, FileKind::File, mode, None), &mut file)?;
            } else {
                visit(&entry(&path, FileKind::Special, mode, None), &mut io::empty())?;
            }
        }
        pending.extend(directories.into_iter().rev());
    }
    Ok(())
}
