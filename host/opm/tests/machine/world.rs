//! A pretended world: what is installed where, and which hooks ran. It is the truth that the database must match.

use std::collections::{BTreeMap, BTreeSet};

use opkg_oda::{Cluster, Key, Kind, Stage, TargetId};
use opkg_opm::machine::{Hook, Outcome, Work};

/// Something that was done to the end for a package on a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Api,
    Part,
    Configured,
    Ran(Hook, Option<TargetId>),
    Removed(Stage),
}

/// How the next piece of work goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// All of it fails, and some of it is done.
    Fails,
    /// Of a transaction, the first package fails.
    Partly,
    Stops,
    /// The configurator waits.
    Waits,
}

#[derive(Debug, Clone, Default)]
pub struct World {
    /// Where `opkg-<p>` is installed.
    pub api: BTreeSet<Key>,
    /// Where `opkg-<p>-server` or `opkg-<p>-client` is installed.
    pub part: BTreeSet<Key>,
    /// What was done for a row since it last moved.
    pub fresh: BTreeMap<Key, Vec<Deed>>,
    /// Everything that was ever done to the end.
    pub done: Vec<(Key, Deed)>,
    /// Rows that are not tried again before another run.
    pub stopped: BTreeSet<Key>,
    /// Work that fails whenever it is tried: its label's text from the verb on, like `install a`, `api-post-image a`.
    pub broken: BTreeSet<String>,
    /// For the work to come, one after the other.
    pub mishaps: Vec<Option<Mishap>>,
}

impl World {
    pub fn breaks(&mut self, what: &str) {
        self.broken.insert(what.into());
    }

    pub fn times(&self, key: Key, deed: Deed) -> usize {
        self.done.iter().filter(|it| **it == (key, deed)).count()
    }

    /// Does a piece of work as well as it can.
    pub fn perform(&mut self, cluster: &Cluster, work: &Work) -> Outcome {
        if matches!(work, Work::Mark { .. }) {
            return Outcome::Done;
        }
        let mishap = self.mishaps.pop().flatten();
        let broken = |world: &Self, key: Key| world.broken.contains(&deed_name(cluster, work, key));
        let culprits: Vec<Key> = work.rows().into_iter().filter(|key| broken(self, *key)).collect();
        match (mishap, work) {
            (Some(Mishap::Stops), _) => {
                self.stopped.extend(work.rows());
                return Outcome::Stopped;
            }
            (Some(Mishap::Waits), Work::Configure { .. }) => return Outcome::Waits("the port".into()),
            (Some(Mishap::Partly), Work::Install { .. }) => {
                let rows = work.rows();
                let failed = BTreeMap::from([(rows[0].package, "no such file".to_owned())]);
                for key in &rows[1..] {
                    self.deed(cluster, work, *key);
                }
                return Outcome::Partly(failed);
            }
            (Some(Mishap::Fails), Work::Install { .. }) => return self.together(work),
            (Some(Mishap::Fails), Work::Remove { key, to }) => {
                // Half of it is gone.
                self.part.remove(key);
                return Outcome::Failed(format!("stuck above {to}"));
            }
            (Some(Mishap::Fails), _) => return Outcome::Failed("exit status 1".into()),
            _ => {}
        }
        match work {
            Work::Confirm { target, packages } => {
                let there = |package: &opkg_oda::PackageId| {
                    self.part.contains(&Key { target: *target, package: *package })
                };
                return Outcome::Present(packages.iter().copied().filter(there).collect());
            }
            Work::Install { .. } if !culprits.is_empty() => return self.together(work),
            _ if !culprits.is_empty() => return Outcome::Failed("exit status 1".into()),
            _ => {}
        }
        for key in work.rows() {
            self.deed(cluster, work, key);
        }
        Outcome::Done
    }

    /// A transaction that fails as a whole, but for a piece of its first package.
    fn together(&mut self, work: &Work) -> Outcome {
        let rows = work.rows();
        if let Work::Install { stage: Stage::InstallBinPkgs, .. } = work {
            self.part.insert(rows[0]);
        }
        Outcome::Together(format!("transaction of {} failed", rows.len()))
    }

    fn deed(&mut self, cluster: &Cluster, work: &Work, key: Key) {
        let deed = match work {
            Work::Install { stage: Stage::ShouldBeInstalled, .. } => {
                assert_eq!(cluster.targets[&key.target].kind(), Kind::Server);
                self.api.insert(key);
                Deed::Api
            }
            Work::Install { stage, .. } => {
                assert_eq!(*stage, Stage::InstallBinPkgs);
                self.part.insert(key);
                Deed::Part
            }
            Work::Hook { hook, image, .. } => Deed::Ran(*hook, *image),
            Work::Configure { .. } => Deed::Configured,
            Work::Remove { to, .. } => {
                self.part.remove(&key);
                if *to == Stage::ShouldNotBeInstalled {
                    self.api.remove(&key);
                }
                Deed::Removed(*to)
            }
            Work::Mark { .. } | Work::Confirm { .. } => return,
        };
        self.fresh.entry(key).or_default().push(deed);
        self.done.push((key, deed));
    }
}

fn verb(cluster: &Cluster, work: &Work) -> String {
    match work {
        Work::Mark { .. } => "mark".into(),
        Work::Confirm { .. } => "confirm".into(),
        Work::Install { .. } => "install".into(),
        Work::Hook { hook, image: Some(image), .. } => {
            format!("{} {}", hook.name(), cluster.targets[image].address.name)
        }
        Work::Hook { hook, .. } => hook.name().into(),
        Work::Configure { .. } => "configure".into(),
        Work::Remove { .. } => "remove".into(),
    }
}

fn deed_name(cluster: &Cluster, work: &Work, key: Key) -> String {
    format!("{} {}", verb(cluster, work), cluster.packages[&key.package].name)
}

/// A piece of work in one line: `4 head: install a b`.
pub fn label(cluster: &Cluster, work: &Work, outcome: &Outcome) -> String {
    let stage = match work {
        Work::Mark { stage, .. } | Work::Install { stage, .. } | Work::Hook { stage, .. } => *stage,
        Work::Confirm { .. } => Stage::InstallBinPkgs,
        Work::Configure { .. } => Stage::RunConfigurator,
        Work::Remove { to, .. } => *to,
    };
    let mut targets: Vec<String> = Vec::new();
    let mut packages: Vec<String> = Vec::new();
    for key in work.rows() {
        let (target, package) = (&cluster.targets[&key.target], &cluster.packages[&key.package]);
        for (names, name) in
            [(&mut targets, target.address.name.to_string()), (&mut packages, package.name.to_string())]
        {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let end = match outcome {
        Outcome::Done | Outcome::Present(_) => String::new(),
        Outcome::Failed(reason) | Outcome::Together(reason) | Outcome::Waits(reason) => {
            format!(" ! {reason}")
        }
        Outcome::Stopped => " ! stopped".into(),
        Outcome::Partly(failed) => format!(" ! {} failed", failed.len()),
    };
    format!("{} {}: {} {}{end}", stage.id(), targets.join(","), verb(cluster, work), packages.join(" "))
}
