//! The server of the database is killed and started again, and its replica takes over for good; the head node dies at work. Six
//! nodes, of Debian and of RPMs, and an image; the clock of a node is wrong, and two engines want to be one node.

use std::process::Command;

use opkg_tests::postgres::OwnServer;
use opkg_tests::{process, tools};

use super::host::{Host, wait_until};
use super::system::System;
use super::{Sql, example, example_of_release, is_settled, steps};

const NODES: [&str; 6] = ["node1", "node2", "node3", "node4", "node5", "node6"];

/// Where the head node has the root of the image.
const IMAGE: &str = "/srv/images/compute";

/// The events of the journal that do not follow those before them in time, of one target and run.
const OUT_OF_ORDER: &str = "SELECT count(*) FROM opm.event AS one JOIN opm.event AS next
    ON next.run = one.run AND next.target = one.target AND next.number = one.number + 1
    WHERE next.started < one.started OR one.ended < one.started";

#[test]
fn work_goes_on_whatever_happens_to_the_server_and_the_head_node() {
    if !tools::all_installed(&["ip", "unshare", "faketime", "pgrep"]) {
        return;
    }
    let (Some(head_system), Some(rpm)) = (System::debian(), System::rpm()) else { return };
    let Some((primary, replica)) = OwnServer::start_with_replica() else { return };
    primary.sql("postgres", "CREATE DATABASE site");
    let (first, second) = (primary.port(), replica.port());
    let address = move |server: &str| {
        format!(
            "postgres://opm@{server}:{first},{server}:{second}/site?sslmode=disable&target_session_attrs=read-write"
        )
    };
    let example = example();
    for system in [&head_system, &rpm] {
        system.publish(std::slice::from_ref(&example));
    }
    // The image is like the head node, with a repository of its own.
    let image = head_system.copy();
    let debian = head_system.copy();
    fs_err::create_dir_all(head_system.root().resolve("/srv/images")).unwrap();
    let place = head_system.root().resolve(IMAGE);
    process::run_successfully(Command::new("mv").arg(image.root().path()).arg(&place));
    let mut head = Host::new("head", "server", head_system, &address);
    let systems =
        [debian.copy(), rpm.copy(), debian.copy(), debian.copy(), debian, rpm].into_iter().zip(NODES);
    let mut nodes: Vec<Host> =
        systems.map(|(system, name)| Host::new(name, "client", system, &address)).collect();
    nodes[1].set_clock_wrong();

    head.opm(&["init", "--name", "head"]);
    head.opm(&["target", "add", "image:compute", "--root", IMAGE]);
    head.opm(&["target", "add", "client:node[1-6]", "--image", "compute"]);
    head.opm(&["phase", "set", "test_install"]);
    nodes.iter_mut().for_each(Host::start_watch);
    let all_settled = |sql: &Sql<'_>| {
        for name in NODES.into_iter().chain(["head", "compute"]) {
            wait_until(name, || is_settled(sql, name));
        }
    };

    // The server is killed while a node is at work, and started again.
    let sql: &Sql<'_> = &|statements| primary.sql("site", statements);
    nodes[0].hold();
    head.opm(&["request", "hello-cluster"]);
    head.opm(&["run", "--quiet"]);
    wait_until("node1 is at work", || nodes[0].begun() > 0);
    let said = nodes[0].opm_fails(&["run"]);
    assert!(said.contains("another run works on client:node1"), "{said}");
    primary.kill();
    nodes[0].go_on();
    primary.start();
    all_settled(sql);
    for node in &nodes {
        assert_eq!(steps(sql, node.name, 0), 1, "{}", node.name);
        assert!(node.version().unwrap().starts_with("1.1-1"), "{}", node.name);
    }

    // It is gone in the middle of an upgrade, and its replica takes over. The head node dies at work on its image, and is back.
    let newer = example_of_release(&example, 2);
    for host in nodes.iter().chain([&head]) {
        host.system.publish(std::slice::from_ref(&newer));
    }
    let begun = nodes[0].begun();
    nodes[0].hold();
    head.opm(&["upgrade", "hello-cluster", "--max-at-once", "3"]);
    head.hold();
    head.start_watch();
    wait_until("the head node is at work", || head.begun() > 0);
    head.kill();
    head.go_on();
    // The lease of what it was runs out.
    sql("UPDATE opm.engine SET seen = seen - interval '2 minutes' WHERE host = 'head'");
    head.start_watch();
    wait_until("node1 upgrades", || nodes[0].begun() > begun);
    primary.kill();
    replica.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''");
    replica.promote();
    nodes[0].go_on();
    let sql: &Sql<'_> = &|statements| replica.sql("site", statements);
    all_settled(sql);
    for node in &nodes {
        assert!(node.version().unwrap().starts_with("1.2-1"), "{}", node.name);
        let ends = (steps(sql, node.name, 0), steps(sql, node.name, 2));
        assert_eq!(ends, (2, 0), "{}: each step once", node.name);
    }
    assert_eq!(steps(sql, "head", 2), 1, "the step at which the head node died");

    // Whatever a clock says, the newest is the newest, and nothing begins before it was asked for by the number of its run.
    assert_eq!(sql(OUT_OF_ORDER), "0\n");
    let ahead =
        sql("SELECT max(started) - extract(epoch FROM clock_timestamp()) * 1000 > 3000000 FROM opm.event
        JOIN opm.target ON target.id = event.target WHERE target.name = 'node2'");
    assert_eq!(ahead, "t\n", "the clock of node2 is an hour ahead");
    head.opm(&["remove", "hello-cluster"]);
    all_settled(sql);
    assert!(nodes.iter().all(|node| node.version().is_none()));
    assert_eq!(sql("SELECT count(*) FROM opm.run WHERE ended IS NULL AND host <> 'head'"), "0\n");
}
