//! Which of two versions is the newer one, as dpkg decides it (deb-version(7)).

use std::cmp::Ordering;

/// Compares `[epoch:]upstream[-revision]`. No epoch is epoch 0, no revision is older than any but `0`.
#[must_use]
pub fn compare(one: &str, other: &str) -> Ordering {
    let ((epoch, upstream, revision), (other_epoch, other_upstream, other_revision)) =
        (split_version(one), split_version(other));
    compare_parts(epoch, other_epoch)
        .then_with(|| compare_parts(upstream, other_upstream))
        .then_with(|| compare_parts(revision, other_revision))
}

/// Epoch, upstream version and revision.
fn split_version(text: &str) -> (&str, &str, &str) {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch, upstream, revision)
}

/// Compares in turn what is no digit, character by character, and the numbers between.
fn compare_parts(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    while !one.is_empty() || !other.is_empty() {
        let ((text, rest), (other_text, other_rest)) = (split_run(one, false), split_run(other, false));
        let length = text.len().max(other_text.len());
        for index in 0..length {
            let order = char_order(text.get(index)).cmp(&char_order(other_text.get(index)));
            if order.is_ne() {
                return order;
            }
        }
        let ((number, rest), (other_number, other_rest)) =
            (split_run(rest, true), split_run(other_rest, true));
        let order = compare_numbers(number, other_number);
        if order.is_ne() {
            return order;
        }
        (one, other) = (rest, other_rest);
    }
    Ordering::Equal
}

/// Where a character stands: `~` before the end, letters before everything else.
fn char_order(character: Option<&u8>) -> i32 {
    match character {
        Some(b'~') => -1,
        None => 0,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(*letter),
        Some(other) => i32::from(*other) + 256,
    }
}

fn split_run(text: &[u8], digits: bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|it| it.is_ascii_digit() == digits).count())
}

/// Numbers of any length; none is 0.
fn compare_numbers(one: &[u8], other: &[u8]) -> Ordering {
    let significant = |number: &[u8]| number.len() - number.iter().take_while(|it| **it == b'0').count();
    let (length, other_length) = (significant(one), significant(other));
    length
        .cmp(&other_length)
        .then_with(|| one[one.len() - length..].cmp(&other[other.len() - other_length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order() {
        let rising = [
            "1.0~rc1-1",
            "1.0",
            "1.0-1",
            "1.0-1.1",
            "1.0a-1",
            "1.0+b-1",
            "1.0.1-1",
            "1.1-1",
            "1.10-1",
            "1:0.1-1",
        ];
        for (index, older) in rising.iter().enumerate() {
            assert_eq!(compare(older, older), Ordering::Equal);
            for newer in &rising[index + 1..] {
                assert_eq!(compare(older, newer), Ordering::Less, "{older} {newer}");
                assert_eq!(compare(newer, older), Ordering::Greater, "{newer} {older}");
            }
        }
        assert_eq!(compare("0:1.0", "1.0-0"), Ordering::Equal);
    }
}
