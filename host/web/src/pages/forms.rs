//! The list of all forms, and which of them have to be answered.

use std::path::Path;

use askama::Template;
use http::StatusCode;
use opkg_oda::{Cluster, PackageId, Store, TargetId, TargetKind, ValueOrigin};
use opkg_opm::answers::{FormState, FormStateError};
use opkg_opm::{FormLookup, images_with_package};

use super::error::PageError;
use super::layout::{Layout, Tab};
use super::render::render_html;
use super::urls::{form_url, package_url};
use crate::app_state::AppState;
use crate::request::Request;
use crate::response::Response;

#[derive(Debug, Template)]
#[template(path = "forms.html")]
struct FormsPage {
    layout: Layout,
    forms: Vec<FormRow>,
    /// URL and name of the packages whose forms are not known yet.
    not_installed: Vec<(String, String)>,
}

#[derive(Debug)]
struct FormRow {
    package: String,
    /// As [`context_label`] writes it.
    context: String,
    href: String,
    status: FormStatus,
}

/// What is missing in a form, or wrong.
#[derive(Debug)]
struct FormStatus {
    /// CSS class.
    class: &'static str,
    /// As in the matrix of packages and targets.
    sign: char,
    text: String,
}

/// # Errors
/// When the database fails.
pub fn show(app: &AppState, request: &Request) -> Result<Response, PageError> {
    let state_version = app.state_version();
    let snapshot = app.snapshot()?;
    let cluster = &snapshot.cluster;
    let mut packages: Vec<_> = cluster.packages.values().collect();
    packages.sort_by(|one, other| one.name.cmp(&other.name));
    let mut store = app.open_database()?;
    let (mut forms, mut not_installed) = (Vec::new(), Vec::new());
    for package in packages {
        let name = package.name.as_str();
        for image in form_contexts(cluster, package.id) {
            let target = image.and_then(|image| {
                cluster
                    .targets_of_kind(TargetKind::Image)
                    .find(|target| target.address.name.as_str() == image)
            });
            let target = target.map(|target| target.id);
            let status = match load_form_state(app, &mut *store, cluster, package.id, target) {
                Ok(form_state) => match form_state.lookup {
                    FormLookup::Form(..) => form_status(&form_state),
                    FormLookup::NoForm => continue,
                    FormLookup::NotInstalled => {
                        if image.is_none() {
                            not_installed.push((package_url(name, ""), name.to_owned()));
                        }
                        continue;
                    }
                },
                Err(PageError::Form(reason)) => FormStatus { class: "error", sign: '!', text: reason },
                Err(error) => return Err(error),
            };
            forms.push(FormRow {
                package: name.to_owned(),
                context: context_label(image),
                href: form_url(name, image),
                status,
            });
        }
    }
    let layout = Layout::new(request, Tab::Forms, state_version, "Forms");
    render_html(StatusCode::OK, &FormsPage { layout, forms, not_installed })
}

fn form_status(form_state: &FormState) -> FormStatus {
    let complete = |text: String| FormStatus { class: "done", sign: '+', text };
    let Some(form) = form_state.form() else { return complete(String::new()) };
    match form_state.resolve(&form_state.administrator_answers) {
        Some(Ok(resolved)) if resolved.missing.is_empty() => {
            let answered =
                resolved.values.iter().filter(|value| value.origin != ValueOrigin::Default).count();
            let all = form.fields.len();
            complete(format!(
                "complete; {answered} of {all} fields answered, the others as the form has them"
            ))
        }
        Some(Ok(resolved)) => {
            let fields = resolved.missing.iter().filter_map(|index| form.fields.get(*index));
            let labels: Vec<&str> = fields.map(|field| field.label.as_str()).collect();
            FormStatus { class: "waits", sign: '~', text: format!("to be answered: {}", labels.join(", ")) }
        }
        Some(Err(rejected)) => {
            let first = rejected.first().map(ToString::to_string).unwrap_or_default();
            FormStatus { class: "error", sign: '!', text: format!("an answer does not fit: {first}") }
        }
        None => complete(String::new()),
    }
}

/// The forms that a package may have: `None` for the one for the whole cluster, and the names of its images.
#[must_use]
pub fn form_contexts(cluster: &Cluster, package: PackageId) -> Vec<Option<&str>> {
    let images = images_with_package(cluster, package).into_iter();
    std::iter::once(None).chain(images.map(|image| Some(image.address.name.as_str()))).collect()
}

/// `the whole cluster`, or the image.
#[must_use]
pub fn context_label(image: Option<&str>) -> String {
    image.map_or_else(|| "the whole cluster".to_owned(), |image| format!("image {image}"))
}

/// The form of a package with all answers to it.
///
/// # Errors
/// [`PageError::Form`] when the form or the file of answers cannot be used; when the database fails.
pub fn load_form_state(
    app: &AppState,
    store: &mut dyn Store,
    cluster: &Cluster,
    package: PackageId,
    image: Option<TargetId>,
) -> Result<FormState, PageError> {
    let directory: &Path = &app.settings.answers_directory;
    FormState::read(store, cluster, directory, package, image).map_err(|error| match error {
        FormStateError::Database(error) => error.into(),
        FormStateError::NotFound => PageError::NotFound("package or image"),
        FormStateError::NoHeadNode | FormStateError::Invalid(_) => PageError::Form(error.to_string()),
    })
}
