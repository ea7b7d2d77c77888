//! What becomes of files that a package only knows, where an older version has brought them.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::generate;
use opkg_sdk::artefacts::BinaryPackage;
use opkg_sdk::model::{FileRule, Filter, ScriptTime};
use opkg_sdk::testing::{add_laid_file, sample_opkg};

/// The client part of an OPKG with ghosts at these paths.
fn package(ghosts: &[&Path]) -> BinaryPackage {
    let mut opkg = sample_opkg("site");
    opkg.file_rules.push(FileRule {
        at: 3,
        filter: Filter { dists: Vec::new(), archs: Vec::new() },
        owner: None,
        group: None,
        mode: None,
        directory_mode: None,
        config: None,
        ghost: Some(true),
        capabilities: None,
    });
    for path in ghosts {
        add_laid_file(&mut opkg, path.to_str().unwrap()).rules = vec![0];
    }
    generate(&opkg).packages.remove(2)
}

fn run(package: &BinaryPackage, time: ScriptTime, arguments: &str) {
    let script = package.scriptlets.iter().find(|scriptlet| scriptlet.time == time).unwrap();
    let ended = Command::new("/bin/sh")
        .args(["-c", &script.body, "script"])
        .args(arguments.split(' '))
        .output()
        .unwrap();
    assert!(ended.status.success() && ended.stdout.is_empty() && ended.stderr.is_empty(), "{ended:?}");
}

/// The files of a directory, with what they hold.
fn held(directory: &Path) -> Vec<String> {
    let mut all: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            format!("{name}: {}", fs::read_to_string(path).unwrap())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn what_an_older_version_has_brought_is_kept() {
    let scratch = tempfile::tempdir().unwrap();
    let [state, log] = ["it's state", "log"].map(|name| scratch.path().join(name));
    let package = package(&[&state, &log]);
    fs::write(&state, "of v1").unwrap();
    run(&package, ScriptTime::PreInstall, "upgrade 1.0-1 2.0-1");
    fs::write(&state, "written meanwhile").unwrap();
    // dpkg removes what the new version does not bring, and may be told to go on after that in a new call.
    fs::remove_file(&state).unwrap();
    run(&package, ScriptTime::PreInstall, "upgrade 2.0-1 2.0-2");
    run(&package, ScriptTime::PostInstall, "configure 1.0-1");
    assert_eq!(held(scratch.path()), ["it's state: written meanwhile"]);
    // From now on the old version has none of them.
    run(&package, ScriptTime::PreInstall, "upgrade 2.0-1 3.0-1");
    run(&package, ScriptTime::PreInstall, "upgrade 2.0-1 3.0-1");
    run(&package, ScriptTime::PostUninstall, "upgrade 3.0-1");
    assert_eq!(held(scratch.path()).len(), 2);
    run(&package, ScriptTime::PostInstall, "configure 2.0-1");
    assert_eq!(held(scratch.path()), ["it's state: written meanwhile"]);
    run(&package, ScriptTime::PostUninstall, "remove");
    assert_eq!(held(scratch.path()).len(), 1);
    run(&package, ScriptTime::PostUninstall, "purge");
    assert!(held(scratch.path()).is_empty());
}

#[test]
fn an_upgrade_that_does_not_come_about_leaves_no_trace() {
    let scratch = tempfile::tempdir().unwrap();
    let state = scratch.path().join("state");
    let package = package(&[&state]);
    fs::write(&state, "of v1").unwrap();
    run(&package, ScriptTime::PreInstall, "upgrade 1.0-1 2.0-1");
    run(&package, ScriptTime::PostUninstall, "abort-upgrade 1.0-1 2.0-1");
    assert_eq!(held(scratch.path()), ["state: of v1"]);
    run(&package, ScriptTime::PreInstall, "install");
    run(&package, ScriptTime::PostInstall, "configure");
    assert_eq!(held(scratch.path()), ["state: of v1"]);
}
