//! The network fails, nodes lose their power and are away for long.

use opkg_tests::postgres::{ServerDatabase, has_server};
use opkg_tests::tools;

use super::host::{Host, wait_until};
use super::system::System;
use super::{Sql, example, example_of_release, is_settled, steps};

#[test]
fn nodes_fetch_their_work_whatever_happens_to_the_network_and_to_them() {
    if !has_server() || !tools::all_installed(&["ip", "unshare"]) {
        return;
    }
    let database = ServerDatabase::new();
    let name = database.name();
    database.sql(&format!("CREATE ROLE {name}_owner LOGIN CREATEROLE"));
    database.sql(&format!("ALTER DATABASE {name} OWNER TO {name}_owner"));
    let example = example();
    let mut hosts = Vec::new();
    for (name, kind) in [("head", "server"), ("node1", "client"), ("node2", "client")] {
        let Some(system) = System::debian() else { return };
        system.publish(std::slice::from_ref(&example));
        let owner = format!("{}_owner", database.name());
        hosts.push(Host::new(name, kind, system, &|server| {
            let address = database.network_address(&owner, server, "sslmode=disable&reconnect_timeout=5");
            // Nodes connect with credentials that they get themselves.
            if kind == "server" { address } else { address.replace(&format!("{owner}@"), "") }
        }));
    }
    let sql: &Sql<'_> = &|statements| database.sql(statements);
    let [head, node1, node2] = &mut hosts[..] else { unreachable!() };

    // From a request on the head node to packages on all. The network of a node is cut in the middle of its step for longer
    // than the server is waited for and keeps a claim; the step comes to its end meanwhile, and then the power goes.
    head.opm(&["init", "--name", "head"]);
    head.opm(&["target", "add", "client:node[1-2]"]);
    head.opm(&["phase", "set", "test_install"]);
    let token = head.opm(&["enroll", "open", "node[1-2]"]);
    for node in [&*node1, &*node2] {
        node.root().write("/etc/opm/enroll-token", &token);
        node.root().run_successfully(["chmod", "600", "/etc/opm/enroll-token"]);
    }
    node1.start_watch();
    node2.start_watch();
    node1.hold();
    head.opm(&["request", "hello-cluster"]);
    head.opm(&["run", "--quiet"]);
    wait_until("node1 is at work", || node1.begun() > 0);
    node1.set_link("down");
    let begun = node1.begun();
    node1.go_on();
    wait_until("node2 is done", || is_settled(sql, "node2"));
    wait_until("node1 keeps what it did", || node1.watch_log().contains("the database is away"));
    assert!(node1.version().is_some() && !is_settled(sql, "node1"), "nobody can know it yet");
    database.sql("UPDATE opm.engine SET seen = seen - interval '2 minutes'");
    node1.kill();
    node1.set_link("up");
    node1.start_watch();
    wait_until("node1 tells how it went", || is_settled(sql, "node1"));
    assert!(node2.version().is_some());
    let said = node1.watch_log();
    assert!(said.contains("delivered what was kept while the database was away: 1 step"), "{said}");
    assert_eq!([steps(sql, "node1", 0), steps(sql, "node2", 0)], [1, 1]);
    assert_eq!((steps(sql, "node1", 2), node1.begun()), (0, begun), "nothing was done twice");
    wait_until("claims have ended", || database.sql("SELECT count(*) FROM opm.claim") == "0\n");

    // Each is itself, whatever its files say.
    node2.root().write("/other.conf", "client\nnode1\n");
    let said = node2.opm_fails(&["run", "--conf", "/other.conf", "--target", "node1"]);
    assert!(said.contains("the database has no such target"), "{said}");
    let said = node2.opm_fails(&["request", "--new", "another", "--on", "node2"]);
    assert!(said.contains(" does not let this user do that"), "{said}");

    // One node is off during three upgrades; all sessions end in the middle of a step of the other one.
    node2.kill();
    for release in 2..5 {
        let newer = example_of_release(&example, release);
        for host in [&*head, &*node1, &*node2] {
            host.system.publish(std::slice::from_ref(&newer));
        }
        let before = node1.begun();
        node1.hold();
        head.opm(&["upgrade", "hello-cluster"]);
        head.opm(&["run", "--quiet"]);
        wait_until("node1 upgrades", || node1.begun() > before);
        database.sql(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        ));
        node1.go_on();
        wait_until("node1 is done", || is_settled(sql, "node1"));
        let version = node1.version().unwrap();
        assert!(version.starts_with(&format!("1.{release}-1")), "{version}");
    }
    assert_eq!((steps(sql, "node1", 0), steps(sql, "node1", 2)), (4, 0), "each step once");
    assert!(node2.version().unwrap().starts_with("1.1-1"));
    let before = steps(sql, "node2", 0);
    node2.start_watch();
    wait_until("node2 has caught up", || is_settled(sql, "node2"));
    assert!(node2.version().unwrap().starts_with("1.4-1"), "{:?}", node2.version());
    assert_eq!(steps(sql, "node2", 0), before + 1, "straight to the latest");
    let begun = node1.begun();

    // One node is off, and another one loses its power in the middle of a step, and is back.
    node2.kill();
    node1.hold();
    head.opm(&["remove", "hello-cluster"]);
    head.opm(&["run", "--quiet"]);
    wait_until("node1 is at work again", || node1.begun() > begun);
    node1.kill();
    node1.go_on();
    // The lease of what it was runs out.
    database.sql("UPDATE opm.engine SET seen = seen - interval '2 minutes'");
    node1.start_watch();
    wait_until("node1 has removed it", || is_settled(sql, "node1"));
    assert!(node1.version().is_none() && node2.version().is_some());
    assert_eq!(steps(sql, "node1", 2), 1, "the journal tells of the step that did not end");

    // A node that was off gets what came meanwhile when it is back, and the head node's part goes last.
    assert!(!is_settled(sql, "head"));
    node2.start_watch();
    wait_until("node2 has removed it", || is_settled(sql, "node2"));
    assert!(node2.version().is_none());
    head.opm(&["run", "--quiet"]);
    assert!(is_settled(sql, "head"), "{}", head.opm(&["log"]));
    assert_eq!(database.sql("SELECT count(*) FROM opm.run WHERE ended IS NULL"), "0\n");
}
