//! Reads a directory into a checked [`Opkg`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{self, ElementReader, Metadata};
use crate::decode::decode;
use crate::diagnostic::{Diagnostic, Location, Severity};
use crate::diagnostic_sink::{DiagnosticSink, LocationTable};
use crate::model::{NodeId, Opkg, Payload, PayloadDigest, Timestamp};
use crate::settings::Settings;
use crate::source::{CONFIG_FILE, Source, canonical_directory, read_config};
use crate::{tree, xml};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadResult {
    /// Absent where `config.xml` could not be read as text at all.
    pub source: Option<Source>,
    /// There if and only if no diagnostic is an error. Several threads make packages of one.
    pub opkg: Option<Arc<Opkg>>,
    /// Sorted by place: those about the OPKG as such, then `config.xml` from top to bottom, then the files.
    pub diagnostics: Vec<Diagnostic>,
}

/// What became of the payloads of an OPKG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnpackedPayloads {
    /// Holds a directory for each payload, by its index, in which its files have the paths that they would have in the OPKG.
    pub root: PathBuf,
    /// What the source of each was.
    pub digests: Vec<Option<PayloadDigest>>,
}

/// Unpacks the payloads of the OPKG in a directory; nothing where that fails, which is reported.
pub type UnpackPayloads<'a> =
    dyn FnMut(&Path, &[Payload], &mut dyn FnMut(Diagnostic, NodeId)) -> Option<UnpackedPayloads> + 'a;

/// Which files are read.
enum Contents<'a, 'b> {
    /// None.
    Config,
    /// Those that lie in the directory.
    Directory,
    /// Those of payloads as well.
    All(&'a mut UnpackPayloads<'b>),
}

/// Reads and checks the OPKG in a directory, but not what its payloads hold: it says what the OPKG is, not all that is in
/// its packages. Never writes, never runs anything, and reads no more than the limits of [`crate::limits`] allow.
#[must_use]
pub fn load(dir: &Path, settings: &Settings) -> LoadResult {
    load_parts(dir, settings, Contents::Directory)
}

/// The same, with what payloads hold. They are unpacked if there are some.
#[must_use]
pub fn load_with_payloads(dir: &Path, settings: &Settings, unpack: &mut UnpackPayloads<'_>) -> LoadResult {
    load_parts(dir, settings, Contents::All(unpack))
}

/// The same of `config.xml` alone, as it lies on a machine where the OPKG is installed: its files are elsewhere, and the
/// model has none.
#[must_use]
pub fn load_config(dir: &Path, settings: &Settings) -> LoadResult {
    load_parts(dir, settings, Contents::Config)
}

fn load_parts(dir: &Path, settings: &Settings, contents: Contents<'_, '_>) -> LoadResult {
    let mut loaded = LoadResult { source: None, opkg: None, diagnostics: Vec::new() };
    let config = canonical_directory(dir).and_then(|root| Ok((read_config(&root)?, root)));
    let (bytes, root) = match config {
        Ok(config) => config,
        Err(diagnostic) => {
            loaded.diagnostics.push(diagnostic);
            return loaded;
        }
    };
    let decoded = decode(&bytes);
    drop(bytes);
    let mut document = ParsedConfig {
        diagnostics: DiagnosticSink::default(),
        locations: LocationTable::default(),
        metadata: None,
        is_rejected: false,
    };
    let is_text = decoded.diagnostic.as_ref().is_none_or(|diagnostic| diagnostic.severity != Severity::Error);
    if let Some(text) = decoded.text {
        if is_text {
            document = parse_config(&text, settings.now);
        }
        loaded.source = Some(Source { path: dir.join(CONFIG_FILE), text });
    }
    let ParsedConfig { mut diagnostics, mut locations, mut metadata, is_rejected } = document;
    decoded.diagnostic.into_iter().for_each(|diagnostic| diagnostics.push(diagnostic));
    if !is_rejected {
        let has_files = !matches!(contents, Contents::Config);
        let needs_payloads = matches!(contents, Contents::All(_))
            && metadata.as_ref().is_some_and(|metadata| !metadata.payloads.is_empty());
        let unpacked = match (contents, &mut metadata) {
            (Contents::All(unpack), Some(metadata)) if !metadata.payloads.is_empty() => {
                unpack_payloads(&root, &mut metadata.payloads, unpack, &mut diagnostics, &locations)
            }
            _ => None,
        };
        let described = tree::Description {
            name: metadata.as_ref().and_then(|metadata| metadata.name.as_deref()).unwrap_or("unnamed"),
            archs: metadata.as_ref().map(|metadata| metadata.filter.archs.as_slice()).unwrap_or_default(),
            payloads: metadata.as_ref().map(|metadata| metadata.payloads.as_slice()).unwrap_or_default(),
            unpacked: unpacked.as_deref(),
            file_rules: metadata.as_ref().map(|metadata| metadata.file_rules.as_slice()).unwrap_or_default(),
            service_rules: metadata
                .as_ref()
                .map(|metadata| metadata.service_rules.as_slice())
                .unwrap_or_default(),
            alternatives: metadata.as_ref().map(|it| it.alternatives.as_slice()).unwrap_or_default(),
            triggers: metadata.as_ref().map(|it| it.triggers.as_slice()).unwrap_or_default(),
        };
        let contents = match has_files {
            true => tree::read(&root, described, &mut diagnostics, &mut locations),
            false => tree::Contents::default(),
        };
        let is_complete = !needs_payloads || unpacked.is_some();
        if let Some(metadata) = metadata.filter(|_| is_complete && !diagnostics.has_error()) {
            loaded.opkg = build_opkg(metadata, contents, locations.into_vec(), settings).map(Arc::new);
        }
    }
    loaded.diagnostics = diagnostics.into_sorted();
    loaded
}

