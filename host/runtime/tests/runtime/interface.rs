//! Versions of the interface: what was released never changes, and later versions of a line serve what was made for earlier
//! ones.

use std::fs;
use std::path::{Path, PathBuf};

use opkg::digest::sha256;
use wit_component::semver_check;
use wit_parser::{Resolve, WorldId};

const WORLDS: [&str; 2] = ["distribution", "hook-runner"];

fn interfaces() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

/// Each directory of a version, as numbers, in order.
fn versions() -> Vec<(Vec<u64>, PathBuf)> {
    let mut found: Vec<_> = fs::read_dir(interfaces())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name.split('.').map(|number| number.parse().unwrap()).collect(), entry.path())
        })
        .collect();
    found.sort();
    found
}

fn world(resolve: &mut Resolve, directory: &Path, world: &str) -> WorldId {
    let (package, _) = resolve.push_dir(directory).unwrap();
    resolve.select_world(&[package], Some(world)).unwrap()
}

/// Whether what was made for one version of a world works with another one.
fn is_compatible(earlier: &Path, later: &Path, name: &str) -> bool {
    let mut resolve = Resolve::default();
    let (earlier, later) = (world(&mut resolve, earlier, name), world(&mut resolve, later, name));
    semver_check(resolve, earlier, later).is_ok()
}

#[test]
fn later_versions_serve_what_was_made_for_earlier_ones() {
    let versions = versions();
    let latest = versions.last().unwrap().0.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
    assert_eq!(latest, opkg_runtime::INTERFACE_VERSION);
    for pair in versions.windows(2) {
        // Lines of different majors meet in the host.
        if pair[0].0[0] == pair[1].0[0] && pair[0].0[0] > 0 {
            for world in WORLDS {
                assert!(is_compatible(&pair[0].1, &pair[1].1, world), "{world}: {pair:?}");
            }
        }
    }
}

/// What `wit/released.sha256` lists is as it was when it was released.
#[test]
fn released_versions_do_not_change() {
    let list = fs::read_to_string(interfaces().join("released.sha256")).unwrap();
    let mut seen = 0;
    for line in list.lines() {
        let (sum, path) = line.split_once("  ").unwrap();
        assert_eq!(sha256(&fs::read(interfaces().join(path)).unwrap()), sum, "{path} was released");
        seen += 1;
    }
    assert!(seen >= 4, "{list}");
}

/// What the check finds, and what a later version may do.
#[test]
fn what_breaks_and_what_does_not() {
    let earlier = interfaces().join(opkg_runtime::INTERFACE_VERSION);
    let next = |from: &str, to: &str| {
        let copy = tempfile::tempdir().unwrap();
        let mut is_found = from.is_empty();
        for file in fs::read_dir(&earlier).unwrap().map(|file| file.unwrap()) {
            let text = fs::read_to_string(file.path()).unwrap();
            let text = text.replace("package opkg:plugin@1.0.0;", "package opkg:plugin@1.99.0;");
            is_found |= text.contains(from);
            let text = if from.is_empty() { text } else { text.replace(from, to) };
            fs::write(copy.path().join(file.file_name()), text).unwrap();
        }
        assert!(is_found, "{from}");
        is_compatible(&earlier, copy.path(), "distribution")
    };
    assert!(next("", ""));
    // The host may offer more; a plugin that is there already cannot.
    assert!(next("features: func()", "more: func(); features: func()"));
    assert!(!next("describe-index: func()", "more: func(); describe-index: func()"));
    assert!(!next("record alias { id: string,", "record alias { id: string, more: string,"));
    assert!(!next("enum compression { none,", "enum compression { none, lzip,"));
}
