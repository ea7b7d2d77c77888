//! The state of a cluster, as people and as programs read it.

mod details;
mod json;
mod matrix;
pub mod results;
mod rollouts;
pub mod runs;
mod steps;
#[cfg(test)]
mod tests;

pub use details::render_details;
pub use json::status_json;
pub use matrix::render_matrix;
pub use opkg_engine::format::{package_list, target_label, target_list};
pub use rollouts::{describe_rollout, rollout_json};
pub use steps::{describe_step, describe_work};

/// `1 package`, `2 packages`
#[must_use]
pub fn plural(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
