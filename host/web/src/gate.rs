//! Who may come in: requests to our own address, from our own pages, by browsers that have shown the token.
//!
//! Other pages in the same browser, and other users of the machine, reach the port as well. The first are kept out by
//! `Host` (names that somebody lets point here), `Origin` and `Sec-Fetch-Site`, a cookie that is not sent for other
//! pages, and a token in each form; the second by not knowing the token.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderName};
use http::{Method, StatusCode};

use crate::fields::Fields;
use crate::reply::{Origin, Reply};
use crate::secret::Secret;
use crate::session::{Session, Sessions};

/// The parameter of the printed address.
const TOKEN: &str = "token";
/// The port that browsers leave out.
const HTTP: u16 = 80;
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Decides who may come in.
#[derive(Debug)]
pub struct Gate {
    listens: SocketAddr,
    token: Secret,
    sessions: Sessions,
}

/// Somebody who may come in, or who gets a cookie first.
#[derive(Debug)]
pub enum Pass {
    /// Come in.
    In(Arc<Session>),
    /// A browser that has shown the token.
    New(Reply),
}

/// Why somebody may not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The address that the browser thinks it talks to is not ours.
    #[error("This is not the address that opm web listens on.")]
    Host,
    /// A page of somebody else asks.
    #[error("Another page sent you here, or tried to do something in your name.")]
    Origin,
    /// No cookie, no token.
    #[error("This browser has not shown the token yet.")]
    Token,
    /// A form without our mark.
    #[error("This form is not from here, or opm web was started anew since it was opened.")]
    Form,
}

impl Gate {
    /// For a server that listens there.
    ///
    /// # Errors
    /// When the operating system has no random numbers.
    pub fn new(listens: SocketAddr) -> io::Result<Self> {
        Ok(Self { listens, token: Secret::new()?, sessions: Sessions::default() })
    }

    /// The address to open, with the token.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://{}/?{TOKEN}={}", self.listens, self.token.reveal())
    }

    /// Our own origin as this browser sees it.
    ///
    /// # Errors
    /// When it thinks that it talks to somebody else.
    pub fn origin(&self, headers: &HeaderMap) -> Result<Origin, Refused> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next().and_then(|it| it.to_str().ok()), hosts.next()) else {
            return Err(Refused::Host);
        };
        // A server on all interfaces does not know their addresses; numbers cannot be let point elsewhere.
        let anywhere = self.listens.ip().is_unspecified();
        let bare = || host.trim_matches(['[', ']']).parse().map(|ip| SocketAddr::new(ip, HTTP));
        let address: SocketAddr = host.parse().or_else(|_| bare()).map_err(|_| Refused::Host)?;
        let is_ours = if anywhere { is_plain(address.ip()) } else { address.ip() == self.listens.ip() };
        if is_ours && address.port() == self.listens.port() {
            Ok(Origin { text: format!("http://{host}"), is_local: address.ip().is_loopback() })
        } else {
            Err(Refused::Host)
        }
    }

    /// Lets somebody in, or not.
    ///
    /// # Errors
    /// When he may not come in.
    pub fn pass(
        &self,
        method: &Method,
        headers: &HeaderMap,
        origin: &Origin,
        query: &Fields,
    ) -> Result<Pass, Refused> {
        same_origin(method, headers, &origin.text)?;
        let token = query.get(TOKEN);
        if *method == Method::GET && !token.is_empty() {
            if !self.token.is(token) {
                return Err(Refused::Token);
            }
            let cookie = self.sessions.begin().map_err(|_| Refused::Token)?;
            let cookie = format!("{}={cookie}; Path=/; HttpOnly; SameSite=Strict", self.cookie_name());
            return Ok(Pass::New(Reply::see("/".into()).with(header::SET_COOKIE, cookie)));
        }
        let name = self.cookie_name();
        let sessions = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
        let mut cookies = sessions.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
        let session = cookies.find_map(|(it, value)| (it == name).then(|| self.sessions.find(value))?);
        session.map(Pass::In).ok_or(Refused::Token)
    }

    /// Cookies do not know of ports, so that several servers on a machine need several names.
    fn cookie_name(&self) -> String {
        format!("opm-{}", self.listens.port())
    }
}

fn is_plain(ip: IpAddr) -> bool {
    !ip.is_unspecified() && !ip.is_multicast()
}

