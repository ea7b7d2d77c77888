//! "Did you mean …?"

/// Longer words are nobody's typing error.
const LONGEST: usize = 64;

/// The candidate that `word` is most likely a misspelling of: at most a third of its letters (at least one)
/// are wrong, missing, added or swapped with their neighbour. Upper and lower case count as the same, and of
/// equally near candidates the first wins.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(LONGEST + 1).flat_map(char::to_lowercase).collect();
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let letters: Vec<char> = candidate.chars().flat_map(char::to_lowercase).collect();
        let allowed = (word.len().max(letters.len()) / 3).max(1);
        if word.len().abs_diff(letters.len()) > allowed {
            continue;
        }
        let distance = distance(&word, &letters);
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// How many letters have to be changed, added, removed or swapped with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(a.len())
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
            assert_eq!(nearest(word, KNOWN), meant, "{word}");
        }
    }

    #[test]
    fn an_endless_word_is_nothing() {
        assert_eq!(nearest(&"x".repeat(1_000_000), KNOWN), None);
    }
}
