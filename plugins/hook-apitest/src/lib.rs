//! Runs the tests that OPKGs bring: definitions in XML, of one program each (`.apt`) or of several tests (`.apb`), and
//! programs that are tests by themselves (`test_root`, `test_user`).
//!
//! Definitions are read and planned by `opkg-apitest`.
//!
//! | module | holds |
//! |---|---|
//! | `execute`, `compare` | running them, and comparing their output with what was expected |
//! | `host` | what that needs of its host |
//! | `runner` | the runner as a plugin |

mod compare;
pub mod execute;
pub mod host;
mod runner;

pub use runner::ApiTestRunner;

opkg_sdk::export_hook_runner!(ApiTestRunner);
