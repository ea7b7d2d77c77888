//! How a cluster stands, as people and as programs read it.

mod details;
mod document;
mod matrix;
mod steps;
#[cfg(test)]
mod tests;
mod words;

pub use details::{Failures, details};
pub use document::document;
pub use matrix::matrix;
pub use steps::told;
pub use words::{packages, target_names};
