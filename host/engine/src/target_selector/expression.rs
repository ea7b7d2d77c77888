//! What is written about targets, read: names, groups, and what is done with these sets.
//!
//! The operators are those of ClusterShell's extended node groups, `,` for union, `!` for difference, `&` for intersection
//! and `^` for symmetric difference. As there, none binds stronger than another one: they are applied from left to right.

use std::fmt;

use opkg_oda::{ParseError, TargetKind};

use crate::hostlist::HostList;

/// The words that mean targets of a kind, and which.
pub const KEYWORDS: [(&str, &str); 4] = [
    ("server", "the head node"),
    ("images", "all images"),
    ("clients", "all clients"),
    ("all", "head node, images and clients"),
];

const TERM_RULE: &str = "`server`, `images`, `clients`, `all`, the name of a client, KIND:NAME or @GROUP, where a name may be \
                         `node[1-12]` or `node*`, with `,` `!` `&` `^` between them";
const OPERAND_RULE: &str = "a target or group on both sides of each `,` `!` `&` `^`";
const EXCLUSION_RULE: &str = "that what begins with `!` only leaves out: `!node7!node8`, or `!node[7-8]`";

/// Sets, and what is done with them from left to right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression {
    /// The first one stands behind [`Operator::Union`], or where all others are left out of something else, behind
    /// [`Operator::Difference`].
    pub terms: Vec<(Operator, Term)>,
}

/// What becomes of a set and the one that is written behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Union,
    Difference,
    Intersection,
    SymmetricDifference,
}

/// A set that is written as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Term {
    /// All targets, or those of a kind.
    Every(Option<TargetKind>),
    /// `client:node[1-3]`
    Names { kind: TargetKind, text: String, names: HostList },
    /// `@slurm:gpu`, `@rack[1-3]`
    Group { source: Option<String>, text: String, names: HostList },
}

/// What words may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// What administrators write for `opm`.
    Targets,
    /// What others write about nodes: each name is one, without kinds and words of `opm`.
    Nodes,
}

impl Operator {
    fn of_letter(letter: char) -> Option<Self> {
        match letter {
            ',' => Some(Self::Union),
            '!' => Some(Self::Difference),
            '&' => Some(Self::Intersection),
            '^' => Some(Self::SymmetricDifference),
            _ => None,
        }
    }

    fn letter(self) -> char {
        match self {
            Self::Union => ',',
            Self::Difference => '!',
            Self::Intersection => '&',
            Self::SymmetricDifference => '^',
        }
    }
}

impl Expression {
    /// Reads it. Blanks between two terms mean the same as a comma.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, ParseError> {
        let invalid = |rule: &str| ParseError::new("target", text, rule);
        let mut terms: Vec<(Operator, Term)> = Vec::new();
        let mut rest = text.trim();
        let mut operator = Operator::Union;
        if let Some(behind) = rest.strip_prefix('!') {
            operator = Operator::Difference;
            rest = behind.trim_start();
        }
        loop {
            let (written, behind) = rest.split_at(term_length(rest));
            if written.is_empty() {
                return Err(invalid(if text.trim().is_empty() { TERM_RULE } else { OPERAND_RULE }));
            }
            let kind = match terms.last() {
                Some((_, Term::Names { kind, .. })) => *kind,
                _ => TargetKind::Client,
            };
            let term = Term::parse(written, kind, dialect)?
                .ok_or_else(|| ParseError::new("target", written, TERM_RULE))?;
            terms.push((operator, term));
            rest = behind.trim_start();
            let Some(next) = rest.chars().next() else { break };
            operator = Operator::Union;
            if let Some(found) = Operator::of_letter(next) {
                operator = found;
                rest = rest.get(next.len_utf8()..).unwrap_or_default().trim_start();
            }
        }
        let expression = Self { terms };
        let is_mixed = expression.terms.iter().any(|(operator, _)| *operator != Operator::Difference);
        if expression.is_exclusion() && is_mixed {
            return Err(invalid(EXCLUSION_RULE));
        }
        Ok(expression)
    }

    /// Whether it says only what is left out of something else.
    pub fn is_exclusion(&self) -> bool {
        matches!(self.terms.first(), Some((Operator::Difference, _)))
    }

    pub fn has_groups(&self) -> bool {
        self.terms.iter().any(|(_, term)| matches!(term, Term::Group { .. }))
    }

    /// Whether more than unions are made.
    pub fn may_leave_nothing(&self) -> bool {
        self.terms.iter().any(|(operator, _)| *operator != Operator::Union)
    }
}

