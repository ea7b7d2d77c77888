//! Whatever goes wrong while writing: one clear message, and nothing half-written.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use opkg_tests::opkgc::{self, Opkgc};
use opkg_tests::process::{self, Ended};
use opkg_tests::{layout, scratch, tools};

use crate::builds;

fn example() -> String {
    builds::example_directories().remove(0).to_string_lossy().into_owned()
}

fn refused(ended: &Ended, output: &Path) {
    assert_eq!(ended.code, Some(1), "{}", ended.output());
    assert!(ended.stderr.contains(output.to_str().unwrap()), "names the place: {}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

#[test]
fn the_output_directory_is_a_file() {
    let output = scratch::directory("file").join("output");
    fs_err::write(&output, "mine").unwrap();
    let ended = Opkgc::new().run(["--dist", "rhel", "--source", "-o", output.to_str().unwrap(), &example()]);
    refused(&ended, &output);
    assert_eq!(fs_err::read_to_string(&output).unwrap(), "mine");
}

#[test]
fn the_output_directory_cannot_be_written() {
    if !tools::root() || !tools::available(&["setpriv"]) {
        return;
    }
    let output = tempfile::tempdir().unwrap();
    fs_err::set_permissions(output.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let opkgc = Opkgc::new();
    let mut command = Command::new("setpriv");
    opkgc.isolate(&mut command);
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(opkgc::program());
    command.args(["--dist", "rhel,debian", "--source", "-o"]).arg(output.path()).arg(example());
    refused(&process::run(&mut command), output.path());
    assert!(layout::read(output.path()).is_empty());
}

#[test]
fn the_disk_is_full() {
    if !tools::root() || !tools::available(&["mount", "umount"]) {
        return;
    }
    let small = scratch::directory("disk");
    let mount = ["-t", "tmpfs", "-o", "size=24k", "tmpfs"];
    if process::run(Command::new("mount").args(mount).arg(&small)).code != Some(0) {
        return tools::skip("this machine does not let root mount a file system");
    }
    let ended = Opkgc::new().run(["--dist", "debian", "--source", "-o", small.to_str().unwrap(), &example()]);
    let left = layout::read(&small);
    process::succeed(Command::new("umount").arg(&small));
    refused(&ended, &small);
    assert!(left.is_empty(), "{:?}", left.iter().map(|(path, _)| path).collect::<Vec<_>>());
}

#[test]
fn a_second_run_replaces_the_first() {
    let opkgc = Opkgc::new();
    let build = ["--dist", "rhel,debian", "--source", "-o", "out", &example()];
    opkgc.succeed(build);
    let first = layout::read(&opkgc.home().join("out"));
    let leftover = opkgc.home().join("out/rhel/SPECS/leftover.spec");
    fs_err::write(leftover, "of an older version").unwrap();
    opkgc.succeed(build);
    let paths = |files: &[(String, Vec<u8>)]| files.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    let second = layout::read(&opkgc.home().join("out"));
    assert!(first.iter().all(|file| second.contains(file)), "{:?}", paths(&second));
}

#[test]
fn the_source_directory_is_never_written_to_and_leftovers_are_not_packed() {
    let source = scratch::directory("again").join("again");
    let items = [
        layout::Item::file("config.xml", 0o644, layout::config("again", "")),
        layout::Item::file("output/rhel/SPECS/opkg-again.spec", 0o644, "left by an older compiler"),
        layout::Item::file("debian/control", 0o644, "left by an older compiler"),
    ];
    layout::write(&source, &items);
    let before = layout::read(&source);
    let opkgc = Opkgc::new();
    let path = source.to_str().unwrap();
    opkgc.succeed(["--dist", "rhel,debian", "--source", "-o", "out", path]);
    for (path, bytes) in layout::read(&opkgc.home().join("out")) {
        let unpacked = if path.ends_with(".gz") { unpack(&bytes) } else { bytes };
        assert!(!unpacked.windows(7).any(|window| window == b"left by"), "{path}");
    }
    let inside = source.join("output");
    let ended = opkgc.run(["--dist", "rhel", "--source", "-o", inside.to_str().unwrap(), path]);
    assert!(ended.code == Some(2) && ended.stderr.contains("never written to"), "{}", ended.output());
    assert_eq!(before, layout::read(&source));
}

fn unpack(bytes: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut unpacked).unwrap();
    unpacked
}

#[test]
fn only_the_output_directory_is_written() {
    let opkgc = Opkgc::new();
    opkgc.succeed(["--dist", "rhel,debian", "--source", "-o", "out", &example()]);
    let mut left: Vec<_> =
        fs_err::read_dir(opkgc.home()).unwrap().map(|it| it.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["out", "tmp"]);
    assert!(layout::read(&opkgc.home().join("tmp")).is_empty());
}

#[test]
fn packages_do_not_overwrite_one_another() {
    let parent = scratch::directory("several");
    let names = ["one", "two", "three"];
    for name in names {
        let config = layout::config(name, "");
        layout::write(&parent.join(name), &[layout::Item::file("config.xml", 0o644, config)]);
    }
    let opkgc = Opkgc::new();
    let mut command = opkgc.command(["--dist", "rhel,debian", "--source", "-o", "out"]);
    process::succeed(command.current_dir(&parent).args(names));
    for name in names {
        assert!(parent.join(format!("out/rhel/SPECS/opkg-{name}.spec")).is_file());
        assert!(parent.join(format!("out/rhel/SOURCES/opkg-{name}-1.0.tar.gz")).is_file());
        assert!(parent.join(format!("out/debian/opkg-{name}-1.0/debian/control")).is_file());
    }
}
