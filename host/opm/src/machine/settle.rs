//! What the end of a piece of work means for the rows that it was about.

use opkg_oda::{Change, Failure, Key, Kind, PackageId, Row, Stage, State, TargetId};

use super::work::{Hook, Outcome, Work};
use super::{Machine, parts};

impl Machine {
    /// What must be committed when a piece of work has come to its end.
    pub fn finish(&mut self, work: &Work, outcome: &Outcome, now: i64) -> Vec<Change> {
        let mut changes = Vec::new();
        match (work, outcome) {
            (Work::Mark { stage, rows }, _) => {
                for key in rows {
                    if self.interrupted(*key, *stage) {
                        self.pause(&[*key], now, &mut changes);
                    } else {
                        self.arrive(*key, *stage, now, &mut changes);
                    }
                }
            }
            (Work::Confirm { .. }, Outcome::Present(present)) => {
                for key in work.rows() {
                    self.inherit(key, present.contains(&key.package), now, &mut changes);
                }
            }
            (Work::Install { target, stage, packages }, Outcome::Together(reason)) => {
                if packages.len() > 1 {
                    self.apart.insert((*target, *stage));
                    self.pause(&work.rows(), now, &mut changes);
                } else {
                    self.fail(&work.rows(), *stage, reason, now, &mut changes);
                }
            }
            (Work::Install { stage, .. }, Outcome::Partly(failed)) => {
                for key in work.rows() {
                    match failed.get(&key.package) {
                        Some(reason) => self.fail(&[key], *stage, reason, now, &mut changes),
                        None => self.arrive(key, *stage, now, &mut changes),
                    }
                }
            }
            (Work::Configure { key }, Outcome::Waits(reason)) => {
                self.pause(&[*key], now, &mut changes);
                if let Some(package) = self.cluster.packages.get(&key.package) {
                    let mut package = package.clone();
                    package.awaits = Some(reason.clone());
                    changes.push(Change::Package(package));
                }
            }
            (_, Outcome::Stopped) => {
                let rows = work.rows();
                self.pause(&rows, now, &mut changes);
                self.barred.extend(rows);
            }
            (_, Outcome::Done) => self.done(work, now, &mut changes),
            (_, outcome) => {
                let reason = match outcome {
                    Outcome::Failed(reason) | Outcome::Together(reason) | Outcome::Waits(reason) => reason,
                    _ => "the step ended in a way that it cannot end",
                };
                let rows = work.rows();
                if let Work::Confirm { .. } = work {
                    // Nothing was done that could be wrong now; another run asks again.
                    self.barred.extend(rows);
                } else {
                    self.fail(&rows, self.stage_of(work), reason, now, &mut changes);
                }
            }
        }
        self.apply(&changes);
        changes
    }

    fn done(&mut self, work: &Work, now: i64, changes: &mut Vec<Change>) {
        match work {
            Work::Install { stage, .. } => {
                for key in work.rows() {
                    self.arrive(key, *stage, now, changes);
                }
            }
            Work::Hook { key, hook: Hook::PostImage, image: Some(image), .. } => {
                changes.push(Change::ImageSeen { package: key.package, image: *image, seen: true });
                let Some(row) = self.cluster.row(*key) else { return };
                let row = Row { state: State::Idle, attempts: 0, changed: now, ..row.clone() };
                changes.push(Change::Progress(*key, row));
            }
            Work::Hook { key, stage, .. } => self.part_done(*key, *stage, now, changes),
            Work::Configure { key } => self.part_done(*key, Stage::RunConfigurator, now, changes),
            Work::Remove { key, to } => self.arrive(*key, *to, now, changes),
            // Without an answer to the question it would be asked again and again.
            Work::Confirm { .. } => self.barred.extend(work.rows()),
            Work::Mark { .. } => {}
        }
    }

    /// Whether a run died at this row, which has nothing to do now and has come no further than it was.
    fn interrupted(&self, key: Key, stage: Stage) -> bool {
        self.cluster.row(key).is_some_and(|it| it.state == State::Running && it.current == stage)
    }

    /// The stage that a failure is charged to.
    fn stage_of(&self, work: &Work) -> Stage {
        match work {
            Work::Mark { stage, .. } | Work::Install { stage, .. } | Work::Hook { stage, .. } => *stage,
            Work::Confirm { .. } => Stage::InstallBinPkgs,
            Work::Configure { .. } => Stage::RunConfigurator,
            Work::Remove { key, .. } => {
                self.cluster.row(*key).map_or(Stage::ShouldNotBeInstalled, |it| it.current)
            }
        }
    }