/// Browsers say where a request comes from: all of them in one header or the other where it is no mere look.
fn same_origin(method: &Method, headers: &HeaderMap, origin: &str) -> Result<(), Refused> {
    let text = |name: HeaderName| headers.get(name).map(|it| it.to_str().unwrap_or("?"));
    let from = text(header::ORIGIN);
    let is_ours = match text(SITE) {
        Some("same-origin") => from.is_none_or(|it| it == origin || it == "null"),
        // Typed, or opened from outside of a browser.
        Some("none") => *method != Method::POST && from.is_none(),
        Some(_) => false,
        None => match from {
            Some(from) => from == origin,
            None => *method != Method::POST,
        },
    };
    if is_ours { Ok(()) } else { Err(Refused::Origin) }
}

impl Refused {
    /// The page that says so.
    #[must_use]
    pub fn page(self) -> Reply {
        let help = match self {
            Self::Host => "Open the address that opm web printed in the terminal, as it stands there.",
            Self::Origin | Self::Token => {
                "Type or paste the whole address that opm web printed in the terminal where it was started. It \
                 ends in ?token= and some letters."
            }
            Self::Form => "Go back, load the page again, and send the form from there. Nothing was changed.",
        };
        crate::pages::refusal(StatusCode::FORBIDDEN, &self.to_string(), help)
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

    fn gate(listens: &str) -> Gate {
        Gate::new(listens.parse().unwrap()).unwrap()
    }

    #[test]
    fn only_our_own_address_is_ours() {
        let local = gate("127.0.0.1:8600");
        assert_eq!(
            local.origin(&headers(&[("host", "127.0.0.1:8600")])).unwrap().text,
            "http://127.0.0.1:8600"
        );
        for other in ["127.0.0.1", "127.0.0.1:80", "localhost:8600", "evil.example:8600", "10.0.0.1:8600", ""]
        {
            assert_eq!(local.origin(&headers(&[("host", other)])), Err(Refused::Host), "{other}");
        }
        assert_eq!(local.origin(&headers(&[])), Err(Refused::Host));
        let twice = headers(&[("host", "127.0.0.1:8600"), ("host", "127.0.0.1:8600")]);
        assert_eq!(local.origin(&twice), Err(Refused::Host));

        let anywhere = gate("0.0.0.0:8600");
        assert!(anywhere.origin(&headers(&[("host", "10.0.0.1:8600")])).is_ok());
        assert!(anywhere.origin(&headers(&[("host", "[fe80::1]:8600")])).is_ok());
        for other in ["head.example:8600", "0.0.0.0:8600", "10.0.0.1:8601"] {
            assert_eq!(anywhere.origin(&headers(&[("host", other)])), Err(Refused::Host), "{other}");
        }
    }

    #[test]
    fn other_pages_are_kept_out() {
        let origin = "http://127.0.0.1:8600";
        let may = |method: &Method, pairs: &[(&'static str, &'static str)]| {
            same_origin(method, &headers(pairs), origin).is_ok()
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
    fn the_token_becomes_a_cookie() {
        let gate = gate("127.0.0.1:8600");
        let origin = &Origin { text: "http://127.0.0.1:8600".into(), is_local: true };
        let address = gate.address();
        let token = address.split_once("/?").unwrap().1;
        let pass = |query: &str, cookie: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(cookie) = cookie {
                headers.insert(header::COOKIE, HeaderValue::try_from(cookie).unwrap());
            }
            gate.pass(&Method::GET, &headers, origin, &Fields::parse(query.as_bytes()))
        };
        assert_eq!(pass("", None).unwrap_err(), Refused::Token);
        assert_eq!(pass("token=x", None).unwrap_err(), Refused::Token);
        let Pass::New(reply) = pass(token, None).unwrap() else { panic!("no cookie") };
        let cookie = reply.headers.iter().find(|it| it.0 == header::SET_COOKIE).unwrap().1.clone();
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
        let cookie = cookie.split(';').next().unwrap();
        assert!(matches!(pass("", Some(&format!("a=b; {cookie}; c=d"))), Ok(Pass::In(_))));
        assert_eq!(pass("", Some("opm-8600=x")).unwrap_err(), Refused::Token);
        assert_eq!(pass("", Some(&cookie.replace("8600", "8601"))).unwrap_err(), Refused::Token);
    }
}
