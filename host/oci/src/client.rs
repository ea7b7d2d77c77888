//! The protocol of registries: OCI distribution 1.1.

use std::cell::RefCell;
use std::collections::BTreeMap;

use opkg_fetch::{FetchError, Fetcher, Method, Request, Response};
use opkg_interface::text::one_line;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::auth_file::{AuthFile, Lookup};
use crate::challenge::Challenge;
use crate::digest::Digest;
use crate::error::{GivenCredentials, RegistryError};
use crate::manifest::{ACCEPTED_MEDIA_TYPES, Descriptor, INDEX_MEDIA_TYPE, Index};
use crate::reference::{Reference, Selector};

/// Bytes of a manifest; registries take no more.
const MAX_MANIFEST_BYTES: u64 = 4 << 20;
/// Bytes of what a registry says in an error, of a token, and of a page of tags.
const MAX_ERROR_BYTES: u64 = 64 << 10;
const MAX_TOKEN_BYTES: u64 = 1 << 20;
const MAX_TAGS_BYTES: u64 = 4 << 20;
/// Pages of a list that are asked for.
const MAX_PAGES: usize = 100;
/// Characters of what a registry says in an error.
const MAX_SAID: usize = 300;

/// How a registry is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// With encryption.
    Https,
    /// Without.
    Http,
}

/// What is done in a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Access {
    Pull,
    Push,
}

/// Asks one registry about one name.
#[derive(Debug)]
pub struct Client<'a> {
    fetcher: &'a Fetcher,
    /// The name that everything here is below.
    reference: Reference,
    /// Scheme and host.
    base: String,
    lookup: Lookup,
    /// Values of the header `Authorization` that the registry has taken.
    authorization: RefCell<BTreeMap<Access, String>>,
}

/// A manifest as it came.
#[derive(Debug, Clone)]
pub(crate) struct RawManifest {
    pub(crate) digest: Digest,
    pub(crate) media_type: String,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Deserialize)]
