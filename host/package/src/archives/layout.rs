//! How a package's files stand in an archive.

use std::collections::BTreeSet;

use opkg::digest::hex;
use opkg_interface::archive::{
    Archive, ArchiveEntry, DigestAlgorithm, ExtendedHeader, FileLayout, FileSelection, HeaderValue,
};
use opkg_interface::built::{BuiltFile, FileKind};

use super::digest_set::select;
use crate::Error;
use crate::checksums;
use crate::entries::PackageEntry;

/// The paths that entries name; all others are the rest.
pub(super) fn named_paths(archives: &[Archive]) -> BTreeSet<&str> {
    layouts(archives)
        .filter_map(|layout| match &layout.select {
            FileSelection::Paths(paths) => Some(paths),
            FileSelection::Rest => None,
        })
        .flatten()
        .map(String::as_str)
        .collect()
}

/// The layouts of all archives.
pub(super) fn layouts(archives: &[Archive]) -> impl Iterator<Item = &FileLayout> {
    archives.iter().flat_map(|archive| &archive.entries).filter_map(|entry| match entry {
        ArchiveEntry::Files(layout) => Some(layout),
        _ => None,
    })
}

/// Whether every file has exactly one place.
pub(super) fn check_complete(archives: &[Archive], entries: &[PackageEntry<'_>]) -> Result<(), Error> {
    let refuse = |path: &str, what: &str| Err(Error::InvalidOutput(format!("{path} {what} of its archives")));
    let known: BTreeSet<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
    let (mut taken, mut rests) = (BTreeSet::new(), 0);
    for layout in layouts(archives) {
        let FileSelection::Paths(paths) = &layout.select else {
            rests += 1;
            continue;
        };
        for path in paths {
            if !known.contains(path.as_str()) {
                return refuse(path, "is no file of the package, and in one");
            }
            if !taken.insert(path.as_str()) {
                return refuse(path, "is in two");
            }
        }
    }
    match (rests, known.difference(&taken).next()) {
        (1, _) | (0, None) => Ok(()),
        (0, Some(path)) => refuse(path, "is in none"),
        (_, path) => refuse(path.unwrap_or(&"the rest of the files"), "is in two"),
    }
}

/// Those of the entries that a layout is of, by their numbers.
pub(super) fn select_entries(
    layout: &FileLayout,
    entries: &[PackageEntry<'_>],
    named: &BTreeSet<&str>,
) -> Vec<usize> {
    let own: BTreeSet<&str> = match &layout.select {
        FileSelection::Rest => BTreeSet::new(),
        FileSelection::Paths(paths) => paths.iter().map(String::as_str).collect(),
    };
    let is_rest = layout.select == FileSelection::Rest;
    let is_selected = |path: &str| if is_rest { !named.contains(path) } else { own.contains(path) };
    (0..entries.len()).filter(|index| is_selected(&entries[*index].path)).collect()
}

/// The path of a file in the archive.
pub(super) fn archive_path(layout: &FileLayout, path: &str) -> String {
    format!("{}{}", layout.prefix, path.trim_start_matches('/'))
}

/// The mode of a directory above the files that the package does not own.
pub(super) fn parent_mode(layout: &FileLayout, path: &str) -> u32 {
    let known = layout.parent_modes.iter().find(|it| it.path == path);
    known.map_or(0o755, |it| it.mode)
}

/// The records of the extended header of a file. `built` is the file, where a record needs it.
pub(super) fn file_records(layout: &FileLayout, built: Option<&BuiltFile>) -> Vec<(String, String)> {
    header_records(&layout.headers, |algorithm| match built.map(|it| &it.kind)? {
        FileKind::Regular(_, digests) => Some(select(digests, algorithm).to_owned()),
        FileKind::Link(to) => digest_bytes(algorithm, to.as_bytes()),
        FileKind::Directory => None,
    })
}

/// In hexadecimal. What is in memory can always be read.
pub(super) fn digest_bytes(algorithm: DigestAlgorithm, bytes: &[u8]) -> Option<String> {
    checksums::digest(algorithm, bytes).ok().map(|digest| hex(&digest))
}

/// Those of what has these digests, if any.
pub(super) fn header_records(
    headers: &[ExtendedHeader],
    digest: impl Fn(DigestAlgorithm) -> Option<String>,
) -> Vec<(String, String)> {
    let value = |value: &HeaderValue| match value {
        HeaderValue::Text(text) => Some(text.clone()),
        HeaderValue::Digest(algorithm) => digest(*algorithm),
    };
    headers.iter().filter_map(|it| Some((it.keyword.clone(), value(&it.value)?))).collect()
}
