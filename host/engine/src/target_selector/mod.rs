//! Targets as administrators name them: `server`, `images`, `node[1-12]`, `image:*`, `@rack3!node7`.

mod error;
mod evaluate;
mod expression;
mod glob;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;
use std::str::FromStr;

use opkg_oda::{Cluster, ParseError, TargetId};

pub use error::SelectError;
use evaluate::Evaluator;
pub use evaluate::{GroupId, GroupMembers};
pub use expression::KEYWORDS;
use expression::{Dialect, Expression, Operator, Term};

use crate::groups::GroupCatalog;

/// Some targets of a cluster, in one word of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSelector(Expression);

impl FromStr for TargetSelector {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Expression::parse(text, Dialect::Targets).map(Self)
    }
}

impl fmt::Display for TargetSelector {
    /// With the kind of each name; reading it again gives the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TargetSelector {
    /// Whether it says only what is left out: `!node7`.
    #[must_use]
    pub fn is_exclusion(&self) -> bool {
        self.0.is_exclusion()
    }

    /// Whether one must know the groups to know what it means.
    #[must_use]
    pub fn has_groups(&self) -> bool {
        self.0.has_groups()
    }
}

/// The targets that several words mean together: all that they name, and none of what those words name that begin with
/// `!`, wherever they stand. Where nothing else is named, these are left out of `otherwise`, which is what a command means
/// without any word.
///
/// # Errors
/// When a target or group does not exist, a group makes no sense, or operators leave nothing.
pub fn select(
    words: &[TargetSelector],
    cluster: &Cluster,
    groups: &GroupCatalog,
    otherwise: &BTreeSet<TargetId>,
) -> Result<BTreeSet<TargetId>, SelectError> {
    let mut evaluator = Evaluator::new(cluster, groups);
    let (exclusions, choices): (Vec<_>, Vec<_>) = words.iter().partition(|word| word.is_exclusion());
    let mut chosen = if choices.is_empty() { otherwise.clone() } else { BTreeSet::new() };
    for word in choices {
        let of_word = evaluator.select(&word.0, BTreeSet::new())?;
        chosen = Operator::Union.apply(chosen, &of_word);
    }
    for word in exclusions {
        chosen = evaluator.select(&word.0, chosen)?;
    }
    if chosen.is_empty() && words.iter().any(|word| word.0.may_leave_nothing()) {
        let written: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        return Err(SelectError::NothingLeft(written.join(" ")));
    }
    Ok(chosen)
}

/// Who belongs to each group of a catalog.
#[derive(Debug)]
pub struct GroupReader<'a>(Evaluator<'a>);

impl<'a> GroupReader<'a> {
    /// Of these groups, in this cluster.
    #[must_use]
    pub fn new(cluster: &'a Cluster, groups: &'a GroupCatalog) -> Self {
        Self(Evaluator::new(cluster, groups))
    }

    /// The groups that a word means which is a group and nothing else: the numbers of their sources, and their names.
    ///
    /// # Errors
    /// When there is no such group, or it could be that of several sources.
    #[must_use]
    pub fn find(&mut self, word: &TargetSelector) -> Option<Result<Vec<GroupId<'a>>, SelectError>> {
        match word.0.terms.as_slice() {
            [(Operator::Union, Term::Group { source, names, .. })] => {
                Some(self.0.find_group_ids(source.as_deref(), names, None))
            }
            _ => None,
        }
    }

    /// The members of a group of the source of this number.
    ///
    /// # Errors
    /// When the group makes no sense.
    pub fn members(&mut self, source: usize, name: &'a str) -> Result<Rc<GroupMembers>, SelectError> {
        self.0.group(source, name)
    }
}
