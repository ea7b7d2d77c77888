//! A cluster in the browser: its status, its journal and logs, requests, and the forms of its packages.
//!
//! | module | holds |
//! |---|---|
//! | `server`, `connections`, `request_reader`, `events` | connections and their limits; events when something changes |
//! | `auth`, `session`, `secret` | who has access |
//! | `request`, `params`, `response`, `bare_error`, `assets`, `route` | a request, and what answers it |
//! | `app_state` | the cluster as all pages see it |
//! | `command` | commands that are started from here |
//! | `pages` | one page each: what it shows, and what its forms do |
//!
//! Templates make all HTML, and escape whatever they are given. Pages work without their script, which only
//! fetches them again when something has changed.

mod app_state;
mod assets;
mod auth;
mod bare_error;
mod command;
mod connections;
mod events;
mod fuzz;
mod pages;
mod params;
mod request;
mod request_reader;
mod response;
mod route;
mod server;
mod session;

pub use app_state::ServerSettings;
pub use command::Program;
#[doc(hidden)]
pub use fuzz::read_request_bytes;
pub use server::{Server, StopHandle};
