//! Brings a component, and what vouches for it.

use crate::artifact::component_of;
use crate::bundle::BUNDLE_MEDIA_TYPE;
use crate::client::{Client, RawManifest};
use crate::digest::Digest;
use crate::error::RegistryError;
use crate::json::parse_json;
use crate::manifest::{Descriptor, EMPTY_MEDIA_TYPE, Manifest};
use crate::reference::{Reference, Selector};
use crate::simple_signing::{PAYLOAD_MEDIA_TYPE, SIGNATURE_ANNOTATION, signature_tag};
use crate::verify::Evidence;
use crate::versions::{newest_version, parse_tag};

/// Bytes of a signature.
const MAX_SIGNATURE_BYTES: u64 = 1 << 20;

/// Signatures that are looked at: anybody who may write there can add some.
const MAX_SIGNATURES: usize = 32;

/// What refers to a plugin, signature or not, that is looked at.
const MAX_REFERRERS: usize = 100;

/// Versions that an error names.
const MAX_VERSIONS_NAMED: usize = 10;

/// A component that has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// Of the manifest: what signatures are of.
    pub digest: Digest,
    /// The component itself.
    pub component: Vec<u8>,
}

/// The reference with the newest version in the place of none.
///
/// # Errors
/// When there is no version, or the registry does not answer.
pub fn resolve(client: &Client<'_>, reference: &Reference) -> Result<Reference, RegistryError> {
    match &reference.selector {
        Selector::Newest => {
            let tags = client.tags()?;
            if tags.is_empty() {
                return Err(RegistryError::NotFound { reference: reference.clone(), versions: Vec::new() });
            }
            let newest = newest_version(&tags, false);
            let newest = newest.ok_or_else(|| RegistryError::NoVersion(reference.clone()))?;
            Ok(reference.with(Selector::Tag(newest.to_owned())))
        }
        Selector::Tag(_) | Selector::Digest(_) => Ok(reference.clone()),
    }
}

/// Brings the component that a reference names, of at most so many bytes. `is_wanted` is asked before the component
/// itself comes.
///
/// # Errors
/// When there is none, it is something else or was altered; or as `is_wanted` says.
pub fn pull<E: From<RegistryError>>(
    client: &Client<'_>,
    reference: &Reference,
    limit: u64,
    is_wanted: impl FnOnce(&Digest) -> Result<(), E>,
) -> Result<Pulled, E> {
    let manifest = find_manifest(client, reference)?;
    let component = component_of(reference, &manifest)?;
    is_wanted(&manifest.digest)?;
    let component = client.blob(&component, limit)?;
    Ok(Pulled { digest: manifest.digest, component })
}

/// What a reference names now.
///
/// # Errors
/// When there is none.
pub fn current_digest(client: &Client<'_>, reference: &Reference) -> Result<Digest, RegistryError> {
    Ok(find_manifest(client, reference)?.digest)
}

fn find_manifest(client: &Client<'_>, reference: &Reference) -> Result<RawManifest, RegistryError> {
    match client.manifest(&reference.selector)? {
        Some(manifest) => Ok(manifest),
        None => {
            // What there is helps; that it cannot be said is no other error.
            let tags = client.tags().unwrap_or_default();
            let mut versions: Vec<_> = tags.iter().filter_map(|tag| parse_tag(tag)).collect();
            versions.sort();
            let newest = versions.iter().rev().take(MAX_VERSIONS_NAMED).map(ToString::to_string);
            Err(RegistryError::NotFound { reference: reference.clone(), versions: newest.collect() })
        }
    }
}

/// What vouches for a manifest: bundles that refer to it, and what cosign had before.
///
/// # Errors
/// When the registry does not answer as it should.
pub fn signatures(client: &Client<'_>, digest: &Digest) -> Result<Vec<Evidence>, RegistryError> {
    let mut found = Vec::new();
    for referrer in client.referrers(digest)?.into_iter().take(MAX_REFERRERS) {
        if found.len() == MAX_SIGNATURES {
            break;
        }
        let Some(bundle) = find_bundle(client, &referrer)? else { continue };
        found.push(Evidence::Bundle(client.blob(&bundle, MAX_SIGNATURE_BYTES)?));
    }
    let Some(raw) = client.manifest(&Selector::Tag(signature_tag(digest)))? else { return Ok(found) };
    let image: Manifest = parse_json(&raw.bytes, "image of signatures")?;
    for layer in image.layers.iter().filter(|it| it.media_type == PAYLOAD_MEDIA_TYPE) {
        let Some(signature) = layer.annotations.get(SIGNATURE_ANNOTATION) else { continue };
        if found.len() == MAX_SIGNATURES {
            break;
        }
        let payload = client.blob(layer, MAX_SIGNATURE_BYTES)?;
        found.push(Evidence::SimpleSigning { payload, signature: signature.clone() });
    }
    Ok(found)
}

/// The bundle of what refers to an artifact, if it is one. Lists that clients keep do not always say what is in them, so
/// that the manifest itself is asked.
fn find_bundle(client: &Client<'_>, referrer: &Descriptor) -> Result<Option<Descriptor>, RegistryError> {
    let is_other = |kind: &str| kind != BUNDLE_MEDIA_TYPE && kind != EMPTY_MEDIA_TYPE;
    if referrer.artifact_type.as_deref().is_some_and(is_other) {
        return Ok(None);
    }
    let Some(raw) = client.manifest(&Selector::Digest(referrer.digest.clone()))? else { return Ok(None) };
    let manifest: Manifest = parse_json(&raw.bytes, "manifest of a signature")?;
    Ok(manifest.layers.into_iter().find(|it| it.media_type == BUNDLE_MEDIA_TYPE))
}
