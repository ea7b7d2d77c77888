//! What other tools need to make the same packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::{process, scratch, tools};

/// Runs `nfpm` once for each of the packages of that ending in a directory, with the same files in them. None where it
/// is not installed.
pub fn nfpm(made: &Path, ending: &str) -> Option<impl Fn() -> Command + use<>> {
    let program = tools::all_installed(&["nfpm"]).then(|| tools::find_program("nfpm"))??;
    let configurations: Vec<PathBuf> =
        packages(made, ending).iter().map(|package| configure_nfpm(package, ending)).collect();
    let output = scratch::create_directory("nfpm");
    let ending = ending.to_owned();
    Some(move || {
        // A shell of three commands: its own start is a thousandth of theirs.
        let mut command = Command::new("sh");
        command.args(["-ec", "program=$1 ending=$2 output=$3; shift 3; for file; do \"$program\" package -f \"$file\" -p \"$ending\" -t \"$output/\"; done", "sh"]);
        command.arg(&program).arg(&ending).arg(&output).args(&configurations);
        command
    })
}

/// Binary packages in a directory.
pub fn packages(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let is_binary = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.ends_with(&format!(".{ending}")) && !name.ends_with(".src.rpm")
    };
    let mut found: Vec<PathBuf> = entries.filter(is_binary).collect();
    found.sort();
    found
}

/// Unpacks a package, and writes what nfpm has to know to pack its files again.
fn configure_nfpm(package: &Path, ending: &str) -> PathBuf {
    let tree = scratch::create_directory("tree");
    if ending == "rpm" {
        let mut unpack = Command::new("sh");
        unpack.args(["-ec", "rpm2cpio \"$1\" | cpio -idm --quiet", "sh"]).arg(package).current_dir(&tree);
        process::run_successfully(&mut unpack);
    } else {
        process::run_successfully(Command::new("dpkg-deb").arg("-x").arg(package).arg(&tree));
    }
    let name = package.file_stem().unwrap().to_string_lossy();
    let name = name.split(['_', '.']).next().unwrap();
    let text = format!(
        "name: {name}\narch: all\nplatform: linux\nversion: 1.0.0\nmaintainer: Ada <ada@example.org>\n\
         description: the same files\nrpm:\n  compression: zstd\ndeb:\n  compression: xz\ncontents:\n\
         - src: {}\n  dst: /\n  type: tree\n",
        tree.display()
    );
    let configuration = scratch::create_directory("nfpm").join("nfpm.yaml");
    fs_err::write(&configuration, text).unwrap();
    configuration
}
