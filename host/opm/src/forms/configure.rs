//! The configurator as a step of the engine: forms and answers become files of values.

use std::io;
use std::path::{Path, PathBuf};

use opkg_configurator::{AnswerError, AnswerErrorKind, Answers, Form, ResolvedValues, values_file};
use opkg_engine::effects::{Report, StepTrace};
use opkg_engine::machine::{ConfigureOutcome, StepFailure};
use opkg_oda::{Cluster, ConfigValues, PackageName, StateKey, TargetId, TargetName, ValueOrigin};

use super::lookup::{FormFileError, form_contexts, form_path, read_answer_file, read_form, values_path};
use crate::config::Config;
use crate::roots::{RootError, TargetRoot};

/// One form of a package, and what came of it.
struct FormState<'a> {
    image: Option<TargetId>,
    image_name: Option<&'a TargetName>,
    form: Form,
    resolved: ResolvedValues,
}

/// Why forms were not configured.
#[derive(Debug, thiserror::Error)]
enum ConfigureError {
    #[error(transparent)]
    File(#[from] FormFileError),
    #[error(transparent)]
    Root(#[from] RootError),
    #[error(transparent)]
    Rejected(#[from] Box<RejectedAnswers>),
    #[error("the values {} cannot be written: {error}", .path.display())]
    Write { path: PathBuf, error: io::Error },
    #[error("an answer was refused")]
    NoReason,
}

/// Answers that do not fit, and how to fix the first of them.
#[derive(Debug, thiserror::Error)]
#[error("{context}{first}: {fix}{others}")]
struct RejectedAnswers {
    /// `for the image compute: `, or nothing.
    context: String,
    first: AnswerError,
    fix: String,
    /// ` (and 2 more)`, or nothing.
    others: String,
}

/// What came of the forms of a package.
enum Configured {
    /// Their values, and a line for each form.
    Done(ConfigValues, Vec<String>),
    /// What is still to be answered, in one line.
    ActionRequired(String),
}

/// Whether a package has a form. What cannot be looked at is taken for one, so that the failure is reported.
pub(crate) fn has_form(cluster: &Cluster, key: StateKey) -> bool {
    let (Some(server), Some(package)) =
        (cluster.targets.get(&key.target), cluster.packages.get(&key.package))
    else {
        return false;
    };
    let Ok(root) = TargetRoot::of_target(server) else { return true };
    let mut contexts = form_contexts(cluster, key.package).into_iter();
    contexts.any(|(image, _)| !matches!(root.metadata(&form_path(&package.name, image.is_some())), Ok(None)))
}

/// Whether a package has a form for images, and this one is not configured yet.
pub(crate) fn needs_configuration(cluster: &Cluster, key: StateKey, image: TargetId) -> bool {
    let (Some(server), Some(package), Some(image)) =
        (cluster.targets.get(&key.target), cluster.packages.get(&key.package), cluster.targets.get(&image))
    else {
        return false;
    };
    let exists = |root: &TargetRoot, path: &Path| !matches!(root.metadata(path), Ok(None));
    TargetRoot::of_target(server).is_ok_and(|root| {
        exists(&root, &form_path(&package.name, true))
            && !exists(&root, &values_path(&package.name, Some(&image.address.name)))
    })
}

/// Resolves all forms of a package and writes their values, or nothing where one of them waits or is answered wrongly.
pub(crate) fn configure(
    config: &Config,
    cluster: &Cluster,
    key: StateKey,
    known: &ConfigValues,
) -> Report<ConfigureOutcome> {
    let contexts = form_contexts(cluster, key.package);
    match configure_contexts(config, cluster, key, &contexts, known) {
        Ok(Configured::Done(values, lines)) => {
            configured_report(ConfigureOutcome::Configured(values), &lines)
        }
        Ok(Configured::ActionRequired(missing)) => Report::new(ConfigureOutcome::ActionRequired(missing)),
        Err(error) => Report::new(ConfigureOutcome::Failed(error.to_string())),
    }
}

/// Resolves the form for an image that came after the others, so that its hook finds values. Nothing can wait there:
/// an answer that is missing is a failure that names the command.
pub(crate) fn configure_image(
    config: &Config,
    cluster: &Cluster,
    key: StateKey,
    image: TargetId,
    known: &ConfigValues,
) -> Report<Result<ConfigValues, StepFailure>> {
    let (Some(target), Some(package)) = (cluster.targets.get(&image), cluster.packages.get(&key.package))
    else {
        return Report::new(Ok(ConfigValues::new()));
    };
    if !needs_configuration(cluster, key, image) {
        return Report::new(Ok(ConfigValues::new()));
    }
    let context = (Some(image), Some(&target.address.name));
    let reason = match configure_contexts(config, cluster, key, &[context], known) {
        Ok(Configured::Done(values, lines)) => return configured_report(Ok(values), &lines),
        Ok(Configured::ActionRequired(missing)) => {
            format!("it needs {missing}: run `opm configure {}`", package.name)
        }
        Err(error) => error.to_string(),
    };
    Report::new(Err(StepFailure::Failed(reason)))
}

fn configured_report<T>(outcome: T, lines: &[String]) -> Report<T> {
    let trace = StepTrace { tail: lines.join("\n"), ..StepTrace::default() };
    Report { outcome, trace }
}

fn configure_contexts(
    config: &Config,
    cluster: &Cluster,
    key: StateKey,
    contexts: &[(Option<TargetId>, Option<&TargetName>)],
    known: &ConfigValues,
) -> Result<Configured, ConfigureError> {
    let (Some(server), Some(package)) =
        (cluster.targets.get(&key.target), cluster.packages.get(&key.package))
    else {
        return Ok(Configured::Done(ConfigValues::new(), Vec::new()));
    };
    let (root, package) = (TargetRoot::of_target(server)?, &package.name);
    let file = read_answer_file(&config.answer_directory, package)?;
    let mut forms = Vec::new();
    for (image, image_name) in contexts.iter().copied() {
        let Some((form, _)) = read_form(&root, package, image_name)? else { continue };
        let stored = known.get(&(key.package, image)).map(Vec::as_slice).unwrap_or_default();
        let administrator = Answers::from_values(stored, ValueOrigin::Administrator);
        let resolved = form
            .resolve(&administrator, &file.answers_for(image_name.map(TargetName::as_str)))
            .map_err(|rejected| rejected_error(config, package, image_name, rejected))?;
        forms.push(FormState { image, image_name, form, resolved });
    }
    if let Some(missing) = describe_missing(&forms) {
        return Ok(Configured::ActionRequired(missing));
    }
    let (mut values, mut lines) = (ConfigValues::new(), Vec::new());
    for form in &forms {
        lines.push(form.write_values(&root, package)?);
        values.insert((key.package, form.image), form.resolved.to_config_values(&form.form));
    }
    Ok(Configured::Done(values, lines))
}

impl FormState<'_> {
    /// Writes the values; says in one line what was written.
    fn write_values(&self, root: &TargetRoot, package: &PackageName) -> Result<String, ConfigureError> {
        let path = values_path(package, self.image_name);
        let text = values_file::to_xml(&self.resolved.entries(&self.form));
        let mode = if self.form.has_password() { 0o600 } else { 0o644 };
        root.write_atomic(&path, text.as_bytes(), mode)
            .map_err(|error| ConfigureError::Write { path: path.clone(), error })?;
        let of = |origin| self.resolved.values.iter().filter(|value| value.origin == origin).count();
        Ok(format!(
            "{}: {} fields, {} answered by the administrator, {} by file, {} from defaults",
            path.display(),
            self.resolved.values.len(),
            of(ValueOrigin::Administrator),
            of(ValueOrigin::AnswerFile),
            of(ValueOrigin::Default),
        ))
    }
}

/// What is still to be answered, in one line.
fn describe_missing(forms: &[FormState<'_>]) -> Option<String> {
    let missing: Vec<String> = forms
        .iter()
        .filter(|form| !form.resolved.missing.is_empty())
        .map(|form| {
            let names =
                form.resolved.missing.iter().map(|field| format!("`{}`", form.form.fields[*field].name));
            let names = names.collect::<Vec<_>>().join(", ");
            form.image_name
                .map_or(names.clone(), |image| format!("{names} for the image {image} (`--image {image}`)"))
        })
        .collect();
    (!missing.is_empty()).then(|| format!("an answer to {}", missing.join(", ")))
}

/// What is wrong with answers, and how to fix the first of them.
fn rejected_error(
    config: &Config,
    package: &PackageName,
    image: Option<&TargetName>,
    rejected: Vec<AnswerError>,
) -> ConfigureError {
    let others = match rejected.len() {
        0 | 1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    let Some(first) = rejected.into_iter().next() else { return ConfigureError::NoReason };
    let context = image.map_or_else(String::new, |name| format!("for the image {name}: "));
    let fix = match first.origin {
        ValueOrigin::AnswerFile => {
            format!("as {} answers it", config.answer_directory.join(format!("{package}.toml")).display())
        }
        _ => {
            let option = image.map_or_else(String::new, |name| format!(" --image {name}"));
            let change = match first.kind {
                AnswerErrorKind::UnknownField { .. } | AnswerErrorKind::InvalidName => {
                    format!("--unset {}", opkg::escape_for_display(&first.name))
                }
                _ => format!("--set {}=…", first.name),
            };
            format!("`opm configure {package}{option} {change}` fixes it")
        }
    };
    Box::new(RejectedAnswers { context, first, fix, others }).into()
}
