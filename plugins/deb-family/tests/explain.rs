//! What is made of the output of apt and dpkg: each file in `printed` is what they really printed.
#![allow(clippy::unwrap_used)]

use opkg_deb_family::Apt;
use opkg_sdk::PackageManager;
use opkg_sdk::package_manager::Failure;

/// Each output in a directory, and its explanation.
fn explain_all(version: &str) -> String {
    let directory = format!("{}/tests/printed/{version}", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let explained = files.iter().map(|file| {
        let printed = std::fs::read_to_string(file).unwrap();
        assert!(Apt::explain(&printed, true).is_empty(), "{} as a success", file.display());
        let lines: String = Apt::explain(&printed, false).iter().map(describe).collect();
        format!("{}\n{lines}", file.file_stem().unwrap().display())
    });
    explained.collect::<Vec<_>>().join("\n")
}

fn describe(failure: &Failure) -> String {
    let Failure { cause, packages, transient } = failure;
    let passes = if *transient { " (passes by itself)" } else { "" };
    let by = if packages.is_empty() { String::new() } else { format!(" [{}]", packages.join(", ")) };
    format!("  {cause}{by}{passes}\n")
}

#[test]
fn apt_2_6() {
    insta::assert_snapshot!(explain_all("apt-2.6"));
}

#[test]
fn apt_3_0() {
    insta::assert_snapshot!(explain_all("apt-3.0"));
}

/// What cannot be made to happen here at will.
#[test]
fn what_passes_by_itself() {
    for printed in [
        "E: dpkg: status database is locked by another process\n",
        "dpkg: error: dpkg status database is locked by another process\n",
        "E: Failed to fetch http://example.org/x.deb  503  Service Unavailable [IP: 192.0.2.1 80]\n",
        "E: Failed to fetch http://example.org/Packages  File has unexpected size (2 != 1). Mirror sync in progress? [IP: 192.0.2.1 80]\n",
        "E: Failed to fetch http://example.org/Packages.gz  Hash Sum mismatch\n",
        "E: Failed to fetch https://example.org/x.deb  Temporary failure resolving 'example.org'\nE: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?\n",
    ] {
        let failures = Apt::explain(printed, false);
        assert!(failures.len() == 1 && failures[0].transient, "{printed}: {failures:?}");
    }
    for printed in [
        "E: Failed to fetch file:/srv/x.deb  Hash Sum mismatch\n",
        "E: Failed to fetch copy:/srv/Packages  Could not connect\n",
        "E: The repository 'http://example.org ./ Release' is not signed.\n",
        "E: You don't have enough free space in /var/cache/apt/archives/.\n",
    ] {
        let failures = Apt::explain(printed, false);
        assert!(failures.len() == 1 && !failures[0].transient, "{printed}: {failures:?}");
    }
}

#[test]
fn nothing_is_made_up() {
    for printed in ["", "\n\n", "E: Sub-process /usr/bin/dpkg returned an error code (1)\n", "all is well\n"]
    {
        assert!(Apt::explain(printed, false).is_empty(), "{printed:?}");
    }
}
