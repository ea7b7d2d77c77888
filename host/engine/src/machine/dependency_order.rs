//! The order in which packages go through a stage, and who waits for whom.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use opkg_oda::{Package, PackageClass, PackageId, PackageName};

/// The order of packages: class `core` first, then what others depend on before these, then by name. A package of
/// another class that a `core` one depends on comes before it all the same, and so before the rest.
#[derive(Debug, Clone, Default)]
pub struct DependencyOrder {
    sequence: Vec<PackageId>,
    dependencies: BTreeMap<PackageId, Vec<PackageId>>,
    dependents: BTreeMap<PackageId, Vec<PackageId>>,
}

impl DependencyOrder {
    /// The order of these packages.
    #[must_use]
    pub fn new(packages: &BTreeMap<PackageId, Package>) -> Self {
        let cycles = strongly_connected_components(packages);
        let mut dependencies: BTreeMap<PackageId, Vec<PackageId>> = BTreeMap::new();
        let mut dependents: BTreeMap<PackageId, Vec<PackageId>> = BTreeMap::new();
        for package in packages.values() {
            let unique: BTreeSet<PackageId> = package
                .dependencies
                .iter()
                .copied()
                .filter(|it| packages.contains_key(it) && cycles.get(it) != cycles.get(&package.id))
                .collect();
            for needed in &unique {
                dependents.entry(*needed).or_default().push(package.id);
            }
            dependencies.insert(package.id, unique.into_iter().collect());
        }
        let sequence = topological_sort(packages, &dependencies, &dependents);
        Self { sequence, dependencies, dependents }
    }

    /// All packages, in their order.
    #[must_use]
    pub fn sequence(&self) -> &[PackageId] {
        &self.sequence
    }

    /// The packages that must have come through a stage before this one. Those that depend on each other in a
    /// cycle do not wait for each other.
    #[must_use]
    pub fn dependencies(&self, package: PackageId) -> &[PackageId] {
        self.dependencies.get(&package).map_or(&[], Vec::as_slice)
    }

    /// The packages that must be removed before this one.
    #[must_use]
    pub fn dependents(&self, package: PackageId) -> &[PackageId] {
        self.dependents.get(&package).map_or(&[], Vec::as_slice)
    }
}

/// What comes before what, apart from dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Core,
    /// A core package depends on it.
    CoreDependency,
    Other,
}

fn ranks(
    packages: &BTreeMap<PackageId, Package>,
    needs: &BTreeMap<PackageId, Vec<PackageId>>,
) -> BTreeMap<PackageId, Rank> {
    let core = packages.values().filter(|it| it.class == PackageClass::Core).map(|it| it.id);
    let mut ranks: BTreeMap<PackageId, Rank> = core.map(|id| (id, Rank::Core)).collect();
    let mut open: Vec<PackageId> = ranks.keys().copied().collect();
    while let Some(id) = open.pop() {
        for needed in needs.get(&id).into_iter().flatten() {
            ranks.entry(*needed).or_insert_with(|| {
                open.push(*needed);
                Rank::CoreDependency
            });
        }
    }
    ranks
}

/// Kahn's algorithm, with the first in rank and name among those that wait for nothing.
fn topological_sort(
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

/// For each package the number of the dependency cycle that it is in (its strongly connected component),
/// by Tarjan's algorithm without recursion.
fn strongly_connected_components(packages: &BTreeMap<PackageId, Package>) -> BTreeMap<PackageId, usize> {
    #[derive(Clone, Copy)]
    struct NodeState {
        index: usize,
        low_link: usize,
        on_stack: bool,
    }
    let mut seen: BTreeMap<PackageId, NodeState> = BTreeMap::new();
    let mut cycles = BTreeMap::new();
    let mut stack = Vec::new();
    for root in packages.keys() {
        if seen.contains_key(root) {
            continue;
        }
        let mut path: Vec<(PackageId, usize)> = vec![(*root, 0)];
        while let Some((id, next)) = path.pop() {
            if next == 0 {
                let index = seen.len();
                seen.insert(id, NodeState { index, low_link: index, on_stack: true });
                stack.push(id);
            }
            let needed = packages.get(&id).and_then(|it| it.dependencies.get(next)).copied();
            match needed {
                Some(needed) if packages.contains_key(&needed) => {
                    path.push((id, next + 1));
                    match seen.get(&needed).copied() {
                        None => path.push((needed, 0)),
                        Some(other) if other.on_stack => update_low_link(&mut seen, id, other.index),
                        Some(_) => {}
                    }
                }
                Some(_) => path.push((id, next + 1)),
                None => {
                    let Some(own) = seen.get(&id).copied() else { continue };
                    if own.low_link == own.index {
                        let number = cycles.len();
                        while let Some(member) = stack.pop() {
                            if let Some(it) = seen.get_mut(&member) {
                                it.on_stack = false;
                            }
                            cycles.insert(member, number);
                            if member == id {
                                break;
                            }
                        }
                    }
                    if let Some((parent, _)) = path.last() {
                        update_low_link(&mut seen, *parent, own.low_link);
                    }
                }
            }
        }
    }
    return cycles;

    fn update_low_link(seen: &mut BTreeMap<PackageId, NodeState>, id: PackageId, low: usize) {
        if let Some(it) = seen.get_mut(&id) {
            it.low_link = it.low_link.min(low);
        }
    }
}
