//! Who has access: requests to our own address, from our own pages, by browsers that have shown the token.
//!
//! Other pages in the same browser, and other users of the machine, reach the port as well. The first are kept out by
//! `Host` (foreign names that resolve to this machine), `Origin` and `Sec-Fetch-Site`, a cookie that is not sent for
//! other pages, and a token in each form; the second by not knowing the token.
//!
//! Cookies do not know of ports: a browser sends them to whatever server listens at the same address, and for it
//! other ports are the same site. Hence all pages of a session are below a path that nobody can guess, which is the
//! path of its cookie as well: the server of another user never sees the one or the other.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderName};
use http::{Method, StatusCode};

use crate::bare_error::bare_error_page;
use crate::params::Params;
use crate::response::{Origin, Response};
use crate::session::{Session, SessionStore};
use opkg_secret::Secret;

const TOKEN_PARAM: &str = "token";
/// Browsers leave it out of `Host`.
const HTTP_PORT: u16 = 80;
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Checks each request before anything else looks at it.
#[derive(Debug)]
pub struct Auth {
    listen_address: SocketAddr,
    token: Secret,
    sessions: SessionStore,
}

/// The outcome for a browser that is not rejected.
#[derive(Debug)]
pub enum Access {
    /// It sent the cookie of this session.
    Granted(Arc<Session>),
    /// It has shown the token: this response sets its cookie.
    NewSession(Response),
}

/// Why access is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// `Host` is not our address.
    #[error("This is not the address that opm web listens on.")]
    Host,
    /// The request comes from a page of another origin.
    #[error("Cross-site request rejected.")]
    Origin,
    /// Neither a valid cookie nor the token.
    #[error("This browser has not shown the token yet.")]
    Token,
    /// The form does not carry the CSRF token of its session.
    #[error("The form has expired (opm web was restarted).")]
    CsrfToken,
}

impl Auth {
    /// Draws a new token.
    ///
    /// # Errors
    /// When the operating system has no random numbers.
    pub fn new(listen_address: SocketAddr) -> io::Result<Self> {
        Ok(Self { listen_address, token: Secret::new()?, sessions: SessionStore::default() })
    }

    /// `http://ADDRESS/?token=TOKEN`
    #[must_use]
    pub fn login_url(&self) -> String {
        format!("http://{}/?{TOKEN_PARAM}={}", self.listen_address, self.token.reveal())
    }

    /// Our own origin as this browser sees it.
    ///
    /// # Errors
    /// [`AuthError::Host`] when `Host` names another address.
    pub fn resolve_origin(&self, headers: &HeaderMap) -> Result<Origin, AuthError> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next().and_then(|value| value.to_str().ok()), hosts.next()) else {
            return Err(AuthError::Host);
        };
        // A server on all interfaces does not know their addresses, but any number is safe: only names can be made to
        // resolve to this machine.
        let anywhere = self.listen_address.ip().is_unspecified();
        let bare = || host.trim_matches(['[', ']']).parse().map(|ip| SocketAddr::new(ip, HTTP_PORT));
        let address: SocketAddr = host.parse().or_else(|_| bare()).map_err(|_| AuthError::Host)?;
        let is_ours =
            if anywhere { is_unicast(address.ip()) } else { address.ip() == self.listen_address.ip() };
        if is_ours && address.port() == self.listen_address.port() {
            Ok(Origin { text: format!("http://{host}"), is_local: address.ip().is_loopback() })
        } else {
            Err(AuthError::Host)
        }
    }

    /// Authenticates a request for a path, as it was sent: by its first segment and the cookie, which together belong
    /// to a session, or by the token in its query, which starts one.
    ///
    /// # Errors
    /// When access is denied.
    pub fn authenticate(
        &self,
        method: &Method,
        headers: &HeaderMap,
        origin: &Origin,
        path: &str,
        query: &Params,
    ) -> Result<Access, AuthError> {
        check_same_origin(method, headers, &origin.text)?;
        let token = query.get(TOKEN_PARAM);
        if *method == Method::GET && !token.is_empty() {
            if !self.token.matches(token) {
                return Err(AuthError::Token);
            }
            let session = self.sessions.create().map_err(|_| AuthError::Token)?;
            let (name, base) = (self.cookie_name(), session.base());
            let cookie = format!("{name}={}; Path={base}; HttpOnly; SameSite=Strict", session.cookie());
            return Ok(Access::NewSession(Response::see_other(base).with_header(header::SET_COOKIE, cookie)));
        }
        let segment = path.split('/').nth(1).unwrap_or_default();
        let name = self.cookie_name();
        let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = values.flat_map(|value| value.split(';'));
        let mut cookies = pairs.filter_map(|pair| pair.trim().split_once('='));
        let session = cookies
            .find_map(|(cookie, secret)| (cookie == name).then(|| self.sessions.find(segment, secret))?);
        session.map(Access::Granted).ok_or(AuthError::Token)
    }

    /// Several servers of one user are open in the same browser.
    fn cookie_name(&self) -> String {
        format!("opm-{}", self.listen_address.port())
    }
}

fn is_unicast(ip: IpAddr) -> bool {
    !ip.is_unspecified() && !ip.is_multicast()
}

/// Browsers say where a request comes from: all of them in one header or the other unless it only reads.
fn check_same_origin(method: &Method, headers: &HeaderMap, origin: &str) -> Result<(), AuthError> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let from = text(header::ORIGIN);
    let is_ours = match text(SEC_FETCH_SITE) {
        Some("same-origin") => from.is_none_or(|from| from == origin || from == "null"),
        // Typed, or opened from outside of a browser.
        Some("none") => *method != Method::POST && from.is_none(),
        Some(_) => false,
        None => match from {
            Some(from) => from == origin,
            None => *method != Method::POST,
        },
    };
    if is_ours { Ok(()) } else { Err(AuthError::Origin) }
}

