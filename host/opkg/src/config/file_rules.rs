//! `files`: what packages say of what is laid into the root.

use std::ops::Range;

use roxmltree::Node as XmlNode;

use super::capabilities::read_capabilities;
use super::groups::{GroupKind, read_groups};
use super::reader::ElementReader;
use super::values::{self, ANSWERS, read_choice};
use crate::account::is_account_name;
use crate::diagnostic::Diagnostic;
use crate::limits::MAX_FILE_RULES;
use crate::model::{Configuration, FileRule, Filter};
use crate::text::escape_for_display;

/// Of what is wrong with an element.
const CODE: &str = "file-rule";
const ATTRIBUTES: [&str; 7] = ["path", "owner", "group", "mode", "config", "ghost", "capabilities"];

const CONFIGURATIONS: [(&str, Configuration); 3] =
    [("keep", Configuration::Keep), ("replace", Configuration::Replace), ("no", Configuration::No)];

const GROUPS: GroupKind = GroupKind {
    group: "files",
    element: "file",
    error,
    limit: MAX_FILE_RULES,
    limit_help: "say it of a directory with all that is in it: `path=\"/opt/site/\"`",
};

/// All rules in the order of the file. Whether there is something at their paths is not known here.
pub(super) fn read_file_rules(reader: &mut ElementReader<'_>, root: XmlNode<'_, '_>) -> Vec<FileRule> {
    read_groups(reader, root, &GROUPS, |reader, element, filter, _| read_rule(reader, element, filter))
}

/// Nothing where it has no path, which was reported.
fn read_rule(reader: &mut ElementReader<'_>, element: XmlNode<'_, '_>, filter: &Filter) -> Option<FileRule> {
    reader.check_leaf(element, &[], &ATTRIBUTES);
    let Some((written, range)) = reader.attribute(element, "path") else {
        let diagnostic = Diagnostic::error(CODE, "the file has no attribute `path`")
            .help("say where it is installed: `path=\"/etc/site.conf\"`");
        reader.report(reader.tag_range(element), diagnostic);
        return None;
    };
    let path = written.strip_suffix('/').unwrap_or(&written);
    let is_clean = |name: &str| !matches!(name, "" | "." | "..");
    if !path.is_empty() && !path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_clean)) {
        let message = format!("`{}` is not the path of an installed file", escape_for_display(&written));
        let help = "write it from `/` on, without `.` and `..`: `files/client/etc/site.conf` is installed as \
                    `/etc/site.conf`";
        reader.report(range, Diagnostic::error(CODE, message).help(help));
        return None;
    }
    let (path, is_tree) = (path.to_owned(), written.ends_with('/'));
    let rule = FileRule {
        at: reader.add_node(range),
        path,
        is_tree,
        filter: filter.clone(),
        owner: read_account(reader, element, "owner"),
        group: read_account(reader, element, "group"),
        mode: read_mode(reader, element),
        configuration: read_choice(reader, element, error, "config", &CONFIGURATIONS),
        is_ghost: read_choice(reader, element, error, "ghost", &ANSWERS),
        capabilities: read_capabilities(reader, element),
    };
    if ATTRIBUTES[1..].iter().all(|name| !element.has_attribute(*name)) {
        let diagnostic = Diagnostic::warning(CODE, "nothing is said of the file")
            .help(format!("add one of `{}`, or remove the element", ATTRIBUTES[1..].join("`, `")));
        reader.report(reader.tag_range(element), diagnostic);
    }
    Some(rule)
}

/// The name of a user or group.
fn read_account(reader: &mut ElementReader<'_>, element: XmlNode<'_, '_>, name: &str) -> Option<String> {
    let (written, range) = reader.attribute(element, name)?;
    if is_account_name(&written) {
        return Some(written);
    }
    let help = match written.parse::<u32>() {
        Ok(_) => "numbers differ from machine to machine: write the name",
        Err(_) => "a name is at most 31 of `a-z A-Z 0-9 _ -`, and begins with a letter or `_`",
    };
    reject(reader, range, name, &written, help);
    None
}

fn read_mode(reader: &mut ElementReader<'_>, element: XmlNode<'_, '_>) -> Option<u32> {
    let (written, range) = reader.attribute(element, "mode")?;
    let is_octal = matches!(written.len(), 3..=5) && written.chars().all(|digit| digit.is_digit(8));
    let mode = u32::from_str_radix(&written, 8).ok().filter(|mode| is_octal && *mode <= 0o7777);
    if mode.is_none() {
        reject(reader, range, "mode", &written, "write it as chmod takes it, in octal: `0640`");
        return None;
    }
    if mode.is_some_and(|mode| mode & 0o002 != 0 && mode & 0o1000 == 0) {
        let message = format!("with the mode `{written}`, everybody may write there");
        let diagnostic = Diagnostic::warning(CODE, message);
        reader.report(
            range,
            diagnostic.help("take away the 2 of the last digit; directories for all have `1777`"),
        );
    }
    mode
}

fn reject(reader: &mut ElementReader<'_>, range: Range<usize>, name: &str, written: &str, help: &str) {
    values::reject(reader, range, error, "file", name, written, help);
}

fn error(message: String) -> Diagnostic {
    Diagnostic::error(CODE, message)
}
