//! A cluster of hosts: a head node and nodes with networks, processes and systems of their own, that have nothing in common
//! but a database on a server. Real packages; networks, machines and the server fail and come back.

mod failing_network;
mod failing_server;
mod host;
mod system;

use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::{process, scratch};

/// Asks the server.
type Sql<'a> = dyn Fn(&str) -> String + 'a;

/// The OPKG that hosts get.
fn example() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/hello-cluster")
}

/// How many steps of a target ended like that: 0 done, 2 interrupted.
fn steps(sql: &Sql<'_>, target: &str, verdict: u8) -> usize {
    let count = sql(&format!(
        "SELECT count(*) FROM opm.event JOIN opm.target ON target.id = event.target
        WHERE target.name = '{target}' AND verdict = {verdict}"
    ));
    count.trim().parse().unwrap()
}

/// The example, as it is later.
fn example_of_release(example: &Path, release: u32) -> PathBuf {
    let directory = scratch::create_directory("newer").join("hello-cluster");
    process::run_successfully(Command::new("cp").arg("-r").arg(example).arg(&directory));
    let config = directory.join("config.xml");
    let text = fs_err::read_to_string(&config).unwrap();
    assert!(text.contains("version=\"1.1-1\""));
    fs_err::write(&config, text.replacen("version=\"1.1-1\"", &format!("version=\"1.{release}-1\""), 1))
        .unwrap();
    directory
}

/// Whether nothing is left to be done on a target.
fn is_settled(sql: &Sql<'_>, target: &str) -> bool {
    let left = sql(&format!(
        "SELECT count(*) FROM opm.state JOIN opm.target ON target.id = state.target
        LEFT JOIN opm.rerun ON rerun.target = state.target AND rerun.package = state.package
        WHERE target.name = '{target}' AND (requested <> current OR state <> 0 OR rerun.stage IS NOT NULL)"
    ));
    left.trim() == "0"
}
