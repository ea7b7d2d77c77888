//! The names that make a file in `scripts/` more than a file.

use crate::model::{HookTime, Part};
use crate::nearest;

/// Older names of native scripts, each with the present one.
const NATIVE_ALIASES: [(&str, &str); 5] = [
    ("setup", "api-post-install"),
    ("post_server_rpm_install", "server-post-install"),
    ("post_server_rpm_uninstall", "server-post-uninstall"),
    ("post_client_rpm_install", "client-post-install"),
    ("post_client_rpm_uninstall", "client-post-uninstall"),
];

const PARTS: [(&str, Part); 3] = [("api", Part::Api), ("server", Part::Server), ("client", Part::Client)];
const TIMES: [(&str, HookTime); 4] = [
    ("pre-install", HookTime::PreInstall),
    ("post-install", HookTime::PostInstall),
    ("pre-uninstall", HookTime::PreUninstall),
    ("post-uninstall", HookTime::PostUninstall),
];

/// Hooks that the cluster software runs, not the package manager.
const HOOKS: [&str; 6] = [
    "api-pre-configure",
    "api-post-configure",
    "api-post-image",
    "api-post-clientdef",
    "api-post-clients",
    "api-post-deploy",
];

/// A script that the package manager is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Native {
    pub part: Part,
    pub time: HookTime,
    /// The present name, where the file has an older one.
    pub renamed: Option<&'static str>,
}

/// What a file of this name in `scripts/` itself is to the package manager.
pub(super) fn native(name: &str) -> Option<Native> {
    let renamed = NATIVE_ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, present)| *present);
    let (part, time) = renamed.unwrap_or(name).split_once('-')?;
    let part = PARTS.iter().find(|(name, _)| *name == part)?.1;
    let time = TIMES.iter().find(|(name, _)| *name == time)?.1;
    Some(Native { part, time, renamed })
}

/// The hook that a name was probably meant to be: it looks like one, but is none.
pub(super) fn misspelt(name: &str) -> Option<String> {
    let looks_like_one = PARTS
        .iter()
        .any(|(part, _)| name.strip_prefix(part).is_some_and(|rest| rest.starts_with(['-', '_'])));
    if !looks_like_one || HOOKS.contains(&name) || native(name).is_some() {
        return None;
    }
    let natives: Vec<String> = PARTS
        .iter()
        .flat_map(|(part, _)| TIMES.iter().map(move |(time, _)| format!("{part}-{time}")))
        .collect();
    nearest(name, natives.iter().map(String::as_str).chain(HOOKS)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_scripts() {
        let native_of = |part, time, renamed| Some(Native { part, time, renamed });
        for (name, expected) in [
            ("api-pre-install", native_of(Part::Api, HookTime::PreInstall, None)),
            ("server-post-uninstall", native_of(Part::Server, HookTime::PostUninstall, None)),
            ("setup", native_of(Part::Api, HookTime::PostInstall, Some("api-post-install"))),
            (
                "post_client_rpm_install",
                native_of(Part::Client, HookTime::PostInstall, Some("client-post-install")),
            ),
            ("api-post-image", None),
            ("common-post-install", None),
            ("helper", None),
        ] {
            assert_eq!(native(name), expected, "{name}");
        }
        assert!(NATIVE_ALIASES.iter().all(|(alias, _)| native(alias).is_some()));
    }

    #[test]
    fn names_that_miss_their_hook() {
        assert_eq!(misspelt("server-post-instal").as_deref(), Some("server-post-install"));
        assert_eq!(misspelt("api_post_image").as_deref(), Some("api-post-image"));
        for name in ["server-post-install", "api-post-clients", "post_install", "server-things", "helper"] {
            assert_eq!(misspelt(name), None, "{name}");
        }
    }
}
