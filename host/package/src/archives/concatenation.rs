//! The contents of entries, one behind the other.

use std::io::{self, Write};

use super::entry::{Data, Entry, EntryError, OTHER_FORMAT, refuse};
use crate::source::into_error;

/// Appends what an entry holds. There is no place for anything else of it.
pub(super) fn append(to: &mut impl Write, entry: Entry<'_>) -> Result<(), EntryError> {
    if !entry.path.is_empty() {
        return refuse("a concatenation has no place for names", OTHER_FORMAT);
    }
    let Data::File(size, contents) = entry.data else {
        return refuse("a concatenation has regular files alone", OTHER_FORMAT);
    };
    match io::copy(contents, to).map_err(into_error)? == size {
        true => Ok(()),
        false => Err(io::Error::other("a file changed its size while the package was being built").into()),
    }
}
