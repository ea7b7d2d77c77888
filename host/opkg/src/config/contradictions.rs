//! Relations that no system can fulfil together.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::reader::ElementReader;
use super::related;
use crate::diagnostic::{Diagnostic, Location};
use crate::model::{
    Bound, Comparison, DistFilter, Filter, NodeId, Part, RelatedName, RelatedPackage, Relation, Scope,
};
use crate::version::compare_components;

/// Relations to one name that are compared with each other.
const MAX_COMPARED: usize = 100;

/// Warns, once for each name, where something is required and excluded on the same machines, or required in versions
/// that exclude each other.
pub(super) fn check(reader: &mut ElementReader<'_>, relations: &[Relation]) {
    let mut by_name: HashMap<&RelatedName, Vec<Demand<'_>>> = HashMap::new();
    let is_demand = |relation: &&Relation| relation.kind.is_requirement() || relation.kind.is_exclusion();
    for relation in relations.iter().filter(is_demand) {
        // One of several can be another one.
        if let [package] = relation.any_of.as_slice() {
            by_name.entry(&package.name).or_default().push(Demand { relation, package });
        }
    }
    let mut found: Vec<(&Relation, &Relation, String)> =
        by_name.values().filter_map(|demands| first_contradiction(demands)).collect();
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

/// That a package be there, or not.
struct Demand<'a> {
    relation: &'a Relation,
    /// The only one that the relation is to.
    package: &'a RelatedPackage,
}

/// The first two relations to one name that contradict each other, the earlier one first, and how.
fn first_contradiction<'a>(demands: &[Demand<'a>]) -> Option<(&'a Relation, &'a Relation, String)> {
    let demands = &demands[..demands.len().min(MAX_COMPARED)];
    demands.iter().enumerate().find_map(|(index, later)| {
        demands[..index].iter().find_map(|earlier| {
            let (one, other) = (earlier.relation, later.relation);
            let is_together =
                is_same_machine(one.scope, other.scope) && is_filter_shared(&one.filter, &other.filter);
            let message = if is_together { contradiction(earlier, later)? } else { return None };
            Some((one, other, message))
        })
    })
}

fn contradiction(earlier: &Demand<'_>, later: &Demand<'_>) -> Option<String> {
    let name = related::describe(std::slice::from_ref(later.package));
    match (earlier.relation.kind.is_requirement(), later.relation.kind.is_requirement()) {
        (true, true) => {
            let (first, second) = (earlier.package.bound.as_ref()?, later.package.bound.as_ref()?);
            excludes(first, second)
                .then(|| format!("no version of {name} is {} and {}", describe(first), describe(second)))
        }
        (false, false) => None,
        (is_earlier_required, _) => {
            let (required, excluded) = if is_earlier_required { (earlier, later) } else { (later, earlier) };
            let is_excluded = match (&required.package.bound, &excluded.package.bound) {
                (_, None) => true,
                (None, Some(_)) => false,
                (Some(required), Some(excluded)) => is_within(required, excluded),
            };
            is_excluded
                .then(|| format!("{name} is required, and all of what is required is excluded as a conflict"))
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
