//! What dnf and yum show of a transaction before they are told not to do it.

use opkg_sdk::PackageManagerError;
use opkg_sdk::package_manager::{Offer, SideEffect, SideEffectKind};

/// Above and below the heads of the table that dnf 4 and yum print.
const RULE: &str = "=====";

/// What stands below the table.
const SUMMARY: &str = "Transaction Summary";

/// What yum says when it looks for something that is not the name of a package, if it is told to say as much.
const YUM_LOOKS_FOR_PROVIDERS: &str = "Checking for virtual provide or file-provide for ";

/// What would be removed, replaced or downgraded. A list of packages stands below each heading, a line for each that
/// begins with one blank and the name; what a package replaces stands below it, further to the right. A package that is
/// upgraded or installed again replaces itself.
///
/// # Errors
/// It is a transaction in other words, or one that would install something in the place of what was asked for. `offers`
/// has what package sources have of that, where it is known.
pub(crate) fn parse(printed: &str, offers: Option<&[Offer]>) -> Result<Vec<SideEffect>, PackageManagerError> {
    if printed.contains(RULE) && !printed.lines().any(|line| line.starts_with(SUMMARY)) {
        return Err(PackageManagerError::new(
            "the simulation cannot be read: it shows a transaction, but in words of another language or version",
        ));
    }
    let is_offered = |name: &str| offers.is_none_or(|offers| offers.iter().any(|offer| offer.name == name));
    let (mut kind, mut is_asked_for, mut package) = (None, false, "");
    let mut found = Vec::new();
    let mut substitutes: Vec<&str> = Vec::new();
    for line in printed.lines().map(str::trim_end) {
        let text = line.trim_start();
        let indentation = line.len() - text.len();
        if let Some(wanted) = text.strip_prefix(YUM_LOOKS_FOR_PROVIDERS) {
            return Err(PackageManagerError::new(format!("no package source has {wanted}")));
        }
        if indentation == 0 {
            // Dependencies have a heading of their own.
            is_asked_for = text == "Installing:";
            kind = match text {
                _ if text.starts_with("Removing") && text.ends_with(':') => Some(SideEffectKind::Remove),
                _ if text.starts_with("Downgrading") && text.ends_with(':') => {
                    Some(SideEffectKind::Downgrade)
                }
                _ => None,
            };
        } else if indentation == 1 {
            package = text.split_whitespace().next().unwrap_or_default();
            if is_asked_for && !is_offered(package) {
                substitutes.push(package);
            }
            found.extend(kind.map(|kind| SideEffect { name: package.to_owned(), kind }));
        } else if let Some(replaced) = text.strip_prefix("replacing ") {
            let name = replaced_name(replaced);
            if name != package {
                if !is_offered(name) {
                    // For the sake of a dependency, which is told by itself.
                    substitutes.retain(|substitute| *substitute != package);
                }
                found.push(SideEffect { name: name.to_owned(), kind: SideEffectKind::Replace });
            }
        }
    }
    match substitutes.as_slice() {
        [] => Ok(found),
        names => Err(PackageManagerError::new(format!(
            "it would install {}, which nobody asked for, in the place of a package that is obsoleted, or that no \
             package source has",
            names.join(", ")
        ))),
    }
}

/// In dnf 5 a column of its own: `x noarch 0:1-1 SOURCE SIZE`. In dnf 4 and yum with its architecture: `x.noarch 1-1`.
fn replaced_name(text: &str) -> &str {
    let words: Vec<&str> = text.split_whitespace().collect();
    let first = words.first().copied().unwrap_or_default();
    if words.len() > 2 { first } else { first.rsplit_once('.').map_or(first, |(name, _)| name) }
}
