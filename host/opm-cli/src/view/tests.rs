#![allow(clippy::unwrap_used)]
use std::path::PathBuf;

use opkg_engine::machine::{
    Configure, Hook, HookStep, Install, Remove, SetStage, Step, VerifyInherited, WorkItem,
};
use opkg_engine::status::{FailedSteps, Status, StatusFilter};
use opkg_oda::{
    Change, Cluster, Event, EventId, Package, PackageClass, PackageId, PackageState, Phase, RunId, RunStatus,
    Stage, StageFailure, StateKey, StepKind, StepResult, Target, TargetId, WorkState,
};

use super::*;
use crate::styles::Styles;

use Stage::{Finished, InstallBinPkgs, PostImage, RunConfigurator, ShouldBeInstalled, ShouldNotBeInstalled};

/// A head node, two images and `clients` nodes; packages in all states.
fn cluster(clients: i64) -> Cluster {
    let mut cluster = Cluster { phase: Phase::BuildImage, ..Cluster::default() };
    let nodes = (1..=clients).map(|it| format!("client:oscarnode{it:02}"));
    let others = ["server:head", "image:compute", "image:login"].map(str::to_owned);
    for (id, address) in (1..).zip(others.into_iter().chain(nodes)) {
        let root = address.starts_with("image:").then(|| PathBuf::from("/images"));
        let target = Target { id: TargetId(id), address: address.parse().unwrap(), root, image: None };
        cluster.apply(&Change::PutTarget(target));
    }
    let names = ["munge", "ganglia", "slurm", "maui", "sis"];
    for (id, name) in (1..).zip(names) {
        cluster.apply(&Change::PutPackage(Package {
            id: PackageId(id),
            name: name.parse().unwrap(),
            class: if name == "sis" { PackageClass::Core } else { PackageClass::Base },
            version: Some("1.0-1".into()),
            dependencies: if name == "maui" { vec![PackageId(3)] } else { Vec::new() },
            waiting_for: None,
        }));
    }
    cluster
}

fn set_state(cluster: &mut Cluster, target: i64, package: i64, row: PackageState) {
    let key = StateKey { target: TargetId(target), package: PackageId(package) };
    cluster.apply(&Change::Request { key, stage: row.requested, requested_at: 0 });
    cluster.apply(&Change::UpdateState(key, row));
}

fn package_state(requested: Stage, current: Stage) -> PackageState {
    PackageState { current, ..PackageState::new(requested, 0) }
}

fn failed_state(stage: Stage, current: Stage, message: &str) -> PackageState {
    let failure = Some(Box::new(StageFailure { stage, message: message.into() }));
    PackageState { work_state: WorkState::Failed, failure, attempts: 1, ..package_state(Finished, current) }
}

/// One of each, on 96 clients.
fn cluster_in_all_states() -> Cluster {
    let mut cluster = cluster(96);
    let told = |package: i64, client: i64| Change::Assign {
        package: PackageId(package),
        client: TargetId(client),
        handed_over_at: Some(1),
    };
    for client in 4..=99 {
        cluster.apply(&told(1, client));
        set_state(&mut cluster, client, 1, package_state(Finished, Finished));
        set_state(&mut cluster, client, 5, package_state(Finished, PostImage));
    }
    for client in [6, 10, 11, 12] {
        let text = "opkg-munge-client is not there after its installation";
        set_state(&mut cluster, client, 1, failed_state(InstallBinPkgs, RunConfigurator, text));
    }
    set_state(
        &mut cluster,
        13,
        1,
        failed_state(InstallBinPkgs, RunConfigurator, "no room is left on the disk\nmore"),
    );
    set_state(&mut cluster, 1, 1, package_state(Finished, PostImage));
    set_state(&mut cluster, 1, 2, package_state(Finished, ShouldNotBeInstalled));
    set_state(
        &mut cluster,
        1,
        3,
        failed_state(RunConfigurator, ShouldBeInstalled, "api-pre-configure ended with status 3"),
    );
    set_state(&mut cluster, 1, 4, package_state(Finished, ShouldBeInstalled));
    set_state(
        &mut cluster,
        1,
        5,
        PackageState {
            work_state: WorkState::Running,
            attempts: 1,
            ..package_state(Finished, RunConfigurator)
        },
    );
    set_state(&mut cluster, 2, 1, package_state(ShouldNotBeInstalled, Finished));
    set_state(&mut cluster, 2, 2, package_state(ShouldNotBeInstalled, ShouldNotBeInstalled));
    set_state(&mut cluster, 2, 5, package_state(InstallBinPkgs, InstallBinPkgs));
    cluster
}

