//! Puts a cluster together from the rows of a database, whichever that is. A database may have been written by anybody:
//! everything is checked that the types of columns leave open.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use crate::{
    Absence, AbsenceKind, Assignments, Cluster, Package, PackageClass, PackageId, PackageName, PackageState,
    PackageStates, ParseError, Phase, Rollout, RolloutId, RolloutOrder, RolloutState, Share, Stage,
    StageFailure, StateEntry, StateKey, Target, TargetAddress, TargetId, TargetKind, WaveState, WorkState,
};

/// A value that no row may have, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidRow(pub String);

type Result<T> = std::result::Result<T, InvalidRow>;

/// A row of the table of rollouts.
#[derive(Debug, Clone)]
pub struct RolloutRow {
    pub id: i64,
    pub at_once: i64,
    pub max_fail: i64,
    pub is_percent: bool,
    pub since: i64,
    pub who: String,
    pub state: i64,
    pub note: Option<String>,
}

/// A row of the table of targets.
#[derive(Debug, Clone)]
pub struct TargetRow<'a> {
    pub id: i64,
    pub kind: i64,
    pub name: &'a str,
    pub root: Option<String>,
    pub image: Option<i64>,
    pub gone: bool,
    pub root_id: Option<String>,
}

/// A row of the table of packages.
#[derive(Debug, Clone)]
pub struct PackageRow<'a> {
    pub id: i64,
    pub name: &'a str,
    pub class: i64,
    pub version: Option<String>,
    pub waiting_for: Option<String>,
    pub held: bool,
    pub pinned: Option<String>,
    pub gone: bool,
}

/// A row of the table of states.
#[derive(Debug, Clone)]
pub struct StateRow {
    pub target: i64,
    pub package: i64,
    pub requested: i64,
    pub current: i64,
    pub work_state: i64,
    pub attempts: i64,
    pub inherited_stage: Option<i64>,
    /// In seconds since 1970.
    pub changed_at: i64,
    pub failed_stage: Option<i64>,
    pub message: Option<String>,
    /// Which version is installed.
    pub version: Option<Box<str>>,
}

impl StateRow {
    /// The state that it tells of.
    ///
    /// # Errors
    /// A value is not known.
    pub fn decode(self) -> Result<PackageState> {
        let (target, package) = (self.target, self.package);
        let stage = |id| decode_id(id, Stage::from_id, || format!("a stage of state ({target}, {package})"));
        let work_state =
            decode_id(self.work_state, WorkState::from_id, || format!("state ({target}, {package})"))?;
        let failure = match (work_state, self.failed_stage, self.message) {
            (WorkState::Failed, Some(failed), Some(message)) => {
                Some(Box::new(StageFailure { stage: stage(failed)?, message }))
            }
            (WorkState::Failed, ..) => {
                return Err(InvalidRow(format!("state ({target}, {package}) failed without a reason")));
            }
            _ => None,
        };
        let attempts = u32::try_from(self.attempts).map_err(|_| {
            InvalidRow(format!("the attempts of state ({target}, {package}) are out of range"))
        })?;
        Ok(PackageState {
            requested: stage(self.requested)?,
            current: stage(self.current)?,
            work_state,
            failure,
            attempts,
            inherited_stage: self.inherited_stage.map(stage).transpose()?,
            changed_at: self.changed_at,
        })
    }
}

/// Takes rows table by table: first all targets, then all packages, in the order of their ids; then what refers to them.
#[derive(Debug, Default)]
pub struct ClusterBuilder {
    cluster: Cluster,
    /// The states of the target that is being read, and its assignments.
    states: (Option<i64>, Vec<StateEntry>),
    assignments: (Option<i64>, Vec<(PackageId, Option<i64>)>),
}

impl ClusterBuilder {
    /// # Errors
    /// There is no such phase.
    pub fn set_phase(&mut self, id: i64) -> Result<()> {
        self.cluster.phase = decode_id(id, Phase::from_id, || "the phase".into())?;
        Ok(())
    }

    /// The largest id that any target ever had, where not all of them are added.
    pub fn set_last_target_id(&mut self, id: i64) {
        self.cluster.last_target_id = id;
    }

