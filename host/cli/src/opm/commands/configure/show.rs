//! `opm configure P --show`: fields, values, and who says so. Passwords are not shown.

use anyhow::Result;
use opkg_configurator::{Answers, Field, FieldValues, Form, Kind, Refused, origin_in_words};
use opkg_oda::{Origin, TargetId};
use opkg_opm::answers::Sheet;
use opkg_opm::system::Found;
use serde::Serialize;

use super::sheet::Desk;
use crate::opm::paint::{Paint, Tone};

/// What stands for a password.
const HIDDEN: &str = "********";

/// What `--format json` prints.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    package: &'a str,
    image: Option<&'a str>,
    /// `form`, `no-form` or `not-installed`.
    state: &'static str,
    title: Option<&'a str>,
    fields: Vec<Shown<'a>>,
    /// Of the administrator's answers those that fit no field.
    unknown: Vec<&'a str>,
}

/// One field.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    label: &'a str,
    kind: &'static str,
    required: bool,
    max_length: Option<usize>,
    choices: Vec<Choice<'a>>,
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

/// One choice.
#[derive(Serialize)]
struct Choice<'a> {
    value: &'a str,
    label: &'a str,
}

/// Shows the form of a context.
pub fn show(desk: &mut Desk<'_>, image: Option<TargetId>) -> Result<()> {
    let sheet = desk.sheet(image)?;
    let shell = desk.session.shell;
    if shell.json() {
        shell.json_data(&document(desk, &sheet))?;
        return Ok(());
    }
    let Some(form) = sheet.form() else {
        if !matches!(sheet.found, Found::NotInstalled) || sheet.administrator.is_empty() {
            return Err(desk
                .no_form(&sheet.found, image)
                .map_or_else(|| anyhow::anyhow!("no form"), Into::into));
        }
        // They may be passwords: nobody knows yet.
        let names: Vec<String> =
            sheet.administrator.iter().map(|(name, _)| format!("  {}\n", opkg::show(name))).collect();
        shell
            .status(&format!("{} is not installed yet; answered for its form, whatever that is:", desk.name));
        return Ok(shell.data(&names.concat())?);
    };
    let paint = Paint(shell.colored(true));
    let title = form.title.as_deref().unwrap_or("Configuration");
    shell.data(&format!("{}\n\n", paint.tone(Tone::Strong, &format!("{}: {title}", desk.what(image)))))?;
    for it in rows(form, &sheet) {
        shell.data(&it.text(paint))?;
    }
    desk.name_other_form(image);
    for finding in sheet.findings() {
        shell.detail(&format!("note: line {} of the form: {}", finding.line, finding.message));
    }
    Ok(())
}

/// A field with its values.
struct Row<'a> {
    field: &'a Field,
    values: FieldValues,
    missing: bool,
    flaw: Option<Refused>,
}

/// All fields, each with the strongest answer, whether or not that fits.
fn rows<'a>(form: &'a Form, sheet: &Sheet) -> Vec<Row<'a>> {
    let refused = sheet.settle(&sheet.administrator).and_then(Result::err).unwrap_or_default();
    let flawed = |name: &str| refused.iter().find(|it| it.name == name);
    let fitting = |answers: &Answers| {
        let mut fitting = answers.clone();
        refused.iter().for_each(|it| {
            fitting.remove(&it.name);
        });
        fitting
    };
    let settled = form
        .settle(&fitting(&sheet.administrator), &fitting(&sheet.file))
        .unwrap_or_else(|_| opkg_configurator::Settled { values: Vec::new(), missing: Vec::new() });
    let rows = form.fields.iter().enumerate().zip(settled.values).map(|((place, field), values)| {
        let flaw = flawed(&field.name);
        let given = flaw.and_then(|it| match it.origin {
            Origin::Administrator => sheet.administrator.get(&it.name),
            _ => sheet.file.get(&it.name),
        });
        let values = match (flaw, given) {
            (Some(flaw), Some(given)) => FieldValues { values: given.to_vec(), origin: flaw.origin },
            _ => values,
        };
        Row { field, values, missing: settled.missing.contains(&place), flaw: flaw.cloned() }
    });
    rows.collect()
}

