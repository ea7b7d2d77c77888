//! Packages that are made of archives, which version 1.0 brought: what plugins say of them, and what they are told while they
//! are made.

pub(crate) mod from_wit;
pub(crate) mod to_wit;
