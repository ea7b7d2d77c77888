//! A registry that is spoken to: who asks, where the registry wants to know, and what it means when it refuses.

use std::cell::RefCell;
use std::collections::BTreeMap;

use opkg_fetch::{FetchError, Fetcher, Method, Request, Response};
use opkg_interface::text::one_line;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::auth_file::{AuthFile, Lookup};
use crate::challenge::Challenge;
use crate::error::{GivenCredentials, RegistryError};
use crate::reference::{Reference, Selector};

/// Bytes of what a registry says in an error, and of a token.
const MAX_ERROR_BYTES: u64 = 64 << 10;
const MAX_TOKEN_BYTES: u64 = 1 << 20;
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

/// Speaks to one registry about one name.
#[derive(Debug)]
pub(crate) struct Connection<'a> {
    fetcher: &'a Fetcher,
    /// The name that everything here is below.
    pub(crate) reference: Reference,
    /// Scheme and host.
    base: String,
    lookup: Lookup,
    /// Values of the header `Authorization` that the registry has taken.
    authorization: RefCell<BTreeMap<Access, String>>,
}

#[derive(Deserialize)]
struct TokenJson {
    token: Option<String>,
    access_token: Option<String>,
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

impl<'a> Connection<'a> {
    pub(crate) fn new(fetcher: &'a Fetcher, scheme: Scheme, auth: &AuthFile, reference: &Reference) -> Self {
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

    /// Whether nobody on the way can read what is said.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.base.starts_with("https:")
    }

    /// The address of something below the name.
    pub(crate) fn url(&self, rest: &str) -> String {
        format!("{}/v2/{}/{rest}", self.base, self.reference.repository)
    }

    /// The address of the next page of a list.
    pub(crate) fn next_page(&self, response: &Response) -> Option<String> {
        response.header("link").and_then(next_page).map(|path| format!("{}{path}", self.base))
    }

    /// Whether an address is one of the registry itself.
    fn is_registry(&self, url: &str) -> bool {
        url.strip_prefix(&self.base).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Asks, and tells who asks where the registry wants to know. Other servers get no credentials.
    pub(crate) fn send(
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
        if self.is_encrypted() && !realm.starts_with("https:") {
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
    pub(crate) fn refusal(&self, response: Response, what: &str) -> RegistryError {
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

/// An answer that is larger than it may be, as what was asked for.
pub(crate) fn too_large(error: FetchError, what: &str) -> RegistryError {
    match error {
        FetchError::TooLarge { limit, .. } => RegistryError::TooLarge { what: what.to_owned(), limit },
        error => error.into(),
    }
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
