//! The real system: real processes, in real roots.
#![allow(clippy::unwrap_used)]

mod bench;
mod configure;
mod deb;
mod hooks;
mod leftovers;
mod pretended;
mod rpm;
mod unprivileged;
