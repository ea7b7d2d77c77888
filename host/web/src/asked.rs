//! A request that was let in.

use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::fields::Fields;
use crate::session::Session;

/// Bytes of a path and a query together.
pub const MOST_IN_ADDRESS: usize = 4096;

/// What is asked for, by whom.
#[derive(Debug)]
pub struct Asked {
    /// The names in the path: `/packages/munge` is `packages`, `munge`.
    pub path: Vec<String>,
    /// What follows the question mark.
    pub query: Fields,
    /// What was sent, where something was.
    pub form: Option<Fields>,
    /// The browser.
    pub session: Arc<Session>,
}

impl Asked {
    /// Whether it listens to what changes.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.form.is_none() && self.path == ["live"]
    }
}

/// The names in a path; nothing where one is empty, `.` or `..`, or holds what no name holds. Nothing is joined or
/// resolved: no page is a file.
#[must_use]
pub fn path(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/')?;
    if path.is_empty() {
        return Some(Vec::new());
    }
    let name = |text: &str| {
        let name = percent_decode_str(text).decode_utf8().ok()?.into_owned();
        let is_strange = |it: char| it.is_control() || it == '/' || it == '\\';
        (!name.is_empty() && name != "." && name != ".." && !name.contains(is_strange)).then_some(name)
    };
    path.split('/').map(name).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths() {
        assert_eq!(path("/").unwrap(), Vec::<String>::new());
        assert_eq!(path("/packages/munge/on/client:n1").unwrap(), ["packages", "munge", "on", "client:n1"]);
        assert_eq!(path("/a%20b/%C3%A9").unwrap(), ["a b", "é"]);
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
            assert_eq!(path(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_name_leads_anywhere(text in "[a-z./%025eEfF\\\\]{0,30}") {
            for name in path(&format!("/{text}")).into_iter().flatten() {
                prop_assert!(!name.contains(['/', '\\']) && name != ".." && name != "." && !name.is_empty());
            }
        }
    }
}
