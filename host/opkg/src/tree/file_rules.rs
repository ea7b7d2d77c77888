//! Which rules of `files` are about which files and directories.

use std::collections::{BTreeSet, HashSet};

use super::layout;
use crate::closest_match;
use crate::diagnostic::Diagnostic;
use crate::model::{Configuration, Destination, Directory, FileRule, NodeId, SourceFile};
use crate::text::escape_for_display;

/// Notes with everything that is laid into the root which rules are about it, and reports rules that are about nothing, or say
/// what cannot be. `laid_directories`: those below `files/`.
pub(super) fn assign(
    rules: &[FileRule],
    files: &mut [SourceFile],
    directories: &mut [Directory],
    laid_directories: &HashSet<Destination>,
    report: &mut impl FnMut(Diagnostic, NodeId),
) {
    for (index, rule) in (0_u32..).zip(rules) {
        let mut kinds = BTreeSet::new();
        for file in files.iter_mut().filter(|file| layout::is_for_root(&file.path)) {
            if installed_path(&file.destination).is_some_and(|path| rule.covers(path)) {
                file.rules.push(index);
                kinds.insert(if file.link.is_some() { Kind::Link } else { Kind::File });
            }
        }
        let laid =
            directories.iter_mut().filter(|directory| laid_directories.contains(&directory.destination));
        for directory in laid {
            if installed_path(&directory.destination).is_some_and(|path| rule.covers(path)) {
                directory.rules.push(index);
                kinds.insert(Kind::Directory);
            }
        }
        for kind in &kinds {
            check_kind(rule, *kind, report);
        }
        if kinds.is_empty() {
            let laid = files.iter().filter(|file| layout::is_for_root(&file.path));
            report(unmatched(rule, laid.filter_map(|file| installed_path(&file.destination))), rule.at);
        }
    }
}

fn installed_path(destination: &Destination) -> Option<&str> {
    match destination {
        Destination::Path(path) => Some(path),
        Destination::Documentation(_) => None,
    }
}

fn unmatched<'a>(rule: &FileRule, laid: impl Iterator<Item = &'a str>) -> Diagnostic {
    let help = match closest_match(&rule.path, laid) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if layout::is_system_directory(&rule.path) => {
            "it is a directory that every system has, and belongs to no package of an OPKG".to_owned()
        }
        None => format!(
            "put it into `files/client{0}`, `files/server{0}` or `files/api{0}`",
            escape_for_display(&rule.path)
        ),
    };
    let path = escape_for_display(&rule.path);
    let end = if rule.is_tree { "/" } else { "" };
    Diagnostic::error("file-rule-unused", format!("nothing is installed as `{path}{end}`")).help(help)
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    File,
    Directory,
    Link,
}

/// Rules about a tree pass over what they do not suit.
fn check_kind(rule: &FileRule, kind: Kind, report: &mut impl FnMut(Diagnostic, NodeId)) {
    if kind == Kind::File || rule.is_tree {
        return;
    }
    let is_link = kind == Kind::Link;
    let unsuited = [
        ("mode", is_link && rule.mode.is_some()),
        ("config", rule.configuration.is_some_and(|it| it != Configuration::No)),
        ("ghost", rule.is_ghost == Some(true)),
        ("capabilities", rule.capabilities.is_some()),
    ];
    for (attribute, _) in unsuited.into_iter().filter(|(_, is_unsuited)| *is_unsuited) {
        let what = if is_link { "link" } else { "directory" };
        let message = format!("`{}` is a {what}, which has no `{attribute}`", escape_for_display(&rule.path));
        let help = match is_link {
            true => "say it of the file that the link leads to".to_owned(),
            false => format!(
                "write `{}/` for the files in it, or remove the attribute",
                escape_for_display(&rule.path)
            ),
        };
        report(Diagnostic::error("file-rule", message).help(help), rule.at);
    }
}
