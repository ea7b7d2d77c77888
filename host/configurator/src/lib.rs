//! The configurator: a package's form becomes fields, the fields get answers, the answers become a file of values.
//!
//! [`Form::read`] is the way in. What is left of the page is text and fields, nothing that a browser could run or
//! fetch; whoever shows a form renders it anew from that.

mod answers;
mod assemble;
mod file;
mod finding;
mod flow;
mod form;
mod input;
mod layout;
pub mod limits;
mod read;
mod settle;
#[cfg(test)]
mod testing;
mod text;
mod tree;
pub mod values;

pub use answers::{Answers, Flaw};
pub use file::{AnswerFile, AnswerFileError};
pub use finding::{Finding, FormError};
pub use form::{Choice, Field, Form, Item, Kind, origin_in_words};
pub use settle::{FieldValues, Refused, Settled};
pub use text::{is_name, is_storable, normalise};
