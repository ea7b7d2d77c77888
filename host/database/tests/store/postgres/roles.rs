//! Who may do what: nodes what is about themselves, people what their rights are for; and how nodes get their credentials.

use std::collections::BTreeSet;
use std::time::Duration;

use opkg_database::access::{AccessControl, Credentials, Rights, enroll, put_in_force, renew};
use opkg_database::{Address, Database, Location};
use opkg_oda::{
    Change, CommandRecord, ConfigValue, Error, EventFilter, EventId, PackageId, PackageState, PruneOrder,
    RolloutId, RunId, RunStatus, Stage, TargetAddress, TargetId, TargetKind, ValueOrigin, WaveState,
    WorkState,
};

use crate::common::{self, Backend, Scratch, state_key};

/// A cluster whose database belongs to a role that is no superuser, as at sites: a head node 1, an image 2 with the client
/// 3, and a client 4. The clients have the package 1, which needs 2; the client 4 the package 3 as well.
pub(super) struct Cluster {
    pub(super) scratch: Scratch,
}

impl Cluster {
    pub(super) fn new() -> Option<Self> {
        if !Backend::Postgres.is_there() {
            return None;
        }
        let scratch = Backend::Postgres.scratch();
        let name = scratch.server().name();
        scratch.sql(&format!(
            "CREATE ROLE {name}_owner LOGIN CREATEROLE; ALTER DATABASE {name} OWNER TO {name}_owner;
            CREATE ROLE {name}_vera LOGIN; CREATE ROLE {name}_otto LOGIN; CREATE ROLE {name}_ada LOGIN"
        ));
        let cluster = Self { scratch };
        let mut store = cluster.location("owner").create_with(&[]).unwrap();
        store.commit(&common::sample_cluster()).unwrap();
        let mut other = common::target(4, TargetKind::Client);
        other.image = None;
        let request = |target: i64, package: i64| Change::Request {
            key: state_key(target, package),
            stage: Stage::Finished,
            requested_at: 1,
        };
        let secret = |package: i64| Change::SetValues {
            package: PackageId(package),
            image: None,
            values: vec![ConfigValue {
                name: "key".into(),
                value: "s3cr3t".into(),
                origin: ValueOrigin::Administrator,
            }],
            expected: None,
        };
        store
            .commit(&[
                Change::PutTarget(other),
                Change::PutPackage(common::package(3, &[1])),
                request(3, 1),
                request(3, 2),
                request(4, 1),
                request(4, 3),
                Change::Assign { package: PackageId(1), client: TargetId(3), handed_over_at: Some(1) },
                Change::SetRootId { target: TargetId(4), id: Some("root of 4".into()) },
                secret(1),
                secret(3),
            ])
            .unwrap();
        let mut access = cluster.access("owner");
        access.set_up().unwrap();
        // As a migration does again.
        cluster.sql("owner", "SELECT opm.set_up_roles()").unwrap();
        for (person, rights) in
            [("vera", Rights::Viewer), ("otto", Rights::Operator), ("ada", Rights::Administrator)]
        {
            access.grant(&cluster.role(person), Some(rights)).unwrap();
        }
        Some(cluster)
    }

    /// The name of a role on the server.
    pub(super) fn role(&self, suffix: &str) -> String {
        format!("{}_{suffix}", self.scratch.server().name())
    }

    pub(super) fn address(&self, suffix: &str) -> Address {
        Address::parse(&self.scratch.server().address_as(&self.role(suffix)), |_| None).unwrap()
    }

    fn location(&self, suffix: &str) -> Location {
        Location::parse(self.scratch.server().address_as(&self.role(suffix)).as_ref()).unwrap()
    }

    pub(super) fn open(&self, suffix: &str) -> Database {
        self.location(suffix).open().unwrap()
    }

    pub(super) fn access(&self, suffix: &str) -> AccessControl {
        AccessControl::open(self.address(suffix)).unwrap()
    }

    fn sql(&self, suffix: &str, statements: &str) -> Result<String, String> {
        self.scratch.server().try_sql(&self.role(suffix), statements)
    }

    /// Enrolls the client 3 and returns the suffix of its role.
    pub(super) fn enroll_node(&self, node: i64) -> String {
        let token =
            self.access("owner").open_window(&[TargetId(node)], Duration::from_secs(60), false).unwrap();
        let name = format!("client{node}");
        let credentials = enroll(self.address("owner"), &token, &name, "a machine").unwrap();
        assert_eq!(credentials.role, self.role(&format!("node_{node}")));
        format!("node_{node}")
    }
}

