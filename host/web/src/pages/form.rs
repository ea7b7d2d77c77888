//! The form of a package. It is rendered from its parsed model, so that nothing of its author's HTML reaches the
//! browser but text.

use std::hash::BuildHasher;

use askama::Template;
use http::StatusCode;
use opkg_configurator::{
    AnswerError, Answers, Field, FieldKind, Form, FormItem, ResolvedValues, origin_label,
};
use opkg_oda::{Cluster, Package, TargetId, ValueOrigin};
use opkg_opm::FormLookup;
use opkg_opm::answers::{FormState, RequiredAction, required_action};

use super::error::PageError;
use super::forms::{context_label, form_contexts, load_form_state};
use super::layout::{Layout, Tab};
use super::package::find_package;
use super::render::render_html;
use super::urls::{form_url, package_url};
use crate::app_state::AppState;
use crate::params::{Params, build_url};
use crate::request::Request;
use crate::response::Response;

/// Keeps the fields of the package apart from ours (`form`, `state`, `defaults`).
const FIELD_PREFIX: &str = "field.";

#[derive(Debug, Template)]
#[template(path = "form.html")]
struct FormPage {
    layout: Layout,
    package: String,
    package_href: String,
    image: Option<String>,
    /// URL and context of the other forms of the package.
    other_forms: Vec<(String, String)>,
    /// Of this page.
    href: String,
    /// Why there is no form, or why nothing was saved.
    error: Option<String>,
    /// Of the stored values; differs when somebody else has saved other answers.
    fingerprint: u64,
    blocks: Vec<Block>,
    /// About answers that belong to no field.
    warnings: Vec<String>,
    /// Whether new answers take effect only when the package is reconfigured.
    is_configured: bool,
}

#[derive(Debug)]
enum Block {
    /// Level, from 2 to 6, and text.
    Heading(u8, String),
    /// Lines.
    Paragraph(Vec<String>),
    Field(FieldView),
}

#[derive(Debug)]
struct FieldView {
    id: String,
    name: String,
    label: String,
    kind: FieldKind,
    is_required: bool,
    is_read_only: bool,
    /// Empty when the field has choices.
    inputs: Vec<TextInput>,
    choices: Vec<ChoiceView>,
    /// Who gave the answer; `None` for a default.
    origin: Option<&'static str>,
    error: Option<String>,
}

#[derive(Debug)]
struct TextInput {
    id: String,
    value: String,
}

#[derive(Debug)]
struct ChoiceView {
    value: String,
    label: String,
    is_selected: bool,
}

impl FieldView {
    /// Whether it has several inputs, which need a common legend.
    fn is_group(&self) -> bool {
        match self.kind {
            FieldKind::Checkbox => self.choices.len() > 1,
            FieldKind::Radio => true,
            _ => self.inputs.len() > 1,
        }
    }

    /// For `aria-describedby`: the ids of its error and its origin, separated by blanks.
    fn described_by(&self) -> String {
        let mut ids = Vec::new();
        if self.error.is_some() {
            ids.push(format!("{}-problem", self.id));
        }
        if self.origin.is_some() {
            ids.push(format!("{}-origin", self.id));
        }
        ids.join(" ")
    }
}

/// The values that a form shows, and their errors.
struct FormValues {
    resolved: ResolvedValues,
    /// One for each field.
    field_errors: Vec<Option<String>>,
    /// About answers that belong to no field.
    other_errors: Vec<String>,
}

/// # Errors
/// When there is no such package or image, or the database fails.
pub fn show(
    app: &AppState,
    request: &Request,
    package: &str,
    image: Option<&str>,
) -> Result<Response, PageError> {
    let snapshot = app.snapshot()?;
    let context = FormContext::find(&snapshot.cluster, package, image)?;
    let mut store = app.open_database()?;
    let form_state = load_form_state(app, &mut *store, &snapshot.cluster, context.package.id, context.image)?;
    let values = form_state.form().map(|form| resolve_values(form, &form_state));
    render_form(app, request, &snapshot.cluster, &context, &form_state, values, None)
}

