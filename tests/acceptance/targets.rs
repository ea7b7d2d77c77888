//! Targets, and what becomes of one that an OPKG's own filters exclude.

use std::path::PathBuf;

use opkg_tests::layout::{self, Item};
use opkg_tests::opkgc::Opkgc;
use opkg_tests::scratch;

fn opkg(filters: &str) -> PathBuf {
    let directory = scratch::directory("filtered").join("filtered");
    let config = layout::config("filtered", &format!("<filters>{filters}</filters>"));
    layout::write(&directory, &[Item::file("config.xml", 0o644, config)]);
    directory
}

#[test]
fn the_only_target_is_excluded() {
    let directory = opkg("<dist>rhel</dist>");
    let ended = Opkgc::new().run(["--dist", "debian", "--source", directory.to_str().unwrap()]);
    assert_eq!(ended.code, Some(4), "{}", ended.output());
    assert!(ended.stderr.contains("not available"), "{}", ended.stderr);
}

#[test]
fn one_of_several_targets_is_excluded() {
    let directory = opkg("<dist>rhel</dist><arch>x86_64</arch>");
    let opkgc = Opkgc::new();
    let ended = opkgc.run(["--dist", "debian,rhel", "--source", "-o", "out", directory.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{}", ended.output());
    assert!(opkgc.home().join("out/rhel").is_dir() && !opkgc.home().join("out/debian").exists());
}

#[test]
fn versions_are_excluded_as_the_filter_says() {
    let directory = opkg("<dist rel=\"&gt;=\" version=\"8.4\">rhel</dist>");
    let path = directory.to_str().unwrap();
    for (target, code) in [("rhel-8.3", 4), ("rhel-8.10", 0), ("rhel-9", 0), ("rhel-7", 4), ("rhel", 0)] {
        let ended = Opkgc::new().run(["--dist", target, "--source", path]);
        assert_eq!(ended.code, Some(code), "{target}: {}", ended.output());
    }
}

#[test]
fn unknown_targets_are_a_mistake_on_the_command_line() {
    let directory = opkg("<dist>rhel</dist>");
    let path = directory.to_str().unwrap();
    for target in ["rehl", "rhel-9-vax", "", "rhel/../x", "-"] {
        let ended = Opkgc::new().run([&format!("--dist={target}"), "--source", path]);
        assert!(matches!(ended.code, Some(1 | 2)), "{target}: {}", ended.output());
    }
    assert_eq!(Opkgc::new().run(["--no-such-option"]).code, Some(2));
}
