//! How long the program takes, and how much memory, as whole processes: medians, beside what a packager
//! would otherwise wait for, in the same run. `tests/bench` runs it on an optimised build.
//!
//! It measures and judges nothing: the budgets are printed beside the figures, since what a machine can do
//! depends on what else it is doing.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod measure;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::opkgc::{self, Opkgc};
use opkg_tests::{corpus, process, scratch, tools};

use measure::{Work, compare};

fn main() {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let [flag, command @ ..] = arguments.as_slice()
        && flag == measure::PEAK
    {
        return measure::print_peak(command);
    }
    println!("{} processors, {}", std::thread::available_parallelism().unwrap(), opkgc::program().display());
    one_package();
    after_installation();
    whole_corpus();
}

fn example() -> PathBuf {
    opkgc::workspace().join("examples/jobwatch")
}

/// A process of the program that compiles these directories into a directory of its own.
fn source(opkgc: &Opkgc, dist: &str, directories: &[PathBuf]) -> Command {
    let output = scratch::directory("output");
    let mut command = opkgc.command(["--quiet", "--dist", dist, "--source", "-o"]);
    command.arg(output).args(directories);
    command
}

/// The cache is warm, the files are in memory: what an author waits for all day long.
fn one_package() {
    let opkgc = Opkgc::new();
    let package = [example()];
    let work = |name: &str, budget: &'static str, dist: &'static str| {
        let (opkgc, package) = (&opkgc, &package);
        Work::new(name, budget, move || source(opkgc, dist, package))
    };
    let mut all = vec![
        work("opkgc --source, rhel", "10 ms, 25 MB", "rhel"),
        work("opkgc --source, mandriva", "10 ms, 25 MB", "mandriva"),
        work("opkgc --source, debian", "10 ms, 25 MB", "debian"),
        work("opkgc --source, all three", "", "rhel,mandriva,debian"),
        Work::new("opkgc check", "", || opkgc.command([Path::new("check"), &package[0]])),
    ];
    if tools::available(&["rpmspec", "rpmbuild", "dpkg-source"]) {
        let made = scratch::directory("peers");
        process::succeed(
            opkgc.command(["--dist", "rhel,debian", "--source", "-o"]).arg(&made).args(&package),
        );
        let top = made.join("rhel");
        let spec = top.join("SPECS/opkg-jobwatch.spec");
        let parse = spec.clone();
        all.push(Work::new("rpmspec -P of that spec", "", move || {
            let mut command = Command::new("rpmspec");
            command.arg("-P").arg(&parse);
            command
        }));
        all.push(Work::new("rpmbuild -bs of that spec", "", move || {
            let mut command = Command::new("rpmbuild");
            command.arg("-bs").arg("--define").arg(format!("_topdir {}", top.display())).arg(&spec);
            command
        }));
        all.push(Work::new("dpkg-source -b of that tree", "", move || {
            let mut command = Command::new("dpkg-source");
            let tree = "opkg-jobwatch-2.4.0";
            command.args(["-b", tree]).current_dir(made.join("debian"));
            command
        }));
    }
    compare("One package, cache warm", 40, &all);
}

/// Nothing is in the cache: every plugin that is needed is compiled first.
fn after_installation() {
    let package = [example()];
    let work = |name: &str, budget, dist: &'static str| {
        let package = &package;
        Work::new(name, budget, move || source(&Opkgc::fresh(), dist, package))
    };
    let all = [
        work("opkgc --source, rhel", "80 ms", "rhel"),
        work("opkgc --source, debian", "80 ms", "debian"),
        work("opkgc --source, all three", "", "rhel,mandriva,debian"),
    ];
    compare("One package, right after installation", 20, &all);
}

/// Many packages for many distributions in one call: linear, on all cores, in flat memory.
fn whole_corpus() {
    let mut laid: Vec<PathBuf> = corpus::samples().iter().map(corpus::Sample::lay).collect();
    if laid.is_empty() {
        laid = (0..20).map(|seed| opkg_tests::generated::package(seed).lay()).collect();
    }
    let opkgc = Opkgc::new();
    let all: Vec<Work> = [1, 5, 10, laid.len()]
        .into_iter()
        .map(|count| {
            let (opkgc, some) = (&opkgc, laid[..count].to_vec());
            Work::new(&format!("{count} packages, 3 distributions"), "linear", move || {
                source(opkgc, "rhel,mandriva,debian", &some)
            })
        })
        .collect();
    compare("Many packages in one call", 20, &all);
}
