//! What a document says, as far as it can be held against something.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document_kind::DocumentKind;

/// What a document says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Claims {
    /// The name of the package's file, where the document has it.
    pub(super) file_name: Option<String>,
    /// SHA-256 of the package.
    pub(super) sha256: Option<String>,
    /// SHA-256 of the files of the package, by their paths without `/` in front; of a bill of materials.
    pub(super) files: Option<BTreeMap<String, String>>,
    /// SHA-256 of the documents that it names; of a statement.
    pub(super) documents: BTreeMap<String, String>,
    /// SHA-256 of what the package was made of; of a statement.
    pub(super) materials: BTreeMap<String, String>,
}

impl Claims {
    pub(super) fn new(kind: DocumentKind, document: &Value) -> Self {
        match kind {
            DocumentKind::Spdx => of_spdx(document),
            DocumentKind::CycloneDx => of_cyclonedx(document),
            DocumentKind::Provenance => of_statement(document),
        }
    }
}

fn of_spdx(document: &Value) -> Claims {
    let sha256 = |element: &Value| {
        let sums = element["checksums"].as_array()?;
        text(&sums.iter().find(|sum| sum["algorithm"] == "SHA256")?["checksumValue"])
    };
    let package = entries(&document["packages"]).iter().find(|it| it["SPDXID"] == "SPDXRef-Package");
    let files = entries(&document["files"]).iter();
    let files = files.filter_map(|file| {
        let path = text(&file["fileName"])?;
        Some((path.strip_prefix("./").unwrap_or(&path).to_owned(), sha256(file)?))
    });
    Claims {
        file_name: package.and_then(|it| text(&it["packageFileName"])),
        sha256: package.and_then(sha256),
        files: Some(files.collect()),
        ..Claims::default()
    }
}

fn of_cyclonedx(document: &Value) -> Claims {
    let sha256 = |component: &Value| {
        let sums = component["hashes"].as_array()?;
        text(&sums.iter().find(|sum| sum["alg"] == "SHA-256")?["content"])
    };
    let files = entries(&document["components"]).iter().filter(|component| component["type"] == "file");
    let files = files
        .filter_map(|file| Some((text(&file["name"])?.trim_start_matches('/').to_owned(), sha256(file)?)));
    Claims {
        sha256: sha256(&document["metadata"]["component"]),
        files: Some(files.collect()),
        ..Claims::default()
    }
}

fn of_statement(document: &Value) -> Claims {
    let resources = |list: &Value| {
        let named = entries(list).iter();
        named.filter_map(|it| Some((text(&it["name"])?, text(&it["digest"]["sha256"])?))).collect()
    };
    let subject: BTreeMap<String, String> = resources(&document["subject"]);
    let (file_name, sha256) = subject.into_iter().next().unzip();
    let predicate = &document["predicate"];
    Claims {
        file_name,
        sha256,
        files: None,
        documents: resources(&predicate["runDetails"]["byproducts"]),
        materials: resources(&predicate["buildDefinition"]["resolvedDependencies"]),
    }
}

fn entries(list: &Value) -> &[Value] {
    list.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
