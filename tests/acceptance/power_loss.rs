//! `opkgc` and `opm` on a disk that loses what was not synced: killed at any write, with and without the power.
//!
//! That these tests can see anything is tested as well: on a disk that only says that it has synced, they must fail.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use fs_err as fs;
use opkg_tests::disk::{self, Disk, PowerLoss, TrialEnd};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::{file_tree, process, scratch};

use crate::cluster_fixture::{self, ClusterFixture, ClusterOutcome};

/// What may become of a disk at a step.
fn losses(step: usize) -> [PowerLoss; 4] {
    let seed = step as u64;
    [PowerLoss::KeepsAll, PowerLoss::LosesAll, PowerLoss::LosesSome(seed), PowerLoss::LosesSome(!seed)]
}

/// Paths and contents.
type Tree = BTreeMap<String, Vec<u8>>;

/// `opkgc --repo` over an older build, in a directory on the disk.
struct Repository {
    opkgc: OpkgcEnvironment,
    place: PathBuf,
    opkgs: PathBuf,
    /// How many threads there are. Of several, nobody knows which does the next step.
    jobs: usize,
    /// With what was built before.
    before: Disk,
}

const TARGETS: [&str; 2] = ["rhel-9", "debian-12"];

impl Repository {
    fn new(disk: Disk, jobs: usize) -> Self {
        let place = scratch::create_directory("repository");
        let opkgs = scratch::create_directory("opkgs");
        let mut repository =
            Self { opkgc: OpkgcEnvironment::new(), place, opkgs, jobs, before: Disk::default() };
        for name in ["stays", "changes", "grows"] {
            repository.write_opkg(name, "1.0", "of before");
        }
        let built =
            disk::run(disk, &repository.place, None, &repository.build(&["stays", "changes", "grows"]));
        repository.before = built.into_disk();
        // Nothing of what is tested, so that it is safe whatever the disk does.
        repository.before.sync_all();
        // The same version with other contents, another version, and a new one.
        repository.write_opkg("changes", "1.0", "of now");
        repository.write_opkg("grows", "2.0", "of now");
        repository.write_opkg("new", "1.0", "of now");
        repository
    }

    fn write_opkg(&self, name: &str, version: &str, text: &str) {
        let config = file_tree::minimal_config(name, "").replace("1.0", version);
        let files = [
            file_tree::TreeEntry::file("config.xml", 0o644, config),
            file_tree::TreeEntry::file("doc/README", 0o644, text),
        ];
        let _ = fs::remove_dir_all(self.opkgs.join(name));
        file_tree::write_tree(&self.opkgs.join(name), &files);
    }

    fn build(&self, names: &[&str]) -> Command {
        let jobs = format!("--jobs={}", self.jobs);
        let mut arguments = vec!["--dist".to_owned(), TARGETS.join(","), "--repo".into(), jobs];
        arguments.extend(["-o".into(), self.place.join("out").display().to_string()]);
        arguments.extend(names.iter().map(|name| self.opkgs.join(name).display().to_string()));
        self.opkgc.command(arguments)
    }

    fn next_build(&self) -> Command {
        self.build(&["changes", "grows", "new"])
    }

