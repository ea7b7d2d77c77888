//! The real server, asked by a client that can be as rude as it likes.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod access_control;
mod fixture;
mod forms;
mod html;
mod pages;
mod requests;
mod rights;
mod test_server;
mod tls;
