//! Section 7: removal.

use opkg_engine::machine::{
    BlockReason, Decision, FailureReasons, FinishedStep, Remove, RemoveFailure, RemoveOutcome, Step,
    StepFailure, StepStatus, WorkItem,
};
use opkg_oda::{PackageId, Stage, StateKey, WorkState};

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
    2 n1: remove app lib
    2 compute: remove app lib
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

/// Packages that are finished on an image: `app` needs `lib`, `lib` needs `base`, `tool` and `view` need nothing.
fn five_on_an_image() -> Fixture {
    let mut fixture = Fixture::new()
        .image("compute")
        .package("base", &[])
        .package("lib", &["base"])
        .package("app", &["lib"])
        .package("tool", &[])
        .package("view", &[])
        .with_request("base lib app tool view", Stage::Finished, "compute");
    fixture.run();
    fixture.request("base lib app tool view", NOT_INSTALLED, "compute");
    fixture
}

fn states(fixture: &Fixture, target: &str) -> String {
    let packages = fixture.cluster.packages.values().map(|package| {
        let row = fixture.row(package.name.as_str(), target);
        let failed = if row.work_state == WorkState::Failed { " failed" } else { "" };
        format!("{} {}{failed}", package.name, row.current.id())
    });
    packages.collect::<Vec<_>>().join(", ")
}

