//! What is to be done next with one package on one target, and if nothing, why.

use opkg_oda::{Cluster, Key, Kind, PackageId, Phase, Row, Stage, State, TargetId};

use crate::machine::Order;

/// What is to be done with a package on a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: what is requested is current.
    Idle,
    /// This.
    Due(Due),
    /// Nothing yet.
    Waits(Wait),
    /// Nothing before this other package, on the same target, has moved.
    Blocked(PackageId),
    /// Nothing before somebody clears the error.
    Failed,
}

/// A step that may be taken now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Finding out whether the package came with the image.
    Confirm,
    /// Completing the stage after the current one.
    Up(Stage),
    /// Running a stage again that had completed.
    Again(Stage),
    /// Running `api-post-image` for an image.
    Image(TargetId),
    /// Coming down to a stage.
    Down(Stage),
}

/// What a package waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// The cluster has not come to this phase.
    Phase(Phase),
    /// The head node has not handed the work over to this client.
    HandOver,
    /// The configurator needs answers; which ones.
    Configuration(String),
    /// The package is still on this client or image.
    StillOn(TargetId),
}

/// Judges a row. `beside` tells which packages go through the same stage in the same transaction.
#[must_use]
pub fn verdict(cluster: &Cluster, order: &Order, key: Key, beside: &dyn Fn(PackageId) -> bool) -> Verdict {
    let (Some(row), Some(target)) = (cluster.row(key), cluster.targets.get(&key.target)) else {
        return Verdict::Idle;
    };
    if row.state == State::Error {
        return Verdict::Failed;
    }
    let judge = Judge { cluster, order, key, row, kind: target.kind() };
    if row.leaving() {
        return judge.down(beside);
    }
    if row.inherits.is_some() {
        return Verdict::Due(Due::Confirm);
    }
    judge.again(beside).or_else(|| judge.image()).or_else(|| judge.up(beside)).unwrap_or(Verdict::Idle)
}

/// The images that hold a package and for which its `api-post-image` has not run, by name.
pub fn unseen_images(cluster: &Cluster, package: PackageId) -> impl Iterator<Item = TargetId> {
    let holds = move |image: &TargetId| {
        cluster
            .row(Key { target: *image, package })
            .is_some_and(|it| it.current >= Stage::InstallBinPkgs && !it.leaving())
    };
    let mut images: Vec<_> = cluster.of_kind(Kind::Image).collect();
    images.sort_by(|a, b| a.address.cmp(&b.address));
    images
        .into_iter()
        .map(|it| it.id)
        .filter(holds)
        .filter(move |image| !cluster.images_seen.contains(&(package, *image)))
}

/// The first stage that is queued to run again.
fn queued(cluster: &Cluster, key: Key) -> Option<Stage> {
    cluster.reruns.get(&key)?.range(Stage::ShouldBeInstalled..).next().copied()
}

struct Judge<'a> {
    cluster: &'a Cluster,
    order: &'a Order,
    key: Key,
    row: &'a Row,
    kind: Kind,
}

