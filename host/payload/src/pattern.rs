//! Which paths of a source are meant: names with `*` and `?`, and with a `/` at the end all that is below.

/// What a path is to a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match<'a> {
    /// It is meant itself.
    Whole,
    /// It is below a directory that is meant with all that is in it; what it is called from there on.
    Below(&'a str),
    /// It is such a directory.
    Directory,
}

/// Compares a path, relative and clean, with a pattern.
pub(crate) fn match_path<'a>(pattern: &str, path: &'a str) -> Option<Match<'a>> {
    if pattern == "/" {
        return Some(Match::Below(path));
    }
    let (names, is_tree) = pattern.strip_suffix('/').map_or((pattern, false), |names| (names, true));
    let mut rest = Some(path);
    for name in names.split('/') {
        let (first, behind) =
            rest?.split_once('/').map_or((rest?, None), |(first, rest)| (first, Some(rest)));
        if !match_name(name, first) {
            return None;
        }
        rest = behind;
    }
    match (is_tree, rest) {
        (true, Some(rest)) => Some(Match::Below(rest)),
        (true, None) => Some(Match::Directory),
        (false, None) => Some(Match::Whole),
        (false, Some(_)) => None,
    }
}

/// Compares a name with one that may have `*` and `?` in it. Takes time of the product of their lengths, not more.
fn match_name(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut in_name) = (0, 0);
    // Where the last `*` is, and what of the name it stands for so far.
    let mut star: Option<(usize, usize)> = None;
    while in_name < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_name));
                at += 1;
            }
            Some(c) if *c == '?' || *c == name[in_name] => {
                at += 1;
                in_name += 1;
            }
            _ => {
                let Some((place, stands_for)) = star else { return false };
                star = Some((place, stands_for + 1));
                at = place + 1;
                in_name = stands_for + 1;
            }
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        use Match::{Below, Directory, Whole};
        for (pattern, path, expected) in [
            ("tool", "tool", Some(Whole)),
            ("tool", "tools", None),
            ("tool", "bin/tool", None),
            ("tool", "tool/x", None),
            ("*/tool", "bin/tool", Some(Whole)),
            ("*", "tool", Some(Whole)),
            ("man/*.?", "man/tool.1", Some(Whole)),
            ("man/*.?", "man/tool.1p", None),
            ("man/*.?", "man/de/tool.1", None),
            ("lib/", "lib/a/b", Some(Below("a/b"))),
            ("lib/", "lib", Some(Directory)),
            ("lib/", "lib64/a", None),
            ("*/share/", "x/share/y", Some(Below("y"))),
            ("/", "a/b", Some(Below("a/b"))),
            ("a*b*c", "aXbXbXc", Some(Whole)),
            ("a*b*c", "aXbXbX", None),
            ("?", "ä", Some(Whole)),
        ] {
            assert_eq!(match_path(pattern, path), expected, "{pattern} {path}");
        }
        let long = "a".repeat(10_000);
        assert!(!match_name("*a*a*a*a*a*a*b", &long));
    }
}