/// Where the files of payloads are.
fn unpack_payloads(
    root: &Path,
    payloads: &mut [Payload],
    unpack: &mut UnpackPayloads<'_>,
    diagnostics: &mut DiagnosticSink,
    locations: &LocationTable,
) -> Option<PathBuf> {
    let mut report = |found: Diagnostic, at| {
        let is_placed = found.location.is_some();
        diagnostics.push(match locations.get(at) {
            Some(location) if !is_placed => found.at(location.clone()),
            _ => found,
        });
    };
    let unpacked = unpack(root, payloads, &mut report)?;
    for (payload, digest) in payloads.iter_mut().zip(unpacked.digests) {
        payload.digest = digest;
    }
    Some(unpacked.root)
}

struct ParsedConfig {
    diagnostics: DiagnosticSink,
    locations: LocationTable,
    /// Absent where the text could not be read as XML.
    metadata: Option<Metadata>,
    /// Whether it is not an OPKG of the current format, so that its files are not checked.
    is_rejected: bool,
}

fn parse_config(text: &str, now: Option<i64>) -> ParsedConfig {
    let mut document = ParsedConfig {
        diagnostics: DiagnosticSink::default(),
        locations: LocationTable::default(),
        metadata: None,
        is_rejected: false,
    };
    let (blanked, doctype) =
        match xml::strip_doctype(text).and_then(|found| xml::check_limits(&found.0).map(|()| found)) {
            Ok(found) => found,
            Err(diagnostic) => {
                document.diagnostics.push(diagnostic);
                return document;
            }
        };
    let parsed = match xml::parse(&blanked) {
        Ok(parsed) => parsed,
        Err(diagnostic) => {
            document.diagnostics.push(diagnostic);
            return document;
        }
    };
    let root = parsed.root_element();
    let mut reader = ElementReader::new(&blanked, root);
    if let Some(rejection) = config::unsupported_document(&reader, root) {
        document.diagnostics.push(rejection);
        document.is_rejected = true;
        return document;
    }
    if let Some(range) = doctype {
        let diagnostic = Diagnostic::warning("doctype", "the document type is ignored");
        reader.report(range, diagnostic.help("remove the line"));
    }
    document.metadata = Some(config::read(&mut reader, root, now));
    document.diagnostics = reader.diagnostics;
    document.locations = reader.locations;
    document
}

fn build_opkg(
    metadata: Metadata,
    contents: tree::Contents,
    locations: Vec<Location>,
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
        payloads,
        mut file_rules,
        service_rules,
        alternatives,
        triggers,
        history,
    } = metadata;
    let name = name?;
    config::add_automatic_relations(&mut relations, &settings.automatic_relations, at);
    let source_date = match settings.source_date {
        // In the future it would be refused as well.
        Some(seconds) => {
            Timestamp { seconds: settings.now.map_or(seconds, |now| seconds.min(now)), offset: 0 }
        }
        None => history.first()?.changes.first()?.date,
    };
    let home = tree::package_home(&name);
    let tree::Contents { files, directories, directory_rules, tells_action } = contents;
    file_rules.extend(directory_rules);
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
        payloads,
        file_rules,
        service_rules,
        alternatives,
        triggers,
        history,
        home,
        files,
        directories,
        tells_action,
        source_date,
        locations,
    })
}
