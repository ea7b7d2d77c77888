//! Section 7: removal.

use opkg_engine::machine::{BlockReason, Decision};
use opkg_oda::{Stage, WorkState};

use crate::fake_world::Fault;
use crate::fixture::Fixture;

const EVERYWHERE: &str = "head compute n1";
const NOT_INSTALLED: Stage = Stage::ShouldNotBeInstalled;

/// `app` needs `lib`, both are finished everywhere.
fn finished() -> Fixture {
    let mut fixture = Fixture::new()
        .image("compute")
        .client("n1")
        .package("lib", &[])
        .package("app", &["lib"])
        .with_request("lib app", Stage::Finished, EVERYWHERE);
    fixture.run();
    fixture
}

#[test]
fn clients_then_images_then_the_server_and_dependents_first() {
    let mut fixture = finished();
    fixture.request("lib app", NOT_INSTALLED, EVERYWHERE);
    insta::assert_snapshot!(fixture.run().join("\n"), @r"
    4 head,compute,n1: mark app lib
    2 n1: remove app
    2 n1: remove lib
    2 compute: remove app
    2 compute: remove lib
    1 compute,n1: mark app lib
    2 head: remove app
    1 head: remove app
    2 head: remove lib
    1 head: remove lib
    ");
}

#[test]
fn the_server_keeps_it_while_a_client_has_it() {
    let mut fixture = finished();
    fixture.request("app", NOT_INSTALLED, "head compute");
    fixture.run();
    assert_eq!(fixture.current("app", "head"), 4);
    assert_eq!(
        fixture.decision("app", "head"),
        Decision::Waiting(BlockReason::StillInstalledOn(fixture.target_id("n1")))
    );
    fixture.request("app", NOT_INSTALLED, "n1");
    fixture.run();
    assert_eq!(fixture.current("app", "head"), 1);
}

#[test]
fn the_server_keeps_it_while_an_image_has_it() {
    let mut fixture = finished();
    fixture.request("app", NOT_INSTALLED, "head n1");
    fixture.run();
    assert_eq!(
        fixture.decision("app", "head"),
        Decision::Waiting(BlockReason::StillInstalledOn(fixture.target_id("compute")))
    );
}

#[test]
fn the_server_keeps_it_while_a_client_cannot_get_rid_of_it() {
    let mut fixture = finished();
    fixture.world.fail_always("remove app");
    fixture.request("app", NOT_INSTALLED, EVERYWHERE);
    fixture.run();
    let row = fixture.row("app", "n1");
    assert_eq!((row.work_state, row.current), (WorkState::Failed, Stage::InstallBinPkgs));
    assert_eq!(row.failure.as_ref().unwrap().stage, Stage::InstallBinPkgs, "the stage that should be left");
    assert_eq!(
        fixture.decision("app", "head"),
        Decision::Waiting(BlockReason::StillInstalledOn(fixture.target_id("n1")))
    );
    fixture.world.always_failing.clear();
    fixture.clear();
    fixture.run();
    assert_eq!(fixture.current("app", "head"), 1);
}

#[test]
fn a_package_stays_while_another_depends_on_it() {
    let mut fixture = finished();
    fixture.request("lib", NOT_INSTALLED, EVERYWHERE);
    fixture.run();
    assert_eq!(fixture.decision("lib", "n1"), Decision::BlockedBy(fixture.package_id("app")));
    assert_eq!(fixture.world.installed_parts.len(), 6);
}

#[test]
fn packages_in_a_circle_can_be_removed() {
    let mut fixture = finished().with_dependency("lib", "app");
    fixture.request("lib app", NOT_INSTALLED, EVERYWHERE);
    fixture.run();
    assert!(fixture.world.installed_parts.is_empty() && fixture.world.installed_api.is_empty());
}

#[test]
fn what_an_attempt_left_is_removed_as_well() {
    let mut fixture = Fixture::new().package("a", &[]).with_request("a", Stage::Finished, "head");
    fixture.world.fail_always("install a");
    fixture.run();
    assert_eq!(fixture.current("a", "head"), 1);
    fixture.request("a", NOT_INSTALLED, "head");
    fixture.clear();
    assert_eq!(fixture.run(), ["1 head: remove a"]);
    assert_eq!(fixture.run(), Vec::<String>::new());
}

#[test]
fn a_client_part_that_failed_to_install_is_removed() {
    let mut fixture =
        Fixture::new().image("compute").package("a", &[]).with_request("a", Stage::Finished, "compute");
    fixture.world.fail_always("install a");
    fixture.run();
    assert_eq!(fixture.world.installed_parts.len(), 1, "a piece of it is there");
    fixture.request("a", NOT_INSTALLED, "compute");
    fixture.clear();
    assert_eq!(fixture.run(), ["2 compute: remove a", "1 compute: mark a"]);
}

#[test]
fn where_only_marks_were_made_only_marks_are_undone() {
    let mut fixture = Fixture::new().image("compute").package("a", &[]).with_request(
        "a",
        Stage::ShouldBeInstalled,
        "compute",
    );
    fixture.run();
    fixture.request("a", NOT_INSTALLED, "compute");
    assert_eq!(fixture.run(), ["1 compute: mark a"]);
}

#[test]
fn wanted_again_after_a_failed_removal_it_is_installed_anew() {
    let mut fixture = finished();
    fixture.request("app", NOT_INSTALLED, "n1");
    fixture.world.scheduled_faults = vec![Some(Fault::Failure)];
    fixture.run();
    let there = fixture.key("app", "n1");
    assert!(!fixture.world.installed_parts.contains(&there), "half of the removal was done");
    fixture.request("app", Stage::Finished, "n1");
    fixture.clear();
    fixture.run();
    assert!(fixture.world.installed_parts.contains(&there));
    assert_eq!(fixture.current("app", "n1"), 8);
    assert!(fixture.cluster.reruns.is_empty());
}

#[test]
fn a_removal_leaves_no_notes_behind() {
    let mut fixture = finished();
    fixture.rerun("app", "head", &[Stage::PostClients]);
    fixture.request("app lib", NOT_INSTALLED, EVERYWHERE);
    fixture.run();
    assert!(fixture.cluster.assignments.is_empty());
    assert!(fixture.cluster.images_seen.is_empty());
    assert!(fixture.cluster.reruns.is_empty());
}

#[test]
fn removed_and_requested_again_it_goes_through_every_stage() {
    let mut fixture = finished();
    let first = {
        let mut fresh = finished();
        fresh.request("lib app", NOT_INSTALLED, EVERYWHERE);
        fresh.run();
        fresh.request("lib app", Stage::Finished, EVERYWHERE);
        fresh.run()
    };
    fixture.request("lib app", NOT_INSTALLED, EVERYWHERE);
    fixture.run();
    let mut new = Fixture::new().image("compute").client("n1").package("lib", &[]).package("app", &["lib"]);
    new.request("lib app", Stage::Finished, EVERYWHERE);
    assert_eq!(first, new.run());
}
