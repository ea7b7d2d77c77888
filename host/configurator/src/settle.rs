//! From a form and the answers to it to what is stored: the strongest answer to each field.

use opkg_oda::{Origin, Value};

use crate::answers::{Answers, Flaw};
use crate::form::Form;
use crate::text::normalise;

/// The values of all fields of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Of each of [`Form::fields`].
    pub values: Vec<FieldValues>,
    /// Places in [`Form::fields`] of those that must be answered and are not: the package waits for them.
    pub missing: Vec<usize>,
}

/// The values of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldValues {
    /// As many as there are boxes, or those that are chosen.
    pub values: Vec<String>,
    /// Whose answer that is.
    pub origin: Origin,
}

/// An answer that its field does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` {flaw}", opkg::show(name))]
pub struct Refused {
    /// Whose it is.
    pub origin: Origin,
    /// Of the field.
    pub name: String,
    /// Why.
    pub flaw: Flaw,
}

impl Form {
    /// Settles a form: what the administrator says counts more than what stands in the file of answers, and that
    /// more than the form's defaults.
    ///
    /// # Errors
    /// All answers that do not fit. An empty answer where one must be given is a missing one, not a wrong one.
    pub fn settle(&self, administrator: &Answers, file: &Answers) -> Result<Settled, Vec<Refused>> {
        let mut refused = Vec::new();
        for (answers, origin) in [(administrator, Origin::Administrator), (file, Origin::Answers)] {
            for (name, values) in answers.iter() {
                if let Err(flaw) = self.check(name, values)
                    && flaw != Flaw::Empty
                {
                    refused.push(Refused { origin, name: name.to_owned(), flaw });
                }
            }
        }
        if !refused.is_empty() {
            return Err(refused);
        }
        let mut settled = Settled { values: Vec::new(), missing: Vec::new() };
        for (place, field) in self.fields.iter().enumerate() {
            let given = [(administrator, Origin::Administrator), (file, Origin::Answers)]
                .into_iter()
                .find_map(|(answers, origin)| Some((answers.get(&field.name)?, origin)));
            let (values, origin) = match given {
                Some((values, origin)) => (field.check(values).unwrap_or_default(), origin),
                None => (field.default.clone(), Origin::Default),
            };
            if field.lacks(&values) {
                settled.missing.push(place);
            }
            settled.values.push(FieldValues { values, origin });
        }
        Ok(settled)
    }
}

impl Form {
    /// Answers in what a browser submitted, names and values in any order: those that changed since the form was
    /// shown as `shown`, and those of the administrator's that did not. The others stay with their origins.
    ///
    /// A box or list of which nothing is chosen submits nothing, and counts as answered so; of other fields nothing
    /// changes where nothing is submitted. Names that the form does not have are kept, to be refused.
    #[must_use]
    pub fn submitted(&self, entries: &[(String, String)], shown: &Settled) -> Answers {
        let mut given = Answers::default();
        for (name, value) in entries {
            given.add(name, &normalise(value));
        }
        let mut answers = Answers::default();
        for (name, values) in given.iter().filter(|(name, _)| self.field(name).is_none()) {
            answers.set(name, values.to_vec());
        }
        for (field, shown) in self.fields.iter().zip(&shown.values) {
            let given = given.get(&field.name);
            if given.is_none() && !field.is_multiple() {
                if shown.origin == Origin::Administrator {
                    answers.set(&field.name, shown.values.clone());
                }
                continue;
            }
            let values = given.unwrap_or_default();
            let unchanged = values == shown.values || field.check(values).is_ok_and(|it| it == shown.values);
            if shown.origin == Origin::Administrator || !unchanged {
                answers.set(&field.name, values.to_vec());
            }
        }
        answers
    }
}

impl Settled {
    /// Names and values in the order of the form, as [`crate::values::write`] takes them.
    #[must_use]
    pub fn entries<'a>(&'a self, form: &'a Form) -> Vec<(&'a str, &'a str)> {
        let values: Vec<&[String]> = self.values.iter().map(|it| it.values.as_slice()).collect();
        form.entries(&values)
    }

    /// What the database keeps, in the order of the form: all values, and an empty one where somebody chose nothing of
    /// what could be chosen, so that the default does not come back.
    #[must_use]
    pub fn stored(&self, form: &Form) -> Vec<Value> {
        let mut stored = Vec::new();
        for part in &form.order {
            let (field, given) = (&form.fields[part.field], &self.values[part.field]);
            let value = match field.choices.get(part.number) {
                _ if given.values.is_empty() => {
                    (part.number == 0 && given.origin != Origin::Default).then_some("")
                }
                Some(choice) => given.values.contains(&choice.value).then_some(choice.value.as_str()),
                None => given.values.get(part.number).map(String::as_str),
            };
            stored.extend(value.map(|value| Value {
                name: field.name.clone(),
                value: value.to_owned(),
                origin: given.origin,
            }));
        }
        stored
    }
}
