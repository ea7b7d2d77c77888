//! Section 3: the rules of one run.

use opkg_engine::machine::{Decision, NextStep};
use opkg_oda::{Phase, Stage, WorkState};

use crate::fixture::Fixture;

fn lib_and_app() -> Fixture {
    Fixture::new().package("lib", &[]).package("app", &["lib"]).package("zoo", &[])
}

#[test]
fn rule_1_a_package_in_error_is_skipped_until_it_is_cleared() {
    let mut fixture = lib_and_app().with_request("zoo", Stage::Finished, "head");
    fixture.world.fail_always("install zoo");
    fixture.run();
    fixture.world.always_failing.clear();
    assert_eq!(fixture.decision("zoo", "head"), Decision::Failed);
    assert_eq!(fixture.run(), Vec::<String>::new());
    fixture.clear();
    fixture.run();
    assert_eq!(fixture.current("zoo", "head"), 8);
}

#[test]
fn rule_1_an_error_skips_the_package_on_that_target_only() {
    let mut fixture =
        lib_and_app().image("compute").with_request("zoo", Stage::InstallBinPkgs, "head compute");
    fixture.world.fail_always("configure zoo");
    fixture.run();
    assert_eq!((fixture.current("zoo", "head"), fixture.current("zoo", "compute")), (2, 4));
}

#[test]
fn rule_2_all_stages_in_between_run_and_the_request_ends_it() {
    for stage in Stage::ALL {
        let mut fixture = lib_and_app().with_request("zoo", stage, "head");
        fixture.run();
        assert_eq!(fixture.row("zoo", "head").current, stage);
        assert_eq!(fixture.run(), Vec::<String>::new());
    }
}

#[test]
fn rule_4_a_lower_request_is_no_removal() {
    let mut fixture = lib_and_app().with_request("zoo", Stage::Finished, "head");
    fixture.run();
    for stage in &Stage::ALL[1..] {
        fixture.request("zoo", *stage, "head");
        assert_eq!(fixture.run(), Vec::<String>::new(), "{stage}");
        assert_eq!(fixture.current("zoo", "head"), 8);
    }
}

#[test]
fn rule_4_a_run_with_nothing_to_do_yields_nothing() {
    let mut fixture = lib_and_app().image("compute").client("n1").with_request(
        "lib app",
        Stage::Finished,
        "head compute n1",
    );
    fixture.run();
    let before = fixture.cluster.clone();
    assert_eq!(fixture.run(), Vec::<String>::new());
    assert_eq!(fixture.cluster, before);
}

#[test]
fn packages_go_through_the_stages_together() {
    let mut fixture =
        lib_and_app().image("compute").with_request("lib app zoo", Stage::PostImage, "head compute");
    let stages: Vec<String> = fixture.run().iter().map(|it| it[..1].to_owned()).collect();
    assert!(stages.is_sorted(), "{stages:?}");
}

#[test]
fn clients_take_their_stages_before_the_head_node_goes_on() {
    let mut fixture =
        lib_and_app().client("n1").client("n2").with_request("lib zoo", Stage::Finished, "head n1 n2");
    let trace = fixture.run();
    let place =
        |what: &str| trace.iter().position(|it| it == what).unwrap_or_else(|| panic!("{what}: {trace:?}"));
    assert!(place("6 head: api-post-clientdef zoo") < place("4 n1: install lib zoo"));
    assert!(place("4 n2: install lib zoo") < place("7 head: api-post-deploy lib"));
}

