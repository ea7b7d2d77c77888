//! The form on the terminal: a list of all fields, of which one after the other is answered, until it is kept or left.

use std::rc::Rc;

use anyhow::Result;
use opkg_configurator::{Answers, Field, Form, Item, Kind, Settled};
use opkg_oda::TargetId;

use super::asker::{Asker, Check, Reply};
use super::prompt::Terminal;
use super::sheet::Desk;

/// How wide labels and values are in the list, so that a line fits into 80 columns.
const LABEL_WIDTH: usize = 40;
const VALUE_WIDTH: usize = 30;

/// Shows the form of a context and keeps what was answered.
pub fn fill_in(desk: &mut Desk<'_>, image: Option<TargetId>) -> Result<()> {
    let sheet = desk.sheet(image)?;
    let Some(form) = sheet.form() else {
        let error = desk.no_form(&sheet.found, image);
        return Err(error.map_or_else(|| anyhow::anyhow!("no form"), Into::into));
    };
    let mut terminal = Terminal { colors: desk.session.shell.colored(false) };
    let what = desk.what(image);
    let mut draft = Draft::new(form, &sheet.administrator, &sheet.file);
    let decision = draft.fill_in(&what, &mut terminal);
    let (changed, answers) = (draft.changed(), draft.answers);
    if !matches!(decision, Ok(Decision::Keep)) {
        if !changed.is_empty() && !matches!(decision, Ok(Decision::Drop)) {
            desk.session.shell.status("nothing was kept; this does it:");
            desk.session
                .shell
                .status(&format!("  {}", repeated(&desk.command(image), form, &changed, &answers)));
        }
        return decision.map(|_| ());
    }
    let (sheet, answers) = desk.keep(image, |now| {
        // What others answered meanwhile stays, but for the fields that were changed here.
        let mut merged = now.administrator.clone();
        for name in &changed {
            answers.get(name).into_iter().for_each(|it| merged.set(name, it.to_vec()));
        }
        Ok(merged)
    })?;
    desk.kept(&sheet, &answers);
    desk.name_other_form(image);
    Ok(())
}

/// What is to be done with the answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// They are wanted.
    Keep,
    /// They are not.
    Drop,
    /// Away at once, without a decision.
    Away,
}

/// Answers that nobody has kept yet.
pub struct Draft<'a> {
    form: &'a Form,
    /// What the administrator answered before.
    before: &'a Answers,
    file: &'a Answers,
    /// What he answers now.
    pub answers: Answers,
}

impl<'a> Draft<'a> {
    /// Nothing is changed yet.
    pub fn new(form: &'a Form, before: &'a Answers, file: &'a Answers) -> Self {
        Self { form, before, file, answers: before.clone() }
    }

    /// Asks until it is decided what to do with the answers.
    ///
    /// # Errors
    /// When the terminal does not work.
    pub fn fill_in(&mut self, what: &str, asker: &mut dyn Asker) -> Result<Decision> {
        let asked: Vec<usize> = self.form.items.iter().filter_map(|it| asked(self.form, it)).collect();
        let title = self.form.title.as_deref().unwrap_or("Configuration");
        asker.say(&format!("{what}: {title}\n"));
        let mut at = 0;
        loop {
            let settled = self.settled();
            let mut lines: Vec<String> = asked.iter().map(|it| self.line(*it, &settled)).collect();
            lines.push(match settled.missing.len() {
                0 => "Keep the answers".to_owned(),
                1 => "Keep the answers (1 is still missing)".to_owned(),
                count => format!("Keep the answers ({count} are still missing)"),
            });
            let help = "arrows choose, enter changes it, esc leaves";
            match asker.choose("What to change?", &lines, at, help)? {
                Reply::Away => return Ok(Decision::Away),
                Reply::Given(chosen) => match asked.get(chosen) {
                    None => return Ok(Decision::Keep),
                    Some(place) => match self.ask(*place, &settled, asker)? {
                        Reply::Away => return Ok(Decision::Away),
                        Reply::Given(()) => at = chosen + 1,
                        Reply::Back => at = chosen,
                    },
                },
                Reply::Back => match self.changed().len() {
                    0 => return Ok(Decision::Drop),
                    count => {
                        let question = format!("Leave, and forget {count} changed answers?");
                        match asker.confirm(&question, false)? {
                            Reply::Given(true) => return Ok(Decision::Drop),
                            Reply::Away => return Ok(Decision::Away),
                            Reply::Given(false) | Reply::Back => at = lines.len() - 1,
                        }
                    }
                },
            }
        }
    }

