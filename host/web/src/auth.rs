//! Who has access: whoever has the token, or whom a proxy names. Checked before anything else looks at a request.

use std::io;

use http::header::HeaderMap;

use crate::access::{Access, Attempt, AuthError};
use crate::listener::{ListenAddress, Listener};
use crate::people::People;
use crate::proxy::{ProxyAuth, ProxySettings};
use crate::response::Origin;
use crate::token::TokenAuth;

/// How people get in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignIn {
    /// By a token that is printed. Whoever has it is taken for this person, who may do everything.
    Token { person: String },
    /// Through a proxy that says who they are.
    Proxy(ProxySettings),
}

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A browser opens no socket in the file system.
    #[error("nobody but a proxy can connect to {0}")]
    SocketWithoutProxy(ListenAddress),
    /// Nothing that is sent there leaves the machine.
    #[error("connections to {0} are not encrypted")]
    EncryptedSocket(ListenAddress),
    /// Others than the proxy could connect, and say that they are somebody.
    #[error("everybody who reaches {0} could say that they are somebody else")]
    OpenToOthers(ListenAddress),
    /// The address is not available, or the operating system has no random numbers.
    #[error("cannot listen at {0}: {1}")]
    Io(ListenAddress, io::Error),
}

#[derive(Debug)]
pub enum Auth {
    Token(TokenAuth),
    Proxy(Box<ProxyAuth>),
}

impl SignIn {
    /// # Errors
    /// When at that address nobody would get in, or anybody.
    pub fn check(&self, listens: &ListenAddress, is_encrypted: bool) -> Result<(), StartError> {
        match (self, listens) {
            (_, ListenAddress::Socket(_)) if is_encrypted => {
                Err(StartError::EncryptedSocket(listens.clone()))
            }
            (Self::Token { .. }, ListenAddress::Socket(_)) => {
                Err(StartError::SocketWithoutProxy(listens.clone()))
            }
            (Self::Proxy(proxy), _) if proxy.is_open_to_others(listens) => {
                Err(StartError::OpenToOthers(listens.clone()))
            }
            _ => Ok(()),
        }
    }
}

impl Auth {
    /// # Errors
    /// When the operating system has no random numbers, or does not say where the listener is.
    pub fn new(sign_in: SignIn, people: People, listener: &Listener, is_encrypted: bool) -> io::Result<Self> {
        match sign_in {
            SignIn::Token { person } => {
                let address = listener.local_address()?.ok_or(io::ErrorKind::AddrNotAvailable)?;
                Ok(Self::Token(TokenAuth::new(address, is_encrypted, person)?))
            }
            SignIn::Proxy(settings) => Ok(Self::Proxy(Box::new(ProxyAuth::new(settings, people)))),
        }
    }

    /// The address to open in a browser.
    #[must_use]
    pub fn login_url(&self) -> String {
        match self {
            Self::Token(auth) => auth.login_url(),
            Self::Proxy(auth) => auth.public_url().to_string(),
        }
    }

    /// Our own origin as this browser sees it.
    ///
    /// # Errors
    /// When `Host` names another address.
    pub fn resolve_origin(&self, headers: &HeaderMap) -> Result<Origin, AuthError> {
        match self {
            Self::Token(auth) => auth.resolve_origin(headers),
            Self::Proxy(auth) => auth.resolve_origin(headers),
        }
    }

    /// # Errors
    /// When access is denied.
    pub fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Access, AuthError> {
        match self {
            Self::Token(auth) => auth.authenticate(attempt),
            Self::Proxy(auth) => auth.authenticate(attempt),
        }
    }
}
