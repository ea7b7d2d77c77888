//! `triggers`: places below which files of other packages concern this one.

use roxmltree::Node as XmlNode;

use super::groups::{GroupKind, read_groups};
use super::reader::ElementReader;
use super::values::{self, read_choice};
use crate::diagnostic::{Diagnostic, Location};
use crate::limits::MAX_TRIGGERS;
use crate::model::{Filter, Part, Trigger};

/// Of what is wrong with an element.
const CODE: &str = "trigger";
const ATTRIBUTES: [&str; 2] = ["path", "part"];

const GROUPS: GroupKind = GroupKind {
    group: "triggers",
    element: "trigger",
    error,
    limit: MAX_TRIGGERS,
    limit_help: "a directory stands for all that is below it: name the one that they have in common",
};

/// All of them in the order of the file. Whether there are scripts for them is not known here.
pub(super) fn read_triggers(reader: &mut ElementReader<'_>, root: XmlNode<'_, '_>) -> Vec<Trigger> {
    read_groups(reader, root, &GROUPS, |reader, element, filter, before: &[Trigger]| {
        let trigger = read_trigger(reader, element, filter)?;
        report_duplicate(reader, element, &trigger, before);
        Some(trigger)
    })
}

/// Nothing where it names no directory, which was reported.
fn read_trigger(
    reader: &mut ElementReader<'_>,
    element: XmlNode<'_, '_>,
    filter: &Filter,
) -> Option<Trigger> {
    reader.check_leaf(element, &[], &ATTRIBUTES);
    let Some((path, range)) = reader.attribute(element, "path") else {
        let diagnostic = Diagnostic::error(CODE, "the trigger has no attribute `path`")
            .help("say below which directory files matter: `path=\"/usr/share/modulefiles\"`");
        reader.report(reader.tag_range(element), diagnostic);
        return None;
    };
    if !is_path(&path) {
        let help = match path.trim_end_matches('/') {
            "" if !path.is_empty() => {
                "something below `/` changes with every package: name the directory that matters".to_owned()
            }
            shorter if is_path(shorter) => format!("leave out the `/` at the end: `path=\"{shorter}\"`"),
            _ => "write the directory from `/` on, without `.` and `..`, of letters, digits and `/ . _ + - : @ ~`"
                .to_owned(),
        };
        values::reject(reader, range, error, "trigger", "path", &path, &help);
        return None;
    }
    let part = read_choice(reader, element, error, "part", &Part::NAMES);
    Some(Trigger { at: reader.add_node(range), path, part, filter: filter.clone() })
}

/// The same again says nothing more, and hides what may have been meant.
fn report_duplicate(
    reader: &mut ElementReader<'_>,
    element: XmlNode<'_, '_>,
    trigger: &Trigger,
    before: &[Trigger],
) {
    let is_same = |other: &&Trigger| {
        let of_one_part = other.part.is_none() || trigger.part.is_none() || other.part == trigger.part;
        other.path == trigger.path && of_one_part && other.filter == trigger.filter
    };
    let Some(first) = before.iter().find(is_same) else { return };
    let mut diagnostic = Diagnostic::warning(CODE, format!("a second trigger for `{}`", trigger.path))
        .help("remove one of the two, or name another directory");
    if let Some(Location::Config(range)) = reader.locations.get(first.at) {
        diagnostic = diagnostic.related(Location::Config(range.clone()), "the first one");
    }
    reader.report(reader.tag_range(element), diagnostic);
}

/// dpkg keeps a line for each of them, and a spec has them in one line between blanks and commas.
fn is_path(path: &str) -> bool {
    let is_component = |name: &str| {
        !matches!(name, "" | "." | "..")
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "._+-:@~".contains(c))
    };
    path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_component))
}

fn error(message: String) -> Diagnostic {
    Diagnostic::error(CODE, message)
}
