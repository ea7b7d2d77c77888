//! Works out which targets of a cluster an expression means.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use opkg_oda::{Cluster, TargetId, TargetKind};

use super::error::SelectError;
use super::expression::{Dialect, Expression, KEYWORDS, Operator, Term};
use super::glob;
use crate::groups::{GroupCatalog, GroupPart, GroupTable, Members};
use crate::hostlist::{self, HostList};

/// As many names are compared for one choice. Names of nodes that are no targets count, since files of others may have
/// any number of them.
const MAX_COMPARISONS: usize = 5_000_000;
/// As many groups may refer to each other in a row.
const MAX_DEPTH: usize = 32;
/// As many members of a group that are no targets are remembered by name.
const MAX_UNKNOWN: usize = 1000;

type Targets = BTreeSet<TargetId>;

/// Who belongs to a group.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct GroupMembers {
    /// Those that are targets.
    pub targets: BTreeSet<TargetId>,
    /// The first thousand names of those that are none.
    pub unknown: BTreeSet<String>,
}

/// A group that exists: the number of its source, and its name there.
pub type GroupId<'a> = (usize, &'a str);

#[derive(Debug)]
pub(super) struct Evaluator<'a> {
    cluster: &'a Cluster,
    catalog: &'a GroupCatalog,
    by_name: BTreeMap<(TargetKind, &'a str), TargetId>,
    /// The groups that have been worked out.
    known: BTreeMap<GroupId<'a>, Rc<GroupMembers>>,
    /// The groups that are being worked out: each one refers to the next.
    open: Vec<GroupId<'a>>,
    comparisons: usize,
}

impl<'a> Evaluator<'a> {
    pub fn new(cluster: &'a Cluster, catalog: &'a GroupCatalog) -> Self {
        let by_name =
            cluster.targets.values().map(|target| ((target.kind(), target.address.name.as_str()), target.id));
        Self {
            cluster,
            catalog,
            by_name: by_name.collect(),
            known: BTreeMap::new(),
            open: Vec::new(),
            comparisons: 0,
        }
    }

    /// What an expression of a command means. All that it names must exist. `start` is what it begins with.
    pub fn select(&mut self, expression: &Expression, start: Targets) -> Result<Targets, SelectError> {
        let mut chosen = start;
        for (operator, term) in &expression.terms {
            let operand = match term {
                Term::Every(kind) => self.every(*kind),
                Term::Names { kind, names, .. } => {
                    let found = self.find(*kind, names)?;
                    if let Some(target) = found.unknown.first() {
                        return Err(self.unknown_target(*kind, target));
                    }
                    found.targets
                }
                Term::Group { source, names, .. } => {
                    let members = self.find_groups(source.as_deref(), names, None)?;
                    if members.targets.is_empty() {
                        let group = term.to_string();
                        match members.unknown.is_empty() {
                            // Whoever leaves out those in maintenance is content if there are none.
                            true if *operator == Operator::Difference => {}
                            true => return Err(SelectError::EmptyGroup(group)),
                            false => {
                                let members = hostlist::fold(members.unknown.iter().map(String::as_str));
                                return Err(SelectError::UnknownMembers { group, members });
                            }
                        }
                    }
                    members.targets
                }
            };
            chosen = operator.apply(chosen, &operand);
        }
        Ok(chosen)
    }

    /// Who belongs to a group of a source of this number.
    pub fn group(&mut self, source: usize, name: &'a str) -> Result<Rc<GroupMembers>, SelectError> {
        if let Some(members) = self.known.get(&(source, name)) {
            return Ok(Rc::clone(members));
        }
        let label = self.catalog.label(source, name);
        if let Some(at) = self.open.iter().position(|open| *open == (source, name)) {
            let between = self.open.iter().skip(at).map(|(source, name)| self.catalog.label(*source, name));
            return Err(SelectError::Cycle(between.chain([label]).collect()));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(SelectError::TooDeep(label));
        }
        let table = self.table(source)?;
        self.open.push((source, name));
        let members = self.parts(source, &label, table.get(name).unwrap_or_default());
        self.open.pop();
        let members = Rc::new(members?);
        self.known.insert((source, name), Rc::clone(&members));
        Ok(members)
    }