fn assert_may_not_prune(store: &mut Database) {
    let order = PruneOrder { ended_before: i64::MAX, failed_before: i64::MAX, after: None, limit: 9 };
    let step = EventId { run: RunId(1), number: 1 };
    assert!(matches!(store.prune(&order, &[step]), Err(Error::Forbidden { .. })));
    assert!(matches!(store.claim_pruning(1 << 50, 1), Err(Error::Forbidden { .. })));
}

fn targets(store: &mut Database) -> BTreeSet<i64> {
    store.load_targets().unwrap().targets.keys().map(|id| id.0).collect()
}

/// The package 1 goes out to both clients, and has not come to the client 4.
fn rollout() -> Vec<Change> {
    let (id, order) = (RolloutId(1), Box::new(common::sample_rollout()));
    let wave = |target, state| Change::SetWave { rollout: id, target: TargetId(target), state };
    vec![
        Change::PutRollout { id, order },
        wave(3, WaveState::LetGo),
        wave(4, WaveState::Held),
        Change::Assign { package: PackageId(1), client: TargetId(4), handed_over_at: Some(1) },
    ]
}

#[test]
fn a_node_sees_of_a_rollout_whether_it_was_let_go() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.open("otto").update(&mut |_| rollout()).unwrap();
    for (number, packages, wave) in [(3, vec![1, 2], WaveState::LetGo), (4, vec![1], WaveState::Held)] {
        let mut node = cluster.open(&cluster.enroll_node(number));
        let own = TargetId(number);
        let part = node.load_part(&BTreeSet::from([own])).unwrap();
        let seen = &part.rollouts[&RolloutId(1)];
        assert_eq!(seen.targets, [(own, wave)].into(), "nothing of the others");
        assert_eq!(seen.order.packages, packages.into_iter().map(PackageId).collect());
        let address = common::target(number, TargetKind::Client).address;
        let has_work = node.glance(&address).unwrap().unwrap().has_pending_work;
        assert_eq!(has_work, wave == WaveState::LetGo);
        for change in rollout() {
            let error = node.commit(&[change]).unwrap_err();
            assert!(matches!(error, Error::Forbidden { .. }), "{error}");
        }
    }
    let error = cluster.open("vera").commit(&rollout()).unwrap_err();
    assert!(matches!(error, Error::Forbidden { .. }), "{error}");
}

fn progress(target: i64, package: i64) -> Change {
    let state = PackageState { current: Stage::ShouldBeInstalled, ..PackageState::new(Stage::Finished, 2) };
    Change::UpdateState(state_key(target, package), state)
}

