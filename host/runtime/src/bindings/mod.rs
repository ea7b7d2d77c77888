//! What the interface of `wit/` becomes in Rust, in each of its versions that are served: records of the plugin's side of the
//! house. Only this crate calls through them; the others see the host's own records alone.

pub mod v0_1;
pub mod v1;
