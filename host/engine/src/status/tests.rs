#![allow(clippy::unwrap_used)]
use opkg_oda::{
    Change, Cluster, Package, PackageClass, PackageId, PackageState, Phase, Stage, StageFailure, StateKey,
    Target, TargetId, WorkState,
};

use super::*;
use crate::machine::{BlockReason, NextStep};

/// A head node, an image and clients `n1` to `n6`; packages `a` and `b`, which needs `a`.
fn cluster() -> Cluster {
    let mut cluster = Cluster::default();
    let clients = (1..=6).map(|it| format!("client:n{it}"));
    let addresses = ["server:head".to_owned(), "image:i".to_owned()].into_iter().chain(clients);
    for (id, address) in (1..).zip(addresses) {
        let target = Target { id: TargetId(id), address: address.parse().unwrap(), root: None, image: None };
        cluster.apply(&Change::PutTarget(target));
    }
    for (id, name, needs) in [(1, "a", vec![]), (2, "b", vec![PackageId(1)])] {
        cluster.apply(&Change::PutPackage(Package {
            id: PackageId(id),
            name: name.parse().unwrap(),
            class: PackageClass::Base,
            version: None,
            dependencies: needs,
            waiting_for: None,
        }));
    }
    cluster
}

fn set_row(cluster: &mut Cluster, target: i64, package: i64, row: PackageState) {
    let key = StateKey { target: TargetId(target), package: PackageId(package) };
    cluster.apply(&Change::Request { key, stage: row.requested, requested_at: 0 });
    cluster.apply(&Change::UpdateState(key, row));
}

fn row(requested: Stage, current: Stage) -> PackageState {
    PackageState { current, ..PackageState::new(requested, 0) }
}

fn failed(stage: Stage, message: &str) -> PackageState {
    let failure = Some(Box::new(StageFailure { stage, message: message.into() }));
    PackageState {
        work_state: WorkState::Failed,
        failure,
        attempts: 1,
        ..row(Stage::Finished, Stage::RunConfigurator)
    }
}

fn labels(status: &Status) -> Vec<&str> {
    status.groups.iter().map(|it| it.label.as_str()).collect()
}

fn cell_kind(status: &Status, line: usize, group: usize) -> &StatusKind {
    &status.rows[line].cells[group].as_ref().unwrap().kind
}

#[test]
fn targets_that_are_alike_are_one() {
    let mut cluster = cluster();
    let status = Status::compute(&cluster, &StatusFilter::default());
    assert_eq!(labels(&status), ["server:head", "image:i", "client:n[1-6]"]);
    assert_eq!(status.rows, [], "nothing was asked for");

    use Stage::{Finished, PostImage};
    for client in 3..=8 {
        set_row(&mut cluster, client, 1, PackageState { changed_at: client, ..row(Finished, Finished) });
    }
    set_row(&mut cluster, 5, 1, row(Finished, PostImage));
    let status = Status::compute(&cluster, &StatusFilter::default());
    assert_eq!(labels(&status), ["server:head", "image:i", "client:n[1-2,4-6]", "client:n3"]);
    assert_eq!(cell_kind(&status, 0, 2), &StatusKind::Done);
    assert_eq!(cell_kind(&status, 0, 3), &StatusKind::Waiting(BlockReason::HandOver));
    assert_eq!((status.target_count(), status.count_where(|it| *it == StatusKind::Done)), (8, 5));

    let view = StatusFilter {
        targets: Some([TargetId(5)].into()),
        packages: Some([PackageId(2)].into()),
        ..StatusFilter::default()
    };
    let status = Status::compute(&cluster, &view);
    assert_eq!((labels(&status), status.rows.len()), (vec!["client:n3"], 0));
}

#[test]
fn a_rerun_or_a_hand_over_sets_a_target_apart() {
    let mut cluster = cluster();
    for client in 3..=8 {
        set_row(&mut cluster, client, 1, row(Stage::Finished, Stage::PostImage));
    }
    let handed_over = |client| Change::Assign {
        package: PackageId(1),
        client: TargetId(client),
        handed_over_at: (client == 4).then_some(5),
    };
    (3..=8).map(handed_over).for_each(|it| cluster.apply(&it));
    let key = StateKey { target: TargetId(6), package: PackageId(1) };
    cluster.apply(&Change::SetRerun { key, stage: Stage::InstallBinPkgs, queued: true });
    let status = Status::compute(&cluster, &StatusFilter::default());
    let expected = ["server:head", "image:i", "client:n[1,3,5-6]", "client:n2", "client:n4"];
    assert_eq!(labels(&status), expected);
}

#[test]
fn failures_with_the_same_cause_are_one() {
    let mut cluster = cluster();
    for client in 3..=8 {
        let message = if client == 5 { "no room" } else { "no network" };
        set_row(&mut cluster, client, 1, failed(Stage::InstallBinPkgs, message));
    }
    let status = Status::compute(&cluster, &StatusFilter::default());
    assert_eq!(labels(&status), ["server:head", "image:i", "client:n[1-6]"], "they look alike");
    assert_eq!(cell_kind(&status, 0, 2), &StatusKind::Error(Stage::InstallBinPkgs));
    let problems: Vec<(&str, usize)> =
        status.failures.iter().map(|it| (it.message.as_str(), it.targets.len())).collect();
    assert_eq!(problems, [("no network", 5), ("no room", 1)]);
    assert_eq!(target_label(&cluster, status.failures[0].targets.iter().copied()), "client:n[1-2,4-6]");
}

