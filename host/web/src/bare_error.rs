//! The error page for requests that may not see anything else.

use askama::Template;
use http::StatusCode;

use crate::response::Response;

#[derive(Debug, Template)]
#[template(path = "bare_error.html")]
struct BareErrorPage<'a> {
    message: &'a str,
    help: &'a str,
}

/// A page without navigation, session or assets.
#[must_use]
pub fn bare_error_page(status: StatusCode, message: &str, help: &str) -> Response {
    let page = BareErrorPage { message, help }.render();
    // A page of two sentences cannot fail; if it does, the status says it.
    Response::html(status, page.unwrap_or_default())
}
