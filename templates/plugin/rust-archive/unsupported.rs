//! What an OPKG may want and packages cannot give.

use opkg_sdk::diagnostic::{push_unique, warning};
use opkg_sdk::model::{Diagnostic, Opkg};

use crate::target::ID;

/// Said, not lost. CHANGE: do what the distribution can.
pub fn report_unsupported(opkg: &Opkg, diagnostics: &mut Vec<Diagnostic>) {
    let help = format!("leave {ID} out with `filters`, or do it in a post-install script");
    let mut warn =
        |at, message: String| push_unique(diagnostics, warning(at, message, help.clone()));
    for file in opkg.files.iter().filter(|file| file.unit.is_some()) {
        let path = &file.path;
        warn(
            file.at,
            format!("packages for {ID} do nothing about the unit `{path}`"),
        );
    }
    for file in opkg.files.iter().filter(|file| !file.accounts.is_empty()) {
        let path = &file.path;
        warn(
            file.at,
            format!("packages for {ID} do not make the users and groups of `{path}`"),
        );
    }
    for alternative in &opkg.alternatives {
        let main = &alternative.main;
        warn(
            main.at,
            format!(
                "packages for {ID} have no alternatives: nothing leads to `{}`",
                main.path
            ),
        );
    }
    for trigger in &opkg.triggers {
        warn(
            trigger.at,
            format!(
                "packages for {ID} have no triggers: nobody looks at `{}`",
                trigger.path
            ),
        );
    }
}
