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
const LIST_RULE: &str = "`node[1-12,20]`, with at most a hundred thousand names";

/// Many names, read but not yet written out: `r[1-2]n[01-48]`. It is as large as its text, however many names it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostList {
    /// Each bracket with what stands before it.
    brackets: Vec<(String, Bracket)>,
    /// What stands behind the last one.
    rest: String,
}

/// The numbers of `[1-3,07-12,20-40/2]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Bracket {
    ranges: Vec<NumberRange>,
    /// How many numbers all ranges have.
    count: usize,
}

/// `07-12`, or `0-40/2`: every second number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NumberRange {
    first: u64,
    step: u64,
    /// Digits that each number is filled up to; 0 for as many as it needs.
    width: usize,
    /// How many numbers all ranges before this one have.
    offset: usize,
}

impl HostList {
    /// Reads a list without commas outside of brackets: `n[1-3,7]` is `n1`, `n2`, `n3` and `n7`, and where a number begins
    /// with a zero, all have as many digits. There may be several brackets, and steps as ClusterShell writes them:
    /// `n[0-6/2]`.
    ///
    /// # Errors
    /// When the brackets do not make sense, or hold more than a hundred thousand names.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let invalid = || ParseError::new("list of names", text, LIST_RULE);
        let mut brackets: Vec<(String, Bracket)> = Vec::new();
        let mut rest = text;
        let (mut count, mut longest) = (1_usize, 0);
        while let Some((before, behind)) = rest.split_once('[') {
            let (inside, after) = behind.split_once(']').ok_or_else(invalid)?;
            let (bracket, digits) = Bracket::parse(inside).ok_or_else(invalid)?;
            count = count.saturating_mul(bracket.count);
            longest += before.len() + digits;
            if before.contains(']')
                || brackets.len() == MAX_BRACKETS
                || count > MAX_NAMES
                || longest > MAX_NAME_BYTES
            {
                return Err(invalid());
            }
            brackets.push((before.to_owned(), bracket));
            rest = after;
        }
        if rest.contains(']') || longest + rest.len() > MAX_NAME_BYTES {
            return Err(invalid());
        }
        Ok(Self { brackets, rest: rest.to_owned() })
    }

    /// How many names it has, at most a hundred thousand.
    #[must_use]
    pub fn count(&self) -> usize {
        self.brackets.iter().map(|(_, bracket)| bracket.count).product()
    }

    /// All names, in the order of the list.
    pub fn names(&self) -> impl Iterator<Item = String> {
        (0..self.count()).map(|index| self.name(index))
    }

    /// The name at a place below [`Self::count`].
    fn name(&self, mut index: usize) -> String {
        let mut places = self.count();
        let mut name = String::new();
        for (before, bracket) in &self.brackets {
            places /= bracket.count;
            name.push_str(before);
            name.push_str(&bracket.number(index / places));
            index %= places;
        }
        name.push_str(&self.rest);
        name
    }
}

impl Bracket {
    /// What stands between brackets, and the digits of its longest number.
    fn parse(inside: &str) -> Option<(Self, usize)> {
        let mut bracket = Self::default();
        let mut digits = 0;
        for part in inside.split(',') {
            let (range, step) = part.split_once('/').unwrap_or((part, "1"));
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (from, to, step) = (parse_number(first)?, parse_number(last)?, parse_number(step)?);
            let steps = to.checked_sub(from)?.checked_div(step)?;
            let width = padded_width(first).unwrap_or(0);
            digits = digits.max(width).max(last.len());
            bracket.ranges.push(NumberRange { first: from, step, width, offset: bracket.count });
            bracket.count = bracket.count.checked_add(usize::try_from(steps).ok()?)?.checked_add(1)?;
            if bracket.count > MAX_NAMES {
                return None;
            }
        }
        Some((bracket, digits))
    }

    /// The number at a place below the count.
    fn number(&self, index: usize) -> String {
        let behind = self.ranges.partition_point(|range| range.offset <= index);
        let Some(range) = behind.checked_sub(1).and_then(|at| self.ranges.get(at)) else {
            return String::new();
        };
        let number = range.first + (index - range.offset) as u64 * range.step;
        format!("{number:0width$}", width = range.width)
    }
}

fn parse_number(text: &str) -> Option<u64> {
    let is_number = (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// All names of a list without commas outside of brackets, in its order.
///
/// # Errors
/// When the brackets do not make sense, or hold more than a hundred thousand names.
pub fn expand(text: &str) -> Result<Vec<String>, ParseError> {
    Ok(HostList::parse(text)?.names().collect())
}

/// The parts of a list, at those commas that stand outside of brackets.
pub fn split_list(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    text.split(move |letter| {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    })
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
        assert_eq!(expand("r[1-2]n[08-09]-[x]").ok(), None);
        assert_eq!(expand("r[1-2]n[08,10]-ib").unwrap(), ["r1n08-ib", "r1n10-ib", "r2n08-ib", "r2n10-ib"]);
        assert_eq!(expand("[1-2][07-08]").unwrap(), ["107", "108", "207", "208"]);
        assert_eq!(expand("n[000-006/3,9]").unwrap(), ["n000", "n003", "n006", "n9"]);
        assert_eq!(expand("n[1-4/2]").unwrap(), ["n1", "n3"]);
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
            "n[1-9/0]",
            "n[1-9/]",
            "n[1/2/3]",
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
            let mut unfolded = BTreeSet::new();
            for part in split_list(&folded) {
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
                // `[0-1]` is one longer than `0,1,`: so it is with names that are nothing but numbers.
                let listed: usize = names.iter().map(|it| it.len() + 1).sum();
                prop_assert!(fold(names.iter().map(String::as_str)).len() <= listed + 1);
            }
        }
    }
}
