//! Where tests are installed, in the root of a target.

/// The testing directory, in the root of a target.
pub const TESTING_DIR: &str = "/usr/lib/oscar/testing";

/// The definitions of all packages, below [`TESTING_DIR`].
pub const DEFINITIONS_DIR: &str = "apitests.d";

/// What each package brings beside these, in a directory of its name, below [`TESTING_DIR`].
pub const DATA_DIR: &str = "data";
