//! How much sooner a run ends that works on several roots at a time: 8 images and 50 nodes, with a package manager that
//! takes its time and uses no processor.

use std::fmt::Write as _;
use std::path::Path;

use opkg_tests::roots::fake;
use opkg_tests::{process, scratch, tools};

use crate::measure;
use crate::programs::Programs;
use crate::report::Report;

const IMAGES: u32 = 8;
const NODES: u32 = 50;
const JOBS: [u32; 4] = [1, 2, 4, 8];

/// Seconds that one installation takes, beside what `opm` and its processes take.
const INSTALLATION: &str = "0.5";

pub fn measure(report: &mut Report) {
    if !tools::is_root() || !tools::all_installed(&["busybox"]) {
        report.print("\nSeveral roots at a time: not measured, it takes root and busybox.\n");
        return;
    }
    let roots = scratch::create_directory("roots");
    let names: Vec<String> = (1..=IMAGES)
        .map(|number| format!("image{number}"))
        .chain((1..=NODES).map(|number| format!("node{number:02}")))
        .chain(["head".to_owned()])
        .collect();
    for name in &names {
        fake::create(&roots.join(name));
        fake::before_installations(&roots.join(name), &format!("sleep {INSTALLATION}"));
    }
    let mut table = format!(
        "\n### {IMAGES} images and {NODES} nodes, each installation {INSTALLATION} s (one run)\n\n\
         | `opm run --jobs` | s | speed-up |\n|---:|---:|---:|\n"
    );
    let mut alone = None;
    for jobs in JOBS {
        let database = prepare(&report.programs, &roots, &names);
        let mut command = report.programs.opm(&database);
        command.args(["run", "--jobs", &jobs.to_string()]);
        let took = measure::time_once(command) / 1000.0;
        let ratio = *alone.get_or_insert(took) / took;
        let _ = writeln!(table, "| {jobs} | {took:.1} | {ratio:.2} |");
    }
    report.print(&table);
    let _ = fs_err::remove_dir_all(&roots);
}

/// A new database of all roots, in which nothing is installed, and a package that is requested everywhere.
fn prepare(programs: &Programs, roots: &Path, names: &[String]) -> std::path::PathBuf {
    for name in names {
        let installed = roots.join(name).join("db");
        fs_err::remove_dir_all(&installed).unwrap();
        fs_err::create_dir(&installed).unwrap();
    }
    let directory = scratch::create_directory("jobs");
    fs_err::create_dir(directory.join("settings")).unwrap();
    let log = format!("log_directory = \"{}\"\n", directory.join("log").display());
    fs_err::write(directory.join("settings/opm.toml"), log).unwrap();
    let database = directory.join("oda.db");
    let (root, head) = (roots.display().to_string(), roots.join("head").display().to_string());
    let commands: [&[&str]; 5] = [
        &["init", "--name", "head", "--root", &head],
        &["target", "add", &format!("image:image[1-{IMAGES}]"), "--root", &root],
        &["target", "add", &format!("client:node[01-{NODES}]"), "--root", &root],
        &["phase", "set", "test_install"],
        &["request", "--new", "demo"],
    ];
    for arguments in commands {
        process::run_successfully(programs.opm(&database).args(arguments));
    }
    database
}
