//! The reader of requests, for tests with arbitrary bytes.

use crate::params::Params;
use crate::request::parse_path;
use crate::request_reader::{read_form, read_head};

/// Reads a request from all bytes that a client sends, up to where the server would authenticate it.
pub fn read_request_bytes(mut bytes: &[u8]) {
    let Ok(mut head) = read_head(&mut bytes) else { return };
    let (path, query) = head.target.split_once('?').unwrap_or((&head.target, ""));
    let _ = parse_path(path);
    let _ = Params::parse(query.as_bytes());
    let _ = read_form(&mut head, &mut bytes).map(|form| Params::parse(&form));
}
