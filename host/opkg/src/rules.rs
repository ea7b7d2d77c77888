//! The rules of the format one by one, for those who write OPKGs instead of reading them.

pub use crate::config::{
    CLASSES, DEFAULT_GROUP, EmailError, MAX_SUMMARY_CHARS, check_email, is_name, is_relation_name,
    suggest_name,
};
pub use crate::license::{LICENSES, LicenseText, classify_license};
pub use crate::tree::{hook_names, is_vcs_or_editor_file};
pub use crate::version::{BoundError, check_bound};
