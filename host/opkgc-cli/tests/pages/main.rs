//! What is told about findings and about the format: pages whose examples are tried.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod blocks;
mod explanations;
mod reference;
mod sandbox;
