//! A cluster in the browser: its status, its journal and logs, requests, and the forms of its packages.
//!
//! | module | holds |
//! |---|---|
//! | `server`, `connections`, `request_reader`, `events` | connections and their limits; events when something changes |
//! | `stream`, `listener`, `tls` | where they come from |
//! | `auth`, `access`, `token`, `proxy`, `public_url`, `session` | who has access |
//! | `person`, `people` | who asks, and what they may do |
//! | `request`, `params`, `response`, `bare_error`, `assets`, `route` | a request, and what answers it |
//! | `app_state` | the cluster as all pages see it |
//! | `command` | commands that are started from here |
//! | `pages` | one page each: what it shows, and what its forms do |
//!
//! Templates make all HTML, and escape whatever they are given. Pages work without their script, which only
//! fetches them again when something has changed.

mod access;
mod app_state;
mod assets;
mod auth;
mod bare_error;
mod command;
mod connections;
mod events;
mod fuzz;
mod listener;
mod pages;
mod params;
mod people;
mod person;
mod proxy;
mod public_url;
mod request;
mod request_reader;
mod response;
mod route;
mod server;
mod session;
mod stream;
mod tls;
mod token;

pub use app_state::ServerSettings;
pub use auth::{SignIn, StartError};
pub use command::{AUTHOR_VARIABLE, Program};
#[doc(hidden)]
pub use fuzz::read_request_bytes;
pub use http::header::HeaderName;
pub use listener::ListenAddress;
pub use proxy::ProxySettings;
pub use public_url::PublicUrl;
#[doc(hidden)]
pub use route::{ROUTES, Route};
pub use server::{Server, StopHandle};
pub use tls::{TlsError, TlsSettings};
