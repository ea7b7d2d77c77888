//! Where a server is, who connects to it, and how sure it has to be that it is the right one: an address as all programs
//! of PostgreSQL take it, `postgres://USER@HOST:PORT/DATABASE?sslmode=…`.
//!
//! Parameters that are not named, in the address or here, come from the environment as `psql` takes them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::passfile;

/// How long a server may take to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For so long an engine tries to reach a server that went away, unless the address says otherwise.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(60);
/// A peer that is gone is noticed after this time without a word, and ten more seconds.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(20);

/// How connections are encrypted, and what is checked of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// Never.
    Disable,
    /// Where the server offers it; nothing is checked.
    Prefer,
    /// Always; nothing is checked, unless there is a file of authorities.
    Require,
    /// Always; one of the authorities must vouch for the server.
    VerifyCa,
    /// Likewise, and its certificate must be for the host that was named.
    VerifyFull,
}

impl TlsMode {
    const NAMES: [(&'static str, Self); 5] = [
        ("disable", Self::Disable),
        ("prefer", Self::Prefer),
        ("require", Self::Require),
        ("verify-ca", Self::VerifyCa),
        ("verify-full", Self::VerifyFull),
    ];
}

/// What is needed for encrypted connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsParameters {
    pub mode: TlsMode,
    /// The certificates of authorities, as PEM; without it those of the system.
    pub root_certificates: Option<PathBuf>,
    /// The client's own certificate and its key, as PEM.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
}

/// Where a database is.
#[derive(Clone)]
pub struct Address {
    pub(crate) config: Config,
    pub(crate) tls: TlsParameters,
    /// Without a password.
    shown: String,
    /// Whether neither the address nor a variable says who connects.
    is_role_open: bool,
    reconnect_timeout: Duration,
}

/// What is wrong with an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("an address of PostgreSQL begins with postgres:// or postgresql://")]
    Scheme,
    #[error("the address of the database: {0}")]
    Invalid(String),
    #[error(
        "the address of the database: `sslmode={0}` is none of disable, prefer, require, verify-ca, verify-full"
    )]
    TlsMode(String),
    #[error("the address of the database names no database: postgres://HOST/DATABASE")]
    NoDatabase,
    #[error("the address of the database: `reconnect_timeout={0}` is no number of seconds")]
    ReconnectTimeout(String),
    #[error("sslcert and sslkey belong together; only one of them is named")]
    HalfClientCertificate,
}

impl Address {
    /// The same server and database, for another role.
    #[must_use]
    pub fn with_role(mut self, role: &str, password: &str) -> Self {
        self.config.user(role).password(password);
        self.shown = show(&self.config);
        self
    }

    /// Whether neither the address nor a variable says who connects, so that credentials of this machine may.
    #[must_use]
    pub fn is_role_open(&self) -> bool {
        self.is_role_open
    }

    /// The name of the database on its server.
    pub(crate) fn database(&self) -> &str {
        self.config.get_dbname().unwrap_or_default()
    }

    /// For how long an engine tries to reach the server when it went away; `reconnect_timeout=SECONDS` in the address.
    #[must_use]
    pub fn reconnect_timeout(&self) -> Duration {
        self.reconnect_timeout
    }

    /// Whether a text is meant to be an address, and no path.
    #[must_use]
    pub fn is_meant_by(text: &str) -> bool {
        text.starts_with("postgres://") || text.starts_with("postgresql://")
    }

