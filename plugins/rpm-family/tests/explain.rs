//! What is made of the output of RPM's managers: each file in `printed` and `simulated` is what they really printed.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::path::PathBuf;

use opkg_rpm_family::Dnf;
use opkg_rpm_family::failures::explain;
use opkg_sdk::PackageManager;
use opkg_sdk::package_manager::CommandFailure;

fn recorded(directory: &str) -> Vec<(String, String)> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(directory);
    let mut files: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |file: PathBuf| {
        (file.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&file).unwrap())
    };
    files.into_iter().map(read).collect()
}

/// Each output of a program, and its explanation, both if the program failed and if it says that it succeeded.
fn explain_all(version: &str) -> String {
    let mut text = String::new();
    for (name, printed) in recorded(&format!("printed/{version}")) {
        writeln!(text, "{name}").unwrap();
        let nevertheless = explain(&printed, true);
        for failure in explain(&printed, false) {
            let CommandFailure { cause, packages, transient } = &failure;
            let passes = if *transient { " (passes by itself)" } else { "" };
            let by = if packages.is_empty() { String::new() } else { format!(" [{}]", packages.join(", ")) };
            let even = if nevertheless.iter().any(|it| it.cause == *cause) { "!" } else { " " };
            writeln!(text, "{even} {cause}{by}{passes}").unwrap();
        }
    }
    text
}

#[test]
fn dnf_4() {
    insta::assert_snapshot!(explain_all("dnf-4.14"));
}

#[test]
fn dnf_5() {
    insta::assert_snapshot!(explain_all("dnf5-5.4"));
}

#[test]
fn rpm() {
    insta::assert_snapshot!(explain_all("rpm-4.18"));
}

#[test]
fn simulations() {
    let mut text = String::new();
    for (name, printed) in recorded("simulated") {
        writeln!(text, "{name}: {:?}", Dnf::parse_simulation(&[printed.to_string()]).unwrap()).unwrap();
    }
    insta::assert_snapshot!(text);
    for harmless in ["", "Error: \n Problem: conflicting requests\n", "Nothing to do.\n"] {
        assert!(Dnf::parse_simulation(&[harmless.to_string()]).unwrap().is_empty(), "{harmless:?}");
    }
    let downgrade = "Installing:\n a noarch 1-1 r 1 k\nDowngrading:\n b-with-a-very-long-name-that-has-a-line-alone\n   noarch 1-1 r 1 k\n";
    assert_eq!(
        Dnf::parse_simulation(&[downgrade.to_string()]).unwrap()[0].name,
        "b-with-a-very-long-name-that-has-a-line-alone"
    );
}

/// What provides a name is no package of that name, and silence is no consent.
#[test]
fn simulations_that_are_refused() {
    let refused = |printed: &[&str]| {
        let printed: Vec<String> = printed.iter().map(ToString::to_string).collect();
        Dnf::parse_simulation(&printed).err().map(|error| error.to_string())
    };
    let recorded = recorded("simulated");
    let simulated = |wanted: &str| recorded.iter().find(|(name, _)| name == wanted).unwrap().1.as_str();
    let provider = simulated("dnf-4.14-provider");
    assert!(
        refused(&["", provider]).unwrap().starts_with("it would install demo-other, which nobody asked for")
    );
    assert_eq!(refused(&["demo-other\t1.0-1\n", provider]), None);
    // For the sake of a dependency; the host is told of it.
    for obsoletes in ["dnf-4.14-obsoletes", "dnf5-5.4-obsoletes"] {
        assert_eq!(refused(&["demo-up\t2.0-1\n", simulated(obsoletes)]), None);
        let obsoleted = "demo-up\t2.0-1\ndemo-good\t1.0-1\n";
        assert!(
            refused(&[obsoleted, simulated(obsoletes)]).unwrap().contains("demo-obsoleter"),
            "{obsoletes}"
        );
    }
    let dependency = "Installing:\n a noarch 1-1 r 1 k\nInstalling dependencies:\n b noarch 1-1 r 1 k\n";
    assert_eq!(refused(&["a\t1-1\n", dependency]), None);
    let yum = "Checking for virtual provide or file-provide for opkg-x\n";
    assert_eq!(refused(&[yum]).unwrap(), "no package source has opkg-x");
    let german =
        "Abhängigkeiten sind aufgelöst.\n=========\n Paket\n=========\nTransaktionsübersicht\n=========\n";
    assert!(refused(&[german]).unwrap().contains("cannot be read"));
}

