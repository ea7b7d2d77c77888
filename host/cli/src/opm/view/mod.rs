//! How a cluster stands, as people and as programs read it.

mod details;
mod document;
mod matrix;
pub mod results;
mod steps;
#[cfg(test)]
mod tests;

pub use details::details;
pub use document::document;
pub use matrix::matrix;
pub use opkg_opm::words::{packages, target_names};
pub use steps::told;