    /// The trees of the targets, and the names of everything else.
    fn read(&self, disk: &Disk) -> (BTreeMap<&'static str, Tree>, Vec<String>) {
        let out = self.place.join("out");
        disk::with_mounted(disk.clone(), &self.place, || {
            let tree = |target: &'static str| {
                let files = if out.join(target).is_dir() {
                    file_tree::read_tree(&out.join(target))
                } else {
                    Vec::new()
                };
                (target, files.into_iter().collect())
            };
            let trees = TARGETS.into_iter().map(tree).collect();
            let names = fs::read_dir(&out).into_iter().flatten();
            let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            (trees, names.filter(|name| !TARGETS.contains(&&**name)).collect())
        })
        .1
    }

    /// Cuts the power at up to `most` steps. What does not hold, in words.
    fn violations(&self, most: usize, is_sound: impl Fn(&Tree, &Tree, &Tree) -> bool) -> Vec<String> {
        let whole = disk::run(self.before.clone(), &self.place, None, &self.next_build());
        let (before, (after, left)) = (self.read(&self.before).0, self.read(&whole.disk));
        assert!(left.is_empty(), "{left:?}");
        assert!(TARGETS.iter().all(|target| before[target] != after[target]));
        let mut found = Vec::new();
        for step in disk::choose_steps(whole.steps, most) {
            let cut = disk::run(self.before.clone(), &self.place, Some(step), &self.next_build());
            // The next run of several threads may take a step fewer.
            assert!(cut.end == TrialEnd::Cut || self.jobs > 1 && cut.end == TrialEnd::Success, "step {step}");
            for (index, loss) in losses(step).into_iter().enumerate() {
                let mut disk = cut.disk.clone();
                disk.lose_power(loss);
                let (trees, names) = self.read(&disk);
                for target in TARGETS {
                    if !is_sound(&before[target], &after[target], &trees[target]) {
                        found.push(format!(
                            "{target} after step {step}, {loss:?}: {}",
                            describe(&after[target], &trees[target])
                        ));
                    }
                }
                if names.iter().any(|name| !name.starts_with(".opkgc-")) {
                    found.push(format!("after step {step}, {loss:?} there is {names:?}"));
                }
                // One of them is as good as the other.
                if step % losses(step).len() == index {
                    let again = disk::run(disk, &self.place, None, &self.next_build());
                    let (trees, names) = self.read(&again.disk);
                    if again.end != TrialEnd::Success || trees != after || !names.is_empty() {
                        found.push(format!("after step {step}, {loss:?} the next run leaves {names:?}"));
                    }
                }
            }
        }
        found
    }
}

fn describe(expected: &Tree, found: &Tree) -> String {
    let differs = |(path, bytes): &(&String, &Vec<u8>)| expected.get(*path) != Some(*bytes);
    let missing = expected.keys().filter(|path| !found.contains_key(*path)).cloned();
    let other = found.iter().filter(differs).map(|(path, bytes)| format!("{path} ({} bytes)", bytes.len()));
    missing.map(|path| format!("no {path}")).chain(other).collect::<Vec<_>>().join(", ")
}

/// All of the directory is as it was or as it becomes.
fn is_one_state(before: &Tree, after: &Tree, found: &Tree) -> bool {
    found == before || found == after
}

/// Every file is; and the index comes last.
fn is_file_by_file(before: &Tree, after: &Tree, found: &Tree) -> bool {
    let is_known =
        |(path, bytes): (&String, &Vec<u8>)| [before, after].iter().any(|tree| tree.get(path) == Some(bytes));
    let has_all = before.keys().all(|path| {
        // The lists of the earlier index go when the new one is there; a directory of meta-files is replaced.
        found.contains_key(path) || path.contains('/') || !after.contains_key(path)
    });
    let head = |tree: &Tree| ["repodata/repomd.xml", "Release"].map(|path| tree.get(path).cloned());
    let packages_are_new =
        || after.iter().all(|(path, bytes)| path.contains('/') || found.get(path) == Some(bytes));
    found.iter().all(is_known) && has_all && (head(found) == head(before) || packages_are_new())
}

