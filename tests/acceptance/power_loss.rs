//! `opm` on a disk that loses what was not synced: killed at any write, with and without the power.
//!
//! That these tests can see anything is tested as well: on a disk that only says that it has synced, they must fail.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use fs_err as fs;
use opkg_tests::disk::{self, Disk, PowerLoss, Trial, TrialEnd};
use opkg_tests::postgres::DiskServer;
use opkg_tests::process;

use crate::cluster_fixture::{self, ClusterFixture, ClusterOutcome};

/// What may become of a disk at a step.
pub fn losses(step: usize) -> [PowerLoss; 4] {
    let seed = step as u64;
    [PowerLoss::KeepsAll, PowerLoss::LosesAll, PowerLoss::LosesSome(seed), PowerLoss::LosesSome(!seed)]
}

/// A cluster whose database and logs are on the disk; its roots are not, since package managers sync what they do.
pub struct Site {
    cluster: ClusterFixture,
    place: PathBuf,
    /// The server that the database is on; in a file where there is none.
    server: Option<DiskServer>,
    before: Disk,
}

impl Site {
    fn new(disk: Disk) -> Self {
        let mut site = Self::empty(disk, None);
        let cluster = &site.cluster;
        let (before, ()) = disk::with_mounted(site.before, &site.place, || {
            for name in ["oda.db", "oda.db-locks"] {
                if cluster.0.join(name).exists() {
                    fs::copy(cluster.0.join(name), site.place.join(name)).unwrap();
                }
            }
        });
        site.before = before;
        site.before.sync_all();
        site
    }

    /// Likewise, with the database on a server that is on the disk; nothing where there is no such program.
    pub fn on_server(disk: Disk, settings: &str) -> Option<Self> {
        let mut site = Self::empty_on_server(disk, settings)?;
        let file = site.cluster.0.join("oda.db").display().to_string();
        let copy = || {
            process::run_successfully(&mut site.opm(&["copy", &file, &site.database()]));
            // The engine that lost its power is waited for no longer.
            site.server.as_ref().map(|server| server.sql("UPDATE opm.settings SET lease = '1 millisecond'"))
        };
        let (before, copied) = site.look(site.before.clone(), copy);
        copied.unwrap();
        site.before = before;
        site.before.sync_all();
        Some(site)
    }

    /// A server that holds nothing.
    fn empty_on_server(disk: Disk, settings: &str) -> Option<Self> {
        let (server, disk) = DiskServer::create(disk, settings)?;
        Some(Self::empty(disk, Some(server)))
    }

    fn empty(disk: Disk, server: Option<DiskServer>) -> Self {
        let cluster = ClusterFixture::new();
        let place = server.as_ref().map_or_else(|| cluster.0.join("disk"), DiskServer::place);
        fs::create_dir_all(&place).unwrap();
        let settings =
            format!("log_directory = \"{}\"\n[limits]\ngrace = \"1s\"\n", place.join("log").display());
        fs::write(cluster.0.join("settings/opm.toml"), settings).unwrap();
        let (mut before, ()) =
            disk::with_mounted(disk, &place, || fs::create_dir(place.join("log")).unwrap());
        before.sync_all();
        Self { cluster, place, server, before }
    }

    fn database(&self) -> String {
        let file = || self.place.join("oda.db").display().to_string();
        self.server.as_ref().map_or_else(file, DiskServer::address)
    }

    fn opm(&self, arguments: &[&str]) -> Command {
        let mut command = self.cluster.command(arguments);
        command.env("OPM_DATABASE", self.database());
        command
    }

    /// Runs a program on the disk, as [`disk::run`] does, the server with it.
    fn run(&self, disk: Disk, cut_at: Option<usize>, program: &Command) -> Trial {
        match &self.server {
            None => disk::run(disk, &self.place, cut_at, program),
            Some(server) => disk::run(disk, &self.place, cut_at, &server.around(program)),
        }
    }

    /// Does something while the disk is there, and the server; why it is not.
    fn look<T>(&self, disk: Disk, work: impl FnOnce() -> T) -> (Disk, Result<T, String>) {
        disk::with_mounted(disk, &self.place, || match &self.server {
            None => Ok(work()),
            Some(server) => server.while_running(work),
        })
    }

    /// Whether there is a database, while somebody looks.
    fn has_database(&self) -> bool {
        match &self.server {
            None => self.place.join("oda.db").exists(),
            Some(server) => server.sql("SELECT to_regclass('opm.schema')").trim() != "",
        }
    }

    /// The roots as they were before anything was done.
    fn reset_roots(&self) {
        for name in ["head", "compute", "node1"] {
            for directory in ["db", "hooks"] {
                let path = self.cluster.0.join(name).join(directory);
                fs::remove_dir_all(&path).unwrap();
                fs::create_dir(&path).unwrap();
            }
        }
    }

