//! Section 4: what is committed when. That it is written before anything happens, and that nothing moves without
//! its work, is looked at in every commit of every test here (see `witness`).

use opkg_oda::{Row, Stage, State};
use opkg_opm::machine::Outcome;

use crate::site::Site;
use crate::world::Mishap;

fn one() -> Site {
    Site::new().package("a", &[]).package("b", &[]).asked("a b", Stage::Finished, "head")
}

#[test]
fn a_row_found_running_takes_the_same_stage_again() {
    let mut site = one();
    let mut machine = site.machine();
    let work = machine.next().unwrap();
    let begun = machine.begin(&work, 1);
    site.commit(&begun);
    site.world.perform(&site.cluster.clone(), &work);
    drop(machine);
    assert_eq!(site.row("a", "head").state, State::Running);
    assert_eq!(site.machine().next(), Some(work));
    site.run();
    assert_eq!(site.current("a", "head"), 8);
}

#[test]
fn a_row_found_running_with_nothing_to_do_any_more_is_idle_again() {
    let mut site = one();
    let mut machine = site.machine();
    let work = machine.next().unwrap();
    let begun = machine.begin(&work, 1);
    site.commit(&begun);
    site.cluster.phase = opkg_oda::Phase::SetupWizard;
    let mut waiting = site.clone();
    let key = waiting.key("a", "head");
    let row = Row { current: Stage::RunConfigurator, ..waiting.row("a", "head").clone() };
    waiting.world.api.insert(key);
    waiting.cluster.apply(&opkg_oda::Change::Progress(key, row));
    waiting.run();
    let row = waiting.row("a", "head");
    assert_eq!((row.state, row.current, row.attempts), (State::Idle, Stage::RunConfigurator, 1));
}

#[test]
fn a_failure_leaves_current_where_it_was() {
    let mut site = one();
    site.world.breaks("api-post-configure a");
    site.run();
    let row = site.row("a", "head");
    assert_eq!((row.current, row.state), (Stage::ShouldBeInstalled, State::Error));
    let failure = row.failure.as_ref().unwrap();
    assert_eq!((failure.stage, failure.message.as_str()), (Stage::RunConfigurator, "exit status 1"));
}

#[test]
fn a_stage_completes_with_the_last_of_its_parts() {
    let mut site = one();
    let mut machine = site.machine();
    let mut seen = Vec::new();
    while let Some(work) = machine.next() {
        site.step(&mut machine, &work);
        seen.push((site.current("a", "head"), site.row("a", "head").state));
        if seen.len() == 4 {
            break;
        }
    }
    let (idle, running) = (State::Idle, State::Running);
    assert_eq!(seen, [(2, idle), (2, running), (2, running), (3, idle)]);
}

#[test]
fn attempts_count_beginnings_of_a_stage_not_of_its_parts() {
    let mut site = one();
    site.world.breaks("api-post-configure a");
    site.run();
    assert_eq!(site.row("a", "head").attempts, 1);
    site.clear();
    site.run();
    assert_eq!(site.row("a", "head").attempts, 2);
    site.world.broken.clear();
    site.clear();
    site.run();
    assert_eq!(site.row("a", "head").attempts, 0);
}

#[test]
fn a_failure_of_one_package_changes_no_row_of_another() {
    let mut site = one();
    let mut machine = site.machine();
    let work = machine.next().unwrap();
    site.step(&mut machine, &work);
    site.world.breaks("api-pre-configure a");
    let other = site.row("b", "head").clone();
    let work = machine.next().unwrap();
    site.step(&mut machine, &work);
    assert_eq!(site.row("a", "head").state, State::Error);
    assert_eq!(*site.row("b", "head"), other);
}

#[test]
fn work_that_was_stopped_is_no_error_and_not_tried_again_in_this_run() {
    let mut site = one();
    site.world.mishaps = vec![Some(Mishap::Stops)];
    assert_eq!(site.run(), ["2 head: install a b ! stopped"]);
    assert_eq!(site.row("a", "head").state, State::Idle);
    site.run();
    assert_eq!(site.current("a", "head"), 8);
}

#[test]
fn an_answer_that_fits_no_question_ends_all_the_same() {
    let mut site = one().client("n1");
    let key = site.key("a", "n1");
    site.inherits(key, Stage::Finished, Stage::InstallBinPkgs);
    let mut machine = site.machine();
    let work = machine.next().unwrap();
    assert!(matches!(work, opkg_opm::machine::Work::Confirm { .. }));
    machine.finish(&work, &Outcome::Done, 1);
    assert_ne!(machine.next(), Some(work));
}

#[test]
fn what_others_change_between_two_parts_does_not_start_the_stage_anew() {
    let mut site = one();
    let mut machine = site.machine();
    for _ in 0..100 {
        let Some(work) = machine.next() else { break };
        site.step(&mut machine, &work);
        machine.renew(site.cluster.clone());
    }
    assert_eq!(site.current("a", "head"), 8);
    let pre = crate::world::Deed::Ran(opkg_opm::machine::Hook::PreConfigure, None);
    assert_eq!(site.world.times(site.key("a", "head"), pre), 1);
}

#[test]
fn a_stage_that_is_queued_again_while_it_runs_starts_anew() {
    let mut site = one();
    let mut machine = site.machine();
    for _ in 0..3 {
        let work = machine.next().unwrap();
        site.step(&mut machine, &work);
    }
    assert_eq!(site.row("a", "head").state, State::Running);
    site.rerun("a", "head", &[Stage::RunConfigurator]);
    machine.renew(site.cluster.clone());
    site.go_on(&mut machine);
    let pre = crate::world::Deed::Ran(opkg_opm::machine::Hook::PreConfigure, None);
    assert_eq!(site.world.times(site.key("a", "head"), pre), 2);
}
