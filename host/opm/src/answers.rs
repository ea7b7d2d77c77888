//! The administrator's answers to a package's form: read for a face that asks, and kept for the next run.
//!
//! A face reads a [`Sheet`], shows its form, and gives changed answers to [`Sheet::save`]. Nothing else happens to
//! the package: the engine settles and writes the values in its stage `run-configurator`.

use std::path::Path;

use opkg_configurator::{Answers, Finding, Form, Refused, Settled};
use opkg_oda::{
    Change, Cluster, Error, Key, Kind, Origin, Package, PackageId, Stage, State, Store, Target, TargetId,
    TargetName, Value,
};

use crate::system::{Found, answer_file, find_form};

/// A form of a package with the answers to it, at one instant.
#[derive(Debug)]
pub struct Sheet {
    /// Of which package.
    pub package: PackageId,
    /// For which image; without one, for the whole cluster.
    pub image: Option<TargetId>,
    /// The form, if there is one and it can be seen yet.
    pub found: Found,
    /// What the administrator has answered. Without a form nobody has looked whether it fits.
    pub administrator: Answers,
    /// What the file of answers says.
    pub file: Answers,
    /// All that the database has, whatever its origin.
    known: Vec<Value>,
}

/// Why there is no sheet.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] Error),
    /// No head node, whose packages have forms.
    #[error("the cluster has no head node, and forms are in the homes of packages there")]
    NoServer,
    /// The package or image is not in the database, or no longer.
    #[error("the database has no such package or image")]
    Unknown,
    /// The form or the file of answers cannot be used, in one line.
    #[error("{0}")]
    Unusable(String),
}

impl Sheet {
    /// Reads the form of a package, for an image or for the whole cluster, and all answers to it. `files` is the
    /// directory of the files of answers.
    ///
    /// # Errors
    /// When the database fails, or something is there and cannot be used.
    pub fn read(
        store: &mut dyn Store,
        cluster: &Cluster,
        files: &Path,
        package: PackageId,
        image: Option<TargetId>,
    ) -> Result<Self, SheetError> {
        let name = &cluster.packages.get(&package).ok_or(SheetError::Unknown)?.name;
        let image_name = image_name(cluster, image)?;
        let server = server(cluster).ok_or(SheetError::NoServer)?;
        let found = find_form(server, name, image_name).map_err(SheetError::Unusable)?;
        let file = answer_file(files, name).map_err(SheetError::Unusable)?;
        let known = store.values(package, image)?;
        Ok(Self {
            package,
            image,
            found,
            administrator: Answers::of(&known, Origin::Administrator),
            file: file.context(image_name.map(TargetName::as_str)),
            known,
        })
    }

    /// The form, if there is one and it can be seen yet.
    #[must_use]
    pub fn form(&self) -> Option<&Form> {
        match &self.found {
            Found::Form(form, _) => Some(form),
            Found::NotInstalled | Found::NoForm => None,
        }
    }

    /// What the author of the form should know.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        match &self.found {
            Found::Form(_, findings) => findings,
            Found::NotInstalled | Found::NoForm => &[],
        }
    }

    /// The values that these answers of the administrator would lead to, together with the file and the form.
    ///
    /// # Errors
    /// All answers that do not fit.
    pub fn settle(&self, administrator: &Answers) -> Option<Result<Settled, Vec<Refused>>> {
        self.form().map(|form| form.settle(administrator, &self.file))
    }

    /// Keeps the administrator's answers, in place of all that he gave before, and lets a package go on that waits for
    /// them. They must fit, where the form is known. False if somebody has answered otherwise since this was read: then
    /// nothing was kept.
    ///
    /// # Errors
    /// When the database fails.
    pub fn save(&self, store: &mut dyn Store, administrator: &Answers) -> Result<bool, Error> {
        let values = match (self.form(), self.settle(administrator)) {
            (Some(form), Some(Ok(settled))) => settled.stored(form),
            _ => administrator.values(Origin::Administrator),
        };
        let (package, image) = (self.package, self.image);
        store.update(&mut |cluster| {
            let instead_of = Some(self.known.clone());
            let mut changes = vec![Change::Configure { package, image, values: values.clone(), instead_of }];
            let waits = cluster.packages.get(&package).filter(|it| it.awaits.is_some());
            changes.extend(waits.map(|it| Change::Package(Package { awaits: None, ..it.clone() })));
            changes
        })?;
        Ok(store.values(package, image)? == values)
    }
}

/// What has to happen so that new answers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The package must be requested on the head node first.
    Request,
    /// The next run takes them.
    Run,
    /// The package is in error, and tried again when that is cleared.
    Clear,
    /// The package is configured already, and must be so anew.
    Reconfigure,
}

/// What has to happen so that new answers to a package count.
#[must_use]
pub fn next(cluster: &Cluster, package: PackageId) -> Next {
    let Some(key) = server(cluster).map(|it| Key { target: it.id, package }) else { return Next::Request };
    let queued = cluster.reruns.get(&key).is_some_and(|it| it.contains(&Stage::RunConfigurator));
    match cluster.row(key) {
        Some(row) if row.requested > Stage::ShouldNotBeInstalled => match row.state {
            State::Error => Next::Clear,
            _ if row.current < Stage::RunConfigurator || queued => Next::Run,
            _ => Next::Reconfigure,
        },
        _ => Next::Request,
    }
}

/// The head node, in whose root the homes of packages are.
fn server(cluster: &Cluster) -> Option<&Target> {
    cluster.of_kind(Kind::Server).next()
}

fn image_name(cluster: &Cluster, image: Option<TargetId>) -> Result<Option<&TargetName>, SheetError> {
    let Some(image) = image else { return Ok(None) };
    let target = cluster.targets.get(&image).filter(|it| it.kind() == Kind::Image);
    target.map(|it| Some(&it.address.name)).ok_or(SheetError::Unknown)
}
