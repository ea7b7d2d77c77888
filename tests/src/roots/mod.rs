//! Directories that stand for a system of their own, in which a distribution's package manager installs packages
//! and runs their scriptlets. They need root.

mod cache;
pub mod chroot;
pub mod debian;
pub mod fake;
pub mod programs;
pub mod rpm;
pub mod systemd;
