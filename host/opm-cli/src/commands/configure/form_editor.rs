//! The form on the terminal: a list of all fields, of which one after the other is answered, until all are saved or discarded.

use std::rc::Rc;

use opkg_configurator::{Answers, Field, FieldKind, Form, FormItem, ResolvedValues};
use opkg_oda::TargetId;

use super::form_session::FormSession;
use super::prompter::{InvalidInput, PromptOutcome, Prompter, Validator};
use super::terminal_prompter::TerminalPrompter;
use crate::errors::CliError;

/// How wide labels and values are in the list, so that a line fits into 80 columns.
const LABEL_WIDTH: usize = 40;
const VALUE_WIDTH: usize = 30;

/// Shows the form of a context and saves what was answered.
pub fn edit_form(forms: &mut FormSession<'_>, image: Option<TargetId>) -> Result<(), CliError> {
    let state = forms.load_form_state(image)?;
    let Some(form) = state.form() else {
        let error = forms.missing_form_error(&state.lookup, image);
        return Err(error.map_or_else(|| CliError::new("no form"), Into::into));
    };
    let mut terminal = TerminalPrompter { colors: forms.session.shell.use_color(false) };
    let what = forms.title(image);
    let mut draft = FormDraft::new(form, &state.administrator_answers, &state.file_answers);
    let outcome = draft.run(&what, &mut terminal);
    let (changed, answers) = (draft.changed_fields(), draft.answers);
    if !matches!(outcome, Ok(EditOutcome::Save)) {
        if !changed.is_empty() && !matches!(outcome, Ok(EditOutcome::Discard)) {
            forms.session.shell.status("nothing was saved; this command does it:");
            forms.session.shell.status(&format!(
                "  {}",
                equivalent_command(&forms.command_line(image), form, &changed, &answers)
            ));
        }
        return outcome.map(|_| ());
    }
    let (state, answers) = forms.save(image, |now| {
        // What others answered meanwhile stays, but for the fields that were changed here.
        let mut merged = now.administrator_answers.clone();
        for name in &changed {
            answers.get(name).into_iter().for_each(|values| merged.set(name, values.to_vec()));
        }
        Ok(merged)
    })?;
    forms.report_saved(&state, &answers);
    forms.suggest_other_form(image);
    Ok(())
}

/// What is to be done with the answers.
#[derive(Debug, PartialEq, Eq)]
pub enum EditOutcome {
    Save,
    Discard,
    /// Away at once, without a outcome.
    Abort,
}

/// Answers that are not saved yet.
pub struct FormDraft<'a> {
    form: &'a Form,
    /// What the administrator answered before.
    saved: &'a Answers,
    file: &'a Answers,
    /// What he answers now.
    pub answers: Answers,
}

impl<'a> FormDraft<'a> {
    /// Nothing is changed yet.
    pub fn new(form: &'a Form, saved: &'a Answers, file: &'a Answers) -> Self {
        Self { form, saved, file, answers: saved.clone() }
    }

    /// Asks until it is decided what to do with the answers.
    ///
    /// # Errors
    /// When the terminal does not work.
    pub fn run(&mut self, what: &str, prompter: &mut dyn Prompter) -> Result<EditOutcome, CliError> {
        let asked: Vec<usize> =
            self.form.items.iter().filter_map(|item| editable_field(self.form, item)).collect();
        let title = self.form.title.as_deref().unwrap_or("Configuration");
        prompter.print(&format!("{what}: {title}\n"));
        let mut at = 0;
        loop {
            let resolved = self.resolved_values();
            let mut lines: Vec<String> =
                asked.iter().map(|place| self.list_line(*place, &resolved)).collect();
            lines.push(match resolved.missing.len() {
                0 => "Save the answers".to_owned(),
                1 => "Save the answers (1 is still missing)".to_owned(),
                count => format!("Save the answers ({count} are still missing)"),
            });
            let help = "arrows choose, enter changes it, esc leaves";
            match prompter.select("What to change?", &lines, at, help)? {
                PromptOutcome::Aborted => return Ok(EditOutcome::Abort),
                PromptOutcome::Answered(chosen) => match asked.get(chosen) {
                    None => return Ok(EditOutcome::Save),
                    Some(place) => match self.edit_field(*place, &resolved, prompter)? {
                        PromptOutcome::Aborted => return Ok(EditOutcome::Abort),
                        PromptOutcome::Answered(()) => at = chosen + 1,
                        PromptOutcome::GoBack => at = chosen,
                    },
                },
                PromptOutcome::GoBack => match self.changed_fields().len() {
                    0 => return Ok(EditOutcome::Discard),
                    count => {
                        let question = format!("Discard {count} changed answers?");
                        match prompter.confirm(&question, false)? {
                            PromptOutcome::Answered(true) => return Ok(EditOutcome::Discard),
                            PromptOutcome::Aborted => return Ok(EditOutcome::Abort),
                            PromptOutcome::Answered(false) | PromptOutcome::GoBack => at = lines.len() - 1,
                        }
                    }
                },
            }
        }
    }

