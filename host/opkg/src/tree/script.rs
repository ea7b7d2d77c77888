//! The names that make a file in `scripts/` more than a file.

use crate::closest_match;
use crate::model::{Part, ScriptTime};

/// Older names of native scripts, each with the present one.
const LEGACY_NAMES: [(&str, &str); 5] = [
    ("setup", "api-post-install"),
    ("post_server_rpm_install", "server-post-install"),
    ("post_server_rpm_uninstall", "server-post-uninstall"),
    ("post_client_rpm_install", "client-post-install"),
    ("post_client_rpm_uninstall", "client-post-uninstall"),
];

const TIMES: [(&str, ScriptTime); 6] = [
    ("pre-install", ScriptTime::PreInstall),
    ("post-install", ScriptTime::PostInstall),
    ("pre-uninstall", ScriptTime::PreUninstall),
    ("post-uninstall", ScriptTime::PostUninstall),
    ("post-transaction", ScriptTime::PostTransaction),
    ("triggered", ScriptTime::Triggered),
];

/// Older names of hooks that the cluster software runs.
const LEGACY_CLUSTER_NAMES: [&str; 5] =
    ["pre_configure", "post_configure", "post_rpm_nochroot", "post_clients", "post_install"];

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
    pub time: ScriptTime,
    /// The present name, where the file has an older one.
    pub current_name: Option<&'static str>,
}

/// What a file of this name in `scripts/` itself is to the package manager.
pub(super) fn parse_native_script(name: &str) -> Option<NativeScript> {
    let renamed = LEGACY_NAMES.iter().find(|(alias, _)| *alias == name).map(|(_, present)| *present);
    let (part, time) = renamed.unwrap_or(name).split_once('-')?;
    let part = Part::NAMES.iter().find(|(name, _)| *name == part)?.1;
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
    /// When it runs, of those that the package manager would run as scripts.
    pub native_time: Option<ScriptTime>,
}

/// What a file of this name in `scripts/` itself is, if it is a hook that should be a component.
pub(super) fn parse_component_hook(name: &str) -> Option<ComponentHook<'_>> {
    let hook = name.strip_suffix(COMPONENT_SUFFIX)?;
    match parse_native_script(hook) {
        Some(native) => Some(ComponentHook { hook, part: native.part, native_time: Some(native.time) }),
        None => CLUSTER_HOOKS.contains(&hook).then_some(ComponentHook {
            hook,
            part: Part::Api,
            native_time: None,
        }),
    }
}

/// Whether a file of this name belongs to a hook that is a component: itself, or what it asks for.
fn belongs_to_component(name: &str) -> bool {
    let listed = name.strip_suffix(PROGRAMS_SUFFIX).map(|hook| format!("{hook}{COMPONENT_SUFFIX}"));
    parse_component_hook(listed.as_deref().unwrap_or(name)).is_some()
}

/// Whether something runs a file of this name in `scripts/` itself, a script or a component.
pub(super) fn is_hook_name(name: &str) -> bool {
    parse_native_script(name).is_some()
        || CLUSTER_HOOKS.contains(&name)
        || LEGACY_CLUSTER_NAMES.contains(&name)
        || parse_component_hook(name).is_some()
}

/// The names of hooks, older ones last.
#[must_use]
pub fn hook_names() -> Vec<String> {
    let older = LEGACY_NAMES.iter().map(|(old, _)| *old).chain(LEGACY_CLUSTER_NAMES);
    current_hook_names().into_iter().chain(older.map(str::to_owned)).collect()
}

fn current_hook_names() -> Vec<String> {
    let natives =
        Part::NAMES.iter().flat_map(|(part, _)| TIMES.iter().map(move |(time, _)| format!("{part}-{time}")));
    natives.chain(CLUSTER_HOOKS.map(str::to_owned)).collect()
}

/// Endings that programs have elsewhere, and hooks have not.
const PROGRAM_SUFFIXES: [&str; 6] = [".sh", ".bash", ".pl", ".py", ".rb", ".bin"];

