//! Relations that no system can fulfil together.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::reader::ElementReader;
use crate::diagnostic::{Diagnostic, Location};
use crate::model::{Bound, Comparison, DistFilter, Filter, NodeId, Part, Relation, RelationKind, Scope};
use crate::version::compare_components;

/// Relations to one name that are compared with each other.
const MAX_COMPARED: usize = 100;

/// Warns, once for each name, where something is required and excluded on the same machines, or required in versions
/// that exclude each other.
pub(super) fn check(reader: &mut ElementReader<'_>, relations: &[Relation]) {
    let mut by_name: HashMap<&str, Vec<&Relation>> = HashMap::new();
    let is_demand =
        |relation: &&Relation| matches!(relation.kind, RelationKind::Requires | RelationKind::Conflicts);
    for relation in relations.iter().filter(is_demand) {
        by_name.entry(&relation.name).or_default().push(relation);
    }
    let mut found: Vec<(&Relation, &Relation, String)> =
        by_name.values().filter_map(|relations| first_contradiction(relations)).collect();
    found.sort_by_key(|(_, later, _)| later.at);
    for (earlier, later, message) in found {
        let place = |at: NodeId| reader.locations.get(at).cloned();
        let mut diagnostic = Diagnostic::warning("relation-contradiction", message)
            .help("remove one of the two, or restrict each to its own machines with `filters`");
        if let Some(first) = place(earlier.at) {
            diagnostic = diagnostic.related(first, "the other one");
        }
        if let Some(Location::Config(range)) = place(later.at) {
            reader.report(range, diagnostic);
        }
    }
}

/// The first two relations to one name that contradict each other, the earlier one first, and how.
fn first_contradiction<'a>(relations: &[&'a Relation]) -> Option<(&'a Relation, &'a Relation, String)> {
    let relations = &relations[..relations.len().min(MAX_COMPARED)];
    relations.iter().enumerate().find_map(|(index, later)| {
        relations[..index].iter().find_map(|earlier| {
            let is_together = is_same_machine(earlier.scope, later.scope)
                && is_filter_shared(&earlier.filter, &later.filter);
            let message = if is_together { contradiction(earlier, later)? } else { return None };
            Some((*earlier, *later, message))
        })
    })
}

fn contradiction(earlier: &Relation, later: &Relation) -> Option<String> {
    let name = &later.name;
    match (earlier.kind, later.kind) {
        (RelationKind::Requires, RelationKind::Requires) => {
            let (first, second) = (earlier.bound.as_ref()?, later.bound.as_ref()?);
            excludes(first, second)
                .then(|| format!("no version of `{name}` is {} and {}", describe(first), describe(second)))
        }
        (RelationKind::Conflicts, RelationKind::Conflicts) => None,
        (kind, _) => {
            let (required, excluded) =
                if kind == RelationKind::Requires { (earlier, later) } else { (later, earlier) };
            let is_excluded = match (&required.bound, &excluded.bound) {
                (_, None) => true,
                (None, Some(_)) => false,
                (Some(required), Some(excluded)) => is_within(required, excluded),
            };
            is_excluded.then(|| {
                format!("`{name}` is required, and all of what is required is excluded as a conflict")
            })
        }
    }
}

fn describe(bound: &Bound) -> String {
    let sign = match bound.comparison {
        Comparison::Lt => "<",
        Comparison::Le => "<=",
        Comparison::Eq => "=",
        Comparison::Ge => ">=",
        Comparison::Gt => ">",
    };
    format!("{sign} {}", bound.version)
}

/// Whether one machine gets both.
fn is_same_machine(one: Scope, other: Scope) -> bool {
    let parts = |scope: Scope| match scope {
        Scope::Part(part) => vec![part],
        // Conflicts at the level of the OPKG are no more than recorded for the api part.
        Scope::Common | Scope::Whole => vec![Part::Server, Part::Client],
    };
    parts(one).iter().any(|part| parts(other).contains(part))
}

/// Whether there is a machine that both filters surely match.
fn is_filter_shared(one: &Filter, other: &Filter) -> bool {
    *one == Filter::default() || *other == Filter::default() || is_same_filter(one, other)
}

/// The places in the file do not count.
fn is_same_filter(one: &Filter, other: &Filter) -> bool {
    let is_same_dist =
        |(one, other): (&DistFilter, &DistFilter)| one.id == other.id && one.bound == other.bound;
    one.archs == other.archs
        && one.dists.len() == other.dists.len()
        && one.dists.iter().zip(&other.dists).all(is_same_dist)
}

/// Whether surely no version is within both bounds.
fn excludes(one: &Bound, other: &Bound) -> bool {
    use Comparison::{Eq, Ge, Gt, Le, Lt};
    // `=` of a part of a version may mean all that begins with it.
    let is_prefix =
        |short: &str, long: &str| long.strip_prefix(short).is_some_and(|rest| rest.starts_with(['.', '-']));
    if is_prefix(&one.version, &other.version) || is_prefix(&other.version, &one.version) {
        return false;
    }
    let Some(order) = compare(&one.version, &other.version) else { return false };
    match (one.comparison, other.comparison) {
        (Eq, Eq) => order != Ordering::Equal,
        (Lt, Ge | Eq | Gt) | (Le, Gt) => order != Ordering::Greater,
        (Le, Ge | Eq) => order == Ordering::Less,
        (Ge, Lt) | (Gt, Lt | Le | Eq) | (Eq, Lt) => order != Ordering::Less,
        (Ge, Le | Eq) | (Eq, Le) => order == Ordering::Greater,
        (Eq, Ge) => order == Ordering::Less,
        (Eq, Gt) => order != Ordering::Greater,
        (Lt | Le, Lt | Le) | (Ge | Gt, Ge | Gt) => false,
    }
}

/// Whether surely every version within `inner` is within `outer`.
fn is_within(inner: &Bound, outer: &Bound) -> bool {
    use Comparison::{Eq, Ge, Gt, Le, Lt};
    if inner == outer {
        return true;
    }
    let Some(order) = compare(&inner.version, &outer.version) else { return false };
    match (inner.comparison, outer.comparison) {
        (Ge | Eq, Ge) | (Gt, Ge | Gt) => order != Ordering::Less,
        (Ge | Eq, Gt) => order == Ordering::Greater,
        (Le | Eq, Le) | (Lt, Le | Lt) => order != Ordering::Greater,
        (Le | Eq, Lt) => order == Ordering::Less,
        (Eq, Eq) => order == Ordering::Equal,
        (_, Eq) | (Lt | Le, Gt | Ge) | (Gt | Ge, Lt | Le) => false,
    }
}

/// Of versions without epochs; which of two epochs is meant where one has none is not for us to say.
fn compare(one: &str, other: &str) -> Option<Ordering> {
    if one.contains(':') || other.contains(':') {
        return None;
    }
    compare_components(one, other)
}
