//! Names with `*` for any letters and `?` for any letter.

/// Whether it stands for other names than itself.
pub(super) fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// Whether a name fits a pattern. The time is bounded by the product of their lengths.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut in_name) = (0, 0);
    // Where the last `*` stands, and what it was last tried with.
    let mut star: Option<(usize, usize)> = None;
    while in_name < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, in_name));
                at += 1;
            }
            Some(letter) if *letter == b'?' || *letter == name[in_name] => {
                at += 1;
                in_name += 1;
            }
            _ => match star {
                Some((of, tried)) => {
                    star = Some((of, tried + 1));
                    at = of + 1;
                    in_name = tried + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name) in [("*", ""), ("a*b*c", "aXbbXc"), ("?", "a"), ("a**", "a"), ("*ab", "aab")] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("?", ""), ("a*b", "abc"), ("a", "A"), ("", "a")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        let long = "a".repeat(64);
        assert!(!matches(&"a*".repeat(30), &"b".repeat(64)));
        assert!(!matches(&format!("{}b", "*a".repeat(30)), &long));
    }
}