    /// # Errors
    /// A value is not known.
    pub fn add_target(&mut self, row: TargetRow<'_>) -> Result<()> {
        let id = valid_id(row.id, "target")?;
        self.cluster.last_target_id = self.cluster.last_target_id.max(id);
        if row.gone {
            return Ok(());
        }
        let kind = decode_id(row.kind, TargetKind::from_id, || format!("the kind of target {id}"))?;
        let target = Target {
            id: TargetId(id),
            address: TargetAddress { kind, name: parse(row.name, || format!("the name of target {id}"))? },
            root: row.root.map(Into::into),
            image: row.image.map(TargetId),
        };
        self.cluster.root_ids.extend(row.root_id.map(|root_id| (target.id, root_id)));
        self.cluster.targets.insert(target.id, target);
        Ok(())
    }

    /// Checks what targets say of each other, once all are there.
    ///
    /// # Errors
    /// Two have the same name, or one refers to an image that is none.
    pub fn finish_targets(&self) -> Result<()> {
        let mut addresses = BTreeMap::new();
        for target in self.cluster.targets.values() {
            let id = target.id.0;
            if let Some(other) = addresses.insert(&target.address, id) {
                return Err(InvalidRow(format!("the targets {other} and {id} are both {}", target.address)));
            }
            if let Some(image) = target.image {
                let is_valid = target.kind() == TargetKind::Client
                    && self.kind_of(image.0).is_some_and(|kind| kind == TargetKind::Image);
                ensure_valid(is_valid, || {
                    format!("the image of target {id} does not exist, or the target is not a client")
                })?;
            }
        }
        Ok(())
    }

    /// # Errors
    /// A value is not known.
    pub fn add_package(&mut self, row: PackageRow<'_>) -> Result<()> {
        let id = valid_id(row.id, "package")?;
        self.cluster.last_package_id = self.cluster.last_package_id.max(id);
        if row.gone {
            return Ok(());
        }
        let name: PackageName = parse(row.name, || format!("the name of package {id}"))?;
        let class = decode_id(row.class, PackageClass::from_id, || format!("the class of package {id}"))?;
        let (version, waiting_for) = (row.version, row.waiting_for);
        let package =
            Package { id: PackageId(id), name, class, version, waiting_for, dependencies: Vec::new() };
        if row.held {
            self.cluster.held.insert(package.id);
        }
        self.cluster.pinned_versions.extend(row.pinned.map(|version| (package.id, version)));
        self.cluster.packages.insert(package.id, package);
        Ok(())
    }

    /// Checks what packages say of each other, once all are there.
    ///
    /// # Errors
    /// Two have the same name.
    pub fn finish_packages(&self) -> Result<()> {
        let mut names = BTreeMap::new();
        for package in self.cluster.packages.values() {
            let id = package.id.0;
            if let Some(other) = names.insert(&package.name, id) {
                return Err(InvalidRow(format!("the packages {other} and {id} are both {}", package.name)));
            }
        }
        Ok(())
    }

    /// One package needs another one; in the order in which it names them.
    ///
    /// # Errors
    /// One of them is not there.
    pub fn add_dependency(&mut self, package: i64, needs: i64) -> Result<()> {
        let is_known = self.has_package(needs);
        let package_row = self.cluster.packages.get_mut(&PackageId(package)).filter(|_| is_known);
        let missing = || InvalidRow(format!("package_need ({package}, {needs}) refers to a missing row"));
        package_row.ok_or_else(missing)?.dependencies.push(PackageId(needs));
        Ok(())
    }

    /// A package requires a native package; in the order in which it names them.
    ///
    /// # Errors
    /// It is not there.
    pub fn add_requirement(&mut self, package: i64, name: String) -> Result<()> {
        ensure_valid(self.has_package(package), || {
            format!("package_requirement ({package}) refers to a missing row")
        })?;
        self.cluster.requirements.entry(PackageId(package)).or_default().push(name);
        Ok(())
    }

    /// A state; all of one target come one after the other, in the order of packages.
    ///
    /// # Errors
    /// A value is not known, or the order is another one.
    pub fn add_state(&mut self, mut row: StateRow) -> Result<()> {
        if self.states.0 != Some(row.target) {
            self.finish_states()?;
            self.states.0 = Some(row.target);
        }
        let (package, version) = (PackageId(row.package), row.version.take());
        let state = row.decode()?;
        self.states.1.push(StateEntry { package, state, version });
        Ok(())
    }

