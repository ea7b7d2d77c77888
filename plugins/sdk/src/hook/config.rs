//! What the administrator answered in the package's form; of the image, where the hook is about one.

use crate::bindings::runner::opkg::plugin::config_values as host;

/// The first value of a field, if it has any.
#[must_use]
pub fn value(name: &str) -> Option<String> {
    host::get(name).into_iter().next()
}

/// All values of a field: a list of several choices has more than one, a box that is not checked none.
#[must_use]
pub fn values(name: &str) -> Vec<String> {
    host::get(name)
}

/// All fields with their values, in the order of the form.
#[must_use]
pub fn all() -> Vec<(String, Vec<String>)> {
    host::all()
}
