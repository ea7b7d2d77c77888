//! How long the programs take, and how much memory, as whole processes: beside what others would take for the same, in the
//! same run. `tests/bench` runs it on optimised builds; `tests/bench --help` says what there is.
//!
//! It measures and judges nothing: goals are printed beside the figures, since what a machine can do depends on what else
//! it is doing. `docs/benchmarks.md` has the last results, which `--record` writes.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod arguments;
mod cluster;
mod cluster_database;
mod growth;
mod indices;
mod instructions;
mod jobs;
mod measure;
mod one_package;
mod peers;
mod plot;
mod programs;
mod report;

use std::ffi::OsString;

use arguments::Arguments;
use report::Report;

/// Measures something, and adds what comes of it.
type Measure = fn(&mut Report);

/// What can be measured, by the names that the command line has for it.
const GROUPS: [(&str, Measure); 8] = [
    ("warm", one_package::measure_warm),
    ("first", one_package::measure_first),
    ("packages", one_package::measure_packages),
    ("index", indices::measure),
    ("cluster", cluster::measure),
    ("jobs", jobs::measure),
    ("growth", growth::measure),
    ("instructions", instructions::measure),
];

fn main() {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let [flag, command @ ..] = words.as_slice()
        && flag == measure::PEAK_FLAG
    {
        return measure::print_peak(command);
    }
    let names = GROUPS.map(|(name, _)| name);
    let arguments = match Arguments::parse(&words, &names) {
        Ok(arguments) => arguments,
        Err(message) => {
            println!("{message}");
            std::process::exit(if message.starts_with("usage") { 0 } else { 2 });
        }
    };
    let mut report = Report::new(programs::Programs::built(), arguments.other);
    for (name, measure) in GROUPS {
        if arguments.groups.is_empty() || arguments.groups.iter().any(|group| group == name) {
            measure(&mut report);
        }
    }
    if arguments.record {
        report.record();
    }
}
