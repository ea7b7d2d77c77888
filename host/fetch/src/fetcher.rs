//! Asks servers.

use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, AsSendBody, Body, Proxy};

use crate::certificates::system_certificates;
use crate::error::{FetchError, describe};
use crate::proxy::Proxies;
use crate::request::{Method, Request};
use crate::response::Response;
use crate::url::{self, HttpUrl};

/// How often a server may send elsewhere.
const MAX_REDIRECTS: usize = 10;

/// Bytes of the headers of an answer.
const MAX_HEADER_BYTES: usize = 64 << 10;

/// Headers that tell a server who asks.
const CREDENTIAL_HEADERS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// How long is waited.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For the next piece of what a server sends or takes, however long all of it takes.
    pub read: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(30), read: Duration::from_secs(60) }
    }
}

/// Asks servers; connections are used again.
#[derive(Debug, Clone)]
pub struct Fetcher {
    agent: Agent,
    proxies: Proxies,
}

impl Fetcher {
    /// One that calls itself so: `opkgc/0.1.0`.
    #[must_use]
    pub fn new(user_agent: &str, timeouts: Timeouts) -> Self {
        let certificates = system_certificates();
        let authorities = certificates.iter().map(|it| Certificate::from_der(it).to_owned()).collect();
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::Specific(Arc::new(authorities)))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            // Chosen for each request.
            .proxy(None)
            .user_agent(user_agent)
            .http_status_as_error(false)
            // Followed here.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(MAX_HEADER_BYTES)
            .timeout_connect(Some(timeouts.connect))
            .timeout_recv_response(Some(timeouts.read))
            .timeout_per_read(Some(timeouts.read))
            .timeout_per_write(Some(timeouts.read))
            .build();
        Self { agent: config.into(), proxies: Proxies::new(|name| std::env::var(name).ok()) }
    }

    /// Asks for what is at an address, with these headers besides the usual ones. Headers that tell who asks are for this
    /// server alone, and go nowhere else that it may send to.
    ///
    /// # Errors
    /// When there is no answer, or one with a status other than 2xx.
    pub fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Response, FetchError> {
        let response = self.send(&Request { method: Method::Get, url, headers, body: &[] })?;
        match response.status() {
            200..=299 => Ok(response),
            status => Err(FetchError::Status { url: response.url().to_owned(), status }),
        }
    }

    /// Asks for anything, and gives the answer whatever its status. Redirections are followed where nothing is changed
    /// by asking; what is meant for one server is given to no other.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn send(&self, request: &Request<'_>) -> Result<Response, FetchError> {
        let mut current = request.url.to_owned();
        let mut is_first_server = true;
        for _ in 0..=MAX_REDIRECTS {
            let parsed = url::parse(&current).ok_or_else(|| FetchError::InvalidUrl(current.clone()))?;
            let proxy = self.proxies.for_scheme(parsed.scheme)?;
            let answer = self
                .ask(request, &current, proxy, is_first_server)
                .map_err(|error| describe(&current, error))?;
            let status = answer.status().as_u16();
            let location = answer.headers().get("location").and_then(|it| it.to_str().ok());
            match (status, location) {
                (301 | 302 | 303 | 307 | 308, Some(location)) => {
                    let next = url::resolve(parsed, location);
                    if !request.method.is_safe() {
                        return Err(FetchError::RefusedRedirect { from: current, to: next });
                    }
                    is_first_server &= same_server(parsed, &next);
                    check_redirect(parsed, &current, &next)?;
                    tracing::debug!("{current} redirects to {next}");
                    current = next;
                }
                _ => return Ok(Response::new(current, answer)),
            }
        }
        Err(FetchError::TooManyRedirects(request.url.to_owned()))
    }

    fn ask(
        &self,
        request: &Request<'_>,
        url: &str,
        proxy: Option<Proxy>,
        is_first_server: bool,
    ) -> Result<ureq::http::Response<Body>, ureq::Error> {
        let mut building = ureq::http::Request::builder().method(request.method.to_http()).uri(url);
        for (name, value) in request.headers {
            if is_first_server || !CREDENTIAL_HEADERS.iter().any(|it| name.eq_ignore_ascii_case(it)) {
                building = building.header(*name, *value);
            }
        }
        if request.method.is_safe() {
            self.run(building.body(())?, proxy)
        } else {
            self.run(building.body(request.body)?, proxy)
        }
    }

    fn run(
        &self,
        request: ureq::http::Request<impl AsSendBody>,
        proxy: Option<Proxy>,
    ) -> Result<ureq::http::Response<Body>, ureq::Error> {
        self.agent.run(self.agent.configure_request(request).proxy(proxy).build())
    }
}

fn same_server(one: HttpUrl<'_>, other: &str) -> bool {
    url::parse(other).is_some_and(|other| {
        one.scheme == other.scheme && one.authority.eq_ignore_ascii_case(other.authority)
    })
}

/// Other schemes would read files, and open connections lose what encrypted ones are for.
fn check_redirect(from: HttpUrl<'_>, url: &str, to: &str) -> Result<(), FetchError> {
    match url::parse(to) {
        Some(target) if target.scheme == "https" || from.scheme == "http" => Ok(()),
        _ => Err(FetchError::RefusedRedirect { from: url.to_owned(), to: to.to_owned() }),
    }
}