    /// Reads an address; `environment` gives variables such as `PGUSER`.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Self, AddressError> {
        if !Self::is_meant_by(text) {
            return Err(AddressError::Scheme);
        }
        let (location, query) = text.split_once('?').unwrap_or((text, ""));
        let mut own = BTreeMap::new();
        let mut others = Vec::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match key {
                "sslmode" | "sslrootcert" | "sslcert" | "sslkey" | "passfile" | "reconnect_timeout" => {
                    own.insert(key, percent_decode(value)?);
                }
                _ => others.push(parameter),
            }
        }
        let reconnect_timeout = match own.remove("reconnect_timeout") {
            None => RECONNECT_TIMEOUT,
            Some(text) => {
                let seconds: Result<u32, _> = text.parse();
                Duration::from_secs(seconds.map_err(|_| AddressError::ReconnectTimeout(text))?.into())
            }
        };
        let mut parameter = |key: &str, variable: &str| own.remove(key).or_else(|| environment(variable));
        let mode = parameter("sslmode", "PGSSLMODE");
        let root_certificates = parameter("sslrootcert", "PGSSLROOTCERT").map(PathBuf::from);
        let certificate = parameter("sslcert", "PGSSLCERT").map(PathBuf::from);
        let key = parameter("sslkey", "PGSSLKEY").map(PathBuf::from);
        let passfile = parameter("passfile", "PGPASSFILE").map(PathBuf::from);
        let location = match others.as_slice() {
            [] => location.to_owned(),
            others => format!("{location}?{}", others.join("&")),
        };
        let mut config = Config::from_str(&location).map_err(|error| {
            let reason =
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            AddressError::Invalid(reason)
        })?;
        if config.get_dbname().is_none() {
            return Err(AddressError::NoDatabase);
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host(environment("PGHOST").unwrap_or_else(|| "/var/run/postgresql".to_owned()));
        }
        let named = environment("PGUSER");
        let is_role_open = config.get_user().is_none() && named.is_none();
        if config.get_user().is_none() {
            let user = named.or_else(|| environment("USER"));
            config.user(user.unwrap_or_else(|| "root".to_owned()));
        }
        let mode = match mode {
            None => default_mode(&config),
            Some(name) => TlsMode::NAMES
                .into_iter()
                .find_map(|(known, mode)| (known == name).then_some(mode))
                .ok_or(AddressError::TlsMode(name))?,
        };
        let client_certificate = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(AddressError::HalfClientCertificate),
        };
        if config.get_password().is_none() {
            let home = || environment("HOME").map(|home| PathBuf::from(home).join(".pgpass"));
            let found = environment("PGPASSWORD")
                .or_else(|| passfile.or_else(home).and_then(|file| passfile::find_password(&file, &config)));
            if let Some(password) = found {
                config.password(password);
            }
        }
        config.ssl_mode(match mode {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        });
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("opm");
        }
        config.keepalives_idle(KEEPALIVE_IDLE);
        config.keepalives_interval(Duration::from_secs(5));
        config.keepalives_retries(2);
        config.tcp_user_timeout(KEEPALIVE_IDLE + Duration::from_secs(10));
        let shown = show(&config);
        Ok(Self {
            config,
            tls: TlsParameters { mode, root_certificates, client_certificate },
            shown,
            is_role_open,
            reconnect_timeout,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.shown).finish()
    }
}

/// A server that is on this machine needs no encryption; any other one has to prove who it is.
fn default_mode(config: &Config) -> TlsMode {
    let is_local = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    };
    let hosts_are_local = config.get_hosts().iter().all(is_local);
    let addresses_are_local = config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback);
    match hosts_are_local && addresses_are_local {
        true => TlsMode::Prefer,
        false => TlsMode::VerifyFull,
    }
}

/// The address as it is shown: who, where and which database.
fn show(config: &Config) -> String {
    let ports = config.get_ports();
    let port = |number: usize| ports.get(number).or(ports.first()).copied().unwrap_or(5432);
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(number, host)| match (host, port(number)) {
            (Host::Unix(directory), 5432) => directory.display().to_string().replace('/', "%2F"),
            (Host::Unix(directory), port) => {
                format!("{}:{port}", directory.display().to_string().replace('/', "%2F"))
            }
            (Host::Tcp(name), 5432) => name.clone(),
            (Host::Tcp(name), port) => format!("{name}:{port}"),
        })
        .collect();
    let user = config.get_user().map_or_else(String::new, |user| format!("{user}@"));
    format!("postgres://{user}{}/{}", hosts.join(","), config.get_dbname().unwrap_or_default())
}

