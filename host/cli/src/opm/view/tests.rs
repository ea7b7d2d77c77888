#![allow(clippy::unwrap_used)]
use std::path::PathBuf;

use opkg_oda::{
    Change, Class, Cluster, Ending, Event, EventId, Failure, Key, Package, PackageId, Phase, Row, RunId,
    Stage, State, Step, Target, TargetId, Verdict,
};
use opkg_opm::machine::{Hook, Work};
use opkg_opm::status::{Failures, Status, View};

use super::*;
use crate::opm::paint::Paint;

use Stage::{Finished, InstallBinPkgs, PostImage, RunConfigurator, ShouldBeInstalled, ShouldNotBeInstalled};

/// A head node, two images and `clients` nodes; packages in all states.
fn cluster(clients: i64) -> Cluster {
    let mut cluster = Cluster { phase: Phase::BuildImage, ..Cluster::default() };
    let nodes = (1..=clients).map(|it| format!("client:oscarnode{it:02}"));
    let others = ["server:head", "image:compute", "image:login"].map(str::to_owned);
    for (id, address) in (1..).zip(others.into_iter().chain(nodes)) {
        let root = address.starts_with("image:").then(|| PathBuf::from("/images"));
        let target = Target { id: TargetId(id), address: address.parse().unwrap(), root, image: None };
        cluster.apply(&Change::Target(target));
    }
    let names = ["munge", "ganglia", "slurm", "maui", "sis"];
    for (id, name) in (1..).zip(names) {
        cluster.apply(&Change::Package(Package {
            id: PackageId(id),
            name: name.parse().unwrap(),
            class: if name == "sis" { Class::Core } else { Class::Base },
            version: Some("1.0-1".into()),
            needs: if name == "maui" { vec![PackageId(3)] } else { Vec::new() },
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

fn failed(stage: Stage, current: Stage, message: &str) -> Row {
    let failure = Some(Box::new(Failure { stage, message: message.into() }));
    Row { state: State::Error, failure, attempts: 1, ..row(Finished, current) }
}

/// One of each, on 96 clients.
fn colourful() -> Cluster {
    let mut cluster = cluster(96);
    let told = |package: i64, client: i64| Change::Assign {
        package: PackageId(package),
        client: TargetId(client),
        handed_over: Some(1),
    };
    for client in 4..=99 {
        cluster.apply(&told(1, client));
        set(&mut cluster, client, 1, row(Finished, Finished));
        set(&mut cluster, client, 5, row(Finished, PostImage));
    }
    for client in [6, 10, 11, 12] {
        let text = "opkg-munge-client is not there after its installation";
        set(&mut cluster, client, 1, failed(InstallBinPkgs, RunConfigurator, text));
    }
    set(&mut cluster, 13, 1, failed(InstallBinPkgs, RunConfigurator, "no room is left on the disk\nmore"));
    set(&mut cluster, 1, 1, row(Finished, PostImage));
    set(&mut cluster, 1, 2, row(Finished, ShouldNotBeInstalled));
    set(
        &mut cluster,
        1,
        3,
        failed(RunConfigurator, ShouldBeInstalled, "api-pre-configure ended with status 3"),
    );
    set(&mut cluster, 1, 4, row(Finished, ShouldBeInstalled));
    set(&mut cluster, 1, 5, Row { state: State::Running, attempts: 1, ..row(Finished, RunConfigurator) });
    set(&mut cluster, 2, 1, row(ShouldNotBeInstalled, Finished));
    set(&mut cluster, 2, 2, row(ShouldNotBeInstalled, ShouldNotBeInstalled));
    set(&mut cluster, 2, 5, row(InstallBinPkgs, InstallBinPkgs));
    cluster
}

fn journal() -> Failures {
    let event = |number, target, package, log: Option<&str>| Event {
        id: EventId { run: RunId(12), number },
        started: 1_767_323_045_000,
        target: TargetId(target),
        packages: vec![PackageId(package)],
        stage: InstallBinPkgs,
        step: Step::Install,
        name: "install".into(),
        ending: Some(Ending {
            ended: 1_767_323_048_000,
            verdict: Verdict::Failed,
            message: Some("it failed".into()),
            exit_code: Some(100),
            signal: None,
            timed_out: false,
            log: log.map(str::to_owned),
            tail: String::new(),
        }),
    };
    Failures::new(vec![
        event(9, 6, 1, Some("/var/log/opm/run-000012/0009-oscarnode03-install.log")),
        event(2, 6, 1, Some("/var/log/opm/older.log")),
        event(3, 1, 3, None),
    ])
}

fn shown(cluster: &Cluster, width: usize) -> String {
    let status = Status::of(cluster, &View::default());
    let paint = Paint(false);
    format!("{}\n{}", matrix(cluster, &status, width, paint), details(cluster, &status, &journal(), paint))
}

#[test]
fn everything_at_once() {
    insta::assert_snapshot!(shown(&colourful(), 200));
}

/// The stages are numbers, and the table goes on below.
#[test]
fn on_a_narrow_terminal() {
    let cluster = colourful();
    let status = Status::of(&cluster, &View::default());
    let text = matrix(&cluster, &status, 60, Paint(false));
    let is_key = |line: &str| line.contains("(group 1): ");
    assert!(text.lines().all(|line| line.chars().count() <= 60 || is_key(line)), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn colours_only_repeat_what_is_written() {
    let cluster = colourful();
    let status = Status::of(&cluster, &View::default());
    let draw = |paint| {
        format!("{}{}", matrix(&cluster, &status, 200, paint), details(&cluster, &status, &journal(), paint))
    };
    let coloured = draw(Paint(true));
    assert!(coloured.contains("\x1b[1;31m! run-configurator"), "{coloured}");
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_eq!(plain, draw(Paint(false)));
}

/// More groups than anybody can look at: those that stand still are left out first.
#[test]
fn too_many_groups() {
    let mut cluster = cluster(60);
    for client in 4..=63 {
        // Sixty different sets of packages.
        for package in 0..6 {
            if client >> package & 1 == 1 {
                if package >= 5 {
                    cluster.apply(&Change::Package(Package {
                        id: PackageId(6),
                        name: "extra".parse().unwrap(),
                        class: Class::Base,
                        version: None,
                        needs: Vec::new(),
                        awaits: None,
                    }));
                }
                set(&mut cluster, client, package + 1, row(Finished, Finished));
            }
        }
    }
    set(&mut cluster, 63, 1, failed(InstallBinPkgs, RunConfigurator, "x"));
    let status = Status::of(&cluster, &View::default());
    assert!(status.groups.len() > 50);
    let text = matrix(&cluster, &status, 100, Paint(false));
    assert!(text.contains("client:oscarnode60") && text.contains("! 3>8"), "{text}");
    assert!(text.contains("more groups of targets"), "{text}");
}

#[test]
fn for_programs() {
    let cluster = colourful();
    let status = Status::of(&cluster, &View::default());
    let document = document(&cluster, &status, &journal());
    let mut value = serde_json::to_value(document).unwrap();
    for group in value["groups"].as_array_mut().unwrap() {
        let names = group["names"].as_array_mut().unwrap();
        names.truncate(2);
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).unwrap());
}

#[test]
fn steps_in_words() {
    let cluster = cluster(2);
    let key = Key { target: TargetId(1), package: PackageId(2) };
    let both = vec![PackageId(1), PackageId(2)];
    let works = [
        Work::Install { target: TargetId(2), stage: InstallBinPkgs, packages: both.clone() },
        Work::Hook { key, stage: PostImage, hook: Hook::PostImage, image: Some(TargetId(2)) },
        Work::Configure { key },
        Work::Remove { key, to: ShouldNotBeInstalled },
        Work::Confirm { target: TargetId(4), packages: both },
        Work::Mark { stage: Finished, rows: vec![key, Key { target: TargetId(4), ..key }] },
    ];
    let lines: Vec<String> = works
        .iter()
        .map(|work| {
            let told = told(&cluster, work);
            format!("{} | {:?} | {}", target_names(&cluster, &told.targets), told.stage, told.what)
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
