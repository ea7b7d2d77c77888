//! What registries are asked: OCI distribution 1.1.

use opkg_fetch::{FetchError, Fetcher, Method};
use opkg_interface::text::one_line;
use serde::Deserialize;

use crate::auth_file::AuthFile;
use crate::connection::{Access, Connection, Scheme, too_large};
use crate::digest::Digest;
use crate::error::RegistryError;
use crate::json::{parse_json, to_json};
use crate::manifest::{ACCEPTED_MEDIA_TYPES, Descriptor, INDEX_MEDIA_TYPE, Index};
use crate::reference::{Reference, Selector};

/// Bytes of a manifest; registries take no more.
const MAX_MANIFEST_BYTES: u64 = 4 << 20;
/// Bytes of a page of tags.
const MAX_TAGS_BYTES: u64 = 4 << 20;
/// Pages of a list that are asked for.
const MAX_PAGES: usize = 100;

/// Asks one registry about one name.
#[derive(Debug)]
pub struct Client<'a> {
    connection: Connection<'a>,
}

/// A manifest as it came.
#[derive(Debug, Clone)]
pub(crate) struct RawManifest {
    pub(crate) digest: Digest,
    pub(crate) media_type: String,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Deserialize)]
struct TagsJson {
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MediaTypeJson {
    media_type: Option<String>,
}

impl<'a> Client<'a> {
    /// One for the name of a reference.
    #[must_use]
    pub fn new(fetcher: &'a Fetcher, scheme: Scheme, auth: &AuthFile, reference: &Reference) -> Self {
        Self { connection: Connection::new(fetcher, scheme, auth, reference) }
    }

    /// The tags under the name; none where there is nothing of it.
    ///
    /// # Errors
    /// When the registry does not answer as it should.
    pub fn tags(&self) -> Result<Vec<String>, RegistryError> {
        let mut tags = Vec::new();
        let mut next = Some(self.connection.url("tags/list?n=1000"));
        for _ in 0..MAX_PAGES {
            let Some(url) = next.take() else { break };
            let response = self.connection.send(Access::Pull, Method::Get, &url, &[], &[])?;
            let what = format!("list of the tags of {}", self.connection.reference);
            match response.status() {
                200 => {}
                404 => break,
                _ => return Err(self.connection.refusal(response, &what)),
            }
            next = self.connection.next_page(&response);
            let bytes = response.read(MAX_TAGS_BYTES).map_err(|error| too_large(error, &what))?;
            tags.extend(parse_json::<TagsJson>(&bytes, &what)?.tags.unwrap_or_default());
        }
        Ok(tags)
    }

    /// A manifest; nothing where there is none.
    pub(crate) fn manifest(&self, selector: &Selector) -> Result<Option<RawManifest>, RegistryError> {
        let what = self.connection.reference.with(selector.clone()).to_string();
        let url = self.connection.url(&format!("manifests/{}", name_of(selector)));
        let headers = [("accept", ACCEPTED_MEDIA_TYPES)];
        let response = self.connection.send(Access::Pull, Method::Get, &url, &headers, &[])?;
        match response.status() {
            200 => {}
            404 => return Ok(None),
            _ => return Err(self.connection.refusal(response, &what)),
        }
        let said_type = response.header("content-type").unwrap_or_default().to_owned();
        let said_digest = response.header("docker-content-digest").and_then(|it| it.parse().ok());
        let expected = match selector {
            Selector::Digest(digest) => Some(digest.clone()),
            Selector::Tag(_) | Selector::Newest => said_digest,
        };
        let bytes = response.read(MAX_MANIFEST_BYTES).map_err(|error| too_large(error, &what))?;
        let found = Digest::of(&bytes);
        if let Some(expected) = expected.filter(|it| *it != found) {
            return Err(RegistryError::Altered { what, expected, found });
        }
        // What the digest covers, before what it does not.
        let media_type = serde_json::from_slice(&bytes).ok().and_then(|it: MediaTypeJson| it.media_type);
        Ok(Some(RawManifest { digest: found, media_type: media_type.unwrap_or(said_type), bytes }))
    }

