//! The URLs of pages, relative to the [base](crate::request::Request::base) of a session.

use crate::params::build_url;

/// The page of the status.
pub const STATUS_URL: &str = "./";

/// The page of a package; `on` restricts it to targets and may be empty.
#[must_use]
pub fn package_url(package: &str, on: &str) -> String {
    let path = format!("packages/{package}");
    if on.is_empty() { path } else { build_url(&path, &[("on", on)]) }
}

#[must_use]
pub fn package_target_url(package: &str, target: &str) -> String {
    format!("packages/{package}/on/{target}")
}

/// The form of a package: for the whole cluster, or for an image.
#[must_use]
pub fn form_url(package: &str, image: Option<&str>) -> String {
    match image {
        Some(image) => format!("packages/{package}/form/{image}"),
        None => format!("packages/{package}/form"),
    }
}

#[must_use]
pub fn step_url(run: i64, number: u32) -> String {
    format!("runs/{run}/{number}")
}
