//! Where something of a source goes.

use opkg::model::{Payload, PayloadTake};

use crate::pattern::{Match, match_path};

/// One place that something goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    /// What says so.
    pub(crate) take: &'a PayloadTake,
    /// Relative to the root; empty for the root itself.
    pub(crate) path: String,
    /// Whether it is meant itself, and not as one of all that are below something.
    pub(crate) is_whole: bool,
    /// Whether that is by its name, and not by a part of it.
    pub(crate) is_named: bool,
}

/// Decides for all that is in the source of a payload.
pub(crate) struct Placement<'a> {
    payload: &'a Payload,
    /// Which of the takes and of the omissions were about something.
    used: Vec<bool>,
    used_omits: Vec<bool>,
}

impl<'a> Placement<'a> {
    pub(crate) fn new(payload: &'a Payload) -> Self {
        Self { payload, used: vec![false; payload.takes.len()], used_omits: vec![false; payload.omits.len()] }
    }

    /// The places of something with this path, as the source has it; none where nobody wants it.
    pub(crate) fn places(&mut self, path: &str) -> Vec<Place<'a>> {
        let Some(path) = self.stripped(path) else { return Vec::new() };
        let mut is_omitted = false;
        for (pattern, used) in self.payload.omits.iter().zip(&mut self.used_omits) {
            if match_path(pattern, path).is_some() {
                *used = true;
                is_omitted = true;
            }
        }
        let mut places: Vec<Place<'a>> = Vec::new();
        for (take, used) in self.payload.takes.iter().zip(&mut self.used) {
            let Some(matched) = match_path(&take.path, path) else { continue };
            *used = true;
            let into = take.to.strip_suffix('/');
            let below = |directory: &str, name: &str| format!("{directory}/{name}");
            let to = match (matched, into) {
                (Match::Whole, Some(directory)) => below(directory, path.rsplit('/').next().unwrap_or(path)),
                (Match::Below(rest), Some(directory)) => below(directory, rest),
                // Only the one file of a source that is none goes to a path of its own by such a pattern.
                (Match::Whole | Match::Below(_), None) => take.to.clone(),
                (Match::Directory, _) => take.to.trim_end_matches('/').to_owned(),
            };
            let place = Place {
                take,
                path: to.trim_start_matches('/').to_owned(),
                is_whole: matched == Match::Whole,
                is_named: matched == Match::Whole && !take.path.contains(['*', '?']),
            };
            if places.iter().all(|other| other.path != place.path) {
                places.push(place);
            }
        }
        if is_omitted { Vec::new() } else { places }
    }

    /// A path without its leading names; nothing where it has no more than those.
    pub(crate) fn stripped<'p>(&self, path: &'p str) -> Option<&'p str> {
        let mut rest = path;
        for _ in 0..self.payload.strip {
            rest = rest.split_once('/')?.1;
        }
        Some(rest).filter(|rest| !rest.is_empty())
    }

    /// Takes that were about nothing.
    pub(crate) fn unused_takes(&self) -> impl Iterator<Item = &'a PayloadTake> {
        self.payload.takes.iter().zip(&self.used).filter(|(_, used)| !**used).map(|(take, _)| take)
    }

    /// Omissions that were about nothing.
    pub(crate) fn unused_omits(&self) -> impl Iterator<Item = &'a str> {
        let omits = self.payload.omits.iter().zip(&self.used_omits);
        omits.filter(|(_, used)| !**used).map(|(pattern, _)| pattern.as_str())
    }
}
