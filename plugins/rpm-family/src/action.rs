//! Why a scriptlet runs: what scripts are told of what RPM passes, the number of versions that there will be.

use opkg_sdk::model::ScriptTime;

/// Stands in a body for epoch, version and release of the package, of which a spec may leave a part to the release that it
/// is built on. No text of an OPKG holds it.
pub const OWN_VERSION: &str = "\0";

/// As [`crate::evr::Evr`] writes it. The epoch of a package without one is not written.
const VERSION_FORMAT: &str = "%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\\n";

/// Commands that set `OPKG_ACTION` and `OPKG_OLD_VERSION` in a script of this package.
pub fn commands(time: ScriptTime, package: &str) -> String {
    match time {
        // Until the script that follows the installation has run, the replaced version is in the database; then beside
        // the new one. Where there is no other, this one is installed again.
        ScriptTime::PreInstall | ScriptTime::PostInstall => format!(
            "OPKG_ACTION=install OPKG_OLD_VERSION=\n\
             if [ \"$1\" -ge 2 ]; then\n    OPKG_ACTION=upgrade\n    \
             versions=$(rpm -q --qf '{VERSION_FORMAT}' {package} 2> /dev/null) || versions=\n    \
             for version in $versions; do\n        \
             [ \"$version\" = '{OWN_VERSION}' ] && [ -n \"$OPKG_OLD_VERSION\" ] || OPKG_OLD_VERSION=$version\n    \
             done\nfi\n"
        ),
        // OPKGs have no scripts of these times, and the family makes none.
        ScriptTime::PreUpgrade
        | ScriptTime::PostUpgrade
        | ScriptTime::PreTransaction
        | ScriptTime::PreRemovalTransaction
        | ScriptTime::PostRemovalTransaction => String::new(),
        // What was replaced is gone, and what the number counts differs between releases of RPM.
        ScriptTime::PostTransaction => "OPKG_ACTION=transaction OPKG_OLD_VERSION=\n".to_owned(),
        ScriptTime::Triggered => "OPKG_ACTION=triggered OPKG_OLD_VERSION=\n".to_owned(),
        ScriptTime::PreUninstall | ScriptTime::PostUninstall => format!(
            "OPKG_ACTION=remove OPKG_OLD_VERSION='{OWN_VERSION}'\n\
             [ \"$1\" -eq 0 ] || OPKG_ACTION=upgrade\n"
        ),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::process::Command;

    /// What a script sees, with an `rpm` that prints these versions, or of which there is none.
    fn told(time: ScriptTime, count: &str, installed: Option<&str>) -> String {
        let rpm = match installed {
            Some(versions) => format!("rpm() {{ printf '%s\\n' {versions}; }}\n"),
            None => "rpm() { echo package x is not installed; return 1; }\n".to_owned(),
        };
        let commands = commands(time, "opkg-x").replace(OWN_VERSION, "2:1.0~rc1-1.el9");
        let text = format!("{rpm}{commands}printf '%s %s' \"$OPKG_ACTION\" \"$OPKG_OLD_VERSION\"");
        let ended = Command::new("/bin/sh").args(["-c", &text, "script", count]).output().unwrap();
        assert!(ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
        String::from_utf8(ended.stdout).unwrap()
    }

    #[test]
    fn what_is_told_for_each_count() {
        let own = "2:1.0~rc1-1.el9";
        for time in [ScriptTime::PreInstall, ScriptTime::PostInstall] {
            for (count, installed, expected) in [
                ("1", None, "install "),
                ("1", Some(own), "install "),
                ("2", Some("0.9-1"), "upgrade 0.9-1"),
                ("2", Some("0.9-1 2:1.0~rc1-1.el9"), "upgrade 0.9-1"),
                ("2", Some("2:1.0~rc1-1.el9 0.9-1"), "upgrade 0.9-1"),
                ("2", Some(own), "upgrade 2:1.0~rc1-1.el9"),
                ("3", Some("0.8-1 0.9-1"), "upgrade 0.9-1"),
                ("2", None, "upgrade "),
            ] {
                assert_eq!(told(time, count, installed), expected, "{time:?} {count} {installed:?}");
            }
        }
        assert_eq!(told(ScriptTime::PostTransaction, "1", None), "transaction ");
        assert_eq!(told(ScriptTime::Triggered, "/etc/site.d", None), "triggered ");
        for time in [ScriptTime::PreUninstall, ScriptTime::PostUninstall] {
            for (count, expected) in [("0", "remove"), ("1", "upgrade"), ("2", "upgrade")] {
                assert_eq!(told(time, count, None), format!("{expected} {own}"), "{time:?} {count}");
            }
        }
    }
}
