//! Owners and capabilities, for which an archive of Debian has no place, and modes that dpkg does not change: its scripts see to them,
//! as its policy has it (10.9).

use std::fmt::Write as _;

use opkg_sdk::additions::{Addition, Place};
use opkg_sdk::diagnostic;
use opkg_sdk::file_attributes::FileAttributes;
use opkg_sdk::model::{ConfigKind, Diagnostic, ScriptTime};
use opkg_sdk::parts::{InstalledDirectory, InstalledFile, PartPlan};
use opkg_sdk::text::shell_quote;

use crate::relation::{Dependency, RelationField};

const OWN: &str = "\
# Gives a file its owner and mode, unless the administrator has another idea, or has removed it.
own() {
    [ -e \"$1\" ] || [ -h \"$1\" ] || return 0
    dpkg-statoverride --list \"$1\" > /dev/null && return
    chown -h \"$2\" \"$1\"
    [ -z \"$3\" ] || [ -h \"$1\" ] || chmod \"$3\" \"$1\"
}
";

/// What the scripts of a part do about its files.
pub fn addition(part: &PartPlan<'_>) -> Option<Addition> {
    post_install(part).map(|body| Addition { time: ScriptTime::PostInstall, place: Place::Before, body })
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

/// Tells of configuration whose name dpkg cannot read: it leaves blanks at the end of a line of `conffiles` out.
pub fn report_unreadable(part: &PartPlan<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let is_listed = |file: &&InstalledFile<'_>| {
        let attributes = &file.attributes;
        attributes.config != ConfigKind::No && !attributes.is_ghost && file.source.link.is_none()
    };
    for file in part.files.iter().filter(is_listed).filter(|file| file.path.ends_with(' ')) {
        let message =
            format!("dpkg cannot know `{}` as configuration, since its name ends with a blank", file.path);
        let help = "give the file another name, or let a rule of `files` say `config=\"no\"` of it";
        diagnostic::push_unique(diagnostics, diagnostic::error(file.source.at, message, help));
    }
}

fn post_install(part: &PartPlan<'_>) -> Option<String> {
    let mut calls = String::new();
    let mut functions = "";
    for file in part.files.iter().filter(|file| !file.attributes.is_ghost) {
        let attributes = &file.attributes;
        let has_lost_bits = file.source.link.is_none() && attributes.packed_mode() != attributes.mode;
        // dpkg gives configuration that is there already its old owner and mode.
        let is_kept = attributes.is_mode_ruled && attributes.config != ConfigKind::No;
        if attributes.has_other_owner() || is_kept {
            calls.push_str(&own(&file.path, attributes, has_lost_bits || is_kept));
            functions = OWN;
        }
        // They go with the old owner.
        if let Some(capabilities) = &attributes.capabilities {
            // Writing to a string cannot fail.
            let path = shell_quote(&file.path);
            let _ = writeln!(calls, "    [ ! -e {path} ] || setcap {} {path}", shell_quote(capabilities));
        }
    }
    // What lies in a directory before the directory: its owner could put something else there.
    for InstalledDirectory { path, attributes } in part.directories.iter().rev() {
        // dpkg leaves a directory that is there already as it is.
        if attributes.has_other_owner() || attributes.is_mode_ruled {
            calls.push_str(&own(path, attributes, attributes.is_mode_ruled));
            functions = OWN;
        }
    }
    (!calls.is_empty()).then(|| format!("{functions}if [ \"$1\" = configure ]; then\n{calls}fi\n"))
}

/// Gives a file to its owner, and where that is not as it has to be, its mode.
fn own(path: &str, attributes: &FileAttributes, with_mode: bool) -> String {
    let owner = shell_quote(&format!("{}:{}", attributes.owner, attributes.group));
    let mode = if with_mode { format!(" {:04o}", attributes.mode) } else { String::new() };
    format!("    own {} {owner}{mode}\n", shell_quote(path))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::process::Command;

    use opkg_sdk::filter::FilterContext;
    use opkg_sdk::model::{Destination, FileRule, Filter, Opkg, Part};
    use opkg_sdk::parts;
    use opkg_sdk::testing::{add_laid_file, own_directory, sample_opkg, sample_target};

    /// The mode is of directories as well.
    fn rule(owner: Option<&str>, mode: u32, capabilities: Option<&str>) -> FileRule {
        FileRule {
            at: 3,
            filter: Filter { dists: Vec::new(), archs: Vec::new() },
            owner: owner.map(str::to_owned),
            group: None,
            mode: Some(mode),
            directory_mode: Some(mode),
            config: None,
            ghost: None,
            capabilities: capabilities.map(str::to_owned),
        }
    }

    /// What the script of the client part does after its installation.
    fn given(opkg: &Opkg) -> Option<String> {
        let context = FilterContext::new(&sample_target("debian", None, None), Vec::new());
        let Ok([_, _, client]) = parts::plan(opkg, &context, "/usr/share/doc/x", &mut Vec::new()) else {
            panic!("it is not for Debian");
        };
        post_install(&client)
    }

    #[test]
    fn nobody_can_put_something_in_the_place_of_what_is_given() {
        let mut opkg = sample_opkg("x");
        opkg.file_rules = vec![
            rule(Some("site"), 0o4755, Some("cap_chown=ep")),
            rule(None, 0o755, Some("cap_net_raw=ep")),
            rule(Some("site"), 0o755, None),
        ];
        add_laid_file(&mut opkg, "/srv/site/ping").rules = vec![1];
        add_laid_file(&mut opkg, "/srv/site/tool").rules = vec![0];
        let mut directory = own_directory(Part::Client, Destination::Path("/srv/site".to_owned()));
        directory.rules = vec![2];
        opkg.directories.push(directory);
        let expected = "if [ \"$1\" = configure ]; then\n    \
                        [ ! -e '/srv/site/ping' ] || setcap 'cap_net_raw=ep' '/srv/site/ping'\n    \
                        own '/srv/site/tool' 'site:root' 4755\n    \
                        [ ! -e '/srv/site/tool' ] || setcap 'cap_chown=ep' '/srv/site/tool'\n    \
                        own '/srv/site' 'site:root' 0755\nfi\n";
        assert_eq!(given(&opkg), Some(format!("{OWN}{expected}")));
        opkg.file_rules[0] = rule(None, 0o755, None);
        opkg.file_rules[2].owner = None;
        opkg.file_rules[2].directory_mode = None;
        assert!(given(&opkg).is_some_and(|body| !body.contains("own") && body.contains("setcap")));
    }

    /// dpkg keeps the modes of configuration and directories that are there. Those of which no rule says anything are the
    /// administrator's.
    #[test]
    fn modes_reach_what_is_there_already() {
        let mut opkg = sample_opkg("x");
        opkg.file_rules = vec![rule(None, 0o640, None), rule(Some("site"), 0o600, None)];
        opkg.file_rules[1].mode = None;
        for (path, rules) in [("/etc/site/key", &[0][..]), ("/etc/site/name", &[1]), ("/etc/site/other", &[])]
        {
            let file = add_laid_file(&mut opkg, path);
            file.configuration = true;
            file.rules = rules.to_vec();
        }
        add_laid_file(&mut opkg, "/usr/lib/site/data").rules = vec![0];
        let mut directory = own_directory(Part::Client, Destination::Path("/var/lib/site".to_owned()));
        directory.rules = vec![0];
        opkg.directories.push(directory);
        opkg.directories.push(own_directory(Part::Client, Destination::Path("/var/lib/other".to_owned())));
        let expected = "if [ \"$1\" = configure ]; then\n    own '/etc/site/key' 'root:root' 0640\n    \
                        own '/etc/site/name' 'site:root'\n    own '/var/lib/site' 'root:root' 0640\nfi\n";
        assert_eq!(given(&opkg), Some(format!("{OWN}{expected}")));
    }

    /// dpkg brings no configuration back that somebody has removed, and no file that it is told to leave out.
    #[test]
    fn what_has_been_removed_is_nobodys() {
        let mut opkg = sample_opkg("x");
        opkg.file_rules = vec![rule(Some("site"), 0o4755, Some("cap_chown=ep"))];
        add_laid_file(&mut opkg, "/nonexistent/opkg/tool").rules = vec![0];
        let body = given(&opkg).unwrap();
        let ended = Command::new("/bin/sh").args(["-ec", &body, "postinst", "configure"]).output().unwrap();
        assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    }
}
