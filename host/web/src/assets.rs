//! Files that are compiled in.

use crate::response::Response;

#[must_use]
pub fn stylesheet() -> Response {
    Response::asset("text/css; charset=utf-8", include_str!("../assets/style.css"))
}

/// Pages work without it: it only fetches them again when something has changed.
#[must_use]
pub fn script() -> Response {
    Response::asset("text/javascript; charset=utf-8", include_str!("../assets/script.js"))
}

#[must_use]
pub fn icon() -> Response {
    Response::asset("image/svg+xml", include_str!("../assets/icon.svg"))
}
