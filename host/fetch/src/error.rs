//! Why something could not be fetched.

use std::io;

use crate::proxy::InvalidProxy;

/// Why something could not be fetched. Each message names the address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// It is no address that can be fetched from.
    #[error("`{0}` is no address of a server")]
    InvalidUrl(String),

    /// The server, or a proxy on the way to it, cannot be reached, or breaks off.
    #[error("{url}: {reason}")]
    Connection {
        /// What was asked for.
        url: String,
        /// As the system or the other side puts it.
        reason: String,
    },

    /// The environment names a proxy that cannot be used.
    #[error(transparent)]
    InvalidProxy(#[from] InvalidProxy),

    /// The proxy does not connect to the server. It is asked to with `CONNECT`, whatever the scheme.
    #[error("{url}: the proxy refuses: {reason}{}", if url.starts_with("https:") { "" } else {
        "; most let connections through to port 443 alone, so an address of HTTPS may do"
    })]
    ProxyRefused {
        /// What was asked for.
        url: String,
        /// As the proxy puts it.
        reason: String,
    },

    /// Nothing came for too long.
    #[error("{0}: the server takes too long")]
    Timeout(String),

    /// The server answers with something else.
    #[error("{url}: the server answers {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// Of HTTP: 404.
        status: u16,
    },

    /// The server sends elsewhere, again and again.
    #[error("{0}: redirected too often")]
    TooManyRedirects(String),

    /// The server sends to where nobody should follow.
    #[error("{from} redirects to {to}, which is not followed")]
    RefusedRedirect {
        /// What was asked for.
        from: String,
        /// Where the server sends.
        to: String,
    },

    /// It is larger than whoever asks for it wants.
    #[error("{url}: it is larger than {limit} bytes")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// Bytes.
        limit: u64,
    },

    /// It ends before its announced end.
    #[error("{url}: it ends after {received} bytes of {announced}")]
    Truncated {
        /// What was asked for.
        url: String,
        /// Bytes.
        received: u64,
        /// Bytes.
        announced: u64,
    },

    /// What has come cannot be written.
    #[error(transparent)]
    Write(io::Error),
}

impl FetchError {
    /// Whether it may work another time without anybody doing something.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connection { .. } | Self::Timeout(_) | Self::Truncated { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500..=599),
            _ => false,
        }
    }
}

/// What went wrong with a request to an address.
pub(crate) fn describe(url: &str, error: ureq::Error) -> FetchError {
    let url = url.to_owned();
    match error {
        ureq::Error::Timeout(_) => FetchError::Timeout(url),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => FetchError::InvalidUrl(url),
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => FetchError::Timeout(url),
        ureq::Error::Io(error) => FetchError::Connection { url, reason: error.to_string() },
        ureq::Error::ConnectProxyFailed(reason) => FetchError::ProxyRefused { url, reason },
        ureq::Error::HostNotFound => {
            FetchError::Connection { url, reason: "there is no host of this name".into() }
        }
        error => FetchError::Connection { url, reason: error.to_string() },
    }
}
