//! What a registry wants to know of who asks: the header `WWW-Authenticate` (RFC 9110, section 11), with the tokens of
//! Docker's registry.

use std::collections::BTreeMap;

/// What a registry wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A name and a password.
    Basic,
    /// A token, which another server hands out.
    Bearer {
        /// The address of that server.
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

impl Challenge {
    /// The one of several that is to be preferred, each in a header of its own.
    pub(crate) fn choose<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        let known: Vec<Self> = headers.filter_map(Self::parse).collect();
        let bearer = known.iter().find(|it| matches!(it, Self::Bearer { .. }));
        bearer.or_else(|| known.first()).cloned()
    }

    fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut parameters = parse_parameters(rest);
        Some(Self::Bearer {
            realm: parameters.remove("realm")?,
            service: parameters.remove("service"),
            scope: parameters.remove("scope"),
        })
    }
}

/// `name="value"`, with commas between; in a value `\` stands before a character that is meant as it is.
fn parse_parameters(text: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    let mut rest = text;
    while let Some((name, value)) = rest.split_once('=') {
        let name = name.trim_matches([' ', ',']).to_ascii_lowercase();
        let mut characters = value.trim_start().char_indices();
        let value = value.trim_start();
        let mut read = String::new();
        let mut end = value.len();
        if value.starts_with('"') {
            characters.next();
            while let Some((at, character)) = characters.next() {
                match character {
                    '"' => {
                        end = at + 1;
                        break;
                    }
                    '\\' => read.extend(characters.next().map(|(_, escaped)| escaped)),
                    plain => read.push(plain),
                }
            }
        } else {
            end = value.find(',').unwrap_or(value.len());
            read.push_str(value[..end].trim());
        }
        parameters.insert(name, read);
        rest = &value[end..];
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
            scope: scope.map(str::to_owned),
        };
        for (header, expected) in [
            ("Basic realm=\"x\"", Some(Challenge::Basic)),
            ("basic", Some(Challenge::Basic)),
            (
                r#"Bearer realm="https://a/token",service="r",scope="repository:a/b:pull,push""#,
                Some(bearer("https://a/token", Some("r"), Some("repository:a/b:pull,push"))),
            ),
            (r#"BEARER Scope=x , realm = "a\"b" "#, Some(bearer("a\"b", None, Some("x")))),
            (r#"Bearer realm="unfinished"#, Some(bearer("unfinished", None, None))),
            ("Bearer service=\"r\"", None),
            ("Digest realm=\"x\"", None),
            ("", None),
        ] {
            assert_eq!(Challenge::parse(header), expected, "{header}");
        }
        let chosen = Challenge::choose(["Basic realm=\"x\"", "Bearer realm=\"y\""].into_iter());
        assert_eq!(chosen, Some(bearer("y", None, None)));
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config {
            rng_seed: proptest::test_runner::RngSeed::Fixed(1),
            failure_persistence: None,
            ..proptest::test_runner::Config::default()
        })]

        #[test]
        fn any_header_is_read_or_refused(text in "Bearer [a-z=\",\\\\ é]{0,40}") {
            if let Some(Challenge::Bearer { realm, .. }) = Challenge::parse(&text) {
                proptest::prop_assert!(text.contains("realm"), "{realm}");
            }
        }
    }
}
