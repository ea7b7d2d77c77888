//! The order of packages, against its plainest definition.

use std::collections::{BTreeMap, BTreeSet};

use opkg_engine::machine::DependencyOrder;
use opkg_oda::{Package, PackageClass, PackageId};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn package(id: i64, name: &str, class: PackageClass, needs: &[i64]) -> Package {
    let needs = needs.iter().map(|it| PackageId(*it)).collect();
    Package {
        id: PackageId(id),
        name: name.parse().unwrap(),
        class,
        version: None,
        dependencies: needs,
        waiting_for: None,
    }
}

fn packages() -> impl Strategy<Value = BTreeMap<PackageId, Package>> {
    let one = ("[a-c]{1,2}", any::<bool>(), prop::collection::vec(0..14i64, 0..3));
    prop::collection::vec(one, 0..12).prop_map(|all| {
        let known = (0i64..).zip(all).map(|(id, (name, core, needs))| {
            let class = if core { PackageClass::Core } else { PackageClass::Base };
            (PackageId(id), package(id, &name, class, &needs))
        });
        known.collect()
    })
}

/// What each package depends on, over any number of others.
fn transitive_dependencies(
    packages: &BTreeMap<PackageId, Package>,
) -> BTreeMap<PackageId, BTreeSet<PackageId>> {
    let mut reach: BTreeMap<PackageId, BTreeSet<PackageId>> = packages
        .values()
        .map(|it| (it.id, it.dependencies.iter().copied().filter(|it| packages.contains_key(it)).collect()))
        .collect();
    loop {
        let next: BTreeMap<_, BTreeSet<_>> = reach
            .iter()
            .map(|(id, it)| (*id, it.iter().flat_map(|one| &reach[one]).chain(it).copied().collect()))
            .collect();
        if next == reach {
            return reach;
        }
        reach = next;
    }
}

/// Of all packages whose needs are placed, the first in rank and name comes next.
fn reference_order(
    packages: &BTreeMap<PackageId, Package>,
) -> (Vec<PackageId>, BTreeMap<PackageId, Vec<PackageId>>) {
    let reach = transitive_dependencies(packages);
    let needs: BTreeMap<PackageId, Vec<PackageId>> = packages
        .values()
        .map(|it| {
            let needs: BTreeSet<PackageId> = it
                .dependencies
                .iter()
                .copied()
                .filter(|other| {
                    packages.contains_key(other) && !reach[other].contains(&it.id) && *other != it.id
                })
                .collect();
            (it.id, needs.into_iter().collect())
        })
        .collect();
    let mut before_core: BTreeSet<PackageId> = BTreeSet::new();
    let mut open: Vec<PackageId> =
        packages.values().filter(|it| it.class == PackageClass::Core).map(|it| it.id).collect();
    while let Some(id) = open.pop() {
        for needed in &needs[&id] {
            if before_core.insert(*needed) {
                open.push(*needed);
            }
        }
    }
    let rank = |it: &Package| match it.class {
        PackageClass::Core => 0,
        _ if before_core.contains(&it.id) => 1,
        _ => 2,
    };
    let mut sequence: Vec<PackageId> = Vec::new();
    while sequence.len() < packages.len() {
        let free = packages.values().filter(|it| {
            !sequence.contains(&it.id) && needs[&it.id].iter().all(|one| sequence.contains(one))
        });
        let first = free.min_by_key(|it| (rank(it), it.name.clone(), it.id)).expect("no circle is left");
        sequence.push(first.id);
    }
    (sequence, needs)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, rng_seed: RngSeed::Fixed(4), ..ProptestConfig::default() })]

    #[test]
    fn the_order_is_that_of_the_plain_definition(packages in packages()) {
        let (sequence, needs) = reference_order(&packages);
        let order = DependencyOrder::new(&packages);
        prop_assert_eq!(order.sequence(), &sequence[..]);
        for id in packages.keys() {
            prop_assert_eq!(order.dependencies(*id), &needs[id][..]);
            let by: Vec<_> = packages.keys().copied().filter(|it| needs[it].contains(id)).collect();
            prop_assert_eq!(order.dependents(*id), &by[..]);
        }
    }
}

#[test]
fn what_a_core_package_needs_comes_before_the_rest() {
    let all = [
        package(1, "core", PackageClass::Core, &[2]),
        package(2, "needed", PackageClass::ThirdParty, &[]),
        package(3, "a-rest", PackageClass::Base, &[]),
        package(4, "zcore", PackageClass::Core, &[]),
    ];
    let order = DependencyOrder::new(&all.into_iter().map(|it| (it.id, it)).collect());
    assert_eq!(order.sequence(), [4, 2, 1, 3].map(PackageId));
}

const PACKAGE_COUNT: i64 = 10_000;

#[test]
fn ten_thousand_in_a_chain() {
    let all = (0..PACKAGE_COUNT).map(|id| package(id, &format!("p{id}"), PackageClass::Base, &[id + 1]));
    let order = DependencyOrder::new(&all.map(|it| (it.id, it)).collect());
    assert!(order.sequence().iter().copied().eq((0..PACKAGE_COUNT).rev().map(PackageId)));
}

#[test]
fn ten_thousand_in_a_circle() {
    let all = (0..PACKAGE_COUNT)
        .map(|id| package(id, &format!("p{id:05}"), PackageClass::Base, &[(id + 1) % PACKAGE_COUNT]));
    let order = DependencyOrder::new(&all.map(|it| (it.id, it)).collect());
    assert!(order.sequence().iter().copied().eq((0..PACKAGE_COUNT).map(PackageId)));
    assert!(order.dependencies(PackageId(0)).is_empty());
}

#[test]
fn ten_thousand_that_need_one() {
    let all = (0..PACKAGE_COUNT)
        .map(|id| package(id, &format!("p{id:05}"), PackageClass::Base, if id == 0 { &[] } else { &[0] }));
    let order = DependencyOrder::new(&all.map(|it| (it.id, it)).collect());
    assert_eq!(order.dependents(PackageId(0)).len(), 9_999);
}