    /// The values that count now. An answer that does not fit counts as none, and is asked anew.
    fn resolved_values(&self) -> ResolvedValues {
        let fitting = |answers: &Answers| {
            let mut fitting = Answers::default();
            let good = answers.iter().filter(|(name, values)| self.form.check(name, values).is_ok());
            good.for_each(|(name, values)| fitting.set(name, values.to_vec()));
            fitting
        };
        let resolved = self.form.resolve(&fitting(&self.answers), &fitting(self.file));
        resolved.unwrap_or(ResolvedValues { values: Vec::new(), missing: Vec::new() })
    }

    /// Names of the fields that were answered otherwise than before.
    fn changed_fields(&self) -> Vec<String> {
        let changed = self.answers.iter().filter(|(name, values)| self.saved.get(name) != Some(*values));
        changed.map(|(name, _)| name.to_owned()).collect()
    }

    /// A field in the list.
    fn list_line(&self, place: usize, resolved: &ResolvedValues) -> String {
        let field = &self.form.fields[place];
        let label = truncate(&field.label, LABEL_WIDTH);
        let value = match resolved.missing.contains(&place) {
            true => "(to be answered)".to_owned(),
            false => truncate(&display_values(field, field_values(resolved, place)), VALUE_WIDTH),
        };
        format!("{label:LABEL_WIDTH$}  {value}")
    }

    /// Asks for the values of one field.
    fn edit_field(
        &mut self,
        place: usize,
        resolved: &ResolvedValues,
        prompter: &mut dyn Prompter,
    ) -> Result<PromptOutcome<()>, CliError> {
        let field = &self.form.fields[place];
        for text in preceding_texts(self.form, place) {
            prompter.print(&text);
        }
        let before = field_values(resolved, place);
        let given = match field.kind {
            FieldKind::Checkbox if field.choices.len() == 1 => {
                let choice = field.choices[0].value.clone();
                let question = prompt_label(field);
                prompter
                    .confirm(&question, !before.is_empty())?
                    .map(|checked| if checked { vec![choice] } else { Vec::new() })
            }
            FieldKind::Checkbox | FieldKind::SelectMultiple => prompt_multiple(field, before, prompter)?,
            FieldKind::Radio | FieldKind::Select => prompt_single(field, before, prompter)?,
            _ => prompt_text(field, before, prompter)?,
        };
        let values = match given {
            PromptOutcome::Answered(values) => values,
            PromptOutcome::GoBack => return Ok(PromptOutcome::GoBack),
            PromptOutcome::Aborted => return Ok(PromptOutcome::Aborted),
        };
        match field.check(&values) {
            Err(flaw) => {
                prompter.print(&format!("  this {flaw}"));
                Ok(PromptOutcome::GoBack)
            }
            Ok(values) => {
                if values != before || resolved.missing.contains(&place) {
                    self.answers.set(&field.name, values);
                }
                Ok(PromptOutcome::Answered(()))
            }
        }
    }
}

fn prompt_multiple(
    field: &Field,
    before: &[String],
    prompter: &mut dyn Prompter,
) -> Result<PromptOutcome<Vec<String>>, CliError> {
    let chosen: Vec<usize> =
        (0..field.choices.len()).filter(|place| before.contains(&field.choices[*place].value)).collect();
    let places = prompter.multi_select(&prompt_label(field), &choice_labels(field), &chosen)?;
    Ok(places.map(|places| places.into_iter().map(|place| field.choices[place].value.clone()).collect()))
}

fn prompt_single(
    field: &Field,
    before: &[String],
    prompter: &mut dyn Prompter,
) -> Result<PromptOutcome<Vec<String>>, CliError> {
    let start = field.choices.iter().position(|choice| before.contains(&choice.value)).unwrap_or(0);
    let help = "arrows choose, enter accepts, esc goes back";
    let place = prompter.select(&prompt_label(field), &choice_labels(field), start, help)?;
    Ok(place.map(|place| field.choices.get(place).map(|choice| choice.value.clone()).into_iter().collect()))
}

