//! The model of a form: texts and fields, in the order of the document.

use opkg_oda::ValueOrigin;

/// The form of a package.
///
/// A front end shows [`Form::items`], asks for the fields among them, and returns `Answers`. All texts are
/// plain: one line each without control characters, to be escaped like any other text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    pub title: Option<String>,
    /// From top to bottom. Every field that is not hidden is there exactly once.
    pub items: Vec<FormItem>,
    /// Each name once, in the order of the first input of each.
    pub fields: Vec<Field>,
    /// The order in which a browser submits values.
    pub(crate) submission_order: Vec<ValueSlot>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormItem {
    /// A heading, of level 1 to 6.
    Heading(u8, String),
    /// A paragraph, its lines separated by `\n`.
    Text(String),
    /// An index into [`Form::fields`].
    Field(usize),
}

/// The kind of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// One line.
    Text,
    /// One line, not echoed.
    Password,
    /// Several lines.
    TextArea,
    /// Not shown; `opm configure --set` can change it.
    Hidden,
    /// Independent boxes, mostly one.
    Checkbox,
    /// Of the buttons at most one is selected.
    Radio,
    /// A list of which one option is selected.
    Select,
    /// A list of which any number of options is selected.
    SelectMultiple,
}

/// A field: all inputs of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Valid as the name of an XML element: ASCII letters, digits, `_`, `-` and `.`.
    pub name: String,
    /// The name of the field where the form has no label. Of a single checkbox the label of its choice.
    pub label: String,
    pub kind: FieldKind,
    /// Whether an empty answer counts as missing.
    pub required: bool,
    /// Shown, but not editable. Like a hidden field it can be set by `opm configure --set`.
    pub read_only: bool,
    /// In units of UTF-16, as browsers count.
    pub max_length: Option<usize>,
    /// Each value once. Empty for text inputs.
    pub choices: Vec<Choice>,
    /// How many text inputs share the name, each with its own value: mostly 1; 0 with choices.
    pub input_count: usize,
    /// What an unchanged form submits: one value for each input, or the selected choices.
    pub default: Vec<String>,
    /// Counted from 1.
    pub line: u64,
}

/// One of several values of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub value: String,
    /// The value where the form has no label.
    pub label: String,
}

/// One value that a browser submits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ValueSlot {
    /// Index into [`Form::fields`].
    pub field: usize,
    /// Index of the input, or of the choice.
    pub index: usize,
}

impl Form {
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether it asks for a password, so that its values must not be shown.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.fields.iter().any(|field| field.kind == FieldKind::Password)
    }

    /// Names and values as a browser would submit them, given the values of each field of [`Form::fields`].
    #[must_use]
    pub fn entries<'a>(&'a self, values: &[&'a [String]]) -> Vec<(&'a str, &'a str)> {
        let entry = |slot: &ValueSlot| {
            let (field, values) = (&self.fields[slot.field], *values.get(slot.field)?);
            let value = match field.choices.get(slot.index) {
                Some(choice) => values.iter().find(|value| **value == choice.value)?,
                None => values.get(slot.index)?,
            };
            Some((field.name.as_str(), value.as_str()))
        };
        self.submission_order.iter().filter_map(entry).collect()
    }
}

impl Field {
    #[must_use]
    pub const fn has_choices(&self) -> bool {
        matches!(
            self.kind,
            FieldKind::Checkbox | FieldKind::Radio | FieldKind::Select | FieldKind::SelectMultiple
        )
    }

    /// Whether any number of its choices can be selected, including none.
    #[must_use]
    pub const fn is_multiple(&self) -> bool {
        matches!(self.kind, FieldKind::Checkbox | FieldKind::SelectMultiple)
    }

    /// Whether the field is required and these values leave it empty.
    #[must_use]
    pub fn is_missing(&self, values: &[String]) -> bool {
        self.required && (values.is_empty() || values.iter().any(String::is_empty))
    }
}

/// The name of an origin for users.
#[must_use]
pub const fn origin_label(origin: ValueOrigin) -> &'static str {
    match origin {
        ValueOrigin::Default => "default of the form",
        ValueOrigin::AnswerFile => "answer file",
        ValueOrigin::Administrator => "administrator",
    }
}
