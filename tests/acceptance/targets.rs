//! Targets, and what becomes of one that an OPKG's own filters exclude.

use std::path::PathBuf;

use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::scratch;

fn write_opkg(filters: &str) -> PathBuf {
    let directory = scratch::create_directory("filtered").join("filtered");
    let config = file_tree::minimal_config("filtered", &format!("<filters>{filters}</filters>"));
    file_tree::write_tree(&directory, &[TreeEntry::file("config.xml", 0o644, config)]);
    directory
}

#[test]
fn the_only_target_is_excluded() {
    let directory = write_opkg("<dist>rhel</dist>");
    let ended = OpkgcEnvironment::new().run(["--dist", "debian", "--source", directory.to_str().unwrap()]);
    assert_eq!(ended.code, Some(4), "{}", ended.combined_output());
    assert!(ended.stderr.contains("not available"), "{}", ended.stderr);
}

#[test]
fn one_of_several_targets_is_excluded() {
    let directory = write_opkg("<dist>rhel</dist><arch>x86_64</arch>");
    let opkgc = OpkgcEnvironment::new();
    let ended = opkgc.run([
        "--dist",
        "debian,rhel",
        "--keep-going",
        "--source",
        "-o",
        "out",
        directory.to_str().unwrap(),
    ]);
    assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
    assert!(opkgc.home().join("out/rhel").is_dir() && !opkgc.home().join("out/debian").exists());
}

#[test]
fn versions_are_excluded_as_the_filter_says() {
    let directory = write_opkg("<dist rel=\"&gt;=\" version=\"8.4\">rhel</dist>");
    let path = directory.to_str().unwrap();
    for (target, code) in [("rhel-8.3", 4), ("rhel-8.10", 0), ("rhel-9", 0), ("rhel-7", 4), ("rhel", 0)] {
        let ended = OpkgcEnvironment::new().run(["--dist", target, "--source", path]);
        assert_eq!(ended.code, Some(code), "{target}: {}", ended.combined_output());
    }
}

#[test]
fn unknown_targets_are_a_mistake_on_the_command_line() {
    let directory = write_opkg("<dist>rhel</dist>");
    let path = directory.to_str().unwrap();
    for target in ["rehl", "rhel-9-vax", "", "rhel/../x", "-"] {
        let ended = OpkgcEnvironment::new().run([&format!("--dist={target}"), "--source", path]);
        assert!(matches!(ended.code, Some(1 | 2)), "{target}: {}", ended.combined_output());
    }
    assert_eq!(OpkgcEnvironment::new().run(["--no-such-option"]).code, Some(2));
}

#[test]
fn every_way_to_ask_gives_the_same() {
    let directory = write_opkg("<dist>rhel</dist>");
    let path = directory.to_str().unwrap();
    let mut outputs = Vec::new();
    for arguments in [
        vec!["--dist=rhel", "--source", "-o", "out", path],
        vec!["build", "--dist", "rhel", "--source", "--output", "out", path],
        vec!["-d", "rhel", "--source", "-o", "out", "-i", path],
        vec!["-d", "RHEL", "-q", "--source", "-o", "out", "--input", path],
        vec!["-d", "rhel", "-v", "--source", "-o", "out", path],
    ] {
        let opkgc = OpkgcEnvironment::new();
        opkgc.run_successfully(&arguments);
        outputs.push(file_tree::read_tree(&opkgc.home().join("out")));
        assert_eq!(outputs.first(), outputs.last(), "{arguments:?}");
    }
    let supported = OpkgcEnvironment::new().run_successfully(["--supported-dist"]);
    assert!(["rhel", "mandriva", "debian"].iter().all(|id| supported.contains(id)), "{supported}");
}

#[test]
fn what_a_distribution_cannot_say_is_an_error_that_shows_the_filter() {
    let directory = scratch::create_directory("inexpressible").join("inexpressible");
    let deps = "<serverDeps><requires><pkg>/usr/bin/rsync</pkg></requires></serverDeps>";
    let config = file_tree::minimal_config("inexpressible", deps);
    file_tree::write_tree(&directory, &[TreeEntry::file("config.xml", 0o644, config)]);
    let opkgc = OpkgcEnvironment::new();
    let ended = opkgc.run([
        "--dist",
        "debian,rhel",
        "--keep-going",
        "--source",
        "-o",
        "out",
        directory.to_str().unwrap(),
    ]);
    assert_eq!(ended.code, Some(1), "{}", ended.combined_output());
    assert!(
        ended.stderr.contains("<filters>") && ended.stderr.contains("config.xml:15:30"),
        "{}",
        ended.stderr
    );
    // The other distribution can.
    assert!(opkgc.home().join("out/rhel/SPECS").is_dir() && !opkgc.home().join("out/debian").exists());
}