    /// Takes over the states that were added.
    ///
    /// # Errors
    /// They refer to what is not there.
    pub fn finish_states(&mut self) -> Result<()> {
        let capacity = self.states.1.len();
        let entries = std::mem::replace(&mut self.states.1, Vec::with_capacity(capacity));
        let Some(target) = self.states.0.take() else { return Ok(()) };
        let is_valid = self.kind_of(target).is_some()
            && entries.iter().all(|entry| self.cluster.packages.contains_key(&entry.package));
        ensure_valid(is_valid, || format!("the states of target {target} refer to a missing row"))?;
        let states = PackageStates::from_sorted(entries);
        let inserted = states.map(|states| self.cluster.states.insert(TargetId(target), states));
        ensure_valid(matches!(inserted, Some(None)), || {
            format!("the states of target {target} are out of order")
        })
    }

    /// An assignment; all of one client come one after the other, in the order of packages.
    ///
    /// # Errors
    /// It refers to what is not there, or the order is another one.
    pub fn add_assignment(&mut self, client: i64, package: i64, handed_over_at: Option<i64>) -> Result<()> {
        if self.assignments.0 != Some(client) {
            self.finish_assignments()?;
            self.assignments.0 = Some(client);
        }
        let is_valid = self.kind_of(client) == Some(TargetKind::Client) && self.has_package(package);
        ensure_valid(is_valid, || format!("assignment ({client}, {package}) refers to a missing row"))?;
        self.assignments.1.push((PackageId(package), handed_over_at));
        Ok(())
    }

    /// Takes over the assignments that were added.
    ///
    /// # Errors
    /// Their order is another one.
    pub fn finish_assignments(&mut self) -> Result<()> {
        let capacity = self.assignments.1.len();
        let assigned = std::mem::replace(&mut self.assignments.1, Vec::with_capacity(capacity));
        let Some(client) = self.assignments.0.take() else { return Ok(()) };
        let assigned = Assignments::from_sorted(assigned);
        let inserted = assigned.map(|assigned| self.cluster.assignments.insert(TargetId(client), assigned));
        ensure_valid(matches!(inserted, Some(None)), || {
            format!("the assignments of target {client} are out of order")
        })
    }

    /// A target has the same packages, states and assignments as another one that was read.
    pub fn add_alike(&mut self, first: TargetId, target: TargetId) {
        let states = self.cluster.states.get(&first).cloned();
        self.cluster.states.extend(states.map(|states| (target, states)));
        let assigned = self.cluster.assignments.get(&first).cloned();
        self.cluster.assignments.extend(assigned.map(|assigned| (target, assigned)));
    }

    /// What is in the way of a package on a target.
    pub fn add_postponed(&mut self, target: i64, package: i64, reason: String) {
        let key = StateKey { target: TargetId(target), package: PackageId(package) };
        self.cluster.postponed.insert(key, reason);
    }

    /// `api-post-image` of a package has run for an image.
    ///
    /// # Errors
    /// One of them is not there.
    pub fn add_image_seen(&mut self, image: i64, package: i64) -> Result<()> {
        let is_valid = self.kind_of(image) == Some(TargetKind::Image) && self.has_package(package);
        ensure_valid(is_valid, || format!("image_seen ({image}, {package}) refers to a missing row"))?;
        self.cluster.images_seen.insert((PackageId(package), TargetId(image)));
        Ok(())
    }

    /// Nothing is expected of a target.
    ///
    /// # Errors
    /// It refers to what is not there.
    pub fn add_absence(&mut self, target: i64, kind: i64, absence: Absence) -> Result<()> {
        let what = || format!("the absence of target {target}");
        ensure_valid(self.kind_of(target).is_some(), || format!("{} refers to a missing row", what()))?;
        let kind = decode_id(kind, AbsenceKind::from_id, what)?;
        self.cluster.absences.insert(TargetId(target), Absence { kind, ..absence });
        Ok(())
    }

    /// The largest id that any rollout ever had.
    pub fn set_last_rollout_id(&mut self, id: i64) {
        self.cluster.last_rollout_id = id;
    }

