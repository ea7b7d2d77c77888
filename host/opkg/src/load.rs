//! From a directory to a checked [`Opkg`].

use std::path::{Path, PathBuf};

use crate::config::{self, Metadata, Reader};
use crate::decode::decode;
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::findings::{Findings, Places};
use crate::model::{Directory, Opkg, SourceFile, Timestamp};
use crate::settings::Settings;
use crate::text::show;
use crate::tree::{self, contents};
use crate::{limits, xml};

/// The file that makes a directory an OPKG.
pub(crate) const CONFIG: &str = "config.xml";

/// The text that diagnostics point into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Of `config.xml`, as the caller can open it.
    pub path: PathBuf,
    /// Decoded. A byte that could not be decoded stands there as U+FFFD.
    pub text: String,
}

/// All that there is to say about a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Nothing where `config.xml` could not be read as text at all.
    pub source: Option<Source>,
    /// There if and only if no diagnostic is an error.
    pub opkg: Option<Opkg>,
    /// Sorted by place: those about the OPKG as such, then `config.xml` from top to bottom, then the files.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads and checks the OPKG in a directory. Never writes, never runs anything, and reads no more than the
/// limits of [`crate::limits`] allow.
#[must_use]
pub fn load(dir: &Path, settings: &Settings) -> Loaded {
    let mut loaded = Loaded { source: None, opkg: None, diagnostics: Vec::new() };
    let config = directory(dir).and_then(|root| Ok((read_config(&root)?, root)));
    let (bytes, root) = match config {
        Ok(config) => config,
        Err(finding) => {
            loaded.diagnostics.push(finding);
            return loaded;
        }
    };
    let decoded = decode(&bytes);
    drop(bytes);
    let mut document = Document {
        findings: Findings::default(),
        places: Places::default(),
        metadata: None,
        is_refused: false,
    };
    let is_text = decoded.finding.as_ref().is_none_or(|finding| finding.severity != Severity::Error);
    if let Some(text) = decoded.text {
        if is_text {
            document = read_document(&text);
        }
        loaded.source = Some(Source { path: dir.join(CONFIG), text });
    }
    let Document { mut findings, mut places, metadata, is_refused } = document;
    decoded.finding.into_iter().for_each(|finding| findings.push(finding));
    if !is_refused {
        let name = metadata.as_ref().and_then(|metadata| metadata.name.as_deref()).unwrap_or("unnamed");
        let (files, directories) = tree::read(&root, name, &mut findings, &mut places);
        if let Some(metadata) = metadata.filter(|_| !findings.has_error()) {
            loaded.opkg = assemble(metadata, files, directories, places.into_list(), settings);
        }
    }
    loaded.diagnostics = findings.into_sorted();
    loaded
}

/// The canonical path of the directory.
pub(crate) fn directory(dir: &Path) -> Result<PathBuf, Diagnostic> {
    let refuse = |why: String| {
        let message = format!("`{}` {why}", show(&dir.to_string_lossy()));
        Err(Diagnostic::error("directory", message)
            .help("name the directory of an OPKG: the one that holds `config.xml`"))
    };
    match std::fs::canonicalize(dir) {
        Ok(root) if root.is_dir() => Ok(root),
        Ok(_) => refuse("is not a directory".into()),
        Err(error) => refuse(format!("cannot be opened: {}", error.kind())),
    }
}

/// The bytes of `config.xml`.
pub(crate) fn read_config(root: &Path) -> Result<Vec<u8>, Diagnostic> {
    let place = || Place::File(CONFIG.into());
    let path = std::fs::canonicalize(root.join(CONFIG)).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Diagnostic::error("config-missing", "there is no `config.xml`")
            .at(place())
            .help("is this the directory of an OPKG? `opkgc new` makes one"),
        kind => Diagnostic::error("config-unreadable", format!("`config.xml` cannot be opened: {kind}"))
            .at(place())
            .help("see to the permissions of the file and its directory"),
    })?;
    if !path.starts_with(root) {
        return Err(Diagnostic::error("link", "`config.xml` is a link that leaves the OPKG")
            .at(place())
            .help("put the file itself there"));
    }
    match contents::read_up_to(&path, limits::CONFIG_BYTES) {
        Ok((bytes, false)) => Ok(bytes),
        Ok((_, true)) => {
            let message = format!("`config.xml` is larger than {} MiB", limits::CONFIG_BYTES >> 20);
            let finding = Diagnostic::error("config-too-large", message);
            Err(finding.at(place()).help("this is no real OPKG; look at what wrote this file"))
        }
        Err(error) => {
            let finding =
                Diagnostic::error("config-unreadable", format!("`config.xml` cannot be read: {error}"));
            Err(finding.at(place()).help("it must be a regular file that you may read"))
        }
    }
}

/// What came of the text of `config.xml`.
struct Document {
    findings: Findings,
    places: Places,
    /// Nothing where the text could not be read as XML.
    metadata: Option<Metadata>,
    /// Whether it is no OPKG of the present form at all, so that there is no sense in looking at the files.
    is_refused: bool,
}

fn read_document(text: &str) -> Document {
    let mut document = Document {
        findings: Findings::default(),
        places: Places::default(),
        metadata: None,
        is_refused: false,
    };
    let (blanked, doctype) =
        match xml::without_doctype(text).and_then(|found| xml::check_limits(&found.0).map(|()| found)) {
            Ok(found) => found,
            Err(finding) => {
                document.findings.push(finding);
                return document;
            }
        };
    let parsed = match xml::parse(&blanked) {
        Ok(parsed) => parsed,
        Err(finding) => {
            document.findings.push(finding);
            return document;
        }
    };
    let root = parsed.root_element();
    let mut reader = Reader::new(&blanked, root);
    if let Some(refusal) = config::refusal(&reader, root) {
        document.findings.push(refusal);
        document.is_refused = true;
        return document;
    }
    if let Some(range) = doctype {
        let finding = Diagnostic::warning(
            "doctype",
            "the document type means nothing here: it is neither fetched nor read",
        );
        reader.report(range, finding.help("remove the line"));
    }
    document.metadata = Some(config::read(&mut reader, root));
    document.findings = reader.findings;
    document.places = reader.places;
    document
}

/// Puts together what was read without an error.
fn assemble(
    metadata: Metadata,
    files: Vec<SourceFile>,
    directories: Vec<Directory>,
    places: Vec<Place>,
    settings: &Settings,
) -> Option<Opkg> {
    let Metadata {
        at,
        name,
        class,
        summary,
        description,
        license,
        groups,
        uri,
        authors,
        filter,
        mut relations,
        history,
    } = metadata;
    let name = name?;
    config::add_automatic(&mut relations, &settings.automatic, at);
    let source_date = match settings.source_date {
        Some(seconds) => Timestamp { seconds, offset: 0 },
        None => history.first()?.changes.first()?.date,
    };
    let home = tree::home(&name);
    Some(Opkg {
        at,
        name,
        class,
        summary,
        description,
        license,
        groups,
        uri,
        authors,
        filter,
        relations,
        history,
        home,
        files,
        directories,
        source_date,
        places,
    })
}
