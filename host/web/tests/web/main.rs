//! The real server, asked by a client that can be as rude as it likes.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod client;
mod cluster;
mod forms;
mod html;
mod pages;
mod refusals;
mod requests;
