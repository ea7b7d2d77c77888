//! From inputs to fields: all inputs of one name are one.

use std::collections::BTreeMap;

use crate::finding::Findings;
use crate::flow::Page;
use crate::form::{Choice, Field, Form, Item, Kind, Part};
use crate::input::Input;
use crate::layout::{self, lay_out};

/// How long a paragraph before buttons may be to speak of them as their label.
const LABEL_CHARS: usize = 120;

pub(crate) fn assemble(page: Page, findings: &mut Findings) -> Form {
    let (parts, labels) = lay_out(&page);
    let form = Form { title: page.title, items: Vec::new(), fields: Vec::new(), order: Vec::new() };
    let mut assembly = Assembly { form, names: BTreeMap::new(), findings };
    let mut inputs: Vec<Option<(Input, String)>> = page.inputs.into_iter().zip(labels).map(Some).collect();
    for part in parts {
        match part {
            layout::Part::Heading(level, text) => assembly.form.items.push(Item::Heading(level, text)),
            layout::Part::Text(text) => assembly.form.items.push(Item::Text(text)),
            layout::Part::Input(number) => {
                if let Some((input, label)) = inputs[number].take() {
                    assembly.add(input, label);
                }
            }
        }
    }
    assembly.form.fields.iter_mut().for_each(select_last);
    label_groups(&mut assembly.form);
    assembly.form
}

struct Assembly<'a> {
    form: Form,
    /// Places of fields.
    names: BTreeMap<String, usize>,
    findings: &'a mut Findings,
}

impl Assembly<'_> {
    fn add(&mut self, input: Input, label: String) {
        let place = self.names.get(&input.name).copied();
        let list = matches!(input.kind, Kind::Select | Kind::SelectMultiple);
        if let Some(first) = place.map(|it| &self.form.fields[it]).filter(|it| it.kind != input.kind || list)
        {
            let message = format!(
                "`{}` is left out here, since line {} has a field of the same name that is answered otherwise",
                input.name, first.line
            );
            self.findings.warn(input.line, message);
            return;
        }
        let place = place.unwrap_or_else(|| self.create(&input, &label));
        let field = &mut self.form.fields[place];
        field.required |= input.required;
        field.read_only |= input.read_only;
        field.max_length = match (field.max_length, input.max_length) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        if !field.has_choices() {
            self.form.order.push(Part { field: place, number: field.boxes });
            field.boxes += 1;
            field.default.push(input.value);
            return;
        }
        if list {
            for it in input.options {
                self.choose(place, it.value, it.label, it.selected, input.line);
            }
        } else {
            self.choose(place, input.value, label, input.checked, input.line);
        }
    }

    fn create(&mut self, input: &Input, label: &str) -> usize {
        let place = self.form.fields.len();
        self.names.insert(input.name.clone(), place);
        if input.kind != Kind::Hidden {
            self.form.items.push(Item::Field(place));
        }
        self.form.fields.push(Field {
            label: if label.is_empty() { input.name.clone() } else { label.to_owned() },
            name: input.name.clone(),
            kind: input.kind,
            required: false,
            read_only: false,
            max_length: None,
            choices: Vec::new(),
            boxes: 0,
            default: Vec::new(),
            line: input.line,
        });
        place
    }

    fn choose(&mut self, place: usize, value: String, label: String, chosen: bool, line: u64) {
        let field = &mut self.form.fields[place];
        if chosen && !field.default.contains(&value) {
            field.default.push(value.clone());
        }
        if field.choices.iter().any(|it| it.value == value) {
            let message = format!("`{}` has this choice already, `{}`", field.name, opkg::show(&value));
            self.findings.warn(line, message);
            return;
        }
        self.form.order.push(Part { field: place, number: field.choices.len() });
        let label = if label.is_empty() { opkg::fold(&value) } else { label };
        field.choices.push(Choice { value, label });
    }
}

/// Of several buttons that are chosen, browsers take the last.
fn select_last(field: &mut Field) {
    if !field.is_multiple() && field.has_choices() {
        let last = field.default.pop();
        field.default = last.into_iter().collect();
    }
}

/// Boxes and buttons that belong together have labels of their own each; what stands in front of all is the label of
/// the field, and no longer a text of its own.
fn label_groups(form: &mut Form) {
    for place in 0..form.fields.len() {
        let field = &mut form.fields[place];
        let group = match field.kind {
            Kind::Radio => true,
            Kind::Checkbox => field.choices.len() > 1,
            _ => false,
        };
        let Some(at) = form.items.iter().position(|it| *it == Item::Field(place)).filter(|_| group) else {
            continue;
        };
        let before = form.items[..at].iter().rev().take_while(|it| !matches!(it, Item::Field(_)));
        let heading = before.clone().find_map(|it| match it {
            Item::Heading(level, text) => Some((*level, text.clone())),
            _ => None,
        });
        let (label, taken) = match (at.checked_sub(1).map(|it| &form.items[it]), heading) {
            (Some(Item::Heading(..)), Some((level, text))) => (Some(text), level > 1),
            (_, Some((2.., text))) => (Some(text), false),
            (Some(Item::Text(text)), _) if text.chars().count() <= LABEL_CHARS => {
                (Some(opkg::fold(text)), true)
            }
            _ => (None, false),
        };
        field.label = match label.as_deref().map(|it| it.trim_end_matches(':').trim_end()) {
            Some(label) if !label.is_empty() => label.to_owned(),
            _ => field.name.clone(),
        };
        if taken {
            form.items.remove(at - 1);
        }
    }
}
