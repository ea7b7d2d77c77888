//! Files of answers, in TOML:
//!
//! ```toml
//! loglevel = "64"
//! networks = ["ib0", "eth0"]
//!
//! ["image:compute"]
//! cluster__name = "west"
//! ```
//!
//! What stands on top is for the whole cluster, as is a table `global`; tables `image:NAME` are for images. A list
//! answers a field that has several values; an empty one chooses nothing of what can be chosen.

use std::collections::BTreeMap;

use toml::Value;

use crate::answers::Answers;
use crate::limits;

/// The answers of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnswerFile {
    /// For the whole cluster.
    pub global: Answers,
    /// For images, by their names.
    pub images: BTreeMap<String, Answers>,
}

/// Why a file of answers cannot be read. Nothing of it counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFileError {
    /// Longer than any real one.
    #[error("the file has more than {} MiB", limits::FILE_BYTES >> 20)]
    TooLarge,
    /// No TOML.
    #[error("line {line} is no TOML: {reason}")]
    Syntax {
        /// Where, from 1.
        line: usize,
        /// What is wrong there, in one line.
        reason: String,
    },
    /// Something that is no answer.
    #[error(
        "`{}` is answered by {what}; write a text, as in `\"64\"`, or a list of texts; of a box write the value that \
         it stands for, or `\"\"` to leave it empty",
        opkg::show(name)
    )]
    NoText {
        /// Of the field.
        name: String,
        /// What stands there.
        what: &'static str,
    },
    /// A table that is for nothing.
    #[error(
        "the table `{}` is neither `global` nor for an image, as in `[\"image:compute\"]`",
        opkg::show(.0)
    )]
    Context(String),
}

impl AnswerFile {
    /// Reads a file. Whether fields take the answers is not looked at.
    ///
    /// # Errors
    /// When it is no such file.
    pub fn read(text: &str) -> Result<Self, AnswerFileError> {
        if text.len() > limits::FILE_BYTES {
            return Err(AnswerFileError::TooLarge);
        }
        let table: toml::Table = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |it| it.start);
            let (line, _) = opkg::line_column(text, at);
            AnswerFileError::Syntax { line, reason: opkg::fold(error.message()) }
        })?;
        let mut file = Self::default();
        for (key, value) in table {
            let Value::Table(answers) = value else {
                add(&mut file.global, &key, value)?;
                continue;
            };
            let context = match key.strip_prefix("image:") {
                Some(image) if !image.is_empty() => file.images.entry(image.to_owned()).or_default(),
                None if key == "global" => &mut file.global,
                _ => return Err(AnswerFileError::Context(key)),
            };
            for (name, value) in answers {
                add(context, &name, value)?;
            }
        }
        Ok(file)
    }

    /// Those for an image, or for the whole cluster.
    #[must_use]
    pub fn context(&self, image: Option<&str>) -> Answers {
        match image {
            Some(image) => self.images.get(image).cloned().unwrap_or_default(),
            None => self.global.clone(),
        }
    }
}

fn add(answers: &mut Answers, name: &str, value: Value) -> Result<(), AnswerFileError> {
    let values = match value {
        Value::Array(values) => values,
        value => vec![value],
    };
    let text = |value| match value {
        Value::String(text) => Ok(text),
        Value::Integer(number) => Ok(number.to_string()),
        other => Err(AnswerFileError::NoText { name: name.to_owned(), what: kind(&other) }),
    };
    answers.set(name, values.into_iter().map(text).collect::<Result<_, _>>()?);
    Ok(())
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Boolean(_) => "`true` or `false`",
        Value::Float(_) => "a broken number",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list of lists",
        Value::Table(_) => "a table",
        Value::String(_) | Value::Integer(_) => "a text",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_that_can_be_said() {
        let file = AnswerFile::read(
            "level = 64\nname = \"é\"\nnothing = []\n[global]\nlist = ['a', 'b']\n[\"image:west\"]\nname = ''\n",
        )
        .unwrap();
        let global: Vec<_> = file.global.iter().collect();
        let texts = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            global,
            [
                ("level", texts(&["64"]).as_slice()),
                ("list", &texts(&["a", "b"])),
                ("name", &texts(&["é"])),
                ("nothing", &texts(&[""])),
            ]
        );
        assert_eq!(file.context(Some("west")).get("name"), Some(texts(&[""]).as_slice()));
        assert!(file.context(Some("east")).is_empty());
    }

    #[test]
    fn what_cannot_be_said() {
        let no_text = |what| AnswerFileError::NoText { name: "a".into(), what };
        for (text, error) in [
            ("a = true", no_text("`true` or `false`")),
            ("a = 1.5", no_text("a broken number")),
            ("a = [[]]", no_text("a list of lists")),
            ("global = { a = {} }", no_text("a table")),
            ("[\"image:\"]", AnswerFileError::Context("image:".into())),
            ("[compute]", AnswerFileError::Context("compute".into())),
        ] {
            assert_eq!(AnswerFile::read(text), Err(error), "{text}");
        }
        let error = AnswerFile::read("a = 1\nb").unwrap_err();
        assert!(matches!(error, AnswerFileError::Syntax { line: 2, .. }), "{error}");
    }

    proptest! {
        #![proptest_config(crate::testing::deterministic())]

        #[test]
        fn any_text_is_a_file_or_an_error(text in any::<String>()) {
            let _ = AnswerFile::read(&text);
        }
    }
}