    /// What there is after a run, while somebody looks.
    fn outcome(&self) -> ClusterOutcome {
        let mut outcome = self.cluster.outcome_of(&|arguments| self.opm(arguments));
        // Which of two targets is first may depend on where the run was taken up again, and the steps of a stage that was
        // cut off are taken again by contract.
        outcome.journal.sort();
        outcome.journal.dedup();
        outcome
    }

    /// What the journal says of logs that are not there, while somebody looks.
    fn lost_logs(&self) -> Vec<String> {
        let events =
            process::run_successfully(&mut self.opm(&["log", "--limit", "1000", "--format", "json"]));
        let events: serde_json::Value = serde_json::from_str(&events).unwrap();
        let done = events.as_array().unwrap().iter().filter(|event| event["verdict"] == "done");
        let logs: Vec<&str> = done.filter_map(|event| event["log"].as_str()).collect();
        if logs.is_empty() {
            return vec!["the journal is lost".to_owned()];
        }
        let is_lost = |log: &&str| fs::read(log).map_or(true, |bytes| bytes.is_empty() || bytes.contains(&0));
        logs.into_iter().filter(is_lost).map(|log| format!("the log {log} is lost")).collect()
    }

    /// How often hooks were run again that had come to their end before.
    fn repetitions(&self) -> usize {
        let log = fs::read_to_string(self.cluster.0.join("head/hooks/log")).unwrap_or_default();
        let ended: Vec<&str> = log.lines().filter(|line| line.starts_with("end")).collect();
        ended.len() - ended.iter().collect::<std::collections::BTreeSet<_>>().len()
    }

    /// Cuts the power in a run, and runs again. What does not hold, in words.
    pub fn violations(&self, most: usize) -> Vec<String> {
        let run = self.opm(&["run", "--quiet"]);
        let whole = self.run(self.before.clone(), None, &run);
        let (steps, mut whole) = (whole.steps, whole.into_disk());
        let expected = self.look(whole.clone(), || self.outcome()).1.unwrap();
        // What is done once in a run without trouble.
        let usual = self.repetitions();
        let mut found = Vec::new();
        whole.lose_power(PowerLoss::LosesAll);
        let kept = self.look(whole, || self.outcome()).1;
        if kept.as_ref() != Ok(&expected) {
            found.push(format!("the run had come to its end: {kept:#?}"));
        }
        for (index, step) in disk::choose_steps(steps, most).into_iter().enumerate() {
            self.reset_roots();
            let mut disk = self.run(self.before.clone(), Some(step), &run).disk;
            let loss = losses(step)[index % losses(step).len()];
            disk.lose_power(loss);
            let again = self.run(disk, None, &run);
            let mut fail = |what: String| found.push(format!("after step {step}, {loss:?}: {what}"));
            if let TrialEnd::Failure(message) = again.end {
                fail(message);
                continue;
            }
            let look = || {
                let status = process::run(&mut self.opm(&["status"]));
                match status.code {
                    Some(0) => Ok((self.lost_logs(), self.outcome())),
                    _ => Err(status.combined_output()),
                }
            };
            match self.look(again.disk, look).1.flatten() {
                Err(message) => fail(message),
                Ok((lost, outcome)) => {
                    lost.into_iter().for_each(&mut fail);
                    if outcome != expected {
                        let changes = count_differences(&format!("{expected:#?}"), &format!("{outcome:#?}"));
                        fail(changes);
                    }
                }
            }
            // Of those that were under way, one on each target, nobody knows whether they had come to their end.
            if self.repetitions() > usual + 3 {
                fail(format!("{} hooks twice", self.repetitions()));
            }
        }
        found
    }
}