    /// The values that count now. An answer that does not fit counts as none, and is asked anew.
    fn settled(&self) -> Settled {
        let fitting = |answers: &Answers| {
            let mut fitting = Answers::default();
            let good = answers.iter().filter(|(name, values)| self.form.check(name, values).is_ok());
            good.for_each(|(name, values)| fitting.set(name, values.to_vec()));
            fitting
        };
        let settled = self.form.settle(&fitting(&self.answers), &fitting(self.file));
        settled.unwrap_or(Settled { values: Vec::new(), missing: Vec::new() })
    }

    /// Names of the fields that were answered otherwise than before.
    fn changed(&self) -> Vec<String> {
        let changed = self.answers.iter().filter(|(name, values)| self.before.get(name) != Some(*values));
        changed.map(|(name, _)| name.to_owned()).collect()
    }

    /// A field in the list.
    fn line(&self, place: usize, settled: &Settled) -> String {
        let field = &self.form.fields[place];
        let label = short(&field.label, LABEL_WIDTH);
        let value = match settled.missing.contains(&place) {
            true => "(to be answered)".to_owned(),
            false => short(&shown(field, values(settled, place)), VALUE_WIDTH),
        };
        format!("{label:LABEL_WIDTH$}  {value}")
    }

    /// Asks for the values of one field.
    fn ask(&mut self, place: usize, settled: &Settled, asker: &mut dyn Asker) -> Result<Reply<()>> {
        let field = &self.form.fields[place];
        for text in texts_before(self.form, place) {
            asker.say(&text);
        }
        let before = values(settled, place);
        let given = match field.kind {
            Kind::Checkbox if field.choices.len() == 1 => {
                let choice = field.choices[0].value.clone();
                let question = question(field);
                asker
                    .confirm(&question, !before.is_empty())?
                    .map(|it| if it { vec![choice] } else { Vec::new() })
            }
            Kind::Checkbox | Kind::SelectMultiple => several(field, before, asker)?,
            Kind::Radio | Kind::Select => one(field, before, asker)?,
            _ => typed(field, before, asker)?,
        };
        let values = match given {
            Reply::Given(values) => values,
            Reply::Back => return Ok(Reply::Back),
            Reply::Away => return Ok(Reply::Away),
        };
        match field.check(&values) {
            Err(flaw) => {
                asker.say(&format!("  this {flaw}"));
                Ok(Reply::Back)
            }
            Ok(values) => {
                if values != before || settled.missing.contains(&place) {
                    self.answers.set(&field.name, values);
                }
                Ok(Reply::Given(()))
            }
        }
    }
}

fn several(field: &Field, before: &[String], asker: &mut dyn Asker) -> Result<Reply<Vec<String>>> {
    let chosen: Vec<usize> =
        (0..field.choices.len()).filter(|it| before.contains(&field.choices[*it].value)).collect();
    let places = asker.choose_several(&question(field), &labels(field), &chosen)?;
    Ok(places.map(|it| it.into_iter().map(|it| field.choices[it].value.clone()).collect()))
}

fn one(field: &Field, before: &[String], asker: &mut dyn Asker) -> Result<Reply<Vec<String>>> {
    let start = field.choices.iter().position(|it| before.contains(&it.value)).unwrap_or(0);
    let help = "arrows choose, enter takes it, esc goes back";
    let place = asker.choose(&question(field), &labels(field), start, help)?;
    Ok(place.map(|it| field.choices.get(it).map(|it| it.value.clone()).into_iter().collect()))
}

