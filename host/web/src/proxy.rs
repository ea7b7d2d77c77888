//! Access through a proxy that knows people: it says in a header who asks, and is believed because nobody else can connect.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{self, HeaderMap, HeaderName};
use opkg::escape_hidden;

use crate::access::{Access, Attempt, AuthError, is_navigation, is_same_origin};
use crate::listener::ListenAddress;
use crate::people::People;
use crate::person::Person;
use crate::public_url::PublicUrl;
use crate::response::Origin;
use crate::session::Session;
use crate::stream::Peer;

/// Who has asked longest ago and is one more gets a new session, whose forms are not those of the old one.
const MAX_SESSIONS: usize = 1000;
/// In bytes.
const MAX_NAME: usize = 128;

/// A proxy of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxySettings {
    /// The header in which it says who asks.
    pub user_header: HeaderName,
    /// The header in which it says their groups, separated by commas or semicolons.
    pub groups_header: Option<HeaderName>,
    /// The machines that it may be; without any, this one. Whoever may connect to a socket in the file system always is.
    pub addresses: Vec<IpAddr>,
    /// Where browsers find it.
    pub public_url: PublicUrl,
}

impl ProxySettings {
    /// Whether at that address everybody on the network could say that they are somebody.
    #[must_use]
    pub fn is_open_to_others(&self, listens: &ListenAddress) -> bool {
        match listens {
            ListenAddress::Socket(_) => false,
            ListenAddress::Tcp(address) => self.addresses.is_empty() && !address.ip().is_loopback(),
        }
    }

    fn is_proxy(&self, peer: Peer) -> bool {
        match peer {
            Peer::Local => true,
            Peer::Ip(address) if self.addresses.is_empty() => address.is_loopback(),
            Peer::Ip(address) => self.addresses.iter().any(|known| known.to_canonical() == address),
        }
    }
}

#[derive(Debug)]
pub struct ProxyAuth {
    settings: ProxySettings,
    people: People,
    /// By name; who asked last is at the end.
    sessions: Mutex<VecDeque<(String, Arc<Session>)>>,
}

impl ProxyAuth {
    #[must_use]
    pub fn new(settings: ProxySettings, people: People) -> Self {
        Self { settings, people, sessions: Mutex::default() }
    }

    #[must_use]
    pub fn public_url(&self) -> &PublicUrl {
        &self.settings.public_url
    }

    /// The origin of the proxy, which is that of our pages.
    ///
    /// # Errors
    /// [`AuthError::PublicUrl`] when `Host` names another one.
    pub fn resolve_origin(&self, headers: &HeaderMap) -> Result<Origin, AuthError> {
        let url = self.public_url();
        let host = single_value(headers, &header::HOST).flatten();
        match host.is_some_and(|host| url.is_host(host)) {
            true => Ok(url.origin()),
            false => Err(AuthError::PublicUrl(url.to_string())),
        }
    }

    /// By what the proxy says.
    ///
    /// # Errors
    /// When access is denied.
    pub fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Access, AuthError> {
        let url = || self.public_url().to_string();
        if !self.settings.is_proxy(attempt.peer) {
            return Err(AuthError::NotTheProxy(url()));
        }
        let (method, headers) = (attempt.method, attempt.headers);
        if !is_same_origin(method, headers, &attempt.origin.text) && !is_navigation(method, headers) {
            return Err(AuthError::PublicUrl(url()));
        }
        let name = single_value(headers, &self.settings.user_header).flatten().filter(|name| is_name(name));
        let name = name.ok_or_else(|| AuthError::NotSignedIn(self.settings.user_header.clone()))?;
        let groups = match &self.settings.groups_header {
            Some(header) => {
                single_value(headers, header).ok_or_else(|| AuthError::NotSignedIn(header.clone()))?
            }
            None => None,
        };
        let groups: Vec<&str> = groups.unwrap_or_default().split([',', ';']).map(str::trim).collect();
        let rights = self.people.rights_of(name, &groups);
        let rights = rights.map_err(|error| AuthError::RightsUnknown(name.into(), error))?;
        let rights = rights.ok_or_else(|| AuthError::NoRights(name.into()))?;
        let person = Person { name: name.into(), rights, is_signed_in: true };
        Ok(Access::Granted(self.session_of(name)?, person))
    }

    fn session_of(&self, name: &str) -> Result<Arc<Session>, AuthError> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let known = sessions.iter().position(|(person, _)| person == name);
        let session = match known.and_then(|index| sessions.remove(index)) {
            Some((_, session)) => session,
            None => Arc::new(Session::new("/".into()).map_err(|_| AuthError::CsrfToken)?),
        };
        sessions.push_back((name.to_owned(), Arc::clone(&session)));
        if sessions.len() > MAX_SESSIONS {
            sessions.pop_front();
        }
        Ok(session)
    }
}

/// The value of a header without blanks around it; the inner one is absent where there is no such header, the outer one where
/// there is more than one, or one that is no text.
fn single_value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Some(None),
        (Some(value), None) => std::str::from_utf8(value.as_bytes()).ok().map(|text| Some(text.trim())),
        (Some(_), Some(_)) => None,
    }
}

