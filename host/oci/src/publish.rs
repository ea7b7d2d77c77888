//! Brings a component to a registry, and a signature of it.

use std::collections::BTreeMap;

use crate::artifact::{ArtifactFacts, COMPONENT_MEDIA_TYPE, CONFIG_MEDIA_TYPE, component_of};
use crate::bundle::{BUNDLE_MEDIA_TYPE, sign_bundle};
use crate::client::Client;
use crate::digest::Digest;
use crate::error::RegistryError;
use crate::json::to_json;
use crate::key::PrivateKey;
use crate::manifest::{Descriptor, EMPTY, EMPTY_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Manifest};
use crate::reference::{Reference, Selector};
use crate::statement::PREDICATE_TYPE;

/// What has been published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Of the manifest.
    pub digest: Digest,
    /// Whether it was there already.
    pub was_there: bool,
}

/// Brings a component to where a reference names, and signs it if there is a key. A version stays what it is: the same
/// component may come again, another one may not.
///
/// # Errors
/// When the version is there and is another component, or the registry refuses.
pub fn publish(
    client: &Client<'_>,
    reference: &Reference,
    component: &[u8],
    facts: &ArtifactFacts,
    key: Option<&PrivateKey>,
) -> Result<Published, RegistryError> {
    let (subject, was_there) = match client.manifest(&reference.selector)? {
        Some(there) => {
            let found = component_of(reference, &there)?.digest;
            if found != Digest::of(component) {
                return Err(RegistryError::AlreadyThere { reference: reference.clone(), found });
            }
            (Descriptor::of(&there.media_type, &there.bytes), true)
        }
        None => {
            let layer = client.push_blob(COMPONENT_MEDIA_TYPE, component)?;
            let config = client.push_blob(CONFIG_MEDIA_TYPE, &to_json(&facts.config(&layer.digest))?)?;
            let manifest = to_json(&facts.manifest(config, layer))?;
            client.push_manifest(&reference.selector, MANIFEST_MEDIA_TYPE, &manifest)?;
            (Descriptor::of(MANIFEST_MEDIA_TYPE, &manifest), false)
        }
    };
    let digest = subject.digest.clone();
    if let Some(key) = key {
        attach(client, subject, sign_bundle(&digest, key)?, &facts.created)?;
    }
    Ok(Published { digest, was_there })
}

/// Attaches a bundle to what it is of.
fn attach(
    client: &Client<'_>,
    subject: Descriptor,
    bundle: Vec<u8>,
    created: &str,
) -> Result<(), RegistryError> {
    let annotations: BTreeMap<String, String> = [
        ("dev.sigstore.bundle.content", "dsse-envelope"),
        ("dev.sigstore.bundle.predicateType", PREDICATE_TYPE),
        ("org.opencontainers.image.created", created),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let config = client.push_blob(EMPTY_MEDIA_TYPE, EMPTY)?;
    let layer = client.push_blob(BUNDLE_MEDIA_TYPE, &bundle)?;
    let subject_digest = subject.digest.clone();
    let manifest = to_json(&Manifest {
        schema_version: 2,
        media_type: Some(MANIFEST_MEDIA_TYPE.into()),
        artifact_type: Some(BUNDLE_MEDIA_TYPE.into()),
        config,
        layers: vec![layer],
        subject: Some(subject),
        annotations: annotations.clone(),
    })?;
    let mut referrer = Descriptor::of(MANIFEST_MEDIA_TYPE, &manifest);
    let selector = Selector::Digest(referrer.digest.clone());
    let is_noted = client.push_manifest(&selector, MANIFEST_MEDIA_TYPE, &manifest)?;
    if is_noted {
        return Ok(());
    }
    referrer.artifact_type = Some(BUNDLE_MEDIA_TYPE.into());
    referrer.annotations = annotations;
    client.note_referrer(&subject_digest, referrer)
}