#[test]
fn a_node_sees_what_is_its_own() {
    let Some(cluster) = Cluster::new() else { return };
    let mut node = cluster.open(&cluster.enroll_node(3));
    assert_eq!(targets(&mut node), BTreeSet::from([1, 2, 3]), "the head node, its image and itself");
    let part = node.load_part(&BTreeSet::from([TargetId(3)])).unwrap();
    assert_eq!(part.packages.keys().map(|id| id.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(part.packages[&PackageId(1)].dependencies, [PackageId(2)]);
    assert_eq!(part.all_states().map(|(key, _)| key).collect::<Vec<_>>(), [state_key(3, 1), state_key(3, 2)]);
    assert_eq!(node.values(PackageId(1), None).unwrap().len(), 1);
    assert!(node.values(PackageId(3), None).unwrap().is_empty(), "what it does not have is not its own");
    assert!(node.commands(9).is_err());
    let address = |name: &str| TargetAddress { kind: TargetKind::Client, name: name.parse().unwrap() };
    assert!(node.glance(&address("client3")).unwrap().unwrap().has_pending_work);
    assert!(node.glance(&address("client4")).unwrap().is_none());
    // Whoever holds a root may ask whose it is.
    assert_eq!(node.find_root("root of 4").unwrap(), Some(TargetId(4)));
}

#[test]
fn a_node_does_its_own_work() {
    let Some(cluster) = Cluster::new() else { return };
    let mut node = cluster.open(&cluster.enroll_node(3));
    let claim = node.lock(&[TargetId(3)]).unwrap().unwrap();
    let run = node.start_run(&common::sample_run()).unwrap();
    let event = opkg_oda::Event { target: TargetId(3), ..common::sample_event(run, 1) };
    let result = Box::new(common::sample_result(RunStatus::Done));
    node.commit(&[progress(3, 1), Change::StartEvent(Box::new(event.clone()))]).unwrap();
    node.renew_lock();
    node.commit(&[
        Change::EndEvent { event: event.id, result },
        Change::SetInstalledVersion { key: state_key(3, 1), version: Some("1.0-1".into()) },
        Change::SetRootId { target: TargetId(3), id: Some("its own".into()) },
        Change::SetRerun { key: state_key(3, 1), stage: Stage::PostInstall, queued: true },
        Change::SetPostponed { key: state_key(3, 1), reason: Some("the lock is held".into()) },
        Change::EndRun { run, ended_at: 9, status: RunStatus::Done },
    ])
    .unwrap();
    drop(claim);
    assert_eq!(node.events(&EventFilter::default()).unwrap().len(), 1);
    assert_eq!(node.runs(9).unwrap().len(), 1);
    // After it died: without a claim.
    let held = node.lock(&[TargetId(3)]).unwrap().unwrap();
    let dead = node.start_run(&common::sample_run()).unwrap();
    std::mem::forget(held);
    let mut next = cluster.open("node_3");
    next.commit(&[Change::EndRun { run: dead, ended_at: 10, status: RunStatus::Interrupted }]).unwrap();
    drop(next.lock(&[TargetId(3)]).unwrap().unwrap());
    let all = cluster.open("owner").load().unwrap();
    assert_eq!(all.installed_version(state_key(3, 1)), Some("1.0-1"));
    assert_eq!(all.state(state_key(3, 1)).unwrap().current, Stage::ShouldBeInstalled);
}

#[test]
fn a_node_delivers_what_it_did_itself() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.enroll_node(3);
    cluster.enroll_node(4);
    let mut node = cluster.open("node_3");
    let _claim = node.lock(&[TargetId(3)]).unwrap().unwrap();
    let run = node.start_run(&common::sample_run()).unwrap();
    let engine = cluster.sql("owner", "SELECT id FROM opm.engine").unwrap();
    let deliver = |role: &str, target: i64| {
        let changes = format!(
            r#"[{{"kind": "version", "rows": [{{"target": {target}, "package": 1, "version": "1.0-{target}"}}]}},
            {{"kind": "run-ended", "rows": [{{"run": {}, "ended": 9, "verdict": 2}}]}}]"#,
            run.0
        );
        let who = r#"{"host": "head", "process": 17, "boot": "b007", "process_start": 7}"#;
        let sql = format!(
            "SELECT opm.deliver_results({}, $who${who}$who$,
            jsonb_build_array(jsonb_build_object('number', 9, 'parts', jsonb_build_array($changes${changes}$changes$::text))))",
            engine.trim()
        );
        cluster.sql(role, &sql)
    };
    assert_eq!(deliver("node_4", 4).unwrap(), "\n", "of a run of somebody else nothing is known");
    let refused = deliver("node_3", 4).unwrap_err();
    assert!(refused.contains("may not work on other targets"), "{refused}");
    assert_eq!(deliver("node_3", 3).unwrap(), "0\n");
    let all = cluster.open("owner").load().unwrap();
    assert_eq!(all.installed_version(state_key(3, 1)), Some("1.0-3"));
    assert_eq!(all.installed_version(state_key(4, 1)), None);
    for role in ["vera", "otto"] {
        let refused = deliver(role, 3).unwrap_err();
        assert!(refused.contains("permission denied"), "{role}: {refused}");
    }
}

