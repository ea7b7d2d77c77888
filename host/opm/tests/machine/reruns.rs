//! Section 7: reruns, images and clients that come later.

use opkg_oda::{Phase, Stage, State};
use opkg_opm::machine::{Due, Verdict, Wait};

use crate::site::Site;

fn finished() -> Site {
    let mut site = Site::new()
        .image("compute")
        .client("n1")
        .package("lib", &[])
        .package("app", &["lib"])
        .asked("lib app", Stage::Finished, "head compute n1");
    site.run();
    site
}

#[test]
fn a_new_image_gets_its_hook_and_nothing_is_rewound() {
    let mut site = finished().image("login").asked("lib app", Stage::Finished, "login");
    insta::assert_snapshot!(site.run().join("\n"), @r"
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
    assert_eq!(site.row("app", "head").attempts, 0);
}

#[test]
fn the_stage_of_images_run_again_has_seen_all_images_at_its_end() {
    let mut site = finished().image("login").asked("lib", Stage::InstallBinPkgs, "login");
    site.rerun("lib", "head", &[Stage::PostImage]);
    site.world.breaks("api-post-image login lib");
    site.run();
    assert_eq!(site.row("lib", "head").state, State::Error);
    assert!(site.cluster.reruns.contains_key(&site.key("lib", "head")));
}

#[test]
fn a_new_image_waits_for_its_phase_as_well() {
    let mut site =
        finished().image("login").asked("lib", Stage::InstallBinPkgs, "login").phase(Phase::BuildImage);
    site.run();
    assert_eq!(site.verdict("lib", "head"), Verdict::Waits(Wait::Phase(Phase::AddClients)));
}

#[test]
fn for_a_new_image_too_dependencies_come_first() {
    let mut site = finished().image("login").asked("lib app", Stage::Finished, "login");
    site.world.breaks("api-post-image login lib");
    site.run();
    let row = site.row("lib", "head");
    assert_eq!((row.current, row.state), (Stage::Finished, State::Error));
    assert_eq!(site.verdict("app", "head"), Verdict::Blocked(site.of("lib")));
}

#[test]
fn an_image_that_does_not_hold_the_package_yet_is_not_seen() {
    let mut site = finished().image("login").asked("lib", Stage::RunConfigurator, "login");
    site.run();
    assert_eq!(site.verdict("lib", "head"), Verdict::Idle);
}

#[test]
fn queued_stages_run_again_and_current_stays() {
    let mut site = finished();
    site.rerun("app", "head", &[Stage::PostClients, Stage::PostInstall]);
    site.rerun("lib", "head", &[Stage::PostClients, Stage::PostInstall]);
    insta::assert_snapshot!(site.run().join("\n"), @r"
    6 head: api-post-clientdef lib
    6 head: api-post-clientdef app
    7 head: api-post-deploy lib
    7 head: api-post-deploy app
    ");
    assert_eq!(site.current("app", "head"), 8);
    assert_eq!(site.run(), Vec::<String>::new());
}

#[test]
fn a_new_node_gets_its_work_with_the_rerun_of_the_hand_over() {
    let mut site = finished().client("n2");
    site.ask("lib app", Stage::Finished, "n2");
    site.run();
    assert_eq!(site.current("app", "n2"), 1);
    for package in ["lib", "app"] {
        site.rerun(package, "head", &[Stage::PostClients]);
    }
    site.run();
    assert_eq!((site.current("lib", "n2"), site.current("app", "n2")), (8, 8));
}

#[test]
fn a_rerun_that_fails_is_repeated_once_cleared() {
    let mut site = finished();
    site.rerun("app", "head", &[Stage::PostClients]);
    site.world.breaks("api-post-clientdef app");
    site.run();
    let row = site.row("app", "head");
    assert_eq!((row.current, row.state), (Stage::Finished, State::Error));
    assert_eq!(row.failure.as_ref().unwrap().stage, Stage::PostClients);
    site.world.broken.clear();
    site.clear();
    assert_eq!(site.run(), ["6 head: api-post-clientdef app"]);
}

#[test]
fn reruns_too_wait_for_dependencies_and_for_phases() {
    let mut site = finished();
    for package in ["lib", "app"] {
        site.rerun(package, "head", &[Stage::RunConfigurator, Stage::InstallBinPkgs]);
    }
    site.world.breaks("configure lib");
    site.run();
    assert_eq!(site.verdict("app", "head"), Verdict::Blocked(site.of("lib")));
    let mut site = finished().phase(Phase::BuildImage);
    site.rerun("app", "head", &[Stage::PostClients]);
    assert_eq!(site.verdict("app", "head"), Verdict::Waits(Wait::Phase(Phase::PostInstall)));
}

#[test]
fn installations_that_run_again_are_one_transaction() {
    let mut site = finished();
    for package in ["lib", "app"] {
        site.rerun(package, "n1", &[Stage::InstallBinPkgs]);
    }
    assert_eq!(site.run(), ["4 n1: install lib app"]);
}

#[test]
fn a_stage_that_has_not_completed_is_not_run_twice() {
    let mut site = Site::new().package("a", &[]).asked("a", Stage::Finished, "head");
    site.rerun("a", "head", &Stage::ALL[1..]);
    let trace = site.run();
    assert_eq!(trace.len(), 9, "{trace:?}");
    assert!(site.cluster.reruns.is_empty());
}

/// A client `n2` that was cloned from the image, of which `held` is really there.
fn cloned(held: &[&str]) -> Site {
    let mut site = finished().target("client:n2", Some("compute"));
    for package in ["lib", "app"] {
        let key = site.key(package, "n2");
        site.inherits(key, Stage::Finished, Stage::InstallBinPkgs);
        site.ask(package, Stage::Finished, "n2");
        if held.contains(&package) {
            site.world.part.insert(key);
        }
    }
    site
}

#[test]
fn a_client_inherits_what_its_image_holds_once_a_query_has_confirmed_it() {
    let mut site = cloned(&["lib", "app"]);
    assert_eq!(site.verdict("app", "n2"), Verdict::Due(Due::Confirm));
    assert_eq!(site.run(), ["4 n2: confirm lib app"]);
    assert_eq!((site.current("lib", "n2"), site.current("app", "n2")), (4, 4));
    assert_eq!(site.verdict("app", "n2"), Verdict::Waits(Wait::HandOver));
}

#[test]
fn what_the_query_does_not_find_is_not_inherited() {
    let mut site = cloned(&["lib"]);
    site.run();
    assert_eq!((site.current("lib", "n2"), site.current("app", "n2")), (4, 1));
}

#[test]
fn nobody_inherits_more_than_stage_4() {
    let mut site = cloned(&["lib", "app"]);
    for package in ["lib", "app"] {
        let key = site.key(package, "n2");
        site.inherits(key, Stage::Finished, Stage::Finished);
    }
    site.run();
    assert_eq!(site.current("lib", "n2"), 4);
}
