//! Many names in few letters: `oscarnode[01-96,100]`.

use std::collections::{BTreeMap, BTreeSet};

use opkg_oda::ParseError;

/// As many names come out of one list at most.
const MAX_NAMES: usize = 100_000;
/// Longer than names of hosts in DNS.
const MAX_NAME_BYTES: usize = 255;
const MAX_BRACKETS: usize = 8;
/// Digits of a number that is counted with; a longer one is a name like any other.
const MAX_DIGITS: usize = 18;

/// All names of a list, in its order: `n[1-3,7]` is `n1`, `n2`, `n3` and `n7`, and where a number begins with a zero,
/// all have as many digits. There may be several brackets.
///
/// # Errors
/// When the brackets do not make sense, or hold more than a hundred thousand names.
pub fn expand(text: &str) -> Result<Vec<String>, ParseError> {
    let mut names = vec![String::new()];
    let mut rest = text;
    if text.matches('[').count() > MAX_BRACKETS {
        return Err(invalid_list(text));
    }
    while let Some((before, from)) = rest.split_once('[') {
        if before.len() > MAX_NAME_BYTES {
            return Err(invalid_list(text));
        }
        let (inside, after) = from.split_once(']').ok_or_else(|| invalid_list(text))?;
        let mut members = Vec::new();
        for part in inside.split(',') {
            parse_range(part, &mut members).ok_or_else(|| invalid_list(text))?;
        }
        if before.contains(']') || names.len().saturating_mul(members.len()) > MAX_NAMES {
            return Err(invalid_list(text));
        }
        let with = |name: &String| members.iter().map(|it| format!("{name}{before}{it}")).collect::<Vec<_>>();
        names = names.iter().flat_map(with).collect();
        if names.iter().any(|name| name.len() > MAX_NAME_BYTES) {
            return Err(invalid_list(text));
        }
        rest = after;
    }
    if rest.contains(']') || names.iter().any(|name| name.len() + rest.len() > MAX_NAME_BYTES) {
        return Err(invalid_list(text));
    }
    names.iter_mut().for_each(|it| it.push_str(rest));
    Ok(names)
}

/// `7` or `07-12`.
fn parse_range(part: &str, members: &mut Vec<String>) -> Option<()> {
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    let number = |text: &str| {
        let fits = (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
        text.parse::<u64>().ok().filter(|_| fits)
    };
    let (from, to) = (number(first)?, number(last)?);
    if to < from || to - from >= MAX_NAMES as u64 || members.len() > MAX_NAMES {
        return None;
    }
    let width = padded_width(first).unwrap_or(0);
    members.extend((from..=to).map(|it| format!("{it:0width$}")));
    Some(())
}

fn invalid_list(text: &str) -> ParseError {
    ParseError::new("list of names", text, "`node[1-12,20]`, with at most a hundred thousand names")
}

/// The names in as few letters as possible, sorted.
#[must_use]
pub fn fold<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: BTreeSet<&str> = names.into_iter().collect();
    let mut plain: Vec<&str> = Vec::new();
    // Before the number, behind it; then how it is written, and which.
    let mut series: BTreeMap<(&str, &str), Vec<(&str, u64)>> = BTreeMap::new();
    for name in names {
        match split_number(name) {
            Some((before, digits, after, number)) => {
                series.entry((before, after)).or_default().push((digits, number));
            }
            None => plain.push(name),
        }
    }
    let mut parts: Vec<String> = plain.into_iter().map(str::to_owned).collect();
    for ((before, after), numbers) in series {
        parts.push(format!("{before}{}{after}", fold_numbers(&numbers)));
    }
    parts.sort();
    parts.join(",")
}

/// The numbers of names that are alike but for them: `7`, or `[01-03,7]`.
fn fold_numbers(numbers: &[(&str, u64)]) -> String {
    // `10` among `08` and `09` has two digits, as they have; among `9` and `11` it has as many as it needs.
    let widths: BTreeSet<usize> = numbers.iter().filter_map(|(digits, _)| padded_width(digits)).collect();
    let width = |digits: &str| widths.get(&digits.len()).copied().unwrap_or(0);
    let mut sorted: Vec<(usize, u64)> =
        numbers.iter().map(|(digits, number)| (width(digits), *number)).collect();
    sorted.sort_unstable();
    let mut ranges: Vec<(usize, u64, u64)> = Vec::new();
    for (width, number) in sorted {
        match ranges.last_mut() {
            Some((of, _, last)) if *of == width && *last + 1 == number => *last = number,
            _ => ranges.push((width, number, number)),
        }
    }
    let one = |(width, first, last): &(usize, u64, u64)| match (first, last) {
        (first, last) if first == last => format!("{first:0width$}"),
        (first, last) => format!("{first:0width$}-{last:0width$}"),
    };
    let text: Vec<String> = ranges.iter().map(one).collect();
    let text = text.join(",");
    if numbers.len() == 1 { text } else { format!("[{text}]") }
}

