//! Owners, capabilities and ghosts, for which an archive of Debian has no place: its scripts see to them, as its policy has it
//! (10.9 and 6.8).

use std::fmt::Write as _;

use opkg_sdk::additions::{Addition, Place};
use opkg_sdk::diagnostic;
use opkg_sdk::file_attributes::FileAttributes;
use opkg_sdk::model::{ConfigKind, Diagnostic, ScriptTime};
use opkg_sdk::parts::PartPlan;
use opkg_sdk::text::shell_quote;

use crate::relation::{Dependency, RelationField};

/// The bits for set-user-ID and set-group-ID, which a file loses when it gets another owner.
const SET_ID_BITS: u32 = 0o6000;

/// The mode that a file has in the archive. Until its owner is right it is nobody's with the rights of another.
#[must_use]
pub fn packed_mode(attributes: &FileAttributes) -> u32 {
    if attributes.has_other_owner() { attributes.mode & !SET_ID_BITS } else { attributes.mode }
}

/// What the scripts of a part do about its files.
pub fn additions(part: &PartPlan<'_>) -> Vec<Addition> {
    let post_install =
        post_install(part).map(|body| Addition { time: ScriptTime::PostInstall, place: Place::Before, body });
    let post_uninstall = post_uninstall(part).map(|body| Addition {
        time: ScriptTime::PostUninstall,
        place: Place::After,
        body,
    });
    post_install.into_iter().chain(post_uninstall).collect()
}

/// What these need.
pub fn dependencies(part: &PartPlan<'_>) -> Option<Dependency> {
    let has_capabilities = part.files.iter().any(|file| file.attributes.capabilities.is_some());
    has_capabilities.then(|| Dependency::unversioned(RelationField::Depends, "libcap2-bin"))
}

/// Tells of configuration that dpkg keeps although it should not.
pub fn report_kept(part: &PartPlan<'_>, diagnostics: &mut Vec<Diagnostic>) {
    for file in part.files.iter().filter(|file| file.attributes.config == ConfigKind::Replace) {
        let message =
            format!("dpkg keeps `{}` where somebody has changed it, and never replaces it", file.path);
        diagnostic::push_unique(diagnostics, diagnostic::note(file.source.at, message));
    }
}

fn post_install(part: &PartPlan<'_>) -> Option<String> {
    let mut calls = String::new();
    // What lies in a directory before the directory: its owner could put something else there.
    let directories = part.directories.iter().rev().map(|it| (&it.path, &it.attributes, false));
    let files = part.files.iter().map(|it| (&it.path, &it.attributes, it.source.link.is_none()));
    for (path, attributes, is_file) in
        files.chain(directories).filter(|(_, it, _)| it.has_other_owner() && !it.is_ghost)
    {
        let owner = format!("{}:{}", attributes.owner, attributes.group);
        // Writing to a string cannot fail.
        let _ = write!(calls, "    own {} {owner}", shell_quote(path));
        if is_file && attributes.mode & SET_ID_BITS != 0 {
            let _ = write!(calls, " {:04o}", attributes.mode);
        }
        calls.push('\n');
    }
    let mut body = String::new();
    if !calls.is_empty() {
        body.push_str(
            "# Gives a file to its owner, and its mode back, unless the administrator has another idea.\n\
             own() {\n    dpkg-statoverride --list \"$1\" > /dev/null && return\n    chown -h \"$2\" \"$1\"\n    \
             [ -z \"$3\" ] || [ -h \"$1\" ] || chmod \"$3\" \"$1\"\n}\n",
        );
    }
    for file in &part.files {
        if let Some(capabilities) =
            file.attributes.capabilities.as_ref().filter(|_| !file.attributes.is_ghost)
        {
            let _ = writeln!(calls, "    setcap {} {}", shell_quote(capabilities), shell_quote(&file.path));
        }
    }
    if calls.is_empty() {
        return None;
    }
    let _ = write!(body, "if [ \"$1\" = configure ]; then\n{calls}fi\n");
    Some(body)
}

fn post_uninstall(part: &PartPlan<'_>) -> Option<String> {
    let ghosts = part.files.iter().filter(|file| file.attributes.is_ghost);
    let lines: String = ghosts.map(|file| format!("    rm -f {}\n", shell_quote(&file.path))).collect();
    (!lines.is_empty()).then(|| format!("if [ \"$1\" = purge ]; then\n{lines}fi\n"))
}