/// What a node writes through the interface of the store.
#[test]
fn a_node_writes_nothing_that_is_not_its_own() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.enroll_node(3);
    let mut head = cluster.open("owner");
    let _held = head.lock(&[TargetId(1)]).unwrap().unwrap();
    let of_head = head.start_run(&common::sample_run()).unwrap();
    head.commit(&[Change::StartEvent(Box::new(common::sample_event(of_head, 1)))]).unwrap();
    let before = head.load().unwrap();
    let mut node = cluster.open("node_3");
    let run = {
        let _claim = node.lock(&[TargetId(3)]).unwrap().unwrap();
        let run = node.start_run(&common::sample_run()).unwrap();
        node.commit(&[Change::EndRun { run, ended_at: 9, status: RunStatus::Done }]).unwrap();
        run
    };
    let event = |run, target: i64, package: i64| {
        Change::StartEvent(Box::new(opkg_oda::Event {
            target: TargetId(target),
            packages: vec![PackageId(package)],
            ..common::sample_event(run, 7)
        }))
    };
    let key = state_key(3, 1);
    let forbidden = [
        progress(4, 1),
        progress(1, 1),
        progress(99, 1),
        Change::Request { key, stage: Stage::ShouldNotBeInstalled, requested_at: 1 },
        Change::Request { key: state_key(4, 1), stage: Stage::ShouldNotBeInstalled, requested_at: 1 },
        Change::SetInstalledVersion { key: state_key(4, 1), version: None },
        Change::SetPostponed { key: state_key(4, 1), reason: Some("no".into()) },
        Change::SetRerun { key: state_key(4, 1), stage: Stage::PostInstall, queued: true },
        Change::SetRerun { key: state_key(4, 1), stage: Stage::PostInstall, queued: false },
        Change::Assign { package: PackageId(3), client: TargetId(3), handed_over_at: Some(1) },
        Change::Unassign { package: PackageId(1), client: TargetId(4) },
        Change::SetImageSeen { package: PackageId(1), image: TargetId(2), seen: true },
        Change::SetRootId { target: TargetId(4), id: None },
        Change::PutTarget(common::target(3, TargetKind::Client)),
        Change::PutTarget(common::target(9, TargetKind::Client)),
        Change::RemoveTarget(TargetId(4)),
        Change::RemoveTarget(TargetId(3)),
        Change::PutPackage(common::package(9, &[])),
        Change::PutPackage(common::package(1, &[])),
        Change::RemovePackage(PackageId(3)),
        Change::SetRequirements { package: PackageId(1), names: vec![] },
        Change::SetHeld { package: PackageId(1), held: true },
        Change::PinVersion { package: PackageId(1), version: Some("0".into()) },
        Change::SetValues { package: PackageId(1), image: None, values: vec![], expected: None },
        Change::SetPhase(opkg_oda::Phase::Netboot),
        Change::EndRun { run: of_head, ended_at: 9, status: RunStatus::Failed },
        Change::EndEvent {
            event: opkg_oda::EventId { run: of_head, number: 1 },
            result: Box::new(common::sample_result(RunStatus::Failed)),
        },
        event(of_head, 3, 1),
        event(run, 4, 1),
        event(run, 3, 3),
        Change::RecordCommand(Box::new(CommandRecord {
            at: 1,
            who: "root".into(),
            host: "head".into(),
            command: "opm".into(),
            role: None,
        })),
    ];
    for change in forbidden {
        for claimed in [false, true] {
            let _claim = claimed.then(|| node.lock(&[TargetId(3)]).unwrap().unwrap());
            // Hidden behind something that is allowed.
            let error = node.commit(&[progress(3, 2), change.clone()]).unwrap_err();
            assert!(matches!(error, Error::Forbidden { .. }), "{change:?}: {error}");
            let Error::Forbidden { reason, .. } = error else { unreachable!() };
            assert!(reason.contains(" may not change that ("), "{change:?}: {reason}");
        }
    }
    assert!(matches!(node.lock(&[TargetId(4)]), Err(Error::Forbidden { .. })));
    assert!(matches!(node.lock(&[TargetId(3), TargetId(4)]), Err(Error::Forbidden { .. })));
    assert!(matches!(node.lock(&[TargetId(99)]), Err(Error::Forbidden { .. })));
    let without = opkg_oda::PurgeOrder { runs_ended_before: i64::MAX, ..Default::default() };
    assert!(node.purge(&without, false).is_err());
    assert_may_not_prune(&mut node);
    assert_eq!(head.load().unwrap(), before);
    assert_eq!(head.events(&EventFilter::default()).unwrap().len(), 1);
}

