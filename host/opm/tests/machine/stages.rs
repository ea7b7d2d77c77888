//! Section 2: the stages, what they do where, and their gates.

use opkg_oda::{Class, Phase, Stage};
use opkg_opm::machine::{Verdict, Wait};

use crate::site::Site;

fn whole() -> Site {
    Site::new().image("compute").client("n1").package("a", &[])
}

#[test]
fn the_server_goes_through_all_stages() {
    let mut site = Site::new().package("a", &[]).asked("a", Stage::Finished, "head");
    insta::assert_snapshot!(site.run().join("\n"), @r"
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
    assert_eq!(site.current("a", "head"), 8);
}

#[test]
fn on_an_image_only_the_client_part_is_work() {
    let mut site = whole().asked("a", Stage::Finished, "compute");
    insta::assert_snapshot!(site.run().join("\n"), @r"
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
    let mut site = whole().asked("a", Stage::Finished, "n1");
    assert_eq!(site.run(), Vec::<String>::new());
    assert_eq!(site.verdict("a", "n1"), Verdict::Waits(Wait::HandOver));

    site.ask("a", Stage::PostImage, "head");
    site.run();
    assert_eq!((site.current("a", "head"), site.current("a", "n1")), (5, 1));

    site.ask("a", Stage::PostClients, "head");
    insta::assert_snapshot!(site.run().join("\n"), @r"
    6 head: api-post-clientdef a
    2 n1: mark a
    3 n1: mark a
    4 n1: install a
    5 n1: mark a
    6 n1: mark a
    7 n1: mark a
    8 n1: mark a
    ");
    assert!(site.cluster.handed_over(site.key("a", "n1")));
}

#[test]
fn the_hand_over_requests_the_package_where_it_was_only_assigned() {
    let mut site =
        whole().asked("a", Stage::Finished, "head n1").asked("a", Stage::ShouldNotBeInstalled, "n1");
    site.run();
    assert_eq!(site.row("a", "n1").requested, Stage::Finished);
    assert_eq!(site.current("a", "n1"), 8);
}

#[test]
fn a_client_that_was_not_assigned_gets_nothing() {
    let mut site = whole().client("n2").asked("a", Stage::Finished, "head n1");
    site.run();
    assert_eq!(site.cluster.row(site.key("a", "n2")), None);
}

#[test]
fn every_gate_holds_until_its_phase_and_not_longer() {
    let mut site = whole().phase(Phase::SetupWizard).asked("a", Stage::Finished, "head compute n1");
    for (phase, head, image, client) in [
        (Phase::SetupWizard, 3, 3, 1),
        (Phase::InstallServer, 3, 3, 1),
        (Phase::BuildImage, 4, 4, 1),
        (Phase::AddClients, 5, 5, 1),
        (Phase::Netboot, 5, 5, 1),
        (Phase::PostInstall, 6, 6, 8),
        (Phase::TestInstall, 8, 8, 8),
    ] {
        site = site.phase(phase);
        site.run();
        let now = (site.current("a", "head"), site.current("a", "compute"), site.current("a", "n1"));
        assert_eq!(now, (head, image, client), "{phase}");
    }
}

#[test]
fn a_stage_whose_phase_is_not_reached_waits_and_is_no_error() {
    let mut site = whole().phase(Phase::SetupWizard).asked("a", Stage::Finished, "head");
    site.run();
    assert_eq!(site.verdict("a", "head"), Verdict::Waits(Wait::Phase(Phase::BuildImage)));
    assert_eq!(site.run(), Vec::<String>::new());
}

#[test]
fn clients_are_exempt_from_the_gates_above_build_image() {
    let mut site = whole().asked("a", Stage::Finished, "head");
    site.run();
    site = site.phase(Phase::BuildImage).asked("a", Stage::Finished, "n1");
    let (package, client) = (site.of("a"), site.at("n1"));
    site.cluster.apply(&opkg_oda::Change::Assign { package, client, handed_over: Some(1) });
    site.run();
    assert_eq!(site.current("a", "n1"), 8);
    let mut early = site.clone().phase(Phase::InstallServer);
    early.rerun("a", "n1", &[Stage::InstallBinPkgs]);
    assert_eq!(early.verdict("a", "n1"), Verdict::Waits(Wait::Phase(Phase::BuildImage)));
}

#[test]
fn post_image_runs_once_per_image_that_has_the_package() {
    let mut site = whole().image("login").image("other").asked("a", Stage::PostImage, "head compute login");
    let trace = site.run();
    let hooks: Vec<_> = trace.iter().filter(|it| it.contains("api-post-image")).collect();
    assert_eq!(hooks, ["5 head: api-post-image compute a", "5 head: api-post-image login a"]);
    assert_eq!(site.run(), Vec::<String>::new());
}

#[test]
fn a_failure_for_one_image_repeats_that_image_alone() {
    let mut site = whole().image("login").asked("a", Stage::PostImage, "head compute login");
    site.world.breaks("api-post-image login a");
    site.run();
    assert_eq!(site.current("a", "head"), 4);
    site.world.broken.clear();
    site.clear();
    assert_eq!(site.run(), ["5 head: api-post-image login a", "5 head: mark a"]);
}

#[test]
fn the_configurator_waits_for_answers_and_then_goes_on() {
    use crate::world::Mishap;
    let mut site = whole().package("b", &[]).asked("a b", Stage::InstallBinPkgs, "head");
    // From the last to the first: the configurator of `a` is the third piece of work.
    site.world.mishaps = vec![Some(Mishap::Waits), None, None];
    site.run();
    assert_eq!(site.verdict("a", "head"), Verdict::Waits(Wait::Configuration("the port".into())));
    assert_eq!((site.current("a", "head"), site.current("b", "head")), (2, 4));
    assert_eq!(site.run(), Vec::<String>::new(), "nobody is asked again in every run");

    let answered = opkg_oda::Package { awaits: None, ..site.cluster.packages[&site.of("a")].clone() };
    site.cluster.apply(&opkg_oda::Change::Package(answered));
    site.run();
    assert_eq!(site.current("a", "head"), 4);
}

#[test]
fn core_comes_first_whatever_its_name() {
    let mut site = Site::new().package("a", &[]).package_of("z", Class::Core, &[]).asked(
        "a z",
        Stage::ShouldBeInstalled,
        "head",
    );
    assert_eq!(site.run(), ["2 head: install z a"]);
}
