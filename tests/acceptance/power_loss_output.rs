//! `opkgc` on a disk that loses what was not synced: killed at any write, with and without the power.
//!
//! That these tests can see anything is tested as well: on a disk that only says that it has synced, they must fail.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use fs_err as fs;
use opkg_tests::disk::{self, Disk, TrialEnd};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::{file_tree, scratch};

use crate::power_loss::losses;

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
                    let is_there = TARGETS.iter().all(|target| {
                        without_older_lists(&trees[*target]) == without_older_lists(&after[*target])
                    });
                    if again.end != TrialEnd::Success || !is_there || !names.is_empty() {
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

/// Without the lists that only the index of before has: which one that is depends on how far the first run came.
fn without_older_lists(tree: &Tree) -> BTreeMap<&String, &Vec<u8>> {
    let is_current = |contents: &Vec<u8>| {
        tree.iter().any(|(path, other)| !path.starts_with("by-hash/") && other == contents)
    };
    tree.iter().filter(|(path, contents)| !path.starts_with("by-hash/") || is_current(contents)).collect()
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