/// What stands before the last number of a name, the number, and what follows.
fn split_number(name: &str) -> Option<(&str, &str, &str, u64)> {
    let end = name.rfind(|it: char| it.is_ascii_digit())? + 1;
    let start = name[..end]
        .rfind(|it: char| !it.is_ascii_digit())
        .map_or(0, |at| at + name[at..].chars().next().map_or(1, char::len_utf8));
    let digits = name.get(start..end).filter(|it| it.len() <= MAX_DIGITS)?;
    Some((name.get(..start)?, digits, name.get(end..)?, digits.parse().ok()?))
}

/// How many digits a number has that is filled up with zeros.
fn padded_width(digits: &str) -> Option<usize> {
    (digits.len() > 1 && digits.starts_with('0')).then_some(digits.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_are_expanded() {
        assert_eq!(expand("head").unwrap(), ["head"]);
        assert_eq!(expand("n[08-11,20]").unwrap(), ["n08", "n09", "n10", "n11", "n20"]);
        assert_eq!(expand("n[9-11]x").unwrap(), ["n9x", "n10x", "n11x"]);
        assert_eq!(expand("r[1-2]n[1,2]").unwrap(), ["r1n1", "r1n2", "r2n1", "r2n2"]);
        let bad = [
            "n[",
            "n]",
            "n[]",
            "n[2-1]",
            "n[a]",
            "n[1-]",
            "[1",
            "]1[",
            "n[1-200000]",
            "n[1-999][1-999]",
            "n[-1]",
        ];
        for bad in bad {
            assert!(expand(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn short_lists_do_not_exhaust_memory_or_time() {
        let long = "x".repeat(100_000);
        let numbers = "[1-99999]";
        for list in [
            format!("{long}{numbers}"),
            format!("{numbers}{long}"),
            format!("{numbers}{}", "[1]".repeat(20_000)),
        ] {
            assert!(expand(&list).is_err());
        }
        assert!(expand(&"x".repeat(MAX_NAME_BYTES)).is_ok());
    }

    #[test]
    fn names_are_folded() {
        let folded = |names: &[&str]| fold(names.iter().copied());
        assert_eq!(folded(&[]), "");
        assert_eq!(folded(&["head"]), "head");
        assert_eq!(folded(&["n7"]), "n7");
        assert_eq!(folded(&["n10", "n9", "n11"]), "n[9-11]");
        assert_eq!(folded(&["n08", "n09", "n10", "n12", "b", "a1x", "a2x"]), "a[1-2]x,b,n[08-10,12]");
        assert_eq!(folded(&["n1", "n01", "n001"]), "n[1,01,001]");
        assert_eq!(folded(&["n99", "n100", "n098"]), "n[99,098,100]");
        let long = "n12345678901234567890";
        assert_eq!(folded(&[long, "n1"]), format!("n1,{long}"));
    }

    proptest! {
        #[test]
        fn what_is_folded_unfolds(names in proptest::collection::btree_set("[ab-]{0,2}[0-9]{0,4}[c.]{0,1}", 0..40)) {
            let folded = fold(names.iter().map(String::as_str));
            // Commas outside of brackets separate.
            let mut unfolded = BTreeSet::new();
            let mut depth = 0;
            let outside = |c: char| {
                depth += i32::from(c == '[') - i32::from(c == ']');
                c == ',' && depth == 0
            };
            for part in folded.split(outside) {
                unfolded.extend(expand(part).unwrap());
            }
            unfolded.remove("");
            let mut names = names;
            names.remove("");
            prop_assert_eq!(unfolded, names);
        }

        #[test]
        fn nothing_breaks_it(text in "\\PC{0,30}|[n0-9,\\[\\]-]{0,20}") {
            if let Ok(names) = expand(&text) {
                prop_assert!(names.len() <= MAX_NAMES);
                prop_assert!(fold(names.iter().map(String::as_str)).len() <= names.iter().map(|it| it.len() + 1).sum());
            }
        }
    }
}