/// One question for each box; nearly always there is one.
fn typed(field: &Field, before: &[String], asker: &mut dyn Asker) -> Result<Reply<Vec<String>>> {
    let mut values = before.to_vec();
    values.resize(field.boxes, String::new());
    for number in 0..field.boxes {
        let question = match field.boxes {
            1 => question(field),
            boxes => format!("{} ({} of {boxes}):", field.label, number + 1),
        };
        let keeps = field.kind == Kind::Password && !values[number].is_empty();
        let mut help = match (field.max_length, keeps) {
            (_, true) => "nothing typed: stays as it is; ".to_owned(),
            (Some(most), _) => format!("at most {most} characters; "),
            (None, _) => String::new(),
        };
        help.push_str("enter takes it, esc goes back");
        let check = check(field, &values, number, keeps);
        let reply = match field.kind {
            Kind::Password => asker.secret(&question, &help, check)?,
            Kind::TextArea => asker.text(&question, &values[number], check)?,
            _ => asker.line(&question, &values[number], &help, check)?,
        };
        match reply {
            Reply::Given(value) if keeps && value.is_empty() => {}
            Reply::Given(value) => values[number] = value,
            Reply::Back => return Ok(Reply::Back),
            Reply::Away => return Ok(Reply::Away),
        }
    }
    Ok(Reply::Given(values))
}

/// Whether a value fits into one of the boxes, as the others are now; nothing does, where it stands for what is there.
fn check(field: &Field, values: &[String], number: usize, keeps: bool) -> Check {
    let (field, values) = (field.clone(), values.to_vec());
    Rc::new(move |text| {
        if keeps && text.is_empty() {
            return Ok(());
        }
        let mut values = values.clone();
        text.clone_into(&mut values[number]);
        // The boxes behind it are still to come.
        values.truncate(number + 1);
        let alone = Field { boxes: number + 1, ..field.clone() };
        alone.check(&values).map(|_| ()).map_err(|flaw| format!("this {flaw}"))
    })
}

/// The field of an item that a person is asked for.
fn asked(form: &Form, item: &Item) -> Option<usize> {
    match item {
        Item::Field(place) if !form.fields[*place].read_only => Some(*place),
        _ => None,
    }
}

/// What the form says between the field before and this one.
fn texts_before(form: &Form, place: usize) -> Vec<String> {
    let here = form.items.iter().position(|it| *it == Item::Field(place)).unwrap_or(0);
    let before = form.items[..here].iter().rev().take_while(|it| !matches!(it, Item::Field(_)));
    let mut texts: Vec<String> = before
        .filter_map(|it| match it {
            Item::Heading(_, text) => Some(format!("\n{text}")),
            Item::Text(text) => Some(format!("\n{text}")),
            Item::Field(_) => None,
        })
        .collect();
    texts.reverse();
    texts
}

/// The command that gives the same answers, without passwords.
fn repeated(command: &str, form: &Form, changed: &[String], answers: &Answers) -> String {
    let mut text = command.to_owned();
    for name in changed {
        let secret = form.field(name).is_some_and(|it| it.kind == Kind::Password);
        for value in answers.get(name).unwrap_or_default() {
            let value = if secret { "…".to_owned() } else { quoted(value) };
            text.push_str(&format!(" --set {name}={value}"));
        }
    }
    text
}

/// As a shell reads it back.
fn quoted(value: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "_-+.,:/@%".contains(it);
    if value.chars().all(plain) { value.to_owned() } else { format!("'{}'", value.replace('\'', "'\\''")) }
}

fn question(field: &Field) -> String {
    let mark = if field.label.ends_with(['?', '.', ':', '!']) { "" } else { ":" };
    format!("{}{mark}", field.label)
}

fn labels(field: &Field) -> Vec<String> {
    field.choices.iter().map(|it| it.label.clone()).collect()
}

fn values(settled: &Settled, place: usize) -> &[String] {
    settled.values.get(place).map(|it| it.values.as_slice()).unwrap_or_default()
}

/// Values as the list shows them.
fn shown(field: &Field, values: &[String]) -> String {
    let label = |value: &String| match field.choices.iter().find(|it| it.value == *value) {
        Some(_) if field.kind == Kind::Checkbox && field.choices.len() == 1 => "yes".to_owned(),
        Some(choice) => choice.label.clone(),
        None => opkg::show(value),
    };
    match field.kind {
        Kind::Checkbox if values.is_empty() && field.choices.len() == 1 => "no".to_owned(),
        Kind::Password if values.iter().any(|it| !it.is_empty()) => "********".to_owned(),
        _ => values.iter().map(label).collect::<Vec<_>>().join(", "),
    }
}

fn short(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}
