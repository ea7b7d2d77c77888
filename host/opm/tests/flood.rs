//! Alone in its process, which is measured: a hook that prints as much as it can.
#![allow(clippy::unwrap_used)]

#[path = "system/bench.rs"]
mod bench;

use opkg_opm::effects::Effects;
use opkg_opm::machine::{Hook, Outcome};

use bench::Bench;

/// The most memory that this process ever had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|it| it.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_hook_that_prints_a_gigabyte_takes_neither_memory_nor_disk() {
    let bench = Bench::new();
    let server = bench.server();
    let mut system = bench.system();
    // The runner itself takes some, once.
    server.hook("api-post-deploy", "#!/bin/sh\n");
    system.perform(&bench.cluster, &bench.hook(Hook::PostDeploy), opkg_oda::RunId(1));
    server.hook(
        "api-post-deploy",
        "#!/bin/sh\nyes 0123456789abcdefghijklmnopqrstuvwxyz | head -c 1000000000\necho; echo the end\n",
    );
    let before = peak();
    let report = system.perform(&bench.cluster, &bench.hook(Hook::PostDeploy), opkg_oda::RunId(1));
    assert_eq!(report.outcome, Outcome::Done);
    assert!(report.tail.ends_with("\nthe end"));
    assert!(std::fs::metadata(report.log.unwrap()).unwrap().len() < 6 << 20);
    assert!(peak() - before < 8 << 10, "{} KiB", peak() - before);
}
