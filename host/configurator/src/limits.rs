//! Limits on forms, far above any real one and far below what would exhaust the machine.

/// Bytes of a form.
pub const FORM_BYTES: usize = 128 << 10;
/// Elements and texts of a form.
pub const NODES: usize = 20_000;
/// Nested elements.
pub const DEPTH: usize = 64;
/// Fields and choices of a form, all together.
pub const CHOICES: usize = 2_000;
/// Characters of the name of a field.
pub const NAME_CHARS: usize = 100;
/// Diagnostics that are kept.
pub const DIAGNOSTICS: usize = 100;
/// Length of one value, in units of UTF-16 as browsers count.
pub const VALUE_UNITS: usize = 64 << 10;
/// Bytes of an answer file or of a file of values.
pub const FILE_BYTES: usize = 4 << 20;
