//! The configuration of Slurm: each partition of `slurm.conf` is a group, each switch or block of `topology.conf` another
//! one.
//!
//! The format is that of `slurm.conf(5)` and `topology.conf(5)`: fields `Key=Value` with blanks between them, the first one
//! of which says what the line is about. Upper and lower case of keys are the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use opkg_engine::groups::{GroupPart, GroupSourceError, GroupTable, Members, Place};
use opkg_engine::hostlist::{HostList, split_list};

/// What a line says that is about nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// Another file is read in its place.
    Include {
        /// As it is written.
        path: String,
        /// Where that stands.
        place: Place,
    },
    /// Something has a name, and further fields.
    Record(Record),
}

/// `NodeName=… Key=Value …`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    kind: RecordKind,
    name: String,
    /// Keys in lower case.
    fields: BTreeMap<String, String>,
    place: Place,
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RecordKind {
    Node,
    NodeSet,
    Partition,
    /// A switch or block.
    Topology,
}

/// As many sets of nodes are taken, and as long are the names of all who are in them by a feature.
const MAX_NODE_SETS: usize = 1000;
const MAX_SET_BYTES: usize = 64 << 20;
/// The name of what is no record itself, but holds what those behind it have that say nothing else.
const TEMPLATE: &str = "default";

impl RecordKind {
    fn of_key(key: &str) -> Option<Self> {
        match key {
            "nodename" => Some(Self::Node),
            "nodeset" => Some(Self::NodeSet),
            "partitionname" => Some(Self::Partition),
            "switchname" | "blockname" => Some(Self::Topology),
            _ => None,
        }
    }
}

impl Record {
    /// What a field holds; nothing where it is empty or absent.
    fn field(&self, key: &str) -> Option<&str> {
        self.fields.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn is_template(&self) -> bool {
        self.name.eq_ignore_ascii_case(TEMPLATE)
    }

    fn part(&self, nodes: Arc<str>) -> GroupPart {
        GroupPart { members: Members::Nodes(nodes), place: self.place.clone() }
    }

    fn invalid(&self, message: String) -> GroupSourceError {
        GroupSourceError::invalid(&self.place, message)
    }
}

/// Reads the text of a file: what it says about nodes, in its order.
///
/// # Errors
/// When a line about nodes makes no sense.
pub fn parse(text: &str, file: &str) -> Result<Vec<Statement>, GroupSourceError> {
    let mut statements = Vec::new();
    let mut joined = String::new();
    let mut begun = 0;
    for (number, line) in (1..).zip(text.lines()) {
        let line = strip_comment(line);
        if joined.is_empty() {
            begun = number;
        }
        match strip_continuation(&line) {
            // What follows is a part of the same word, unless it begins with a blank.
            Some(continued) => joined.push_str(continued),
            None => {
                joined.push_str(&line);
                read_line(&std::mem::take(&mut joined), file, begun, &mut statements)?;
            }
        }
    }
    read_line(&joined, file, begun, &mut statements)?;
    Ok(statements)
}

/// What stands before the `\` at the end of a line that goes on in the next one; of two, the first says that there is
/// one.
fn strip_continuation(line: &str) -> Option<&str> {
    let line = line.trim_end();
    let count = line.len() - line.trim_end_matches('\\').len();
    line.strip_suffix('\\').filter(|_| count % 2 == 1)
}

/// What stands before `#`; `\#` is one that belongs to the text.
fn strip_comment(line: &str) -> String {
    let mut text = String::new();
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('\\', Some('#')) => text.extend(letters.next()),
            ('#', _) => break,
            _ => text.push(letter),
        }
    }
    text
}

fn read_line(
    line: &str,
    file: &str,
    number: usize,
    statements: &mut Vec<Statement>,
) -> Result<(), GroupSourceError> {
    let place = Place { file: file.to_owned(), line: Some(number) };
    let line = line.trim();
    if let Some((word, path)) = line.split_once(char::is_whitespace)
        && word.eq_ignore_ascii_case("include")
    {
        statements.push(Statement::Include { path: path.trim().to_owned(), place });
        return Ok(());
    }
    let Some((first, _)) = line.split_once('=') else { return Ok(()) };
    let Some(kind) = RecordKind::of_key(&first.trim_end().to_ascii_lowercase()) else { return Ok(()) };
    let mut fields = read_fields(line).ok_or_else(|| {
        GroupSourceError::invalid(
            &place,
            "what stands here are not fields KEY=VALUE with blanks between them",
        )
    })?;
    let name = fields.remove(&first.trim_end().to_ascii_lowercase()).unwrap_or_default();
    if name.is_empty() {
        return Err(GroupSourceError::invalid(
            &place,
            format!("`{}` has no value", first.trim_end().escape_debug()),
        ));
    }
    statements.push(Statement::Record(Record { kind, name, fields, place }));
    Ok(())
}

/// `Key=Value Key="several words"`
fn read_fields(line: &str) -> Option<BTreeMap<String, String>> {
    let mut fields = BTreeMap::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (key, behind) = rest.split_once('=')?;
        let key = key.trim_end();
        // `Key+=Value` and the like change what a template says.
        let key = key.strip_suffix(['+', '-', '*', '/']).unwrap_or(key).trim_end();
        if key.is_empty()
            || !key.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.".contains(letter))
        {
            return None;
        }
        let behind = behind.trim_start();
        let (value, after) = match behind.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => behind.split_at(behind.find(char::is_whitespace).unwrap_or(behind.len())),
        };
        fields.insert(key.to_ascii_lowercase(), value.to_owned());
        rest = after.trim_start();
    }
    Some(fields)
}

