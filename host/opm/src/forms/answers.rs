//! The administrator's answers to a package's form: read for a user interface, and kept for the next run.
//!
//! A user interface reads a [`FormState`], shows its form, and gives changed answers to [`FormState::save`]. Nothing
//! else happens to the package: the engine resolves and writes the values in its stage `run-configurator`.

use std::path::Path;

use opkg_configurator::{AnswerError, Answers, Form, FormDiagnostic, ResolvedValues};
use opkg_oda::{
    Change, Cluster, ConfigValue, Error, Package, PackageId, Stage, StateKey, Store, Target, TargetId,
    TargetKind, TargetName, ValueOrigin, WorkState,
};

use super::lookup::{FormFileError, FormLookup, find_form, read_answer_file};

/// A form of a package with the answers to it, at one instant.
#[derive(Debug)]
pub struct FormState {
    /// The package that asks.
    pub package: PackageId,
    /// The image that it is about; without one, it is about the whole cluster.
    pub image: Option<TargetId>,
    /// The form, if there is one and it can be seen yet.
    pub lookup: FormLookup,
    /// What the administrator has answered. Without a form nobody has looked whether it fits.
    pub administrator_answers: Answers,
    /// What the file of answers says.
    pub file_answers: Answers,
    /// All that the database has, whatever its origin.
    stored: Vec<ConfigValue>,
}

/// Why the state of a form is not known.
#[derive(Debug, thiserror::Error)]
pub enum FormStateError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] Error),
    /// No head node, whose packages have forms.
    #[error("the cluster has no head node, and forms are in the homes of packages there")]
    NoHeadNode,
    /// The package or image is not in the database, or no longer.
    #[error("the database has no such package or image")]
    NotFound,
    /// The form or the file of answers cannot be used.
    #[error(transparent)]
    Invalid(#[from] FormFileError),
}

impl FormState {
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
    ) -> Result<Self, FormStateError> {
        let name = &cluster.packages.get(&package).ok_or(FormStateError::NotFound)?.name;
        let image_name = image_name(cluster, image)?;
        let server = head_node(cluster).ok_or(FormStateError::NoHeadNode)?;
        let lookup = find_form(server, name, image_name)?;
        let file = read_answer_file(files, name)?;
        let stored = store.values(package, image)?;
        Ok(Self {
            package,
            image,
            lookup,
            administrator_answers: Answers::from_values(&stored, ValueOrigin::Administrator),
            file_answers: file.answers_for(image_name.map(TargetName::as_str)),
            stored,
        })
    }

    /// The form, if there is one and it can be seen yet.
    #[must_use]
    pub fn form(&self) -> Option<&Form> {
        match &self.lookup {
            FormLookup::Form(form, _) => Some(form),
            FormLookup::NotInstalled | FormLookup::NoForm => None,
        }
    }

    /// What the author of the form should know.
    #[must_use]
    pub fn findings(&self) -> &[FormDiagnostic] {
        match &self.lookup {
            FormLookup::Form(_, findings) => findings,
            FormLookup::NotInstalled | FormLookup::NoForm => &[],
        }
    }

    /// The values that these answers of the administrator would lead to, together with the file and the form.
    ///
    /// # Errors
    /// All answers that do not fit.
    pub fn resolve(&self, administrator: &Answers) -> Option<Result<ResolvedValues, Vec<AnswerError>>> {
        self.form().map(|form| form.resolve(administrator, &self.file_answers))
    }

    /// Keeps the administrator's answers, in place of all that he gave before, and lets a package go on that waits for
    /// them. They must fit, where the form is known. False if somebody has answered otherwise since this was read: then
    /// nothing was kept.
    ///
    /// # Errors
    /// When the database fails.
    pub fn save(&self, store: &mut dyn Store, administrator: &Answers) -> Result<bool, Error> {
        let values = match (self.form(), self.resolve(administrator)) {
            (Some(form), Some(Ok(resolved))) => resolved.to_config_values(form),
            _ => administrator.to_values(ValueOrigin::Administrator),
        };
        let (package, image) = (self.package, self.image);
        store.update(&mut |cluster| {
            let expected = Some(self.stored.clone());
            let mut changes = vec![Change::SetValues { package, image, values: values.clone(), expected }];
            let waits = cluster.packages.get(&package).filter(|it| it.waiting_for.is_some());
            changes.extend(waits.map(|it| Change::PutPackage(Package { waiting_for: None, ..it.clone() })));
            changes
        })?;
        Ok(store.values(package, image)? == values)
    }
}

/// What has to happen so that new answers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequiredAction {
    /// The package must be requested on the head node first.
    Request,
    /// The next run takes them.
    Run,
    /// The package is in error, and tried again when that is cleared.
    ClearError,
    /// The package is configured already, and must be so anew.
    Reconfigure,
}

/// What has to happen so that new answers to a package count.
#[must_use]
pub fn required_action(cluster: &Cluster, package: PackageId) -> RequiredAction {
    let Some(key) = head_node(cluster).map(|it| StateKey { target: it.id, package }) else {
        return RequiredAction::Request;
    };
    let queued = cluster.reruns.get(&key).is_some_and(|it| it.contains(&Stage::RunConfigurator));
    match cluster.state(key) {
        Some(row) if row.requested > Stage::ShouldNotBeInstalled => match row.work_state {
            WorkState::Failed => RequiredAction::ClearError,
            _ if row.current < Stage::RunConfigurator || queued => RequiredAction::Run,
            _ => RequiredAction::Reconfigure,
        },
        _ => RequiredAction::Request,
    }
}

/// The head node, in whose root the homes of packages are.
fn head_node(cluster: &Cluster) -> Option<&Target> {
    cluster.targets_of_kind(TargetKind::Server).next()
}

fn image_name(cluster: &Cluster, image: Option<TargetId>) -> Result<Option<&TargetName>, FormStateError> {
    let Some(image) = image else { return Ok(None) };
    let target = cluster.targets.get(&image).filter(|it| it.kind() == TargetKind::Image);
    target.map(|it| Some(&it.address.name)).ok_or(FormStateError::NotFound)
}
