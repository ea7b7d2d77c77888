//! What is sent back, always with the headers that keep a page to itself.

use std::borrow::Cow;
use std::io::{self, Write};

use http::StatusCode;
use http::header::{self, HeaderName};

/// Where our own pages come from, as the browser sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `http://127.0.0.1:8600`
    pub text: String,
    /// Whether it is on the browser's own machine.
    pub is_local: bool,
}

/// A whole answer.
#[derive(Debug)]
pub struct Reply {
    /// How it went.
    pub status: StatusCode,
    /// What the body is.
    pub kind: &'static str,
    /// The body.
    pub body: Cow<'static, [u8]>,
    /// Further headers. What cannot be in a header is left out of it.
    pub headers: Vec<(HeaderName, String)>,
}

/// A page of HTML.
const HTML: &str = "text/html; charset=utf-8";
/// A stream of events, as browsers listen to them.
const EVENTS: &str = "text/event-stream";

impl Reply {
    /// An answer that never changes.
    #[must_use]
    pub fn fixed(kind: &'static str, body: &'static str) -> Self {
        Self { status: StatusCode::OK, kind, body: body.as_bytes().into(), headers: Vec::new() }
    }

    /// A page.
    #[must_use]
    pub fn page(status: StatusCode, html: String) -> Self {
        Self { status, kind: HTML, body: html.into_bytes().into(), headers: Vec::new() }
    }

    /// Go and look there; whatever was sent is not sent again.
    #[must_use]
    pub fn see(address: String) -> Self {
        Self::page(StatusCode::SEE_OTHER, String::new()).with(header::LOCATION, address)
    }

    /// With a further header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sends it; for those who only want to know of it without its body.
    ///
    /// # Errors
    /// When the other side is gone.
    pub fn send(&self, to: &mut impl Write, origin: &Origin, is_whole: bool) -> io::Result<()> {
        let mut head = head(self.status, self.kind, origin);
        push(&mut head, &header::CONTENT_LENGTH, &self.body.len().to_string());
        for (name, value) in &self.headers {
            push(&mut head, name, value);
        }
        head.push_str("\r\n");
        to.write_all(head.as_bytes())?;
        if is_whole {
            to.write_all(&self.body)?;
        }
        to.flush()
    }
}

/// Begins a stream of events.
///
/// # Errors
/// When the other side is gone.
pub fn begin_events(to: &mut impl Write, origin: &Origin) -> io::Result<()> {
    let head = head(StatusCode::OK, EVENTS, origin);
    to.write_all(format!("{head}\r\n").as_bytes())
}

/// Nothing is loaded but our own script, style and sign; nothing is sent elsewhere; nobody puts a page into a frame
/// or keeps it. A connection carries one answer.
fn head(status: StatusCode, kind: &str, origin: &Origin) -> String {
    let own = &origin.text;
    let policy = format!(
        "default-src 'none'; script-src {own}/script.js; style-src {own}/style.css; img-src {own}/icon.svg; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let mut head =
        format!("HTTP/1.1 {} {}\r\n", status.as_str(), status.canonical_reason().unwrap_or_default());
    for (name, value) in [
        (header::CONNECTION, "close"),
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, &policy),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Elsewhere browsers send no other header that tells our own forms from those of others.
        (header::REFERRER_POLICY, if origin.is_local { "no-referrer" } else { "same-origin" }),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        push(&mut head, &name, value);
    }
    head
}

fn push(head: &mut String, name: &HeaderName, value: &str) {
    let value = value.chars().filter(|it| !it.is_control());
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
        Reply::see("/x\r\nset-cookie: a=b\r\n\r\n<p>".into()).send(&mut sent, &origin, true).unwrap();
        let sent = String::from_utf8(sent).unwrap();
        assert!(sent.contains("\r\nlocation: /xset-cookie: a=b<p>\r\n"), "{sent}");
        assert!(sent.ends_with("\r\n\r\n") && sent.matches("\r\n\r\n").count() == 1, "{sent}");
    }
}
