//! A cluster in the browser: how it stands, its journal and logs, what is asked of it, and the forms of its packages.
//!
//! | module | holds |
//! |---|---|
//! | `server`, `message`, `live` | connections and their limits; events when something changes |
//! | `gate`, `session`, `secret` | who may come in |
//! | `asked`, `fields`, `reply`, `route` | a request, and what answers it |
//! | `site` | the cluster as all pages see it |
//! | `program`, `logs`, `plain` | commands that are started from here, and what programs printed |
//! | `pages` | one page each: what it shows, and what its forms do |
//!
//! Templates make all HTML, and escape whatever they are given. Pages work without their script, which only
//! fetches them again when something has changed.

mod asked;
mod fields;
mod gate;
mod live;
mod logs;
mod message;
mod pages;
mod plain;
mod program;
mod reply;
mod route;
mod secret;
mod server;
mod session;
mod site;

pub use program::Program;
pub use server::{Server, Stop};
pub use site::Settings;
