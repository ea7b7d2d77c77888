//! Answer files, in TOML:
//!
//! ```toml
//! loglevel = "64"
//! networks = ["ib0", "eth0"]
//!
//! ["image:compute"]
//! cluster__name = "west"
//! ```
//!
//! Top-level keys are for the whole cluster, as is a table `global`; tables `image:NAME` are for images. A list
//! gives a field several values; an empty one selects no choice.

use std::collections::BTreeMap;

use toml::Value;

use crate::answers::Answers;
use crate::limits;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnswerFile {
    /// For the whole cluster.
    pub global: Answers,
    /// For images, by their names.
    pub images: BTreeMap<String, Answers>,
}

/// Why an answer file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFileError {
    #[error("the file has more than {} MiB", limits::FILE_BYTES >> 20)]
    TooLarge,
    #[error("line {line} is not valid TOML: {reason}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// One line of the parser.
        reason: String,
    },
    #[error(
        "`{}` is {found}; expected a string, for example `\"64\"`, or a list of strings; for a checkbox its value, or \
         `\"\"` to leave it unchecked",
        opkg::escape_for_display(name)
    )]
    InvalidValue { name: String, found: &'static str },
    #[error(
        "the table `{}` is neither `global` nor for an image, for example `[\"image:compute\"]`",
        opkg::escape_for_display(.0)
    )]
    UnknownTable(String),
}

impl AnswerFile {
    /// Reads a file. Answers are not checked against a form.
    ///
    /// # Errors
    /// Invalid TOML, an unknown table or a value of another type.
    pub fn parse(text: &str) -> Result<Self, AnswerFileError> {
        if text.len() > limits::FILE_BYTES {
            return Err(AnswerFileError::TooLarge);
        }
        let table: toml::Table = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            let (line, _) = opkg::line_column(text, offset);
            AnswerFileError::Syntax { line, reason: opkg::collapse_whitespace(error.message()) }
        })?;
        let mut file = Self::default();
        for (key, value) in table {
            let Value::Table(answers) = value else {
                add_answer(&mut file.global, &key, value)?;
                continue;
            };
            let context = match key.strip_prefix("image:") {
                Some(image) if !image.is_empty() => file.images.entry(image.to_owned()).or_default(),
                None if key == "global" => &mut file.global,
                _ => return Err(AnswerFileError::UnknownTable(key)),
            };
            for (name, value) in answers {
                add_answer(context, &name, value)?;
            }
        }
        Ok(file)
    }

    /// Those for an image, or for the whole cluster.
    #[must_use]
    pub fn answers_for(&self, image: Option<&str>) -> Answers {
        match image {
            Some(image) => self.images.get(image).cloned().unwrap_or_default(),
            None => self.global.clone(),
        }
    }
}

fn add_answer(answers: &mut Answers, name: &str, value: Value) -> Result<(), AnswerFileError> {
    let values = match value {
        Value::Array(values) => values,
        value => vec![value],
    };
    let text = |value| match value {
        Value::String(text) => Ok(text),
        Value::Integer(number) => Ok(number.to_string()),
        other => Err(AnswerFileError::InvalidValue { name: name.to_owned(), found: describe_type(&other) }),
    };
    answers.set(name, values.into_iter().map(text).collect::<Result<_, _>>()?);
    Ok(())
}

const fn describe_type(value: &Value) -> &'static str {
    match value {
        Value::Boolean(_) => "`true` or `false`",
        Value::Float(_) => "a floating-point number",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list of lists",
        Value::Table(_) => "a table",
        Value::String(_) | Value::Integer(_) => "a string",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_that_can_be_said() {
        let file = AnswerFile::parse(
            "level = 64\nname = \"é\"\nnothing = []\n[global]\nlist = ['a', 'b']\n[\"image:west\"]\nname = ''\n",
        )
        .unwrap();
        let global: Vec<_> = file.global.iter().collect();
        let texts = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            global,
            [
                ("level", texts(&["64"]).as_slice()),
                ("list", &texts(&["a", "b"])),
                ("name", &texts(&["é"])),
                ("nothing", &texts(&[""])),
            ]
        );
        assert_eq!(file.answers_for(Some("west")).get("name"), Some(texts(&[""]).as_slice()));
        assert!(file.answers_for(Some("east")).is_empty());
    }

    #[test]
    fn what_cannot_be_said() {
        let no_text = |found| AnswerFileError::InvalidValue { name: "a".into(), found };
        for (text, error) in [
            ("a = true", no_text("`true` or `false`")),
            ("a = 1.5", no_text("a floating-point number")),
            ("a = [[]]", no_text("a list of lists")),
            ("global = { a = {} }", no_text("a table")),
            ("[\"image:\"]", AnswerFileError::UnknownTable("image:".into())),
            ("[compute]", AnswerFileError::UnknownTable("compute".into())),
        ] {
            assert_eq!(AnswerFile::parse(text), Err(error), "{text}");
        }
        let error = AnswerFile::parse("a = 1\nb").unwrap_err();
        assert!(matches!(error, AnswerFileError::Syntax { line: 2, .. }), "{error}");
    }

    /// Answers may be passwords, and whoever reads a message need not be meant to see them.
    #[test]
    fn errors_show_no_answer() {
        let whole =
            "root_password = \"correct-horse\"\n[global]\nkeys = ['correct-horse', 'correct-horse']\n";
        let damaged = (0..whole.len()).flat_map(|at| {
            let (before, after) = whole.split_at(at);
            let without = format!("{before}{}", &after[1..]);
            let more = ["\"", "'", "\\q", "=", "[", "\0"].map(|extra| format!("{before}{extra}{after}"));
            more.into_iter().chain([before.to_owned(), without])
        });
        let typed = ["a = 1.5 # correct-horse", "a = [['correct-horse']]", "[x]\na = 'correct-horse'"];
        let errors: Vec<AnswerFileError> = damaged
            .chain(typed.map(str::to_owned))
            .filter_map(|text| AnswerFile::parse(&text).err())
            .collect();
        assert!(errors.len() > 100, "{}", errors.len());
        for error in errors {
            assert!(!format!("{error} {error:?}").contains("horse"), "{error}");
        }
    }

    proptest! {
        #![proptest_config(crate::testing::deterministic_config())]

        #[test]
        fn any_text_is_a_file_or_an_error(text in any::<String>()) {
            let _ = AnswerFile::parse(&text);
        }
    }
}