#[test]
fn output_is_as_it_was_or_as_it_becomes() {
    if disk::can_mount() {
        let found = Repository::new(Disk::default(), 1).violations(24, is_one_state);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

#[test]
fn output_of_two_targets_at_a_time_is_as_it_was_or_as_it_becomes() {
    if disk::can_mount() {
        let found = Repository::new(Disk::default(), 2).violations(12, is_one_state);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

#[test]
fn output_comes_file_by_file_where_directories_cannot_be_exchanged() {
    if disk::can_mount() {
        let found = Repository::new(Disk::default().without_exchange(), 1).violations(16, is_file_by_file);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

#[test]
fn output_on_a_disk_that_does_not_sync_is_seen_to_be_lost() {
    if disk::can_mount() {
        let found = Repository::new(Disk::default().ignoring_syncs(), 1).violations(6, is_one_state);
        assert!(!found.is_empty());
    }
}

/// A cluster whose database and logs are on the disk; its roots are not, since package managers sync what they do.
struct Site {
    cluster: ClusterFixture,
    place: PathBuf,
    before: Disk,
}

impl Site {
    fn new(disk: Disk) -> Self {
        let cluster = ClusterFixture::new();
        let place = cluster.0.join("disk");
        fs::create_dir(&place).unwrap();
        let settings =
            format!("log_directory = \"{}\"\n[limits]\ngrace = \"1s\"\n", place.join("log").display());
        fs::write(cluster.0.join("settings/opm.toml"), settings).unwrap();
        let (mut before, ()) = disk::with_mounted(disk, &place, || {
            fs::create_dir(place.join("log")).unwrap();
            for name in ["oda.db", "oda.db-locks"] {
                if cluster.0.join(name).exists() {
                    fs::copy(cluster.0.join(name), place.join(name)).unwrap();
                }
            }
        });
        before.sync_all();
        Self { cluster, place, before }
    }

    fn opm(&self, arguments: &[&str]) -> Command {
        let mut command = self.cluster.command(arguments);
        command.env("OPM_DATABASE", self.place.join("oda.db"));
        command
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

    fn outcome(&self, disk: Disk) -> ClusterOutcome {
        let outcome = || self.cluster.outcome_of(&|arguments| self.opm(arguments));
        let mut outcome = disk::with_mounted(disk, &self.place, outcome).1;
        // Which of two targets is first may depend on where the run was taken up again, and the steps of a stage that was
        // cut off are taken again by contract.
        outcome.journal.sort();
        outcome.journal.dedup();
        outcome
    }

    /// What the journal says of logs that are not there.
    fn lost_logs(&self, disk: &Disk) -> Vec<String> {
        let check = || {
            let events =
                process::run_successfully(&mut self.opm(&["log", "--limit", "1000", "--format", "json"]));
            let events: serde_json::Value = serde_json::from_str(&events).unwrap();
            let done = events.as_array().unwrap().iter().filter(|event| event["verdict"] == "done");
            let logs: Vec<&str> = done.filter_map(|event| event["log"].as_str()).collect();
            if logs.is_empty() {
                return vec!["the journal is lost".to_owned()];
            }
            let is_lost =
                |log: &&str| fs::read(log).map_or(true, |bytes| bytes.is_empty() || bytes.contains(&0));
            logs.into_iter().filter(is_lost).map(|log| format!("the log {log} is lost")).collect()
        };
        disk::with_mounted(disk.clone(), &self.place, check).1
    }

    /// How often hooks were run again that had come to their end before.
    fn repetitions(&self) -> usize {
        let log = fs::read_to_string(self.cluster.0.join("head/hooks/log")).unwrap_or_default();
        let ended: Vec<&str> = log.lines().filter(|line| line.starts_with("end")).collect();
        ended.len() - ended.iter().collect::<std::collections::BTreeSet<_>>().len()
    }

    /// Cuts the power in a run, and runs again. What does not hold, in words.
    fn violations(&self, most: usize) -> Vec<String> {
        let run = self.opm(&["run", "--quiet"]);
        let whole = disk::run(self.before.clone(), &self.place, None, &run);
        let steps = whole.steps;
        let expected = self.outcome(whole.into_disk());
        // What is done once in a run without trouble.
        let usual = self.repetitions();
        let mut found = Vec::new();
        for (index, step) in disk::choose_steps(steps, most).into_iter().enumerate() {
            self.reset_roots();
            let cut = disk::run(self.before.clone(), &self.place, Some(step), &run);
            let loss = losses(step)[index % losses(step).len()];
            let mut disk = cut.disk;
            disk.lose_power(loss);
            let again = disk::run(disk, &self.place, None, &run);
            if let TrialEnd::Failure(message) = again.end {
                found.push(format!("after step {step}, {loss:?}: {message}"));
                continue;
            }
            let (disk, check) =
                disk::with_mounted(again.disk, &self.place, || process::run(&mut self.opm(&["status"])));
            if check.code != Some(0) {
                found.push(format!("after step {step}, {loss:?}: {}", check.combined_output()));
                continue;
            }
            found.extend(
                self.lost_logs(&disk).into_iter().map(|log| format!("after step {step}, {loss:?}: {log}")),
            );
            let outcome = self.outcome(disk);
            if outcome != expected {
                let changes = count_differences(&format!("{expected:#?}"), &format!("{outcome:#?}"));
                found.push(format!("after step {step}, {loss:?}:\n{changes}"));
            }
            // Of those that were under way, one on each target, nobody knows whether they had come to their end.
            if self.repetitions() > usual + 3 {
                found.push(format!("after step {step}, {loss:?}: {} hooks twice", self.repetitions()));
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
struct Commands {
    site: Site,
    /// Each with the disk that it begins with and what the database holds then, none before there is one.
    states: Vec<(Disk, Option<String>)>,
}

impl Commands {
    fn list(site: &Site) -> Vec<Command> {
        let root = |name: &str| site.cluster.0.join(name).display().to_string();
        vec![
            site.opm(&["init", "--name", "head", "--root", &root("head")]),
            site.opm(&["target", "add", "image:compute", "--root", &root("compute")]),
            site.opm(&["target", "add", "client:node1", "--root", &root("node1")]),
            site.opm(&["phase", "set", "test_install"]),
            site.opm(&["request", "--new", "demo"]),
            site.opm(&["remove", "demo"]),
        ]
    }

    fn new(disk: Disk) -> Self {
        let mut site = Site::new(disk.clone());
        site.before = disk;
        let mut states = vec![(site.before.clone(), None)];
        for command in Self::list(&site) {
            let (disk, _) = states.last().unwrap();
            let done = disk::run(disk.clone(), &site.place, None, &command).into_disk();
            let (done, exported) = Self::export(&site, done);
            states.push((done, exported.unwrap()));
        }
        Self { site, states }
    }

    /// What the database holds, none where there is no database.
    fn export(site: &Site, disk: Disk) -> (Disk, Result<Option<String>, String>) {
        disk::with_mounted(disk, &site.place, || {
            if !site.place.join("oda.db").exists() {
                return Ok(None);
            }
            let ended = process::run(&mut site.opm(&["export"]));
            match ended.code {
                Some(0) => Ok(Some(ended.stdout)),
                _ => Err(ended.combined_output()),
            }
        })
    }

    /// Cuts the power in each of the commands. What does not hold, in words.
    fn violations(&self, most: usize) -> Vec<String> {
        let commands = Self::list(&self.site);
        let last = &self.states.last().unwrap().1;
        let mut found = Vec::new();
        for (index, command) in commands.iter().enumerate() {
            let (disk, before) = &self.states[index];
            let after = &self.states[index + 1].1;
            let steps = disk::run(disk.clone(), &self.site.place, None, command).steps;
            for step in disk::choose_steps(steps, most) {
                let cut = disk::run(disk.clone(), &self.site.place, Some(step), command).disk;
                let loss = losses(step)[step % losses(step).len()];
                let mut fail =
                    |what: String| found.push(format!("{command:?} cut at {step}, {loss:?}: {what}"));
                let mut lost = cut;
                lost.lose_power(loss);
                let (mut disk, exported) = Self::export(&self.site, lost);
                match &exported {
                    Ok(exported) if exported == after => {}
                    Ok(exported) if exported == before => {
                        let again = disk::run(disk, &self.site.place, None, command);
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
                    let done = disk::run(disk, &self.site.place, None, command);
                    if let TrialEnd::Failure(message) = done.end {
                        fail(message);
                    }
                    disk = done.disk;
                }
                let (_, exported) = Self::export(&self.site, disk);
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
