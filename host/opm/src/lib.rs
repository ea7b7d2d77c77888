//! The stage engine: brings packages from stage to stage, on the head node, on images and on compute nodes.
//!
//! [`machine`] decides and does nothing; everything that touches the world stands around it.

pub mod effects;
pub mod machine;
