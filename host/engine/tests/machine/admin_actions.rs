//! What administrators do while an engine works.

use opkg_engine::requests;
use opkg_engine::rollouts::{self, NewTerms, Waves};
use opkg_oda::{Change, Package, Phase, Share, Stage, StateKey, Target, TargetId, TargetKind};
use proptest::prelude::*;

use crate::fixture::Fixture;

/// What an administrator does. Indices are taken modulo what there is.
#[derive(Debug, Clone)]
pub enum AdminAction {
    Request {
        package: usize,
        target: usize,
        stage: Stage,
    },
    /// Requests everything everywhere.
    RequestAll(Stage),
    Remove {
        package: usize,
    },
    ClearErrors,
    SetPhase(Phase),
    AddImage,
    /// A client, cloned from an image and said to have inherited its packages.
    AddClient {
        really_installed: bool,
    },
    RemoveTarget {
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
    AnswerAll,
    /// New versions of a package, wherever it is.
    Upgrade {
        package: usize,
    },
    /// A package on all images and clients, in waves.
    RequestInWaves {
        package: usize,
        at_once: u32,
        max_fail: u32,
    },
    /// Rollouts that have stopped go on.
    ResumeRollouts,
    CancelRollouts,
    /// The root of a target is built anew, with nothing in it.
    ReplaceRoot {
        target: usize,
    },
    /// Somebody works on a target, or no longer.
    Maintenance {
        target: usize,
        begins: bool,
    },
}

fn stage() -> impl Strategy<Value = Stage> {
    prop::sample::select(&Stage::ALL[..])
}

pub fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![3 => Just(Phase::TestInstall), 1 => prop::sample::select(&Phase::ALL[..])]
}

pub fn admin_action() -> impl Strategy<Value = AdminAction> {
    let (p, t) = (0..6usize, 0..8usize);
    prop_oneof![
        4 => (p.clone(), t.clone(), stage())
            .prop_map(|(package, target, stage)| AdminAction::Request { package, target, stage }),
        3 => Just(AdminAction::RequestAll(Stage::Finished)),
        2 => p.clone().prop_map(|package| AdminAction::Remove { package }),
        2 => Just(AdminAction::ClearErrors),
        1 => phase().prop_map(AdminAction::SetPhase),
        1 => Just(AdminAction::AddImage),
        1 => any::<bool>().prop_map(|really_installed| AdminAction::AddClient { really_installed }),
        1 => t.clone().prop_map(|target| AdminAction::RemoveTarget { target }),
        2 => (p.clone(), t.clone()).prop_map(|(package, target)| AdminAction::Assign { package, target }),
        2 => (p, t, stage()).prop_map(|(package, target, stage)| AdminAction::Rerun { package, target, stage }),
        1 => Just(AdminAction::AnswerAll),
        2 => (0..6usize).prop_map(|package| AdminAction::Upgrade { package }),
        1 => (0..8usize).prop_map(|target| AdminAction::ReplaceRoot { target }),
        2 => (0..6usize, 1..3u32, 0..2u32)
            .prop_map(|(package, at_once, max_fail)| AdminAction::RequestInWaves { package, at_once, max_fail }),
        1 => Just(AdminAction::ResumeRollouts),
        1 => Just(AdminAction::CancelRollouts),
        2 => (0..8usize, any::<bool>())
            .prop_map(|(target, begins)| AdminAction::Maintenance { target, begins }),
    ]
}

fn pick<T: Copy>(from: impl Iterator<Item = T>, index: usize) -> T {
    let all: Vec<T> = from.collect();
    all[index % all.len()]
}

