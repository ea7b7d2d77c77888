//! Combines inputs into fields: all inputs of one name are one field.

use std::collections::BTreeMap;

use crate::diagnostic::FormDiagnostics;
use crate::flow::Page;
use crate::form::{Choice, Field, FieldKind, Form, FormItem, ValueSlot};
use crate::input::Input;
use crate::layout::{self, assign_labels};

/// Longest paragraph that is taken as the label of the buttons after it.
const MAX_LABEL_CHARS: usize = 120;

pub(crate) fn build_form(page: Page, diagnostics: &mut FormDiagnostics) -> Form {
    let (parts, labels) = assign_labels(&page);
    let form =
        Form { title: page.title, items: Vec::new(), fields: Vec::new(), submission_order: Vec::new() };
    let mut builder = FormBuilder { form, field_indices: BTreeMap::new(), diagnostics };
    let mut inputs: Vec<Option<(Input, String)>> = page.inputs.into_iter().zip(labels).map(Some).collect();
    for part in parts {
        match part {
            layout::LayoutItem::Heading(level, text) => {
                builder.form.items.push(FormItem::Heading(level, text))
            }
            layout::LayoutItem::Text(text) => builder.form.items.push(FormItem::Text(text)),
            layout::LayoutItem::Input(index) => {
                if let Some((input, label)) = inputs[index].take() {
                    builder.add_input(input, label);
                }
            }
        }
    }
    builder.form.fields.iter_mut().for_each(keep_last_default);
    assign_group_labels(&mut builder.form);
    builder.form
}

struct FormBuilder<'a> {
    form: Form,
    field_indices: BTreeMap<String, usize>,
    diagnostics: &'a mut FormDiagnostics,
}

impl FormBuilder<'_> {
    fn add_input(&mut self, input: Input, label: String) {
        let index = self.field_indices.get(&input.name).copied();
        let is_list = matches!(input.kind, FieldKind::Select | FieldKind::SelectMultiple);
        let first = index.map(|index| &self.form.fields[index]);
        if let Some(first) = first.filter(|field| field.kind != input.kind || is_list) {
            let message = format!(
                "`{}` is left out here, since line {} has another field of the same name",
                input.name, first.line
            );
            self.diagnostics.warn(input.line, message);
            return;
        }
        let index = index.unwrap_or_else(|| self.add_field(&input, &label));
        let field = &mut self.form.fields[index];
        field.required |= input.required;
        field.read_only |= input.read_only;
        field.max_length = match (field.max_length, input.max_length) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        if !field.has_choices() {
            self.form.submission_order.push(ValueSlot { field: index, index: field.input_count });
            field.input_count += 1;
            field.default.push(input.value);
            return;
        }
        if is_list {
            for option in input.options {
                self.add_choice(index, option.value, option.label, option.selected, input.line);
            }
        } else {
            self.add_choice(index, input.value, label, input.checked, input.line);
        }
    }

    fn add_field(&mut self, input: &Input, label: &str) -> usize {
        let index = self.form.fields.len();
        self.field_indices.insert(input.name.clone(), index);
        if input.kind != FieldKind::Hidden {
            self.form.items.push(FormItem::Field(index));
        }
        self.form.fields.push(Field {
            label: if label.is_empty() { input.name.clone() } else { label.to_owned() },
            name: input.name.clone(),
            kind: input.kind,
            required: false,
            read_only: false,
            max_length: None,
            choices: Vec::new(),
            input_count: 0,
            default: Vec::new(),
            line: input.line,
        });
        index
    }

    fn add_choice(&mut self, index: usize, value: String, label: String, selected: bool, line: u64) {
        let field = &mut self.form.fields[index];
        if selected && !field.default.contains(&value) {
            field.default.push(value.clone());
        }
        if field.choices.iter().any(|choice| choice.value == value) {
            let message =
                format!("duplicate choice `{}` of `{}`", opkg::escape_for_display(&value), field.name);
            self.diagnostics.warn(line, message);
            return;
        }
        self.form.submission_order.push(ValueSlot { field: index, index: field.choices.len() });
        let label = if label.is_empty() { opkg::collapse_whitespace(&value) } else { label };
        field.choices.push(Choice { value, label });
    }
}

/// Of several selected buttons, browsers take the last.
fn keep_last_default(field: &mut Field) {
    if !field.is_multiple() && field.has_choices() {
        let last = field.default.pop();
        field.default = last.into_iter().collect();
    }
}

/// The boxes and buttons of a group have their own labels; the text before the first is the label of the field, and is
/// removed from the items.
fn assign_group_labels(form: &mut Form) {
    for index in 0..form.fields.len() {
        let field = &mut form.fields[index];
        let is_group = match field.kind {
            FieldKind::Radio => true,
            FieldKind::Checkbox => field.choices.len() > 1,
            _ => false,
        };
        let position = form.items.iter().position(|item| *item == FormItem::Field(index));
        let Some(position) = position.filter(|_| is_group) else {
            continue;
        };
        let before =
            form.items[..position].iter().rev().take_while(|item| !matches!(item, FormItem::Field(_)));
        let heading = before.clone().find_map(|item| match item {
            FormItem::Heading(level, text) => Some((*level, text.clone())),
            _ => None,
        });
        let previous = position.checked_sub(1).map(|previous| &form.items[previous]);
        let (label, is_taken) = match (previous, heading) {
            (Some(FormItem::Heading(..)), Some((level, text))) => (Some(text), level > 1),
            (_, Some((2.., text))) => (Some(text), false),
            (Some(FormItem::Text(text)), _) if text.chars().count() <= MAX_LABEL_CHARS => {
                (Some(opkg::collapse_whitespace(text)), true)
            }
            _ => (None, false),
        };
        field.label = match label.as_deref().map(|label| label.trim_end_matches(':').trim_end()) {
            Some(label) if !label.is_empty() => label.to_owned(),
            _ => field.name.clone(),
        };
        if is_taken {
            form.items.remove(position - 1);
        }
    }
}
