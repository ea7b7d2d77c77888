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

use opkg_tests::opkgc::{self, OpkgcEnvironment};
use opkg_tests::{corpus, process, scratch, tools};

use measure::{Benchmark, run_benchmarks};

fn main() {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let [flag, command @ ..] = arguments.as_slice()
        && flag == measure::PEAK_FLAG
    {
        return measure::print_peak(command);
    }
    println!("{} processors, {}", std::thread::available_parallelism().unwrap(), opkgc::program().display());
    bench_warm_cache();
    bench_cold_cache();
    bench_rpms();
    bench_debs();
    bench_corpus();
    bench_scaling();
}

fn example() -> PathBuf {
    opkgc::workspace().join("examples/jobwatch")
}

/// A process of the program that compiles these directories into a directory of its own.
fn source_command(opkgc: &OpkgcEnvironment, dist: &str, directories: &[PathBuf]) -> Command {
    let output = scratch::create_directory("output");
    let mut command = opkgc.command(["--quiet", "--dist", dist, "--source", "-o"]);
    command.arg(output).args(directories);
    command
}

/// The cache is warm, the files are in memory: what an author waits for all day long.
fn bench_warm_cache() {
    let opkgc = OpkgcEnvironment::new();
    let package = [example()];
    let work = |name: &str, budget: &'static str, dist: &'static str| {
        let (opkgc, package) = (&opkgc, &package);
        Benchmark::new(name, budget, move || source_command(opkgc, dist, package))
    };
    let mut all = vec![
        work("opkgc --source, rhel", "10 ms, 25 MB", "rhel"),
        work("opkgc --source, mandriva", "10 ms, 25 MB", "mandriva"),
        work("opkgc --source, debian", "10 ms, 25 MB", "debian"),
        work("opkgc --source, all three", "", "rhel,mandriva,debian"),
        Benchmark::new("opkgc check", "", || opkgc.command([Path::new("check"), &package[0]])),
    ];
    if tools::all_installed(&["rpmspec", "rpmbuild", "dpkg-source"]) {
        let made = scratch::create_directory("peers");
        process::run_successfully(
            opkgc.command(["--dist", "rhel,debian", "--source", "-o"]).arg(&made).args(&package),
        );
        let top = made.join("rhel");
        let spec = top.join("SPECS/opkg-jobwatch.spec");
        let parse = spec.clone();
        all.push(Benchmark::new("rpmspec -P of that spec", "", move || {
            let mut command = Command::new("rpmspec");
            command.arg("-P").arg(&parse);
            command
        }));
        all.push(Benchmark::new("rpmbuild -bs of that spec", "", move || {
            let mut command = Command::new("rpmbuild");
            command.arg("-bs").arg("--define").arg(format!("_topdir {}", top.display())).arg(&spec);
            command
        }));
        all.push(Benchmark::new("dpkg-source -b of that tree", "", move || {
            let mut command = Command::new("dpkg-source");
            let tree = "opkg-jobwatch-2.4.0";
            command.args(["-b", tree]).current_dir(made.join("debian"));
            command
        }));
    }
    run_benchmarks("One package, cache warm", 40, &all);
}

/// Nothing is in the cache: every plugin that is needed is compiled first.
fn bench_cold_cache() {
    let package = [example()];
    let work = |name: &str, budget, dist: &'static str| {
        let package = &package;
        Benchmark::new(name, budget, move || {
            source_command(&OpkgcEnvironment::with_cold_cache(), dist, package)
        })
    };
    let all = [
        work("opkgc --source, rhel", "80 ms", "rhel"),
        work("opkgc --source, debian", "80 ms", "debian"),
        work("opkgc --source, all three", "", "rhel,mandriva,debian"),
    ];
    run_benchmarks("One package, right after installation", 20, &all);
}

/// A process of the program that builds the packages of these directories, and their source packages.
fn package_command(opkgc: &OpkgcEnvironment, dist: &str, directories: &[PathBuf]) -> Command {
    let output = scratch::create_directory("output");
    let mut command = opkgc.command(["--quiet", "--dist", dist, "-o"]);
    command.arg(output).args(directories);
    command
}