/// A command that succeeded, and did not do what it was asked for.
#[test]
fn what_was_passed_over() {
    let skipped = "Skipping packages with broken dependencies:\n opkg-x noarch 1-1 r 1 k\n";
    for (printed, package) in [
        ("Installed package opkg-x-1.0-1.noarch (from opkg-0) not available.\n", "opkg-x"),
        ("Packages for argument 'opkg-x' installed, but not available.\n", "opkg-x"),
        (
            "Installed packages for argument 'opkg-x' are not available in repositories in the same version, available \
             versions: 2.0-1.noarch, cannot reinstall.\n",
            "opkg-x",
        ),
        ("found package(s) opkg-x-1.0-1.noarch in urpmi db, but none are installed\n", "opkg-x"),
        (
            "\nPackages skipped because of dependency problems:\n    opkg-x-1.0-1.noarch from opkg-0\n",
            "opkg-x",
        ),
        (
            "Skipping packages with conflicts:\n(add '--best --allowerasing' to command line to force their upgrade):\n \
             opkg-x noarch 1-1 r 1 k\n\nTransaction Summary\n",
            "opkg-x",
        ),
        (skipped, "opkg-x"),
    ] {
        let failures = explain(printed, true);
        assert_eq!(
            failures.iter().map(|it| it.packages.join(" ")).collect::<Vec<_>>(),
            [package],
            "{printed}"
        );
    }
    assert!(
        explain(&format!("{skipped}Operation aborted.\n"), true).is_empty(),
        "the installation will tell"
    );
}

#[test]
fn what_the_configuration_forbids() {
    for printed in [
        "All matches were filtered out by modular filtering for argument: opkg-x\nError: Unable to find a match: opkg-x\n",
        "Failed to resolve the transaction:\nArgument 'opkg-x' matches only excluded packages.\n",
        "Failed to resolve the transaction:\nArgument 'opkg-x' matches only packages excluded by versionlock.\n",
    ] {
        let failures = explain(printed, false);
        assert_eq!(failures.len(), 1, "{printed}: {failures:?}");
        assert!(
            failures[0].cause.starts_with("the configuration of the package manager leaves opkg-x out (")
        );
        assert_eq!(failures[0].packages, ["opkg-x"]);
    }
}

#[test]
fn wherever_an_error_stands() {
    let said = "error: unpacking of archive failed on file /opt/f;1: cpio: rename failed - Is a directory\n";
    let printed = "  Installing : opkg-x-1.0-1.noarch   1/1 Error unpacking rpm package opkg-x-1.0-1.noarch\nFailed:\n  x\n";
    assert!(explain(printed, false)[0].cause.starts_with("opkg-x could not be unpacked"));
    let failures = explain(&format!("{said}{printed}"), false);
    assert_eq!(
        failures[0].cause,
        "unpacking of archive failed on file /opt/f;1: cpio: rename failed - Is a directory"
    );
    assert_eq!(failures[0].packages, ["opkg-x"]);
    let colored = "\u{1b}[22;27;31;49mPackage 'opkg-x' not found.\u{1b}[0m\n";
    assert_eq!(explain(colored, false)[0].cause, "no package source has opkg-x");
}

