//! What is asked for of an index.

use crate::sign::Signer;

/// An index to be written over everything that is in a directory then.
#[derive(Clone, Copy)]
pub struct IndexRequest<'a> {
    /// What the index says that it is called.
    pub name: &'a str,
    /// Signs it.
    pub signer: Option<&'a Signer>,
}