impl Row<'_> {
    fn text(&self, paint: Paint) -> String {
        let Self { field, values, .. } = self;
        let sign = match (&self.flaw, self.missing) {
            (Some(_), _) => paint.tone(Tone::Bad, "!"),
            (_, true) => paint.tone(Tone::Held, "~"),
            _ => " ".to_owned(),
        };
        let shown: Vec<String> = match field.kind {
            Kind::Password if values.values.iter().any(|it| !it.is_empty()) => vec![HIDDEN.into()],
            _ => values.values.iter().map(|it| opkg::show(it)).collect(),
        };
        let origin = match values.origin {
            Origin::Default if self.missing => "must be answered".to_owned(),
            origin => origin_in_words(origin).to_owned(),
        };
        let mut text = format!(
            "{sign} {} = {}  {}\n",
            field.name,
            shown.join(", "),
            paint.tone(Tone::Faint, &format!("# {origin}"))
        );
        if let Some(refused) = &self.flaw {
            text.push_str(&format!("    {}\n", paint.tone(Tone::Bad, &refused.to_string())));
        }
        text.push_str(&format!("    {}{}\n", field.label, choices(field)));
        text
    }
}

/// What can be answered, in words.
fn choices(field: &Field) -> String {
    let values: Vec<String> = field.choices.iter().map(|it| format!("`{}`", opkg::show(&it.value))).collect();
    match field.kind {
        Kind::Checkbox if values.len() == 1 => format!(": {}, or nothing", values.concat()),
        Kind::Checkbox | Kind::SelectMultiple => format!(": any of {}", values.join(", ")),
        Kind::Radio | Kind::Select => format!(": one of {}", values.join(", ")),
        Kind::Hidden => " (not asked)".to_owned(),
        _ if field.read_only => " (not asked)".to_owned(),
        Kind::Text | Kind::Password | Kind::TextArea => String::new(),
    }
}

fn document<'a>(desk: &'a Desk<'_>, sheet: &'a Sheet) -> Document<'a> {
    let rows = sheet.form().map(|form| rows(form, sheet)).unwrap_or_default();
    let known = |name: &str| sheet.form().is_some_and(|it| it.field(name).is_some());
    let image = sheet.image.and_then(|it| desk.cluster.targets.get(&it));
    Document {
        version: 1,
        package: &desk.name,
        image: image.map(|it| it.address.name.as_str()),
        state: match sheet.found {
            Found::Form(..) => "form",
            Found::NoForm => "no-form",
            Found::NotInstalled => "not-installed",
        },
        title: sheet.form().and_then(|it| it.title.as_deref()),
        fields: rows.into_iter().map(Shown::of).collect(),
        unknown: sheet.administrator.iter().map(|(name, _)| name).filter(|it| !known(it)).collect(),
    }
}

impl<'a> Shown<'a> {
    fn of(row: Row<'a>) -> Self {
        let field = row.field;
        let open = field.kind != Kind::Password;
        Self {
            name: &field.name,
            label: &field.label,
            kind: kind(field.kind),
            required: field.required,
            max_length: field.max_length,
            choices: field.choices.iter().map(|it| Choice { value: &it.value, label: &it.label }).collect(),
            default: open.then_some(field.default.as_slice()),
            origin: row.values.origin.name(),
            values: open.then_some(row.values.values),
            missing: row.missing,
            flaw: row.flaw.map(|it| it.flaw.to_string()),
        }
    }
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Password => "password",
        Kind::TextArea => "textarea",
        Kind::Hidden => "hidden",
        Kind::Checkbox => "checkbox",
        Kind::Radio => "radio",
        Kind::Select => "select",
        Kind::SelectMultiple => "select-multiple",
    }
}
