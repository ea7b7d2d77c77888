//! Section 7: removal.

use opkg_oda::{Stage, State};
use opkg_opm::machine::{Verdict, Wait};

use crate::site::Site;
use crate::world::Mishap;

const EVERYWHERE: &str = "head compute n1";
const GONE: Stage = Stage::ShouldNotBeInstalled;

/// `app` needs `lib`, both are finished everywhere.
fn finished() -> Site {
    let mut site = Site::new()
        .image("compute")
        .client("n1")
        .package("lib", &[])
        .package("app", &["lib"])
        .asked("lib app", Stage::Finished, EVERYWHERE);
    site.run();
    site
}

#[test]
fn clients_then_images_then_the_server_and_dependents_first() {
    let mut site = finished();
    site.ask("lib app", GONE, EVERYWHERE);
    insta::assert_snapshot!(site.run().join("\n"), @r"
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
    let mut site = finished();
    site.ask("app", GONE, "head compute");
    site.run();
    assert_eq!(site.current("app", "head"), 4);
    assert_eq!(site.verdict("app", "head"), Verdict::Waits(Wait::StillOn(site.at("n1"))));
    site.ask("app", GONE, "n1");
    site.run();
    assert_eq!(site.current("app", "head"), 1);
}

#[test]
fn the_server_keeps_it_while_an_image_has_it() {
    let mut site = finished();
    site.ask("app", GONE, "head n1");
    site.run();
    assert_eq!(site.verdict("app", "head"), Verdict::Waits(Wait::StillOn(site.at("compute"))));
}

#[test]
fn the_server_keeps_it_while_a_client_cannot_get_rid_of_it() {
    let mut site = finished();
    site.world.breaks("remove app");
    site.ask("app", GONE, EVERYWHERE);
    site.run();
    let row = site.row("app", "n1");
    assert_eq!((row.state, row.current), (State::Error, Stage::InstallBinPkgs));
    assert_eq!(row.failure.as_ref().unwrap().stage, Stage::InstallBinPkgs, "the stage that should be left");
    assert_eq!(site.verdict("app", "head"), Verdict::Waits(Wait::StillOn(site.at("n1"))));
    site.world.broken.clear();
    site.clear();
    site.run();
    assert_eq!(site.current("app", "head"), 1);
}

#[test]
fn a_package_stays_while_another_depends_on_it() {
    let mut site = finished();
    site.ask("lib", GONE, EVERYWHERE);
    site.run();
    assert_eq!(site.verdict("lib", "n1"), Verdict::Blocked(site.of("app")));
    assert_eq!(site.world.part.len(), 6);
}

#[test]
fn packages_in_a_circle_can_be_removed() {
    let mut site = finished().needs("lib", "app");
    site.ask("lib app", GONE, EVERYWHERE);
    site.run();
    assert!(site.world.part.is_empty() && site.world.api.is_empty());
}

#[test]
fn what_an_attempt_left_is_removed_as_well() {
    let mut site = Site::new().package("a", &[]).asked("a", Stage::Finished, "head");
    site.world.breaks("install a");
    site.run();
    assert_eq!(site.current("a", "head"), 1);
    site.ask("a", GONE, "head");
    site.clear();
    assert_eq!(site.run(), ["1 head: remove a"]);
    assert_eq!(site.run(), Vec::<String>::new());
}

#[test]
fn a_client_part_that_failed_to_install_is_removed() {
    let mut site = Site::new().image("compute").package("a", &[]).asked("a", Stage::Finished, "compute");
    site.world.breaks("install a");
    site.run();
    assert_eq!(site.world.part.len(), 1, "a piece of it is there");
    site.ask("a", GONE, "compute");
    site.clear();
    assert_eq!(site.run(), ["2 compute: remove a", "1 compute: mark a"]);
}

#[test]
fn where_only_marks_were_made_only_marks_are_undone() {
    let mut site =
        Site::new().image("compute").package("a", &[]).asked("a", Stage::ShouldBeInstalled, "compute");
    site.run();
    site.ask("a", GONE, "compute");
    assert_eq!(site.run(), ["1 compute: mark a"]);
}

#[test]
fn wanted_again_after_a_failed_removal_it_is_installed_anew() {
    let mut site = finished();
    site.ask("app", GONE, "n1");
    site.world.mishaps = vec![Some(Mishap::Fails)];
    site.run();
    let there = site.key("app", "n1");
    assert!(!site.world.part.contains(&there), "half of the removal was done");
    site.ask("app", Stage::Finished, "n1");
    site.clear();
    site.run();
    assert!(site.world.part.contains(&there));
    assert_eq!(site.current("app", "n1"), 8);
    assert!(site.cluster.reruns.is_empty());
}

#[test]
fn a_removal_leaves_no_notes_behind() {
    let mut site = finished();
    site.rerun("app", "head", &[Stage::PostClients]);
    site.ask("app lib", GONE, EVERYWHERE);
    site.run();
    assert!(site.cluster.assignments.is_empty());
    assert!(site.cluster.images_seen.is_empty());
    assert!(site.cluster.reruns.is_empty());
}

#[test]
fn removed_and_requested_again_it_goes_through_every_stage() {
    let mut site = finished();
    let first = {
        let mut fresh = finished();
        fresh.ask("lib app", GONE, EVERYWHERE);
        fresh.run();
        fresh.ask("lib app", Stage::Finished, EVERYWHERE);
        fresh.run()
    };
    site.ask("lib app", GONE, EVERYWHERE);
    site.run();
    let mut new = Site::new().image("compute").client("n1").package("lib", &[]).package("app", &["lib"]);
    new.ask("lib app", Stage::Finished, EVERYWHERE);
    assert_eq!(first, new.run());
}
