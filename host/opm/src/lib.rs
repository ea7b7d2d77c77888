//! The stage engine: brings packages from stage to stage, on the head node, on images and on compute nodes.
//!
//! [`machine`] decides and does nothing; everything that touches the world stands around it.

mod alive;
pub mod effects;
pub mod engine;
mod journal;
pub mod machine;
pub mod requests;
pub mod system;
