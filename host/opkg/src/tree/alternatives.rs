//! Whether alternatives are about files that the packages have.

use std::collections::HashMap;

use crate::closest_match;
use crate::diagnostic::{Diagnostic, Location};
use crate::model::{Alternative, AlternativeLink, Destination, NodeId, Part, SourceFile};
use crate::text::escape_for_display;

/// Reports paths at which nothing is installed or that belong to another part, and links where a file is.
pub(super) fn check(
    alternatives: &[Alternative],
    files: &[SourceFile],
    report: &mut impl FnMut(Diagnostic, NodeId),
) {
    let installed: HashMap<&str, &SourceFile> = files
        .iter()
        .filter_map(|file| match &file.destination {
            Destination::Path(path) => Some((path.as_str(), file)),
            Destination::Documentation(_) => None,
        })
        .collect();
    for alternative in alternatives {
        let part = installed.get(alternative.main.path.as_str()).map(|file| file.part);
        for link in std::iter::once(&alternative.main).chain(&alternative.slaves) {
            check_link(link, part, &installed, report);
        }
    }
}

fn check_link(
    link: &AlternativeLink,
    part: Option<Part>,
    installed: &HashMap<&str, &SourceFile>,
    report: &mut impl FnMut(Diagnostic, NodeId),
) {
    let path = escape_for_display(&link.path);
    match installed.get(link.path.as_str()) {
        None => {
            let help = match closest_match(&link.path, installed.keys().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => {
                    format!("put it into `files/client{path}`, `files/server{path}` or `files/api{path}`")
                }
            };
            let message = format!("nothing is installed as `{path}`");
            report(Diagnostic::error("alternative-path", message).help(help), link.at);
        }
        Some(file) if part.is_some_and(|part| part != file.part) => {
            let message = format!("`{path}` is in another part than what it belongs to");
            let help = "put both below the same directory of `files/`";
            report(Diagnostic::error("alternative-path", message).help(help), link.at);
        }
        Some(_) => {}
    }
    if let Some(file) = installed.get(link.link.as_str()) {
        let message =
            format!("`{}` is to be a link, and a file of the package", escape_for_display(&link.link));
        let diagnostic = Diagnostic::error("alternative-path", message)
            .help("remove the file: the system makes the link")
            .related(Location::File(file.path.clone()), "the file");
        report(diagnostic, link.at);
    }
}
