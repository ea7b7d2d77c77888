//! Changes as the function `opm.apply` takes them: rows of one kind after the other, as JSON.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use opkg_oda::{Change, Run, StateKey, WorkState};
use serde::Serialize;

use crate::change_rows::{Row, row};
use crate::error::{PostgresError, Result};
use crate::statement::clean;

/// As many rows are sent at once at most.
const MAX_ROWS: usize = 20_000;

/// Rows of one kind, none of which has the key of another one: a statement writes each row once.
#[derive(Debug, Serialize)]
struct Batch<'a> {
    kind: &'static str,
    rows: Vec<Row<'a>>,
    #[serde(skip)]
    keys: BTreeSet<[i64; 3]>,
    /// Batches of targets hold those of one kind, so that none of them is the image of another one.
    #[serde(skip)]
    group: u8,
}

/// The changes, in as many parts as are to be sent one after the other.
pub(crate) fn encode(changes: &[Change]) -> Result<Vec<String>> {
    let mut parts = Vec::new();
    let mut batches: Vec<Batch<'_>> = Vec::new();
    let mut rows = 0;
    let superseded = superseded_states(changes);
    for (index, change) in changes.iter().enumerate() {
        let is_moved = match superseded.get(&index) {
            Some(State::Superseded) => continue,
            Some(State::Moved) => true,
            None => false,
        };
        if rows == MAX_ROWS {
            parts.push(to_json(&std::mem::take(&mut batches))?);
            rows = 0;
        }
        rows += 1;
        let (kind, key, mut row) = row(change)?;
        if let Row::Progress { progress, .. } = &mut row {
            progress.moved = is_moved;
        }
        let group = match &row {
            Row::Target { kind, .. } => *kind,
            _ => 0,
        };
        let last = batches.last_mut().filter(|last| (last.kind, last.group) == (kind, group));
        match last.filter(|last| !last.keys.contains(&key)) {
            Some(last) => {
                last.keys.insert(key);
                let row = match last.rows.last_mut() {
                    Some(before) => before.absorb(row),
                    None => Some(row),
                };
                last.rows.extend(row);
            }
            None => batches.push(Batch { kind, rows: vec![row], keys: BTreeSet::from([key]), group }),
        }
    }
    if !batches.is_empty() {
        parts.push(to_json(&batches)?);
    }
    Ok(parts)
}

/// What becomes of one of several states of the same row in a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is written over by a later one.
    Superseded,
    /// It is written, after one at which the row was not idle.
    Moved,
}

/// Which states of rows a commit need not write, since it writes later ones: engines commit stages in which nothing is to be
/// done together with the step that follows.
fn superseded_states(changes: &[Change]) -> HashMap<usize, State> {
    let mut found = HashMap::new();
    // Where the last state of a row stands, and whether one of them was not idle.
    let mut last: HashMap<StateKey, (usize, bool)> = HashMap::new();
    for (index, change) in changes.iter().enumerate() {
        match change {
            Change::UpdateState(key, state) => {
                let is_at_work = state.work_state != WorkState::Idle;
                let was_at_work = last.get(key).is_some_and(|(_, was)| *was);
                if let Some((earlier, was)) = last.insert(*key, (index, is_at_work || was_at_work)) {
                    found.insert(earlier, State::Superseded);
                    if was {
                        found.insert(index, State::Moved);
                    }
                }
            }
            // Between these, order matters.
            Change::SetPostponed { .. } | Change::RemoveTarget(_) | Change::RemovePackage(_) => last.clear(),
            _ => {}
        }
    }
    found
}

/// A new run as `opm.start_run` takes it.
pub(crate) fn encode_run(run: &Run) -> Result<String> {
    #[derive(Serialize)]
    struct NewRun<'a> {
        started: i64,
        host: Cow<'a, str>,
        process: u32,
        command: Cow<'a, str>,
        boot: Option<&'a str>,
        process_start: Option<i64>,
    }
    to_json(&NewRun {
        started: run.started_at,
        host: clean(&run.host),
        process: run.pid,
        command: clean(&run.command),
        boot: run.process.as_ref().map(|process| process.boot_id.as_str()),
        process_start: run.process.as_ref().map(|process| process.started_ticks),
    })
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| PostgresError::Unsupported(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use opkg_oda::{PackageId, PackageState, Stage, StateKey, Target, TargetId};

    use super::*;

    fn request(target: i64, package: i64) -> Change {
        let key = StateKey { target: TargetId(target), package: PackageId(package) };
        Change::Request { key, stage: Stage::Finished, requested_at: 5 }
    }

    fn target(id: i64, address: &str, image: Option<i64>) -> Change {
        let address = address.parse().unwrap();
        Change::PutTarget(Target { id: TargetId(id), address, root: None, image: image.map(TargetId) })
    }

    fn kinds(changes: &[Change]) -> Vec<(String, usize)> {
        let parts = encode(changes).unwrap();
        let parts = parts.iter().map(|part| serde_json::from_str::<Vec<serde_json::Value>>(part).unwrap());
        let batches = parts.flatten();
        batches
            .map(|batch| (batch["kind"].as_str().unwrap().into(), batch["rows"].as_array().unwrap().len()))
            .collect()
    }

    #[test]
    fn rows_of_a_kind_go_together_until_a_key_comes_again() {
        let changes =
            [request(1, 1), request(1, 2), request(1, 1), Change::RemoveTarget(TargetId(1)), request(2, 1)];
        let expected = [("request", 2), ("request", 1), ("target-gone", 1), ("request", 1)];
        assert_eq!(kinds(&changes), expected.map(|(kind, rows)| (kind.to_owned(), rows)));
    }

    #[test]
    fn packages_that_fare_alike_go_in_one_row() {
        let progress = |target, package, current| {
            let key = StateKey { target: TargetId(target), package: PackageId(package) };
            Change::UpdateState(key, PackageState { current, ..PackageState::new(Stage::Finished, 7) })
        };
        let changes = [
            progress(1, 1, Stage::ShouldBeInstalled),
            progress(1, 2, Stage::ShouldBeInstalled),
            progress(1, 3, Stage::PostImage),
            progress(2, 4, Stage::PostImage),
            progress(2, 5, Stage::PostImage),
        ];
        let parts: Vec<serde_json::Value> =
            encode(&changes).unwrap().iter().map(|part| serde_json::from_str(part).unwrap()).collect();
        let rows = parts[0][0]["rows"].as_array().unwrap();
        let said = rows.iter().map(|row| serde_json::json!([row["target"], row["packages"], row["current"]]));
        let expected =
            serde_json::json!([[1, [1, 2], 2], [1, [3], 5], [2, [4, 5], 5]]).as_array().unwrap().clone();
        assert_eq!(said.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_image_is_written_before_its_clients() {
        let changes =
            [target(1, "image:i", None), target(2, "client:a", Some(1)), target(3, "client:b", Some(1))];
        assert_eq!(kinds(&changes), [("target".to_owned(), 1), ("target".to_owned(), 2)]);
    }

    #[test]
    fn many_rows_are_sent_in_parts() {
        let count = i64::try_from(MAX_ROWS).unwrap();
        for (rows, parts) in [(0, 0), (1, 1), (count, 1), (count + 1, 2)] {
            let changes: Vec<Change> = (0..rows).map(|number| request(number, 1)).collect();
            assert_eq!(encode(&changes).unwrap().len(), parts, "{rows} rows");
        }
    }

    #[test]
    fn what_the_server_cannot_keep_is_replaced() {
        assert_eq!(clean("a\0b"), "a\u{fffd}b");
        assert_eq!(clean("ab"), "ab");
    }
}
