//! The time that is written into packages instead of the present one: `SOURCE_DATE_EPOCH`, as reproducible builds use it.
//! And the present one, with which dates are compared: nothing that is written comes from the future.

use std::time::{SystemTime, UNIX_EPOCH};

use opkg_shell::UsageError;

/// What the clock says, in seconds since 1970.
#[must_use]
pub fn now() -> Option<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

/// What the environment says stands for "now", in seconds since 1970.
///
/// # Errors
/// When it is no number that a package can carry.
pub fn source_date() -> Result<Option<i64>, UsageError> {
    let Some(epoch) = std::env::var_os("SOURCE_DATE_EPOCH") else { return Ok(None) };
    let seconds = epoch.to_str().and_then(|it| it.parse::<u32>().ok()).ok_or_else(|| {
        UsageError::new(
            format!("SOURCE_DATE_EPOCH is `{}`", epoch.to_string_lossy()),
            "it must be a number of seconds since 1970; unset it to use the changelog's newest date",
        )
    })?;
    Ok(Some(i64::from(seconds)))
}
