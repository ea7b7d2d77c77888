//! The reference of `config.xml`, as a page of the documentation and as a man page. What it says of elements stands in the
//! schema; what it says of scripts stands here.

mod man_page;
mod markdown;
mod script_arguments;

pub use man_page::man_page;
pub use markdown::markdown;

use opkg::reference::Occurrence;

/// How often an element may be there.
fn in_words(occurrence: Occurrence) -> &'static str {
    match (occurrence.is_required, occurrence.is_repeatable) {
        (true, false) => "once",
        (true, true) => "once or more",
        (false, false) => "at most once",
        (false, true) => "any number of times",
    }
}
