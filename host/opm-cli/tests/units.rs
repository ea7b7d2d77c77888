//! The units of systemd are ones that systemd takes.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::process::Command;

use fs_err as fs;

const UNITS: [&str; 4] = ["opm.service", "opm.timer", "opm-watch.service", "opm-web.service"];

#[test]
fn systemd_takes_the_units() {
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../systemd");
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        let required = std::env::var_os("OPKG_REQUIRE_TOOLS").is_some();
        assert!(!required, "systemd-analyze is not installed, and $OPKG_REQUIRE_TOOLS is set");
        eprintln!("skipped: not installed: systemd-analyze");
        return;
    };
    assert!(version.status.success());
    let directory = tempfile::tempdir().unwrap();
    for unit in UNITS {
        // The program need not be installed, and its page need not be there.
        let text = fs::read_to_string(units.join(unit)).unwrap();
        let text = text.replace("/usr/bin/opm", env!("CARGO_BIN_EXE_opm"));
        fs::write(directory.path().join(unit), text).unwrap();
    }
    for unit in UNITS {
        let output = Command::new("systemd-analyze")
            .args(["verify", "--man=no", "--recursive-errors=no"])
            .arg(directory.path().join(unit))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let ours: Vec<&str> = said.lines().filter(|it| it.contains("opm.") || it.contains("opm-")).collect();
        assert!(output.status.success() && ours.is_empty(), "{unit}: {said}");
    }
}
