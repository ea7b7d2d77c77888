//! Targets as administrators name them: `server`, `images`, `client:node[1-12]`, `image:*`.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use opkg_oda::{Cluster, ParseError, TargetId, TargetKind};

use crate::hostlist;

/// Some targets of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSelector {
    /// As it was written.
    text: String,
    kind: Option<TargetKind>,
    /// Patterns in which `*` and `?` stand for any letters and any letter; all if there is none.
    patterns: Vec<String>,
}

/// The words that mean targets of a kind, and which.
pub const KEYWORDS: [(&str, &str); 4] = [
    ("server", "the head node"),
    ("images", "all images"),
    ("clients", "all clients"),
    ("all", "head node, images and clients"),
];

/// There is no such target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no target is called {0}")]
pub struct UnknownTargetError(pub String);

impl FromStr for TargetSelector {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let whole = |kind| Self { text: text.to_owned(), kind, patterns: Vec::new() };
        match text {
            "all" => return Ok(whole(None)),
            "server" | "servers" => return Ok(whole(Some(TargetKind::Server))),
            "images" => return Ok(whole(Some(TargetKind::Image))),
            "clients" => return Ok(whole(Some(TargetKind::Client))),
            _ => {}
        }
        let rule = "`server`, `images`, `clients`, `all` or KIND:NAME, where a name may be \
                    `node[1-12]`, `node*` or several with commas between";
        let (kind, names) = text.split_once(':').ok_or_else(|| ParseError::new("target", text, rule))?;
        Ok(Self { kind: Some(kind.parse()?), patterns: parse_patterns(names)?, text: text.to_owned() })
    }
}

impl TargetSelector {
    /// Names of clients, without a kind before them: `node[1-12],login`.
    ///
    /// # Errors
    /// When the brackets do not make sense.
    pub fn parse_clients(text: &str) -> Result<Self, ParseError> {
        let names = text.strip_prefix("client:").unwrap_or(text);
        Ok(Self { text: text.to_owned(), kind: Some(TargetKind::Client), patterns: parse_patterns(names)? })
    }

    /// The targets that are meant.
    ///
    /// # Errors
    /// When a name, or a pattern, means none.
    pub fn select(&self, cluster: &Cluster) -> Result<BTreeSet<TargetId>, UnknownTargetError> {
        let of_kind: BTreeMap<&str, TargetId> = cluster
            .targets
            .values()
            .filter(|target| self.kind.is_none_or(|kind| target.kind() == kind))
            .map(|target| (target.address.name.as_str(), target.id))
            .collect();
        let Some(kind) = self.kind.filter(|_| !self.patterns.is_empty()) else {
            return Ok(cluster
                .targets
                .values()
                .filter(|target| self.kind.is_none_or(|kind| target.kind() == kind))
                .map(|target| target.id)
                .collect());
        };
        let mut chosen = BTreeSet::new();
        for pattern in &self.patterns {
            let before = chosen.len();
            match of_kind.get(pattern.as_str()) {
                Some(target) => {
                    chosen.insert(*target);
                    continue;
                }
                None if pattern.contains(['*', '?']) => {
                    chosen.extend(
                        of_kind.iter().filter(|(name, _)| glob_matches(pattern, name)).map(|(_, id)| id),
                    );
                }
                None => {}
            }
            if chosen.len() == before && !of_kind.keys().any(|name| glob_matches(pattern, name)) {
                return Err(UnknownTargetError(format!("{kind}:{pattern}")));
            }
        }
        Ok(chosen)
    }
}

/// The targets of several choices together.
///
/// # Errors
/// When one of them means none by name.
pub fn select_union(
    choices: &[TargetSelector],
    cluster: &Cluster,
) -> Result<BTreeSet<TargetId>, UnknownTargetError> {
    let mut all = BTreeSet::new();
    for choice in choices {
        all.extend(choice.select(cluster)?);
    }
    Ok(all)
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

fn parse_patterns(names: &str) -> Result<Vec<String>, ParseError> {
    let mut patterns = Vec::new();
    for part in split_list(names) {
        if part.is_empty() {
            return Err(ParseError::new("list of names", names, "names that are not empty"));
        }
        patterns.extend(hostlist::expand(part)?);
    }
    Ok(patterns)
}

/// Whether a name fits a pattern. The time is bounded by the product of their lengths.
fn glob_matches(pattern: &str, name: &str) -> bool {
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
    pattern[at..].iter().all(|it| *it == b'*')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use opkg_oda::{Change, Target};

    use super::*;

    fn cluster() -> Cluster {
        let mut cluster = Cluster::default();
        let names = ["server:head", "image:compute", "image:login", "client:n1", "client:n2", "client:login"];
        for (id, address) in (1..).zip(names) {
            cluster.apply(&Change::PutTarget(Target {
                id: TargetId(id),
                address: address.parse().unwrap(),
                root: None,
                image: None,
            }));
        }
        cluster
    }

    fn chosen(text: &str) -> Vec<i64> {
        text.parse::<TargetSelector>()
            .unwrap()
            .select(&cluster())
            .unwrap()
            .into_iter()
            .map(|it| it.0)
            .collect()
    }

    #[test]
    fn targets_by_kind_name_range_and_pattern() {
        for (word, _) in KEYWORDS {
            assert!(!chosen(word).is_empty(), "{word}");
        }
        assert_eq!(chosen("all"), [1, 2, 3, 4, 5, 6]);
        assert_eq!(chosen("server"), [1]);
        assert_eq!(chosen("images"), [2, 3]);
        assert_eq!(chosen("clients"), [4, 5, 6]);
        assert_eq!(chosen("client:n[1-2]"), [4, 5]);
        assert_eq!(chosen("client:n?,login"), [4, 5, 6]);
        assert_eq!(chosen("client:*i*"), [6]);
        assert_eq!(chosen("image:login"), [3]);
        assert_eq!(chosen("client:n1,n1,n*"), [4, 5]);
    }

    #[test]
    fn what_does_not_exist_is_named() {
        for (text, missing) in
            [("client:n[1-3]", "client:n3"), ("image:x*", "image:x*"), ("server:n1", "server:n1")]
        {
            let error = text.parse::<TargetSelector>().unwrap().select(&cluster()).unwrap_err();
            assert_eq!(error, UnknownTargetError(missing.into()));
        }
        for bad in ["n1", "node:n1", "client:", "client:n[", "client:a,,b", ""] {
            assert!(bad.parse::<TargetSelector>().is_err(), "{bad}");
        }
    }

    #[test]
    fn patterns() {
        for (pattern, name) in [("*", ""), ("a*b*c", "aXbbXc"), ("?", "a"), ("a**", "a"), ("*ab", "aab")] {
            assert!(glob_matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("?", ""), ("a*b", "abc"), ("a", "A"), ("", "a")] {
            assert!(!glob_matches(pattern, name), "{pattern} {name}");
        }
        let long = "a".repeat(64);
        assert!(!glob_matches(&"a*".repeat(30), &"b".repeat(64)));
        assert!(!glob_matches(&format!("{}b", "*a".repeat(30)), &long));
    }
}
