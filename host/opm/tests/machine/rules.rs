//! Section 3: the rules of one run.

use opkg_oda::{Phase, Stage, State};
use opkg_opm::machine::Verdict;

use crate::site::Site;

fn pair() -> Site {
    Site::new().package("lib", &[]).package("app", &["lib"]).package("zoo", &[])
}

#[test]
fn rule_1_a_package_in_error_is_skipped_until_it_is_cleared() {
    let mut site = pair().asked("zoo", Stage::Finished, "head");
    site.world.breaks("install zoo");
    site.run();
    site.world.broken.clear();
    assert_eq!(site.verdict("zoo", "head"), Verdict::Failed);
    assert_eq!(site.run(), Vec::<String>::new());
    site.clear();
    site.run();
    assert_eq!(site.current("zoo", "head"), 8);
}

#[test]
fn rule_1_an_error_skips_the_package_on_that_target_only() {
    let mut site = pair().image("compute").asked("zoo", Stage::InstallBinPkgs, "head compute");
    site.world.breaks("configure zoo");
    site.run();
    assert_eq!((site.current("zoo", "head"), site.current("zoo", "compute")), (2, 4));
}

#[test]
fn rule_2_all_stages_in_between_run_and_the_request_ends_it() {
    for stage in Stage::ALL {
        let mut site = pair().asked("zoo", stage, "head");
        site.run();
        assert_eq!(site.row("zoo", "head").current, stage);
        assert_eq!(site.run(), Vec::<String>::new());
    }
}

#[test]
fn rule_4_a_lower_request_is_no_removal() {
    let mut site = pair().asked("zoo", Stage::Finished, "head");
    site.run();
    for stage in &Stage::ALL[1..] {
        site.ask("zoo", *stage, "head");
        assert_eq!(site.run(), Vec::<String>::new(), "{stage}");
        assert_eq!(site.current("zoo", "head"), 8);
    }
}

#[test]
fn rule_4_a_run_with_nothing_to_do_yields_nothing() {
    let mut site = pair().image("compute").client("n1").asked("lib app", Stage::Finished, "head compute n1");
    site.run();
    let before = site.cluster.clone();
    assert_eq!(site.run(), Vec::<String>::new());
    assert_eq!(site.cluster, before);
}

#[test]
fn packages_go_through_the_stages_together() {
    let mut site = pair().image("compute").asked("lib app zoo", Stage::PostImage, "head compute");
    let stages: Vec<String> = site.run().iter().map(|it| it[..1].to_owned()).collect();
    assert!(stages.is_sorted(), "{stages:?}");
}

#[test]
fn clients_take_their_stages_before_the_head_node_goes_on() {
    let mut site = pair().client("n1").client("n2").asked("lib zoo", Stage::Finished, "head n1 n2");
    let trace = site.run();
    let place =
        |what: &str| trace.iter().position(|it| it == what).unwrap_or_else(|| panic!("{what}: {trace:?}"));
    assert!(place("6 head: api-post-clientdef zoo") < place("4 n1: install lib zoo"));
    assert!(place("4 n2: install lib zoo") < place("7 head: api-post-deploy lib"));
}

#[test]
fn dependencies_come_first_in_every_stage() {
    let mut site = pair().asked("app lib", Stage::RunConfigurator, "head");
    insta::assert_snapshot!(site.run().join("\n"), @r"
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
    let mut site = pair().asked("lib app zoo", Stage::Finished, "head");
    site.world.breaks("configure lib");
    site.run();
    let currents = ["lib", "app", "zoo"].map(|it| site.current(it, "head"));
    assert_eq!(currents, [2, 2, 8]);
    assert_eq!(site.verdict("app", "head"), Verdict::Blocked(site.of("lib")));
    assert_eq!(site.row("app", "head").state, State::Idle);
}

#[test]
fn a_package_whose_dependency_lags_is_blocked() {
    let mut site = pair().asked("lib", Stage::RunConfigurator, "head").asked("app", Stage::Finished, "head");
    site.run();
    assert_eq!(site.current("app", "head"), 3);
    assert_eq!(site.verdict("app", "head"), Verdict::Blocked(site.of("lib")));
}

#[test]
fn a_dependency_that_nobody_asked_for_here_blocks_nothing() {
    let mut site = pair().asked("app", Stage::Finished, "head");
    site.run();
    assert_eq!(site.current("app", "head"), 8);
    let mut site =
        pair().asked("lib", Stage::ShouldNotBeInstalled, "head").asked("app", Stage::Finished, "head");
    site.run();
    assert_eq!(site.current("app", "head"), 8);
}

#[test]
fn packages_in_a_circle_do_not_wait_for_each_other() {
    let mut site = pair().needs("lib", "app").asked("lib app", Stage::Finished, "head");
    site.run();
    assert_eq!((site.current("lib", "head"), site.current("app", "head")), (8, 8));
}

#[test]
fn installs_of_a_stage_on_a_target_are_one_transaction() {
    let mut site = pair().image("compute").asked("lib app zoo", Stage::InstallBinPkgs, "head compute");
    let installs: Vec<_> = site.run().into_iter().filter(|it| it.contains("install")).collect();
    assert_eq!(
        installs,
        ["2 head: install lib app zoo", "4 head: install lib app zoo", "4 compute: install lib app zoo"]
    );
}

#[test]
fn a_transaction_that_fails_is_tried_one_by_one() {
    let mut site = pair().phase(Phase::BuildImage).asked("lib app zoo", Stage::ShouldBeInstalled, "head");
    site.world.breaks("install lib");
    insta::assert_snapshot!(site.run().join("\n"), @r"
    2 head: install lib app zoo ! transaction of 3 failed
    2 head: install lib ! transaction of 1 failed
    2 head: install zoo
    ");
    assert_eq!(site.row("lib", "head").state, State::Error);
    assert_eq!(site.verdict("app", "head"), Verdict::Blocked(site.of("lib")));
}

#[test]
fn a_transaction_may_fail_in_part() {
    use crate::world::Mishap;
    let mut site = pair().asked("lib zoo", Stage::ShouldBeInstalled, "head");
    site.world.mishaps = vec![Some(Mishap::Partly)];
    site.run();
    assert_eq!((site.current("lib", "head"), site.current("zoo", "head")), (1, 2));
    assert_eq!(site.row("lib", "head").state, State::Error);
}

#[test]
fn a_run_for_some_targets_leaves_the_others_alone() {
    let mut site = pair().image("compute").asked("zoo", Stage::Finished, "head compute");
    site.scope = Some([site.at("compute")].into());
    site.run();
    assert_eq!((site.current("zoo", "head"), site.current("zoo", "compute")), (1, 8));
}
