//! The directories of targets, and files in them: no path leads out of there.

mod resolve;
mod root;
mod root_id;
mod scoped_dir;

pub use root::RootError;
pub(crate) use root::{TargetRoot, TempFiles, device_and_inode, open_host_path};
pub use root_id::root_id;
pub(crate) use root_id::write_root_id;
pub(crate) use scoped_dir::ScopedDir;
