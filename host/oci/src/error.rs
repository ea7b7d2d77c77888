//! What goes wrong with registries.

use opkg_fetch::FetchError;

use crate::digest::Digest;
use crate::reference::Reference;

/// Why something cannot be had of a registry, or brought there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The registry does not answer.
    #[error(transparent)]
    Fetch(#[from] FetchError),

    /// There is nothing of that name, version or digest.
    #[error("there is no {reference}")]
    NotFound {
        /// What was asked for.
        reference: Reference,
        /// Versions that there are of that name.
        versions: Vec<String>,
    },

    /// There is no version under this name.
    #[error("there is no version in {0}: none of its tags is one, such as `1.0.0`")]
    NoVersion(Reference),

    /// The registry wants to know who asks.
    #[error("the registry {registry} wants to know who asks for {repository}, and {}", .given.as_said())]
    Unauthorized {
        /// Its host.
        registry: String,
        /// The name there.
        repository: String,
        /// What it was told.
        given: GivenCredentials,
    },

    /// The registry knows who asks, and refuses.
    #[error("the registry {registry} does not allow that for {repository}{}", in_parentheses(.said))]
    Denied {
        /// Its host.
        registry: String,
        /// The name there.
        repository: String,
        /// What it says.
        said: String,
    },

    /// The registry answers with something else than what was asked.
    #[error("the registry does not answer for {what} as it should: {status}{}", in_parentheses(.said))]
    Unexpected {
        /// What was asked for.
        what: String,
        /// Of HTTP.
        status: u16,
        /// What it says.
        said: String,
    },

    /// The registry gives what breaks the rules of the protocol.
    #[error("the registry gives no sound {what}: {reason}")]
    Malformed {
        /// What it is meant to be.
        what: String,
        /// What is wrong with it.
        reason: String,
    },

    /// What came is not what its digest says.
    #[error("{what} was altered: it should have the digest {expected}, and has {found}")]
    Altered {
        /// What was asked for.
        what: String,
        /// By which it was asked for.
        expected: Digest,
        /// Of what came.
        found: Digest,
    },

    /// It is larger than a plugin may be.
    #[error("{what} is larger than {} MiB", .limit >> 20)]
    TooLarge {
        /// What was asked for.
        what: String,
        /// Bytes.
        limit: u64,
    },

    /// Something else than a component of WebAssembly.
    #[error("{reference} is no plugin, but {found}")]
    NotAComponent {
        /// What was asked for.
        reference: Reference,
        /// What it is.
        found: String,
    },

    /// The version is there, and is another one.
    #[error("{reference} is there already, and is another component ({found})")]
    AlreadyThere {
        /// What should be published.
        reference: Reference,
        /// The digest of the component that is there.
        found: Digest,
    },
}

/// What a registry was told of who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenCredentials {
    /// There are none for it.
    None,
    /// There may be some that another program keeps.
    Helper(String),
    /// It does not take them.
    Refused,
}

impl GivenCredentials {
    fn as_said(&self) -> String {
        match self {
            Self::None => "there are no credentials for it".into(),
            Self::Helper(helper) => {
                format!("its credentials are kept by another program (`{helper}`), which is not asked")
            }
            Self::Refused => "does not take the credentials that there are for it".into(),
        }
    }
}

fn in_parentheses(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}
