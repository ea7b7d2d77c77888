//! "Did you mean …?"

/// Longer words are nobody's typing error.
const MAX_WORD_CHARS: usize = 64;

/// The candidate that `word` is most likely a misspelling of: at most a third of its letters (at least one)
/// are wrong, missing, added or swapped with their neighbour. Upper and lower case count as the same, and of
/// equally near candidates the first wins.
pub fn closest_match<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().take(MAX_WORD_CHARS + 1).count();
    if length == 0 || length > MAX_WORD_CHARS {
        return None;
    }
    let word = word.to_lowercase();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let lower = candidate.to_lowercase();
        let (length, other) = (word.chars().count(), lower.chars().count());
        let allowed = (length.max(other) / 3).max(1);
        if length.abs_diff(other) > allowed {
            continue;
        }
        let distance = strsim::osa_distance(&word, &lower);
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["serverDeps", "clientDeps", "commonDeps", "apiDeps", "name"];

    #[test]
    fn finds_what_was_meant() {
        for (word, meant) in [
            ("serverdeps", Some("serverDeps")),
            ("severDeps", Some("serverDeps")),
            ("cleintDeps", Some("clientDeps")),
            ("apiDep", Some("apiDeps")),
            ("nmae", Some("name")),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(closest_match(word, KNOWN), meant, "{word}");
        }
    }

    #[test]
    fn an_endless_word_is_nothing() {
        assert_eq!(closest_match(&"x".repeat(1_000_000), KNOWN), None);
    }
}
