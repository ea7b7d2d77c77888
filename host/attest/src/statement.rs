//! Statements of in-toto, version 1, with the predicate of SLSA for provenance, version 1.

use opkg::digest::{hex, sha256};
use opkg::model::{Opkg, SourceFile};
use serde_json::{Value, json};

use crate::build_facts::BuildFacts;
use crate::content_id;
use crate::facts::PackageFacts;
use crate::payloads::{PAYLOAD_PREFIX, payload_digests};

/// What the predicate's fields mean: `docs/supply-chain.md`.
pub(crate) const BUILD_TYPE: &str = "urn:opkg:build:1";

/// What is before the path of a file of the OPKG, and before the id of a plugin.
pub(crate) const FILE_PREFIX: &str = "opkg:";
pub(crate) const PLUGIN_PREFIX: &str = "plugin:";

/// The statement about a package, with the documents that were written of it before: names and contents.
pub(crate) fn document(
    facts: &PackageFacts,
    opkg: &Opkg,
    build: &BuildFacts<'_>,
    target: &str,
    documents: &[(&str, &str)],
) -> String {
    let byproducts: Vec<Value> =
        documents.iter().map(|(name, text)| resource(name, &sha256(text.as_bytes()))).collect();
    content_id::seal(|id| {
        json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [resource(&facts.file_name, &facts.sha256)],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {
                "buildDefinition": {
                    "buildType": BUILD_TYPE,
                    "externalParameters": {
                        "opkg": opkg.name,
                        "version": opkg.version().map(ToString::to_string),
                        "target": target,
                        "sourceDate": facts.time,
                        "settings": build.settings,
                    },
                    "resolvedDependencies": materials(opkg, build),
                },
                "runDetails": {
                    "builder": {"id": "pkg:generic/opkgc", "version": {"opkgc": build.opkgc_version}},
                    "metadata": {"invocationId": id},
                    "byproducts": byproducts,
                },
            },
        })
    })
}

fn resource(name: &str, sha256: &str) -> Value {
    json!({"name": name, "digest": {"sha256": sha256}})
}

/// The files of the OPKG, those of payloads among them; then the sources of payloads, then the plugin.
fn materials(opkg: &Opkg, build: &BuildFacts<'_>) -> Vec<Value> {
    let files = opkg.files.iter().map(|file| {
        let mut file_resource = resource(&format!("{FILE_PREFIX}{}", file.path), &material_digest(file));
        if let Some(link) = &file.link {
            file_resource["annotations"] = json!({"link": link});
        }
        file_resource
    });
    let payloads = payload_digests(opkg).into_iter().map(|(payload, sha256)| {
        let mut payload_resource = resource(&format!("{PAYLOAD_PREFIX}{}", payload.source), &sha256);
        if !payload.is_inside {
            payload_resource["uri"] = json!(payload.source);
        }
        payload_resource
    });
    let plugin = &build.plugin;
    let mut plugin_resource = resource(&format!("{PLUGIN_PREFIX}{}", plugin.id), plugin.sha256);
    plugin_resource["annotations"] = json!({"version": plugin.version});
    files.chain(payloads).chain([plugin_resource]).collect()
}

/// SHA-256 of a file's contents; of a link, of what it holds.
pub(crate) fn material_digest(file: &SourceFile) -> String {
    match &file.link {
        Some(link) => sha256(link.as_bytes()),
        None => hex(&file.sha256),
    }
}
