//! The directories of targets, and files in them: no path leads out of there.

mod resolve;
mod root;
mod root_id;
mod scoped_dir;
mod temp_files;
mod temp_record;

pub use root::RootError;
pub(crate) use root::{TargetRoot, device_and_inode, open_host_path};
pub use root_id::root_id;
pub(crate) use root_id::write_root_id;
pub(crate) use scoped_dir::ScopedDir;
pub(crate) use temp_files::TempFiles;
pub(crate) use temp_record::remove_leftovers;
