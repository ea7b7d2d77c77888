//! What is asked for of an index.

use opkg_interface::built::IndexSource;

use crate::repository_url::RepositoryUrl;
use crate::sign::Signer;

/// An index to be written over everything that is in a directory then.
#[derive(Clone, Copy)]
pub struct IndexRequest<'a> {
    /// What the index says that it is called.
    pub name: &'a str,
    /// Canonical names of the architectures that it is for, where that was said; of those that a plugin makes.
    pub archs: &'a [String],
    /// Signs it.
    pub signer: Option<&'a Signer>,
    /// Whether an index that was signed may become one that is not, where a plugin makes it. Readers would believe that somebody
    /// tampered with it; of others, [`crate::index_state`] tells beforehand.
    pub drops_signature: bool,
    /// Where package managers find the directory. With it and a signer, there is a file beside the index that
    /// configures them; without, one of before stays as it is.
    pub url: Option<&'a RepositoryUrl>,
    /// Makes the index of packages that the host makes none of; those whose names nobody claims are in none.
    pub maker: Option<&'a dyn IndexSource>,
    /// How many threads read packages for it. Its bytes do not depend on it.
    pub threads: usize,
}

impl<'a> IndexRequest<'a> {
    /// One that nobody vouches for.
    #[must_use]
    pub fn unsigned(name: &'a str) -> Self {
        Self { name, archs: &[], signer: None, drops_signature: false, url: None, maker: None, threads: 1 }
    }
}
