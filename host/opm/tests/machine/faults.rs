//! The faults of the first implementation that a machine can have: they must not come back.

use opkg_oda::{Phase, Stage, State};
use opkg_opm::machine::Hook;

use crate::site::Site;
use crate::world::Deed;

fn site() -> Site {
    Site::new().image("compute").client("n1").package("a", &[])
}

#[test]
fn a_hook_that_succeeded_does_not_run_for_ever() {
    let mut site = site().asked("a", Stage::Finished, "head compute n1");
    for _ in 0..3 {
        site.run();
    }
    let image = Some(site.at("compute"));
    for (hook, image) in Hook::ALL.map(|it| (it, image.filter(|_| it == Hook::PostImage))) {
        assert_eq!(site.world.times(site.key("a", "head"), Deed::Ran(hook, image)), 1, "{hook:?}");
    }
}

#[test]
fn gates_are_used() {
    let mut site = site().phase(Phase::SetupWizard).asked("a", Stage::Finished, "head compute n1");
    assert!(site.run().iter().all(|it| it.starts_with(['2', '3'])));
    assert!(site.world.part.is_empty());
}

#[test]
fn the_configurator_runs_between_its_hooks() {
    let mut site = site().asked("a", Stage::RunConfigurator, "head");
    site.run();
    let deeds: Vec<Deed> = site.world.done.iter().map(|it| it.1).collect();
    let (pre, post) = (Deed::Ran(Hook::PreConfigure, None), Deed::Ran(Hook::PostConfigure, None));
    assert_eq!(deeds, [Deed::Api, pre, Deed::Configured, post]);
}

#[test]
fn an_error_is_no_progress_so_clearing_it_repeats_the_failed_stage() {
    for broken in [
        "install a",
        "api-pre-configure a",
        "configure a",
        "api-post-configure a",
        "api-post-image compute a",
        "api-post-clientdef a",
        "api-post-deploy a",
    ] {
        let mut site = site().asked("a", Stage::Finished, "head compute");
        site.world.breaks(broken);
        let trace = site.run();
        assert!(trace.iter().any(|it| it.contains('!')), "{broken}");
        let (failed, current) = {
            let row = site.row("a", "head");
            assert_eq!(row.state, State::Error, "{broken}");
            (row.failure.as_ref().unwrap().stage, row.current)
        };
        assert_eq!(current.next(), Some(failed), "{broken}");
        site.world.broken.clear();
        site.clear();
        assert!(site.run().iter().any(|it| it.ends_with(broken)), "{broken}");
        assert_eq!(site.current("a", "head"), 8);
    }
}

#[test]
fn a_request_between_two_stages_ends_exactly_there() {
    for stage in Stage::ALL {
        let mut site = site().asked("a", stage, "head compute");
        site.run();
        assert_eq!(site.row("a", "head").current, stage);
        assert_eq!(site.row("a", "compute").current, stage);
        assert_eq!(site.run(), Vec::<String>::new());
    }
}

#[test]
fn a_removal_request_removes() {
    let everywhere = "head compute n1";
    let mut site = site().asked("a", Stage::Finished, everywhere);
    site.run();
    assert_eq!(site.world.part.len(), 3);
    site.ask("a", Stage::ShouldNotBeInstalled, everywhere);
    site.run();
    assert!(site.world.part.is_empty() && site.world.api.is_empty());
    for target in everywhere.split(' ') {
        assert_eq!(site.current("a", target), 1);
    }
}