/// What a node does with a connection of its own. Each is refused, or finds nothing and does nothing.
#[test]
fn a_node_gets_no_further_with_sql() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.enroll_node(3);
    cluster.enroll_node(4);
    let mut head = cluster.open("owner");
    let claim = head.lock(&[TargetId(4)]).unwrap().unwrap();
    let before = head.load().unwrap();
    let forbidden = [
        "UPDATE opm.state SET current = 8 WHERE target = 3",
        "UPDATE opm.state SET current = 8 WHERE target = 4",
        "INSERT INTO opm.state VALUES (3, 3, 8, 8, 0, 0, NULL, 1)",
        "DELETE FROM opm.event",
        "DELETE FROM opm.claim",
        "DELETE FROM opm.engine",
        "UPDATE opm.phase SET phase = 7",
        "UPDATE opm.settings SET lease = '1 day'",
        "UPDATE opm.schema SET version = 99",
        "UPDATE opm.node_role SET target = 4",
        "SELECT * FROM opm.node_role",
        "SELECT * FROM opm.enrollment_window",
        "SELECT * FROM opm.command",
        "TRUNCATE opm.event",
        "LOCK TABLE opm.state IN ACCESS EXCLUSIVE MODE",
        "LOCK TABLE opm.write_order IN ROW SHARE MODE",
        "ALTER TABLE opm.state DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE opm.state OWNER TO CURRENT_USER",
        "CREATE POLICY mine ON opm.state USING (true)",
        "DROP SCHEMA opm CASCADE",
        "CREATE TABLE opm.mine (a integer)",
        "CREATE FUNCTION opm.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION pg_temp.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE TEMP TABLE mine (a integer)",
        "CREATE OR REPLACE FUNCTION opm.own_target() RETURNS bigint LANGUAGE sql AS 'SELECT 4::bigint'",
        "SELECT opm.write_rows('[{\"kind\": \"phase\", \"rows\": [{\"phase\": 7}]}]')",
        "SELECT opm.apply('[{\"kind\": \"phase\", \"rows\": [{\"phase\": 7}]}]')",
        "SELECT opm.commit(NULL, NULL, '[{\"kind\": \"nothing\", \"rows\": []}]')",
        "SELECT opm.commit(1, 1, '[{\"kind\": \"phase\", \"rows\": [{\"phase\": 7}]}]')",
        "SELECT opm.commit(1, 1, '[{\"kind\": \"progress\", \"rows\": [{\"target\": 3, \"package\": 1}]}]')",
        "SELECT opm.remove_engine(1, false)",
        "SELECT opm.drop_node_role(4)",
        "SELECT opm.revoke_nodes(ARRAY[4::bigint])",
        "SELECT opm.open_enrollment(ARRAY[4::bigint], 60, true, '')",
        "SELECT opm.close_enrollments(ARRAY['x'::name])",
        "SELECT opm.set_up_roles()",
        "SELECT opm.grant_rights(CURRENT_USER, 'administrator')",
        "SELECT opm.enroll('client4', 'm', 'SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=')",
        "SELECT opm.renew_password('in plain')",
        "COPY (SELECT 1) TO PROGRAM 'touch /tmp/mine'",
        "COPY opm.state TO '/tmp/mine'",
        "COPY opm.state FROM PROGRAM 'id'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid",
        "SET ROLE postgres",
        "CREATE ROLE mine",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "ALTER ROLE CURRENT_USER CREATEROLE",
        "ALTER ROLE CURRENT_USER BYPASSRLS",
        "ALTER SYSTEM SET fsync = off",
        "CREATE EXTENSION dblink",
        "SET session_authorization TO opm",
        "ANALYZE opm.state; SELECT 1 / count(*) FROM pg_stats WHERE schemaname = 'opm' AND tablename = 'state'",
        "SELECT query FROM pg_stat_statements",
    ];
    for statements in forbidden {
        let said = cluster.sql("node_3", statements);
        assert!(said.is_err(), "{statements}: {said:?}");
    }
    // These are allowed and about nothing of others.
    for (statements, expected) in [
        ("SELECT count(*) FROM opm.state WHERE target <> 3", "0\n"),
        ("SELECT count(*) FROM opm.target WHERE id = 4", "0\n"),
        ("SELECT count(*) FROM opm.package WHERE id = 3", "0\n"),
        ("SELECT count(*) FROM opm.config_value WHERE package = 3", "0\n"),
        ("SELECT count(*) FROM opm.claim", "0\n"),
        ("SELECT count(*) FROM opm.engine", "0\n"),
        ("SELECT count(*) FROM opm.run", "0\n"),
        ("SELECT opm.end_engine(1, false)", "\n"),
        ("SELECT opm.renew_lease(1)", "f\n"),
        ("SELECT opm.own_target()", "3\n"),
        ("SELECT opm.find_root('guessed') IS NULL", "t\n"),
        ("SELECT opm.renew_digests(ARRAY[4::bigint])", "\n"),
        ("SET row_security = on; SELECT count(*) FROM opm.state WHERE target = 4", "0\n"),
        // A condition of its own is asked only about what it may see.
        (
            "SELECT count(*) FROM opm.config_value WHERE 1 / (CASE package WHEN 3 THEN 0 ELSE 1 END) = 1",
            "1\n",
        ),
    ] {
        assert_eq!(cluster.sql("node_3", statements).as_deref(), Ok(expected), "{statements}");
    }
    assert!(cluster.sql("node_3", "SET row_security = off; SELECT * FROM opm.state").is_err());
    assert_eq!(head.load().unwrap(), before);
    head.commit(&[progress(4, 1)]).unwrap();
    drop(claim);
}

