//! Counts in words.

/// `1 package`, `2 packages`.
#[must_use]
pub fn pluralize(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
