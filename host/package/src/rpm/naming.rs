//! How RPM names versions and interpreters.

use opkg_interface::artefacts::BinaryPackage;

/// Whether RPM runs such a scriptlet by itself, without a program of the system.
pub(super) fn is_builtin_interpreter(interpreter: &str) -> bool {
    interpreter == "<lua>"
}

/// `[epoch:]version-release`
pub(super) fn format_evr(package: &BinaryPackage) -> String {
    let epoch = if package.epoch > 0 { format!("{}:", package.epoch) } else { String::new() };
    format!("{epoch}{}-{}", package.version, package.release)
}
