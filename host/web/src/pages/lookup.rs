//! Looks up packages and targets by the names that were typed into a form.

use std::collections::BTreeSet;

use opkg_engine::operations::{self, OperationError};
use opkg_engine::target_selector::{self, TargetSelector, UnknownTargetError};
use opkg_oda::{Cluster, PackageId, PackageName, ParseError, TargetId};

/// The messages have no full stop.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// What was typed is neither the name of a package nor a target selector.
    #[error(transparent)]
    Syntax(#[from] ParseError),
    #[error("{}", describe_operation_error(.0))]
    Package(#[from] OperationError),
    #[error(transparent)]
    Target(#[from] UnknownTargetError),
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

/// Selectors as `--on` takes them, separated by blanks.
///
/// # Errors
/// When a selector is invalid, or names a target that does not exist.
pub fn find_targets(cluster: &Cluster, text: &str) -> Result<BTreeSet<TargetId>, LookupError> {
    let selectors: Vec<TargetSelector> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    Ok(target_selector::select_union(&selectors, cluster)?)
}
