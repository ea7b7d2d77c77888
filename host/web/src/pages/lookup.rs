//! Looks up packages and targets by the names that were typed into a form.

use std::collections::BTreeSet;

use opkg_engine::groups::GroupCatalog;
use opkg_engine::operations::{self, OperationError};
use opkg_engine::target_selector::{self, SelectError, TargetSelector};
use opkg_oda::{Cluster, PackageId, PackageName, ParseError, TargetId};

use crate::app_state::ServerSettings;

/// The messages have no full stop.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// What was typed is neither the name of a package nor a target selector.
    #[error(transparent)]
    Syntax(#[from] ParseError),
    #[error("{}", describe_operation_error(.0))]
    Package(#[from] OperationError),
    #[error("{}", describe_select_error(.0))]
    Target(#[from] SelectError),
}

/// The message, with the most similar name when a package is not known.
#[must_use]
pub fn describe_operation_error(error: &OperationError) -> String {
    match error {
        OperationError::UnknownPackage { suggestion: Some(suggestion), .. }
        | OperationError::NewPackage { suggestion: Some(suggestion), .. } => {
            format!("{error} (did you mean {suggestion}?)")
        }
        _ => error.to_string(),
    }
}

/// The message, with what was meant perhaps.
fn describe_select_error(error: &SelectError) -> String {
    match error {
        SelectError::UnknownTarget { suggestion: Some(suggestion), .. }
        | SelectError::UnknownGroup { suggestion: Some(suggestion), .. } => {
            format!("{error} (did you mean {suggestion}?)")
        }
        SelectError::AmbiguousGroup { choices, .. } => format!("{error}: {}", choices.join(", ")),
        _ => error.to_string(),
    }
}

/// Names separated by blanks or commas.
///
/// # Errors
/// When one is not a valid name.
pub fn parse_package_names(text: &str) -> Result<Vec<PackageName>, ParseError> {
    let names = text.split(|letter: char| letter == ',' || letter.is_whitespace());
    names.filter(|name| !name.is_empty()).map(str::parse).collect()
}

/// # Errors
/// When a package is not known.
pub fn find_packages(cluster: &Cluster, text: &str) -> Result<Vec<PackageId>, LookupError> {
    Ok(operations::find_packages(cluster, &parse_package_names(text)?)?)
}

/// Selectors as `--on` takes them, separated by blanks. What only leaves out is left out of the default targets.
///
/// # Errors
/// When a selector is invalid, or names a target or group that does not exist.
pub fn find_targets(
    cluster: &Cluster,
    settings: &ServerSettings,
    text: &str,
) -> Result<BTreeSet<TargetId>, LookupError> {
    let words = parse_selectors(text)?;
    let groups = match words.iter().any(TargetSelector::has_groups) {
        // They may have changed since the last look.
        true => opkg_opm::groups::load(&settings.groups),
        false => GroupCatalog::default(),
    };
    let otherwise = match !words.is_empty() && words.iter().all(TargetSelector::is_exclusion) {
        true => {
            let usual = parse_selectors(&settings.default_targets)?;
            target_selector::select(&usual, cluster, &groups, &BTreeSet::new())?
        }
        false => BTreeSet::new(),
    };
    Ok(target_selector::select(&words, cluster, &groups, &otherwise)?)
}

fn parse_selectors(text: &str) -> Result<Vec<TargetSelector>, ParseError> {
    text.split_whitespace().map(str::parse).collect()
}
