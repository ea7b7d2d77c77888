//! Words and paths that plugins return: which ones can be, and why others are refused.

use opkg_interface::DescriptionError;
use opkg_interface::text::quote;

/// Which rule an answer breaks, in one line. Reads as the end of "returned something invalid".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ValidationError(String);

impl From<DescriptionError> for ValidationError {
    fn from(error: DescriptionError) -> Self {
        Self(error.to_string())
    }
}

/// What a check that failed returns.
pub(crate) fn invalid<T>(reason: impl Into<String>) -> Result<T, ValidationError> {
    Err(ValidationError(reason.into()))
}

/// Bytes of a path's component, as file systems have it.
const MAX_NAME_BYTES: usize = 255;

/// Bytes of a path, as operating systems have it, with room for the directory that it is put into.
const MAX_PATH_BYTES: usize = 3072;

/// A path that stays below where it starts.
pub(crate) fn validate_relative(path: &str) -> Result<(), ValidationError> {
    let clean = |name: &str| {
        !matches!(name, "" | "." | "..") && name.len() <= MAX_NAME_BYTES && !name.contains(char::is_control)
    };
    if path.len() <= MAX_PATH_BYTES && path.split('/').all(clean) {
        return Ok(());
    }
    invalid(format!("the path {}, which is not relative and clean", quote(path)))
}

/// The path of something in the root of a system.
pub(crate) fn validate_absolute(path: &str) -> Result<(), ValidationError> {
    match path.strip_prefix('/') {
        Some(rest) => validate_relative(rest)
            .or_else(|_| invalid(format!("the path {}, which is not clean", quote(path)))),
        None => invalid(format!("the path {}, which is not absolute", quote(path))),
    }
}

/// The name of a file in some directory.
pub(crate) fn validate_file_name(name: &str) -> Result<(), ValidationError> {
    if name.contains('/') || validate_relative(name).is_err() {
        return invalid(format!("{}, where the name of a file is meant", quote(name)));
    }
    Ok(())
}

/// The name of a user or group, of letters that mean nothing to anybody.
pub(crate) fn validate_account(name: &str) -> Result<(), ValidationError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.len() > 31 || !name.starts_with(|c: char| is_plain(c) && c != '-') || !name.chars().all(is_plain)
    {
        return invalid(format!("{}, where the name of a user or group is meant", quote(name)));
    }
    Ok(())
}

/// `what` is what the value is called where it is refused.
pub(crate) fn validate_single_line(what: &str, value: &str) -> Result<(), ValidationError> {
    match value.chars().find(|c| c.is_control()) {
        Some(odd) => invalid(format!("the character {odd:?} in the {what} {}", quote(value))),
        None => Ok(()),
    }
}

/// Likewise of a value that has to be there.
pub(crate) fn validate_non_empty(what: &str, value: &str) -> Result<(), ValidationError> {
    if value.is_empty() { invalid(format!("an empty {what}")) } else { validate_single_line(what, value) }
}
