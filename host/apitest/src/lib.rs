//! The tests that OPKGs bring: definitions in XML, of one program each (`.apt`) or of several tests (`.apb`), and
//! programs that are tests by themselves (`test_root`, `test_user`).
//!
//! Only read here, by whoever runs them and by whoever checks an OPKG.
//!
//! | module | holds |
//! |---|---|
//! | `paths`, `discovery` | where tests are installed, and which are those of a package |
//! | `definition` | the model of a definition |
//! | `parse`, `xml`, `text`, `shell_words`, `pattern` | reading it |
//! | `plan` | all definitions of a run, checked before anything runs |

pub mod definition;
pub mod discovery;
pub mod parse;
pub mod paths;
pub mod pattern;
pub mod plan;
mod shell_words;
pub mod text;
pub mod xml;
