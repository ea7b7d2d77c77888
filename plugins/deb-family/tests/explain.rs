//! What is made of the output of apt and dpkg: each file in `printed` is what they really printed.
#![allow(clippy::unwrap_used)]

use opkg_deb_family::Apt;
use opkg_sdk::PackageManager;
use opkg_sdk::package_manager::CommandFailure;

/// Each output in a directory, and its explanation, with a mark where it is one even if the program says that it succeeded.
fn explain_all(version: &str) -> String {
    let directory = format!("{}/tests/printed/{version}", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let explained = files.iter().map(|file| {
        let printed = std::fs::read_to_string(file).unwrap();
        let nevertheless: String = Apt::explain(&printed, true).iter().map(describe).collect();
        let nevertheless = nevertheless.replace("  ", "! ");
        let lines: String = Apt::explain(&printed, false).iter().map(describe).collect();
        let lines = nevertheless + &lines;
        format!("{}\n{lines}", file.file_stem().unwrap().display())
    });
    explained.collect::<Vec<_>>().join("\n")
}

fn describe(failure: &CommandFailure) -> String {
    let CommandFailure { cause, packages, transient } = failure;
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

/// Of a program that was killed, the package that it worked on.
#[test]
fn who_was_killed_and_when() {
    let killed = "E: Sub-process /usr/bin/dpkg exited unexpectedly\n";
    for (work, cause) in [
        ("Unpacking opkg-x (1.0-1) ...\nSetting up opkg-y (1.0-1+deb12) ...\n", " while it set up opkg-y"),
        (
            "Preparing to unpack .../x_1_all.deb ...\nUnpacking libx:amd64 (1) over (0) ...\n",
            " while it unpacked libx",
        ),
        ("Removing opkg-x (1.0-1) ...\n", " while it removed opkg-x"),
        ("", ""),
    ] {
        let failures = Apt::explain(&format!("{work}{killed}"), false);
        let expected = format!("dpkg was killed{cause}: the system's log tells whether memory ran out");
        assert_eq!(failures.iter().map(|it| it.cause.as_str()).collect::<Vec<_>>(), [expected], "{work}");
        assert!(failures[0].packages.is_empty() && !failures[0].transient, "nobody is to blame yet");
    }
    let crashed = "E: Sub-process /usr/bin/dpkg received a segmentation fault.\n";
    assert!(Apt::explain(crashed, false)[0].cause.starts_with("dpkg was killed"));
    let script = "dpkg: error processing package x (--configure):\n installed x package post-installation script \
                  subprocess was killed by signal (Killed)\n";
    assert!(
        Apt::explain(&format!("{script}{killed}"), false)[0].cause.starts_with("x: "),
        "dpkg told itself"
    );
}

/// What stands below `aborting:` is the cause.
#[test]
fn what_ends_dpkg_at_once() {
    for text in [
        "unable to fill /var/lib/dpkg/updates/tmp.i with padding: No space left on device",
        "failed to write status database record about 'x' to '/var/lib/dpkg/status': Read-only file system",
        "unable to sync file '/var/lib/dpkg/status-new': Input/output error",
    ] {
        let printed = format!("Setting up x (1) ...\ndpkg: unrecoverable fatal error, aborting:\n {text}\n");
        let failures = Apt::explain(&printed, false);
        assert_eq!(failures.iter().map(|it| it.cause.as_str()).collect::<Vec<_>>(), [text]);
    }
}

/// A process that is not seen has no number.
#[test]
fn who_holds_a_lock_is_named_where_it_can_be_seen() {
    for (said, cause) in [
        (
            "dpkg: error: dpkg frontend lock was locked by another process with pid 0\n",
            "dpkg frontend lock was locked by another process",
        ),
        (
            "dpkg: error: dpkg frontend lock was locked by another process with pid 7\n",
            "dpkg frontend lock was locked by another process with pid 7",
        ),
        (
            "E: Could not get lock /var/lib/dpkg/lock. It is held by process 0\n",
            "Could not get lock /var/lib/dpkg/lock",
        ),
        (
            "E: Could not get lock /var/lib/dpkg/lock. It is held by process 70 (apt)\n",
            "Could not get lock /var/lib/dpkg/lock. It is held by process 70 (apt)",
        ),
    ] {
        let failures = Apt::explain(said, false);
        assert_eq!(failures[0].cause, cause);
        assert!(failures[0].transient, "{said}");
    }
}
