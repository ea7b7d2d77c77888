//! What a form is, whoever shows it: texts and fields, in the order of the document.

use opkg_oda::Origin;

/// The form of a package.
///
/// A face shows [`Form::items`], asks for the fields among them, and gives [`crate::Answers`] back. All texts are
/// plain: one line each without control characters, to be escaped like any other text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Title of the page.
    pub title: Option<String>,
    /// What is seen, from top to bottom. Every field that is not hidden is there exactly once.
    pub items: Vec<Item>,
    /// All fields, each name once, by the place where the first of its inputs stands.
    pub fields: Vec<Field>,
    /// The order in which a browser submits values.
    pub(crate) order: Vec<Part>,
}

/// A piece of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A heading, of level 1 to 6.
    Heading(u8, String),
    /// A paragraph, its lines separated by `\n`.
    Text(String),
    /// A place in [`Form::fields`].
    Field(usize),
}

/// How a field is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One line.
    Text,
    /// One line that nobody else should see.
    Password,
    /// Several lines.
    TextArea,
    /// A value that is not asked for; `opm configure --set` changes it nevertheless.
    Hidden,
    /// Boxes, each to be ticked or not. Mostly there is one.
    Checkbox,
    /// Buttons, of which one is chosen, or none before the first choice.
    Radio,
    /// A list of which one is chosen.
    Select,
    /// A list of which any number is chosen.
    SelectMultiple,
}

/// A field: all inputs of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, which can be that of an XML element: ASCII letters, digits, `_`, `-` and `.`.
    pub name: String,
    /// What the form calls it; its name where the form has no words for it. Of a single checkbox the same as the
    /// label of its choice.
    pub label: String,
    /// How it is answered.
    pub kind: Kind,
    /// Whether an empty answer is none.
    pub required: bool,
    /// Shown, but not to be changed by hand. Like a hidden one it can be set nevertheless.
    pub read_only: bool,
    /// How long a typed value may be, in units of UTF-16, as browsers count.
    pub max_length: Option<usize>,
    /// What can be chosen, each value once. Empty where something is typed.
    pub choices: Vec<Choice>,
    /// How many entry boxes share the name, each with a value of its own: 1, very seldom more; 0 with choices.
    pub boxes: usize,
    /// What an untouched form submits: as many values as there are boxes, or the values that are chosen.
    pub default: Vec<String>,
    /// Where in the file, from 1.
    pub line: u64,
}

/// One of several values of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is stored.
    pub value: String,
    /// What is shown; the value where the form has no words for it.
    pub label: String,
}

/// A place where a browser takes a value from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// Of [`Form::fields`].
    pub field: usize,
    /// Number of the box, or of the choice.
    pub number: usize,
}

impl Form {
    /// The field of a name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|it| it.name == name)
    }

    /// Whether its values are nobody else's business: it asks for a password.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.fields.iter().any(|it| it.kind == Kind::Password)
    }

    /// Names and values as a browser would submit them, given the values of each field of [`Form::fields`].
    #[must_use]
    pub fn entries<'a>(&'a self, values: &[&'a [String]]) -> Vec<(&'a str, &'a str)> {
        let entry = |part: &Part| {
            let (field, values) = (&self.fields[part.field], *values.get(part.field)?);
            let value = match field.choices.get(part.number) {
                Some(choice) => values.iter().find(|it| **it == choice.value)?,
                None => values.get(part.number)?,
            };
            Some((field.name.as_str(), value.as_str()))
        };
        self.order.iter().filter_map(entry).collect()
    }
}

impl Field {
    /// Whether it is chosen, not typed.
    #[must_use]
    pub const fn has_choices(&self) -> bool {
        matches!(self.kind, Kind::Checkbox | Kind::Radio | Kind::Select | Kind::SelectMultiple)
    }

    /// Whether any number of its choices may be taken, none as well.
    #[must_use]
    pub const fn is_multiple(&self) -> bool {
        matches!(self.kind, Kind::Checkbox | Kind::SelectMultiple)
    }

    /// Whether these values leave open what must be said.
    #[must_use]
    pub fn lacks(&self, values: &[String]) -> bool {
        let empty = |it: &String| it.is_empty();
        self.required && (values.is_empty() || values.iter().any(empty))
    }
}

/// How an origin of a value is called where people read it.
#[must_use]
pub const fn origin_in_words(origin: Origin) -> &'static str {
    match origin {
        Origin::Default => "default of the form",
        Origin::Answers => "file of answers",
        Origin::Administrator => "administrator",
    }
}
