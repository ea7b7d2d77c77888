//! What cosign signs in a bundle: a statement of in-toto 1 whose predicate says nothing but that it is signed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::digest::Digest;

/// Of the payload of an envelope.
pub(crate) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// That of `cosign sign`. Others, such as provenance, tell something about an artifact, and vouch for nothing.
pub(crate) const PREDICATE_TYPE: &str = "https://sigstore.dev/cosign/sign/v1";

const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
const ALGORITHM: &str = "sha256";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
    #[serde(default)]
    predicate: Value,
}

#[derive(Serialize, Deserialize)]
struct Subject {
    digest: BTreeMap<String, String>,
}

impl Statement {
    /// That something is signed.
    pub(crate) fn of(digest: &Digest) -> Self {
        Self {
            kind: STATEMENT_TYPE.into(),
            subject: vec![Subject { digest: [(ALGORITHM.to_owned(), digest.hex().to_owned())].into() }],
            predicate_type: PREDICATE_TYPE.into(),
            predicate: Value::Object(Map::new()),
        }
    }

    /// Whether it says that something is signed.
    pub(crate) fn is_signature(&self) -> bool {
        self.kind == STATEMENT_TYPE && self.predicate_type == PREDICATE_TYPE
    }

    /// Whether it is about this.
    pub(crate) fn is_about(&self, digest: &Digest) -> bool {
        self.subject.iter().any(|it| it.digest.get(ALGORITHM).is_some_and(|hex| hex == digest.hex()))
    }
}
