//! One OPKG: what its author waits for.

use std::path::PathBuf;
use std::process::Command;

use opkg_tests::opkgc::{self, OpkgcEnvironment};
use opkg_tests::{process, scratch, tools};

use crate::measure::Subject;
use crate::peers;
use crate::report::Report;

pub fn example() -> PathBuf {
    opkgc::workspace().join("examples/jobwatch")
}

/// The cache is warm, the files are in memory: what an author waits for all day long.
pub fn measure_warm(report: &mut Report) {
    let environment = OpkgcEnvironment::new();
    let package = [example()];
    let source = |name: &str, goal: &'static str, dist: &'static str| {
        let (environment, package) = (&environment, &package);
        Subject::own(name, goal, move |programs| {
            programs.build(environment, &["--source", "--dist", dist], package)
        })
    };
    let mut subjects = vec![
        source("`opkgc --source`, rhel", "0.5", "rhel"),
        source("`opkgc --source`, debian", "0.5", "debian"),
        source("`opkgc --source`, three distributions", "", "rhel,mandriva,debian"),
        Subject::own("`opkgc check`", "", |programs| {
            let mut command = programs.opkgc(&environment);
            command.arg("check").arg(&package[0]);
            command
        }),
        Subject::own("`opkgc --version`", "", |programs| {
            let mut command = programs.opkgc(&environment);
            command.arg("--version");
            command
        }),
    ];
    // What any tool in that language would pay before its first line.
    if tools::all_installed(&["python3"]) {
        let program = ["/usr/bin/python3", "python3"].into_iter().find(|it| PathBuf::from(it).exists());
        let program = program.unwrap_or("python3");
        subjects.push(Subject::peer("`python3 -c pass`", move || {
            let mut command = Command::new(program);
            command.args(["-c", "pass"]);
            command
        }));
    }
    if tools::all_installed(&["rpmspec", "rpmbuild", "dpkg-source"]) {
        let made = scratch::create_directory("peers");
        process::run_successfully(
            environment.command(["--dist", "rhel,debian", "--source", "-o"]).arg(&made).args(&package),
        );
        let top = made.join("rhel");
        subjects.push(Subject::peer("`rpmbuild -bs` of that spec", move || {
            let mut command = Command::new("rpmbuild");
            command.arg("-bs").arg("--define").arg(format!("_topdir {}", top.display()));
            command.arg(top.join("SPECS/opkg-jobwatch.spec"));
            command
        }));
        subjects.push(Subject::peer("`dpkg-source -b` of that tree", move || {
            let mut command = Command::new("dpkg-source");
            command.args(["-b", "opkg-jobwatch-2.4.0"]).current_dir(made.join("debian"));
            command
        }));
    }
    report.measure("One OPKG, cache warm", 40, &subjects);
}

/// Nothing is in the cache: every plugin that is needed is compiled first.
pub fn measure_first(report: &mut Report) {
    let package = [example()];
    let first = |name: &str, goal, dist: &'static str| {
        let package = &package;
        Subject::own(name, goal, move |programs| {
            programs.build(&OpkgcEnvironment::with_cold_cache(), &["--source", "--dist", dist], package)
        })
    };
    let subjects = [
        first("`opkgc --source`, rhel", "80 ms", "rhel"),
        first("`opkgc --source`, debian", "80 ms", "debian"),
        first("`opkgc --source`, three distributions", "", "rhel,mandriva,debian"),
    ];
    report.measure("One OPKG, nothing in the cache", 20, &subjects);
}

/// Binary packages and the source package, beside the tools of the distributions on the same meta-files, and nfpm on the
/// same files.
pub fn measure_packages(report: &mut Report) {
    let environment = OpkgcEnvironment::new();
    let package = [example()];
    for (title, dist, ending) in [
        ("Three RPMs and the SRPM", "rhel-9", "rpm"),
        ("Three debs and the source package", "debian-12", "deb"),
    ] {
        let made = scratch::create_directory("peers");
        process::run_successfully(environment.command(["--dist", dist, "-o"]).arg(&made).args(&package));
        let made = made.join(dist);
        let mut subjects = vec![Subject::own("`opkgc`", "0.5", |programs| {
            programs.build(&environment, &["--dist", dist], &package)
        })];
        subjects.push(Subject::own("`opkgc --compression full`", "", |programs| {
            programs.build(&environment, &["--compression", "full", "--dist", dist], &package)
        }));
        subjects
            .extend(peers::nfpm(&made, ending).map(|command| Subject::peer("`nfpm`, three times", command)));
        if ending == "rpm" && tools::all_installed(&["rpmbuild"]) {
            let top = made.clone();
            subjects.push(Subject::peer("`rpmbuild -ba`", move || {
                let mut command = Command::new("rpmbuild");
                command.arg("-ba").arg("--define").arg(format!("_topdir {}", top.display()));
                command.arg(top.join("SPECS/opkg-jobwatch.spec"));
                command
            }));
        }
        if ending == "deb" && tools::all_installed(&["dpkg-buildpackage", "dh"]) {
            let made = made.clone();
            subjects.push(Subject::peer("`dpkg-buildpackage`", move || {
                let place = scratch::create_directory("peer");
                process::run_successfully(Command::new("cp").arg("-a").arg(&made).arg(&place));
                let mut command = Command::new("dpkg-buildpackage");
                let tree = place.join(made.file_name().unwrap()).join("opkg-jobwatch-2.4.0");
                command.args(["-us", "-uc"]).current_dir(tree);
                command
            }));
        }
        report.measure(title, 15, &subjects);
        report.print(&compare_sizes(&environment, &package, dist, ending));
    }
}

/// How large the packages become, as usual and with full effort.
fn compare_sizes(environment: &OpkgcEnvironment, package: &[PathBuf], dist: &str, ending: &str) -> String {
    let [usual, full] = ["auto", "full"].map(|effort| {
        let output = scratch::create_directory("sizes");
        let mut command = environment.command(["--quiet", "--compression", effort, "--dist", dist, "-o"]);
        process::run_successfully(command.arg(&output).args(package));
        let packages = peers::packages(&output.join(dist), ending);
        packages.iter().map(|package| fs_err::metadata(package).unwrap().len()).sum::<u64>()
    });
    let [usual, full] = [usual, full].map(|bytes| f64::from(u32::try_from(bytes).unwrap()));
    format!("\nTogether they have {usual} bytes, {:.2} times as many as with full effort.\n", usual / full)
}