/// One question for each box; nearly always there is one.
fn prompt_text(
    field: &Field,
    before: &[String],
    prompter: &mut dyn Prompter,
) -> Result<PromptOutcome<Vec<String>>, CliError> {
    let mut values = before.to_vec();
    values.resize(field.input_count, String::new());
    for number in 0..field.input_count {
        let question = match field.input_count {
            1 => prompt_label(field),
            boxes => format!("{} ({} of {boxes}):", field.label, number + 1),
        };
        let keeps = field.kind == FieldKind::Password && !values[number].is_empty();
        let mut help = match (field.max_length, keeps) {
            (_, true) => "nothing typed: stays as it is; ".to_owned(),
            (Some(most), _) => format!("at most {most} characters; "),
            (None, _) => String::new(),
        };
        help.push_str("enter accepts, esc goes back");
        let check = validator(field, &values, number, keeps);
        let reply = match field.kind {
            FieldKind::Password => prompter.password(&question, &help, check)?,
            FieldKind::TextArea => prompter.editor(&question, &values[number], check)?,
            _ => prompter.input(&question, &values[number], &help, check)?,
        };
        match reply {
            PromptOutcome::Answered(value) if keeps && value.is_empty() => {}
            PromptOutcome::Answered(value) => values[number] = value,
            PromptOutcome::GoBack => return Ok(PromptOutcome::GoBack),
            PromptOutcome::Aborted => return Ok(PromptOutcome::Aborted),
        }
    }
    Ok(PromptOutcome::Answered(values))
}

/// Whether a value fits into one of the boxes, as the others are now; nothing does, where it stands for what is there.
fn validator(field: &Field, values: &[String], number: usize, keeps: bool) -> Validator {
    let (field, values) = (field.clone(), values.to_vec());
    Rc::new(move |text| {
        if keeps && text.is_empty() {
            return Ok(());
        }
        let mut values = values.clone();
        text.clone_into(&mut values[number]);
        // The boxes behind it are still to come.
        values.truncate(number + 1);
        let alone = Field { input_count: number + 1, ..field.clone() };
        alone.check(&values).map(|_| ()).map_err(|error| InvalidInput(format!("this {error}")))
    })
}

/// The field of an item that a person is asked for.
fn editable_field(form: &Form, item: &FormItem) -> Option<usize> {
    match item {
        FormItem::Field(place) if !form.fields[*place].read_only => Some(*place),
        _ => None,
    }
}

/// What the form says between the field before and this one.
fn preceding_texts(form: &Form, place: usize) -> Vec<String> {
    let here = form.items.iter().position(|item| *item == FormItem::Field(place)).unwrap_or(0);
    let before = form.items[..here].iter().rev().take_while(|item| !matches!(item, FormItem::Field(_)));
    let mut texts: Vec<String> = before
        .filter_map(|item| match item {
            FormItem::Heading(_, text) => Some(format!("\n{text}")),
            FormItem::Text(text) => Some(format!("\n{text}")),
            FormItem::Field(_) => None,
        })
        .collect();
    texts.reverse();
    texts
}

/// The command that gives the same answers, without passwords.
fn equivalent_command(command: &str, form: &Form, changed: &[String], answers: &Answers) -> String {
    let mut text = command.to_owned();
    for name in changed {
        let secret = form.field(name).is_some_and(|field| field.kind == FieldKind::Password);
        for value in answers.get(name).unwrap_or_default() {
            let value = if secret { "…".to_owned() } else { shell_quote(value) };
            text.push_str(&format!(" --set {name}={value}"));
        }
    }
    text
}

/// As a shell reads it back.
fn shell_quote(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-+.,:/@%".contains(c);
    if value.chars().all(plain) { value.to_owned() } else { format!("'{}'", value.replace('\'', "'\\''")) }
}

fn prompt_label(field: &Field) -> String {
    let mark = if field.label.ends_with(['?', '.', ':', '!']) { "" } else { ":" };
    format!("{}{mark}", field.label)
}

fn choice_labels(field: &Field) -> Vec<String> {
    field.choices.iter().map(|choice| choice.label.clone()).collect()
}

fn field_values(resolved: &ResolvedValues, place: usize) -> &[String] {
    resolved.values.get(place).map(|field| field.values.as_slice()).unwrap_or_default()
}

/// Values as the list shows them.
fn display_values(field: &Field, values: &[String]) -> String {
    let label = |value: &String| match field.choices.iter().find(|choice| choice.value == *value) {
        Some(_) if field.kind == FieldKind::Checkbox && field.choices.len() == 1 => "yes".to_owned(),
        Some(choice) => choice.label.clone(),
        None => opkg::escape_for_display(value),
    };
    match field.kind {
        FieldKind::Checkbox if values.is_empty() && field.choices.len() == 1 => "no".to_owned(),
        FieldKind::Password if values.iter().any(|value| !value.is_empty()) => "********".to_owned(),
        _ => values.iter().map(label).collect::<Vec<_>>().join(", "),
    }
}

fn truncate(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}
