//! What it takes to be let in, and why somebody is not.

use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderName};
use http::{Method, StatusCode};

use crate::bare_error::bare_error_page;
use crate::params::Params;
use crate::person::Person;
use crate::response::{Origin, Response};
use crate::session::Session;
use crate::stream::Peer;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// What is known of a request before it is let in.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    pub method: &'a Method,
    pub headers: &'a HeaderMap,
    /// As [`Auth::resolve_origin`](crate::auth::Auth::resolve_origin) says.
    pub origin: &'a Origin,
    /// As it was sent.
    pub path: &'a str,
    pub query: &'a Params,
    pub peer: Peer,
}

/// The outcome for a browser that is not rejected.
#[derive(Debug)]
pub enum Access {
    /// It belongs to a session, and somebody to it.
    Granted(Arc<Session>, Person),
    /// It has shown the token: this response sets its cookie.
    NewSession(Response),
}

/// Why access is denied.
#[derive(Debug, thiserror::Error)]
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
    /// The connection is not from the proxy; the field is where the pages are.
    #[error("Only the proxy of the site may connect here.")]
    NotTheProxy(String),
    /// Through the proxy, but `Host` or the origin of the request is not that of the pages; the field is theirs.
    #[error("This is not the address of these pages.")]
    PublicUrl(String),
    /// The proxy says no name in the header that is named here, or more than one.
    #[error("The proxy does not say who you are.")]
    NotSignedIn(HeaderName),
    #[error("{0} has no rights here.")]
    NoRights(String),
    #[error("Nobody knows what {0} may do: {1}.")]
    RightsUnknown(String, opkg_oda::Error),
}

impl AuthError {
    /// A page with this message, and how to get access.
    #[must_use]
    pub fn to_response(&self) -> Response {
        let help = match self {
            Self::Host => "Open the address that opm web printed in the terminal, as it stands there.".into(),
            Self::Origin | Self::Token => {
                "Type or paste the whole address that opm web printed in the terminal where it was started. It ends in \
                 ?token= and some letters."
                    .into()
            }
            Self::CsrfToken => {
                "Go back, load the page again, and send the form from there. Nothing was changed.".into()
            }
            Self::NotTheProxy(url) => format!("Open {url} instead."),
            Self::PublicUrl(url) => {
                format!("Open {url} instead. The proxy has to pass the header Host on as it gets it.")
            }
            Self::NotSignedIn(header) => format!(
                "Sign in at the proxy. If you have, whoever maintains it must let it send the header {header}, once and \
                 with one name."
            ),
            Self::NoRights(_) => "Whoever administers the cluster gives some, below [web.people] in opm.toml; or with \
                                  `opm access grant`, where the database is on a server."
                .into(),
            Self::RightsUnknown(..) => "`opm status` in a terminal says what can be done about it.".into(),
        };
        let status = match self {
            Self::RightsUnknown(..) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::FORBIDDEN,
        };
        bare_error_page(status, &self.to_string(), &help)
    }
}

/// Whether a request comes from one of our own pages, or from none. Browsers say where it comes from: all of them in one
/// header or the other unless it only reads.
#[must_use]
pub fn is_same_origin(method: &Method, headers: &HeaderMap, origin: &str) -> bool {
    let from = text(headers, &header::ORIGIN);
    match text(headers, &SEC_FETCH_SITE) {
        Some("same-origin") => from.is_none_or(|from| from == origin || from == "null"),
        // Typed, or opened from outside of a browser.
        Some("none") => *method != Method::POST && from.is_none(),
        Some(_) => false,
        None => match from {
            Some(from) => from == origin,
            None => *method != Method::POST,
        },
    }
}

/// Whether somebody followed a link to a page, or was sent back to it after they signed in: a window of its own shows it,
/// and nobody else learns anything.
#[must_use]
pub fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::GET
        && text(headers, &SEC_FETCH_MODE) == Some("navigate")
        && text(headers, &SEC_FETCH_DEST) == Some("document")
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use http::header::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn other_pages_are_kept_out() {
        let origin = "http://127.0.0.1:8600";
        let may = |method: &Method, pairs: &[(&'static str, &'static str)]| {
            is_same_origin(method, &headers(pairs), origin)
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
    fn links_from_elsewhere_open_windows_and_do_nothing_else() {
        let link = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        assert!(is_navigation(&Method::GET, &headers(&link)));
        assert!(!is_navigation(&Method::POST, &headers(&link)));
        for pairs in [
            &link[..1],
            &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
            &[("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")],
        ] {
            assert!(!is_navigation(&Method::GET, &headers(pairs)), "{pairs:?}");
        }
    }
}
