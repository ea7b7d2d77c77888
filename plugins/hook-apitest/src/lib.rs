//! Runs the tests that OPKGs bring: definitions in XML, of one program each (`.apt`) or of several tests (`.apb`), and
//! programs that are tests by themselves (`test_root`, `test_user`).
//!
//! | module | holds |
//! |---|---|
//! | `definition` | the model of a definition |
//! | `parse`, `xml`, `text`, `shell_words`, `pattern` | reading it |
//! | `plan` | all definitions of a run, checked before anything runs |
//! | `execute`, `compare` | running them, and comparing their output with what was expected |
//! | `host` | what that needs of its host |
//! | `runner` | the runner as a plugin |

mod compare;
pub mod definition;
pub mod execute;
pub mod host;
pub mod parse;
mod pattern;
pub mod plan;
mod runner;
mod shell_words;
mod text;
mod xml;

pub use runner::ApiTestRunner;

opkg_sdk::export_hook_runner!(ApiTestRunner);