    /// A rollout that has not ended.
    ///
    /// # Errors
    /// A value is out of range.
    pub fn add_rollout(&mut self, row: RolloutRow) -> Result<()> {
        let what = |of: &str| format!("{of} of rollout {}", row.id);
        let at_once = u32::try_from(row.at_once).ok().filter(|count| *count > 0);
        let at_once = at_once.ok_or_else(|| InvalidRow(format!("{} is {}", what("at_once"), row.at_once)))?;
        let max_fail =
            decode_id(row.max_fail, |it| Share::from_parts(it, row.is_percent), || what("max_fail"))?;
        let state = decode_id(row.state, |id| RolloutState::from_id(id, row.note), || what("the state"))?;
        let order =
            RolloutOrder { packages: BTreeSet::new(), at_once, max_fail, since: row.since, who: row.who };
        self.cluster.rollouts.insert(RolloutId(row.id), Rollout { order, state, targets: BTreeMap::new() });
        Ok(())
    }

    /// A package that a rollout is about.
    ///
    /// # Errors
    /// One of them is not there.
    pub fn add_rollout_package(&mut self, rollout: i64, package: i64) -> Result<()> {
        let has_package = self.has_package(package);
        let rollout_row = self.cluster.rollouts.get_mut(&RolloutId(rollout)).filter(|_| has_package);
        ensure_valid(rollout_row.is_some(), || {
            format!("rollout_package ({rollout}, {package}) refers to a missing row")
        })?;
        rollout_row.map(|it| it.order.packages.insert(PackageId(package)));
        Ok(())
    }

    /// A target that a rollout is about.
    ///
    /// # Errors
    /// One of them is not there.
    pub fn add_rollout_target(&mut self, rollout: i64, target: i64, state: i64) -> Result<()> {
        let is_known = self.kind_of(target).is_some();
        let what = || format!("rollout_target ({rollout}, {target})");
        let state = decode_id(state, WaveState::from_id, || format!("the state of {}", what()))?;
        let rollout_row = self.cluster.rollouts.get_mut(&RolloutId(rollout)).filter(|_| is_known);
        ensure_valid(rollout_row.is_some(), || format!("{} refers to a missing row", what()))?;
        rollout_row.map(|it| it.targets.insert(TargetId(target), state));
        Ok(())
    }

    /// A stage is queued to run again.
    ///
    /// # Errors
    /// It refers to what is not there.
    pub fn add_rerun(&mut self, target: i64, package: i64, stage: i64) -> Result<()> {
        let is_valid = self.kind_of(target).is_some() && self.has_package(package);
        ensure_valid(is_valid, || format!("rerun ({target}, {package}) refers to a missing row"))?;
        let stage = decode_id(stage, Stage::from_id, || format!("the stage of rerun ({target}, {package})"))?;
        let key = StateKey { target: TargetId(target), package: PackageId(package) };
        self.cluster.reruns.entry(key).or_default().insert(stage);
        Ok(())
    }

    /// The cluster, once all rows were added.
    ///
    /// # Errors
    /// The last states or assignments refer to what is not there.
    pub fn finish(mut self) -> Result<Cluster> {
        self.finish_states()?;
        self.finish_assignments()?;
        Ok(self.cluster)
    }

    fn kind_of(&self, target: i64) -> Option<TargetKind> {
        self.cluster.targets.get(&TargetId(target)).map(Target::kind)
    }

    fn has_package(&self, package: i64) -> bool {
        self.cluster.packages.contains_key(&PackageId(package))
    }
}

/// The value with an id; `what` describes the column for the error.
///
/// # Errors
/// There is none.
pub fn decode_id<T>(
    id: i64,
    from_id: impl FnOnce(i64) -> Option<T>,
    what: impl FnOnce() -> String,
) -> Result<T> {
    from_id(id).ok_or_else(|| InvalidRow(format!("{} is {id}, which is not a known value", what())))
}

fn valid_id(id: i64, what: &str) -> Result<i64> {
    let is_valid = id > 0 && id <= i64::from(i32::MAX);
    ensure_valid(is_valid, || format!("the id {id} of a {what} is out of range")).map(|()| id)
}

fn ensure_valid(is_valid: bool, reason: impl FnOnce() -> String) -> Result<()> {
    if is_valid { Ok(()) } else { Err(InvalidRow(reason())) }
}

fn parse<T: FromStr<Err = ParseError>>(text: &str, what: impl FnOnce() -> String) -> Result<T> {
    text.parse().map_err(|error| InvalidRow(format!("{}: {error}", what())))
}
