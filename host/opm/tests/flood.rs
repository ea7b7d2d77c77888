//! Alone in its process, which is measured: a hook that prints as much as it can.
#![allow(clippy::unwrap_used)]

#[path = "system/fixture.rs"]
mod fixture;

use opkg_engine::effects::Effects;
use opkg_engine::machine::Hook;

use fixture::Fixture;

/// The most memory that this process ever had, in KiB.
fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|it| it.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_hook_that_prints_a_gigabyte_takes_neither_memory_nor_disk() {
    let fixture = Fixture::new();
    let server = fixture.server();
    let system = fixture.system();
    // The runner itself takes some, once.
    server.write_hook("api-post-deploy", "#!/bin/sh\n");
    system.run_hook(&fixture.cluster, &fixture.hook_step(Hook::PostDeploy), opkg_oda::RunId(1));
    server.write_hook(
        "api-post-deploy",
        "#!/bin/sh\nyes 0123456789abcdefghijklmnopqrstuvwxyz | head -c 1000000000\necho; echo the end\n",
    );
    let before = peak_memory_kib();
    let report = system.run_hook(&fixture.cluster, &fixture.hook_step(Hook::PostDeploy), opkg_oda::RunId(1));
    assert_eq!(report.outcome, Ok(()));
    assert!(report.trace.tail.ends_with("\nthe end"));
    assert!(std::fs::metadata(report.trace.log.unwrap()).unwrap().len() < 6 << 20);
    assert!(peak_memory_kib() - before < 8 << 10, "{} KiB", peak_memory_kib() - before);
}