    /// Those in all parts of a group.
    fn parts(
        &mut self,
        source: usize,
        label: &str,
        parts: &'a [GroupPart],
    ) -> Result<GroupMembers, SelectError> {
        let mut members = GroupMembers::default();
        for part in parts {
            let of_part = self.part(source, part).map_err(|error| match error {
                // These say themselves where they come from.
                SelectError::Cycle(_) | SelectError::Definition { .. } | SelectError::TooManyNames => error,
                error => SelectError::Definition {
                    group: label.to_owned(),
                    place: part.place.clone(),
                    error: Box::new(error),
                },
            })?;
            self.add(&mut members, &of_part)?;
        }
        Ok(members)
    }

    fn part(&mut self, source: usize, part: &'a GroupPart) -> Result<Rc<GroupMembers>, SelectError> {
        let expression = match &part.members {
            Members::Group(name) if self.table(source)?.get(name).is_some() => {
                return self.group(source, name);
            }
            Members::Group(name) => {
                return Err(SelectError::unknown_group(format!("@{name}"), self.catalog.labels()));
            }
            Members::Targets(text) | Members::Nodes(text) if text.trim().is_empty() => {
                return Ok(Rc::default());
            }
            Members::Targets(text) => Expression::parse(text, Dialect::Targets)?,
            Members::Nodes(text) => Expression::parse(text, Dialect::Nodes)?,
        };
        let mut members = GroupMembers::default();
        if expression.is_exclusion() {
            members.targets = self.every(None);
        }
        for (operator, term) in &expression.terms {
            let operand = match term {
                Term::Every(kind) => GroupMembers { targets: self.every(*kind), ..GroupMembers::default() },
                Term::Names { kind, names, .. } => self.find(*kind, names)?,
                Term::Group { source: named, names, .. } => {
                    self.find_groups(named.as_deref(), names, Some(source))?
                }
            };
            members.targets = operator.apply(members.targets, &operand.targets);
            members.unknown = operator.apply(members.unknown, &operand.unknown);
            members.forget_surplus();
        }
        Ok(Rc::new(members))
    }

    /// Those in all groups that a name means, with its brackets and patterns. A group that refers to others means first
    /// those of its own source, `from`.
    fn find_groups(
        &mut self,
        source: Option<&str>,
        names: &HostList,
        from: Option<usize>,
    ) -> Result<GroupMembers, SelectError> {
        let mut members = GroupMembers::default();
        for (source, name) in self.find_group_ids(source, names, from)? {
            let of_group = self.group(source, name)?;
            self.add(&mut members, &of_group)?;
        }
        Ok(members)
    }

