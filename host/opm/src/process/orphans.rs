//! What a crashed run has left running.
//!
//! Hooks are killed, group by group: they run again. A package manager is waited for: killed in the middle it would
//! leave the system half done. A process that has left the session of its launcher is a daemon that a hook started, and
//! stays. What somebody else's process says of itself in its environment counts for nothing.

use fs_err as fs;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use opkg_oda::RunId;
use rustix::process::{Pid, Signal, kill_process_group};

use super::proc_stat::ProcStat;
use super::stop::StopToken;
use super::tag::{ProcessRole, ProcessTag};

const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The name of a launcher, which is started by its path `/proc/self/exe`.
const LAUNCHER: &str = "exe";

/// What a run of a database left, by process group.
#[derive(Debug, Default)]
struct Orphans {
    scripts: BTreeMap<i32, String>,
    package_managers: BTreeMap<i32, String>,
}

/// How long processes of a crashed run are waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CleanUpLimits {
    /// A hook that was asked to end, until it is killed.
    pub(crate) grace: Duration,
    /// A package manager.
    pub(crate) package_manager: Duration,
}

/// Ends the hooks of a crashed run, and waits for its package managers. Returns what was done, a line each.
pub(crate) fn clean_up_orphans(
    crashed: RunId,
    database: &str,
    limits: CleanUpLimits,
    stop: &StopToken,
) -> Vec<String> {
    let mut lines = Vec::new();
    let scripts = find_orphans(crashed, database).scripts;
    for (group, name) in &scripts {
        lines.push(format!("killed `{name}` (process {group}), left running by that run"));
    }
    terminate_scripts(crashed, database, limits.grace, stop);
    let managers = find_orphans(crashed, database).package_managers;
    if managers.is_empty() {
        return lines;
    }
    for (group, name) in &managers {
        lines.push(format!("waited for `{name}` (process {group}), left running by that run"));
    }
    let until = Instant::now() + limits.package_manager;
    loop {
        let managers = find_orphans(crashed, database).package_managers;
        if managers.is_empty() {
            return lines;
        }
        if Instant::now() >= until || stop.stop_requested() {
            let names: Vec<_> =
                managers.iter().map(|(group, name)| format!("`{name}` (process {group})")).collect();
            lines.push(format!("still running: {}", names.join(", ")));
            return lines;
        }
        thread::sleep(POLL_INTERVAL);
    }
}

fn terminate_scripts(crashed: RunId, database: &str, grace: Duration, stop: &StopToken) {
    let start = Instant::now();
    let mut signal = Signal::TERM;
    let mut asked: Vec<i32> = Vec::new();
    loop {
        let left = find_orphans(crashed, database).scripts;
        let waited = start.elapsed();
        // Killed, a process may still take its time where a disk does not answer.
        if left.is_empty() || waited > grace * 2 || stop.kill_requested() {
            return;
        }
        if waited >= grace && signal == Signal::TERM {
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
        thread::sleep(POLL_INTERVAL);
    }
}

/// Looks through all processes that this one may look at.
fn find_orphans(crashed: RunId, database: &str) -> Orphans {
    let mut left = Orphans::default();
    let own = ProcStat::current();
    let user = rustix::process::geteuid().as_raw();
    let Ok(entries) = fs::read_dir("/proc") else { return left };
    for process in entries.flatten() {
        let path = process.path();
        let is_process = process.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit);
        if !is_process {
            continue;
        }
        // It may end at any moment.
        let Some((tag, stat)) = read_process(&path, user) else { continue };
        let ours = tag.run == crashed && tag.database == database;
        if !ours
            || own.as_ref().is_some_and(|own| own.process_group == stat.process_group)
            || stat.process_group <= 1
            || matches!(stat.state, 'Z' | 'X')
        {
            continue;
        }
        let groups = match tag.role {
            ProcessRole::Script => &mut left.scripts,
            ProcessRole::PackageManager => &mut left.package_managers,
        };
        // A launcher stands for its program as long as that is not there.
        let is_launcher = |name: &str| name == LAUNCHER || own.as_ref().is_some_and(|own| own.name == name);
        let name = groups.entry(stat.process_group).or_insert_with(|| stat.name.clone());
        if is_launcher(name) && !is_launcher(&stat.name) {
            *name = stat.name;
        }
    }
    left
}

/// What a process of a user says of itself, and the kernel of it. One that changed its user meanwhile cannot be told from
/// somebody else's; its launcher can.
fn read_process(path: &Path, user: u32) -> Option<(ProcessTag, ProcStat)> {
    let directory = fs::metadata(path).ok()?;
    if directory.uid() != user {
        return None;
    }
    let stat = ProcStat::parse(&fs::read_to_string(path.join("stat")).ok()?)?;
    let tag = ProcessTag::from_environ(&fs::read(path.join("environ")).ok()?, &stat)?;
    Some((tag, stat))
}
