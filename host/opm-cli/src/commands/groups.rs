//! `opm target groups`: the groups of targets, where they come from, and who belongs to them.

use std::collections::BTreeSet;

use opkg_engine::groups::{GroupCatalog, Place};
use opkg_engine::hostlist;
use opkg_engine::target_selector::{GroupReader, TargetSelector};
use opkg_oda::{Cluster, ParseError};
use opkg_shell::Shell;
use serde::Serialize;

use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::session::{Session, load_groups};
use crate::view;

/// One group, as `--format json` prints it.
#[derive(Serialize)]
struct GroupJson {
    /// As `--on` takes it.
    group: String,
    name: String,
    source: String,
    /// The file that defines it, and the first line that does.
    file: Option<String>,
    line: Option<usize>,
    /// Those of its members that are targets, as `--on` takes them.
    targets: Vec<String>,
    /// The others, in few words.
    unknown: String,
    /// Why nobody knows who belongs to it.
    error: Option<String>,
}

/// Lists groups; all of them where none is named.
///
/// # Errors
/// When a group does not exist, or the database or configuration cannot be read.
pub fn list(session: &Session, named: &[String]) -> Result<ExitStatus, CliError> {
    let catalog = load_groups(session.settings_dir())?;
    let cluster = session.open_reader()?.load_targets()?;
    let mut reader = GroupReader::new(&cluster, &catalog);
    let wanted = find_wanted(&mut reader, &catalog, named)?;
    let groups: Vec<GroupJson> = wanted
        .into_iter()
        .map(|(source, name)| describe(&mut reader, &cluster, &catalog, source, name))
        .collect();
    if session.shell.is_json() {
        session.shell.print_json(&groups)?;
    } else {
        session.shell.print(&render(&groups))?;
    }
    if named.is_empty() {
        report_unreadable(session.shell, &catalog);
        if groups.is_empty() {
            session.shell.status("there are no groups: `[groups]` in opm.toml defines some");
        }
    }
    Ok(ExitStatus::Success)
}

/// Groups by the number of their source and their name, in the order of the catalog.
fn find_wanted<'a>(
    reader: &mut GroupReader<'a>,
    catalog: &'a GroupCatalog,
    named: &[String],
) -> Result<BTreeSet<(usize, &'a str)>, CliError> {
    let mut wanted = BTreeSet::new();
    for text in named {
        let selector = format!("@{}", text.strip_prefix('@').unwrap_or(text));
        let found = selector.parse::<TargetSelector>().ok().and_then(|selector| reader.find(&selector));
        let found = found
            .ok_or_else(|| ParseError::new("group", text, "one group, as @rack3, @slurm:gpu or 'rack*'"))?;
        wanted.extend(found?);
    }
    if named.is_empty() {
        for (index, source) in catalog.sources().iter().enumerate() {
            wanted.extend(source.groups.iter().flat_map(|table| table.names()).map(|name| (index, name)));
        }
    }
    Ok(wanted)
}

fn describe<'a>(
    reader: &mut GroupReader<'a>,
    cluster: &Cluster,
    catalog: &'a GroupCatalog,
    index: usize,
    name: &'a str,
) -> GroupJson {
    let source = catalog.sources().get(index);
    let parts = source.and_then(|source| source.groups.as_ref().ok()?.get(name)).unwrap_or_default();
    let place: Option<&Place> = parts.first().map(|part| &part.place);
    let (members, error) = match reader.members(index, name) {
        Ok(members) => (members, None),
        Err(error) => (std::rc::Rc::default(), Some(error.to_string())),
    };
    let targets: Vec<_> = members.targets.iter().copied().collect();
    let label = view::target_label(cluster, targets);
    GroupJson {
        group: catalog.label(index, name),
        name: name.to_owned(),
        source: source.map_or_else(String::new, |source| source.name.clone()),
        file: place.map(|place| place.file.clone()),
        line: place.and_then(|place| place.line),
        targets: label.split_whitespace().map(str::to_owned).collect(),
        unknown: hostlist::fold(members.unknown.iter().map(String::as_str)),
        error,
    }
}

/// A line for each group, in columns.
fn render(groups: &[GroupJson]) -> String {
    let width = |text: fn(&GroupJson) -> &str| {
        groups.iter().map(|group| text(group).chars().count()).max().unwrap_or(0)
    };
    let group_width = width(|group| &group.group);
    let source_width = width(|group| &group.source);
    let line = |group: &GroupJson| {
        let members = match &group.error {
            Some(error) => format!("cannot be used: {error}"),
            None if group.targets.is_empty() && group.unknown.is_empty() => "nobody".to_owned(),
            None if group.unknown.is_empty() => group.targets.join(" "),
            None if group.targets.is_empty() => format!("no target; unknown: {}", group.unknown),
            None => format!("{}; unknown: {}", group.targets.join(" "), group.unknown),
        };
        let members = opkg::escape_line(&members);
        format!("{:group_width$}  {:source_width$}  {members}\n", group.group, group.source)
    };
    groups.iter().map(line).collect()
}

/// Sources whose groups are not listed, since nobody can read them.
fn report_unreadable(shell: Shell, catalog: &GroupCatalog) {
    for source in catalog.sources() {
        if let Err(error) = &source.groups {
            shell.status(&format!("note: the groups of {} are not known: {error}", source.name));
        }
    }
}
