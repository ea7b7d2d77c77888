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
    rpms();
    debs();
    whole_corpus();
    ten_times_as_many();
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

/// A process of the program that builds the packages of these directories, and their source packages.
fn packages(opkgc: &Opkgc, dist: &str, directories: &[PathBuf]) -> Command {
    let output = scratch::directory("output");
    let mut command = opkgc.command(["--quiet", "--dist", dist, "-o"]);
    command.arg(output).args(directories);
    command
}

/// Three binary packages and the source package, beside the tool of the distribution on the same meta-files.
fn rpms() {
    let opkgc = Opkgc::new();
    let package = [example()];
    let mut all =
        vec![Work::new("opkgc, three RPMs and the SRPM", "10 ms", || packages(&opkgc, "rhel", &package))];
    if tools::available(&["rpmbuild"]) {
        let made = scratch::directory("peers");
        process::succeed(opkgc.command(["--dist", "rhel", "--source", "-o"]).arg(&made).args(&package));
        let top = made.join("rhel");
        all.push(Work::new("rpmbuild -bb of that spec", "", move || {
            let mut command = Command::new("rpmbuild");
            command.arg("-bb").arg("--define").arg(format!("_topdir {}", top.display()));
            command.arg(top.join("SPECS/opkg-jobwatch.spec"));
            command
        }));
    }
    compare("Packages of one OPKG as RPMs, cache warm", 20, &all);
}

fn debs() {
    let opkgc = Opkgc::new();
    let package = [example()];
    let mut all = vec![Work::new("opkgc, three debs and the source package", "20 ms", || {
        packages(&opkgc, "debian", &package)
    })];
    if tools::available(&["dpkg-buildpackage", "dh"]) {
        let made = scratch::directory("peers");
        process::succeed(opkgc.command(["--dist", "debian", "--source", "-o"]).arg(&made).args(&package));
        all.push(Work::new("dpkg-buildpackage -b of that tree", "", move || {
            let place = scratch::directory("peer");
            process::succeed(Command::new("cp").arg("-a").arg(made.join("debian")).arg(&place));
            let mut command = Command::new("dpkg-buildpackage");
            command.args(["-b", "-us", "-uc"]).current_dir(place.join("debian/opkg-jobwatch-2.4.0"));
            command
        }));
    }
    compare("Packages of one OPKG as debs, cache warm", 10, &all);
}

const SIX: &str = "rhel,fedora,suse,mandriva,debian,ubuntu";

/// Many packages for many distributions in one call: linear, on all cores, in flat memory.
fn whole_corpus() {
    let mut laid: Vec<PathBuf> = corpus::samples().iter().map(corpus::Sample::lay).collect();
    if laid.is_empty() {
        laid = (0..20).map(|seed| opkg_tests::generated::package(seed).lay()).collect();
    }
    let opkgc = Opkgc::new();
    let mut all: Vec<Work> = [1, 5, 10, laid.len()]
        .into_iter()
        .map(|count| {
            let (opkgc, some) = (&opkgc, laid[..count].to_vec());
            Work::new(&format!("{count} packages, 3 distributions"), "linear", move || {
                source(opkgc, "rhel,mandriva,debian", &some)
            })
        })
        .collect();
    let name = format!("{} packages built for 6 distributions", laid.len());
    all.push(Work::new(&name, "1 s, 100 MB", || packages(&opkgc, SIX, &laid)));
    compare("Many packages in one call", 20, &all);
}

/// Packages of all sizes and shapes, so that none weighs more than chance has it.
fn ten_times_as_many() {
    let laid: Vec<PathBuf> = (0..200).map(|seed| opkg_tests::generated::package(seed).lay()).collect();
    let opkgc = Opkgc::new();
    let all: Vec<Work> = [20, 60, 200]
        .into_iter()
        .map(|count| {
            let (opkgc, some) = (&opkgc, laid[..count].to_vec());
            Work::new(&format!("{count} packages built for 6 distributions"), "linear", move || {
                packages(opkgc, SIX, &some)
            })
        })
        .collect();
    compare("Ten times as many", 5, &all);
}