fn sample_failures() -> FailedSteps {
    let event = |number, target, package, log: Option<&str>| Event {
        id: EventId { run: RunId(12), number },
        started_at: 1_767_323_045_000,
        target: TargetId(target),
        packages: vec![PackageId(package)],
        stage: InstallBinPkgs,
        kind: StepKind::Install,
        name: "install".into(),
        log_path: None,
        result: Some(StepResult {
            ended_at: 1_767_323_048_000,
            status: RunStatus::Failed,
            message: Some("it failed".into()),
            exit_code: Some(100),
            signal: None,
            timed_out: false,
            log_path: log.map(str::to_owned),
            log_tail: String::new(),
        }),
    };
    FailedSteps::new(vec![
        event(9, 6, 1, Some("/var/log/opm/run-000012/0009-oscarnode03-install.log")),
        event(2, 6, 1, Some("/var/log/opm/older.log")),
        event(3, 1, 3, None),
    ])
}

fn render(cluster: &Cluster, width: usize) -> String {
    let status = Status::compute(cluster, &StatusFilter::default());
    let styles = Styles(false);
    format!(
        "{}\n{}",
        render_matrix(cluster, &status, width, styles),
        render_details(cluster, &status, &sample_failures(), styles)
    )
}

#[test]
fn everything_at_once() {
    insta::assert_snapshot!(render(&cluster_in_all_states(), 200));
}

/// The stages are numbers, and the table goes on below.
#[test]
fn on_a_narrow_terminal() {
    let cluster = cluster_in_all_states();
    let status = Status::compute(&cluster, &StatusFilter::default());
    let text = render_matrix(&cluster, &status, 60, Styles(false));
    let is_key = |line: &str| line.contains("(group 1): ");
    assert!(text.lines().all(|line| line.chars().count() <= 60 || is_key(line)), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn colours_only_repeat_what_is_written() {
    let cluster = cluster_in_all_states();
    let status = Status::compute(&cluster, &StatusFilter::default());
    let draw = |styles| {
        format!(
            "{}{}",
            render_matrix(&cluster, &status, 200, styles),
            render_details(&cluster, &status, &sample_failures(), styles)
        )
    };
    let coloured = draw(Styles(true));
    assert!(coloured.contains("\x1b[1;31m! run-configurator"), "{coloured}");
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_eq!(plain, draw(Styles(false)));
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
                    cluster.apply(&Change::PutPackage(Package {
                        id: PackageId(6),
                        name: "extra".parse().unwrap(),
                        class: PackageClass::Base,
                        version: None,
                        dependencies: Vec::new(),
                        waiting_for: None,
                    }));
                }
                set_state(&mut cluster, client, package + 1, package_state(Finished, Finished));
            }
        }
    }
    set_state(&mut cluster, 63, 1, failed_state(InstallBinPkgs, RunConfigurator, "x"));
    let status = Status::compute(&cluster, &StatusFilter::default());
    assert!(status.groups.len() > 50);
    let text = render_matrix(&cluster, &status, 100, Styles(false));
    assert!(text.contains("client:oscarnode60") && text.contains("! 3>8"), "{text}");
    assert!(text.contains("more groups of targets"), "{text}");
}

#[test]
fn for_programs() {
    let cluster = cluster_in_all_states();
    let status = Status::compute(&cluster, &StatusFilter::default());
    let document = status_json(&cluster, &status, &sample_failures());
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
    let key = StateKey { target: TargetId(1), package: PackageId(2) };
    let both = vec![PackageId(1), PackageId(2)];
    let works = [
        WorkItem::Step(Step::Install(Install {
            target: TargetId(2),
            stage: InstallBinPkgs,
            packages: both.clone(),
        })),
        WorkItem::Step(Step::Hook(HookStep {
            key,
            stage: PostImage,
            hook: Hook::PostImage,
            image: Some(TargetId(2)),
        })),
        WorkItem::Step(Step::Configure(Configure { key })),
        WorkItem::Step(Step::Remove(Remove {
            target: TargetId(1),
            packages: both.clone(),
            down_to: ShouldNotBeInstalled,
        })),
        WorkItem::Step(Step::VerifyInherited(VerifyInherited { target: TargetId(4), packages: both })),
        WorkItem::SetStage(SetStage {
            stage: Finished,
            rows: vec![key, StateKey { target: TargetId(4), ..key }],
        }),
    ];
    let lines: Vec<String> = works
        .iter()
        .map(|work| {
            let told = describe_work(&cluster, work);
            format!("{} | {:?} | {}", target_list(&cluster, &told.targets), told.stage, told.action)
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
