//! Tools that a test may do without, unless `$OPKG_REQUIRE_TOOLS` is set.

use std::path::PathBuf;

/// Set where nothing may be skipped: in continuous integration.
pub const REQUIRE_VAR: &str = "OPKG_REQUIRE_TOOLS";

/// Looks for a program in `$PATH`.
#[must_use]
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}

/// Says that a test is skipped and why.
///
/// # Panics
///
/// Where nothing may be skipped.
pub fn skip(reason: &str) {
    assert!(std::env::var_os(REQUIRE_VAR).is_none(), "{reason}, and ${REQUIRE_VAR} is set");
    eprintln!("skipped: {reason}");
}

/// Whether all of these programs are installed; says so where one is not.
#[must_use]
pub fn all_installed(names: &[&str]) -> bool {
    let missing: Vec<&str> = names.iter().copied().filter(|name| find_program(name).is_none()).collect();
    if !missing.is_empty() {
        skip(&format!("not installed: {}", missing.join(", ")));
    }
    missing.is_empty()
}

/// Whether this process is root; says that something is skipped where it is not. Some refusals can only
/// be provoked by root, and continuous integration is.
#[must_use]
pub fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skip("needs root");
    }
    root
}

/// Ends a test early, saying so, unless all of these programs are installed.
#[macro_export]
macro_rules! require_tools {
    ($($tool:literal),+ $(,)?) => {
        if !$crate::tools::all_installed(&[$($tool),+]) {
            return;
        }
    };
}
