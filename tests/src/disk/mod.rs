//! A disk that loses what was not synced: a file system in memory, mounted through `/dev/fuse`, whose power can be cut at
//! any write.
//!
//! It keeps two states: what programs see, and what would be there after a loss of power. `fsync` of a file brings its
//! contents from one to the other, `fsync` of a directory the names in it, and nothing else does. This is less than any
//! real file system promises, and all that POSIX does.

mod model;
mod protocol;
mod server;
mod trial;

pub use model::{Disk, PowerLoss};
pub use server::can_mount;
pub use trial::{Trial, TrialEnd, choose_steps, run, with_mounted};
