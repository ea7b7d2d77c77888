//! Responses, always with the headers that isolate a page from other origins.

use std::borrow::Cow;
use std::io::{self, Write};

use http::StatusCode;
use http::header::{self, HeaderName};

/// The origin of our own pages, as the browser sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `http://127.0.0.1:8600`
    pub text: String,
    /// Whether it is a loopback address.
    pub is_local: bool,
}

#[derive(Debug)]
pub struct Response {
    pub status: StatusCode,
    pub content_type: &'static str,
    pub body: Cow<'static, [u8]>,
    /// Further headers. Control characters are left out of their values.
    pub headers: Vec<(HeaderName, String)>,
}

const HTML_CONTENT_TYPE: &str = "text/html; charset=utf-8";
const EVENT_STREAM_CONTENT_TYPE: &str = "text/event-stream";

impl Response {
    /// A file that is compiled in.
    #[must_use]
    pub fn asset(content_type: &'static str, body: &'static str) -> Self {
        Self { status: StatusCode::OK, content_type, body: body.as_bytes().into(), headers: Vec::new() }
    }

    #[must_use]
    pub fn html(status: StatusCode, html: String) -> Self {
        Self { status, content_type: HTML_CONTENT_TYPE, body: html.into_bytes().into(), headers: Vec::new() }
    }

    /// A redirect after a form: the browser gets the URL, and does not send the form again when it is reloaded.
    #[must_use]
    pub fn see_other(url: String) -> Self {
        Self::html(StatusCode::SEE_OTHER, String::new()).with_header(header::LOCATION, url)
    }

    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sends it; without the body in answer to HEAD.
    ///
    /// # Errors
    /// When the other side is gone.
    pub fn send(&self, to: &mut impl Write, origin: &Origin, include_body: bool) -> io::Result<()> {
        let mut head = response_head(self.status, self.content_type, origin);
        push_header(&mut head, &header::CONTENT_LENGTH, &self.body.len().to_string());
        for (name, value) in &self.headers {
            push_header(&mut head, name, value);
        }
        head.push_str("\r\n");
        to.write_all(head.as_bytes())?;
        if include_body {
            to.write_all(&self.body)?;
        }
        to.flush()
    }
}

/// Sends the head of a stream of server-sent events.
///
/// # Errors
/// When the other side is gone.
pub fn start_event_stream(to: &mut impl Write, origin: &Origin) -> io::Result<()> {
    let head = response_head(StatusCode::OK, EVENT_STREAM_CONTENT_TYPE, origin);
    to.write_all(format!("{head}\r\n").as_bytes())
}

/// The policy: only our own script, style and icon are loaded, forms are sent only to us, and nobody may frame or cache
/// a page. A connection carries one response.
fn response_head(status: StatusCode, content_type: &str, origin: &Origin) -> String {
    let own = &origin.text;
    let policy = format!(
        "default-src 'none'; script-src {own}/script.js; style-src {own}/style.css; img-src {own}/icon.svg; \
         connect-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'"
    );
    let mut head =
        format!("HTTP/1.1 {} {}\r\n", status.as_str(), status.canonical_reason().unwrap_or_default());
    for (name, value) in [
        (header::CONNECTION, "close"),
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, &policy),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Elsewhere browsers send no other header that tells our own forms from those of others.
        (header::REFERRER_POLICY, if origin.is_local { "no-referrer" } else { "same-origin" }),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        push_header(&mut head, &name, value);
    }
    head
}

fn push_header(head: &mut String, name: &HeaderName, value: &str) {
    let value = value.chars().filter(|letter| !letter.is_control());
    head.push_str(name.as_str());
    head.push_str(": ");
    head.extend(value);
    head.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn no_header_begins_another_one() {
        let origin = Origin { text: "http://127.0.0.1:1".into(), is_local: true };
        let mut sent = Vec::new();
        Response::see_other("/x\r\nset-cookie: a=b\r\n\r\n<p>".into())
            .send(&mut sent, &origin, true)
            .unwrap();
        let sent = String::from_utf8(sent).unwrap();
        assert!(sent.contains("\r\nlocation: /xset-cookie: a=b<p>\r\n"), "{sent}");
        assert!(sent.ends_with("\r\n\r\n") && sent.matches("\r\n\r\n").count() == 1, "{sent}");
    }
}
