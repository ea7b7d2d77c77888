//! Whatever goes wrong while writing: one clear message, and nothing half-written.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use opkg_tests::opkgc::{self, OpkgcEnvironment};
use opkg_tests::process::{self, ProcessOutput};
use opkg_tests::{file_tree, scratch, tools};

use crate::builds;

fn example() -> String {
    builds::example_directories().remove(0).to_string_lossy().into_owned()
}

fn assert_rejected(ended: &ProcessOutput, output: &Path) {
    assert_eq!(ended.code, Some(1), "{}", ended.combined_output());
    assert!(ended.stderr.contains(output.to_str().unwrap()), "names the place: {}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

#[test]
fn the_output_directory_is_a_file() {
    let output = scratch::create_directory("file").join("output");
    fs_err::write(&output, "mine").unwrap();
    let ended = OpkgcEnvironment::new().run([
        "--dist",
        "rhel",
        "--source",
        "-o",
        output.to_str().unwrap(),
        &example(),
    ]);
    assert_rejected(&ended, &output);
    assert_eq!(fs_err::read_to_string(&output).unwrap(), "mine");
}

/// More OPKGs than are kept in memory, for targets of which two have something in their way: what is said and written is
/// the same on one thread and on several, in the order in which it was asked for.
#[test]
fn what_is_said_of_many_does_not_depend_on_the_number_of_threads() {
    const OPKGS: usize = 40;
    const PACKAGES: usize = 3;
    let place = scratch::create_directory("many");
    for number in 0..OPKGS {
        let filter = if number % 7 == 0 { "<filters><dist>suse</dist></filters>" } else { "" };
        let config = file_tree::minimal_config(&format!("demo{number}"), filter);
        file_tree::write_tree(
            &place.join(format!("demo{number}")),
            &[
                file_tree::TreeEntry::file("config.xml", 0o644, config),
                file_tree::TreeEntry::file("doc/README", 0o644, format!("Read {number}.\n")),
            ],
        );
    }
    let [alone, several] = ["1", "4"].map(|jobs| {
        let output = place.join("output");
        fs_err::create_dir(&output).unwrap();
        fs_err::write(output.join("debian-12"), "mine").unwrap();
        fs_err::write(output.join("fedora"), "mine").unwrap();
        let mut command = OpkgcEnvironment::new().command(["--verbose", "--jobs", jobs, "--repo"]);
        command.args(["--dist", "rhel-9,fedora,suse,debian-12", "-o", "output"]).current_dir(&place);
        command.args((0..OPKGS).map(|number| format!("demo{number}")));
        let ended = process::run(&mut command);
        let tree = file_tree::read_tree(&output);
        fs_err::remove_dir_all(output).unwrap();
        (ended.code, ended.stdout, ended.stderr, tree)
    });
    assert_eq!(alone.0, Some(1), "{}", alone.2);
    let [fedora, debian] =
        ["output for fedora:\n", "output for debian-12:\n"].map(|said| alone.2.find(said).unwrap());
    assert!(fedora < debian, "{}", alone.2);
    let packages = |target: &str| {
        let of_target = |line: &&str| line.starts_with(&format!("output/{target}/opkg-demo"));
        alone.1.lines().filter(of_target).filter(|line| line.ends_with(".noarch.rpm")).count()
    };
    assert_eq!(packages("suse"), OPKGS * PACKAGES);
    let excluded = (0..OPKGS).filter(|number| number % 7 == 0).count();
    assert_eq!(packages("rhel-9"), (OPKGS - excluded) * PACKAGES);
    assert_eq!(packages("fedora"), 0);
    let [rhel, suse] = ["rhel-9", "suse"]
        .map(|target| alone.1.find(&format!("output/{target}/repodata/repomd.xml\n")).unwrap());
    assert!(rhel < suse, "{}", alone.1);
    assert_eq!(alone.1, several.1, "standard output");
    assert_eq!(alone.2, several.2, "standard error");
    assert!(alone.3 == several.3, "files");
}

#[test]
fn the_output_directory_cannot_be_written() {
    if !tools::is_root() || !tools::all_installed(&["setpriv"]) {
        return;
    }
    let output = tempfile::tempdir().unwrap();
    fs_err::set_permissions(output.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let opkgc = OpkgcEnvironment::new();
    let mut command = Command::new("setpriv");
    opkgc.apply_environment(&mut command);
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(opkgc::program());
    command.args(["--dist", "rhel,debian", "--source", "-o"]).arg(output.path()).arg(example());
    assert_rejected(&process::run(&mut command), output.path());
    assert!(file_tree::read_tree(output.path()).is_empty());
}

#[test]
fn the_disk_is_full() {
    if !tools::is_root() || !tools::all_installed(&["mount", "umount"]) {
        return;
    }
    let small = scratch::create_directory("disk");
    let mount = ["-t", "tmpfs", "-o", "size=24k", "tmpfs"];
    if process::run(Command::new("mount").args(mount).arg(&small)).code != Some(0) {
        return tools::skip("this machine does not let root mount a file system");
    }
    let ended = OpkgcEnvironment::new().run([
        "--dist",
        "debian",
        "--source",
        "-o",
        small.to_str().unwrap(),
        &example(),
    ]);
    let left = file_tree::read_tree(&small);
    process::run_successfully(Command::new("umount").arg(&small));
    assert_rejected(&ended, &small);
    assert!(left.is_empty(), "{:?}", left.iter().map(|(path, _)| path).collect::<Vec<_>>());
}

#[test]
fn a_second_run_replaces_the_first() {
    let opkgc = OpkgcEnvironment::new();
    let build = ["--dist", "rhel,debian", "--source", "-o", "out", &example()];
    opkgc.run_successfully(build);
    let first = file_tree::read_tree(&opkgc.home().join("out"));
    let leftover = opkgc.home().join("out/rhel/SPECS/leftover.spec");
    fs_err::write(leftover, "of an older version").unwrap();
    opkgc.run_successfully(build);
    let paths = |files: &[(String, Vec<u8>)]| files.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    let second = file_tree::read_tree(&opkgc.home().join("out"));
    assert!(first.iter().all(|file| second.contains(file)), "{:?}", paths(&second));
}

#[test]
fn the_source_directory_is_never_written_to_and_leftovers_are_not_packed() {
    let source = scratch::create_directory("again").join("again");
    let items = [
        file_tree::TreeEntry::file("config.xml", 0o644, file_tree::minimal_config("again", "")),
        file_tree::TreeEntry::file("output/rhel/SPECS/opkg-again.spec", 0o644, "left by an older compiler"),
        file_tree::TreeEntry::file("debian/control", 0o644, "left by an older compiler"),
    ];
    file_tree::write_tree(&source, &items);
    let before = file_tree::read_tree(&source);
    let opkgc = OpkgcEnvironment::new();
    let path = source.to_str().unwrap();
    opkgc.run_successfully(["--dist", "rhel,debian", "--source", "-o", "out", path]);
    for (path, bytes) in file_tree::read_tree(&opkgc.home().join("out")) {
        let unpacked = if path.ends_with(".gz") { gunzip(&bytes) } else { bytes };
        assert!(!unpacked.windows(7).any(|window| window == b"left by"), "{path}");
    }
    let inside = source.join("output");
    let ended = opkgc.run(["--dist", "rhel", "--source", "-o", inside.to_str().unwrap(), path]);
    assert!(
        ended.code == Some(2) && ended.stderr.contains("never written to"),
        "{}",
        ended.combined_output()
    );
    assert_eq!(before, file_tree::read_tree(&source));
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut unpacked).unwrap();
    unpacked
}

#[test]
fn only_the_output_directory_is_written() {
    let opkgc = OpkgcEnvironment::new();
    opkgc.run_successfully(["--dist", "rhel,debian", "--source", "-o", "out", &example()]);
    let mut left: Vec<_> =
        fs_err::read_dir(opkgc.home()).unwrap().map(|it| it.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["out", "tmp"]);
    assert!(file_tree::read_tree(&opkgc.home().join("tmp")).is_empty());
}

#[test]
fn packages_do_not_overwrite_one_another() {
    let parent = scratch::create_directory("several");
    let names = ["one", "two", "three"];
    for name in names {
        let config = file_tree::minimal_config(name, "");
        file_tree::write_tree(&parent.join(name), &[file_tree::TreeEntry::file("config.xml", 0o644, config)]);
    }
    let opkgc = OpkgcEnvironment::new();
    let mut command = opkgc.command(["--dist", "rhel,debian", "--source", "-o", "out"]);
    process::run_successfully(command.current_dir(&parent).args(names));
    for name in names {
        assert!(parent.join(format!("out/rhel/SPECS/opkg-{name}.spec")).is_file());
        assert!(parent.join(format!("out/rhel/SOURCES/opkg-{name}-1.0.tar.gz")).is_file());
        assert!(parent.join(format!("out/debian/opkg-{name}-1.0/debian/control")).is_file());
    }
}

/// Names as somebody may choose them who wants a terminal to show something else.
const HOSTILE_NAMES: [&str; 4] =
    ["x\u{1b}[2Jy", "pack\u{202e}gpj.sh", "in\u{200b}visible", "\u{9b}31mred\u{2066}"];

#[test]
fn what_others_wrote_does_nothing_to_the_terminal() {
    let directory = scratch::create_directory("names");
    for name in HOSTILE_NAMES {
        let opkg = directory.join(name);
        fs_err::create_dir_all(opkg.join("scripts").join(name)).unwrap();
        let config = file_tree::minimal_config(
            "demo",
            &format!("<uri>http://x/{}</uri>", name.chars().next().unwrap()),
        );
        fs_err::write(opkg.join("config.xml"), config.replace("GPL", "\u{202e}GPL\u{200b}")).unwrap();
        let path = opkg.to_str().unwrap();
        let missing = format!("{path}/none");
        let mut all = vec![
            vec!["check", path],
            vec!["check", &missing],
            vec!["--dist", name, path],
            vec!["--dist", "rhel", "--source", "-o", "out", path],
            vec!["plugin", "inspect", &missing],
            vec!["diff", path, path],
        ];
        all.extend(all.clone().into_iter().map(|words| [vec!["--format", "json"], words].concat()));
        for words in all {
            for color in ["never", "always"] {
                let arguments = [words.clone(), vec!["--color", color]].concat();
                let ended = OpkgcEnvironment::new().run(&arguments);
                let said = opkg::escape_hidden_keeping_colors(&ended.combined_output());
                assert_eq!(said, ended.combined_output(), "{arguments:?}");
                if words.contains(&"json") && ended.code == Some(0) {
                    let _: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
                }
            }
        }
    }
}
