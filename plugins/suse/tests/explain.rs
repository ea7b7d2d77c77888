//! What is made of zypper's output: each file in `printed` and `simulated` is what it really printed.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;

use opkg_plugin_suse::Suse;
use opkg_sdk::package_manager::{CommandFailure, SideEffectKind};
use opkg_sdk::{Distribution, PackageManager};

type Zypper = <Suse as Distribution>::Manager;

fn recorded(name: &str) -> String {
    format!("{}/tests/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn zypper_1_14() {
    let mut files: Vec<_> = std::fs::read_dir(recorded("printed/zypper-1.14"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut text = String::new();
    for file in files {
        writeln!(text, "{}", file.file_stem().unwrap().display()).unwrap();
        for failure in Zypper::explain(&std::fs::read_to_string(file).unwrap(), false) {
            let CommandFailure { cause, packages, transient } = &failure;
            let passes = if *transient { " (passes by itself)" } else { "" };
            let by = if packages.is_empty() { String::new() } else { format!(" [{}]", packages.join(", ")) };
            writeln!(text, "  {cause}{by}{passes}").unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn what_it_would_do_besides() {
    let printed = std::fs::read_to_string(recorded("simulated/zypper-1.14-obsoletes.txt")).unwrap();
    let found = Zypper::parse_simulation(&[printed.to_string()]).unwrap();
    let found: Vec<_> = found.iter().map(|effect| (effect.name.as_str(), effect.kind)).collect();
    assert_eq!(found, [("demo-good", SideEffectKind::Remove)]);
    let downgraded = "<install-summary><to-downgrade><solvable type=\"pattern\" name=\"p\"/><solvable type=\"package\" name=\"x\" \
                      edition=\"1\"/></to-downgrade><to-install><solvable type=\"package\" name=\"y\"/></to-install>";
    let found = Zypper::parse_simulation(&[downgraded.to_string()]).unwrap();
    assert_eq!(found.iter().map(|effect| effect.name.as_str()).collect::<Vec<_>>(), ["x"]);
    for harmless in ["", "<to-remove>", "&lt;to-remove&gt;<solvable type=\"package\" name=\"z\"/>"] {
        let harmless = format!(
            "<stream><install-summary packages-to-change=\"0\">{harmless}</install-summary></stream>"
        );
        assert!(Zypper::parse_simulation(&[harmless.to_string()]).unwrap().is_empty(), "{harmless}");
    }
    for failed in [
        "<message type=\"error\">Package 'x' not found.</message>",
        "<prompt id=\"1\"><description>Problem: y",
    ] {
        assert!(
            Zypper::parse_simulation(&[failed.to_string()]).unwrap().is_empty(),
            "the installation will tell"
        );
    }
    for silent in ["", "<stream></stream>", "<message type=\"info\">Loading repository data...</message>"] {
        assert!(Zypper::parse_simulation(&[silent.to_string()]).is_err(), "{silent}");
    }
}

/// zypper exits with 0 where a package cannot be installed again. What is there and was not to be is as it should be.
#[test]
fn what_no_package_source_has_any_more() {
    let failures = |name: &str| {
        let printed = std::fs::read_to_string(recorded(&format!("printed/zypper-1.14/{name}.txt"))).unwrap();
        Zypper::explain(&printed, true)
    };
    let found = failures("no-longer-available");
    assert_eq!(found[0].cause, "no package source has the version of demo-gone that is installed");
    assert_eq!(found[0].packages, ["demo-gone"]);
    assert!(failures("there-but-no-longer-available").is_empty());
    assert!(failures("there-in-the-version-but-no-longer-available").is_empty());
}

/// rpm is a program of its own there: what became of it is in what zypper prints, whatever it is.
#[test]
fn what_rpm_said_below_zypper() {
    let printed = |said: &str| {
        format!(
            "(1/1) Installing: opkg-x-1.0-1.lp156.noarch [..error]\nInstallation of opkg-x-1.0-1.lp156.noarch failed:\n{said}\n\n\
                 Abort, retry, ignore? [a/r/i] (a): a\nProblem occurred during or after installation or removal of packages:\n"
        )
    };
    for (said, cause) in [
        (
            "Error: Subprocess failed. Error: RPM failed: Command was killed by signal 9 (Killed).",
            "Installation of opkg-x: Command was killed by signal 9 (Killed).",
        ),
        (
            "Error: Subprocess failed. Error: RPM failed: error: unpacking of archive failed on file /usr/x: cpio: write",
            "Installation of opkg-x: unpacking of archive failed on file /usr/x: cpio: write",
        ),
        (
            "Error: Subprocess failed. Error: RPM failed: rpm: RPM should not be used directly\nerror: one\nerror: two",
            "Installation of opkg-x: one; two",
        ),
    ] {
        let failures = Zypper::explain(&printed(said), false);
        assert_eq!(failures.iter().map(|it| it.cause.as_str()).collect::<Vec<_>>(), [cause]);
        assert_eq!(failures[0].packages, ["opkg-x"]);
    }
}