    /// The parts of a stage complete one after the other, and the stage with the last of them.
    fn part_done(&mut self, key: Key, stage: Stage, now: i64, changes: &mut Vec<Change>) {
        let done = self.parts.get(&key).copied().unwrap_or(0) + 1;
        if done < parts(stage).len() {
            self.parts.insert(key, done);
        } else {
            self.parts.remove(&key);
            self.arrive(key, stage, now, changes);
        }
    }

    /// A row has come to a stage, from below or from above, or through it once more.
    fn arrive(&mut self, key: Key, stage: Stage, now: i64, changes: &mut Vec<Change>) {
        let Some(row) = self.cluster.row(key) else { return };
        let again = !row.leaving() && stage <= row.current;
        let current = if again { row.current } else { stage };
        let (state, failure, attempts) = (State::Idle, None, 0);
        changes.push(Change::Progress(
            key,
            Row { current, state, failure, attempts, changed: now, ..row.clone() },
        ));
        if row.leaving() {
            if stage == Stage::ShouldNotBeInstalled {
                self.gone(key, changes);
                self.restart = true;
            } else {
                self.unqueue(key, |queued| queued > stage, changes);
            }
            return;
        }
        self.unqueue(key, |queued| queued == stage, changes);
        if stage == Stage::PostClients && self.kind(key.target) == Kind::Server {
            self.hand_over(key.package, now, changes);
        }
    }

    /// The clients that are to get a package are told so.
    fn hand_over(&mut self, package: PackageId, now: i64, changes: &mut Vec<Change>) {
        let Some(clients) = self.cluster.assignments.get(&package) else { return };
        for client in clients.iter().filter(|(_, told)| told.is_none()).map(|(client, _)| *client) {
            self.restart = true;
            changes.push(Change::Assign { package, client, handed_over: Some(now) });
            let key = Key { target: client, package };
            let wanted = self.cluster.row(key).is_some_and(|it| it.requested > Stage::ShouldNotBeInstalled);
            if !wanted {
                changes.push(Change::Request { key, stage: Stage::Finished, at: now });
            }
        }
    }

    /// What was noted of a package on a target means nothing once it is gone from there.
    fn gone(&self, key: Key, changes: &mut Vec<Change>) {
        let package = key.package;
        self.unqueue(key, |_| true, changes);
        match self.kind(key.target) {
            Kind::Client => {
                if self.cluster.assignments.get(&package).is_some_and(|it| it.contains_key(&key.target)) {
                    changes.push(Change::Unassign { package, client: key.target });
                }
            }
            Kind::Image => self.unsee(package, |image| image == key.target, changes),
            Kind::Server => {
                self.unsee(package, |_| true, changes);
                for client in self.cluster.assignments.get(&package).into_iter().flat_map(|it| it.keys()) {
                    changes.push(Change::Unassign { package, client: *client });
                }
            }
        }
    }

    fn unqueue(&self, key: Key, which: impl Fn(Stage) -> bool, changes: &mut Vec<Change>) {
        let queued = self.cluster.reruns.get(&key).into_iter().flatten().copied();
        changes.extend(queued.filter(|it| which(*it)).map(|stage| Change::Rerun {
            key,
            stage,
            queued: false,
        }));
    }

    fn unsee(&self, package: PackageId, which: impl Fn(TargetId) -> bool, changes: &mut Vec<Change>) {
        let seen = self.cluster.images_seen.iter();
        for (_, image) in seen.filter(|(of, image)| *of == package && which(*image)) {
            changes.push(Change::ImageSeen { package, image: *image, seen: false });
        }
    }

    fn inherit(&self, key: Key, present: bool, now: i64, changes: &mut Vec<Change>) {
        let Some(row) = self.cluster.row(key) else { return };
        let inherited = row.inherits.filter(|_| present).map_or(row.current, |it| it.max(row.current));
        let current = inherited.min(Stage::InstallBinPkgs).max(row.current);
        changes.push(Change::Progress(key, Row { current, inherits: None, changed: now, ..row.clone() }));
    }

    fn fail(&mut self, rows: &[Key], stage: Stage, reason: &str, now: i64, changes: &mut Vec<Change>) {
        for key in rows {
            self.parts.remove(key);
            let Some(row) = self.cluster.row(*key) else { continue };
            let failure = Some(Box::new(Failure { stage, message: reason.to_owned() }));
            changes.push(Change::Progress(
                *key,
                Row { state: State::Error, failure, changed: now, ..row.clone() },
            ));
        }
    }

    /// The rows are neither further nor in error.
    fn pause(&mut self, rows: &[Key], now: i64, changes: &mut Vec<Change>) {
        for key in rows {
            self.parts.remove(key);
            let Some(row) = self.cluster.row(*key) else { continue };
            changes.push(Change::Progress(*key, Row { state: State::Idle, changed: now, ..row.clone() }));
        }
    }
}
