//! The real system: real processes, in real roots.
#![allow(clippy::unwrap_used)]

mod bench;
mod components;
mod configure;
mod deb;
mod guest;
mod hooks;
mod leftovers;
mod places;
mod pretended;
mod rpm;
mod testing;
mod unprivileged;
