//! What dnf and yum show of a transaction before they are told not to do it.

use opkg_sdk::package_manager::{SideEffect, SideEffectKind};

/// What would be removed, replaced or downgraded. A list of packages stands below each heading, a line for each that
/// begins with one blank and the name; what a package replaces stands below it, further to the right. A package that is
/// upgraded or installed again replaces itself.
pub(crate) fn parse(printed: &str) -> Vec<SideEffect> {
    let (mut kind, mut package) = (None, "");
    let mut found = Vec::new();
    for line in printed.lines().map(str::trim_end) {
        let text = line.trim_start();
        let indentation = line.len() - text.len();
        if indentation == 0 {
            kind = match text {
                _ if text.starts_with("Removing") && text.ends_with(':') => Some(SideEffectKind::Remove),
                _ if text.starts_with("Downgrading") && text.ends_with(':') => {
                    Some(SideEffectKind::Downgrade)
                }
                _ => None,
            };
        } else if indentation == 1 {
            package = text.split_whitespace().next().unwrap_or_default();
            found.extend(kind.map(|kind| SideEffect { name: package.to_owned(), kind }));
        } else if let Some(replaced) = text.strip_prefix("replacing ") {
            let name = replaced_name(replaced);
            if name != package {
                found.push(SideEffect { name: name.to_owned(), kind: SideEffectKind::Replace });
            }
        }
    }
    found
}

/// In dnf 5 a column of its own: `x noarch 0:1-1 SOURCE SIZE`. In dnf 4 and yum with its architecture: `x.noarch 1-1`.
fn replaced_name(text: &str) -> &str {
    let words: Vec<&str> = text.split_whitespace().collect();
    let first = words.first().copied().unwrap_or_default();
    if words.len() > 2 { first } else { first.rsplit_once('.').map_or(first, |(name, _)| name) }
}
