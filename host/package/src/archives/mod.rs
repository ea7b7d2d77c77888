//! Archives as plugins describe them: what stands in each, written in its order, so that what comes later may hold what came
//! before, and be told how large it became.

mod ar;
mod builder;
mod concatenation;
mod contents;
mod cpio;
mod digest_set;
mod entry;
mod layout;
mod package;
mod pax;
mod tar;
mod tar_gnu;
mod tar_header;

pub(crate) use ar::{MAX_MEMBER_BYTES, format_ar_header};
pub(crate) use builder::ArchiveBuilder;
pub(crate) use digest_set::DigestSet;
pub(crate) use package::build_package;
