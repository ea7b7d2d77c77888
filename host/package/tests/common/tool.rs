//! What the formats' own tools say of a package.

use std::path::Path;
use std::process::Command;

pub fn is_installed(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        assert!(std::env::var_os("OPKG_REQUIRE_TOOLS").is_none(), "{program} is not installed");
        eprintln!("skipped: {program} is not installed");
    }
    there
}

/// What a tool prints about the package in a directory.
pub fn tool_output(directory: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .arg(directory.join("x"))
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
