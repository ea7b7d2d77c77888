//! The directories of targets, and files in them: no path leads out of there.

mod root;
mod scoped_dir;

pub use root::RootError;
pub(crate) use root::{TargetRoot, TempFiles, device_and_inode, open_host_path};
pub(crate) use scoped_dir::ScopedDir;