#[test]
fn what_waits_for_others_that_move_is_due() {
    let mut cluster = cluster();
    let new = row(Stage::Finished, Stage::ShouldNotBeInstalled);
    set_row(&mut cluster, 1, 1, new.clone());
    set_row(&mut cluster, 1, 2, new);
    let status = Status::compute(&cluster, &StatusFilter::default());
    assert_eq!(cell_kind(&status, 1, 0), &StatusKind::Ready(NextStep::Advance(Stage::ShouldBeInstalled)));
    assert_eq!(status.pending.len(), 1, "{:?}", status.pending);
    assert_eq!(status.pending[0].packages, [PackageId(1), PackageId(2)]);

    set_row(&mut cluster, 1, 1, PackageState { failure: None, ..failed(Stage::ShouldBeInstalled, "") });
    let lagging =
        PackageState { current: Stage::ShouldNotBeInstalled, ..failed(Stage::ShouldBeInstalled, "broken") };
    set_row(&mut cluster, 1, 1, lagging);
    let status = Status::compute(&cluster, &StatusFilter::default());
    assert_eq!(cell_kind(&status, 0, 0), &StatusKind::Error(Stage::ShouldBeInstalled));
    assert_eq!(cell_kind(&status, 1, 0), &StatusKind::BlockedBy(PackageId(1)));
}

#[test]
fn removals_waits_and_work_under_way() {
    use Stage::{Finished, RunConfigurator, ShouldNotBeInstalled};
    let mut cluster = cluster();
    set_row(&mut cluster, 1, 1, row(Finished, RunConfigurator));
    set_row(
        &mut cluster,
        2,
        1,
        PackageState { work_state: WorkState::Running, ..row(Finished, RunConfigurator) },
    );
    set_row(&mut cluster, 3, 1, row(ShouldNotBeInstalled, ShouldNotBeInstalled));
    set_row(&mut cluster, 4, 1, row(ShouldNotBeInstalled, Finished));
    let status = Status::compute(&cluster, &StatusFilter::default());
    let expected = ["server:head", "image:i", "client:n1", "client:n2", "client:n[3-6]"];
    assert_eq!(labels(&status), expected);
    assert_eq!(cell_kind(&status, 0, 0), &StatusKind::Waiting(BlockReason::Phase(Phase::BuildImage)));
    assert_eq!(cell_kind(&status, 0, 1), &StatusKind::Running);
    assert_eq!(cell_kind(&status, 0, 2), &StatusKind::Absent);
    assert_eq!(cell_kind(&status, 0, 3), &StatusKind::Ready(NextStep::Lower(Stage::InstallBinPkgs)));
    assert_eq!(status.rows[0].cells[4], None);
    let standings: Vec<&StatusKind> = status.pending.iter().map(|it| &it.kind).collect();
    assert!(matches!(standings[..], [StatusKind::Waiting(_), StatusKind::Running, StatusKind::Ready(_)]));
}

#[test]
fn what_passes_by_itself_is_said_until_the_work_goes_on() {
    let mut cluster = cluster();
    let key = |target, package| StateKey { target: TargetId(target), package: PackageId(package) };
    let postpone = |cluster: &mut Cluster, key, reason: &str| {
        cluster.apply(&Change::SetPostponed { key, reason: Some(reason.to_owned()) });
    };
    cluster.apply(&Change::SetPhase(Phase::TestInstall));
    for package in [1, 2] {
        set_row(&mut cluster, 1, package, row(Stage::Finished, Stage::ShouldNotBeInstalled));
        postpone(&mut cluster, key(1, package), "process 77 holds the lock of dpkg");
    }
    set_row(&mut cluster, 2, 1, row(Stage::Finished, Stage::ShouldNotBeInstalled));
    postpone(&mut cluster, key(2, 1), "no connection to mirror");
    let said = |cluster: &Cluster| -> Vec<String> {
        let sections = further_sections(cluster, &Status::compute(cluster, &StatusFilter::default()));
        let messages = |(_, advice): (&str, Vec<Advice>)| advice.into_iter().map(|advice| advice.message);
        sections.into_iter().filter(|(heading, _)| *heading == "Postponed").flat_map(messages).collect()
    };
    assert_eq!(
        said(&cluster),
        ["a, b on server:head: process 77 holds the lock of dpkg", "a on image:i: no connection to mirror"]
    );
    // One is tried again, one is wanted no longer.
    let begun =
        PackageState { work_state: WorkState::Running, ..row(Stage::Finished, Stage::ShouldNotBeInstalled) };
    set_row(&mut cluster, 1, 1, begun);
    set_row(&mut cluster, 1, 1, row(Stage::Finished, Stage::ShouldNotBeInstalled));
    cluster.apply(&Change::Request { key: key(2, 1), stage: Stage::ShouldNotBeInstalled, requested_at: 1 });
    assert_eq!(said(&cluster), ["b on server:head: process 77 holds the lock of dpkg"]);
}
