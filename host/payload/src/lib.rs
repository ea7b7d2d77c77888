//! What others have built, taken into OPKGs: archives of upstream, packages, directories in which something was built.
//!
//! Three steps, of which only the first two ask a server: [`lock`] notes what the sources are, with size and SHA-256;
//! [`fetch`] brings what is noted into a [`PayloadStore`]; [`load`] reads an OPKG with what it takes of them, as if it lay
//! below `files/`. Sources are hostile: what is in them has limits, and names and links that lead elsewhere are refused.

#![warn(clippy::disallowed_methods)]

mod digest;
mod fetching;
mod load;
mod lock_file;
mod pattern;
mod placement;
mod source_entries;
mod store;
mod unpack;

pub use crate::digest::MAX_SOURCE_BYTES;
pub use crate::fetching::{
    Destination, FetchedSource, Fetching, PayloadError, Progress, SourceOutcome, fetch, lock,
};
pub use crate::load::{LoadedOpkg, load};
pub use crate::lock_file::{Lock, LockError, LockedSource};
pub use crate::store::PayloadStore;
