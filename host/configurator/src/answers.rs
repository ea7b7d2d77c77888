//! What somebody answers, and whether a field takes it.

use std::collections::BTreeMap;

use opkg_oda::{Origin, Value};

use crate::form::{Field, Form, Kind};
use crate::limits;
use crate::text::{is_name, is_storable, normalise};

/// How many choices a message lists.
const LISTED: usize = 20;

/// Values by the name of their field, from one origin. A field without choices has a value for each of its boxes,
/// mostly one. One of which any number can be chosen and nothing is has the value ``.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers(BTreeMap<String, Vec<String>>);

impl Answers {
    /// Those values of the database that have an origin.
    #[must_use]
    pub fn of(values: &[Value], origin: Origin) -> Self {
        let mut answers = Self::default();
        for it in values.iter().filter(|it| it.origin == origin) {
            answers.add(&it.name, &it.value);
        }
        answers
    }

    /// As values for the database, where their form is not known yet.
    #[must_use]
    pub fn values(&self, origin: Origin) -> Vec<Value> {
        let value =
            |(name, value): (&String, &String)| Value { name: name.clone(), value: value.clone(), origin };
        self.0.iter().flat_map(|(name, values)| values.iter().map(move |it| (name, it))).map(value).collect()
    }

    /// One value more for a field.
    pub fn add(&mut self, name: &str, value: &str) {
        self.0.entry(name.to_owned()).or_default().push(value.to_owned());
    }

    /// All values of a field.
    pub fn set(&mut self, name: &str, values: Vec<String>) {
        let values = if values.is_empty() { vec![String::new()] } else { values };
        self.0.insert(name.to_owned(), values);
    }

    /// Takes an answer back; says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// The values of a field, if it is answered.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[String]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// Whether nothing is answered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }
}

/// Why a field does not take an answer. Reads on from the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// There is no such field.
    #[error("is no field of the form{}", did_you_mean(meant.as_deref()))]
    Unknown {
        /// What was meant, perhaps.
        meant: Option<String>,
    },
    /// There can be no such field.
    #[error(
        "cannot be the name of a field: that has letters, digits, `_`, `-` and `.`, and begins with a letter or `_`"
    )]
    NoName,
    /// Something else must be chosen.
    #[error("cannot be `{}`, only {}{}", opkg::show(value), list(choices), did_you_mean(meant.as_deref()))]
    NoChoice {
        /// What was given.
        value: String,
        /// What was meant, perhaps.
        meant: Option<String>,
        /// What there is.
        choices: Vec<String>,
    },
    /// Too many characters, as browsers count them.
    #[error("has {length} characters, and takes at most {most}")]
    TooLong {
        /// How many there are.
        length: usize,
        /// How many there may be.
        most: usize,
    },
    /// Too many values.
    #[error("takes at most {most} {}, not {count}", if *most == 1 { "value" } else { "values" })]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// Several lines where there is one.
    #[error("is one line; it cannot hold a line end")]
    Lines,
    /// A character that no value can hold.
    #[error("cannot hold the control character U+{:04X}", *.0 as u32)]
    Character(char),
    /// Nothing, where something must be.
    #[error("must not be empty")]
    Empty,
}

fn did_you_mean(meant: Option<&str>) -> String {
    meant.map(|it| format!("; did you mean `{}`?", opkg::show(it))).unwrap_or_default()
}

fn list(choices: &[String]) -> String {
    let mut shown: Vec<String> =
        choices.iter().take(LISTED).map(|it| format!("`{}`", opkg::show(it))).collect();
    if choices.len() > LISTED {
        return format!("one of {}, …", shown.join(", "));
    }
    let last = shown.pop().unwrap_or_else(|| "nothing".into());
    if shown.is_empty() { last } else { format!("{} or {last}", shown.join(", ")) }
}

impl Form {
    /// Whether an answer fits the field of a name, and its values as they are stored.
    ///
    /// # Errors
    /// Why it does not fit.
    pub fn check(&self, name: &str, values: &[String]) -> Result<Vec<String>, Flaw> {
        match self.field(name) {
            Some(field) => field.check(values),
            None if !is_name(name) => Err(Flaw::NoName),
            None => {
                let names = self.fields.iter().map(|it| it.name.as_str());
                Err(Flaw::Unknown { meant: opkg::nearest(name, names).map(str::to_owned) })
            }
        }
    }
}

impl Field {
    /// Whether an answer fits, and its values as they are stored: as many as there are boxes, or those that are
    /// chosen in the order of the choices.
    ///
    /// # Errors
    /// Why it does not fit.
    pub fn check(&self, values: &[String]) -> Result<Vec<String>, Flaw> {
        let values: Vec<String> = values.iter().map(|it| normalise(it)).collect();
        let values = if self.has_choices() { self.chosen(values)? } else { self.typed(values)? };
        if self.lacks(&values) { Err(Flaw::Empty) } else { Ok(values) }
    }

    fn typed(&self, mut values: Vec<String>) -> Result<Vec<String>, Flaw> {
        if values.len() > self.boxes {
            return Err(Flaw::TooMany { count: values.len(), most: self.boxes });
        }
        values.resize(self.boxes, String::new());
        for (value, default) in values.iter().zip(&self.default) {
            // Browsers do not find fault with what nobody touched.
            if value == default {
                continue;
            }
            if matches!(self.kind, Kind::Text | Kind::Password) && value.contains('\n') {
                return Err(Flaw::Lines);
            }
            if let Some(wrong) = value.chars().find(|it| !is_storable(*it)) {
                return Err(Flaw::Character(wrong));
            }
            let length = value.encode_utf16().count();
            let most = self.max_length.unwrap_or(limits::VALUE_UNITS).min(limits::VALUE_UNITS);
            if length > most {
                return Err(Flaw::TooLong { length, most });
            }
        }
        Ok(values)
    }

    fn chosen(&self, mut values: Vec<String>) -> Result<Vec<String>, Flaw> {
        let choices = || self.choices.iter().map(|it| it.value.as_str());
        // Of several buttons one may be chosen from the beginning, and then nothing takes that back.
        let can_be_none = self.is_multiple() || self.default.is_empty();
        if can_be_none && choices().all(|it| !it.is_empty()) {
            values.retain(|it| !it.is_empty());
        } else if values.is_empty() && !can_be_none {
            values.push(String::new());
        }
        if let Some(wrong) = values.iter().find(|it| !choices().any(|choice| choice == **it)) {
            // Of a number one cannot say what else was meant.
            let is_word = wrong.chars().any(char::is_alphabetic);
            let meant = opkg::nearest(wrong, choices()).filter(|_| is_word).map(str::to_owned);
            let choices = choices().map(str::to_owned).collect();
            return Err(Flaw::NoChoice { value: wrong.clone(), meant, choices });
        }
        let values: Vec<String> =
            choices().filter(|it| values.iter().any(|value| value == it)).map(str::to_owned).collect();
        if values.len() > 1 && !self.is_multiple() {
            return Err(Flaw::TooMany { count: values.len(), most: 1 });
        }
        Ok(values)
    }
}