    /// What a descriptor names, of which there may be so many bytes.
    pub(crate) fn blob(&self, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, RegistryError> {
        let Descriptor { digest, size, .. } = descriptor;
        let what = format!("blob {digest} of {}", self.connection.reference);
        if *size > limit {
            let what = format!("the {what}");
            return Err(RegistryError::TooLarge { what, limit });
        }
        let url = self.connection.url(&format!("blobs/{digest}"));
        let response = self.connection.send(Access::Pull, Method::Get, &url, &[], &[])?;
        match response.status() {
            200 => {}
            404 => {
                let reason = "it is not there, and the manifest names it".into();
                return Err(RegistryError::Malformed { what, reason });
            }
            _ => return Err(self.connection.refusal(response, &what)),
        }
        let bytes = match response.read(*size) {
            Err(FetchError::TooLarge { .. }) => {
                let reason = format!("it is larger than the {size} bytes that the manifest says");
                return Err(RegistryError::Malformed { what, reason });
            }
            read => read?,
        };
        let found = Digest::of(&bytes);
        if found == *digest {
            Ok(bytes)
        } else {
            let what = format!("the {what}");
            Err(RegistryError::Altered { what, expected: digest.clone(), found })
        }
    }

    /// What refers to a manifest, such as its signatures: as the registry knows it, or else below a tag of its digest.
    pub(crate) fn referrers(&self, digest: &Digest) -> Result<Vec<Descriptor>, RegistryError> {
        let what = format!("list of what refers to {digest}");
        let mut found = Vec::new();
        let mut next = Some(self.connection.url(&format!("referrers/{digest}")));
        for _ in 0..MAX_PAGES {
            let Some(url) = next.take() else { break };
            let response = self.connection.send(
                Access::Pull,
                Method::Get,
                &url,
                &[("accept", INDEX_MEDIA_TYPE)],
                &[],
            )?;
            match response.status() {
                200 => {}
                400..=499 if !matches!(response.status(), 401 | 403 | 429) => {
                    return Ok(self.referrers_by_tag(digest)?.manifests);
                }
                _ => return Err(self.connection.refusal(response, &what)),
            }
            next = self.connection.next_page(&response);
            let bytes = response.read(MAX_MANIFEST_BYTES).map_err(|error| too_large(error, &what))?;
            found.extend(parse_json::<Index>(&bytes, &what)?.manifests);
        }
        Ok(found)
    }

    fn referrers_by_tag(&self, digest: &Digest) -> Result<Index, RegistryError> {
        match self.manifest(&Selector::Tag(referrers_tag(digest)))? {
            Some(raw) => parse_json(&raw.bytes, &format!("list of what refers to {digest}")),
            None => Ok(Index::new(Vec::new())),
        }
    }

    /// Brings bytes to the registry, unless they are there.
    pub(crate) fn push_blob(&self, media_type: &str, bytes: &[u8]) -> Result<Descriptor, RegistryError> {
        let descriptor = Descriptor::of(media_type, bytes);
        let what = format!("upload of {}", descriptor.digest);
        let url = self.connection.url(&format!("blobs/{}", descriptor.digest));
        if self.connection.send(Access::Push, Method::Head, &url, &[], &[])?.status() == 200 {
            return Ok(descriptor);
        }
        let begun = self.connection.send(
            Access::Push,
            Method::Post,
            &self.connection.url("blobs/uploads/"),
            &[],
            &[],
        )?;
        let place = match (begun.status(), begun.location()) {
            (202, Some(place)) => place,
            (202, None) => {
                let reason = "the registry does not say where it goes".into();
                return Err(RegistryError::Malformed { what, reason });
            }
            _ => return Err(self.connection.refusal(begun, &what)),
        };
        if self.connection.is_encrypted() && !place.starts_with("https:") {
            let reason = format!("it should go over an open connection, to {}", one_line(&place));
            return Err(RegistryError::Malformed { what, reason });
        }
        let separator = if place.contains('?') { '&' } else { '?' };
        let url = format!("{place}{separator}digest={}", descriptor.digest);
        let headers = [("content-type", "application/octet-stream")];
        let ended = self.connection.send(Access::Push, Method::Put, &url, &headers, bytes)?;
        if ended.status() != 201 {
            return Err(self.connection.refusal(ended, &what));
        }
        Ok(descriptor)
    }

    /// Brings a manifest to the registry. Says whether the registry notes by itself what it refers to.
    pub(crate) fn push_manifest(
        &self,
        selector: &Selector,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<bool, RegistryError> {
        let what = self.connection.reference.with(selector.clone()).to_string();
        let url = self.connection.url(&format!("manifests/{}", name_of(selector)));
        let headers = [("content-type", media_type)];
        let response = self.connection.send(Access::Push, Method::Put, &url, &headers, bytes)?;
        if response.status() != 201 {
            return Err(self.connection.refusal(response, &what));
        }
        let expected = Digest::of(bytes);
        match response.header("docker-content-digest").and_then(|it| it.parse().ok()) {
            Some(found) if found != expected => Err(RegistryError::Altered { what, expected, found }),
            _ => Ok(response.header("oci-subject").is_some()),
        }
    }

    /// Notes what refers to a manifest where the registry does not do so by itself.
    pub(crate) fn note_referrer(&self, subject: &Digest, referrer: Descriptor) -> Result<(), RegistryError> {
        let mut index = self.referrers_by_tag(subject)?;
        if index.manifests.iter().any(|it| it.digest == referrer.digest) {
            return Ok(());
        }
        index.manifests.push(referrer);
        let bytes = to_json(&Index::new(index.manifests))?;
        self.push_manifest(&Selector::Tag(referrers_tag(subject)), INDEX_MEDIA_TYPE, &bytes)?;
        Ok(())
    }
}

fn name_of(selector: &Selector) -> String {
    match selector {
        Selector::Tag(tag) => tag.clone(),
        Selector::Digest(digest) => digest.to_string(),
        Selector::Newest => "latest".into(),
    }
}

/// Below which tag a registry that knows no referrers has their list.
fn referrers_tag(digest: &Digest) -> String {
    format!("sha256-{}", digest.hex())
}
