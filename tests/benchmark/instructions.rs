//! Instructions, which depend on nothing else that the machine does.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::tools;

use crate::one_package::example;
use crate::report::Report;

pub fn measure(report: &mut Report) {
    if !tools::all_installed(&["valgrind"]) {
        return;
    }
    let environment = OpkgcEnvironment::new();
    let package = [example()];
    let programs = report.programs.clone();
    let source = |dist: &str| programs.build(&environment, &["--source", "--dist", dist], &package);
    let subjects = [
        ("`opkgc --source`, rhel", source("rhel")),
        ("`opkgc --source`, debian", source("debian")),
        ("`opkgc`, three RPMs and the SRPM", programs.build(&environment, &["--dist", "rhel"], &package)),
        (
            "`opkgc`, three debs and the source package",
            programs.build(&environment, &["--dist", "debian"], &package),
        ),
    ];
    let mut table = String::from("\n### Instructions, cache warm\n\n| | millions |\n|---|---:|\n");
    for (name, command) in subjects {
        // The first run fills the cache: what the processor seems to be decides on the code.
        count(&command);
        let _ = writeln!(table, "| {name} | {:.1} |", count(&command) / 1e6);
    }
    report.print(&table);
}

fn count(measured: &Command) -> f64 {
    let mut command = Command::new("valgrind");
    command.env_clear().args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(measured.get_program()).args(measured.get_args());
    command.envs(measured.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = measured.get_current_dir() {
        command.current_dir(directory);
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let collected = text.lines().find_map(|line| line.split_once("Collected : "));
    collected.unwrap_or_else(|| panic!("{text}")).1.trim().parse().unwrap()
}
