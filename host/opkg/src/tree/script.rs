//! The names that make a file in `scripts/` more than a file.

use crate::closest_match;
use crate::model::{HookTime, Part};

/// Older names of native scripts, each with the present one.
const LEGACY_NAMES: [(&str, &str); 5] = [
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
const CLUSTER_HOOKS: [&str; 6] = [
    "api-pre-configure",
    "api-post-configure",
    "api-post-image",
    "api-post-clientdef",
    "api-post-clients",
    "api-post-deploy",
];

/// A script that the package manager is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NativeScript {
    pub part: Part,
    pub time: HookTime,
    /// The present name, where the file has an older one.
    pub current_name: Option<&'static str>,
}

/// What a file of this name in `scripts/` itself is to the package manager.
pub(super) fn parse_native_script(name: &str) -> Option<NativeScript> {
    let renamed = LEGACY_NAMES.iter().find(|(alias, _)| *alias == name).map(|(_, present)| *present);
    let (part, time) = renamed.unwrap_or(name).split_once('-')?;
    let part = PARTS.iter().find(|(name, _)| *name == part)?.1;
    let time = TIMES.iter().find(|(name, _)| *name == time)?.1;
    Some(NativeScript { part, time, current_name: renamed })
}

/// How the name of a hook ends that is a component, and how that of the list of programs which it asks for.
const COMPONENT_SUFFIX: &str = ".wasm";
const PROGRAMS_SUFFIX: &str = ".programs";

/// A hook that is a component: run by the cluster software in every case, never by the package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ComponentHook<'a> {
    /// The hook's name.
    pub hook: &'a str,
    pub part: Part,
    /// It would have to run while its file is not there yet.
    pub is_pre_install: bool,
}

/// What a file of this name in `scripts/` itself is, if it is a hook that should be a component.
pub(super) fn parse_component_hook(name: &str) -> Option<ComponentHook<'_>> {
    let hook = name.strip_suffix(COMPONENT_SUFFIX)?;
    match parse_native_script(hook) {
        Some(native) => Some(ComponentHook {
            hook,
            part: native.part,
            is_pre_install: native.time == HookTime::PreInstall,
        }),
        None => CLUSTER_HOOKS.contains(&hook).then_some(ComponentHook {
            hook,
            part: Part::Api,
            is_pre_install: false,
        }),
    }
}

/// Whether a file of this name belongs to a hook that is a component: itself, or what it asks for.
fn belongs_to_component(name: &str) -> bool {
    let listed = name.strip_suffix(PROGRAMS_SUFFIX).map(|hook| format!("{hook}{COMPONENT_SUFFIX}"));
    parse_component_hook(listed.as_deref().unwrap_or(name)).is_some()
}

/// The hook that a name was probably meant to be: it looks like one, but is none.
pub(super) fn suggest_hook_name(name: &str) -> Option<String> {
    let looks_like_one = PARTS
        .iter()
        .any(|(part, _)| name.strip_prefix(part).is_some_and(|rest| rest.starts_with(['-', '_'])));
    if !looks_like_one
        || CLUSTER_HOOKS.contains(&name)
        || parse_native_script(name).is_some()
        || belongs_to_component(name)
    {
        return None;
    }
    if let Some(hook) = name.strip_suffix(COMPONENT_SUFFIX) {
        return suggest_hook_name(hook).map(|meant| meant + COMPONENT_SUFFIX);
    }
    let natives: Vec<String> = PARTS
        .iter()
        .flat_map(|(part, _)| TIMES.iter().map(move |(time, _)| format!("{part}-{time}")))
        .collect();
    closest_match(name, natives.iter().map(String::as_str).chain(CLUSTER_HOOKS)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_scripts() {
        let native_of = |part, time, renamed| Some(NativeScript { part, time, current_name: renamed });
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
            assert_eq!(parse_native_script(name), expected, "{name}");
        }
        assert!(LEGACY_NAMES.iter().all(|(alias, _)| parse_native_script(alias).is_some()));
    }

    #[test]
    fn hooks_that_are_components() {
        let of = |hook, part, is_too_early| Some(ComponentHook { hook, part, is_pre_install: is_too_early });
        for (name, expected) in [
            ("api-post-image.wasm", of("api-post-image", Part::Api, false)),
            ("server-post-install.wasm", of("server-post-install", Part::Server, false)),
            ("client-pre-install.wasm", of("client-pre-install", Part::Client, true)),
            ("helper.wasm", None),
            ("api-post-image", None),
        ] {
            assert_eq!(parse_component_hook(name), expected, "{name}");
        }
        for name in ["api-post-image.wasm", "api-post-image.programs", "client-post-install.programs"] {
            assert!(belongs_to_component(name) && suggest_hook_name(name).is_none(), "{name}");
        }
        assert!(!belongs_to_component("helper.programs"));
        assert_eq!(suggest_hook_name("api-post-imge.wasm").as_deref(), Some("api-post-image.wasm"));
    }

    #[test]
    fn names_that_miss_their_hook() {
        assert_eq!(suggest_hook_name("server-post-instal").as_deref(), Some("server-post-install"));
        assert_eq!(suggest_hook_name("api_post_image").as_deref(), Some("api-post-image"));
        for name in ["server-post-install", "api-post-clients", "post_install", "server-things", "helper"] {
            assert_eq!(suggest_hook_name(name), None, "{name}");
        }
    }
}
