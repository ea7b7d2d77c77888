//! Bills of materials of CycloneDX 1.6, as JSON.

use serde_json::{Value, json};

use crate::content_id;
use crate::facts::PackageFacts;
use crate::license;

/// The document about a package, written by this version of this program.
pub(crate) fn document(facts: &PackageFacts, tool_version: &str) -> String {
    content_id::seal(|id| {
        json!({
            "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": id,
            "version": 1,
            "metadata": {
                "timestamp": facts.time,
                "tools": {"components": [{"type": "application", "name": "opkgc", "version": tool_version}]},
                "component": package(facts),
            },
            "components": components(facts),
            "dependencies": dependencies(facts),
        })
    })
}

fn package(facts: &PackageFacts) -> Value {
    let mut contact = json!({"name": facts.maintainer.name});
    if let Some(email) = &facts.maintainer.email {
        contact["email"] = json!(email);
    }
    let license = match license::is_expression(&facts.license) {
        true => json!({"expression": facts.license}),
        false => json!({"license": {"name": facts.license}}),
    };
    let mut package = json!({
        "type": "application",
        "bom-ref": facts.purl,
        "name": facts.name,
        "version": facts.version,
        "description": facts.summary,
        "supplier": {"name": facts.maintainer.name, "contact": [contact]},
        "hashes": hashes(&facts.sha1, &facts.sha256),
        "licenses": [license],
        "purl": facts.purl,
    });
    if let Some(homepage) = &facts.homepage {
        package["externalReferences"] = json!([{"type": "website", "url": homepage}]);
    }
    package
}

fn hashes(sha1: &str, sha256: &str) -> Value {
    json!([{"alg": "SHA-1", "content": sha1}, {"alg": "SHA-256", "content": sha256}])
}

/// The files of the package, then what it needs of others, then what others have built of which it has files.
fn components(facts: &PackageFacts) -> Vec<Value> {
    let files = facts.files.iter().zip(1..).map(|(file, number)| {
        json!({
            "type": "file",
            "bom-ref": format!("file-{number}"),
            "name": file.path,
            "hashes": hashes(&file.sha1, &file.sha256),
        })
    });
    let required = facts.requires.iter().zip(1..).map(|(required, number)| {
        let mut component =
            json!({"type": "library", "bom-ref": requirement_ref(number), "name": required.name});
        if let Some(bound) = &required.bound {
            component["properties"] = json!([{"name": "opkg:required-version", "value": bound}]);
        }
        component
    });
    let payloads = facts.payloads.iter().zip(1..).map(|(payload, number)| {
        let mut component = json!({
            "type": "application",
            "bom-ref": format!("payload-{number}"),
            "name": payload.name,
            "hashes": [{"alg": "SHA-256", "content": payload.sha256}],
            "properties": [{"name": "opkg:payload", "value": "files are taken of it"}],
        });
        if let Some(url) = &payload.url {
            component["externalReferences"] = json!([{"type": "distribution", "url": url}]);
        }
        component
    });
    files.chain(required).chain(payloads).collect()
}

fn dependencies(facts: &PackageFacts) -> Vec<Value> {
    let required: Vec<String> = (1..=facts.requires.len()).map(requirement_ref).collect();
    let leaves = required.iter().map(|required| json!({"ref": required})).collect::<Vec<_>>();
    [json!({"ref": facts.purl, "dependsOn": required})].into_iter().chain(leaves).collect()
}

fn requirement_ref(number: usize) -> String {
    format!("required-{number}")
}