/// Three binary packages and the source package, beside the tool of the distribution on the same meta-files.
fn bench_rpms() {
    let opkgc = OpkgcEnvironment::new();
    let package = [example()];
    let mut all = vec![Benchmark::new("opkgc, three RPMs and the SRPM", "10 ms", || {
        package_command(&opkgc, "rhel", &package)
    })];
    if tools::all_installed(&["rpmbuild"]) {
        let made = scratch::create_directory("peers");
        process::run_successfully(
            opkgc.command(["--dist", "rhel", "--source", "-o"]).arg(&made).args(&package),
        );
        let top = made.join("rhel");
        all.push(Benchmark::new("rpmbuild -bb of that spec", "", move || {
            let mut command = Command::new("rpmbuild");
            command.arg("-bb").arg("--define").arg(format!("_topdir {}", top.display()));
            command.arg(top.join("SPECS/opkg-jobwatch.spec"));
            command
        }));
    }
    run_benchmarks("Packages of one OPKG as RPMs, cache warm", 20, &all);
}

fn bench_debs() {
    let opkgc = OpkgcEnvironment::new();
    let package = [example()];
    let mut all = vec![Benchmark::new("opkgc, three debs and the source package", "20 ms", || {
        package_command(&opkgc, "debian", &package)
    })];
    if tools::all_installed(&["dpkg-buildpackage", "dh"]) {
        let made = scratch::create_directory("peers");
        process::run_successfully(
            opkgc.command(["--dist", "debian", "--source", "-o"]).arg(&made).args(&package),
        );
        all.push(Benchmark::new("dpkg-buildpackage -b of that tree", "", move || {
            let place = scratch::create_directory("peer");
            process::run_successfully(Command::new("cp").arg("-a").arg(made.join("debian")).arg(&place));
            let mut command = Command::new("dpkg-buildpackage");
            command.args(["-b", "-us", "-uc"]).current_dir(place.join("debian/opkg-jobwatch-2.4.0"));
            command
        }));
    }
    run_benchmarks("Packages of one OPKG as debs, cache warm", 10, &all);
}

const SIX_DISTRIBUTIONS: &str = "rhel,fedora,suse,mandriva,debian,ubuntu";

/// Many packages for many distributions in one call: linear, on all cores, in flat memory.
fn bench_corpus() {
    let mut laid: Vec<PathBuf> =
        corpus::samples().iter().map(corpus::CorpusPackage::write_to_scratch).collect();
    if laid.is_empty() {
        laid = (0..20).map(|seed| opkg_tests::generated::generate(seed).write_to_scratch()).collect();
    }
    let opkgc = OpkgcEnvironment::new();
    let mut all: Vec<Benchmark> = [1, 5, 10, laid.len()]
        .into_iter()
        .map(|count| {
            let (opkgc, some) = (&opkgc, laid[..count].to_vec());
            Benchmark::new(&format!("{count} packages, 3 distributions"), "linear", move || {
                source_command(opkgc, "rhel,mandriva,debian", &some)
            })
        })
        .collect();
    let name = format!("{} packages built for 6 distributions", laid.len());
    all.push(Benchmark::new(&name, "1 s, 100 MB", || package_command(&opkgc, SIX_DISTRIBUTIONS, &laid)));
    run_benchmarks("Many packages in one call", 20, &all);
}

/// Packages of all sizes and shapes, so that none weighs more than chance has it.
fn bench_scaling() {
    let laid: Vec<PathBuf> =
        (0..200).map(|seed| opkg_tests::generated::generate(seed).write_to_scratch()).collect();
    let opkgc = OpkgcEnvironment::new();
    let all: Vec<Benchmark> = [20, 60, 200]
        .into_iter()
        .map(|count| {
            let (opkgc, some) = (&opkgc, laid[..count].to_vec());
            Benchmark::new(&format!("{count} packages built for 6 distributions"), "linear", move || {
                package_command(opkgc, SIX_DISTRIBUTIONS, &some)
            })
        })
        .collect();
    run_benchmarks("Ten times as many", 5, &all);
}
