//! What a package was made of, held against what is at hand.

use std::collections::BTreeMap;

use super::expectations::{Expectations, Materials};
use super::report::Report;
use crate::payloads::PAYLOAD_PREFIX;
use crate::statement::{FILE_PREFIX, PLUGIN_PREFIX};

/// Looks at what a statement says that the package was made of.
pub(super) fn check(
    name: &str,
    stated: &BTreeMap<String, String>,
    expected: &Expectations<'_>,
    report: &mut Report,
) {
    if let Some(Materials(files)) = expected.materials {
        let is_of_opkg = |name: &str| name.starts_with(FILE_PREFIX) || name.starts_with(PAYLOAD_PREFIX);
        let stated: BTreeMap<&String, &String> = stated.iter().filter(|(name, _)| is_of_opkg(name)).collect();
        let differs = |name: &&String| stated.get(*name).copied() != files.get(*name);
        let result = match stated.keys().copied().chain(files.keys()).find(differs) {
            Some(name) => {
                let path = name.strip_prefix(FILE_PREFIX).unwrap_or(name);
                let what = match (stated.contains_key(name), files.contains_key(name)) {
                    (true, false) => "is not in the OPKG",
                    (false, true) => "was not in the OPKG that the package was made of",
                    _ => "is not the file that the package was made of",
                };
                Err(format!("{} {what}", path.escape_debug()))
            }
            None => Ok(()),
        };
        report.add(name, "files of the OPKG", result);
    }
    let Some(at_hand) = expected.plugins else { return };
    let mut plugins =
        stated.iter().filter_map(|(name, digest)| Some((name.strip_prefix(PLUGIN_PREFIX)?, digest)));
    let Some((id, digest)) = plugins.next() else {
        report.add(name, "plugin", Err("it names none".into()));
        return;
    };
    let result = match at_hand.get(id) {
        None => Err("there is no such plugin here".into()),
        Some(found) if found == digest => Ok(()),
        Some(found) => Err(format!("the package was made by {digest}, the one here is {found}")),
    };
    report.add(name, format!("plugin {}", id.escape_debug()), result);
}
