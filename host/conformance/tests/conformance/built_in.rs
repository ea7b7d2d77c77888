//! The plugins that are part of the program hold all rules.

use std::fmt::Write as _;

use opkg_conformance::{Options, Report, TargetChoice, run};

use crate::good_plugins;

/// What is wrong, a line each.
fn failures(report: &Report) -> String {
    let mut text = String::new();
    for failed in report.failed() {
        writeln!(text, "{} ({} of {} checks):", failed.rule.name, failed.findings(), failed.entry.checks)
            .unwrap();
        for finding in failed.entry.findings.iter().take(6) {
            let place = [&finding.opkg, &finding.target].map(|it| it.as_deref().unwrap_or("-")).join(" for ");
            writeln!(text, "    {place}: {}", finding.found).unwrap();
        }
    }
    text
}

/// For a few targets of each: all of them take minutes without optimisation, and are tried where `OPKG_CONFORMANCE_ALL` is set.
#[test]
fn built_in_plugins_hold_all_rules() {
    let choice = match std::env::var_os("OPKG_CONFORMANCE_ALL") {
        Some(_) => TargetChoice::All,
        None => TargetChoice::Few,
    };
    let plugins = good_plugins::all();
    assert!(plugins.len() >= 7, "{}", plugins.len());
    let mut all = String::new();
    for plugin in plugins {
        let start = std::time::Instant::now();
        let options = Options { targets: choice, threads: 2, ..Options::default() };
        let report = run(plugin, &options).unwrap();
        println!(
            "{}: {} OPKGs, {} targets, {:?}",
            report.plugin,
            report.opkgs,
            report.targets,
            start.elapsed()
        );
        if !report.is_ok() {
            writeln!(all, "== {}\n{}", report.plugin, failures(&report)).unwrap();
        }
    }
    assert!(all.is_empty(), "{all}");
}
