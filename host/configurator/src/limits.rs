//! How much of a form is read. All of it is far beyond any real one, and far below what would hurt the machine.

/// Bytes of a form.
pub const FORM_BYTES: usize = 128 << 10;
/// Elements and texts of a form.
pub const NODES: usize = 20_000;
/// Elements inside of one another.
pub const DEPTH: usize = 64;
/// Fields and choices of a form, all together.
pub const CHOICES: usize = 2_000;
/// Letters of a field's name.
pub const NAME_CHARS: usize = 100;
/// Findings that are kept; who has more than that knows enough.
pub const FINDINGS: usize = 100;
/// Length of one value, in units of UTF-16 as browsers count.
pub const VALUE_UNITS: usize = 64 << 10;
/// Bytes of a file of answers or of values.
pub const FILE_BYTES: usize = 4 << 20;
