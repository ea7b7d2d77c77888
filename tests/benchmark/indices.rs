//! Indices of many packages, beside the tools that are usual for them.

use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::{scratch, tools};

use crate::growth::many_opkgs;
use crate::measure::Subject;
use crate::peers;
use crate::programs::Programs;
use crate::report::Report;

/// OPKGs, of which there are about 5,000 packages of each kind.
const OPKGS: usize = 1250;

pub fn measure(report: &mut Report) {
    let environment = OpkgcEnvironment::new();
    let made = make_packages(&report.programs, &environment);
    let (rpms, debs) = (made.join("rhel-9"), made.join("debian-12"));
    let index = |name: &str, directory: &PathBuf| {
        let (environment, directory) = (&environment, directory.clone());
        Subject::own(name, "1.0", move |programs| {
            let mut command = programs.opkgc(environment);
            command.arg("index").arg(&directory);
            command
        })
    };
    let output = scratch::create_directory("index");
    let mut subjects = vec![index("`opkgc index`", &rpms)];
    if tools::all_installed(&["createrepo_c"]) {
        let (rpms, output) = (&rpms, &output);
        let createrepo = move |options: &'static [&'static str]| {
            move || {
                let mut command = Command::new("createrepo_c");
                command.args(["--quiet", "--outputdir"]).arg(output).args(options).arg(rpms);
                command
            }
        };
        subjects.push(Subject::peer("`createrepo_c --no-database`", createrepo(&["--no-database"])));
        subjects.push(Subject::peer(
            "`createrepo_c --no-database --update`",
            createrepo(&["--no-database", "--update"]),
        ));
        subjects.push(Subject::peer("`createrepo_c`", createrepo(&[])));
    }
    let count = peers::packages(&rpms, "rpm").len();
    report.measure(&format!("Index of {count} RPMs and their sources"), 7, &subjects);

    let mut subjects = vec![index("`opkgc index`", &debs)];
    if tools::all_installed(&["apt-ftparchive", "xz", "gzip"]) {
        let script = |text: &'static str| {
            let (debs, output) = (debs.clone(), output.clone());
            move || {
                let mut command = Command::new("sh");
                command.args(["-ec", text, "sh"]).arg(&output).current_dir(&debs);
                command
            }
        };
        subjects.push(Subject::peer(
            "`apt-ftparchive` for packages, sources and release, `xz`, `gzip`",
            script(
                "for list in packages sources; do apt-ftparchive $list . > \"$1/$list\"; \
                 xz --keep --force \"$1/$list\"; gzip --keep --force \"$1/$list\"; done; \
                 apt-ftparchive release \"$1\" > \"$1/Release\"",
            ),
        ));
        subjects.push(Subject::peer(
            "`apt-ftparchive packages` alone",
            script("apt-ftparchive packages . > \"$1/packages\""),
        ));
    }
    let count = peers::packages(&debs, "deb").len();
    report.measure(&format!("Index of {count} debs and their sources"), 7, &subjects);
}

/// A directory of packages of each kind, without anything else in it.
fn make_packages(programs: &Programs, environment: &OpkgcEnvironment) -> PathBuf {
    let opkgs = many_opkgs(OPKGS);
    let made = scratch::create_directory("many");
    let mut command = programs.opkgc(environment);
    command.args(["--quiet", "--dist", "rhel-9,debian-12", "-o"]).arg(&made).args(&opkgs);
    assert!(command.stdout(std::process::Stdio::null()).status().unwrap().success());
    for dist in ["rhel-9", "debian-12"] {
        remove_directories(&made.join(dist));
    }
    made
}

/// Meta-files: whoever runs a package source has packages in it alone.
fn remove_directories(directory: &Path) {
    for entry in fs_err::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            fs_err::remove_dir_all(path).unwrap();
        }
    }
}
