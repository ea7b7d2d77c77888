//! Sources of payloads, as documents name them.

use std::collections::BTreeSet;

use opkg::digest::hex;
use opkg::model::{Opkg, Payload};

/// What is before the source of a payload in the materials of a statement.
pub(crate) const PAYLOAD_PREFIX: &str = "payload:";

/// The payloads with a source that has a checksum, each source once.
pub(crate) fn payload_digests(opkg: &Opkg) -> Vec<(&Payload, String)> {
    let mut seen = BTreeSet::new();
    let digests = opkg.payloads.iter().filter_map(|payload| {
        Some((payload, hex(&payload.digest?.sha256))).filter(|_| seen.insert(payload.source.as_str()))
    });
    digests.collect()
}
