//! Colours. They underline what the words and symbols say already, and say nothing by themselves.

/// What a text is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As it should be.
    Success,
    /// Wrong.
    Error,
    /// Not there yet.
    Warning,
    /// On its way.
    InProgress,
    /// A heading.
    Heading,
    /// Of little interest.
    Dimmed,
}

/// Whether there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Styles(pub bool);

impl Styles {
    /// The text in the colour of its style.
    #[must_use]
    pub fn apply(self, style: Style, text: &str) -> String {
        if !self.0 || text.is_empty() {
            return text.to_owned();
        }
        let code = match style {
            Style::Success => "32",
            Style::Error => "1;31",
            Style::Warning => "33",
            Style::InProgress => "36",
            Style::Heading => "1",
            Style::Dimmed => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
