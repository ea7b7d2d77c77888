//! Plugins as real components, most of them with bad intentions, through the public interface of the crate.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod address_space;
mod cache;
mod calls;
mod compiling;
mod discovery;
mod guest;
mod hostile;
mod interface;
mod layout;
mod policy;
mod programs;
mod released;
mod strategies;
mod system_cache;
mod wasi;
