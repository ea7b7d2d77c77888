//! Directories that stand for a system of their own, in which a distribution's package manager installs packages
//! and runs their scriptlets. They need root.

pub mod debian;
mod kept;
mod programs;
pub mod rpm;
pub mod system;