/// Of programs and causes that cannot be had here at will: as documented, or as their sources have it.
#[test]
fn what_others_print() {
    let yum = "Non-fatal POSTIN scriptlet failure in rpm package opkg-x-1.0-1.noarch\n";
    assert_eq!(explain(yum, true)[0].packages, ["opkg-x"]);
    let trigger = "warning: %triggerin(systemd-252-1.el9.x86_64) scriptlet failed, signal 9\n";
    assert_eq!(explain(trigger, true)[0].packages, ["systemd"]);
    for (printed, transient) in [
        ("Another app is currently holding the yum lock; waiting for it to exit...\n", true),
        (
            "error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)\n",
            true,
        ),
        ("urpmi database locked\n", true),
        (
            "  - Curl error (28): Timeout was reached for https://example.org/repomd.xml [Operation too slow.]\n",
            true,
        ),
        ("  - Status code: 503 for https://example.org/repomd.xml (IP: 192.0.2.1)\n", true),
        (
            "  - Status code: 404 for https://example.org/repomd.xml (IP: 192.0.2.1)\nError: Failed to download metadata for repo 'x'\n",
            false,
        ),
        (
            "  - Curl error (37): Couldn't read a file:// file for file:///nowhere/repodata/repomd.xml\nError: Failed to download metadata for repo 'x'\n",
            false,
        ),
        (
            "error: unpacking of archive failed on file /x;1: cpio: write failed - No space left on device\n",
            false,
        ),
        ("  At least 10MB more space needed on the / filesystem.\n", false),
        ("opkg-x-1-1.noarch (due to unsatisfied no-such-thing)\n", false),
    ] {
        let failures = explain(printed, false);
        assert!(failures.len() == 1 && failures[0].transient == transient, "{printed}: {failures:?}");
        assert!(explain(printed, true).is_empty(), "{printed}");
    }
}

#[test]
fn nothing_is_made_up() {
    for printed in
        ["", "Complete!\n", "Transaction failed: Rpm transaction failed.\n", "Error: Transaction failed\n"]
    {
        assert!(explain(printed, false).is_empty(), "{printed:?}");
    }
}

/// Whatever libcurl calls it, and whatever asks for it.
#[test]
fn a_network_that_is_gone_passes() {
    for printed in [
        "  - Curl error (7): Couldn't connect to server for https://example.org/repomd.xml [Failed to connect to example.org port 443]\n",
        "  - Curl error (7): Could not connect to server for https://example.org/repomd.xml [Failed to connect]\n",
        "  - Curl error (52): Server returned nothing (no headers, no data) for https://example.org/x [Empty reply from server]\n",
        "  - Curl error (56): Failure when receiving data from the peer for https://example.org/x [Recv failure]\n",
        ">>> Curl error (55): Failed sending data to the peer for https://example.org/x [Send failure]\n",
    ] {
        let failures = explain(&format!("{printed}Error: Failed to download metadata for repo 'x'\n"), false);
        assert!(failures.len() == 1 && failures[0].transient, "{failures:?}");
        assert!(failures[0].cause.contains("https://example.org/"), "{failures:?}");
    }
}

#[test]
fn the_same_cause_is_told_in_the_same_words() {
    let cause = |time: &str| {
        let printed = format!(
            "Curl error (7): Couldn't connect to server for http://x/y [Failed to connect to x port 9{time}: no]\n"
        );
        explain(&printed, false).remove(0).cause
    };
    for time in [" after 0 ms", " after 4 ms", " after 130012 ms"] {
        assert_eq!(cause(time), cause(""));
    }
    for other in [" after all", " after ms", " after 3 attempts"] {
        assert!(cause(other).contains(other), "{other}");
    }
}

#[test]
fn a_full_disk_by_any_name() {
    for printed in [
        "installing package x-1-1.noarch needs 12KB more space on the /var/lib/rpm filesystem\n",
        "installing package x-1-1.noarch needs 5 more inodes on the / filesystem\n",
        "  At least 2MB more space needed on the /usr filesystem.\n",
        "error: unpacking of archive failed on file /usr/x;1: cpio: write failed - No space left on device\n",
    ] {
        let failures = explain(printed, false);
        assert!(failures.len() == 1 && !failures[0].transient, "{printed}: {failures:?}");
    }
    let database = "error: sqlite failure: RELEASE 'rwlock': database or disk is full\n";
    for succeeded in [true, false] {
        let failures = explain(database, succeeded);
        assert_eq!(
            failures[0].cause,
            "RPM's database cannot be written: sqlite failure: RELEASE 'rwlock': database or disk is full"
        );
    }
}
