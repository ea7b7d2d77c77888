//! The OPKG source format: config.xml and its directory, read, checked and typed.

pub mod diagnostic;
pub mod model;