/// Saves the submitted answers, or shows them again with their errors.
///
/// # Errors
/// When there is no such package or image, or the database fails.
pub fn save(
    app: &AppState,
    request: &Request,
    submitted: &Params,
    package: &str,
    image: Option<&str>,
) -> Result<Response, PageError> {
    let snapshot = app.snapshot()?;
    let cluster = &snapshot.cluster;
    let context = FormContext::find(cluster, package, image)?;
    let mut store = app.open_database()?;
    let form_state = load_form_state(app, &mut *store, cluster, context.package.id, context.image)?;
    let Some(form) = form_state.form() else {
        return render_form(app, request, cluster, &context, &form_state, None, None);
    };
    let stored = resolve_values(form, &form_state);
    let answers = if submitted.get("defaults").is_empty() {
        form.answers_from_submission(&submitted_values(form, submitted, &stored.resolved), &stored.resolved)
    } else {
        Answers::default()
    };
    let field_errors: Vec<Option<String>> =
        form.fields.iter().map(|field| field_error(field, &answers)).collect();
    let is_outdated = submitted.get("state") != fingerprint(app, &stored.resolved).to_string();
    let has_unknown_field = answers.iter().any(|(name, _)| form.field(name).is_none());
    let error = if is_outdated {
        Some(
            "Somebody else has changed the answers, and nothing was saved. Save again to replace those answers.",
        )
    } else if has_unknown_field {
        Some("The form has changed, and nothing was saved. Check whether your answers still fit.")
    } else if field_errors.iter().any(Option::is_some) {
        Some("Nothing was saved yet: some answers do not fit.")
    } else {
        None
    };
    if let Some(error) = error {
        let resolved = with_submitted_values(form, &answers, &stored.resolved);
        let values = FormValues { resolved, field_errors, other_errors: stored.other_errors };
        return render_form(app, request, cluster, &context, &form_state, Some(values), Some(error.into()));
    }
    let mut store = app.open_database_for(&request.person, &context.command_line())?;
    let notice = if form_state.save(&mut *store, &answers)? {
        match required_action(cluster, context.package.id) {
            RequiredAction::Run => "Saved. The next run takes it.",
            RequiredAction::Request => {
                "Saved. It takes effect when the package is requested on the head node."
            }
            RequiredAction::ClearError => {
                "Saved. The package is in error: it takes effect when the error is cleared."
            }
            RequiredAction::Reconfigure => "Saved. It takes effect when the package is reconfigured.",
        }
    } else {
        "Somebody else answered at the same moment, and nothing was saved."
    };
    let id = request.session.add_notice(notice.to_owned()).to_string();
    Ok(request.redirect(&build_url(&context.href(), &[("said", &id)])))
}

/// Package and image that a form belongs to.
struct FormContext<'a> {
    package: &'a Package,
    /// `None` for the form for the whole cluster.
    image: Option<TargetId>,
    image_name: Option<&'a str>,
}

impl<'a> FormContext<'a> {
    fn find(cluster: &'a Cluster, package: &str, image: Option<&'a str>) -> Result<Self, PageError> {
        let package = find_package(cluster, package)?;
        let Some(name) = image else { return Ok(Self { package, image: None, image_name: None }) };
        let address = format!("image:{name}").parse().map_err(|_| PageError::NotFound("image"))?;
        let image = cluster.find_target(&address).ok_or(PageError::NotFound("image"))?;
        Ok(Self { package, image: Some(image.id), image_name: Some(name) })
    }

    /// What saving it is, as it would be written for the command of that name; the answers may be secret.
    fn command_line(&self) -> String {
        let image = self.image_name.map_or_else(String::new, |image| format!(" --image {image}"));
        format!("configure {}{image}", self.package.name)
    }

    fn href(&self) -> String {
        form_url(self.package.name.as_str(), self.image_name)
    }
}

/// The stored values of all fields. Answers that no longer fit are left out, with an error at their field.
fn resolve_values(form: &Form, form_state: &FormState) -> FormValues {
    let mut administrator_answers = form_state.administrator_answers.clone();
    let mut file_answers = form_state.file_answers.clone();
    let mut rejected: Vec<AnswerError> = Vec::new();
    // The first pass finds everything that is rejected, the second resolves the rest.
    let resolved = loop {
        match form.resolve(&administrator_answers, &file_answers) {
            Ok(resolved) => break resolved,
            Err(errors) => {
                for error in &errors {
                    let answers = match error.origin {
                        ValueOrigin::AnswerFile => &mut file_answers,
                        _ => &mut administrator_answers,
                    };
                    answers.remove(&error.name);
                }
                rejected.extend(errors);
            }
        }
    };
    let mut field_errors: Vec<Option<String>> = vec![None; form.fields.len()];
    let mut other_errors = Vec::new();
    for error in rejected {
        let origin = origin_label(error.origin);
        let index = form.fields.iter().position(|field| field.name == error.name);
        match index.and_then(|index| field_errors.get_mut(index)) {
            Some(field_error) => *field_error = Some(format!("An earlier answer ({origin}) {}.", error.kind)),
            None => other_errors.push(format!("{} {} ({origin}).", error.name, error.kind)),
        }
    }
    for index in &resolved.missing {
        if let Some(field_error @ None) = field_errors.get_mut(*index) {
            *field_error = Some("This must be answered.".into());
        }
    }
    FormValues { resolved, field_errors, other_errors }
}