struct TokenJson {
    token: Option<String>,
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct TagsJson {
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct ErrorsJson {
    errors: Vec<ErrorJson>,
}

#[derive(Deserialize)]
struct ErrorJson {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
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
        let scheme = match scheme {
            Scheme::Https => "https",
            Scheme::Http => "http",
        };
        Self {
            fetcher,
            base: format!("{scheme}://{}", reference.registry),
            lookup: auth.look_up(&reference.registry, &reference.repository),
            reference: reference.with(Selector::Newest),
            authorization: RefCell::default(),
        }
    }

    /// The tags under the name; none where there is nothing of it.
    ///
    /// # Errors
    /// When the registry does not answer as it should.
    pub fn tags(&self) -> Result<Vec<String>, RegistryError> {
        let mut tags = Vec::new();
        let mut next = Some(self.url("tags/list?n=1000"));
        for _ in 0..MAX_PAGES {
            let Some(url) = next.take() else { break };
            let response = self.send(Access::Pull, Method::Get, &url, &[], &[])?;
            let what = format!("list of the tags of {}", self.reference);
            match response.status() {
                200 => {}
                404 => break,
                _ => return Err(self.refusal(response, &what)),
            }
            next = self.next_page(&response);
            let bytes = response.read(MAX_TAGS_BYTES).map_err(|error| too_large(error, &what))?;
            tags.extend(parse_json::<TagsJson>(&bytes, &what)?.tags.unwrap_or_default());
        }
        Ok(tags)
    }

    /// A manifest; nothing where there is none.
    pub(crate) fn manifest(&self, selector: &Selector) -> Result<Option<RawManifest>, RegistryError> {
        let what = self.reference.with(selector.clone()).to_string();
        let url = self.url(&format!("manifests/{}", name_of(selector)));
        let headers = [("accept", ACCEPTED_MEDIA_TYPES)];
        let response = self.send(Access::Pull, Method::Get, &url, &headers, &[])?;
        match response.status() {
            200 => {}
            404 => return Ok(None),
            _ => return Err(self.refusal(response, &what)),
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
        let what = format!("blob {digest} of {}", self.reference);
        if *size > limit {
            let what = format!("the {what}");
            return Err(RegistryError::TooLarge { what, limit });
        }
        let url = self.url(&format!("blobs/{digest}"));
        let response = self.send(Access::Pull, Method::Get, &url, &[], &[])?;
        match response.status() {
            200 => {}
            404 => {
                let reason = "it is not there, and the manifest names it".into();
                return Err(RegistryError::Malformed { what, reason });
            }
            _ => return Err(self.refusal(response, &what)),
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
        let mut next = Some(self.url(&format!("referrers/{digest}")));
        for _ in 0..MAX_PAGES {
            let Some(url) = next.take() else { break };
            let response =
                self.send(Access::Pull, Method::Get, &url, &[("accept", INDEX_MEDIA_TYPE)], &[])?;
            match response.status() {
                200 => {}
                400..=499 if !matches!(response.status(), 401 | 403 | 429) => {
                    return Ok(self.referrers_by_tag(digest)?.manifests);
                }
                _ => return Err(self.refusal(response, &what)),
            }
            next = self.next_page(&response);
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
        let url = self.url(&format!("blobs/{}", descriptor.digest));
        if self.send(Access::Push, Method::Head, &url, &[], &[])?.status() == 200 {
            return Ok(descriptor);
        }
        let begun = self.send(Access::Push, Method::Post, &self.url("blobs/uploads/"), &[], &[])?;
        let place = match (begun.status(), begun.location()) {
            (202, Some(place)) => place,
            (202, None) => {
                let reason = "the registry does not say where it goes".into();
                return Err(RegistryError::Malformed { what, reason });
            }
            _ => return Err(self.refusal(begun, &what)),
        };
        if self.base.starts_with("https:") && !place.starts_with("https:") {
            let reason = format!("it should go over an open connection, to {}", one_line(&place));
            return Err(RegistryError::Malformed { what, reason });
        }
        let separator = if place.contains('?') { '&' } else { '?' };
        let url = format!("{place}{separator}digest={}", descriptor.digest);
        let headers = [("content-type", "application/octet-stream")];
        let ended = self.send(Access::Push, Method::Put, &url, &headers, bytes)?;
        if ended.status() != 201 {
            return Err(self.refusal(ended, &what));
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
        let what = self.reference.with(selector.clone()).to_string();
        let url = self.url(&format!("manifests/{}", name_of(selector)));
        let headers = [("content-type", media_type)];
        let response = self.send(Access::Push, Method::Put, &url, &headers, bytes)?;
        if response.status() != 201 {
            return Err(self.refusal(response, &what));
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

    /// The address of the next page of a list.
    fn next_page(&self, response: &Response) -> Option<String> {
        response.header("link").and_then(next_page).map(|path| format!("{}{path}", self.base))
    }

    /// Whether an address is one of the registry itself.
    fn is_registry(&self, url: &str) -> bool {
        url.strip_prefix(&self.base).is_some_and(|rest| rest.starts_with('/'))
    }

    fn url(&self, rest: &str) -> String {
        format!("{}/v2/{}/{rest}", self.base, self.reference.repository)
    }

    /// Asks, and tells who asks where the registry wants to know. Other servers get no credentials.
    fn send(
        &self,
        access: Access,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response, RegistryError> {
        let ask = |authorization: Option<&str>| {
            let credentials = authorization.map(|it| ("authorization", it));
            let headers: Vec<_> = headers.iter().copied().chain(credentials).collect();
            let response = self.fetcher.send(&Request { method, url, headers: &headers, body })?;
            tracing::debug!("{method:?} {url}: {}", response.status());
            Ok::<_, FetchError>(response)
        };
        let known = self.authorization.borrow().get(&access).filter(|_| self.is_registry(url)).cloned();
        let response = ask(known.as_deref())?;
        // Whoever the registry has redirected to does not choose who gets its credentials.
        if response.status() != 401 || !self.is_registry(response.url()) {
            return Ok(response);
        }
        let challenge = Challenge::choose(response.headers("www-authenticate"));
        let Some(authorization) = challenge.map(|it| self.authorize(access, it)).transpose()?.flatten()
        else {
            return Ok(response);
        };
        let response = ask(Some(&authorization))?;
        if response.status() != 401 {
            self.authorization.borrow_mut().insert(access, authorization);
        }
        Ok(response)
    }

    /// What the registry wants to be told; nothing where nothing can be.
    fn authorize(&self, access: Access, challenge: Challenge) -> Result<Option<String>, RegistryError> {
        let basic = match &self.lookup {
            Lookup::Found(credentials) => Some(credentials.basic()),
            Lookup::None | Lookup::Helper(_) => None,
        };
        match challenge {
            Challenge::Basic => Ok(basic),
            Challenge::Bearer { realm, service, scope } => {
                let scope = scope.unwrap_or_else(|| {
                    let actions = if access == Access::Push { "pull,push" } else { "pull" };
                    format!("repository:{}:{actions}", self.reference.repository)
                });
                self.fetch_token(&realm, service.as_deref(), &scope, basic.as_deref())
            }
        }
    }

    fn fetch_token(
        &self,
        realm: &str,
        service: Option<&str>,
        scope: &str,
        basic: Option<&str>,
    ) -> Result<Option<String>, RegistryError> {
        let what = format!("token of {}", one_line(realm));
        if self.base.starts_with("https:") && !realm.starts_with("https:") {
            let reason = "it would be fetched over an open connection".into();
            return Err(RegistryError::Malformed { what, reason });
        }
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let service = service.map(|it| format!("service={}&", encode(it))).unwrap_or_default();
        let separator = if realm.contains('?') { '&' } else { '?' };
        let url = format!("{realm}{separator}{service}scope={}", encode(scope));
        let headers: Vec<_> = basic.map(|it| ("authorization", it)).into_iter().collect();
        let response =
            self.fetcher.send(&Request { method: Method::Get, url: &url, headers: &headers, body: &[] })?;
        match response.status() {
            200 => {}
            401 | 403 => return Ok(None),
            _ => return Err(self.refusal(response, &what)),
        }
        let bytes = response.read(MAX_TOKEN_BYTES).map_err(|error| too_large(error, &what))?;
        let TokenJson { token, access_token } = serde_json::from_slice(&bytes)
            // The message itself could show what is secret.
            .map_err(|_| RegistryError::Malformed { what: what.clone(), reason: "it is not JSON".into() })?;
        let token = token.or(access_token).filter(|it| it.bytes().all(|byte| byte.is_ascii_graphic()));
        match token {
            Some(token) => Ok(Some(format!("Bearer {token}"))),
            None => Err(RegistryError::Malformed { what, reason: "there is no token in it".into() }),
        }
    }

    /// What it means that the registry answers so.
    fn refusal(&self, response: Response, what: &str) -> RegistryError {
        let Reference { registry, repository, .. } = self.reference.clone();
        let status = response.status();
        let said = said(response);
        match status {
            401 => {
                let given = match &self.lookup {
                    Lookup::None => GivenCredentials::None,
                    Lookup::Helper(name) => GivenCredentials::Helper(name.clone()),
                    Lookup::Found(_) => GivenCredentials::Refused,
                };
                RegistryError::Unauthorized { registry, repository, given }
            }
            403 => RegistryError::Denied { registry, repository, said },
            _ => RegistryError::Unexpected { what: what.to_owned(), status, said },
        }
    }
}

/// What a registry says in an error, as one line.
fn said(response: Response) -> String {
    let read = response.read(MAX_ERROR_BYTES).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let errors = read.map(|it: ErrorsJson| it.errors).unwrap_or_default();
    let lines = errors.iter().map(|ErrorJson { code, message }| match message.as_str() {
        "" => code.clone(),
        message => message.to_owned(),
    });
    one_line(&lines.collect::<Vec<_>>().join("; ")).chars().take(MAX_SAID).collect()
}

pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, RegistryError> {
    serde_json::from_slice(bytes).map_err(|error| RegistryError::Malformed {
        what: what.to_owned(),
        reason: one_line(&error.to_string()),
    })
}

pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<Vec<u8>, RegistryError> {
    serde_json::to_vec(value)
        .map_err(|error| RegistryError::Malformed { what: "JSON".into(), reason: error.to_string() })
}

fn too_large(error: FetchError, what: &str) -> RegistryError {
    match error {
        FetchError::TooLarge { limit, .. } => RegistryError::TooLarge { what: what.to_owned(), limit },
        error => error.into(),
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

/// The path of the next page: `</v2/…>; rel="next"`. Other servers are not asked.
fn next_page(link: &str) -> Option<&str> {
    let (target, parameters) = link.strip_prefix('<')?.split_once('>')?;
    let is_next = parameters.replace(['"', ' '], "").contains("rel=next");
    (is_next && target.starts_with('/') && !target.starts_with("//")).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_of_the_same_server() {
        assert_eq!(
            next_page(r#"</v2/a/tags/list?last=b&n=1>; rel="next""#),
            Some("/v2/a/tags/list?last=b&n=1")
        );
        for other in ["<https://other/v2>; rel=next", "<//other/v2>; rel=next", "</v2>; rel=prev", "/v2"] {
            assert_eq!(next_page(other), None, "{other}");
        }
    }
}
