//! Which of two versions is the newer one, as RPM decides it (rpm-version(7)).

use std::cmp::Ordering;

/// Compares `[epoch:]version[-release]`. No epoch is epoch 0; releases count where both have one.
#[must_use]
pub fn compare(one: &str, other: &str) -> Ordering {
    let ((epoch, version, release), (other_epoch, other_version, other_release)) =
        (split_evr(one), split_evr(other));
    let releases = || match (release, other_release) {
        (Some(release), Some(other)) => compare_parts(release, other),
        _ => Ordering::Equal,
    };
    compare_parts(epoch, other_epoch).then_with(|| compare_parts(version, other_version)).then_with(releases)
}

/// Epoch, version and release.
fn split_evr(text: &str) -> (&str, &str, Option<&str>) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (epoch, rest) = match text[digits..].strip_prefix(':') {
        Some(rest) => (if digits == 0 { "0" } else { &text[..digits] }, rest),
        None => ("0", text),
    };
    match rest.rsplit_once('-') {
        Some((version, release)) => (epoch, version, Some(release)),
        None => (epoch, rest, None),
    }
}

/// Compares two epochs, versions or releases, piece by piece: a piece is a row of digits or of letters, and
/// everything between pieces only separates them. `~` is older than the end, `^` newer, but older than anything else
/// that goes on.
fn compare_parts(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    loop {
        (one, other) = (skip_separators(one), skip_separators(other));
        match (one.first(), other.first()) {
            (Some(b'~'), Some(b'~')) => (one, other) = (&one[1..], &other[1..]),
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            (Some(b'^'), Some(b'^')) => (one, other) = (&one[1..], &other[1..]),
            (Some(b'^'), None) | (Some(_), Some(b'^')) => return Ordering::Greater,
            (None, Some(b'^')) | (Some(b'^'), Some(_)) => return Ordering::Less,
            (None, other) => return if other.is_some() { Ordering::Less } else { Ordering::Equal },
            (Some(_), None) => return Ordering::Greater,
            (Some(first), Some(second)) => {
                let is_number = first.is_ascii_digit();
                if is_number != second.is_ascii_digit() {
                    return if is_number { Ordering::Greater } else { Ordering::Less };
                }
                let (piece, rest) = split_segment(one, is_number);
                let (other_piece, other_rest) = self::split_segment(other, is_number);
                let order =
                    if is_number { compare_numbers(piece, other_piece) } else { piece.cmp(other_piece) };
                if order.is_ne() {
                    return order;
                }
                (one, other) = (rest, other_rest);
            }
        }
    }
}

fn skip_separators(text: &[u8]) -> &[u8] {
    let is_separator = |byte: &&u8| !byte.is_ascii_alphanumeric() && !b"~^".contains(byte);
    &text[text.iter().take_while(is_separator).count()..]
}

fn split_segment(text: &[u8], is_number: bool) -> (&[u8], &[u8]) {
    let belongs = |byte: &&u8| if is_number { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() };
    text.split_at(text.iter().take_while(belongs).count())
}

/// Numbers of any length.
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
            "1.0-1",
            "1.0-1.1",
            "1.0^git1-1",
            "1.0a-1",
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
        assert_eq!(compare("1.0", "1.0-7"), Ordering::Equal);
        assert_eq!(compare("0:1.0-1", "01.0-1"), Ordering::Equal);
        assert_eq!(compare("1.0", "1_0"), Ordering::Equal);
    }
}
