//! Makes responses of templates.

use std::borrow::Cow;

use askama::Template;
use http::StatusCode;

use super::error::PageError;
use super::layout::{Layout, Tab};
use crate::bare_error::bare_error_page;
use crate::request::Request;
use crate::response::Response;

#[derive(Debug, Template)]
#[template(path = "error.html")]
struct ErrorPage {
    layout: Layout,
    help: Cow<'static, str>,
}

/// # Errors
/// When the template fails.
pub fn render_html(status: StatusCode, page: &impl Template) -> Result<Response, PageError> {
    Ok(Response::html(status, page.render()?))
}

/// A page with the message as its heading.
#[must_use]
pub fn error_page(request: &Request, error: &PageError) -> Response {
    let layout = Layout::new(request, Tab::None, 0, error.to_string());
    let status = error.status_code();
    render_html(status, &ErrorPage { layout, help: error.help() })
        .unwrap_or_else(|_| bare_error_page(status, &error.to_string(), ""))
}
