//! Answers, and whether they are valid for their fields.

use std::collections::BTreeMap;

use opkg_oda::{ConfigValue, ValueOrigin};

use crate::form::{Field, FieldKind, Form};
use crate::limits;
use crate::text::{is_allowed_char, is_field_name, normalize_newlines};

/// How many choices a message lists.
const MAX_LISTED_CHOICES: usize = 20;

/// Values by the name of their field, from one origin. A field without choices has a value for each of its inputs,
/// mostly one. A field with multiple choices of which none is selected has one empty value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers(BTreeMap<String, Vec<String>>);

impl Answers {
    /// The values of one origin.
    #[must_use]
    pub fn from_values(values: &[ConfigValue], origin: ValueOrigin) -> Self {
        let mut answers = Self::default();
        for value in values.iter().filter(|value| value.origin == origin) {
            answers.append(&value.name, &value.value);
        }
        answers
    }

    /// As values for the database, where their form is not known yet.
    #[must_use]
    pub fn to_values(&self, origin: ValueOrigin) -> Vec<ConfigValue> {
        let pairs = self.0.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
        let to_value = |(name, value): (&String, &String)| ConfigValue {
            name: name.clone(),
            value: value.clone(),
            origin,
        };
        pairs.map(to_value).collect()
    }

    /// Adds a value to those of a field.
    pub fn append(&mut self, name: &str, value: &str) {
        self.0.entry(name.to_owned()).or_default().push(value.to_owned());
    }

    /// Replaces all values of a field.
    pub fn set(&mut self, name: &str, values: Vec<String>) {
        let values = if values.is_empty() { vec![String::new()] } else { values };
        self.0.insert(name.to_owned(), values);
    }

    /// Whether there was an answer to remove.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// Absent if the field is not answered.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[String]> {
        self.0.get(name).map(Vec::as_slice)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }
}

/// Why an answer is not valid. The message continues a sentence that begins with the name of the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerErrorKind {
    #[error("is not a field of the form{}", suggestion_suffix(suggestion.as_deref()))]
    UnknownField { suggestion: Option<String> },
    #[error(
        "cannot be the name of a field: that has letters, digits, `_`, `-` and `.`, and begins with a letter or `_`"
    )]
    InvalidName,
    #[error("cannot be `{}`, only {}{}", opkg::escape_for_display(value), format_choices(choices), suggestion_suffix(suggestion.as_deref()))]
    InvalidChoice { value: String, suggestion: Option<String>, choices: Vec<String> },
    /// In units of UTF-16, as browsers count.
    #[error("has {length} characters, and takes at most {max}")]
    TooLong { length: usize, max: usize },
    #[error("takes at most {max} {}, not {count}", if *max == 1 { "value" } else { "values" })]
    TooManyValues { count: usize, max: usize },
    #[error("cannot contain a line break")]
    MultipleLines,
    #[error("cannot contain the control character U+{:04X}", *.0 as u32)]
    ControlCharacter(char),
    #[error("must not be empty")]
    Required,
}

fn suggestion_suffix(suggestion: Option<&str>) -> String {
    suggestion.map(|text| format!("; did you mean `{}`?", opkg::escape_for_display(text))).unwrap_or_default()
}

fn format_choices(choices: &[String]) -> String {
    let mut shown: Vec<String> = choices
        .iter()
        .take(MAX_LISTED_CHOICES)
        .map(|choice| format!("`{}`", opkg::escape_for_display(choice)))
        .collect();
    if choices.len() > MAX_LISTED_CHOICES {
        return format!("one of {}, …", shown.join(", "));
    }
    let last = shown.pop().unwrap_or_else(|| "nothing".into());
    if shown.is_empty() { last } else { format!("{} or {last}", shown.join(", ")) }
}

impl Form {
    /// The values of an answer as they are stored.
    ///
    /// # Errors
    /// The answer is not valid for the field.
    pub fn check(&self, name: &str, values: &[String]) -> Result<Vec<String>, AnswerErrorKind> {
        match self.field(name) {
            Some(field) => field.check(values),
            None if !is_field_name(name) => Err(AnswerErrorKind::InvalidName),
            None => {
                let names = self.fields.iter().map(|field| field.name.as_str());
                Err(AnswerErrorKind::UnknownField {
                    suggestion: opkg::closest_match(name, names).map(str::to_owned),
                })
            }
        }
    }
}

impl Field {
    /// The values of an answer as they are stored: as many as there are inputs, or the selected choices in their
    /// order.
    ///
    /// # Errors
    /// The answer is not valid for the field.
    pub fn check(&self, values: &[String]) -> Result<Vec<String>, AnswerErrorKind> {
        let values: Vec<String> = values.iter().map(|value| normalize_newlines(value)).collect();
        let values = if self.has_choices() { self.check_chosen(values)? } else { self.check_typed(values)? };
        if self.is_missing(&values) { Err(AnswerErrorKind::Required) } else { Ok(values) }
    }

    fn check_typed(&self, mut values: Vec<String>) -> Result<Vec<String>, AnswerErrorKind> {
        if values.len() > self.input_count {
            return Err(AnswerErrorKind::TooManyValues { count: values.len(), max: self.input_count });
        }
        values.resize(self.input_count, String::new());
        for (value, default) in values.iter().zip(&self.default) {
            // Browsers do not validate what the user has not changed.
            if value == default {
                continue;
            }
            if matches!(self.kind, FieldKind::Text | FieldKind::Password) && value.contains('\n') {
                return Err(AnswerErrorKind::MultipleLines);
            }
            if let Some(c) = value.chars().find(|c| !is_allowed_char(*c)) {
                return Err(AnswerErrorKind::ControlCharacter(c));
            }
            let length = value.encode_utf16().count();
            let max = self.max_length.unwrap_or(limits::VALUE_UNITS).min(limits::VALUE_UNITS);
            if length > max {
                return Err(AnswerErrorKind::TooLong { length, max });
            }
        }
        Ok(values)
    }

    fn check_chosen(&self, mut values: Vec<String>) -> Result<Vec<String>, AnswerErrorKind> {
        let choices = || self.choices.iter().map(|choice| choice.value.as_str());
        // A radio button that is selected by default cannot be deselected.
        let can_be_none = self.is_multiple() || self.default.is_empty();
        if can_be_none && choices().all(|choice| !choice.is_empty()) {
            values.retain(|value| !value.is_empty());
        } else if values.is_empty() && !can_be_none {
            values.push(String::new());
        }
        if let Some(wrong) = values.iter().find(|value| !choices().any(|choice| choice == **value)) {
            // For numbers the edit distance suggests nothing useful.
            let is_word = wrong.chars().any(char::is_alphabetic);
            let suggestion = opkg::closest_match(wrong, choices()).filter(|_| is_word).map(str::to_owned);
            let choices = choices().map(str::to_owned).collect();
            return Err(AnswerErrorKind::InvalidChoice { value: wrong.clone(), suggestion, choices });
        }
        let values: Vec<String> = choices()
            .filter(|choice| values.iter().any(|value| value == choice))
            .map(str::to_owned)
            .collect();
        if values.len() > 1 && !self.is_multiple() {
            return Err(AnswerErrorKind::TooManyValues { count: values.len(), max: 1 });
        }
        Ok(values)
    }
}
