//! What scripts were called before OSCAR 5.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::{Report, ReportLocation};

/// Where scripts are.
pub(crate) const SCRIPTS_DIR: &str = "scripts";

/// Old names, each with the present one. Of two that mean the same the first wins.
const RENAMES: [(&str, &str); 12] = [
    ("setup", "api-post-install"),
    ("post_server_rpm_install", "server-post-install"),
    ("post_server_install", "server-post-install"),
    ("post_server_rpm_uninstall", "server-post-uninstall"),
    ("post_client_rpm_install", "client-post-install"),
    ("post_rpm_install", "client-post-install"),
    ("post_client_rpm_uninstall", "client-post-uninstall"),
    ("pre_configure", "api-pre-configure"),
    ("post_configure", "api-post-configure"),
    ("post_rpm_nochroot", "api-post-image"),
    ("post_clients", "api-post-clientdef"),
    ("post_install", "api-post-deploy"),
];

/// The files right inside of `scripts/` that get another name, each with the new one.
pub(crate) fn plan_renames(files: &BTreeSet<String>, report: &mut Report) -> BTreeMap<String, &'static str> {
    let mut renamed = BTreeMap::new();
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    for (old, new) in RENAMES {
        if !files.contains(old) {
            continue;
        }
        let at = ReportLocation::File(format!("{SCRIPTS_DIR}/{old}"));
        let other = match (files.contains(new), taken.get(new)) {
            (true, _) => Some("there is one already".to_owned()),
            (_, Some(other)) => Some(format!("`{other}` has become that")),
            _ => None,
        };
        if let Some(other) = other {
            report
                .add_needs_review(at, format!("not renamed to `{new}`: {other}; make one script of the two"));
            continue;
        }
        report.add_changed(at, format!("renamed to `{new}`"));
        taken.insert(new, old);
        renamed.insert(old.to_owned(), new);
    }
    renamed
}

/// Whether a script of this name is run by itself, now or under the old form's rules.
pub(crate) fn is_hook_name(name: &str) -> bool {
    let is_present = ["api-", "server-", "client-"].iter().any(|part| name.starts_with(part));
    is_present || RENAMES.iter().any(|(old, _)| *old == name)
}
