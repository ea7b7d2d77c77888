//! Section 7: reruns, images and clients that come later.

use opkg_engine::machine::{BlockReason, Decision, NextStep};
use opkg_oda::{Phase, Stage, WorkState};

use crate::fixture::Fixture;

fn finished() -> Fixture {
    let mut fixture = Fixture::new()
        .image("compute")
        .client("n1")
        .package("lib", &[])
        .package("app", &["lib"])
        .with_request("lib app", Stage::Finished, "head compute n1");
    fixture.run();
    fixture
}

#[test]
fn a_new_image_gets_its_hook_and_nothing_is_rewound() {
    let mut fixture = finished().image("login").with_request("lib app", Stage::Finished, "login");
    insta::assert_snapshot!(fixture.run().join("\n"), @r"
    2 login: mark lib app
    3 login: mark lib app
    4 login: install lib app
    5 head: api-post-image login lib
    5 head: api-post-image login app
    5 login: mark lib app
    6 login: mark lib app
    7 login: mark lib app
    8 login: mark lib app
    ");
    assert_eq!(fixture.row("app", "head").attempts, 0);
}

#[test]
fn the_stage_of_images_run_again_has_seen_all_images_at_its_end() {
    let mut fixture = finished().image("login").with_request("lib", Stage::InstallBinPkgs, "login");
    fixture.rerun("lib", "head", &[Stage::PostImage]);
    fixture.world.fail_always("api-post-image login lib");
    fixture.run();
    assert_eq!(fixture.row("lib", "head").work_state, WorkState::Failed);
    assert!(fixture.cluster.reruns.contains_key(&fixture.key("lib", "head")));
}

#[test]
fn a_new_image_waits_for_its_phase_as_well() {
    let mut fixture = finished()
        .image("login")
        .with_request("lib", Stage::InstallBinPkgs, "login")
        .phase(Phase::BuildImage);
    fixture.run();
    assert_eq!(fixture.decision("lib", "head"), Decision::Waiting(BlockReason::Phase(Phase::AddClients)));
}

#[test]
fn for_a_new_image_too_dependencies_come_first() {
    let mut fixture = finished().image("login").with_request("lib app", Stage::Finished, "login");
    fixture.world.fail_always("api-post-image login lib");
    fixture.run();
    let row = fixture.row("lib", "head");
    assert_eq!((row.current, row.work_state), (Stage::Finished, WorkState::Failed));
    assert_eq!(fixture.decision("app", "head"), Decision::BlockedBy(fixture.package_id("lib")));
}

#[test]
fn an_image_that_does_not_hold_the_package_yet_is_not_seen() {
    let mut fixture = finished().image("login").with_request("lib", Stage::RunConfigurator, "login");
    fixture.run();
    assert_eq!(fixture.decision("lib", "head"), Decision::UpToDate);
}

#[test]
fn queued_stages_run_again_and_current_stays() {
    let mut fixture = finished();
    fixture.rerun("app", "head", &[Stage::PostClients, Stage::PostInstall]);
    fixture.rerun("lib", "head", &[Stage::PostClients, Stage::PostInstall]);
    insta::assert_snapshot!(fixture.run().join("\n"), @r"
    6 head: api-post-clientdef lib
    6 head: api-post-clientdef app
    7 head: api-post-deploy lib
    7 head: api-post-deploy app
    ");
    assert_eq!(fixture.current("app", "head"), 8);
    assert_eq!(fixture.run(), Vec::<String>::new());
}

fn upgrade(fixture: &mut Fixture, packages: &[&str], targets: &[&str]) {
    let packages: Vec<_> = packages.iter().map(|it| fixture.package_id(it)).collect();
    let on = targets.iter().map(|it| fixture.target_id(it)).collect();
    let changes = opkg_engine::reruns::upgrade(&fixture.cluster, &packages, &on, None).unwrap();
    changes.iter().for_each(|change| fixture.cluster.apply(change));
}

#[test]
fn an_upgrade_goes_through_the_stages_in_their_order() {
    let mut fixture = finished();
    upgrade(&mut fixture, &["lib", "app"], &["head", "compute", "n1"]);
    insta::assert_snapshot!(fixture.run().join("\n"));
}

#[test]
fn a_client_is_not_upgraded_before_the_head_node_is() {
    let mut fixture = finished();
    upgrade(&mut fixture, &["lib", "app"], &["head", "compute", "n1"]);
    // An engine of the node, which sees nothing of the head node.
    let (head, node) = (fixture.target_id("head"), fixture.target_id("n1"));
    let of_node = |fixture: &Fixture| {
        let part = fixture.cluster.clone().into_part(&[node].into());
        Fixture { cluster: part, scope: Some([node].into()), ..fixture.clone() }
    };
    assert_eq!(of_node(&fixture).run(), Vec::<String>::new());
    assert_eq!(fixture.decision("app", "n1"), Decision::Waiting(BlockReason::HandOver));
    // Nor while the upgrade of the head node fails.
    fixture.world.fail_always("api-post-clientdef lib");
    fixture.scope = Some([head].into());
    fixture.run();
    assert_eq!(of_node(&fixture).run(), Vec::<String>::new());
    fixture.world.always_failing.clear();
    fixture.clear();
    fixture.run();
    assert_eq!(of_node(&fixture).run(), ["4 n1: install lib app"]);
}

#[test]
fn clients_alone_are_upgraded_at_once_unless_the_head_node_is_at_it() {
    let mut fixture = finished();
    upgrade(&mut fixture, &["app"], &["n1"]);
    assert_eq!(fixture.run(), ["4 n1: install app"]);
    upgrade(&mut fixture, &["app"], &["head"]);
    upgrade(&mut fixture, &["app"], &["n1"]);
    assert_eq!(fixture.decision("app", "n1"), Decision::Waiting(BlockReason::HandOver));
    assert_eq!(fixture.run().last().unwrap(), "7 head: api-post-deploy app");
    assert_eq!(fixture.decision("app", "n1"), Decision::UpToDate);
}

#[test]
fn an_upgrade_of_an_image_alone_has_the_hook_about_it_run_again() {
    let mut fixture = finished();
    upgrade(&mut fixture, &["app"], &["compute"]);
    assert_eq!(fixture.run(), ["4 compute: install app", "5 head: api-post-image compute app"]);
}

#[test]
fn hooks_about_an_image_wait_for_its_installation_and_later_stages_wait_for_them() {
    let mut fixture = finished();
    upgrade(&mut fixture, &["app"], &["head", "compute"]);
    fixture.world.fail_always("api-post-image compute app");
    fixture.run();
    assert!(fixture.cluster.reruns[&fixture.key("app", "head")].contains(&Stage::PostClients));
    let mut fixture = finished().phase(Phase::BuildImage);
    upgrade(&mut fixture, &["app"], &["head", "compute"]);
    fixture.run();
    assert_eq!(fixture.decision("app", "head"), Decision::Waiting(BlockReason::Phase(Phase::AddClients)));
    let mut fixture = finished();
    upgrade(&mut fixture, &["app"], &["compute"]);
    fixture.world.fail_always("install app");
    assert_eq!(fixture.run().len(), 1, "no hook about an image that does not hold it");
}

#[test]
fn a_package_waits_for_the_hook_about_an_image_of_what_it_needs() {
    let mut fixture = finished();
    upgrade(&mut fixture, &["lib"], &["compute"]);
    fixture.rerun("app", "head", &[Stage::PostInstall]);
    fixture.world.fail_always("api-post-image compute lib");
    fixture.run();
    assert_eq!(fixture.decision("app", "head"), Decision::BlockedBy(fixture.package_id("lib")));
}

/// The root of a target is another one.
fn replace_root(fixture: &mut Fixture, target: &str) {
    let target = fixture.cluster.targets[&fixture.target_id(target)].clone();
    fixture.world.forget_target(target.id);
    let changes = opkg_engine::roots::replaced_root_changes(&fixture.cluster, &target, fixture.now);
    changes.iter().for_each(|change| fixture.cluster.apply(change));
}

#[test]
fn an_image_that_was_built_anew_gets_everything_again_with_the_hooks_about_it() {
    let mut fixture = finished();
    replace_root(&mut fixture, "compute");
    insta::assert_snapshot!(fixture.run().join("\n"));
    assert_eq!((fixture.current("app", "compute"), fixture.current("app", "head")), (8, 8));
}

#[test]
fn a_client_that_was_installed_again_gets_everything_again_and_nothing_else_moves() {
    let mut fixture = finished();
    fixture.rerun("app", "n1", &[Stage::InstallBinPkgs]);
    replace_root(&mut fixture, "n1");
    let trace = fixture.run();
    assert!(trace.contains(&"4 n1: install lib app".to_owned()), "{trace:?}");
    assert!(trace.iter().all(|line| line.contains(" n1: ")), "{trace:?}");
    assert!(fixture.cluster.reruns.is_empty());
}

#[test]
fn what_was_to_leave_a_root_that_is_gone_has_left() {
    let mut fixture = finished();
    fixture.request("app", Stage::ShouldNotBeInstalled, "compute n1");
    replace_root(&mut fixture, "compute");
    replace_root(&mut fixture, "n1");
    assert_eq!((fixture.current("app", "compute"), fixture.current("app", "n1")), (1, 1));
    assert!(fixture.cluster.assigned_clients(fixture.package_id("app")).next().is_none());
    assert_eq!(fixture.decision("app", "n1"), Decision::UpToDate);
}

#[test]
fn a_head_node_that_was_installed_again_runs_every_stage_again() {
    let mut fixture = finished();
    replace_root(&mut fixture, "head");
    let trace = fixture.run();
    for line in
        ["2 head: install lib app", "5 head: api-post-image compute lib", "7 head: api-post-deploy app"]
    {
        assert!(trace.contains(&line.to_owned()), "{line}: {trace:?}");
    }
}

#[test]
fn a_new_node_gets_its_work_with_the_rerun_of_the_hand_over() {
    let mut fixture = finished().client("n2");
    fixture.request("lib app", Stage::Finished, "n2");
    fixture.run();
    assert_eq!(fixture.current("app", "n2"), 1);
    for package in ["lib", "app"] {
        fixture.rerun(package, "head", &[Stage::PostClients]);
    }
    fixture.run();
    assert_eq!((fixture.current("lib", "n2"), fixture.current("app", "n2")), (8, 8));
}

#[test]
fn a_rerun_that_fails_is_repeated_once_cleared() {
    let mut fixture = finished();
    fixture.rerun("app", "head", &[Stage::PostClients]);
    fixture.world.fail_always("api-post-clientdef app");
    fixture.run();
    let row = fixture.row("app", "head");
    assert_eq!((row.current, row.work_state), (Stage::Finished, WorkState::Failed));
    assert_eq!(row.failure.as_ref().unwrap().stage, Stage::PostClients);
    fixture.world.always_failing.clear();
    fixture.clear();
    assert_eq!(fixture.run(), ["6 head: api-post-clientdef app"]);
}

#[test]
fn reruns_too_wait_for_dependencies_and_for_phases() {
    let mut fixture = finished();
    for package in ["lib", "app"] {
        fixture.rerun(package, "head", &[Stage::RunConfigurator, Stage::InstallBinPkgs]);
    }
    fixture.world.fail_always("configure lib");
    fixture.run();
    assert_eq!(fixture.decision("app", "head"), Decision::BlockedBy(fixture.package_id("lib")));
    let mut fixture = finished().phase(Phase::BuildImage);
    fixture.rerun("app", "head", &[Stage::PostClients]);
    assert_eq!(fixture.decision("app", "head"), Decision::Waiting(BlockReason::Phase(Phase::PostInstall)));
}

#[test]
fn installations_that_run_again_are_one_transaction() {
    let mut fixture = finished();
    for package in ["lib", "app"] {
        fixture.rerun(package, "n1", &[Stage::InstallBinPkgs]);
    }
    assert_eq!(fixture.run(), ["4 n1: install lib app"]);
}

#[test]
fn a_stage_that_has_not_completed_is_not_run_twice() {
    let mut fixture = Fixture::new().package("a", &[]).with_request("a", Stage::Finished, "head");
    fixture.rerun("a", "head", &Stage::ALL[1..]);
    let trace = fixture.run();
    assert_eq!(trace.len(), 9, "{trace:?}");
    assert!(fixture.cluster.reruns.is_empty());
}

/// A client `n2` that was cloned from the image, of which `held` is really there.
fn with_cloned_client(held: &[&str]) -> Fixture {
    let mut fixture = finished().target("client:n2", Some("compute"));
    for package in ["lib", "app"] {
        let key = fixture.key(package, "n2");
        fixture.set_inherited(key, Stage::Finished, Stage::InstallBinPkgs);
        fixture.request(package, Stage::Finished, "n2");
        if held.contains(&package) {
            fixture.world.installed_parts.insert(key);
        }
    }
    fixture
}

#[test]
fn a_client_inherits_what_its_image_holds_once_a_query_has_confirmed_it() {
    let mut fixture = with_cloned_client(&["lib", "app"]);
    assert_eq!(fixture.decision("app", "n2"), Decision::Ready(NextStep::VerifyInherited));
    assert_eq!(fixture.run(), ["4 n2: confirm lib app"]);
    assert_eq!((fixture.current("lib", "n2"), fixture.current("app", "n2")), (4, 4));
    assert_eq!(fixture.decision("app", "n2"), Decision::Waiting(BlockReason::HandOver));
}

#[test]
fn what_the_query_does_not_find_is_not_inherited() {
    let mut fixture = with_cloned_client(&["lib"]);
    fixture.run();
    assert_eq!((fixture.current("lib", "n2"), fixture.current("app", "n2")), (4, 1));
}

#[test]
fn nobody_inherits_more_than_stage_4() {
    let mut fixture = with_cloned_client(&["lib", "app"]);
    for package in ["lib", "app"] {
        let key = fixture.key(package, "n2");
        fixture.set_inherited(key, Stage::Finished, Stage::Finished);
    }
    fixture.run();
    assert_eq!(fixture.current("lib", "n2"), 4);
}
