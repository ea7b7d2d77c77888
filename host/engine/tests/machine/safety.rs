//! Section 4: what is committed when. That it is written before anything happens, and that nothing moves without
//! its work, is looked at in every commit of every test here (see `invariants`).

use opkg_engine::machine::{FinishedStep, StageMachine, Step, StepFailure, WorkItem};
use opkg_oda::{PackageState, Stage, WorkState};

use crate::fake_world::Fault;
use crate::fixture::Fixture;

fn two_packages() -> Fixture {
    Fixture::new().package("a", &[]).package("b", &[]).with_request("a b", Stage::Finished, "head")
}

fn next_step(machine: &mut StageMachine) -> Step {
    match machine.next_work() {
        Some(WorkItem::Step(step)) => step,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_row_found_running_takes_the_same_stage_again() {
    let mut fixture = two_packages();
    let mut machine = fixture.machine();
    let step = next_step(&mut machine);
    fixture.begin(&mut machine, &step);
    fixture.world.perform(&fixture.cluster.clone(), &step);
    drop(machine);
    assert_eq!(fixture.row("a", "head").work_state, WorkState::Running);
    assert_eq!(fixture.machine().next_work(), Some(WorkItem::Step(step)));
    fixture.run();
    assert_eq!(fixture.current("a", "head"), 8);
}

#[test]
fn a_row_found_running_with_nothing_to_do_any_more_is_idle_again() {
    let mut fixture = two_packages();
    let mut machine = fixture.machine();
    let step = next_step(&mut machine);
    fixture.begin(&mut machine, &step);
    fixture.cluster.phase = opkg_oda::Phase::SetupWizard;
    let mut waiting = fixture.clone();
    let key = waiting.key("a", "head");
    let row = PackageState { current: Stage::RunConfigurator, ..waiting.row("a", "head").clone() };
    waiting.world.installed_api.insert(key);
    waiting.cluster.apply(&opkg_oda::Change::UpdateState(key, row));
    waiting.run();
    let row = waiting.row("a", "head");
    assert_eq!((row.work_state, row.current, row.attempts), (WorkState::Idle, Stage::RunConfigurator, 1));
}

#[test]
fn a_failure_leaves_current_where_it_was() {
    let mut fixture = two_packages();
    fixture.world.fail_always("api-post-configure a");
    fixture.run();
    let row = fixture.row("a", "head");
    assert_eq!((row.current, row.work_state), (Stage::ShouldBeInstalled, WorkState::Failed));
    let failure = row.failure.as_ref().unwrap();
    assert_eq!((failure.stage, failure.message.as_str()), (Stage::RunConfigurator, "exit status 1"));
}

#[test]
fn a_stage_completes_with_the_last_of_its_parts() {
    let mut fixture = two_packages();
    let mut machine = fixture.machine();
    let mut seen = Vec::new();
    while let Some(work) = machine.next_work() {
        fixture.step(&mut machine, &work);
        seen.push((fixture.current("a", "head"), fixture.row("a", "head").work_state));
        if seen.len() == 4 {
            break;
        }
    }
    let (idle, running) = (WorkState::Idle, WorkState::Running);
    assert_eq!(seen, [(2, idle), (2, running), (2, running), (3, idle)]);
}

#[test]
fn attempts_count_beginnings_of_a_stage_not_of_its_parts() {
    let mut fixture = two_packages();
    fixture.world.fail_always("api-post-configure a");
    fixture.run();
    assert_eq!(fixture.row("a", "head").attempts, 1);
    fixture.clear();
    fixture.run();
    assert_eq!(fixture.row("a", "head").attempts, 2);
    fixture.world.always_failing.clear();
    fixture.clear();
    fixture.run();
    assert_eq!(fixture.row("a", "head").attempts, 0);
}

#[test]
fn a_failure_of_one_package_changes_no_row_of_another() {
    let mut fixture = two_packages();
    let mut machine = fixture.machine();
    let work = machine.next_work().unwrap();
    fixture.step(&mut machine, &work);
    fixture.world.fail_always("api-pre-configure a");
    let other = fixture.row("b", "head").clone();
    let work = machine.next_work().unwrap();
    fixture.step(&mut machine, &work);
    assert_eq!(fixture.row("a", "head").work_state, WorkState::Failed);
    assert_eq!(*fixture.row("b", "head"), other);
}

#[test]
fn work_that_was_stopped_is_no_error_and_not_tried_again_in_this_run() {
    let mut fixture = two_packages();
    fixture.world.scheduled_faults = vec![Some(Fault::Stop)];
    assert_eq!(fixture.run(), ["2 head: install a b ! stopped"]);
    assert_eq!(fixture.row("a", "head").work_state, WorkState::Idle);
    fixture.run();
    assert_eq!(fixture.current("a", "head"), 8);
}

#[test]
fn a_query_that_fails_is_not_made_again_in_this_run() {
    let mut fixture = two_packages().client("n1");
    let key = fixture.key("a", "n1");
    fixture.set_inherited(key, Stage::Finished, Stage::InstallBinPkgs);
    let mut machine = fixture.machine();
    let step = next_step(&mut machine);
    let Step::VerifyInherited(verify) = &step else { panic!("{step:?}") };
    let failure = StepFailure::Failed("exit status 1".into());
    let changes = machine.finish(&FinishedStep::VerifyInherited(verify.clone(), Err(failure)), 1);
    assert!(changes.is_empty());
    assert_ne!(machine.next_work(), Some(WorkItem::Step(step)));
}

#[test]
fn what_others_change_between_two_parts_does_not_start_the_stage_anew() {
    let mut fixture = two_packages();
    let mut machine = fixture.machine();
    for _ in 0..100 {
        let Some(work) = machine.next_work() else { break };
        fixture.step(&mut machine, &work);
        machine.reload(fixture.cluster.clone());
    }
    assert_eq!(fixture.current("a", "head"), 8);
    let pre = crate::fake_world::PerformedStep::RanHook(opkg_engine::machine::Hook::PreConfigure, None);
    assert_eq!(fixture.world.count(fixture.key("a", "head"), pre), 1);
}

#[test]
fn a_stage_that_is_queued_again_while_it_runs_starts_anew() {
    let mut fixture = two_packages();
    let mut machine = fixture.machine();
    for _ in 0..3 {
        let work = machine.next_work().unwrap();
        fixture.step(&mut machine, &work);
    }
    assert_eq!(fixture.row("a", "head").work_state, WorkState::Running);
    fixture.rerun("a", "head", &[Stage::RunConfigurator]);
    machine.reload(fixture.cluster.clone());
    fixture.run_until_idle(&mut machine);
    let pre = crate::fake_world::PerformedStep::RanHook(opkg_engine::machine::Hook::PreConfigure, None);
    assert_eq!(fixture.world.count(fixture.key("a", "head"), pre), 2);
}
