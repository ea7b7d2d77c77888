//! Plugins in registries of the Open Container Initiative: where they are, how they are brought and published, and who
//! vouches for them.
//!
//! | module | what is in it | after |
//! |---|---|---|
//! | `digest`, `reference` | what names something in a registry | |
//! | `auth_file`, `challenge`, `connection`, `client` | the protocol | OCI distribution 1.1, tokens as Docker's registry has them |
//! | `manifest`, `artifact` | what a component is in a registry | OCI image 1.1, the artifact layout for WebAssembly of CNCF |
//! | `key`, `dsse`, `bundle`, `simple_signing`, `verify` | signatures | DSSE 1, bundles of Sigstore 0.3, cosign's payloads |
//! | `pull`, `publish`, `versions` | what is done with all of that | |
//!
//! Registries are hostile: what they send has a limit and the digest that it was asked by, and they get no credentials
//! but their own.

#![warn(clippy::disallowed_methods)]

mod artifact;
mod auth_file;
mod bundle;
mod challenge;
mod client;
mod connection;
mod digest;
mod dsse;
mod error;
mod json;
mod key;
mod manifest;
mod publish;
mod pull;
mod reference;
mod simple_signing;
mod statement;
mod verify;
mod versions;

pub use artifact::{ArtifactFacts, COMPONENT_MEDIA_TYPE, CONFIG_MEDIA_TYPE};
pub use auth_file::{AuthFile, AuthFileError};
pub use bundle::{BUNDLE_MEDIA_TYPE, sign_bundle};
pub use client::Client;
pub use connection::Scheme;
pub use digest::{Digest, DigestError};
pub use error::{GivenCredentials, RegistryError};
pub use key::{KeyError, PrivateKey, PublicKey};
pub use publish::{Published, publish};
pub use pull::{Pulled, current_digest, pull, resolve, signatures};
pub use reference::{Reference, ReferenceError, Selector};
pub use verify::{Evidence, SignatureError, Verdict, verify};
pub use versions::{newest_version, parse_tag, tag_of_version};
