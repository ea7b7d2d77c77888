//! The stage engine: brings packages from stage to stage, on the head node, on images and on compute nodes.
//!
//! [`machine`] decides and does nothing; everything that touches the world stands around it.

mod alive;
pub mod answers;
pub mod ask;
pub mod audit;
pub mod choice;
pub mod clock;
pub mod conf;
pub mod effects;
pub mod engine;
pub mod hostlist;
mod journal;
pub mod machine;
pub mod package_set;
pub mod packages;
pub mod requests;
pub mod status;
pub mod system;
pub mod targets;

pub mod testing;
pub mod words;
