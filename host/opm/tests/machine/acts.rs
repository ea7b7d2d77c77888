//! What administrators do while an engine works.

use opkg_oda::{Change, Key, Kind, Package, Phase, Stage, Target, TargetId};
use proptest::prelude::*;

use crate::site::Site;

/// What an administrator does. Indices are taken modulo what there is.
#[derive(Debug, Clone)]
pub enum Act {
    Request {
        package: usize,
        target: usize,
        stage: Stage,
    },
    /// Requests everything everywhere.
    All(Stage),
    Remove {
        package: usize,
    },
    Clear,
    Phase(Phase),
    Image,
    /// A client, cloned from an image and said to have inherited its packages.
    Client {
        honest: bool,
    },
    Gone {
        target: usize,
    },
    Assign {
        package: usize,
        target: usize,
    },
    Rerun {
        package: usize,
        target: usize,
        stage: Stage,
    },
    Answer,
}

fn stage() -> impl Strategy<Value = Stage> {
    prop::sample::select(&Stage::ALL[..])
}

pub fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![3 => Just(Phase::TestInstall), 1 => prop::sample::select(&Phase::ALL[..])]
}

pub fn act() -> impl Strategy<Value = Act> {
    let (p, t) = (0..6usize, 0..8usize);
    prop_oneof![
        4 => (p.clone(), t.clone(), stage())
            .prop_map(|(package, target, stage)| Act::Request { package, target, stage }),
        3 => Just(Act::All(Stage::Finished)),
        2 => p.clone().prop_map(|package| Act::Remove { package }),
        2 => Just(Act::Clear),
        1 => phase().prop_map(Act::Phase),
        1 => Just(Act::Image),
        1 => any::<bool>().prop_map(|honest| Act::Client { honest }),
        1 => t.clone().prop_map(|target| Act::Gone { target }),
        2 => (p.clone(), t.clone()).prop_map(|(package, target)| Act::Assign { package, target }),
        2 => (p, t, stage()).prop_map(|(package, target, stage)| Act::Rerun { package, target, stage }),
        1 => Just(Act::Answer),
    ]
}

fn pick<T: Copy>(from: impl Iterator<Item = T>, index: usize) -> T {
    let all: Vec<T> = from.collect();
    all[index % all.len()]
}

pub fn happen(site: &mut Site, act: &Act) {
    let cluster = &site.cluster;
    let target = |index| pick(cluster.targets.keys().copied(), index);
    let package = |index| pick(cluster.packages.keys().copied(), index);
    match act {
        Act::Request { package: p, target: t, stage } => {
            let (package, target) = (package(*p), target(*t));
            ask(site, Key { target, package }, *stage);
        }
        Act::All(stage) => {
            let keys: Vec<Key> = cluster
                .targets
                .keys()
                .flat_map(|target| {
                    cluster.packages.keys().map(|package| Key { target: *target, package: *package })
                })
                .collect();
            keys.into_iter().for_each(|key| ask(site, key, *stage));
        }
        Act::Remove { package: p } => {
            let package = package(*p);
            let keys: Vec<Key> =
                cluster.all_rows().map(|(key, _)| key).filter(|it| it.package == package).collect();
            keys.into_iter().for_each(|key| ask(site, key, Stage::ShouldNotBeInstalled));
        }
        Act::Clear => site.clear(),
        Act::Phase(phase) => site.cluster.phase = *phase,
        Act::Image if cluster.targets.len() < 8 => new_target(site, "image", None),
        Act::Client { honest } if cluster.targets.len() < 8 => {
            let Some(image) = cluster.of_kind(Kind::Image).map(|it| it.id).next() else { return };
            new_target(site, "client", Some(image));
            let client = TargetId(site.cluster.last_target);
            let held = site.cluster.rows.get(&image).cloned().unwrap_or_default();
            for (package, row) in held.iter().filter(|(_, row)| row.current >= Stage::InstallBinPkgs) {
                let key = Key { target: client, package };
                site.inherits(key, row.requested, Stage::InstallBinPkgs);
                site.cluster.apply(&Change::Assign { package, client, handed_over: None });
                if *honest {
                    site.world.part.insert(key);
                }
            }
        }
        Act::Image | Act::Client { .. } => {}
        Act::Gone { target: t } => {
            let gone = target(*t);
            if cluster.targets[&gone].kind() != Kind::Server {
                site.cluster.apply(&Change::TargetGone(gone));
                site.world.api.retain(|it| it.target != gone);
                site.world.part.retain(|it| it.target != gone);
            }
        }
        Act::Assign { package: p, target: t } => {
            let (package, client) = (package(*p), target(*t));
            let known = cluster.assignments.get(&package).is_some_and(|it| it.contains_key(&client));
            if cluster.targets[&client].kind() == Kind::Client && !known {
                site.cluster.apply(&Change::Assign { package, client, handed_over: None });
            }
        }
        Act::Rerun { package: p, target: t, stage } => {
            let key = Key { target: target(*t), package: package(*p) };
            if cluster.row(key).is_some_and(|it| it.current >= *stage && *stage > Stage::ShouldNotBeInstalled)
            {
                site.cluster.apply(&Change::Rerun { key, stage: *stage, queued: true });
            }
        }
        Act::Answer => {
            let answered: Vec<Package> =
                cluster.packages.values().map(|it| Package { awaits: None, ..it.clone() }).collect();
            answered.into_iter().for_each(|it| site.cluster.apply(&Change::Package(it)));
        }
    }
}

fn ask(site: &mut Site, key: Key, stage: Stage) {
    site.cluster.apply(&Change::Request { key, stage, at: 0 });
    let client = site.cluster.targets[&key.target].kind() == Kind::Client;
    let known = site.cluster.assignments.get(&key.package).is_some_and(|it| it.contains_key(&key.target));
    if client && !known && stage > Stage::ShouldNotBeInstalled {
        let package = key.package;
        site.cluster.apply(&Change::Assign { package, client: key.target, handed_over: None });
    }
}

fn new_target(site: &mut Site, kind: &str, image: Option<TargetId>) {
    let id = TargetId(site.cluster.last_target + 1);
    let address = format!("{kind}:later{}", id.0).parse().unwrap();
    site.cluster.apply(&Change::Target(Target { id, address, root: None, image }));
}
