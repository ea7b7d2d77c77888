//! The real system: real processes, in real roots.
#![allow(clippy::unwrap_used)]

mod component_builder;
mod components;
mod configure;
mod confinement;
mod deb;
mod fake_package_manager;
mod fixture;
mod hook_matrix;
mod hooks;
mod matrix;
mod orphans;
mod removal;
mod rpm;
mod testing;
mod unprivileged;
