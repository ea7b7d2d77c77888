//! Resolves the value of each field: by the administrator, else by the answer file, else the default of the form.

use opkg_oda::{ConfigValue, ValueOrigin};

use crate::answers::{AnswerErrorKind, Answers};
use crate::form::Form;
use crate::text::normalize_newlines;

/// The values of all fields of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedValues {
    /// One for each of [`Form::fields`].
    pub values: Vec<FieldValues>,
    /// Indices into [`Form::fields`] of required ones without a value; the package waits for them.
    pub missing: Vec<usize>,
}

/// The values of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldValues {
    /// One for each input, or the selected choices.
    pub values: Vec<String>,
    pub origin: ValueOrigin,
}

/// An answer that is not valid for its field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` {kind}", opkg::escape_for_display(name))]
pub struct AnswerError {
    pub origin: ValueOrigin,
    pub name: String,
    pub kind: AnswerErrorKind,
}

impl Form {
    /// The values of all fields. Answers of the administrator take precedence over those of the answer file, and these
    /// over the defaults of the form.
    ///
    /// # Errors
    /// All invalid answers. An empty answer to a required field is missing, not invalid.
    pub fn resolve(
        &self,
        administrator: &Answers,
        file: &Answers,
    ) -> Result<ResolvedValues, Vec<AnswerError>> {
        let mut errors = Vec::new();
        for (answers, origin) in
            [(administrator, ValueOrigin::Administrator), (file, ValueOrigin::AnswerFile)]
        {
            for (name, values) in answers.iter() {
                if let Err(kind) = self.check(name, values)
                    && kind != AnswerErrorKind::Required
                {
                    errors.push(AnswerError { origin, name: name.to_owned(), kind });
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut resolved = ResolvedValues { values: Vec::new(), missing: Vec::new() };
        for (index, field) in self.fields.iter().enumerate() {
            let answer = [(administrator, ValueOrigin::Administrator), (file, ValueOrigin::AnswerFile)]
                .into_iter()
                .find_map(|(answers, origin)| Some((answers.get(&field.name)?, origin)));
            let (values, origin) = match answer {
                Some((values, origin)) => (field.check(values).unwrap_or_default(), origin),
                None => (field.default.clone(), ValueOrigin::Default),
            };
            if field.is_missing(&values) {
                resolved.missing.push(index);
            }
            resolved.values.push(FieldValues { values, origin });
        }
        Ok(resolved)
    }
}

impl Form {
    /// The answers of the administrator after a browser has submitted the form that showed `shown`, names and values in
    /// any order: changed values, and unchanged ones that were already the administrator's.
    ///
    /// A box or list without a selection submits nothing, which counts as an empty answer; other fields that submit
    /// nothing are unchanged. Names that the form does not have are kept, for [`Form::check`] to reject.
    #[must_use]
    pub fn answers_from_submission(&self, entries: &[(String, String)], shown: &ResolvedValues) -> Answers {
        let mut given = Answers::default();
        for (name, value) in entries {
            given.append(name, &normalize_newlines(value));
        }
        let mut answers = Answers::default();
        for (name, values) in given.iter().filter(|(name, _)| self.field(name).is_none()) {
            answers.set(name, values.to_vec());
        }
        for (field, shown) in self.fields.iter().zip(&shown.values) {
            let given = given.get(&field.name);
            if given.is_none() && !field.is_multiple() {
                if shown.origin == ValueOrigin::Administrator {
                    answers.set(&field.name, shown.values.clone());
                }
                continue;
            }
            let values = given.unwrap_or_default();
            let unchanged =
                values == shown.values || field.check(values).is_ok_and(|values| values == shown.values);
            if shown.origin == ValueOrigin::Administrator || !unchanged {
                answers.set(&field.name, values.to_vec());
            }
        }
        answers
    }
}

impl ResolvedValues {
    /// Names and values in the order of the form, as [`crate::values_file::to_xml`] takes them.
    #[must_use]
    pub fn entries<'a>(&'a self, form: &'a Form) -> Vec<(&'a str, &'a str)> {
        let values: Vec<&[String]> = self.values.iter().map(|field| field.values.as_slice()).collect();
        form.entries(&values)
    }

    /// The values for the database, in the order of the form, with an empty one where no choice was selected, so that
    /// the default does not come back.
    #[must_use]
    pub fn to_config_values(&self, form: &Form) -> Vec<ConfigValue> {
        let mut stored = Vec::new();
        for slot in &form.submission_order {
            let (field, resolved) = (&form.fields[slot.field], &self.values[slot.field]);
            let value = match field.choices.get(slot.index) {
                _ if resolved.values.is_empty() => {
                    (slot.index == 0 && resolved.origin != ValueOrigin::Default).then_some("")
                }
                Some(choice) => resolved.values.contains(&choice.value).then_some(choice.value.as_str()),
                None => resolved.values.get(slot.index).map(String::as_str),
            };
            stored.extend(value.map(|value| ConfigValue {
                name: field.name.clone(),
                value: value.to_owned(),
                origin: resolved.origin,
            }));
        }
        stored
    }
}
