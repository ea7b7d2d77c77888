//! Requests that go out to their targets in waves.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::{PackageId, ParseError, TargetId};

/// Identifies a rollout. No id is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RolloutId(pub i64);

/// A request that goes out to its targets in waves, as long as there is anything to decide about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    pub order: RolloutOrder,
    pub state: RolloutState,
    /// All targets that it goes to.
    pub targets: BTreeMap<TargetId, WaveState>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutOrder {
    /// What is not begun on targets that were not let go.
    pub packages: BTreeSet<PackageId>,
    /// On how many targets at once something may be under way; at least 1.
    pub at_once: u32,
    /// How many of the targets that were let go may fail.
    pub max_fail: Share,
    /// In seconds since 1970.
    pub since: i64,
    /// Who asked for it.
    pub who: String,
}

/// Whether a rollout goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RolloutState {
    UnderWay,
    /// No further target is let go, until somebody says otherwise; why, in one line.
    Stopped(String),
    /// It holds nothing any more, for good; how it ended, in one line.
    Ended(String),
}

/// Whether a target may begin with what a rollout is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum WaveState {
    /// Not yet.
    Held = 0,
    LetGo = 1,
    /// It was let go and failed, and the rollout was resumed nevertheless: it counts no longer.
    Excused = 2,
}

/// A number of targets, or a part of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Share {
    Count(u32),
    /// 0 to 100.
    Percent(u8),
}

impl Rollout {
    /// Whether a package may not be begun on a target yet.
    #[must_use]
    pub fn holds(&self, package: PackageId, target: TargetId) -> bool {
        self.targets.get(&target) == Some(&WaveState::Held) && self.order.packages.contains(&package)
    }
}

impl RolloutState {
    /// Its id in the database.
    #[must_use]
    pub const fn id(&self) -> u8 {
        match self {
            Self::UnderWay => 0,
            Self::Stopped(_) => 1,
            Self::Ended(_) => 2,
        }
    }

    /// Why it stopped, or how it ended.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        match self {
            Self::UnderWay => None,
            Self::Stopped(note) | Self::Ended(note) => Some(note),
        }
    }

    /// The state with this id in the database.
    #[must_use]
    pub fn from_id(id: i64, note: Option<String>) -> Option<Self> {
        match id {
            0 => Some(Self::UnderWay),
            1 => Some(Self::Stopped(note.unwrap_or_default())),
            2 => Some(Self::Ended(note.unwrap_or_default())),
            _ => None,
        }
    }
}

impl WaveState {
    pub const ALL: [Self; 3] = [Self::Held, Self::LetGo, Self::Excused];

    /// The state with this id in the database.
    #[must_use]
    pub fn from_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| i64::from(*state as u8) == id)
    }
}

impl Share {
    /// The number as the database has it, and whether it is a percentage.
    #[must_use]
    pub const fn parts(self) -> (u32, bool) {
        match self {
            Self::Count(count) => (count, false),
            Self::Percent(percent) => (percent as u32, true),
        }
    }

    /// From what [`Self::parts`] gave.
    #[must_use]
    pub fn from_parts(number: i64, is_percent: bool) -> Option<Self> {
        match is_percent {
            true => u8::try_from(number).ok().filter(|percent| *percent <= 100).map(Self::Percent),
            false => u32::try_from(number).ok().map(Self::Count),
        }
    }

    /// How many of so many targets that is; a part of one is none.
    #[must_use]
    pub fn of(self, targets: usize) -> usize {
        match self {
            Self::Count(count) => usize::try_from(count).unwrap_or(usize::MAX),
            Self::Percent(percent) => targets.saturating_mul(percent.into()) / 100,
        }
    }
}

impl FromStr for Share {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (digits, is_percent) = text.strip_suffix('%').map_or((text, false), |digits| (digits, true));
        // Not `+5`, which a number may be written as.
        let number = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let number = number.and_then(|digits| digits.parse().ok());
        number.and_then(|number| Self::from_parts(number, is_percent)).ok_or_else(|| {
            ParseError::new("number of targets", text, "a number or a percentage, for example `10` or `5%`")
        })
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl fmt::Display for RolloutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_share_is_a_number_or_a_percentage() {
        for (text, share, of_90) in
            [("0", Share::Count(0), 0), ("10", Share::Count(10), 10), ("5%", Share::Percent(5), 4)]
        {
            assert_eq!(text.parse(), Ok(share));
            assert_eq!((share.to_string(), share.of(90)), (text.to_owned(), of_90));
            let (number, is_percent) = share.parts();
            assert_eq!(Share::from_parts(number.into(), is_percent), Some(share));
        }
        for wrong in ["", "%", "-1", "+5", "5 %", "101%", "4294967296", "x"] {
            let error = wrong.parse::<Share>().unwrap_err().to_string();
            assert!(error.contains("a number or a percentage"), "{error}");
        }
    }
}
