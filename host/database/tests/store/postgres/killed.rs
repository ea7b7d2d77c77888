//! A server that is killed: whatever its settings let it forget, what was written through us is there.

use opkg_database::Location;
use opkg_oda::{Change, CommandRecord, PackageState, Stage, TargetId};
use opkg_tests::postgres::{OwnServer, has_server};

use crate::common::{self, state_key};

/// It writes its log only when it has to, and answers commits before.
const FORGETFUL: &str = "synchronous_commit = off\nwal_writer_delay = 10s\n";

#[test]
fn what_is_committed_outlasts_a_server_that_need_not_keep_it() {
    if !has_server() {
        return;
    }
    let Some(server) = OwnServer::start_with(FORGETFUL) else { return };
    server.sql("postgres", "CREATE DATABASE kept");
    let location = Location::parse(server.address("kept").as_ref()).unwrap();
    location.create_with(&common::sample_cluster()).unwrap();
    let crash = || {
        server.kill();
        server.start();
        location.open().unwrap()
    };
    let key = state_key(1, 1);
    let mut store = crash();
    assert_eq!(store.load().unwrap().targets.len(), 3, "what was made");
    store.update(&mut |_| vec![Change::Request { key, stage: Stage::Finished, requested_at: 1 }]).unwrap();
    store = crash();
    assert!(store.load_state(key).unwrap().is_some(), "what was asked for");
    for attempts in 1..=5 {
        let held = store.lock(&[TargetId(1)]).unwrap().unwrap();
        let run = store.start_run(&common::sample_run()).unwrap();
        let row = PackageState { attempts, ..PackageState::new(Stage::Finished, 1) };
        let event = Change::StartEvent(Box::new(common::sample_event(run, 1)));
        store.commit(&[Change::UpdateState(key, row), event]).unwrap();
        std::mem::forget(held);
        store = crash();
        assert_eq!(store.load_state(key).unwrap().unwrap().attempts, attempts);
        assert_eq!(store.runs(9).unwrap().len(), usize::try_from(attempts).unwrap());
        server.sql("kept", "DELETE FROM opm.engine");
    }
    store.record_as(CommandRecord { who: "ada".into(), ..common::sample_command() });
    store.update(&mut |_| vec![Change::SetPhase(opkg_oda::Phase::TestInstall)]).unwrap();
    store = crash();
    assert_eq!(store.commands(9).unwrap().len(), 1);
}

/// That the test above can see anything: what is written beside us gets lost.
#[test]
fn such_a_server_forgets_what_others_write() {
    if !has_server() {
        return;
    }
    let Some(server) = OwnServer::start_with(FORGETFUL) else { return };
    server.sql("postgres", "CREATE TABLE forgotten (n int)");
    server.sql("postgres", "CHECKPOINT");
    // Not each time: its log may be written just then.
    let is_forgotten = (1..=10).any(|attempt| {
        server.sql("postgres", "INSERT INTO forgotten VALUES (1)");
        server.kill();
        server.start();
        server.sql("postgres", "SELECT count(*) FROM forgotten").trim() != attempt.to_string()
    });
    assert!(is_forgotten);
}