fn percent_decode(text: &str) -> Result<String, AddressError> {
    let invalid = || AddressError::Invalid(format!("`{}` is wrongly escaped", text.escape_debug()));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let (high, low) = digit(rest.next()).zip(digit(rest.next())).ok_or_else(invalid)?;
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| invalid())?);
    }
    String::from_utf8(bytes).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(text: &str) -> Result<Address, AddressError> {
        Address::parse(text, |variable| (variable == "USER").then(|| "ada".to_owned()))
    }

    #[test]
    fn a_server_elsewhere_has_to_prove_who_it_is() {
        for (address, mode) in [
            ("postgres://head.cluster/opm", TlsMode::VerifyFull),
            ("postgres://10.0.0.1:5433/opm", TlsMode::VerifyFull),
            ("postgres://head.cluster/opm?sslmode=disable", TlsMode::Disable),
            ("postgres://head.cluster/opm?sslmode=verify-ca", TlsMode::VerifyCa),
            ("postgres://localhost,head.cluster/opm", TlsMode::VerifyFull),
            ("postgres://localhost/opm", TlsMode::Prefer),
            ("postgres://[::1]/opm", TlsMode::Prefer),
            ("postgres://127.0.0.9/opm", TlsMode::Prefer),
            ("postgres://%2Frun%2Fpostgresql/opm", TlsMode::Prefer),
            ("postgres:///opm", TlsMode::Prefer),
        ] {
            assert_eq!(parse(address).unwrap().tls.mode, mode, "{address}");
        }
    }

    #[test]
    fn it_is_shown_without_a_password() {
        for (address, shown) in [
            ("postgres://eve:secret@head:5433/opm", "postgres://eve@head:5433/opm"),
            ("postgresql://head/opm?password=secret&sslmode=require", "postgres://ada@head/opm"),
            ("postgres://a:1,b:2/opm?target_session_attrs=read-write", "postgres://ada@a:1,b:2/opm"),
            ("postgres:///opm", "postgres://ada@%2Fvar%2Frun%2Fpostgresql/opm"),
        ] {
            let parsed = parse(address).unwrap();
            assert_eq!(parsed.to_string(), shown);
            assert!(!format!("{parsed:?}").contains("secret"));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (address, message) in [
            ("mysql://head/opm", "an address of PostgreSQL begins with postgres:// or postgresql://"),
            (
                "postgres://head/opm?sslmode=yes",
                "the address of the database: `sslmode=yes` is none of disable, prefer, require, verify-ca, verify-full",
            ),
            (
                "postgres://head/opm?sslcert=/a.pem",
                "sslcert and sslkey belong together; only one of them is named",
            ),
            ("postgres://head/opm?sslrootcert=%zz", "the address of the database: `%zz` is wrongly escaped"),
            ("postgres://head", "the address of the database names no database: postgres://HOST/DATABASE"),
            (
                "postgres://head/opm?reconnect_timeout=soon",
                "the address of the database: `reconnect_timeout=soon` is no number of seconds",
            ),
            ("postgres://head/opm?colour=red", "the address of the database: unknown option `colour`"),
            ("postgres://head:x/opm", "the address of the database: invalid value for option `port`"),
        ] {
            assert_eq!(parse(address).unwrap_err().to_string(), message, "{address}");
        }
    }

    #[test]
    fn parameters_come_from_the_address_then_from_the_environment() {
        let environment = |variable: &str| {
            let known = [
                ("PGSSLMODE", "verify-ca"),
                ("PGSSLROOTCERT", "/root.pem"),
                ("PGPASSWORD", "p"),
                ("PGUSER", "u"),
            ];
            known.into_iter().find_map(|(name, value)| (name == variable).then(|| value.to_owned()))
        };
        let address = Address::parse("postgres://head/opm", environment).unwrap();
        assert_eq!((address.tls.mode, address.config.get_user()), (TlsMode::VerifyCa, Some("u")));
        assert_eq!(address.tls.root_certificates, Some("/root.pem".into()));
        assert_eq!(address.config.get_password(), Some(&b"p"[..]));
        let text = "postgres://v:w@head/opm?sslmode=require&sslrootcert=%2Fother%20root.pem";
        let address = Address::parse(text, environment).unwrap();
        assert_eq!((address.tls.mode, address.config.get_user()), (TlsMode::Require, Some("v")));
        assert_eq!(address.tls.root_certificates, Some("/other root.pem".into()));
        assert_eq!(address.config.get_password(), Some(&b"w"[..]));
    }
}
