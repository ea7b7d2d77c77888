//! The faults of the first implementation that a machine can have: they must not come back.

use opkg_engine::machine::Hook;
use opkg_oda::{Phase, Stage, WorkState};

use crate::fake_world::PerformedStep;
use crate::fixture::Fixture;

fn fixture() -> Fixture {
    Fixture::new().image("compute").client("n1").package("a", &[])
}

#[test]
fn a_hook_that_succeeded_does_not_run_for_ever() {
    let mut fixture = fixture().with_request("a", Stage::Finished, "head compute n1");
    for _ in 0..3 {
        fixture.run();
    }
    let image = Some(fixture.target_id("compute"));
    for (hook, image) in Hook::ALL.map(|it| (it, image.filter(|_| it == Hook::PostImage))) {
        assert_eq!(
            fixture.world.count(fixture.key("a", "head"), PerformedStep::RanHook(hook, image)),
            1,
            "{hook:?}"
        );
    }
}

#[test]
fn gates_are_used() {
    let mut fixture =
        fixture().phase(Phase::SetupWizard).with_request("a", Stage::Finished, "head compute n1");
    assert!(fixture.run().iter().all(|it| it.starts_with(['2', '3'])));
    assert!(fixture.world.installed_parts.is_empty());
}

#[test]
fn the_configurator_runs_between_its_hooks() {
    let mut fixture = fixture().with_request("a", Stage::RunConfigurator, "head");
    fixture.run();
    let steps: Vec<PerformedStep> = fixture.world.history.iter().map(|it| it.1).collect();
    let (pre, post) =
        (PerformedStep::RanHook(Hook::PreConfigure, None), PerformedStep::RanHook(Hook::PostConfigure, None));
    assert_eq!(steps, [PerformedStep::InstalledApi, pre, PerformedStep::Configured, post]);
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
        let mut fixture = fixture().with_request("a", Stage::Finished, "head compute");
        fixture.world.fail_always(broken);
        let trace = fixture.run();
        assert!(trace.iter().any(|it| it.contains('!')), "{broken}");
        let (failed, current) = {
            let row = fixture.row("a", "head");
            assert_eq!(row.work_state, WorkState::Failed, "{broken}");
            (row.failure.as_ref().unwrap().stage, row.current)
        };
        assert_eq!(current.next(), Some(failed), "{broken}");
        fixture.world.always_failing.clear();
        fixture.clear();
        assert!(fixture.run().iter().any(|it| it.ends_with(broken)), "{broken}");
        assert_eq!(fixture.current("a", "head"), 8);
    }
}

#[test]
fn a_request_between_two_stages_ends_exactly_there() {
    for stage in Stage::ALL {
        let mut fixture = fixture().with_request("a", stage, "head compute");
        fixture.run();
        assert_eq!(fixture.row("a", "head").current, stage);
        assert_eq!(fixture.row("a", "compute").current, stage);
        assert_eq!(fixture.run(), Vec::<String>::new());
    }
}

#[test]
fn a_removal_request_removes() {
    let everywhere = "head compute n1";
    let mut fixture = fixture().with_request("a", Stage::Finished, everywhere);
    fixture.run();
    assert_eq!(fixture.world.installed_parts.len(), 3);
    fixture.request("a", Stage::ShouldNotBeInstalled, everywhere);
    fixture.run();
    assert!(fixture.world.installed_parts.is_empty() && fixture.world.installed_api.is_empty());
    for target in everywhere.split(' ') {
        assert_eq!(fixture.current("a", target), 1);
    }
}