#[test]
fn what_nobody_needs_leaves_together_and_the_rest_of_the_head_node_after_it() {
    let mut fixture = Fixture::new();
    for (name, needs) in
        [("base", &[][..]), ("lib", &["base"]), ("app", &["lib"]), ("tool", &["base"]), ("view", &[])]
    {
        fixture = fixture.package(name, needs);
    }
    fixture.request("base lib app tool view", Stage::Finished, "head");
    fixture.run();
    fixture.request("base lib app tool view", NOT_INSTALLED, "head");
    insta::assert_snapshot!(fixture.run().join("\n"), @r"
    4 head: mark view tool app lib base
    2 head: remove view tool app
    1 head: remove view tool app
    2 head: remove lib
    1 head: remove lib
    2 head: remove base
    1 head: remove base
    ");
}

/// The common part of a package may need any part of another one.
#[test]
fn what_still_has_its_common_part_keeps_what_it_needs() {
    let mut fixture = Fixture::new()
        .package("lib", &[])
        .package("app", &["lib"])
        .package("view", &[])
        .with_request("app", Stage::ShouldBeInstalled, "head")
        .with_request("lib view", Stage::Finished, "head");
    fixture.run();
    fixture.request("lib app view", NOT_INSTALLED, "head");
    assert_eq!(
        fixture.run(),
        [
            "4 head: mark view lib",
            "2 head: remove view",
            "1 head: remove view app",
            "2 head: remove lib",
            "1 head: remove lib"
        ]
    );
}

#[test]
fn a_culprit_holds_what_it_needs_and_nothing_else() {
    let mut fixture = five_on_an_image();
    fixture.world.fail_always("remove app");
    insta::assert_snapshot!(fixture.run().join("\n"), @r"
    4 compute: mark view tool app lib base
    2 compute: remove view tool app lib base ! 1 failed
    1 compute: mark view tool
    ");
    assert_eq!(states(&fixture, "compute"), "base 4, lib 4, app 4 failed, tool 1, view 1");
    assert_eq!(fixture.decision("lib", "compute"), Decision::BlockedBy(fixture.package_id("app")));
    let queued: Vec<_> = fixture.cluster.reruns.keys().copied().collect();
    assert_eq!(queued, [fixture.key("app", "compute")], "nothing was done to what was held");
    assert_eq!(fixture.row("lib", "compute").attempts, 0);
    fixture.world.always_failing.clear();
    fixture.clear();
    assert_eq!(fixture.run(), ["2 compute: remove app lib base", "1 compute: mark app lib base"]);
}

#[test]
fn what_others_left_untouched_goes_one_by_one_until_the_culprit_is_found() {
    let mut fixture = five_on_an_image();
    fixture.world.scheduled_faults = vec![Some(Fault::Failure)];
    fixture.world.fail_always("remove lib");
    // The first pass is a mark, which takes no fault.
    insta::assert_snapshot!(fixture.run().join("\n"), @r"
    4 compute: mark view tool app lib base
    2 compute: remove view tool app lib base ! others failed
    2 compute: remove view
    2 compute: remove tool
    2 compute: remove app
    2 compute: remove lib ! exit status 1
    1 compute: mark view tool app
    ");
    assert_eq!(states(&fixture, "compute"), "base 4, lib 4 failed, app 1, tool 1, view 1");
}

#[test]
fn what_was_removed_before_a_stop_or_a_lock_has_left() {
    for failure in [StepFailure::Stopped, StepFailure::Postponed("a lock".into())] {
        let mut fixture = five_on_an_image();
        let mut machine = fixture.machine();
        let step = loop {
            match machine.next_work() {
                Some(WorkItem::Step(Step::Remove(remove))) => break remove,
                Some(work) => fixture.step(&mut machine, &work),
                None => panic!("nothing leaves"),
            }
        };
        fixture.begin(&mut machine, &Step::Remove(step.clone()));
        let gone: Vec<PackageId> = step.packages[..2].to_vec();
        let remaining = step.packages[2..].iter().map(|it| (*it, RemoveFailure::Own(failure.clone())));
        for package in &gone {
            let key = StateKey { target: step.target, package: *package };
            fixture.world.installed_parts.remove(&key);
        }
        let finished = FinishedStep::Remove(step.clone(), RemoveOutcome { remaining: remaining.collect() });
        assert_eq!(finished.status(), StepStatus::of::<()>(&Err(failure)));
        let changes = machine.finish(&finished, fixture.now);
        fixture.commit(&changes);
        assert_eq!(states(&fixture, "compute"), "base 4, lib 4, app 4, tool 2, view 2");
        fixture.run_until_idle(&mut machine);
        assert_eq!(states(&fixture, "compute"), "base 4, lib 4, app 4, tool 1, view 1", "not in this run");
        fixture.run();
        assert_eq!(states(&fixture, "compute"), "base 1, lib 1, app 1, tool 1, view 1");
    }
}

#[test]
fn how_a_removal_ended_names_the_culprits_or_says_once_what_is_the_same_for_all() {
    let [one, two, three] = [1, 2, 3].map(PackageId);
    let step = Remove {
        target: Fixture::new().target_id("head"),
        packages: vec![one, two, three],
        down_to: Stage::ShouldBeInstalled,
    };
    let own = |reason: &str| RemoveFailure::Own(StepFailure::Failed(reason.into()));
    let untouched = |reason: &str| RemoveFailure::Untouched(reason.into());
    let status = |remaining: &[(PackageId, RemoveFailure)]| {
        let remaining = remaining.iter().cloned().collect();
        FinishedStep::Remove(step.clone(), RemoveOutcome { remaining }).status()
    };
    let by_package = |failures: &[(PackageId, &str)]| {
        let failures = failures.iter().map(|(package, reason)| (*package, (*reason).to_owned()));
        StepStatus::Failed(FailureReasons::ByPackage(failures.collect()))
    };
    let whole = |reason: &str| StepStatus::Failed(FailureReasons::Whole(reason.into()));
    assert_eq!(status(&[]), StepStatus::Done);
    assert_eq!(status(&[(two, own("x"))]), by_package(&[(two, "x")]));
    assert_eq!(
        status(&[(one, untouched("y")), (two, own("x")), (three, RemoveFailure::Held)]),
        by_package(&[(two, "x")]),
        "the others have nothing to say"
    );
    assert_eq!(
        status(&[(one, untouched("y")), (three, untouched("y"))]),
        by_package(&[(one, "y"), (three, "y")])
    );
    assert_eq!(status(&[one, two, three].map(|it| (it, untouched("y")))), whole("y"));
    assert_eq!(
        status(&[(one, untouched("y")), (two, untouched("y")), (three, RemoveFailure::Held)]),
        whole("y"),
        "what is held has no reason of its own"
    );
    assert_eq!(status(&[one, two, three].map(|it| (it, own("z")))), whole("z"));
    assert_eq!(
        status(&[(one, own("z")), (two, RemoveFailure::Held), (three, RemoveFailure::Held)]),
        by_package(&[(one, "z")])
    );
    assert_eq!(
        status(&[(one, own("x")), (two, RemoveFailure::Own(StepFailure::Stopped))]),
        by_package(&[(one, "x")])
    );
}