/// The same refusal whether there is what it is about or not.
#[test]
fn a_refusal_does_not_say_what_there_is() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.enroll_node(3);
    let mut node = cluster.open("node_3");
    let mut said = |change: Change| node.commit(&[change]).unwrap_err().to_string();
    assert_eq!(said(progress(4, 1)), said(progress(77, 1)));
    assert_eq!(said(progress(4, 3)), said(progress(4, 77)));
    let end = |run| Change::EndRun { run: opkg_oda::RunId(run), ended_at: 1, status: RunStatus::Done };
    assert_eq!(said(end(1)), said(end(77)));
    let claims = [4, 77].map(|id| node.lock(&[TargetId(id)]).unwrap_err().to_string());
    assert_eq!(claims[0], claims[1]);
}

#[test]
fn people_do_what_their_rights_are_for() {
    let Some(cluster) = Cluster::new() else { return };
    let everything = cluster.open("owner").load().unwrap();
    let request = Change::Request { key: state_key(1, 1), stage: Stage::Finished, requested_at: 1 };
    let values = Change::SetValues { package: PackageId(1), image: None, values: vec![], expected: None };
    let failed = PackageState { work_state: WorkState::Failed, ..common::failed_state(3) };
    cluster.open("owner").commit(&[Change::UpdateState(state_key(4, 1), failed.clone())]).unwrap();
    let cleared = PackageState { work_state: WorkState::Idle, failure: None, attempts: 0, ..failed.clone() };
    let clear = Change::UpdateState(state_key(4, 1), cleared.clone());
    let further = PackageState { current: Stage::Finished, ..cleared };
    let further = Change::UpdateState(state_key(4, 1), further);
    let cases: [(Change, [bool; 3]); 9] = [
        (request, [false, true, true]),
        (clear, [false, true, true]),
        (Change::SetPhase(opkg_oda::Phase::Netboot), [false, true, true]),
        (Change::PutPackage(common::package(8, &[])), [false, true, true]),
        (Change::PutPackage(common::package(1, &[])), [false, false, true]),
        (values, [false, false, true]),
        (further, [false, false, true]),
        (Change::RemoveTarget(TargetId(3)), [false, false, true]),
        (Change::SetRootId { target: TargetId(4), id: None }, [false, false, true]),
    ];
    for (change, allowed) in cases {
        for (person, allowed) in ["vera", "otto", "ada"].into_iter().zip(allowed) {
            let mut store = cluster.open(person);
            assert_eq!(
                store.load().unwrap().targets.len(),
                cluster.open("owner").load().unwrap().targets.len()
            );
            let committed = store.commit(std::slice::from_ref(&change));
            assert_eq!(committed.is_ok(), allowed, "{person}: {change:?}: {committed:?}");
            if let Err(error) = committed {
                assert!(matches!(error, Error::Forbidden { .. }), "{person}: {change:?}: {error}");
            }
        }
    }
    for (person, allowed) in [("vera", false), ("otto", false), ("ada", true)] {
        assert_eq!(cluster.open(person).values(PackageId(3), None).is_ok(), allowed, "{person}");
        assert_eq!(cluster.open(person).lock(&[TargetId(1)]).is_ok(), allowed, "{person}");
        assert_eq!(cluster.open(person).start_run(&common::sample_run()).is_ok(), allowed, "{person}");
        let opened = cluster.access(person).open_window(&[TargetId(4)], Duration::from_secs(9), false);
        assert_eq!(opened.is_ok(), allowed, "{person}: {opened:?}");
        assert_eq!(
            cluster.access(person).grant(&cluster.role("vera"), Some(Rights::Viewer)).is_ok(),
            allowed
        );
        for statements in
            ["DELETE FROM opm.command", "UPDATE opm.settings SET listeners = 3", "DELETE FROM opm.event"]
        {
            assert_eq!(cluster.sql(person, statements).is_ok(), allowed, "{person}: {statements}");
        }
        let mut store = cluster.open(person);
        assert!(store.totals().is_ok(), "{person}");
        match allowed {
            true => assert!(store.claim_pruning(1 << 50, 1).unwrap()),
            false => assert_may_not_prune(&mut store),
        }
        let copy = cluster.sql(person, "COPY (SELECT 1) TO PROGRAM 'true'");
        assert!(copy.is_err(), "{person}");
    }
    let people = cluster.access("owner").people().unwrap();
    let expected = [("ada", Rights::Administrator), ("otto", Rights::Operator), ("vera", Rights::Viewer)];
    assert_eq!(people, expected.map(|(person, rights)| (cluster.role(person), rights)));
    assert_eq!(everything.targets.len(), 4);
}

