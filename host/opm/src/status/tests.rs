#![allow(clippy::unwrap_used)]
use opkg_oda::{Change, Class, Failure, Package, Target};

use super::*;
use crate::machine::Wait;

/// A head node, an image and clients `n1` to `n6`; packages `a` and `b`, which needs `a`.
fn cluster() -> Cluster {
    let mut cluster = Cluster::default();
    let clients = (1..=6).map(|it| format!("client:n{it}"));
    let addresses = ["server:head".to_owned(), "image:i".to_owned()].into_iter().chain(clients);
    for (id, address) in (1..).zip(addresses) {
        let target = Target { id: TargetId(id), address: address.parse().unwrap(), root: None, image: None };
        cluster.apply(&Change::Target(target));
    }
    for (id, name, needs) in [(1, "a", vec![]), (2, "b", vec![PackageId(1)])] {
        cluster.apply(&Change::Package(Package {
            id: PackageId(id),
            name: name.parse().unwrap(),
            class: Class::Base,
            version: None,
            needs,
            awaits: None,
        }));
    }
    cluster
}

fn set(cluster: &mut Cluster, target: i64, package: i64, row: Row) {
    let key = Key { target: TargetId(target), package: PackageId(package) };
    cluster.apply(&Change::Request { key, stage: row.requested, at: 0 });
    cluster.apply(&Change::Progress(key, row));
}

fn row(requested: Stage, current: Stage) -> Row {
    Row { current, ..Row::new(requested, 0) }
}

fn failed(stage: Stage, message: &str) -> Row {
    let failure = Some(Box::new(Failure { stage, message: message.into() }));
    Row { state: State::Error, failure, attempts: 1, ..row(Stage::Finished, Stage::RunConfigurator) }
}

fn labels(status: &Status) -> Vec<&str> {
    status.groups.iter().map(|it| it.label.as_str()).collect()
}

fn cell(status: &Status, line: usize, group: usize) -> &Standing {
    &status.lines[line].cells[group].as_ref().unwrap().standing
}

#[test]
fn targets_that_are_alike_are_one() {
    let mut cluster = cluster();
    let status = Status::of(&cluster, &View::default());
    assert_eq!(labels(&status), ["server:head", "image:i", "client:n[1-6]"]);
    assert_eq!(status.lines, [], "nothing was asked for");

    use Stage::{Finished, PostImage};
    for client in 3..=8 {
        set(&mut cluster, client, 1, Row { changed: client, ..row(Finished, Finished) });
    }
    set(&mut cluster, 5, 1, row(Finished, PostImage));
    let status = Status::of(&cluster, &View::default());
    assert_eq!(labels(&status), ["server:head", "image:i", "client:n[1-2,4-6]", "client:n3"]);
    assert_eq!(cell(&status, 0, 2), &Standing::Done);
    assert_eq!(cell(&status, 0, 3), &Standing::Waits(Wait::HandOver));
    assert_eq!((status.targets(), status.count(|it| *it == Standing::Done)), (8, 5));

    let view = View { targets: Some([TargetId(5)].into()), packages: Some([PackageId(2)].into()) };
    let status = Status::of(&cluster, &view);
    assert_eq!((labels(&status), status.lines.len()), (vec!["client:n3"], 0));
}

#[test]
fn a_rerun_or_a_hand_over_sets_a_target_apart() {
    let mut cluster = cluster();
    for client in 3..=8 {
        set(&mut cluster, client, 1, row(Stage::Finished, Stage::PostImage));
    }
    let told = |client| Change::Assign {
        package: PackageId(1),
        client: TargetId(client),
        handed_over: (client == 4).then_some(5),
    };
    (3..=8).map(told).for_each(|it| cluster.apply(&it));
    let key = Key { target: TargetId(6), package: PackageId(1) };
    cluster.apply(&Change::Rerun { key, stage: Stage::InstallBinPkgs, queued: true });
    let status = Status::of(&cluster, &View::default());
    let expected = ["server:head", "image:i", "client:n[1,3,5-6]", "client:n2", "client:n4"];
    assert_eq!(labels(&status), expected);
}

#[test]
fn failures_with_the_same_cause_are_one() {
    let mut cluster = cluster();
    for client in 3..=8 {
        let message = if client == 5 { "no room" } else { "no network" };
        set(&mut cluster, client, 1, failed(Stage::InstallBinPkgs, message));
    }
    let status = Status::of(&cluster, &View::default());
    assert_eq!(labels(&status), ["server:head", "image:i", "client:n[1-6]"], "they look alike");
    assert_eq!(cell(&status, 0, 2), &Standing::Error(Stage::InstallBinPkgs));
    let problems: Vec<(&str, usize)> =
        status.problems.iter().map(|it| (it.message.as_str(), it.targets.len())).collect();
    assert_eq!(problems, [("no network", 5), ("no room", 1)]);
    assert_eq!(label(&cluster, status.problems[0].targets.iter().copied()), "client:n[1-2,4-6]");
}

#[test]
fn what_waits_for_others_that_move_is_due() {
    let mut cluster = cluster();
    let new = row(Stage::Finished, Stage::ShouldNotBeInstalled);
    set(&mut cluster, 1, 1, new.clone());
    set(&mut cluster, 1, 2, new);
    let status = Status::of(&cluster, &View::default());
    assert_eq!(cell(&status, 1, 0), &Standing::Due(Due::Up(Stage::ShouldBeInstalled)));
    assert_eq!(status.findings.len(), 1, "{:?}", status.findings);
    assert_eq!(status.findings[0].packages, [PackageId(1), PackageId(2)]);

    set(&mut cluster, 1, 1, Row { failure: None, ..failed(Stage::ShouldBeInstalled, "") });
    let lagging = Row { current: Stage::ShouldNotBeInstalled, ..failed(Stage::ShouldBeInstalled, "broken") };
    set(&mut cluster, 1, 1, lagging);
    let status = Status::of(&cluster, &View::default());
    assert_eq!(cell(&status, 0, 0), &Standing::Error(Stage::ShouldBeInstalled));
    assert_eq!(cell(&status, 1, 0), &Standing::Blocked(PackageId(1)));
}

#[test]
fn removals_waits_and_work_under_way() {
    use Stage::{Finished, RunConfigurator, ShouldNotBeInstalled};
    let mut cluster = cluster();
    set(&mut cluster, 1, 1, row(Finished, RunConfigurator));
    set(&mut cluster, 2, 1, Row { state: State::Running, ..row(Finished, RunConfigurator) });
    set(&mut cluster, 3, 1, row(ShouldNotBeInstalled, ShouldNotBeInstalled));
    set(&mut cluster, 4, 1, row(ShouldNotBeInstalled, Finished));
    let status = Status::of(&cluster, &View::default());
    let expected = ["server:head", "image:i", "client:n1", "client:n2", "client:n[3-6]"];
    assert_eq!(labels(&status), expected);
    assert_eq!(cell(&status, 0, 0), &Standing::Waits(Wait::Phase(Phase::BuildImage)));
    assert_eq!(cell(&status, 0, 1), &Standing::Running);
    assert_eq!(cell(&status, 0, 2), &Standing::Absent);
    assert_eq!(cell(&status, 0, 3), &Standing::Due(Due::Down(Stage::InstallBinPkgs)));
    assert_eq!(status.lines[0].cells[4], None);
    let standings: Vec<&Standing> = status.findings.iter().map(|it| &it.standing).collect();
    assert!(matches!(standings[..], [Standing::Waits(_), Standing::Running, Standing::Due(_)]));
}