impl Judge<'_> {
    /// One step of a removal. Stages without work are left in one go.
    fn down(&self, beside: &dyn Fn(PackageId) -> bool) -> Verdict {
        let to = match self.row.current {
            Stage::ShouldNotBeInstalled | Stage::ShouldBeInstalled => Stage::ShouldNotBeInstalled,
            // An installation that failed leaves `current` at the stage before it.
            Stage::RunConfigurator | Stage::InstallBinPkgs => Stage::ShouldBeInstalled,
            _ => Stage::InstallBinPkgs,
        };
        if to < Stage::InstallBinPkgs {
            if let Some(holder) = self.holder() {
                return Verdict::Waits(Wait::StillOn(holder));
            }
            let above = |other: &&PackageId| {
                !beside(**other) && self.beside(**other).is_some_and(|it| it.current > to || it.attempts > 0)
            };
            if let Some(dependent) = self.order.needed_by(self.key.package).iter().find(above) {
                return Verdict::Blocked(*dependent);
            }
        }
        Verdict::Due(Due::Down(to))
    }

    /// Where the package still is, if the head node must keep it until it is gone there.
    fn holder(&self) -> Option<TargetId> {
        if self.kind != Kind::Server {
            return None;
        }
        let present = |kind: Kind| {
            self.cluster.of_kind(kind).map(|it| it.id).find(|target| {
                let key = Key { target: *target, ..self.key };
                self.cluster.row(key).is_some_and(Row::present)
            })
        };
        present(Kind::Client).or_else(|| present(Kind::Image))
    }

    /// A stage that was queued to run again. One that has not completed yet will run anyway.
    fn again(&self, beside: &dyn Fn(PackageId) -> bool) -> Option<Verdict> {
        let stage = queued(self.cluster, self.key)?;
        if stage > self.row.current {
            return None;
        }
        let waits = self.phase(stage).or_else(|| self.configuration(stage)).map(Verdict::Waits);
        let held = waits.or_else(|| self.lagging(stage, beside).map(Verdict::Blocked));
        Some(held.unwrap_or_else(|| Verdict::Due(self.hook_of_images(stage).unwrap_or(Due::Again(stage)))))
    }

    /// An image that came after the stage of images had completed.
    fn image(&self) -> Option<Verdict> {
        if self.kind != Kind::Server || self.row.current < Stage::PostImage {
            return None;
        }
        let image = unseen_images(self.cluster, self.key.package).next()?;
        if let Some(wait) = self.phase(Stage::PostImage) {
            return Some(Verdict::Waits(wait));
        }
        let unseen = |needed: &&PackageId| {
            self.beside(**needed).is_some() && unseen_images(self.cluster, **needed).any(|it| it == image)
        };
        let blocked = self.order.needs(self.key.package).iter().find(unseen);
        Some(blocked.map_or(Verdict::Due(Due::Image(image)), |it| Verdict::Blocked(*it)))
    }

    /// The stage after the current one.
    fn up(&self, beside: &dyn Fn(PackageId) -> bool) -> Option<Verdict> {
        if self.row.requested <= self.row.current {
            return None;
        }
        let stage = self.row.current.next()?;
        let waits = self.hand_over().or_else(|| self.phase(stage)).or_else(|| self.configuration(stage));
        if let Some(wait) = waits {
            return Some(Verdict::Waits(wait));
        }
        if let Some(needed) = self.lagging(stage, beside) {
            return Some(Verdict::Blocked(needed));
        }
        Some(Verdict::Due(self.hook_of_images(stage).unwrap_or(Due::Up(stage))))
    }

    /// The stage of images completes when there is none left.
    fn hook_of_images(&self, stage: Stage) -> Option<Due> {
        if stage != Stage::PostImage || self.kind != Kind::Server {
            return None;
        }
        unseen_images(self.cluster, self.key.package).next().map(Due::Image)
    }

    /// A package that this one depends on and that has not come through a stage, or must do so again. One that
    /// nobody asked for on this target is no obstacle.
    fn lagging(&self, stage: Stage, beside: &dyn Fn(PackageId) -> bool) -> Option<PackageId> {
        let lags = |package: PackageId| {
            let Some(row) = self.beside(package) else { return false };
            let wanted = row.requested > Stage::ShouldNotBeInstalled;
            let queued = queued(self.cluster, Key { package, ..self.key }).is_some_and(|it| it <= stage);
            row.leaving() || wanted && (row.current < stage || queued) && !beside(package)
        };
        self.order.needs(self.key.package).iter().copied().find(|it| lags(*it))
    }

    fn phase(&self, stage: Stage) -> Option<Wait> {
        stage.gate(self.kind).filter(|gate| *gate > self.cluster.phase).map(Wait::Phase)
    }

    fn hand_over(&self) -> Option<Wait> {
        (self.kind == Kind::Client && !self.cluster.handed_over(self.key)).then_some(Wait::HandOver)
    }

    fn configuration(&self, stage: Stage) -> Option<Wait> {
        if self.kind != Kind::Server || stage != Stage::RunConfigurator {
            return None;
        }
        self.cluster.packages.get(&self.key.package)?.awaits.clone().map(Wait::Configuration)
    }

    /// The row of another package on the same target.
    fn beside(&self, package: PackageId) -> Option<&Row> {
        self.cluster.row(Key { package, ..self.key })
    }
}