#[test]
fn the_journal_says_who_asked() {
    let Some(cluster) = Cluster::new() else { return };
    let record = |who: &str| CommandRecord {
        at: 5,
        who: who.into(),
        host: "desk".into(),
        command: "opm request p1".into(),
        role: None,
    };
    let request = |package: i64| Change::Request {
        key: state_key(1, package),
        stage: Stage::Finished,
        requested_at: 1,
    };
    let mut otto = cluster.open("otto");
    otto.record_as(record("otto"));
    otto.update(&mut |_| vec![request(1)]).unwrap();
    otto.update(&mut |_| vec![]).unwrap();
    // Whatever they say, the server knows better, and who says nothing is known as well.
    otto.record_as(record("vera"));
    otto.update(&mut |_| vec![request(2)]).unwrap();
    otto.commit(&[request(3)]).unwrap();
    let mut owner = cluster.open("owner");
    owner.record_as(record("root"));
    owner.update(&mut |_| vec![request(1)]).unwrap();
    let said: Vec<(String, Option<String>)> =
        owner.commands(9).unwrap().into_iter().map(|command| (command.who, command.role)).collect();
    let role = |suffix: &str| Some(cluster.role(suffix));
    let otto_role = cluster.role("otto");
    assert_eq!(
        said,
        [
            ("root".to_owned(), role("owner")),
            (otto_role, role("otto")),
            ("vera".to_owned(), role("otto")),
            ("otto".to_owned(), role("otto")),
            // What the fixture did is nobody's.
        ]
    );
}

#[test]
fn a_token_is_for_its_nodes_its_time_and_one_use() {
    let Some(cluster) = Cluster::new() else { return };
    let mut access = cluster.access("owner");
    let address = || cluster.address("owner");
    let attempt = |token: &Credentials, node: &str| enroll(address(), token, node, "m");
    let once = access.open_window(&[TargetId(3)], Duration::from_secs(600), false).unwrap();
    assert_eq!(Credentials::parse(&once.reveal()).as_ref(), Some(&once));
    let (other, nobody) = (attempt(&once, "client4").unwrap_err(), attempt(&once, "nobody").unwrap_err());
    assert_eq!(other.to_string().replace("client4", "nobody"), nobody.to_string());
    let first = attempt(&once, "client3").unwrap();
    let again = attempt(&once, "client3").unwrap_err().to_string();
    assert!(again.contains("was used for the node client3 already"), "{again}");
    // One that keeps nothing comes again; the credentials of before are void.
    let diskless = access.open_window(&[TargetId(3), TargetId(4)], Duration::from_secs(600), true).unwrap();
    let second = attempt(&diskless, "client3").unwrap();
    let third = attempt(&diskless, "client3").unwrap();
    assert_eq!((&first.role, &first.role), (&second.role, &third.role));
    assert_ne!(second, third);
    let windows = access.windows().unwrap();
    assert_eq!(windows.iter().map(|window| window.every_boot).collect::<Vec<_>>(), [false, true]);
    assert!(windows[1].nodes[0].1.is_some() && windows[1].nodes[1] == (TargetId(4), None));
    // A window that is closed, and one whose time has come.
    assert_eq!(access.close_windows(&[diskless.role.clone(), "postgres".into()]).unwrap(), 1);
    assert!(attempt(&diskless, "client4").is_err());
    let late = access.open_window(&[TargetId(4)], Duration::from_secs(600), false).unwrap();
    cluster.scratch.sql("UPDATE opm.enrollment_window SET ends = clock_timestamp() - interval '1 second'");
    assert!(attempt(&late, "client4").is_err());
    // The next one sweeps up.
    access.open_window(&[TargetId(4)], Duration::from_secs(600), false).unwrap();
    assert_eq!(access.windows().unwrap().len(), 1);
    let roles = cluster.scratch.sql(&format!(
        "SELECT count(*) FROM pg_roles WHERE rolname LIKE '{}\\_enroll\\_%'",
        cluster.scratch.server().name()
    ));
    assert_eq!(roles, "1\n");
    // A token is for nothing else.
    let token = access.open_window(&[TargetId(4)], Duration::from_secs(600), false).unwrap();
    let suffix = token.role.strip_prefix(&cluster.role("")).unwrap().to_owned();
    for statements in [
        "SELECT * FROM opm.target",
        "SELECT * FROM opm.phase",
        "SELECT opm.begin_write(NULL, NULL)",
        "SELECT opm.own_target()",
    ] {
        assert!(cluster.sql(&suffix, statements).is_err(), "{statements}");
    }
}

