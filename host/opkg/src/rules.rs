//! The rules of the format one by one, for those who write OPKGs instead of reading them.

pub use crate::config::{
    CLASSES, DEFAULT_GROUP, LICENSES, SUMMARY_CHARS, fault_in_email, is_name, is_relation_name, proposed_name,
};
pub use crate::tree::is_dropping;
pub use crate::version::fault_in_bound;
