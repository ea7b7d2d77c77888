//! Why targets cannot be chosen as somebody wrote it.

use opkg_oda::ParseError;

use crate::groups::{GroupSourceError, Place};

/// As many groups are named where one is not known.
const MAX_LISTED: usize = 8;

/// Why targets cannot be chosen as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// There is no such target.
    #[error("no target is called {target}")]
    UnknownTarget {
        /// KIND:NAME, or a pattern of names.
        target: String,
        /// What was meant perhaps.
        suggestion: Option<String>,
    },
    /// No source has such a group.
    #[error("no group is called {group}")]
    UnknownGroup {
        /// As it was written.
        group: String,
        /// What was meant perhaps.
        suggestion: Option<String>,
        /// The first groups that there are, and how many more.
        known: Vec<String>,
        /// How many others there are.
        more: usize,
    },
    /// Several sources have such a group.
    #[error("{group} is a group of several sources")]
    AmbiguousGroup {
        /// As it was written.
        group: String,
        /// How each of them is written.
        choices: Vec<String>,
    },
    /// No source is called so.
    #[error("no source of groups is called {name}")]
    UnknownSource {
        /// As it was written.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The groups of a source are not known.
    #[error("the groups of {name} are not known: {error}")]
    Source {
        /// The source.
        name: String,
        /// Why.
        error: GroupSourceError,
    },
    /// Nobody belongs to a group.
    #[error("nobody belongs to the group {0}")]
    EmptyGroup(String),
    /// None of those who belong to a group is a target.
    #[error("nobody in the group {group} is a target: {members}")]
    UnknownMembers {
        /// As it was written.
        group: String,
        /// Who belongs to it, in few words.
        members: String,
    },
    /// A group refers to itself.
    #[error("a group refers to itself: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// One group refers to another one, that to a third one, and so on.
    #[error("groups refer to each other too deeply, {0} being the last one")]
    TooDeep(String),
    /// A group is defined by something that cannot be chosen.
    #[error("{place}: the group {group}: {error}")]
    Definition {
        /// The group.
        group: String,
        /// Where it is defined.
        place: Place,
        /// What is wrong with it.
        error: Box<Self>,
    },
    /// A group is defined by something that makes no sense.
    #[error(transparent)]
    Syntax(#[from] ParseError),
    /// More names than any cluster has.
    #[error("too many names are meant")]
    TooManyNames,
    /// What was left out, or is not in both, was all.
    #[error("{0} leaves no target")]
    NothingLeft(String),
}

impl SelectError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        let meant = |suggestion: &Option<String>| {
            suggestion.as_ref().map_or_else(String::new, |near| format!("did you mean `{near}`? "))
        };
        match self {
            Self::UnknownTarget { suggestion, .. } => {
                format!("{}`opm target list` lists the targets", meant(suggestion))
            }
            Self::UnknownGroup { known, .. } if known.is_empty() => {
                "there are no groups: `[groups]` in opm.toml defines some, and ClusterShell, genders and Slurm are asked".into()
            }
            Self::UnknownGroup { suggestion, known, more, .. } => {
                let more = if *more == 0 { String::new() } else { format!(" and {more} more") };
                let known = known.join(", ");
                format!("{}there are {known}{more}; `opm target groups` lists them", meant(suggestion))
            }
            Self::AmbiguousGroup { choices, .. } => {
                let quoted: Vec<String> = choices.iter().map(|choice| format!("`{choice}`")).collect();
                format!("write {}", quoted.join(" or "))
            }
            Self::UnknownSource { known, .. } => format!("there are {}", known.join(", ")),
            Self::Source { error: GroupSourceError::Duplicate(_), .. } => {
                "name one of them otherwise, or switch one off below `[group_sources]` in opm.toml".into()
            }
            Self::Source { .. } => {
                "correct that, or switch the source off below `[group_sources]` in opm.toml".into()
            }
            Self::EmptyGroup(_) => "`opm target groups` shows who belongs to each group".into(),
            Self::UnknownMembers { .. } => {
                "`opm target list` lists the targets; nodes in groups are clients, other targets are written KIND:NAME".into()
            }
            Self::Cycle(_) | Self::TooDeep(_) => "define one of them by nodes".into(),
            Self::Definition { error, .. } => error.help(),
            Self::Syntax(_) => "correct the definition".into(),
            Self::TooManyNames => "name fewer at a time".into(),
            Self::NothingLeft(_) => "`opm status --on TARGET` shows what a part of it means".into(),
        }
    }

    /// No group is called so; there are these.
    pub(super) fn unknown_group(group: String, labels: Vec<String>) -> Self {
        let candidates = labels.iter().map(String::as_str);
        let suggestion = opkg::closest_match(&group, candidates).map(str::to_owned);
        let more = labels.len().saturating_sub(MAX_LISTED);
        let known = labels.into_iter().take(MAX_LISTED).collect();
        Self::UnknownGroup { group, suggestion, known, more }
    }
}
