//! Section 2: the stages, what they do where, and their gates.

use opkg_engine::machine::{BlockReason, Decision};
use opkg_oda::{Change, PackageClass, Phase, Stage};

use crate::fixture::Fixture;

fn full_cluster() -> Fixture {
    Fixture::new().image("compute").client("n1").package("a", &[])
}

#[test]
fn the_server_goes_through_all_stages() {
    let mut fixture = Fixture::new().package("a", &[]).with_request("a", Stage::Finished, "head");
    insta::assert_snapshot!(fixture.run().join("\n"), @r"
    2 head: install a
    3 head: api-pre-configure a
    3 head: configure a
    3 head: api-post-configure a
    4 head: install a
    5 head: mark a
    6 head: api-post-clientdef a
    7 head: api-post-deploy a
    8 head: mark a
    ");
    assert_eq!(fixture.current("a", "head"), 8);
}

#[test]
fn on_an_image_only_the_client_part_is_work() {
    let mut fixture = full_cluster().with_request("a", Stage::Finished, "compute");
    insta::assert_snapshot!(fixture.run().join("\n"), @r"
    2 compute: mark a
    3 compute: mark a
    4 compute: install a
    5 compute: mark a
    6 compute: mark a
    7 compute: mark a
    8 compute: mark a
    ");
}

#[test]
fn a_client_waits_for_the_hand_over_of_stage_6() {
    let mut fixture = full_cluster().with_request("a", Stage::Finished, "n1");
    assert_eq!(fixture.run(), Vec::<String>::new());
    assert_eq!(fixture.decision("a", "n1"), Decision::Waiting(BlockReason::HandOver));

    fixture.request("a", Stage::PostImage, "head");
    fixture.run();
    assert_eq!((fixture.current("a", "head"), fixture.current("a", "n1")), (5, 1));

    fixture.request("a", Stage::PostClients, "head");
    insta::assert_snapshot!(fixture.run().join("\n"), @r"
    6 head: api-post-clientdef a
    2 n1: mark a
    3 n1: mark a
    4 n1: install a
    5 n1: mark a
    6 n1: mark a
    7 n1: mark a
    8 n1: mark a
    ");
    assert!(fixture.cluster.is_handed_over(fixture.key("a", "n1")));
}

#[test]
fn the_hand_over_requests_the_package_where_it_was_only_assigned() {
    let mut fixture = full_cluster().with_request("a", Stage::Finished, "head n1").with_request(
        "a",
        Stage::ShouldNotBeInstalled,
        "n1",
    );
    fixture.run();
    assert_eq!(fixture.row("a", "n1").requested, Stage::Finished);
    assert_eq!(fixture.current("a", "n1"), 8);
}

#[test]
fn a_client_that_was_not_assigned_gets_nothing() {
    let mut fixture = full_cluster().client("n2").with_request("a", Stage::Finished, "head n1");
    fixture.run();
    assert_eq!(fixture.cluster.state(fixture.key("a", "n2")), None);
}

#[test]
fn every_gate_holds_until_its_phase_and_not_longer() {
    let mut fixture =
        full_cluster().phase(Phase::SetupWizard).with_request("a", Stage::Finished, "head compute n1");
    for (phase, head, image, client) in [
        (Phase::SetupWizard, 3, 3, 1),
        (Phase::InstallServer, 3, 3, 1),
        (Phase::BuildImage, 4, 4, 1),
        (Phase::AddClients, 5, 5, 1),
        (Phase::Netboot, 5, 5, 1),
        (Phase::PostInstall, 6, 6, 8),
        (Phase::TestInstall, 8, 8, 8),
    ] {
        fixture = fixture.phase(phase);
        fixture.run();
        let now = (fixture.current("a", "head"), fixture.current("a", "compute"), fixture.current("a", "n1"));
        assert_eq!(now, (head, image, client), "{phase}");
    }
}

#[test]
fn a_stage_whose_phase_is_not_reached_waits_and_is_no_error() {
    let mut fixture = full_cluster().phase(Phase::SetupWizard).with_request("a", Stage::Finished, "head");
    fixture.run();
    assert_eq!(fixture.decision("a", "head"), Decision::Waiting(BlockReason::Phase(Phase::BuildImage)));
    assert_eq!(fixture.run(), Vec::<String>::new());
}

#[test]
fn clients_are_exempt_from_the_gates_above_build_image() {
    let mut fixture = full_cluster().with_request("a", Stage::Finished, "head");
    fixture.run();
    fixture = fixture.phase(Phase::BuildImage).with_request("a", Stage::Finished, "n1");
    let (package, client) = (fixture.package_id("a"), fixture.target_id("n1"));
    fixture.cluster.apply(&opkg_oda::Change::Assign { package, client, handed_over_at: Some(1) });
    fixture.run();
    assert_eq!(fixture.current("a", "n1"), 8);
    let mut early = fixture.clone().phase(Phase::InstallServer);
    early.rerun("a", "n1", &[Stage::InstallBinPkgs]);
    assert_eq!(early.decision("a", "n1"), Decision::Waiting(BlockReason::Phase(Phase::BuildImage)));
}

#[test]
fn post_image_runs_once_per_image_that_has_the_package() {
    let mut fixture = full_cluster().image("login").image("other").with_request(
        "a",
        Stage::PostImage,
        "head compute login",
    );
    let trace = fixture.run();
    let hooks: Vec<_> = trace.iter().filter(|it| it.contains("api-post-image")).collect();
    assert_eq!(hooks, ["5 head: api-post-image compute a", "5 head: api-post-image login a"]);
    assert_eq!(fixture.run(), Vec::<String>::new());
}

#[test]
fn a_failure_for_one_image_repeats_that_image_alone() {
    let mut fixture = full_cluster().image("login").with_request("a", Stage::PostImage, "head compute login");
    fixture.world.fail_always("api-post-image login a");
    fixture.run();
    assert_eq!(fixture.current("a", "head"), 4);
    fixture.world.always_failing.clear();
    fixture.clear();
    assert_eq!(fixture.run(), ["5 head: api-post-image login a", "5 head: mark a"]);
}

#[test]
fn the_configurator_waits_for_answers_and_then_goes_on() {
    use crate::fake_world::Fault;
    let mut fixture = full_cluster().package("b", &[]).with_request("a b", Stage::InstallBinPkgs, "head");
    // From the last to the first: the configurator of `a` is the third piece of work.
    fixture.world.scheduled_faults = vec![Some(Fault::ActionRequired), None, None];
    fixture.run();
    assert_eq!(
        fixture.decision("a", "head"),
        Decision::Waiting(BlockReason::Configuration("the port".into()))
    );
    assert_eq!((fixture.current("a", "head"), fixture.current("b", "head")), (2, 4));
    assert_eq!(fixture.run(), Vec::<String>::new(), "nobody is asked again in every run");

    let answered =
        opkg_oda::Package { waiting_for: None, ..fixture.cluster.packages[&fixture.package_id("a")].clone() };
    fixture.cluster.apply(&opkg_oda::Change::PutPackage(answered));
    fixture.run();
    assert_eq!(fixture.current("a", "head"), 4);
}

#[test]
fn core_comes_first_whatever_its_name() {
    let mut fixture = Fixture::new()
        .package("a", &[])
        .package_with_class("z", PackageClass::Core, &[])
        .with_request("a z", Stage::ShouldBeInstalled, "head");
    assert_eq!(fixture.run(), ["2 head: install z a"]);
}

#[test]
fn nothing_is_begun_on_a_target_in_maintenance() {
    let mut fixture = Fixture::new()
        .image("compute")
        .package("a", &[])
        .phase(Phase::TestInstall)
        .with_request("a", Stage::Finished, "head compute");
    let (head, image) = (fixture.target_id("head"), fixture.target_id("compute"));
    let absence = |kind| {
        let (reason, who) = ("a new fan".to_owned(), "ada".to_owned());
        Some(opkg_oda::Absence { kind, reason, since: 1, until: None, who })
    };
    let set =
        |fixture: &mut Fixture, target, absence| fixture.commit(&[Change::SetAbsence { target, absence }]);
    set(&mut fixture, head, absence(opkg_oda::AbsenceKind::Maintenance));
    set(&mut fixture, image, absence(opkg_oda::AbsenceKind::Maintenance));
    assert!(fixture.run().is_empty());
    assert_eq!(fixture.decision("a", "head"), Decision::Waiting(BlockReason::Maintenance));
    // The head node goes on up to the step that is about the image.
    set(&mut fixture, head, None);
    fixture.run();
    assert_eq!(fixture.current("a", "compute"), 1);
    // Who is offline, and yet at work, is not kept from it.
    set(&mut fixture, image, absence(opkg_oda::AbsenceKind::Offline));
    fixture.run();
    assert_eq!(fixture.current("a", "compute"), Stage::Finished.id());
}
