//! Which of two packages is the newer one, as the format of packages has it.

use std::cmp::Ordering;

use opkg_interface::artefacts::{BinaryPackage, Container};

/// Compares epochs, versions and releases; nothing where the format of packages has no order of its own.
#[must_use]
pub fn compare(container: &Container, one: &BinaryPackage, other: &BinaryPackage) -> Option<Ordering> {
    let parts: fn(&str, &str) -> Ordering = match container {
        Container::Rpm(_) => compare_rpm,
        Container::Deb(_) => compare_deb,
        Container::Archives(_) => return None,
    };
    let versions = || parts(&one.version, &other.version);
    let releases = || parts(&one.release, &other.release);
    Some(one.epoch.cmp(&other.epoch).then_with(versions).then_with(releases))
}

/// rpm-version(7): pieces of digits and of letters, of which a number is newer; `~` before the end, `^` right behind it.
fn compare_rpm(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    loop {
        (one, other) = (skip_separators(one), skip_separators(other));
        let rank = |text: &[u8]| match text.first() {
            Some(b'~') => 0,
            None => 1,
            Some(b'^') => 2,
            Some(letter) if letter.is_ascii_alphabetic() => 3,
            Some(_) => 4,
        };
        let order = rank(one).cmp(&rank(other));
        if order.is_ne() {
            return order;
        }
        match one.first() {
            None => return Ordering::Equal,
            Some(b'~' | b'^') => (one, other) = (&one[1..], &other[1..]),
            Some(first) => {
                let kind: fn(&u8) -> bool =
                    if first.is_ascii_digit() { u8::is_ascii_digit } else { u8::is_ascii_alphabetic };
                let ((piece, rest), (other_piece, other_rest)) = (split(one, kind), split(other, kind));
                let order = match first.is_ascii_digit() {
                    true => compare_numbers(piece, other_piece),
                    false => piece.cmp(other_piece),
                };
                if order.is_ne() {
                    return order;
                }
                (one, other) = (rest, other_rest);
            }
        }
    }
}

fn skip_separators(text: &[u8]) -> &[u8] {
    split(text, |byte| !byte.is_ascii_alphanumeric() && !b"~^".contains(byte)).1
}

/// deb-version(7): what is no digit by characters, letters before signs and `~` before the end; then numbers.
fn compare_deb(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    let rank = |character: Option<&u8>| match character {
        Some(b'~') => -1,
        None => 0,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(*letter),
        Some(sign) => i32::from(*sign) + 256,
    };
    while !one.is_empty() || !other.is_empty() {
        let is_text = |byte: &u8| !byte.is_ascii_digit();
        let ((text, rest), (other_text, other_rest)) = (split(one, is_text), split(other, is_text));
        let ((number, rest), (other_number, other_rest)) =
            (split(rest, u8::is_ascii_digit), split(other_rest, u8::is_ascii_digit));
        let texts = (0..text.len().max(other_text.len()))
            .map(|index| rank(text.get(index)).cmp(&rank(other_text.get(index))))
            .find(|order| order.is_ne());
        let order = texts.unwrap_or_else(|| compare_numbers(number, other_number));
        if order.is_ne() {
            return order;
        }
        (one, other) = (rest, other_rest);
    }
    Ordering::Equal
}

fn split(text: &[u8], belongs: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| belongs(byte)).count())
}

/// Numbers of any length.
fn compare_numbers(one: &[u8], other: &[u8]) -> Ordering {
    let (one, other) = (significant(one), significant(other));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

fn significant(number: &[u8]) -> &[u8] {
    split(number, |byte| *byte == b'0').1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_of_formats() {
        let rpm = ["1.0~rc1", "1.0", "1.0^git", "1.0a", "1.0.1", "1.1", "1.10", "2"];
        let deb = ["1.0~rc1", "1.0", "1.0a", "1.0+b", "1.0.1", "1.1", "1.10", "2"];
        for (rising, compare) in [(rpm, compare_rpm as fn(&str, &str) -> Ordering), (deb, compare_deb)] {
            for (index, older) in rising.iter().enumerate() {
                assert_eq!(compare(older, older), Ordering::Equal);
                for newer in &rising[index + 1..] {
                    assert_eq!(compare(older, newer), Ordering::Less, "{older} {newer}");
                    assert_eq!(compare(newer, older), Ordering::Greater, "{newer} {older}");
                }
            }
        }
        assert_eq!(compare_rpm("1.0", "1_0"), Ordering::Equal);
        assert_eq!(compare_deb("1.00", "1.0"), Ordering::Equal);
    }
}
