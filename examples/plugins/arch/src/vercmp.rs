//! Which of two versions pacman takes for the newer one: vercmp(8).

use std::cmp::Ordering;

/// Compares `[epoch:]upstream[-release]`. Without a release on either side, releases are not compared.
#[must_use]
pub fn compare(one: &str, other: &str) -> Ordering {
    let (one, other) = (split(one), split(other));
    let releases = match (one.2, other.2) {
        (Some(one), Some(other)) => compare_segments(one, other),
        _ => Ordering::Equal,
    };
    compare_segments(one.0, other.0).then(compare_segments(one.1, other.1)).then(releases)
}

fn split(version: &str) -> (&str, &str, Option<&str>) {
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => (epoch, rest),
        _ => ("0", version),
    };
    let epoch = if epoch.is_empty() { "0" } else { epoch };
    match rest.rsplit_once('-') {
        Some((upstream, release)) => (epoch, upstream, Some(release)),
        None => (epoch, rest, None),
    }
}

/// Compares runs of digits and runs of letters, whatever separates them; more of what separates is newer.
fn compare_segments(mut one: &str, mut other: &str) -> Ordering {
    if one == other {
        return Ordering::Equal;
    }
    let separators = |text: &str| text.find(|c: char| c.is_ascii_alphanumeric()).unwrap_or(text.len());
    // What separates is looked at only where something follows on both sides.
    while !one.is_empty() && !other.is_empty() {
        let (one_skipped, other_skipped) = (separators(one), separators(other));
        (one, other) = (&one[one_skipped..], &other[other_skipped..]);
        if one.is_empty() || other.is_empty() {
            break;
        }
        if one_skipped != other_skipped {
            return one_skipped.cmp(&other_skipped);
        }
        let is_number = one.starts_with(|c: char| c.is_ascii_digit());
        let run = |text: &str| {
            let is_in = |c: char| if is_number { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
            text.find(|c: char| !is_in(c)).unwrap_or(text.len())
        };
        let ((one_run, one_rest), (other_run, other_rest)) =
            (one.split_at(run(one)), other.split_at(run(other)));
        if other_run.is_empty() {
            // A number is newer than a word.
            return if is_number { Ordering::Greater } else { Ordering::Less };
        }
        let found = match is_number {
            true => {
                let number = |text: &str| text.trim_start_matches('0').len();
                let digits = |text: &'_ str| text.trim_start_matches('0').to_owned();
                number(one_run).cmp(&number(other_run)).then_with(|| digits(one_run).cmp(&digits(other_run)))
            }
            false => one_run.cmp(other_run),
        };
        if found.is_ne() {
            return found;
        }
        (one, other) = (one_rest, other_rest);
    }
    let is_word = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic());
    match (one.is_empty(), other.is_empty()) {
        (true, true) => Ordering::Equal,
        // A word behind what is the same otherwise is something before it: 1.0rc1 is older than 1.0.
        (true, false) => {
            if is_word(other) {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        (false, _) => {
            if is_word(one) {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_manual_has_it() {
        let rows: [&[&str]; 5] = [
            &["1.0a", "1.0b", "1.0beta", "1.0p", "1.0pre", "1.0rc", "1.0", "1.0.a", "1.0.1"],
            &["1", "1.0", "1.1", "1.1.1", "1.2", "2.0", "3.0.0"],
            &["9", "10", "10.0001.1", "10.2", "1:1", "2:0.1"],
            &["1.0-1", "1.0-1.1", "1.0-2", "1.0-10", "1.0.1-1"],
            &["1.0.alpha", "1.0.0"],
        ];
        for row in rows {
            for (at, older) in row.iter().enumerate() {
                assert_eq!(compare(older, older), Ordering::Equal);
                for newer in &row[at + 1..] {
                    assert_eq!(compare(older, newer), Ordering::Less, "{older} {newer}");
                    assert_eq!(compare(newer, older), Ordering::Greater, "{newer} {older}");
                }
            }
        }
        for (one, other) in [("1.0", "1.0-3"), ("0:1.0", "1.0"), ("1.01", "1.1"), ("1.0_1", "1.0.1")] {
            assert_eq!(compare(one, other), Ordering::Equal, "{one} {other}");
        }
    }
}
