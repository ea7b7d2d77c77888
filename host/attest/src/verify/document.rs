//! One document about a package.

use std::io::Cursor;

use std::collections::BTreeMap;

use opkg::digest::{sha256, sha256_of};
use opkg_inspect::{FileEntry, Package};
use serde_json::Value;

use super::claims::Claims;
use super::evidence::{DocumentFile, Evidence};
use super::expectations::Expectations;
use super::materials;
use super::own::signed;
use super::report::Report;
use crate::content_id;
use crate::document_kind::DocumentKind;
use crate::facts::installed_files;

/// Looks at a document. Whether one of the keys signed it.
pub(super) fn check(
    evidence: &Evidence<'_>,
    kind: DocumentKind,
    file: &DocumentFile,
    package: Option<&Package>,
    expected: &Expectations<'_>,
    report: &mut Report,
) -> bool {
    let name = kind.file_name(evidence.file_name);
    let text = std::str::from_utf8(&file.bytes).ok();
    let read = text.and_then(|text| Some((text, serde_json::from_str::<Value>(text).ok()?)));
    let Some((text, document)) = read else {
        report.add(&name, "format", Err("it is no JSON".into()));
        return false;
    };
    let sealed = content_id::is_sealed(text, &document, kind);
    report.add(
        &name,
        "own contents",
        require(sealed, "they are not those that it is named by: it was changed"),
    );
    let claims = Claims::new(kind, &document);
    let found = evidence.open().and_then(sha256_of).ok();
    let is_same = found.is_some()
        && claims.sha256 == found
        && claims.file_name.as_deref().is_none_or(|named| named == evidence.file_name);
    report.add(
        &name,
        "package that it is about",
        require(is_same, "it is about another package, or this one was changed"),
    );
    if let Some((files, package)) = claims.files.as_ref().zip(package) {
        report.add(&name, "files of the package", compare_files(files, package));
    }
    for (other, digest) in &claims.documents {
        report.add(
            &name,
            format!("the document {}", other.escape_debug()),
            same_document(evidence, other, digest),
        );
    }
    if kind == DocumentKind::Provenance {
        materials::check(&name, &claims.materials, expected, report);
    }
    let Some(keys) = expected.keys else { return false };
    let holds =
        file.signature.as_ref().map(|signature| keys.verify(&mut Cursor::new(&file.bytes), signature));
    // Beside a signed document, one without a signature would be believed as well.
    let result = holds.map_or_else(|| Err("it is not there".to_owned()), signed);
    report.add(&format!("{name}.asc"), "signature", result);
    holds == Some(true)
}

fn require(holds: bool, problem: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(problem.to_owned()) }
}

fn compare_files(listed: &BTreeMap<String, String>, package: &Package) -> Result<(), String> {
    let digest = |entry: &FileEntry| entry.digest.clone().unwrap_or_default();
    let found: BTreeMap<String, String> = installed_files(package)
        .map(|(path, entry)| (path.trim_start_matches('/').to_owned(), digest(entry)))
        .collect();
    let differs = |path: &&String| listed.get(*path) != found.get(*path);
    match listed.keys().chain(found.keys()).find(differs) {
        Some(path) => Err(format!("{} is not as it is listed", path.escape_debug())),
        None => Ok(()),
    }
}

/// Whether a document that a statement names is there and is the same.
fn same_document(evidence: &Evidence<'_>, name: &str, digest: &str) -> Result<(), String> {
    let kind = DocumentKind::ALL.into_iter().find(|kind| kind.file_name(evidence.file_name) == name);
    let Some(file) = kind.and_then(|kind| evidence.documents.get(&kind)) else {
        return Err("it is not beside the package".into());
    };
    require(sha256(&file.bytes) == digest, "it is not the one that was written with the package")
}
