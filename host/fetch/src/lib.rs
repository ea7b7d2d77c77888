//! Fetches from servers of HTTP.
//!
//! Servers are hostile: what they send has a limit, what takes too long ends, and where they redirect to is followed a
//! few times only, never from an encrypted connection to an open one, never with headers that are meant for another
//! server, and never with what a server was to take. Proxies are those of the environment (`ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).

#![warn(clippy::disallowed_methods)]

mod certificates;
mod error;
mod fetcher;
mod proxy;
mod request;
mod response;
mod url;

pub use crate::error::FetchError;
pub use crate::fetcher::{Fetcher, Timeouts};
pub use crate::proxy::InvalidProxy;
pub use crate::request::{Method, Request};
pub use crate::response::Response;
