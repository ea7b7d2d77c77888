//! `opm configure P --show`: fields, values, and who says so. Passwords are not shown.

use opkg_configurator::{AnswerError, Answers, Field, FieldKind, FieldValues, Form, origin_label};
use opkg_oda::{TargetId, ValueOrigin};
use opkg_opm::FormLookup;
use opkg_opm::answers::FormState;
use serde::Serialize;

use super::form_session::FormSession;
use crate::errors::CliError;
use crate::styles::{Style, Styles};

/// What stands for a password.
const PASSWORD_MASK: &str = "********";

/// What `--format json` prints.
#[derive(Serialize)]
struct FormJson<'a> {
    version: u32,
    package: &'a str,
    image: Option<&'a str>,
    /// `form`, `no-form` or `not-installed`.
    state: &'static str,
    title: Option<&'a str>,
    fields: Vec<FieldJson<'a>>,
    /// Of the administrator's answers those that fit no field.
    unknown: Vec<&'a str>,
}

#[derive(Serialize)]
struct FieldJson<'a> {
    name: &'a str,
    label: &'a str,
    kind: &'static str,
    required: bool,
    max_length: Option<usize>,
    choices: Vec<ChoiceJson<'a>>,
    /// Nothing of a password.
    default: Option<&'a [String]>,
    /// Nothing of a password.
    values: Option<Vec<String>>,
    origin: &'static str,
    /// Whether the package waits for an answer.
    missing: bool,
    /// What is wrong with the answer.
    flaw: Option<String>,
}

#[derive(Serialize)]
struct ChoiceJson<'a> {
    value: &'a str,
    label: &'a str,
}

/// Shows the form of a context.
pub fn print_form(forms: &mut FormSession<'_>, image: Option<TargetId>) -> Result<(), CliError> {
    let state = forms.load_form_state(image)?;
    let shell = forms.session.shell;
    if shell.is_json() {
        shell.print_json(&form_json(forms, &state))?;
        return Ok(());
    }
    let Some(form) = state.form() else {
        if !matches!(state.lookup, FormLookup::NotInstalled) || state.administrator_answers.is_empty() {
            return Err(forms
                .missing_form_error(&state.lookup, image)
                .map_or_else(|| CliError::new("no form"), Into::into));
        }
        // They may be passwords: nobody knows yet.
        let names: Vec<String> = state
            .administrator_answers
            .iter()
            .map(|(name, _)| format!("  {}\n", opkg::escape_for_display(name)))
            .collect();
        shell.status(&format!(
            "{} is not installed yet; answered for its form, whatever that is:",
            forms.name
        ));
        return Ok(shell.print(&names.concat())?);
    };
    let styles = Styles(shell.use_color(true));
    let title = form.title.as_deref().unwrap_or("Configuration");
    shell.print(&format!(
        "{}\n\n",
        styles.apply(Style::Heading, &format!("{}: {title}", forms.title(image)))
    ))?;
    for row in field_rows(form, &state) {
        shell.print(&row.render(styles))?;
    }
    forms.suggest_other_form(image);
    for finding in state.findings() {
        shell.debug(&format!("note: line {} of the form: {}", finding.line, finding.message));
    }
    Ok(())
}

/// A field with its values.
struct FieldRow<'a> {
    field: &'a Field,
    values: FieldValues,
    missing: bool,
    error: Option<AnswerError>,
}

/// All fields, each with the strongest answer, whether or not that fits.
fn field_rows<'a>(form: &'a Form, state: &FormState) -> Vec<FieldRow<'a>> {
    let refused = state.resolve(&state.administrator_answers).and_then(Result::err).unwrap_or_default();
    let error_of = |name: &str| refused.iter().find(|error| error.name == name);
    let fitting = |answers: &Answers| {
        let mut fitting = answers.clone();
        refused.iter().for_each(|error| {
            fitting.remove(&error.name);
        });
        fitting
    };
    let resolved = form
        .resolve(&fitting(&state.administrator_answers), &fitting(&state.file_answers))
        .unwrap_or_else(|_| opkg_configurator::ResolvedValues { values: Vec::new(), missing: Vec::new() });
    let rows = form.fields.iter().enumerate().zip(resolved.values).map(|((place, field), values)| {
        let error = error_of(&field.name);
        let given = error.and_then(|error| match error.origin {
            ValueOrigin::Administrator => state.administrator_answers.get(&error.name),
            _ => state.file_answers.get(&error.name),
        });
        let values = match (error, given) {
            (Some(error), Some(given)) => FieldValues { values: given.to_vec(), origin: error.origin },
            _ => values,
        };
        FieldRow { field, values, missing: resolved.missing.contains(&place), error: error.cloned() }
    });
    rows.collect()
}