    /// The groups that a name means, with its brackets and patterns.
    pub fn find_group_ids(
        &mut self,
        source: Option<&str>,
        names: &HostList,
        from: Option<usize>,
    ) -> Result<Vec<GroupId<'a>>, SelectError> {
        let mut found = Vec::new();
        for name in names.names() {
            self.count(1)?;
            found.extend(self.lookup(source, &name, from)?);
        }
        Ok(found)
    }

    /// The groups that a name or pattern means: at least one.
    fn lookup(
        &mut self,
        source: Option<&str>,
        name: &str,
        from: Option<usize>,
    ) -> Result<Vec<GroupId<'a>>, SelectError> {
        let catalog = self.catalog;
        let written = match source {
            Some(source) => format!("@{source}:{name}"),
            None => format!("@{name}"),
        };
        let sources = catalog.sources();
        if let Some(source) = source
            && !sources.iter().any(|known| known.name == source)
        {
            // Perhaps it is in a file that cannot be read.
            for index in 0..sources.len() {
                self.table(index)?;
            }
            let known = sources.iter().map(|source| source.name.clone()).collect();
            return Err(SelectError::UnknownSource { name: source.to_owned(), known });
        }
        let is_pattern = glob::is_pattern(name);
        let mut found: Vec<GroupId<'a>> = Vec::new();
        // Those that come first, and the others in their order.
        let own = from.into_iter().chain([0]);
        for index in own.filter(|_| source.is_none() && !is_pattern) {
            let known = sources.get(index).and_then(|source| source.groups.as_ref().ok());
            if let Some((name, _)) = known.and_then(|table| table.get_key_value(name)) {
                return Ok(vec![(index, name)]);
            }
        }
        for (index, known) in sources.iter().enumerate() {
            if source.is_some_and(|source| source != known.name) {
                continue;
            }
            let table = self.table(index)?;
            if is_pattern {
                self.count(table.names().count())?;
                found.extend(
                    table.names().filter(|known| glob::matches(name, known)).map(|name| (index, name)),
                );
            } else {
                found.extend(table.get_key_value(name).map(|(name, _)| (index, name)));
            }
        }
        match found.as_slice() {
            [] => {
                let of_source = |source: &str| {
                    let tables = sources.iter().filter(|known| known.name == source);
                    let names = tables.flat_map(|known| &known.groups).flat_map(GroupTable::names);
                    names.map(|name| format!("@{source}:{name}")).collect()
                };
                let known = source.map_or_else(|| catalog.labels(), of_source);
                Err(SelectError::unknown_group(written, known))
            }
            [_, _, ..] if !is_pattern => {
                let choices = found.iter().map(|(index, name)| catalog.label(*index, name)).collect();
                Err(SelectError::AmbiguousGroup { group: written, choices })
            }
            _ => Ok(found),
        }
    }

    fn table(&self, source: usize) -> Result<&'a GroupTable, SelectError> {
        let source = self.catalog.sources().get(source);
        let source =
            source.ok_or_else(|| SelectError::UnknownSource { name: String::new(), known: Vec::new() })?;
        source
            .groups
            .as_ref()
            .map_err(|error| SelectError::Source { name: source.name.clone(), error: error.clone() })
    }

    fn every(&self, kind: Option<TargetKind>) -> Targets {
        let targets = self.cluster.targets.values();
        targets
            .filter(|target| kind.is_none_or(|kind| target.kind() == kind))
            .map(|target| target.id)
            .collect()
    }

    /// The targets of these names and patterns, and which of them mean none.
    fn find(&mut self, kind: TargetKind, names: &HostList) -> Result<GroupMembers, SelectError> {
        let mut found = GroupMembers::default();
        for name in names.names() {
            self.count(1)?;
            if let Some(target) = self.by_name.get(&(kind, name.as_str())) {
                found.targets.insert(*target);
                continue;
            }
            let mut is_known = false;
            if glob::is_pattern(&name) {
                self.count(self.by_name.len())?;
                let of_kind =
                    self.by_name.iter().filter(|((of, known), _)| *of == kind && glob::matches(&name, known));
                for (_, target) in of_kind {
                    found.targets.insert(*target);
                    is_known = true;
                }
            }
            if !is_known && found.unknown.len() < MAX_UNKNOWN {
                found.unknown.insert(name);
            }
        }
        Ok(found)
    }

    fn unknown_target(&self, kind: TargetKind, name: &str) -> SelectError {
        let target = format!("{kind}:{name}");
        let addresses: Vec<String> =
            self.cluster.targets.values().map(|target| target.address.to_string()).collect();
        // Of another kind, or a word with a typing error.
        let same_name = self
            .by_name
            .keys()
            .find(|(_, known)| *known == name)
            .map(|(kind, name)| format!("{kind}:{name}"));
        let word = opkg::closest_match(name, KEYWORDS.iter().map(|(word, _)| *word));
        // Of nodes with other numbers, none is nearer than another one.
        let series = |address: &str| address.replace(|letter: char| letter.is_ascii_digit(), "");
        let own_series = series(&target);
        let others = addresses.iter().map(String::as_str).filter(|address| series(address) != own_series);
        let near = opkg::closest_match(&target, others);
        let suggestion = same_name.or_else(|| word.or(near).map(str::to_owned));
        SelectError::UnknownTarget { target, suggestion }
    }

    fn add(&mut self, members: &mut GroupMembers, others: &GroupMembers) -> Result<(), SelectError> {
        self.count(others.targets.len() + others.unknown.len())?;
        members.targets.extend(&others.targets);
        members.unknown.extend(others.unknown.iter().cloned());
        members.forget_surplus();
        Ok(())
    }

    fn count(&mut self, comparisons: usize) -> Result<(), SelectError> {
        self.comparisons = self.comparisons.saturating_add(comparisons);
        if self.comparisons > MAX_COMPARISONS { Err(SelectError::TooManyNames) } else { Ok(()) }
    }
}

impl GroupMembers {
    fn forget_surplus(&mut self) {
        while self.unknown.len() > MAX_UNKNOWN {
            self.unknown.pop_last();
        }
    }
}

impl Operator {
    pub(super) fn apply<T: Ord + Clone>(self, mut left: BTreeSet<T>, right: &BTreeSet<T>) -> BTreeSet<T> {
        match self {
            Self::Union => left.extend(right.iter().cloned()),
            Self::Difference => left.retain(|item| !right.contains(item)),
            Self::Intersection => left.retain(|item| right.contains(item)),
            Self::SymmetricDifference => return left.symmetric_difference(right).cloned().collect(),
        }
        left
    }
}
