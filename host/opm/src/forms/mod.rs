//! Forms of packages, what was answered to them, and the files of values that come of both.

pub mod answers;
mod configure;
mod lookup;

pub(crate) use configure::{configure, configure_image, has_form, needs_configuration};
pub use lookup::{FormFileError, FormLookup, find_form, images_with_package, read_answer_file};