pub fn apply_action(fixture: &mut Fixture, action: &AdminAction) {
    let cluster = &fixture.cluster;
    let target = |index| pick(cluster.targets.keys().copied(), index);
    let package = |index| pick(cluster.packages.keys().copied(), index);
    match action {
        AdminAction::Request { package: p, target: t, stage } => {
            let (package, target) = (package(*p), target(*t));
            request(fixture, StateKey { target, package }, *stage);
        }
        AdminAction::RequestAll(stage) => {
            let keys: Vec<StateKey> = cluster
                .targets
                .keys()
                .flat_map(|target| {
                    cluster.packages.keys().map(|package| StateKey { target: *target, package: *package })
                })
                .collect();
            keys.into_iter().for_each(|key| request(fixture, key, *stage));
        }
        AdminAction::Remove { package: p } => {
            let package = package(*p);
            let keys: Vec<StateKey> =
                cluster.all_states().map(|(key, _)| key).filter(|it| it.package == package).collect();
            keys.into_iter().for_each(|key| request(fixture, key, Stage::ShouldNotBeInstalled));
        }
        AdminAction::ClearErrors => fixture.clear(),
        AdminAction::SetPhase(phase) => fixture.cluster.phase = *phase,
        AdminAction::AddImage if cluster.targets.len() < 8 => new_target(fixture, "image", None),
        AdminAction::AddClient { really_installed: honest } if cluster.targets.len() < 8 => {
            let Some(image) = cluster.targets_of_kind(TargetKind::Image).map(|it| it.id).next() else {
                return;
            };
            new_target(fixture, "client", Some(image));
            let client = TargetId(fixture.cluster.last_target_id);
            let held = fixture.cluster.states.get(&image).cloned().unwrap_or_default();
            for (package, row) in held.iter().filter(|(_, row)| row.current >= Stage::InstallBinPkgs) {
                let key = StateKey { target: client, package };
                fixture.set_inherited(key, row.requested, Stage::InstallBinPkgs);
                fixture.cluster.apply(&Change::Assign { package, client, handed_over_at: None });
                if *honest {
                    fixture.world.installed_parts.insert(key);
                }
            }
        }
        AdminAction::AddImage | AdminAction::AddClient { .. } => {}
        AdminAction::Maintenance { target: t, begins } => {
            let absence = begins.then(|| opkg_oda::Absence {
                kind: opkg_oda::AbsenceKind::Maintenance,
                reason: String::new(),
                since: 0,
                until: None,
                who: "ada".into(),
            });
            fixture.cluster.apply(&Change::SetAbsence { target: target(*t), absence });
        }
        AdminAction::RemoveTarget { target: t } => {
            let gone = target(*t);
            if cluster.targets[&gone].kind() != TargetKind::Server {
                fixture.cluster.apply(&Change::RemoveTarget(gone));
                fixture.world.installed_api.retain(|it| it.target != gone);
                fixture.world.installed_parts.retain(|it| it.target != gone);
            }
        }
        AdminAction::Assign { package: p, target: t } => {
            let (package, client) = (package(*p), target(*t));
            let known = cluster.assignment(StateKey { target: client, package }).is_some();
            if cluster.targets[&client].kind() == TargetKind::Client && !known {
                fixture.cluster.apply(&Change::Assign { package, client, handed_over_at: None });
            }
        }
        AdminAction::Rerun { package: p, target: t, stage } => {
            let key = StateKey { target: target(*t), package: package(*p) };
            if cluster
                .state(key)
                .is_some_and(|it| it.current >= *stage && *stage > Stage::ShouldNotBeInstalled)
            {
                fixture.cluster.apply(&Change::SetRerun { key, stage: *stage, queued: true });
            }
        }
        AdminAction::Upgrade { package: p } => {
            let on = cluster.targets.keys().copied().collect();
            let changes = opkg_engine::reruns::upgrade(cluster, &[package(*p)], &on, None);
            changes.unwrap_or_default().iter().for_each(|it| fixture.cluster.apply(it));
        }
        AdminAction::RequestInWaves { package: p, at_once, max_fail } => {
            let of_kind = |kind| cluster.targets_of_kind(kind).map(|target| target.id);
            let on = of_kind(TargetKind::Image).chain(of_kind(TargetKind::Client)).collect();
            let mut changes = requests::request(cluster, &[package(*p)], Stage::Finished, &on, fixture.now);
            let waves = Waves {
                at_once: Share::Count(*at_once),
                max_fail: Share::Count(*max_fail),
                who: "ada".into(),
            };
            let held = rollouts::hold_back(cluster, &changes, &waves, fixture.now);
            changes.extend(held);
            changes.iter().for_each(|it| fixture.cluster.apply(it));
        }
        AdminAction::ResumeRollouts => {
            for id in cluster.rollouts.keys().copied().collect::<Vec<_>>() {
                let changes = rollouts::resume(&fixture.cluster, id, NewTerms::default());
                changes.unwrap_or_default().iter().for_each(|it| fixture.cluster.apply(it));
            }
        }
        AdminAction::CancelRollouts => {
            for id in cluster.rollouts.keys().copied().collect::<Vec<_>>() {
                let changes = rollouts::cancel(&fixture.cluster, id, "ada").unwrap();
                changes.iter().for_each(|it| fixture.cluster.apply(it));
            }
        }
        AdminAction::ReplaceRoot { target: t } => {
            let replaced = cluster.targets[&target(*t)].clone();
            let changes = opkg_engine::roots::replaced_root_changes(cluster, &replaced, fixture.now);
            fixture.world.forget_target(replaced.id);
            changes.iter().for_each(|it| fixture.cluster.apply(it));
        }
        AdminAction::AnswerAll => {
            let answered: Vec<Package> =
                cluster.packages.values().map(|it| Package { waiting_for: None, ..it.clone() }).collect();
            answered.into_iter().for_each(|it| fixture.cluster.apply(&Change::PutPackage(it)));
        }
    }
}

fn request(fixture: &mut Fixture, key: StateKey, stage: Stage) {
    fixture.cluster.apply(&Change::Request { key, stage, requested_at: 0 });
    let client = fixture.cluster.targets[&key.target].kind() == TargetKind::Client;
    let known = fixture.cluster.assignment(key).is_some();
    if client && !known && stage > Stage::ShouldNotBeInstalled {
        let package = key.package;
        fixture.cluster.apply(&Change::Assign { package, client: key.target, handed_over_at: None });
    }
}

fn new_target(fixture: &mut Fixture, kind: &str, image: Option<TargetId>) {
    let id = TargetId(fixture.cluster.last_target_id + 1);
    let address = format!("{kind}:later{}", id.0).parse().unwrap();
    fixture.cluster.apply(&Change::PutTarget(Target { id, address, root: None, image }));
}
