//! Files that are compiled in. They are the same for everybody, so anybody may have them.

use crate::response::Response;

/// The file at a path.
#[must_use]
pub fn find(path: &str) -> Option<Response> {
    match path {
        "/style.css" => Some(Response::asset("text/css; charset=utf-8", include_str!("../assets/style.css"))),
        // Pages work without it: it only fetches them again when something has changed.
        "/script.js" => {
            Some(Response::asset("text/javascript; charset=utf-8", include_str!("../assets/script.js")))
        }
        "/icon.svg" => Some(Response::asset("image/svg+xml", include_str!("../assets/icon.svg"))),
        _ => None,
    }
}