/// The hook that a name was probably meant to be: it looks like one, but is none.
pub(super) fn suggest_hook_name(name: &str) -> Option<String> {
    if is_hook_name(name) || belongs_to_component(name) {
        return None;
    }
    if let Some(hook) = name.strip_suffix(COMPONENT_SUFFIX) {
        return suggest_hook_name(hook).map(|meant| meant + COMPONENT_SUFFIX);
    }
    let lower = name.to_ascii_lowercase();
    if let Some(old) =
        LEGACY_NAMES.iter().map(|(old, _)| *old).chain(LEGACY_CLUSTER_NAMES).find(|old| *old == lower)
    {
        return Some(old.to_owned());
    }
    let stem = PROGRAM_SUFFIXES.iter().find_map(|suffix| lower.strip_suffix(suffix)).unwrap_or(&lower);
    let written = sorted_words(stem);
    let known = current_hook_names();
    if let Some(same) = known.iter().find(|known| sorted_words(known) == written) {
        return Some(same.clone());
    }
    // A helper may well be called after a part, or after a time; a hook has the form of one.
    let begins_with_part = Part::NAMES
        .iter()
        .any(|(part, _)| stem.strip_prefix(part).is_some_and(|rest| rest.starts_with(['-', '_'])));
    let has_time = written.iter().any(|word| ["pre", "post"].contains(word));
    let is_long = written.len() == 3;
    let looks_like_hook = begins_with_part || (has_time && is_long);
    if !looks_like_hook {
        return None;
    }
    closest_match(&stem.replace('_', "-"), known.iter().map(String::as_str)).map(str::to_owned)
}

/// The words of a name, whatever they are joined with, in the order of the alphabet.
fn sorted_words(name: &str) -> Vec<&str> {
    let mut words: Vec<&str> = name.split(['-', '_', '.', ' ']).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_scripts() {
        let native_of = |part, time, renamed| Some(NativeScript { part, time, current_name: renamed });
        for (name, expected) in [
            ("api-pre-install", native_of(Part::Api, ScriptTime::PreInstall, None)),
            ("server-post-uninstall", native_of(Part::Server, ScriptTime::PostUninstall, None)),
            ("client-post-transaction", native_of(Part::Client, ScriptTime::PostTransaction, None)),
            ("server-triggered", native_of(Part::Server, ScriptTime::Triggered, None)),
            ("setup", native_of(Part::Api, ScriptTime::PostInstall, Some("api-post-install"))),
            (
                "post_client_rpm_install",
                native_of(Part::Client, ScriptTime::PostInstall, Some("client-post-install")),
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
        let of = |hook, part, native_time| Some(ComponentHook { hook, part, native_time });
        for (name, expected) in [
            ("api-post-image.wasm", of("api-post-image", Part::Api, None)),
            (
                "server-post-install.wasm",
                of("server-post-install", Part::Server, Some(ScriptTime::PostInstall)),
            ),
            ("client-pre-install.wasm", of("client-pre-install", Part::Client, Some(ScriptTime::PreInstall))),
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
        for (name, meant) in [
            ("api_post_image", "api-post-image"),
            ("Server-Post-Install", "server-post-install"),
            ("CLIENT-PRE-UNINSTALL", "client-pre-uninstall"),
            ("post-install-server", "server-post-install"),
            ("post_install_client", "client-post-install"),
            ("install-post-api", "api-post-install"),
            ("server-post-install.sh", "server-post-install"),
            ("api-post-clientdefs", "api-post-clientdef"),
            ("sever-post-install", "server-post-install"),
            ("cilent-post-install", "client-post-install"),
            ("Post_Install", "post_install"),
            ("SETUP", "setup"),
            ("client-post-transation", "client-post-transaction"),
            ("client_trigger", "client-triggered"),
        ] {
            assert_eq!(suggest_hook_name(name).as_deref(), Some(meant), "{name}");
        }
        for name in [
            "server-post-install",
            "api-post-clients",
            "post_install",
            "server-things",
            "helper",
            "post-process.sh",
            "client",
            "install.sh",
        ] {
            assert_eq!(suggest_hook_name(name), None, "{name}");
        }
    }
}
