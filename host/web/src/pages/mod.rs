//! One page each: what it shows, as plain values for its template, and what its forms do.

mod details;
pub mod error;
pub mod form;
pub mod forms;
pub mod journal;
mod layout;
mod lookup;
mod matrix;
pub mod operation;
pub mod package;
pub mod package_target;
mod plural;
pub mod render;
pub mod requests;
pub mod status;
mod urls;
