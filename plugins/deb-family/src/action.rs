//! Why a maintainer script runs: what scripts are told of what dpkg passes (Debian's policy, chapter 6).

use opkg_sdk::model::ScriptTime;

use crate::version::DebVersion;

/// Commands that set `OPKG_ACTION` and `OPKG_OLD_VERSION` in a script of a package of this version.
///
/// dpkg calls old and new scripts, also to undo what did not come about: then the version that is back again was there
/// before.
pub fn commands(time: ScriptTime, version: &DebVersion) -> String {
    // Of letters, digits and signs that mean nothing to a shell.
    let own = format!("'{version}'");
    match time {
        ScriptTime::PreInstall => format!(
            "OPKG_ACTION=upgrade OPKG_OLD_VERSION=$2\n\
             case \"$1\" in\n    install) OPKG_ACTION=install OPKG_OLD_VERSION= ;;\n    \
             abort-upgrade) OPKG_OLD_VERSION={own} ;;\nesac\n"
        ),
        ScriptTime::PostInstall => format!(
            "OPKG_ACTION=upgrade OPKG_OLD_VERSION={own}\n\
             if [ \"$1\" = configure ]; then\n    OPKG_OLD_VERSION=$2\n    \
             [ -n \"$2\" ] || OPKG_ACTION=install\nfi\n"
        ),
        ScriptTime::PreUninstall => format!(
            "OPKG_ACTION=upgrade OPKG_OLD_VERSION={own}\n\
             case \"$1\" in\n    remove | deconfigure) OPKG_ACTION=remove ;;\n    \
             failed-upgrade) OPKG_OLD_VERSION=$2 ;;\nesac\n"
        ),
        ScriptTime::Triggered => "OPKG_ACTION=triggered OPKG_OLD_VERSION=\n".to_owned(),
        // dpkg runs none.
        ScriptTime::PreUpgrade
        | ScriptTime::PostUpgrade
        | ScriptTime::PreTransaction
        | ScriptTime::PostTransaction
        | ScriptTime::PreRemovalTransaction
        | ScriptTime::PostRemovalTransaction => String::new(),
        ScriptTime::PostUninstall => format!(
            "OPKG_ACTION=remove OPKG_OLD_VERSION={own}\n\
             case \"$1\" in\n    purge) OPKG_ACTION=purge ;;\n    upgrade) OPKG_ACTION=upgrade ;;\n    \
             failed-upgrade | abort-upgrade) OPKG_ACTION=upgrade OPKG_OLD_VERSION=$2 ;;\nesac\n"
        ),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::process::Command;

    fn told(time: ScriptTime, arguments: &str) -> String {
        let version = DebVersion { epoch: 2, upstream: "1.0~rc1".into(), revision: Some("1+deb12".into()) };
        let commands = commands(time, &version);
        let text = format!("set -e\n{commands}printf '%s %s' \"$OPKG_ACTION\" \"$OPKG_OLD_VERSION\"");
        let words = arguments.split(' ');
        let ended = Command::new("/bin/sh").args(["-c", &text, "script"]).args(words).output().unwrap();
        assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
        String::from_utf8(ended.stdout).unwrap().replace("2:1.0~rc1-1+deb12", "own")
    }

    #[test]
    fn what_is_told_of_each_call() {
        for (time, calls) in [
            (
                ScriptTime::PreInstall,
                &[
                    ("install", "install "),
                    ("install 0.9 1.0", "install "),
                    ("upgrade 0.9 1.0", "upgrade 0.9"),
                    ("abort-upgrade 1.1", "upgrade own"),
                ][..],
            ),
            (
                ScriptTime::PostInstall,
                &[
                    ("configure", "install "),
                    ("configure 0.9", "upgrade 0.9"),
                    ("abort-upgrade 1.1", "upgrade own"),
                    ("abort-remove", "upgrade own"),
                    ("abort-deconfigure in-favour x 1 removing y 2", "upgrade own"),
                ],
            ),
            (ScriptTime::Triggered, &[("/etc/site.d", "triggered ")]),
            (
                ScriptTime::PreUninstall,
                &[
                    ("remove", "remove own"),
                    ("deconfigure in-favour x 1", "remove own"),
                    ("upgrade 1.1", "upgrade own"),
                    ("failed-upgrade 0.9 1.0", "upgrade 0.9"),
                ],
            ),
            (
                ScriptTime::PostUninstall,
                &[
                    ("remove", "remove own"),
                    ("purge", "purge own"),
                    ("disappear x 1", "remove own"),
                    ("abort-install", "remove own"),
                    ("upgrade 1.1", "upgrade own"),
                    ("failed-upgrade 0.9 1.0", "upgrade 0.9"),
                    ("abort-upgrade 0.9 1.0", "upgrade 0.9"),
                ],
            ),
        ] {
            for (arguments, expected) in calls {
                assert_eq!(told(time, arguments), *expected, "{time:?} {arguments}");
            }
        }
    }
}
