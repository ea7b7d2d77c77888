//! The suite on plugins that hold its rules, and on plugins that do not.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod built_in;
mod good_plugins;
mod mutants;
mod rules;