#[test]
fn credentials_are_renewed_and_taken_away() {
    let Some(cluster) = Cluster::new() else { return };
    let mut access = cluster.access("owner");
    // Over the network, where passwords are asked for.
    let name = cluster.scratch.server().name();
    let networked = || {
        let text = cluster.scratch.server().network_address("nobody", "127.0.0.1", "sslmode=require");
        Address::parse(&text, |_| None).unwrap()
    };
    let token = access.open_window(&[TargetId(3)], Duration::from_secs(600), false).unwrap();
    let old = enroll(networked(), &token, "client3", "m").unwrap();
    let opens = |credentials: &Credentials| AccessControl::open(credentials.apply_to(networked())).is_ok();
    assert!(opens(&old) && !opens(&Credentials::parse(&format!("{name}_node_3:wrong")).unwrap()));
    let mut session = cluster.open("node_3");
    let new = renew(&networked(), &old).unwrap();
    put_in_force(networked(), &old, &new).unwrap();
    assert!(opens(&new) && !opens(&old));
    assert!(session.load_targets().is_ok(), "who is connected goes on");
    assert_eq!(access.enrolled_nodes().unwrap()[0].machine, "m");
    let _claim = session.lock(&[TargetId(3)]).unwrap().unwrap();
    assert_eq!(access.revoke(&[TargetId(3), TargetId(4)]).unwrap(), 1);
    assert!(!opens(&new));
    assert!(session.commit(&[progress(3, 1)]).is_err());
    assert!(access.enrolled_nodes().unwrap().is_empty());
    // Its claim is free at once.
    drop(cluster.open("owner").lock(&[TargetId(3)]).unwrap().unwrap());
    // With its target its credentials go as well.
    cluster.enroll_node(4);
    cluster.open("owner").commit(&[Change::RemoveTarget(TargetId(4))]).unwrap();
    assert!(access.enrolled_nodes().unwrap().is_empty());
}

#[test]
fn all_targets_put_there_anew_keep_the_credentials_of_the_same_nodes() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.enroll_node(3);
    cluster.enroll_node(4);
    let backup = tempfile::tempdir().unwrap();
    let file = Location::File(backup.path().join("oda.db"));
    let mut copy = file.create_with(&[]).unwrap();
    let mut store = cluster.open("owner");
    copy.replace_with(&mut *store).unwrap();
    // In the copy another node has the id of this one.
    copy.commit(&[Change::RemoveTarget(TargetId(4))]).unwrap();
    store.replace_with(&mut *copy).unwrap();
    let kept: Vec<i64> =
        cluster.access("owner").enrolled_nodes().unwrap().iter().map(|node| node.target.0).collect();
    assert_eq!(kept, [3]);
    assert_eq!(targets(&mut cluster.open("node_3")), BTreeSet::from([1, 2, 3]));
}

#[test]
fn what_makes_no_roles_is_said() {
    let Some(cluster) = Cluster::new() else { return };
    cluster.scratch.sql(&format!("ALTER ROLE {} NOCREATEROLE", cluster.role("owner")));
    let error =
        cluster.access("owner").open_window(&[TargetId(3)], Duration::from_secs(9), false).unwrap_err();
    assert!(matches!(error, Error::Forbidden { .. }), "{error}");
    let before = cluster.access("owner").windows().unwrap();
    assert!(before.is_empty(), "nothing of it was done");
}
