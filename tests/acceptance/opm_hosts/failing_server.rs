//! The server of the database is killed and started again, and its replica takes over for good; so is the head node. Hosts of
//! Debian and of RPMs, and an image; the clock of a node is wrong.

use opkg_tests::postgres::OwnServer;
use opkg_tests::roots::chroot::SystemRoot;
use opkg_tests::{process, tools};

use super::host::{Host, wait_until};
use super::system::System;
use super::{Sql, example, example_of_release, is_settled, steps};

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
    let (Some(debian), Some(rpm), Some(head_system)) = (System::debian(), System::rpm(), System::debian())
    else {
        return;
    };
    let Some((primary, replica)) = OwnServer::start_with_replica() else { return };
    primary.sql("postgres", "CREATE DATABASE site");
    let (first, second) = (primary.port(), replica.port());
    let address = move |server: &str| {
        format!(
            "postgres://opm@{server}:{first},{server}:{second}/site?sslmode=disable&target_session_attrs=read-write"
        )
    };
    let example = example();
    // The image is a copy of a node, before that is one.
    let image = SystemRoot::copy(debian.root().path());
    fs_err::create_dir_all(head_system.root().resolve("/srv/images")).unwrap();
    let place = head_system.root().resolve(IMAGE);
    process::run_successfully(std::process::Command::new("mv").arg(image.path()).arg(&place));
    for system in [&head_system, &debian, &rpm] {
        system.publish(std::slice::from_ref(&example));
    }
    let mut head = Host::new("head", 4, "server", head_system, &address);
    let mut node1 = Host::new("node1", 5, "client", debian, &address);
    let mut node2 = Host::new("node2", 6, "client", rpm, &address);
    node2.set_clock_wrong();

    head.opm(&["init", "--name", "head"]);
    head.opm(&["target", "add", "image:compute", "--root", IMAGE]);
    head.opm(&["target", "add", "client:node[1-2]", "--image", "compute"]);
    head.opm(&["phase", "set", "test_install"]);
    for node in [&mut node1, &mut node2] {
        node.start_watch();
    }

    // The server is killed while a node is at work, and started again.
    let sql: &Sql<'_> = &|statements| primary.sql("site", statements);
    node1.hold();
    head.opm(&["request", "hello-cluster"]);
    head.opm(&["run", "--quiet"]);
    wait_until("node1 is at work", || node1.begun() > 0);
    primary.kill();
    node1.go_on();
    primary.start();
    for name in ["head", "compute", "node1", "node2"] {
        wait_until(name, || is_settled(sql, name));
    }
    assert_eq!((steps(sql, "node1", 0), steps(sql, "node2", 0)), (1, 1));
    for node in [&node1, &node2] {
        assert!(node.version().unwrap().starts_with("1.1-1"), "{}", node.name);
    }

    // It is gone in the middle of an upgrade, and its replica takes over. The head node dies at work on its image, and is back.
    let newer = example_of_release(&example, 2);
    for host in [&head, &node1, &node2] {
        host.system.publish(std::slice::from_ref(&newer));
    }
    let begun = node1.begun();
    node1.hold();
    head.opm(&["upgrade", "hello-cluster"]);
    head.hold();
    head.start_watch();
    wait_until("the head node is at work", || head.begun() > 0);
    head.kill();
    head.go_on();
    // The lease of what it was runs out.
    sql("UPDATE opm.engine SET seen = seen - interval '2 minutes' WHERE host = 'head'");
    head.start_watch();
    wait_until("node1 upgrades", || node1.begun() > begun);
    primary.kill();
    replica.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''");
    replica.promote();
    node1.go_on();
    let sql: &Sql<'_> = &|statements| replica.sql("site", statements);
    for name in ["head", "compute", "node1", "node2"] {
        wait_until(name, || is_settled(sql, name));
    }
    for node in [&node1, &node2] {
        assert!(node.version().unwrap().starts_with("1.2-1"), "{}", node.name);
    }
    assert_eq!((steps(sql, "node1", 0), steps(sql, "node2", 0)), (2, 2), "each step once");
    assert_eq!((steps(sql, "node1", 2), steps(sql, "node2", 2)), (0, 0));
    assert_eq!(steps(sql, "head", 2), 1, "the step at which the head node died");

    // Whatever a clock says, the newest is the newest, and nothing begins before it was asked for by the number of its run.
    assert_eq!(sql(OUT_OF_ORDER), "0\n");
    let ahead =
        sql("SELECT max(started) - extract(epoch FROM clock_timestamp()) * 1000 > 3000000 FROM opm.event
        JOIN opm.target ON target.id = event.target WHERE target.name = 'node2'");
    assert_eq!(ahead, "t\n", "the clock of node2 is an hour ahead");
    head.opm(&["remove", "hello-cluster"]);
    for name in ["head", "compute", "node1", "node2"] {
        wait_until(name, || is_settled(sql, name));
    }
    assert!(node1.version().is_none() && node2.version().is_none());
    assert_eq!(sql("SELECT count(*) FROM opm.run WHERE ended IS NULL AND host <> 'head'"), "0\n");
}
