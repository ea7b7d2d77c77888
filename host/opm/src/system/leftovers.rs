//! What a run that died has left running.
//!
//! Hooks are killed, group by group: they run again. A package manager is waited for: killed in the middle it would
//! leave the system half done. A process that has left the session of the engine is a daemon that a hook started, and
//! stays.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use opkg_oda::RunId;
use rustix::process::{Pid, Signal, kill_process_group};

use super::config::Limits;
use super::marks::{Duty, Marks};
use super::stop::Stop;

const TICK: Duration = Duration::from_millis(50);

/// What a run of a database left, by process group.
#[derive(Debug, Default)]
struct Left {
    scripts: BTreeMap<i32, String>,
    package_managers: BTreeMap<i32, String>,
}

/// Ends it or waits for its end. Returns what was done, a line each.
pub(super) fn clean_up(dead: RunId, database: &str, limits: &Limits, stop: &Stop) -> Vec<String> {
    let mut said = Vec::new();
    let scripts = look(dead, database).scripts;
    for (group, name) in &scripts {
        said.push(format!("killed `{name}` (process {group}), which that run had left behind"));
    }
    end_scripts(dead, database, limits, stop);
    let managers = look(dead, database).package_managers;
    if managers.is_empty() {
        return said;
    }
    for (group, name) in &managers {
        said.push(format!("waited for `{name}` (process {group}), which that run had left at work"));
    }
    let until = Instant::now() + limits.package_manager;
    loop {
        let managers = look(dead, database).package_managers;
        if managers.is_empty() {
            return said;
        }
        if Instant::now() >= until || stop.requested() {
            let names: Vec<_> =
                managers.iter().map(|(group, name)| format!("`{name}` (process {group})")).collect();
            said.push(format!("still at work: {}", names.join(", ")));
            return said;
        }
        thread::sleep(TICK);
    }
}

fn end_scripts(dead: RunId, database: &str, limits: &Limits, stop: &Stop) {
    let start = Instant::now();
    let mut signal = Signal::TERM;
    let mut asked: Vec<i32> = Vec::new();
    loop {
        let left = look(dead, database).scripts;
        let waited = start.elapsed();
        // Killed, a process may still take its time where a disk does not answer.
        if left.is_empty() || waited > limits.grace * 2 || stop.at_once() {
            return;
        }
        if waited >= limits.grace && signal == Signal::TERM {
            signal = Signal::KILL;
            asked.clear();
        }
        for group in
            left.into_keys().filter(|it| signal == Signal::KILL || !asked.contains(it)).collect::<Vec<_>>()
        {
            if let Some(pid) = Pid::from_raw(group) {
                // It may have ended meanwhile.
                let _ = kill_process_group(pid, signal);
            }
            asked.push(group);
        }
        thread::sleep(TICK);
    }
}

/// Looks through all processes that this one may look at.
fn look(dead: RunId, database: &str) -> Left {
    let mut left = Left::default();
    let own = Stat::own().map(|it| it.group);
    let Ok(entries) = fs::read_dir("/proc") else { return left };
    for process in entries.flatten() {
        let path = process.path();
        let is_process = process.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit);
        if !is_process {
            continue;
        }
        // It may end at any moment.
        let Some(marks) = fs::read(path.join("environ")).ok().as_deref().and_then(Marks::find) else {
            continue;
        };
        let Some(stat) = fs::read_to_string(path.join("stat")).ok().as_deref().and_then(Stat::parse) else {
            continue;
        };
        let ours = marks.run == dead && marks.database == database && marks.session == stat.session;
        if !ours || Some(stat.group) == own || stat.group <= 1 || matches!(stat.state, 'Z' | 'X') {
            continue;
        }
        let groups = match marks.duty {
            Duty::Script => &mut left.scripts,
            Duty::PackageManager => &mut left.package_managers,
        };
        groups.entry(stat.group).or_insert(stat.name);
    }
    left
}

/// What `/proc/PID/stat` says of a process. Group and session are 0 where their leader lives outside of the PID
/// namespace of this process, as in a container that was entered from outside.
pub(super) struct Stat {
    name: String,
    state: char,
    group: i32,
    pub(super) session: i32,
}

impl Stat {
    /// Of this process. From the file, since rustix knows no process 0.
    pub(super) fn own() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        // The name may hold anything, blanks and parentheses as well.
        let (_, rest) = stat.split_once('(')?;
        let (name, fields) = rest.rsplit_once(')')?;
        let mut fields = fields.split_whitespace();
        Some(Self {
            name: opkg::fold(name),
            state: fields.next()?.chars().next()?,
            group: fields.nth(1)?.parse().ok()?,
            session: fields.next()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_process_may_be_called_anything() {
        let stat = Stat::parse("17 (a) R (b\nc) S 1 16 15 0 -1 4194304 0").unwrap();
        assert_eq!((stat.name.as_str(), stat.state, stat.group, stat.session), ("a) R (b c", 'S', 16, 15));
        assert!(Stat::parse("17").is_none());
    }
}
