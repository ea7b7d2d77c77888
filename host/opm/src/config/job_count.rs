//! How many steps are done at a time.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// So many at most: each of them is a thread, and a package manager with all its memory.
const MAX_JOBS: usize = 512;

/// A number of steps that are done at a time, from 1 to 512.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobCount(NonZeroUsize);

/// What is no number of steps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a number from 1 to {MAX_JOBS} is expected")]
pub struct JobCountError;

impl JobCount {
    /// One step after the other.
    pub const ONE: Self = Self(NonZeroUsize::MIN);

    /// The number.
    #[must_use]
    pub const fn get(self) -> NonZeroUsize {
        self.0
    }
}

impl TryFrom<i64> for JobCount {
    type Error = JobCountError;

    fn try_from(number: i64) -> Result<Self, JobCountError> {
        let number = usize::try_from(number).ok().filter(|number| *number <= MAX_JOBS);
        number.and_then(NonZeroUsize::new).map(Self).ok_or(JobCountError)
    }
}

impl FromStr for JobCount {
    type Err = JobCountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<i64>().map_err(|_| JobCountError)?.try_into()
    }
}

impl<'de> Deserialize<'de> for JobCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_i64(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = JobCount;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a number from 1 to {MAX_JOBS}")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<JobCount, E> {
        number.try_into().map_err(E::custom)
    }
}

impl fmt::Display for JobCount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn from_one_to_what_a_machine_can_bear() {
        for number in ["1", "8", "512"] {
            assert_eq!(number.parse::<JobCount>().unwrap().to_string(), number);
        }
        for wrong in ["0", "-1", "513", "", "many", "1.5", "99999999999999999999"] {
            assert_eq!(wrong.parse::<JobCount>(), Err(JobCountError), "{wrong}");
        }
    }
}
