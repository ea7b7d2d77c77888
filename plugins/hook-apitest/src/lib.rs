//! Runs the tests that OPKGs bring: definitions in XML, of one program each (`.apt`) or of several tests (`.apb`), and
//! programs that are tests by themselves (`test_root`, `test_user`).
//!
//! | module | holds |
//! |---|---|
//! | `definition` | what a definition says |
//! | `parse`, `xml`, `text`, `words`, `pattern` | how it is read |
//! | `plan` | all definitions of a run, checked before anything runs |
//! | `perform`, `compare` | running them, and what came against what was expected |
//! | `machine` | what that needs of the world |
//! | `runner` | the runner as a plugin |

mod compare;
pub mod definition;
pub mod machine;
pub mod parse;
mod pattern;
pub mod perform;
pub mod plan;
mod runner;
mod text;
mod words;
mod xml;

pub use runner::ApiTest;

opkg_plugin::export_hook_runner!(ApiTest);