/// The partitions, as groups.
///
/// # Errors
/// When there are too many, or a name cannot be one.
pub fn partitions(records: &[Record]) -> Result<GroupTable, GroupSourceError> {
    let known = KnownNodes::read(records)?;
    let mut table = GroupTable::default();
    let mut of_template: Vec<GroupPart> = Vec::new();
    for partition in records.iter().filter(|record| record.kind == RecordKind::Partition) {
        // With `Nodes=""` a partition has none, whatever others have.
        let own = partition.fields.get("nodes").map(|nodes| known.parts(partition, nodes));
        if partition.is_template() {
            // One that says nothing of nodes leaves what an earlier one said.
            of_template = own.unwrap_or(of_template);
            continue;
        }
        let failed = |message| partition.invalid(message);
        table.declare(&partition.name).map_err(failed)?;
        for part in own.as_ref().unwrap_or(&of_template) {
            table.add(&partition.name, part.clone()).map_err(failed)?;
        }
    }
    Ok(table)
}

/// The nodes that have a name together.
struct KnownNodes<'a> {
    /// All nodes, for `ALL`.
    all: Arc<str>,
    /// Those of each `NodeSet=big Feature=bigmem Nodes=node[1-2]`.
    sets: BTreeMap<&'a str, Vec<Arc<str>>>,
}

impl<'a> KnownNodes<'a> {
    fn read(records: &'a [Record]) -> Result<Self, GroupSourceError> {
        let nodes = nodes_with_features(records);
        let join = |nodes: &mut dyn Iterator<Item = &(&'a str, &'a str)>| -> Arc<str> {
            nodes.map(|(name, _)| *name).collect::<Vec<_>>().join(",").into()
        };
        // Many sets may have one feature.
        let mut features: BTreeMap<&str, Arc<str>> = BTreeMap::new();
        let mut sets: BTreeMap<&str, Vec<Arc<str>>> = BTreeMap::new();
        let mut bytes = 0;
        for set in records.iter().filter(|record| record.kind == RecordKind::NodeSet) {
            let known = sets.entry(&set.name).or_default();
            known.extend(set.field("nodes").map(Arc::from));
            if let Some(feature) = set.field("feature") {
                let has = |(_, features): &&(&str, &str)| features.split(',').any(|known| known == feature);
                let nodes = features.entry(feature).or_insert_with(|| join(&mut nodes.iter().filter(has)));
                bytes += nodes.len();
                known.push(Arc::clone(nodes));
            }
            if sets.len() > MAX_NODE_SETS || bytes > MAX_SET_BYTES {
                return Err(set.invalid("there are too many sets of nodes".into()));
            }
        }
        Ok(Self { all: join(&mut nodes.iter()), sets })
    }

    /// What `Nodes` of a partition holds: names of nodes and of sets.
    fn parts(&self, partition: &Record, nodes: &str) -> Vec<GroupPart> {
        let mut parts = Vec::new();
        for member in split_list(nodes).filter(|member| !member.is_empty()) {
            match self.sets.get(member) {
                _ if member.eq_ignore_ascii_case("all") => parts.push(partition.part(Arc::clone(&self.all))),
                Some(set) => parts.extend(set.iter().map(|nodes| partition.part(Arc::clone(nodes)))),
                None => parts.push(partition.part(member.into())),
            }
        }
        parts
    }
}

/// The names of nodes, with their features: where they say nothing of these, those of the template before them.
fn nodes_with_features(records: &[Record]) -> Vec<(&str, &str)> {
    let (mut nodes, mut of_template) = (Vec::new(), "");
    for record in records.iter().filter(|record| record.kind == RecordKind::Node) {
        let own = record.fields.get("feature").or(record.fields.get("features")).map(String::as_str);
        if record.is_template() {
            // One that says nothing of features leaves what an earlier one said.
            of_template = own.unwrap_or(of_template);
        } else {
            nodes.push((record.name.as_str(), own.unwrap_or(of_template)));
        }
    }
    nodes
}

/// The switches and blocks, as groups. One above others has the nodes of all below it.
///
/// # Errors
/// When there are too many, or a name cannot be one.
pub fn switches(records: &[Record]) -> Result<GroupTable, GroupSourceError> {
    let mut table = GroupTable::default();
    for switch in records.iter().filter(|record| record.kind == RecordKind::Topology) {
        let failed = |message| switch.invalid(message);
        table.declare(&switch.name).map_err(failed)?;
        if let Some(nodes) = switch.field("nodes") {
            table.add(&switch.name, switch.part(nodes.into())).map_err(failed)?;
        }
        let below = switch.field("switches").or(switch.field("blocks")).unwrap_or_default();
        for list in split_list(below).filter(|list| !list.is_empty()) {
            let list = HostList::parse(list).map_err(|error| failed(error.to_string()))?;
            for name in list.names() {
                let part = GroupPart { members: Members::Group(name), place: switch.place.clone() };
                table.add(&switch.name, part).map_err(failed)?;
            }
        }
    }
    Ok(table)
}
