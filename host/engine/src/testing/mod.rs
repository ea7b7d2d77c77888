//! Tests that packages bring: which files define them, and what came of them.
//!
//! They are installed below [`TESTING_DIR`], those of all packages beside each other; a hook runner knows how they are
//! written.

mod results;
mod runner;

pub use opkg_apitest::discovery::{TestFiles, find_package_tests};
pub use opkg_apitest::paths::{DATA_DIR, DEFINITIONS_DIR, TESTING_DIR};
pub use results::{TestCounts, TestNode, TestRecorder, TestStatus};
pub use runner::{
    TestBackend, TestDiscoveryError, TestObserver, TestRun, TestRunResult, TestRunner, TestSubject,
    phase_test_file,
};
