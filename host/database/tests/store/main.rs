//! The database of a cluster, in a file and on a server: one set of tests for both, and what only one of them has.
#![allow(clippy::unwrap_used)]

mod common;
mod copy;
#[cfg(debug_assertions)]
mod crash;
mod document;
mod errors;
mod lock;
mod model;
mod mysql_import;
mod overview;
mod pending;
mod postgres;
mod prune;
mod purge;
mod read_only;
mod scale;
mod small_disk;
