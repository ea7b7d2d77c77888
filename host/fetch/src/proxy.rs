//! Which proxy is asked, as the environment says.

use ureq::{Proxy, ProxyProtocol};

/// The variables that name the proxy for a scheme; the first that is not empty counts. See the manual page of curl.
const HTTP_VARIABLES: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
const HTTPS_VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// The variables that name the hosts for which no proxy is asked.
const NO_PROXY_VARIABLES: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// A variable names a proxy that cannot be used. Its value is not told: it may have a password.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the proxy of ${variable} cannot be used: {reason}")]
pub struct InvalidProxy {
    variable: &'static str,
    /// What is wrong with its value.
    reason: &'static str,
}

/// The proxies for addresses of each scheme.
#[derive(Debug, Clone)]
pub(crate) struct Proxies {
    http: Result<Option<Proxy>, InvalidProxy>,
    https: Result<Option<Proxy>, InvalidProxy>,
}

impl Proxies {
    /// Those of variables of the environment.
    pub(crate) fn new(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first_of = |names: &[&'static str]| {
            names.iter().find_map(|name| Some((*name, variable(name).filter(|value| !value.is_empty())?)))
        };
        let excluded = first_of(&NO_PROXY_VARIABLES).map(|(_, value)| value).unwrap_or_default();
        let proxy_of = |names: &[&'static str]| {
            let Some((variable, value)) = first_of(names) else { return Ok(None) };
            parse(&value, &excluded).map(Some).map_err(|reason| InvalidProxy { variable, reason })
        };
        Self { http: proxy_of(&HTTP_VARIABLES), https: proxy_of(&HTTPS_VARIABLES) }
    }

    /// The one for addresses of a scheme.
    ///
    /// # Errors
    /// When there is one that cannot be used: nobody who names a proxy wants the server to be asked without it.
    pub(crate) fn for_scheme(&self, scheme: &str) -> Result<Option<Proxy>, InvalidProxy> {
        if scheme.eq_ignore_ascii_case("https") { self.https.clone() } else { self.http.clone() }
    }
}

fn parse(address: &str, excluded: &str) -> Result<Proxy, &'static str> {
    let proxy = Proxy::new(address).map_err(|_| "it is no address of a proxy: http://HOST:PORT")?;
    if !matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) {
        return Err("proxies of SOCKS cannot be used; name one of HTTP: http://HOST:PORT");
    }
    // What is made of an address has no exceptions.
    let mut building = Proxy::builder(proxy.protocol()).host(proxy.host()).port(proxy.port());
    if let Some(user) = proxy.username() {
        building = building.username(user);
    }
    if let Some(password) = proxy.password() {
        building = building.password(password);
    }
    for host in excluded.split(',').map(str::trim).filter(|host| !host.is_empty()) {
        building = building.no_proxy(host);
    }
    building.build().map_err(|_| "it is no address of a proxy: http://HOST:PORT")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::new(|name| {
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn host_for(proxies: &Proxies, scheme: &str) -> Option<String> {
        let proxy = proxies.for_scheme(scheme).unwrap()?;
        Some(format!("{}:{}", proxy.host(), proxy.port()))
    }

    #[test]
    fn each_scheme_has_its_own() {
        let both =
            proxies(&[("HTTP_PROXY", "http://a:1"), ("https_proxy", "b:2"), ("ALL_PROXY", "http://c:3")]);
        assert_eq!(host_for(&both, "http").as_deref(), Some("a:1"));
        assert_eq!(host_for(&both, "https").as_deref(), Some("b:2"));
        let one = proxies(&[("HTTPS_PROXY", "http://b:2"), ("HTTP_PROXY", "")]);
        assert_eq!((host_for(&one, "http"), host_for(&one, "https").as_deref()), (None, Some("b:2")));
        let all = proxies(&[("all_proxy", "http://c")]);
        assert_eq!(host_for(&all, "http").as_deref(), Some("c:80"));
        let lower = proxies(&[("http_proxy", "http://low:1"), ("HTTP_PROXY", "http://up:1")]);
        assert_eq!(host_for(&lower, "http").as_deref(), Some("low:1"));
    }

    #[test]
    fn what_cannot_be_used_is_an_error_for_its_scheme_only() {
        for value in ["socks5://h:1", "socks5h://h:1", "socks4://h", "junk://h:1", "http://", "::"] {
            let proxies = proxies(&[("HTTP_PROXY", value), ("ALL_PROXY", "http://c:3")]);
            assert_eq!(proxies.for_scheme("http").unwrap_err().variable, "HTTP_PROXY", "{value}");
            assert_eq!(host_for(&proxies, "https").as_deref(), Some("c:3"));
        }
    }

    #[test]
    fn credentials_and_exceptions_are_kept() {
        let proxies = proxies(&[
            ("https_proxy", "http://ada:se%3Acret@h:1"),
            ("NO_PROXY", "inside.org, .site ,10.0.0.1"),
        ]);
        let proxy = proxies.for_scheme("HTTPS").unwrap().unwrap();
        assert_eq!((proxy.username(), proxy.password()), (Some("ada"), Some("se:cret")));
        for (host, is_excluded) in
            [("inside.org", true), ("a.site", true), ("10.0.0.1", true), ("out.org", false)]
        {
            assert_eq!(
                proxy.is_no_proxy(&format!("https://{host}/x").parse().unwrap()),
                is_excluded,
                "{host}"
            );
        }
    }
}
