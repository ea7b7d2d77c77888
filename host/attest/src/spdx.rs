//! Bills of materials of SPDX 2.3, as JSON.

use opkg::digest::hex;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use crate::content_id;
use crate::facts::{PackageFacts, Person};
use crate::license;

/// The document about a package, written by this version of this program.
pub(crate) fn document(facts: &PackageFacts, tool_version: &str) -> String {
    content_id::seal(|id| {
        let mut document = json!({
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": "SPDXRef-DOCUMENT",
            "name": facts.file_name,
            "documentNamespace": id,
            "creationInfo": {
                "created": facts.time,
                "creators": [format!("Tool: opkgc-{tool_version}")],
            },
            "packages": [package(facts)],
            "files": files(facts),
            "relationships": relationships(facts),
        });
        if let Some(packages) = document["packages"].as_array_mut() {
            packages.extend(required_packages(facts));
            packages.extend(payload_packages(facts));
        }
        if !license::is_expression(&facts.license) {
            document["hasExtractedLicensingInfos"] =
                json!([{"licenseId": OWN_LICENSE, "name": facts.license, "extractedText": facts.license}]);
        }
        document
    })
}

/// Stands for a licence that is told in the OPKG's own words.
const OWN_LICENSE: &str = "LicenseRef-opkg";

fn package(facts: &PackageFacts) -> Value {
    let license = if license::is_expression(&facts.license) { facts.license.as_str() } else { OWN_LICENSE };
    let mut package = json!({
        "SPDXID": "SPDXRef-Package",
        "name": facts.name,
        "versionInfo": facts.version,
        "packageFileName": facts.file_name,
        "primaryPackagePurpose": "INSTALL",
        "summary": facts.summary,
        "supplier": agent(&facts.maintainer),
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": true,
        "packageVerificationCode": {"packageVerificationCodeValue": verification_code(facts)},
        "checksums": checksums(&facts.sha1, &facts.sha256),
        "licenseDeclared": license,
        "licenseConcluded": "NOASSERTION",
        "licenseInfoFromFiles": ["NOASSERTION"],
        "copyrightText": "NOASSERTION",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": facts.purl,
        }],
    });
    if let Some(homepage) = &facts.homepage {
        package["homepage"] = json!(homepage);
    }
    package
}

/// Of all files, as section 7.9 of the specification computes it.
fn verification_code(facts: &PackageFacts) -> String {
    let mut digests: Vec<&str> = facts.files.iter().map(|file| file.sha1.as_str()).collect();
    digests.sort_unstable();
    hex(&Sha1::digest(digests.concat()))
}

fn checksums(sha1: &str, sha256: &str) -> Value {
    json!([
        {"algorithm": "SHA1", "checksumValue": sha1},
        {"algorithm": "SHA256", "checksumValue": sha256},
    ])
}

fn agent(person: &Person) -> String {
    match &person.email {
        Some(email) => format!("Person: {} ({email})", person.name),
        None => format!("Person: {}", person.name),
    }
}

fn files(facts: &PackageFacts) -> Vec<Value> {
    let files = facts.files.iter().zip(1..).map(|(file, number)| {
        json!({
            "SPDXID": file_id(number),
            // Relative to the root.
            "fileName": format!("./{}", file.path.trim_start_matches('/')),
            "checksums": checksums(&file.sha1, &file.sha256),
            "licenseConcluded": "NOASSERTION",
            "licenseInfoInFiles": ["NOASSERTION"],
            "copyrightText": "NOASSERTION",
        })
    });
    files.collect()
}

/// Packages of others, of which no more is known than that they are needed.
fn required_packages(facts: &PackageFacts) -> impl Iterator<Item = Value> {
    facts.requires.iter().zip(1..).map(|(required, number)| {
        let mut package = json!({
            "SPDXID": requirement_id(number),
            "name": required.name,
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": false,
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "NOASSERTION",
            "copyrightText": "NOASSERTION",
        });
        if let Some(bound) = &required.bound {
            package["comment"] = json!(format!("version {bound}"));
        }
        package
    })
}

/// What others have built, of which files are in the package.
fn payload_packages(facts: &PackageFacts) -> impl Iterator<Item = Value> {
    facts.payloads.iter().zip(1..).map(|(payload, number)| {
        json!({
            "SPDXID": payload_id(number),
            "name": payload.name,
            "packageFileName": payload.name,
            "downloadLocation": payload.url.as_deref().unwrap_or("NOASSERTION"),
            "filesAnalyzed": false,
            "checksums": [{"algorithm": "SHA256", "checksumValue": payload.sha256}],
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "NOASSERTION",
            "copyrightText": "NOASSERTION",
        })
    })
}

fn relationships(facts: &PackageFacts) -> Vec<Value> {
    let relationship = |from: &str, kind: &str, to: &str| json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to});
    let mut all = vec![relationship("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Package")];
    all.extend((1..=facts.files.len()).map(|it| relationship("SPDXRef-Package", "CONTAINS", &file_id(it))));
    let needed = 1..=facts.requires.len();
    all.extend(needed.map(|it| relationship("SPDXRef-Package", "DEPENDS_ON", &requirement_id(it))));
    let payloads = 1..=facts.payloads.len();
    all.extend(payloads.map(|it| relationship("SPDXRef-Package", "GENERATED_FROM", &payload_id(it))));
    all
}

fn file_id(number: usize) -> String {
    format!("SPDXRef-File-{number}")
}

fn payload_id(number: usize) -> String {
    format!("SPDXRef-Payload-{number}")
}

fn requirement_id(number: usize) -> String {
    format!("SPDXRef-Required-{number}")
}