/// Whether it is one name that everybody reads in the same way. Proxies join headers of the same name by commas.
fn is_name(text: &str) -> bool {
    let is_whole = !text.is_empty() && text.len() <= MAX_NAME && !text.contains([',', ';']);
    is_whole && !text.contains(char::is_control) && escape_hidden(text) == text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::Method;
    use http::header::HeaderValue;
    use opkg_opm::WebSettings;

    use super::*;
    use crate::params::Params;

    fn settings(addresses: &[&str]) -> ProxySettings {
        ProxySettings {
            user_header: HeaderName::from_static("x-remote-user"),
            groups_header: Some(HeaderName::from_static("x-remote-groups")),
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
            public_url: "https://opm.example.org".parse().unwrap(),
        }
    }

    fn auth(addresses: &[&str]) -> ProxyAuth {
        let people =
            "people = { ada = \"administrator\", \"zoë\" = \"viewer\" }\ngroups = { ops = \"operator\" }";
        let people: WebSettings = toml::from_str(people).unwrap();
        ProxyAuth::new(settings(addresses), People::new(people, None))
    }

    /// `NAME RIGHTS` of a request through the proxy, or why it is refused.
    fn ask(auth: &ProxyAuth, peer: &str, headers: &[(&'static str, &str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let peer = if peer.is_empty() { Peer::Local } else { Peer::Ip(peer.parse().unwrap()) };
        let outcome = auth.authenticate(&Attempt {
            method: &Method::GET,
            headers: &map,
            origin: &auth.public_url().origin(),
            path: "/",
            query: &Params::default(),
            peer,
        });
        match outcome {
            Ok(Access::Granted(_, person)) => format!("{} {}", person.name, person.rights),
            Ok(Access::NewSession(_)) => "a session".into(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn only_the_proxy_is_believed() {
        let refused = "Only the proxy of the site may connect here.";
        let ada = [("x-remote-user", "ada")];
        for (addresses, peer, answer) in [
            (&[][..], "", "ada administrator"),
            (&[], "127.0.0.1", "ada administrator"),
            (&[], "::1", "ada administrator"),
            (&[], "10.0.0.9", refused),
            (&["10.0.0.9"], "10.0.0.9", "ada administrator"),
            (&["::ffff:10.0.0.9"], "10.0.0.9", "ada administrator"),
            (&["10.0.0.9"], "10.0.0.8", refused),
            (&["10.0.0.9"], "127.0.0.1", refused),
            (&["10.0.0.9"], "", "ada administrator"),
        ] {
            assert_eq!(ask(&auth(addresses), peer, &ada), answer, "{addresses:?} {peer}");
        }
        for (addresses, listens, is_open) in [
            (&[][..], "unix:/run/socket", false),
            (&[], "8640", false),
            (&[], "[::1]:8640", false),
            (&[], "0.0.0.0:8640", true),
            (&[], "10.0.0.1:8640", true),
            (&["10.0.0.9"], "0.0.0.0:8640", false),
        ] {
            let listens = listens.parse().unwrap();
            assert_eq!(settings(addresses).is_open_to_others(&listens), is_open, "{listens}");
        }
    }

    #[test]
    fn a_name_is_said_once_and_clearly() {
        let auth = auth(&[]);
        let refused = "The proxy does not say who you are.";
        for (name, answer) in [
            (" ada ", "ada administrator"),
            ("zoë", "zoë viewer"),
            ("Ada", "Ada has no rights here."),
            ("", refused),
            ("  ", refused),
            ("eve, ada", refused),
            ("eve;ada", refused),
            ("ada\u{202e}", refused),
            ("a\tb", refused),
            (&"a".repeat(MAX_NAME + 1), refused),
        ] {
            assert_eq!(ask(&auth, "", &[("x-remote-user", name)]), answer, "{name:?}");
        }
        assert_eq!(ask(&auth, "", &[]), refused);
        assert_eq!(ask(&auth, "", &[("x_remote_user", "ada")]), refused);
        assert_eq!(ask(&auth, "", &[("x-remote-user", "eve"), ("x-remote-user", "ada")]), refused);
        assert_eq!(ask(&auth, "", &[("x-remote-user", "ada"), ("x-remote-user", "ada")]), refused);
        let eve = ("x-remote-user", "eve");
        assert_eq!(ask(&auth, "", &[eve, ("x-remote-groups", "hpc, ops;x")]), "eve operator");
        assert_eq!(ask(&auth, "", &[eve, ("x-remote-groups", "hpc"), ("x-remote-groups", "ops")]), refused);
    }

    #[test]
    fn pages_are_where_the_proxy_is() {
        let auth = auth(&[]);
        let host = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::try_from(value).unwrap());
            auth.resolve_origin(&headers).is_ok()
        };
        assert!(host("opm.example.org") && !host("evil.example") && !host("127.0.0.1:8640"));
        let ada = ("x-remote-user", "ada");
        let site = ("sec-fetch-site", "cross-site");
        assert_eq!(ask(&auth, "", &[ada, site]), "This is not the address of these pages.");
        let link = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        assert_eq!(ask(&auth, "", &[&[ada, site], &link[..]].concat()), "ada administrator");
    }
}
