//! The configurator: parses the HTML form of a package into fields, checks answers, and writes the file of values.
//!
//! [`Form::parse`] is the entry point. A form is text and fields, nothing that a browser could run or fetch; front
//! ends render it from those.

#![warn(clippy::disallowed_methods)]

mod answer_file;
mod answers;
mod build_form;
mod diagnostic;
mod dom;
mod flow;
mod form;
mod input;
mod layout;
pub mod limits;
mod parse;
mod resolve;
#[cfg(test)]
mod testing;
mod text;
pub mod values_file;

pub use answer_file::{AnswerFile, AnswerFileError};
pub use answers::{AnswerErrorKind, Answers};
pub use diagnostic::{FormDiagnostic, FormError};
pub use form::{Choice, Field, FieldKind, Form, FormItem, origin_label};
pub use resolve::{AnswerError, FieldValues, ResolvedValues};
pub use text::{is_allowed_char, is_field_name, normalize_newlines};