#[test]
fn dependencies_come_first_in_every_stage() {
    let mut fixture = lib_and_app().with_request("app lib", Stage::RunConfigurator, "head");
    insta::assert_snapshot!(fixture.run().join("\n"), @r"
    2 head: install lib app
    3 head: api-pre-configure lib
    3 head: configure lib
    3 head: api-post-configure lib
    3 head: api-pre-configure app
    3 head: configure app
    3 head: api-post-configure app
    ");
}

#[test]
fn a_package_whose_dependency_failed_is_blocked_and_others_go_on() {
    let mut fixture = lib_and_app().with_request("lib app zoo", Stage::Finished, "head");
    fixture.world.fail_always("configure lib");
    fixture.run();
    let currents = ["lib", "app", "zoo"].map(|it| fixture.current(it, "head"));
    assert_eq!(currents, [2, 2, 8]);
    assert_eq!(fixture.decision("app", "head"), Decision::BlockedBy(fixture.package_id("lib")));
    assert_eq!(fixture.row("app", "head").work_state, WorkState::Idle);
}

#[test]
fn a_package_whose_dependency_lags_is_blocked() {
    let mut fixture = lib_and_app().with_request("lib", Stage::RunConfigurator, "head").with_request(
        "app",
        Stage::Finished,
        "head",
    );
    fixture.run();
    assert_eq!(fixture.current("app", "head"), 3);
    assert_eq!(fixture.decision("app", "head"), Decision::BlockedBy(fixture.package_id("lib")));
}

#[test]
fn a_dependency_that_nobody_asked_for_here_blocks_nothing() {
    let mut fixture = lib_and_app().with_request("app", Stage::Finished, "head");
    fixture.run();
    assert_eq!(fixture.current("app", "head"), 8);
    let mut fixture = lib_and_app().with_request("lib", Stage::ShouldNotBeInstalled, "head").with_request(
        "app",
        Stage::Finished,
        "head",
    );
    fixture.run();
    assert_eq!(fixture.current("app", "head"), 8);
}

#[test]
fn packages_in_a_circle_do_not_wait_for_each_other() {
    let mut fixture =
        lib_and_app().with_dependency("lib", "app").with_request("lib app", Stage::Finished, "head");
    fixture.run();
    assert_eq!((fixture.current("lib", "head"), fixture.current("app", "head")), (8, 8));
}

#[test]
fn installs_of_a_stage_on_a_target_are_one_transaction() {
    let mut fixture =
        lib_and_app().image("compute").with_request("lib app zoo", Stage::InstallBinPkgs, "head compute");
    let installs: Vec<_> = fixture.run().into_iter().filter(|it| it.contains("install")).collect();
    assert_eq!(
        installs,
        ["2 head: install lib app zoo", "4 head: install lib app zoo", "4 compute: install lib app zoo"]
    );
}

#[test]
fn a_transaction_that_fails_is_tried_one_by_one() {
    let mut fixture =
        lib_and_app().phase(Phase::BuildImage).with_request("lib app zoo", Stage::ShouldBeInstalled, "head");
    fixture.world.fail_always("install lib");
    insta::assert_snapshot!(fixture.run().join("\n"), @r"
    2 head: install lib app zoo ! transaction of 3 failed
    2 head: install lib ! transaction of 1 failed
    2 head: install zoo
    ");
    assert_eq!(fixture.row("lib", "head").work_state, WorkState::Failed);
    assert_eq!(fixture.decision("app", "head"), Decision::BlockedBy(fixture.package_id("lib")));
}

#[test]
fn a_transaction_may_fail_in_part() {
    use crate::fake_world::Fault;
    let mut fixture = lib_and_app().with_request("lib zoo", Stage::ShouldBeInstalled, "head");
    fixture.world.scheduled_faults = vec![Some(Fault::PartialFailure)];
    fixture.run();
    assert_eq!((fixture.current("lib", "head"), fixture.current("zoo", "head")), (1, 2));
    assert_eq!(fixture.row("lib", "head").work_state, WorkState::Failed);
}

#[test]
fn a_run_for_some_targets_leaves_the_others_alone() {
    let mut fixture = lib_and_app().image("compute").with_request("zoo", Stage::Finished, "head compute");
    fixture.scope = Some([fixture.target_id("compute")].into());
    fixture.run();
    assert_eq!((fixture.current("zoo", "head"), fixture.current("zoo", "compute")), (1, 8));
}

#[test]
fn what_a_failed_transaction_did_not_come_to_goes_one_by_one() {
    use crate::fake_world::Fault;
    let mut fixture = Fixture::new();
    for package in ["a", "b", "c", "d"] {
        fixture = fixture.package(package, &[]);
    }
    fixture.request("a b c d", Stage::ShouldBeInstalled, "head");
    fixture.world.scheduled_faults = vec![Some(Fault::CutOff)];
    assert_eq!(
        fixture.run(),
        ["2 head: install a b c d ! 1 failed", "2 head: install c", "2 head: install d"],
        "the culprit is in error, who was installed is done"
    );
    assert_eq!(fixture.decision("a", "head"), Decision::Failed);
    let now = ["b", "c", "d"].map(|package| fixture.current(package, "head"));
    assert_eq!(now, [2, 2, 2]);
}

#[test]
fn what_passes_by_itself_is_no_error_and_stays_due() {
    use crate::fake_world::Fault;
    let mut fixture = lib_and_app().with_request("lib zoo", Stage::ShouldBeInstalled, "head");
    fixture.world.scheduled_faults = vec![Some(Fault::Postponement)];
    assert_eq!(fixture.run(), ["2 head: install lib zoo ~ a lock"], "not again in this run");
    assert_eq!(fixture.decision("zoo", "head"), Decision::Ready(NextStep::Advance(Stage::ShouldBeInstalled)));
    assert_eq!(fixture.run(), ["2 head: install lib zoo"]);
    fixture.request("zoo", Stage::ShouldNotBeInstalled, "head");
    fixture.world.scheduled_faults = vec![Some(Fault::Postponement)];
    let trace = fixture.run();
    assert!(trace.last().is_some_and(|line| line.ends_with("~ a lock")), "{trace:?}");
    assert_eq!(fixture.row("zoo", "head").work_state, WorkState::Idle);
    fixture.run();
    assert_eq!(fixture.current("zoo", "head"), 1);
}