impl FieldRow<'_> {
    fn render(&self, styles: Styles) -> String {
        let Self { field, values, .. } = self;
        let sign = match (&self.error, self.missing) {
            (Some(_), _) => styles.apply(Style::Error, "!"),
            (_, true) => styles.apply(Style::Warning, "~"),
            _ => " ".to_owned(),
        };
        let shown: Vec<String> = match field.kind {
            FieldKind::Password if values.values.iter().any(|it| !it.is_empty()) => {
                vec![PASSWORD_MASK.into()]
            }
            _ => values.values.iter().map(|it| opkg::escape_for_display(it)).collect(),
        };
        let origin = match values.origin {
            ValueOrigin::Default if self.missing => "must be answered".to_owned(),
            origin => origin_label(origin).to_owned(),
        };
        let mut text = format!(
            "{sign} {} = {}  {}\n",
            field.name,
            shown.join(", "),
            styles.apply(Style::Dimmed, &format!("# {origin}"))
        );
        if let Some(refused) = &self.error {
            text.push_str(&format!("    {}\n", styles.apply(Style::Error, &refused.to_string())));
        }
        text.push_str(&format!("    {}{}\n", field.label, describe_choices(field)));
        text
    }
}

/// What can be answered, in words.
fn describe_choices(field: &Field) -> String {
    let values: Vec<String> =
        field.choices.iter().map(|it| format!("`{}`", opkg::escape_for_display(&it.value))).collect();
    match field.kind {
        FieldKind::Checkbox if values.len() == 1 => format!(": {}, or nothing", values.concat()),
        FieldKind::Checkbox | FieldKind::SelectMultiple => format!(": any of {}", values.join(", ")),
        FieldKind::Radio | FieldKind::Select => format!(": one of {}", values.join(", ")),
        FieldKind::Hidden => " (not asked)".to_owned(),
        _ if field.read_only => " (not asked)".to_owned(),
        FieldKind::Text | FieldKind::Password | FieldKind::TextArea => String::new(),
    }
}

fn form_json<'a>(forms: &'a FormSession<'_>, state: &'a FormState) -> FormJson<'a> {
    let rows = state.form().map(|form| field_rows(form, state)).unwrap_or_default();
    let known = |name: &str| state.form().is_some_and(|it| it.field(name).is_some());
    let image = state.image.and_then(|it| forms.cluster.targets.get(&it));
    FormJson {
        version: 1,
        package: &forms.name,
        image: image.map(|it| it.address.name.as_str()),
        state: match state.lookup {
            FormLookup::Form(..) => "form",
            FormLookup::NoForm => "no-form",
            FormLookup::NotInstalled => "not-installed",
        },
        title: state.form().and_then(|it| it.title.as_deref()),
        fields: rows.into_iter().map(FieldJson::from_row).collect(),
        unknown: state.administrator_answers.iter().map(|(name, _)| name).filter(|it| !known(it)).collect(),
    }
}

impl<'a> FieldJson<'a> {
    fn from_row(row: FieldRow<'a>) -> Self {
        let field = row.field;
        let is_shown = field.kind != FieldKind::Password;
        Self {
            name: &field.name,
            label: &field.label,
            kind: kind_name(field.kind),
            required: field.required,
            max_length: field.max_length,
            choices: field
                .choices
                .iter()
                .map(|it| ChoiceJson { value: &it.value, label: &it.label })
                .collect(),
            default: is_shown.then_some(field.default.as_slice()),
            origin: row.values.origin.name(),
            values: is_shown.then_some(row.values.values),
            missing: row.missing,
            flaw: row.error.map(|it| it.kind.to_string()),
        }
    }
}

const fn kind_name(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "text",
        FieldKind::Password => "password",
        FieldKind::TextArea => "textarea",
        FieldKind::Hidden => "hidden",
        FieldKind::Checkbox => "checkbox",
        FieldKind::Radio => "radio",
        FieldKind::Select => "select",
        FieldKind::SelectMultiple => "select-multiple",
    }
}
