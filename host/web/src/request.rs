//! An authenticated request.

use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::params::Params;
use crate::person::Person;
use crate::response::Response;
use crate::session::Session;

/// Of path and query together.
pub const MAX_URI_BYTES: usize = 4096;

#[derive(Debug)]
pub struct Request {
    /// The decoded segments of the path below the base: `packages`, `munge` for `packages/munge`.
    pub path: Vec<String>,
    pub query: Params,
    /// Of a POST request.
    pub form: Option<Params>,
    pub session: Arc<Session>,
    pub person: Person,
    /// Path and query as sent, relative to [`Self::base`].
    pub url: String,
}

impl Request {
    /// What all URLs of this session are relative to.
    #[must_use]
    pub fn base(&self) -> &str {
        self.session.base()
    }

    /// A redirect to one of our pages, relative to the base.
    #[must_use]
    pub fn redirect(&self, url: &str) -> Response {
        Response::see_other(format!("{}{url}", self.base()))
    }
}

/// The decoded segments of a path; `None` when one is empty, `.` or `..`, or holds a slash or control character.
/// Segments are only compared, never joined or resolved: no page is a file.
#[must_use]
pub fn parse_path(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/')?;
    if path.is_empty() {
        return Some(Vec::new());
    }
    let segment = |text: &str| {
        let segment = percent_decode_str(text).decode_utf8().ok()?.into_owned();
        let is_forbidden = |letter: char| letter.is_control() || letter == '/' || letter == '\\';
        let is_valid =
            !segment.is_empty() && segment != "." && segment != ".." && !segment.contains(is_forbidden);
        is_valid.then_some(segment)
    };
    path.split('/').map(segment).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths() {
        assert_eq!(parse_path("/").unwrap(), Vec::<String>::new());
        assert_eq!(
            parse_path("/packages/munge/on/client:n1").unwrap(),
            ["packages", "munge", "on", "client:n1"]
        );
        assert_eq!(parse_path("/a%20b/%C3%A9").unwrap(), ["a b", "é"]);
        for bad in [
            "",
            "x",
            "//",
            "/a/",
            "/a//b",
            "/..",
            "/a/../b",
            "/%2e%2e/b",
            "/.%2E",
            "/.",
            "/a%2Fb",
            "/a%5cb",
            "/a%00",
            "/%ff",
        ] {
            assert_eq!(parse_path(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_name_leads_anywhere(text in "[a-z./%025eEfF\\\\]{0,30}") {
            for name in parse_path(&format!("/{text}")).into_iter().flatten() {
                prop_assert!(!name.contains(['/', '\\']) && name != ".." && name != "." && !name.is_empty());
            }
        }
    }
}