/// The submitted fields of the package, by their names. A password that is left empty stays as it is stored.
fn submitted_values(form: &Form, submitted: &Params, stored: &ResolvedValues) -> Vec<(String, String)> {
    let fields = submitted.iter().filter_map(|(name, value)| Some((name.strip_prefix(FIELD_PREFIX)?, value)));
    let is_kept = |name: &str, value: &str| {
        let is_password = |field: &Field| field.name == name && field.kind == FieldKind::Password;
        let stored = form.fields.iter().position(is_password).and_then(|index| stored.values.get(index));
        let has_password = stored.is_some_and(|stored| stored.values.iter().any(|text| !text.is_empty()));
        value.is_empty() && has_password
    };
    let changed = fields.filter(|(name, value)| !is_kept(name, value));
    changed.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn field_error(field: &Field, answers: &Answers) -> Option<String> {
    let error = field.check(answers.get(&field.name)?).err()?;
    Some(format!("This {error}."))
}

/// The stored values, replaced by the submitted ones, whether these are valid or not.
fn with_submitted_values(form: &Form, answers: &Answers, stored: &ResolvedValues) -> ResolvedValues {
    let mut resolved = stored.clone();
    for (field, value) in form.fields.iter().zip(&mut resolved.values) {
        if let Some(answer) = answers.get(&field.name) {
            value.values = answer.to_vec();
        }
    }
    resolved
}

/// A keyed hash of the values, which discloses nothing about them.
fn fingerprint(app: &AppState, resolved: &ResolvedValues) -> u64 {
    let values: Vec<_> = resolved.values.iter().map(|value| (&value.values, value.origin)).collect();
    app.fingerprint_hasher.hash_one(values)
}

#[allow(clippy::too_many_arguments)]
fn render_form(
    app: &AppState,
    request: &Request,
    cluster: &Cluster,
    context: &FormContext<'_>,
    form_state: &FormState,
    values: Option<FormValues>,
    error: Option<String>,
) -> Result<Response, PageError> {
    let package = context.package.name.to_string();
    let no_form = match form_state.lookup {
        FormLookup::Form(..) => None,
        FormLookup::NoForm => Some("The package asks nothing here.".to_owned()),
        FormLookup::NotInstalled => Some(
            "What the package asks is known when it has come to should_be_installed on the head node."
                .to_owned(),
        ),
    };
    let contexts = form_contexts(cluster, context.package.id).into_iter();
    let forms = contexts.map(|image| (form_url(&package, image), context_label(image)));
    let form = form_state.form();
    let title =
        form.and_then(|form| form.title.clone()).unwrap_or_else(|| format!("Configuration of {package}"));
    let page = FormPage {
        layout: Layout::new(request, Tab::Forms, app.state_version(), title),
        package_href: package_url(&package, ""),
        href: context.href(),
        image: context.image_name.map(str::to_owned),
        other_forms: forms.filter(|(href, _)| *href != context.href()).collect(),
        error: error.or(no_form),
        fingerprint: form.map_or(0, |form| fingerprint(app, &resolve_values(form, form_state).resolved)),
        warnings: values.as_ref().map_or_else(Vec::new, |values| values.other_errors.clone()),
        blocks: form.zip(values).map_or_else(Vec::new, |(form, values)| form_blocks(form, &values)),
        is_configured: required_action(cluster, context.package.id) == RequiredAction::Reconfigure,
        package,
    };
    render_html(StatusCode::OK, &page)
}

fn form_blocks(form: &Form, values: &FormValues) -> Vec<Block> {
    let block = |item: &FormItem| match item {
        FormItem::Heading(level, text) => Some(Block::Heading((level + 1).clamp(2, 6), text.clone())),
        FormItem::Text(text) => Some(Block::Paragraph(text.lines().map(str::to_owned).collect())),
        FormItem::Field(index) => {
            let (field, value) = (form.fields.get(*index)?, values.resolved.values.get(*index)?);
            let error = values.field_errors.get(*index).cloned().flatten();
            let origin = (value.origin != ValueOrigin::Default).then(|| origin_label(value.origin));
            Some(Block::Field(field_view(*index, field, &value.values, origin, error)))
        }
    };
    form.items.iter().filter_map(block).collect()
}

fn field_view(
    index: usize,
    field: &Field,
    values: &[String],
    origin: Option<&'static str>,
    error: Option<String>,
) -> FieldView {
    let choices = field.choices.iter().map(|choice| ChoiceView {
        value: choice.value.clone(),
        label: choice.label.clone(),
        is_selected: values.contains(&choice.value),
    });
    let id = format!("f{index}");
    // Several inputs are numbered.
    let input_id =
        |input: usize| if field.input_count > 1 { format!("{id}-{}", input + 1) } else { id.clone() };
    let input_count = if field.has_choices() { 0 } else { field.input_count.max(1) };
    let inputs = (0..input_count).map(|input| TextInput {
        id: input_id(input),
        value: values.get(input).cloned().unwrap_or_default(),
    });
    FieldView {
        inputs: inputs.collect(),
        name: format!("{FIELD_PREFIX}{}", field.name),
        label: field.label.clone(),
        kind: field.kind,
        is_required: field.required,
        is_read_only: field.read_only,
        choices: choices.collect(),
        origin,
        error,
        id,
    }
}