impl Term {
    /// Nothing where it is none.
    fn parse(text: &str, kind: TargetKind, dialect: Dialect) -> Result<Option<Self>, ParseError> {
        if let Some(group) = text.strip_prefix('@') {
            let (source, name) = match group.split_once(':') {
                Some((source, name)) => (Some(source), name),
                None => (None, group),
            };
            let is_valid = |word: &str| !word.is_empty() && word.chars().all(is_group_letter);
            if !is_valid(name) || !source.is_none_or(is_valid) {
                return Ok(None);
            }
            let names = HostList::parse(name)?;
            return Ok(Some(Self::Group { source: source.map(str::to_owned), text: name.to_owned(), names }));
        }
        let (kind, name) = match (dialect, text) {
            (Dialect::Nodes, name) => (TargetKind::Client, name),
            (Dialect::Targets, "all") => return Ok(Some(Self::Every(None))),
            (Dialect::Targets, "server" | "servers") => {
                return Ok(Some(Self::Every(Some(TargetKind::Server))));
            }
            (Dialect::Targets, "images") => return Ok(Some(Self::Every(Some(TargetKind::Image)))),
            (Dialect::Targets, "clients") => return Ok(Some(Self::Every(Some(TargetKind::Client)))),
            (Dialect::Targets, text) => match text.split_once(':') {
                Some((kind, name)) => (kind.parse()?, name),
                None => (kind, text),
            },
        };
        if name.is_empty() || !name.chars().all(is_name_letter) {
            return Ok(None);
        }
        Ok(Some(Self::Names { kind, text: name.to_owned(), names: HostList::parse(name)? }))
    }
}

/// How many bytes the term has that a text begins with: up to an operator or blank outside of brackets.
fn term_length(text: &str) -> usize {
    let mut depth = 0_usize;
    let is_end = |letter: char| {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (letter.is_whitespace() || Operator::of_letter(letter).is_some())
    };
    text.find(is_end).unwrap_or(text.len())
}

/// Names of hosts, their patterns and brackets; whatever else is in a name, no target has it.
fn is_name_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "._-*?[],/".contains(letter)
}

/// Names of groups may have more in them: `os=rocky9`, `größe`.
fn is_group_letter(letter: char) -> bool {
    letter.is_alphanumeric() || (letter.is_ascii_graphic() && letter != '@')
}

impl fmt::Display for Expression {
    /// So that reading it again gives the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (operator, term)) in self.terms.iter().enumerate() {
            if index > 0 || *operator == Operator::Difference {
                write!(f, "{}", operator.letter())?;
            }
            write!(f, "{term}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(None) => f.write_str("all"),
            Self::Every(Some(TargetKind::Server)) => f.write_str("server"),
            Self::Every(Some(kind)) => write!(f, "{kind}s"),
            Self::Names { kind, text, .. } => write!(f, "{kind}:{text}"),
            Self::Group { source: Some(source), text, .. } => write!(f, "@{source}:{text}"),
            Self::Group { source: None, text, .. } => write!(f, "@{text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn printed(text: &str) -> String {
        Expression::parse(text, Dialect::Targets).unwrap().to_string()
    }

    #[test]
    fn terms_and_operators() {
        for (text, expected) in [
            ("all", "all"),
            ("servers", "server"),
            ("node7", "client:node7"),
            ("image:compute,login", "image:compute,image:login"),
            ("image:compute,images,login", "image:compute,images,client:login"),
            ("image:a,@b,c", "image:a,@b,client:c"),
            ("client:n[1-3,5],x*", "client:n[1-3,5],client:x*"),
            ("@gpu!node[3-4]", "@gpu!client:node[3-4]"),
            ("@gpu & @slurm:rack[1,2] ^ all", "@gpu&@slurm:rack[1,2]^all"),
            ("@genders:os=rocky9:x", "@genders:os=rocky9:x"),
            ("a b", "client:a,client:b"),
            (" !node7 ! @x", "!client:node7!@x"),
            ("client:all", "client:all"),
        ] {
            assert_eq!(printed(text), expected, "{text}");
        }
        let nodes = Expression::parse("all,server!@clients", Dialect::Nodes).unwrap();
        assert_eq!(nodes.to_string(), "client:all,client:server!@clients");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [
            "",
            " ",
            ",",
            "!",
            "a,",
            "a,,b",
            "&a",
            "^a",
            "a!",
            "!a,b",
            "!a&b",
            "@",
            "@:a",
            "@a:",
            "node:a",
            "client:",
            "a[",
            "a]",
            "a[1-2",
            "a@b",
            "@@a",
            "client:a:b",
            "a!,b",
            "a\u{202e}b",
            "ü",
            "client:@a",
            "a b,",
        ] {
            assert!(Expression::parse(bad, Dialect::Targets).is_err(), "{bad}");
        }
        assert!(Expression::parse("client:a", Dialect::Nodes).is_err(), "others know no kinds");
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_as_the_same(text in "[!]?(all|n[1-3]|@s:g|image:x|[@]?[a-c]{1,2}|m\\[1-[2-3]\\])([,!&^ ](all|n[1-3]|@s:g|image:x|[@]?[a-c]{1,2})){0,5}") {
            if let Ok(expression) = Expression::parse(&text, Dialect::Targets) {
                prop_assert_eq!(Expression::parse(&expression.to_string(), Dialect::Targets).unwrap(), expression);
            } else {
                prop_assert!(text.starts_with('!'));
            }
        }

        #[test]
        fn no_text_breaks_it(text in "\\PC{0,30}|[a@:,!&^*\\[\\]0-9 -]{0,20}") {
            for dialect in [Dialect::Targets, Dialect::Nodes] {
                if let Ok(expression) = Expression::parse(&text, dialect) {
                    prop_assert_eq!(Expression::parse(&expression.to_string(), Dialect::Targets).is_ok(), true);
                }
            }
        }
    }
}