#[test]
fn a_run_goes_on_where_the_power_was_lost() {
    if disk::can_mount() && cluster_fixture::is_supported() {
        let found = Site::new(Disk::default()).violations(24);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

#[test]
fn a_run_on_a_disk_that_does_not_sync_is_seen_to_be_lost() {
    if disk::can_mount() && cluster_fixture::is_supported() {
        let found = Site::new(Disk::default().ignoring_syncs()).violations(4);
        assert!(!found.is_empty());
    }
}

/// The lines that come more often in one text than in the other.
fn count_differences(expected: &str, found: &str) -> String {
    let mut counts: BTreeMap<&str, isize> = BTreeMap::new();
    for line in found.lines() {
        *counts.entry(line).or_default() += 1;
    }
    for line in expected.lines() {
        *counts.entry(line).or_default() -= 1;
    }
    let differs = counts.into_iter().filter(|(_, count)| *count != 0);
    differs.map(|(line, count)| format!("{count:+} {line}")).collect::<Vec<_>>().join("\n")
}

/// The commands that set up a site, each of which is there as a whole or not at all.
pub struct Commands {
    site: Site,
    list: Vec<Command>,
    /// Each with the disk that it begins with and what the database holds then, none before there is one.
    states: Vec<(Disk, Option<String>)>,
}

impl Commands {
    fn new(disk: Disk) -> Self {
        let site = Site::empty(disk, None);
        let root = |name: &str| site.cluster.0.join(name).display().to_string();
        let list = vec![
            site.opm(&["init", "--name", "head", "--root", &root("head")]),
            site.opm(&["target", "add", "image:compute", "--root", &root("compute")]),
            site.opm(&["target", "add", "client:node1", "--root", &root("node1")]),
            site.opm(&["phase", "set", "test_install"]),
            site.opm(&["request", "--new", "demo"]),
            site.opm(&["remove", "demo"]),
        ];
        Self::of(site, list)
    }

    /// Fewer of them, on a server that is on the disk; nothing where there is no such program.
    pub fn on_server(disk: Disk, settings: &str) -> Option<Self> {
        let site = Site::empty_on_server(disk, settings)?;
        let root = site.cluster.0.join("head").display().to_string();
        let list = vec![
            site.opm(&["init", "--name", "head", "--root", &root]),
            site.opm(&["request", "--new", "demo"]),
        ];
        Some(Self::of(site, list))
    }

    fn of(site: Site, list: Vec<Command>) -> Self {
        let mut states = vec![(site.before.clone(), None)];
        for command in &list {
            let (disk, _) = states.last().unwrap();
            let done = site.run(disk.clone(), None, command).into_disk();
            let (done, exported) = Self::export(&site, done);
            states.push((done, exported.unwrap()));
        }
        Self { site, list, states }
    }

    /// What the database holds, none where there is no database.
    fn export(site: &Site, disk: Disk) -> (Disk, Result<Option<String>, String>) {
        let (disk, exported) = site.look(disk, || {
            if !site.has_database() {
                return Ok(None);
            }
            let ended = process::run(&mut site.opm(&["export"]));
            match ended.code {
                Some(0) => Ok(Some(ended.stdout)),
                _ => Err(ended.combined_output()),
            }
        });
        (disk, exported.flatten())
    }

    /// Cuts the power in each of the commands. What does not hold, in words.
    pub fn violations(&self, most: usize) -> Vec<String> {
        let (site, commands) = (&self.site, &self.list);
        let last = &self.states.last().unwrap().1;
        let mut found = Vec::new();
        for (index, command) in commands.iter().enumerate() {
            let (disk, before) = &self.states[index];
            let after = &self.states[index + 1].1;
            let mut whole = site.run(disk.clone(), None, command);
            whole.disk.lose_power(PowerLoss::LosesAll);
            let (_, kept) = Self::export(site, whole.disk);
            if kept.as_ref() != Ok(after) {
                found.push(format!("{command:?} had come to its end: {kept:?}"));
            }
            for step in disk::choose_steps(whole.steps, most) {
                let cut = site.run(disk.clone(), Some(step), command).disk;
                let loss = losses(step)[step % losses(step).len()];
                let mut fail =
                    |what: String| found.push(format!("{command:?} cut at {step}, {loss:?}: {what}"));
                let mut lost = cut;
                lost.lose_power(loss);
                let (mut disk, exported) = Self::export(site, lost);
                match &exported {
                    Ok(exported) if exported == after => {}
                    Ok(exported) if exported == before => {
                        let again = site.run(disk, None, command);
                        if let TrialEnd::Failure(message) = again.end {
                            fail(message);
                            continue;
                        }
                        disk = again.disk;
                    }
                    other => {
                        fail(format!("{other:?}"));
                        continue;
                    }
                }
                for command in &commands[index + 1..] {
                    let done = site.run(disk, None, command);
                    if let TrialEnd::Failure(message) = done.end {
                        fail(message);
                    }
                    disk = done.disk;
                }
                let (_, exported) = Self::export(site, disk);
                if exported.as_ref() != Ok(last) {
                    fail(format!("in the end {exported:?}"));
                }
            }
        }
        found
    }
}

#[test]
fn what_a_command_has_committed_is_kept() {
    if disk::can_mount() && cluster_fixture::is_supported() {
        let found = Commands::new(Disk::default()).violations(6);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

#[test]
fn commands_on_a_disk_that_does_not_sync_are_seen_to_be_lost() {
    if disk::can_mount() && cluster_fixture::is_supported() {
        let found = Commands::new(Disk::default().ignoring_syncs()).violations(2);
        assert!(!found.is_empty());
    }
}
