//! Access by a token that is printed where the server is started: for whoever may read that.
//!
//! Other pages in the same browser, and other users of the machine, reach the port as well. The first are kept out by
//! `Host` (foreign names that resolve to this machine), `Origin` and `Sec-Fetch-Site`, a cookie that is not sent for
//! other pages, and a token in each form; the second by not knowing the token.
//!
//! Cookies do not know of ports: a browser sends them to whatever server listens at the same address, and for it
//! other ports are the same site. Hence all pages of a session are below a path that nobody can guess, which is the
//! path of its cookie as well: the server of another user never sees the one or the other.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use http::Method;
use http::header::{self, HeaderMap};
use opkg_oda::Rights;
use opkg_secret::Secret;

use crate::access::{Access, Attempt, AuthError, is_same_origin};
use crate::person::Person;
use crate::response::{Origin, Response};
use crate::session::Session;

const TOKEN_PARAM: &str = "token";
/// A further login ends the oldest session.
const MAX_LOGINS: usize = 32;

#[derive(Debug)]
pub struct TokenAuth {
    listen_address: SocketAddr,
    is_encrypted: bool,
    token: Secret,
    /// For whom everybody is taken who has the token.
    person: Person,
    /// Oldest first.
    logins: Mutex<VecDeque<Login>>,
}

/// A browser that has shown the token.
#[derive(Debug)]
struct Login {
    /// The first segment of the paths of all its pages, and the path of its cookie.
    path: Secret,
    cookie: Secret,
    session: Arc<Session>,
}

impl TokenAuth {
    /// Draws a new token.
    ///
    /// # Errors
    /// When the operating system has no random numbers.
    pub fn new(listen_address: SocketAddr, is_encrypted: bool, person: String) -> io::Result<Self> {
        let person = Person { name: person, rights: Rights::Administrator, is_signed_in: false };
        Ok(Self { listen_address, is_encrypted, token: Secret::new()?, person, logins: Mutex::default() })
    }

    /// `http://ADDRESS/?token=TOKEN`, or with `https`.
    #[must_use]
    pub fn login_url(&self) -> String {
        format!("{}://{}/?{TOKEN_PARAM}={}", self.scheme(), self.listen_address, self.token.reveal())
    }

    fn scheme(&self) -> &'static str {
        if self.is_encrypted { "https" } else { "http" }
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
        // Browsers leave the usual port out.
        let usual_port = if self.is_encrypted { 443 } else { 80 };
        let bare = || host.trim_matches(['[', ']']).parse().map(|ip| SocketAddr::new(ip, usual_port));
        let address: SocketAddr = host.parse().or_else(|_| bare()).map_err(|_| AuthError::Host)?;
        let is_ours =
            if anywhere { is_unicast(address.ip()) } else { address.ip() == self.listen_address.ip() };
        if is_ours && address.port() == self.listen_address.port() {
            Ok(Origin { text: format!("{}://{host}", self.scheme()), is_local: address.ip().is_loopback() })
        } else {
            Err(AuthError::Host)
        }
    }

    /// By the first segment of the path and the cookie, which together belong to a session, or by the token in the query, which
    /// starts one.
    ///
    /// # Errors
    /// When access is denied.
    pub fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Access, AuthError> {
        if !is_same_origin(attempt.method, attempt.headers, &attempt.origin.text) {
            return Err(AuthError::Origin);
        }
        let token = attempt.query.get(TOKEN_PARAM);
        if *attempt.method == Method::GET && !token.is_empty() {
            return if self.token.matches(token) { self.log_in() } else { Err(AuthError::Token) };
        }
        let segment = attempt.path.split('/').nth(1).unwrap_or_default();
        let name = self.cookie_name();
        let values = attempt.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = values.flat_map(|value| value.split(';'));
        let mut cookies = pairs.filter_map(|pair| pair.trim().split_once('='));
        let session =
            cookies.find_map(|(cookie, secret)| (cookie == name).then(|| self.find(segment, secret))?);
        session.map(|session| Access::Granted(session, self.person.clone())).ok_or(AuthError::Token)
    }

    fn log_in(&self) -> Result<Access, AuthError> {
        let login = || {
            let path = Secret::new()?;
            let session = Session::new(format!("/{}/", path.reveal()))?;
            io::Result::Ok(Login { path, cookie: Secret::new()?, session: Arc::new(session) })
        };
        let login = login().map_err(|_| AuthError::Token)?;
        let (name, base) = (self.cookie_name(), login.session.base().to_owned());
        let secure = if self.is_encrypted { "; Secure" } else { "" };
        let cookie =
            format!("{name}={}; Path={base}; HttpOnly; SameSite=Strict{secure}", login.cookie.reveal());
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.push_back(login);
        if logins.len() > MAX_LOGINS {
            logins.pop_front();
        }
        Ok(Access::NewSession(Response::see_other(base).with_header(header::SET_COOKIE, cookie)))
    }

    /// The session with this first segment of its paths, and this cookie.
    fn find(&self, path: &str, cookie: &str) -> Option<Arc<Session>> {
        let logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        let login = logins.iter().find(|login| login.path.matches(path) && login.cookie.matches(cookie));
        login.map(|login| Arc::clone(&login.session))
    }

    /// Several servers of one user are open in the same browser.
    fn cookie_name(&self) -> String {
        format!("opm-{}", self.listen_address.port())
    }
}

fn is_unicast(ip: IpAddr) -> bool {
    !ip.is_unspecified() && !ip.is_multicast()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::header::{HeaderName, HeaderValue};

    use super::*;
    use crate::params::Params;
    use crate::stream::Peer;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    fn test_auth(listens: &str) -> TokenAuth {
        TokenAuth::new(listens.parse().unwrap(), false, "ada".into()).unwrap()
    }

    fn is_refused(auth: &TokenAuth, pairs: &[(&'static str, &'static str)]) -> bool {
        matches!(auth.resolve_origin(&headers(pairs)), Err(AuthError::Host))
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
            assert!(is_refused(&local, &[("host", other)]), "{other}");
        }
        assert!(is_refused(&local, &[]));
        assert!(is_refused(&local, &[("host", "127.0.0.1:8600"), ("host", "127.0.0.1:8600")]));

        let anywhere = test_auth("0.0.0.0:8600");
        assert!(anywhere.resolve_origin(&headers(&[("host", "10.0.0.1:8600")])).is_ok());
        assert!(anywhere.resolve_origin(&headers(&[("host", "[fe80::1]:8600")])).is_ok());
        for other in ["head.example:8600", "0.0.0.0:8600", "10.0.0.1:8601"] {
            assert!(is_refused(&anywhere, &[("host", other)]), "{other}");
        }
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
            let query = Params::parse(query.as_bytes());
            auth.authenticate(&Attempt {
                method: &Method::GET,
                headers: &headers,
                origin,
                path,
                query: &query,
                peer: Peer::Local,
            })
        };
        assert!(matches!(authenticate("/", "", None), Err(AuthError::Token)));
        assert!(matches!(authenticate("/", "token=x", None), Err(AuthError::Token)));
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
            Ok(Access::Granted(..))
        ));
        assert!(matches!(authenticate(&base, "", Some(cookie)), Ok(Access::Granted(..))));
        for (path, cookie) in [
            (page.as_str(), "opm-8600=x"),
            (&page, &cookie.replace("8600", "8601")),
            ("/", cookie),
            ("/requests", cookie),
            (&log_in().0, cookie),
        ] {
            let refused = authenticate(path, "", Some(cookie));
            assert!(matches!(refused, Err(AuthError::Token)), "{path} {cookie}");
        }
    }
}