impl AuthError {
    /// A page with this message, and how to get access.
    #[must_use]
    pub fn to_response(self) -> Response {
        let help = match self {
            Self::Host => "Open the address that opm web printed in the terminal, as it stands there.",
            Self::Origin | Self::Token => {
                "Type or paste the whole address that opm web printed in the terminal where it was started. It \
                 ends in ?token= and some letters."
            }
            Self::CsrfToken => {
                "Go back, load the page again, and send the form from there. Nothing was changed."
            }
        };
        bare_error_page(StatusCode::FORBIDDEN, &self.to_string(), help)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::header::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    fn test_auth(listens: &str) -> Auth {
        Auth::new(listens.parse().unwrap()).unwrap()
    }

    #[test]
    fn only_our_own_address_is_ours() {
        let local = test_auth("127.0.0.1:8600");
        assert_eq!(
            local.resolve_origin(&headers(&[("host", "127.0.0.1:8600")])).unwrap().text,
            "http://127.0.0.1:8600"
        );
        for other in ["127.0.0.1", "127.0.0.1:80", "localhost:8600", "evil.example:8600", "10.0.0.1:8600", ""]
        {
            assert_eq!(local.resolve_origin(&headers(&[("host", other)])), Err(AuthError::Host), "{other}");
        }
        assert_eq!(local.resolve_origin(&headers(&[])), Err(AuthError::Host));
        let twice = headers(&[("host", "127.0.0.1:8600"), ("host", "127.0.0.1:8600")]);
        assert_eq!(local.resolve_origin(&twice), Err(AuthError::Host));

        let anywhere = test_auth("0.0.0.0:8600");
        assert!(anywhere.resolve_origin(&headers(&[("host", "10.0.0.1:8600")])).is_ok());
        assert!(anywhere.resolve_origin(&headers(&[("host", "[fe80::1]:8600")])).is_ok());
        for other in ["head.example:8600", "0.0.0.0:8600", "10.0.0.1:8601"] {
            assert_eq!(
                anywhere.resolve_origin(&headers(&[("host", other)])),
                Err(AuthError::Host),
                "{other}"
            );
        }
    }

    #[test]
    fn other_pages_are_kept_out() {
        let origin = "http://127.0.0.1:8600";
        let may = |method: &Method, pairs: &[(&'static str, &'static str)]| {
            check_same_origin(method, &headers(pairs), origin).is_ok()
        };
        let (get, post) = (&Method::GET, &Method::POST);
        assert!(may(get, &[]));
        assert!(may(get, &[("sec-fetch-site", "none")]));
        assert!(may(get, &[("sec-fetch-site", "same-origin")]));
        assert!(may(post, &[("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:8600")]));
        // A page without a referrer does not name its origin either.
        assert!(may(post, &[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(may(post, &[("origin", "http://127.0.0.1:8600")]));
        for pairs in [
            &[][..],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "null")],
            &[("origin", "http://127.0.0.1:8601")],
            &[("origin", "http://evil.example")],
            &[("sec-fetch-site", "same-origin"), ("origin", "http://evil.example")],
        ] {
            assert!(!may(post, pairs), "{pairs:?}");
        }
        assert!(!may(get, &[("sec-fetch-site", "cross-site")]));
        assert!(!may(get, &[("origin", "http://evil.example")]));
    }

    #[test]
    fn the_token_becomes_a_path_and_a_cookie() {
        let auth = test_auth("127.0.0.1:8600");
        let origin = &Origin { text: "http://127.0.0.1:8600".into(), is_local: true };
        let address = auth.login_url();
        let token = address.split_once("/?").unwrap().1;
        let authenticate = |path: &str, query: &str, cookie: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(cookie) = cookie {
                headers.insert(header::COOKIE, HeaderValue::try_from(cookie).unwrap());
            }
            auth.authenticate(&Method::GET, &headers, origin, path, &Params::parse(query.as_bytes()))
        };
        assert_eq!(authenticate("/", "", None).unwrap_err(), AuthError::Token);
        assert_eq!(authenticate("/", "token=x", None).unwrap_err(), AuthError::Token);
        let log_in = || {
            let Access::NewSession(response) = authenticate("/", token, None).unwrap() else {
                panic!("no cookie")
            };
            let header = |wanted: &HeaderName| {
                response.headers.iter().find(|(name, _)| name == wanted).unwrap().1.clone()
            };
            (header(&header::LOCATION), header(&header::SET_COOKIE))
        };
        let (base, cookie) = log_in();
        assert!(cookie.ends_with(&format!("; Path={base}; HttpOnly; SameSite=Strict")), "{cookie}");
        let cookie = cookie.split(';').next().unwrap();
        let page = format!("{base}requests");
        assert!(matches!(
            authenticate(&page, "", Some(&format!("a=b; {cookie}; c=d"))),
            Ok(Access::Granted(_))
        ));
        assert!(matches!(authenticate(&base, "", Some(cookie)), Ok(Access::Granted(_))));
        for (path, cookie) in [
            (page.as_str(), "opm-8600=x"),
            (&page, &cookie.replace("8600", "8601")),
            ("/", cookie),
            ("/requests", cookie),
            (&log_in().0, cookie),
        ] {
            assert_eq!(
                authenticate(path, "", Some(cookie)).unwrap_err(),
                AuthError::Token,
                "{path} {cookie}"
            );
        }
    }
}
