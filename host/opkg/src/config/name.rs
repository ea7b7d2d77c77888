//! Names of OPKGs.

use crate::filesystem;
use crate::limits::MAX_NAME_CHARS;

/// `[a-z0-9][a-z0-9+.-]+`
pub(super) fn matches_name_pattern(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() >= 2
        && name.starts_with(is_letter)
        && name.chars().all(|c| is_letter(c) || matches!(c, '+' | '.' | '-'))
}

/// Whether an OPKG may have this name: two or more of `a-z 0-9 + . -`, the first a letter or digit, short enough for
/// the names of files, and not that of the [directories that all share](crate::filesystem).
#[must_use]
pub fn is_name(name: &str) -> bool {
    matches_name_pattern(name) && name.len() <= MAX_NAME_CHARS && name != filesystem::NAME
}

/// The name that is nearest to what somebody wrote as one: in lower case, with `-` for everything that a name
/// cannot hold (`LAM/MPI` → `lam-mpi`). Absent where too little of it is left.
#[must_use]
pub fn suggest_name(written: &str) -> Option<String> {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '+' | '.') { c } else { '-' };
    let lower: String =
        written.chars().take(MAX_NAME_CHARS).map(|c| allowed(c.to_ascii_lowercase())).collect();
    let words: Vec<&str> = lower.split('-').filter(|word| !word.is_empty()).collect();
    let name = words.join("-");
    let name = name.trim_start_matches(['+', '.', '-']);
    is_name(name).then(|| name.to_owned())
}

/// What a name must be, and one that could have been meant.
pub(super) fn name_help(name: &str) -> String {
    let rule = "a name is two or more of `a-z 0-9 + . -`, and begins with a letter or digit";
    match suggest_name(name) {
        Some(proposal) => format!("{rule}: `{proposal}`, for example"),
        None => rule.into(),
    }
}
