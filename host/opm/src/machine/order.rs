//! The order in which packages go through a stage, and who waits for whom.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use opkg_oda::{Class, Package, PackageId, PackageName};

/// The order of packages: class `core` first, then what others depend on before these, then by name. A package of
/// another class that a `core` one depends on comes before it all the same, and so before the rest.
#[derive(Debug, Clone, Default)]
pub struct Order {
    sequence: Vec<PackageId>,
    needs: BTreeMap<PackageId, Vec<PackageId>>,
    needed_by: BTreeMap<PackageId, Vec<PackageId>>,
}

impl Order {
    /// The order of these packages.
    #[must_use]
    pub fn new(packages: &BTreeMap<PackageId, Package>) -> Self {
        let circles = circles(packages);
        let mut needs: BTreeMap<PackageId, Vec<PackageId>> = BTreeMap::new();
        let mut needed_by: BTreeMap<PackageId, Vec<PackageId>> = BTreeMap::new();
        for package in packages.values() {
            let unique: BTreeSet<PackageId> = package
                .needs
                .iter()
                .copied()
                .filter(|it| packages.contains_key(it) && circles.get(it) != circles.get(&package.id))
                .collect();
            for needed in &unique {
                needed_by.entry(*needed).or_default().push(package.id);
            }
            needs.insert(package.id, unique.into_iter().collect());
        }
        let sequence = sequence(packages, &needs, &needed_by);
        Self { sequence, needs, needed_by }
    }

    /// All packages, in their order.
    #[must_use]
    pub fn sequence(&self) -> &[PackageId] {
        &self.sequence
    }

    /// The packages that must have come through a stage before this one. Those that depend on each other in a
    /// circle do not wait for each other.
    #[must_use]
    pub fn needs(&self, package: PackageId) -> &[PackageId] {
        self.needs.get(&package).map_or(&[], Vec::as_slice)
    }

    /// The packages that must be removed before this one.
    #[must_use]
    pub fn needed_by(&self, package: PackageId) -> &[PackageId] {
        self.needed_by.get(&package).map_or(&[], Vec::as_slice)
    }
}

/// What comes before what, apart from dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Core,
    /// A core package depends on it.
    BeforeCore,
    Other,
}

fn ranks(
    packages: &BTreeMap<PackageId, Package>,
    needs: &BTreeMap<PackageId, Vec<PackageId>>,
) -> BTreeMap<PackageId, Rank> {
    let core = packages.values().filter(|it| it.class == Class::Core).map(|it| it.id);
    let mut ranks: BTreeMap<PackageId, Rank> = core.map(|id| (id, Rank::Core)).collect();
    let mut open: Vec<PackageId> = ranks.keys().copied().collect();
    while let Some(id) = open.pop() {
        for needed in needs.get(&id).into_iter().flatten() {
            ranks.entry(*needed).or_insert_with(|| {
                open.push(*needed);
                Rank::BeforeCore
            });
        }
    }
    ranks
}

/// Kahn's algorithm, with the first in rank and name among those that wait for nothing.
fn sequence(
    packages: &BTreeMap<PackageId, Package>,
    needs: &BTreeMap<PackageId, Vec<PackageId>>,
    needed_by: &BTreeMap<PackageId, Vec<PackageId>>,
) -> Vec<PackageId> {
    let ranks = ranks(packages, needs);
    let rank = |id: PackageId| -> Option<Reverse<(Rank, &PackageName, PackageId)>> {
        let rank = ranks.get(&id).copied().unwrap_or(Rank::Other);
        packages.get(&id).map(|it| Reverse((rank, &it.name, id)))
    };
    let mut missing: BTreeMap<PackageId, usize> = needs.iter().map(|(id, it)| (*id, it.len())).collect();
    let mut free: BinaryHeap<_> =
        missing.iter().filter(|(_, count)| **count == 0).filter_map(|(id, _)| rank(*id)).collect();
    let mut sequence = Vec::with_capacity(packages.len());
    while let Some(Reverse((_, _, id))) = free.pop() {
        sequence.push(id);
        for dependent in needed_by.get(&id).into_iter().flatten() {
            if let Some(count) = missing.get_mut(dependent) {
                *count -= 1;
                if *count == 0 {
                    free.extend(rank(*dependent));
                }
            }
        }
    }
    sequence
}

/// For each package the number of the circle of dependencies that it is in (its strongly connected component),
/// by Tarjan's algorithm without recursion.
fn circles(packages: &BTreeMap<PackageId, Package>) -> BTreeMap<PackageId, usize> {
    #[derive(Clone, Copy)]
    struct Seen {
        index: usize,
        low: usize,
        stacked: bool,
    }
    let mut seen: BTreeMap<PackageId, Seen> = BTreeMap::new();
    let mut circles = BTreeMap::new();
    let mut stack = Vec::new();
    for root in packages.keys() {
        if seen.contains_key(root) {
            continue;
        }
        let mut path: Vec<(PackageId, usize)> = vec![(*root, 0)];
        while let Some((id, next)) = path.pop() {
            if next == 0 {
                let index = seen.len();
                seen.insert(id, Seen { index, low: index, stacked: true });
                stack.push(id);
            }
            let needed = packages.get(&id).and_then(|it| it.needs.get(next)).copied();
            match needed {
                Some(needed) if packages.contains_key(&needed) => {
                    path.push((id, next + 1));
                    match seen.get(&needed).copied() {
                        None => path.push((needed, 0)),
                        Some(other) if other.stacked => lower(&mut seen, id, other.index),
                        Some(_) => {}
                    }
                }
                Some(_) => path.push((id, next + 1)),
                None => {
                    let Some(own) = seen.get(&id).copied() else { continue };
                    if own.low == own.index {
                        let number = circles.len();
                        while let Some(member) = stack.pop() {
                            if let Some(it) = seen.get_mut(&member) {
                                it.stacked = false;
                            }
                            circles.insert(member, number);
                            if member == id {
                                break;
                            }
                        }
                    }
                    if let Some((parent, _)) = path.last() {
                        lower(&mut seen, *parent, own.low);
                    }
                }
            }
        }
    }
    return circles;

    fn lower(seen: &mut BTreeMap<PackageId, Seen>, id: PackageId, low: usize) {
        if let Some(it) = seen.get_mut(&id) {
            it.low = it.low.min(low);
        }
    }
}
