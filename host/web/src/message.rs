//! Reading one request from a connection, within a time and a size.

use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};

/// For the head of a request to arrive.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// For a form to arrive.
const FORM_PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of a request's head.
const MOST_IN_HEAD: usize = 16 << 10;
const MOST_HEADERS: usize = 64;
/// Bytes of a form.
const MOST_IN_FORM: usize = 2 << 20;

/// The head of a request.
#[derive(Debug)]
pub struct Head {
    /// What is to be done.
    pub method: Method,
    /// What stands behind it: a path, and a query perhaps.
    pub target: String,
    /// All headers.
    pub headers: HeaderMap,
    /// What came behind the head already.
    rest: Vec<u8>,
}

/// Why a request was not read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The connection ended, and nobody is left to be told.
    #[error(transparent)]
    Gone(#[from] io::Error),
    /// It is no request, or too large a one.
    #[error("{what}")]
    Refused {
        /// The status that says so.
        status: StatusCode,
        /// What is wrong.
        what: &'static str,
        /// What to do.
        help: &'static str,
    },
}

impl Unread {
    const fn refused(status: StatusCode, what: &'static str, help: &'static str) -> Self {
        Self::Refused { status, what, help }
    }
}

const NO_REQUEST: Unread =
    Unread::refused(StatusCode::BAD_REQUEST, "That is no request.", "Open the address in a browser.");
const LONG_HEAD: Unread = Unread::refused(
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    "The head of the request is too long.",
    "Narrow it with fewer names, or forget the cookies of this address.",
);
const LARGE_FORM: Unread = Unread::refused(
    StatusCode::PAYLOAD_TOO_LARGE,
    "More than 2 MiB were sent.",
    "Shorten the longest of the values.",
);
const LATE: Unread =
    Unread::refused(StatusCode::REQUEST_TIMEOUT, "The request did not arrive in time.", "Send it again.");

/// Reads the head.
///
/// # Errors
/// When it is none, too long, or too late.
pub fn head(from: &mut TcpStream) -> Result<Head, Unread> {
    let until = Instant::now() + HEAD_PATIENCE;
    let mut bytes = Vec::new();
    loop {
        if more(from, &mut bytes, MOST_IN_HEAD, until)? == 0 {
            return Err(if bytes.len() >= MOST_IN_HEAD { LONG_HEAD } else { NO_REQUEST });
        }
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let length = match parsed.parse(&bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => continue,
            Err(httparse::Error::TooManyHeaders) => return Err(LONG_HEAD),
            Err(_) => return Err(NO_REQUEST),
        };
        let (Some(method), Some(target)) = (parsed.method, parsed.path) else { return Err(NO_REQUEST) };
        let method = method.parse().map_err(|_| NO_REQUEST)?;
        let target = target.to_owned();
        let headers = parsed.headers.iter().map(pair).collect::<Option<_>>().ok_or(NO_REQUEST)?;
        return Ok(Head { method, target, headers, rest: bytes.split_off(length) });
    }
}

fn pair(header: &httparse::Header<'_>) -> Option<(HeaderName, HeaderValue)> {
    Some((header.name.parse().ok()?, HeaderValue::from_bytes(header.value).ok()?))
}

/// Reads the form behind a head.
///
/// # Errors
/// When it is none, too long, or too late.
pub fn form(head: &mut Head, from: &mut TcpStream) -> Result<Vec<u8>, Unread> {
    let text = |name| head.headers.get(name).and_then(|it: &HeaderValue| it.to_str().ok());
    let kind = text(header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Unread::refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "This is not sent as forms are.",
            "Send it from the page's own form.",
        ));
    }
    let lengths = head.headers.get_all(header::CONTENT_LENGTH).iter().count();
    let length: Option<u64> = text(header::CONTENT_LENGTH).and_then(|it| it.parse().ok());
    let (Some(length), 1, false) = (length, lengths, head.headers.contains_key(header::TRANSFER_ENCODING))
    else {
        return Err(Unread::refused(
            StatusCode::LENGTH_REQUIRED,
            "The request does not say how long it is.",
            "Send it from the page's own form.",
        ));
    };
    let length = usize::try_from(length).ok().filter(|it| *it <= MOST_IN_FORM).ok_or(LARGE_FORM)?;
    let until = Instant::now() + FORM_PATIENCE;
    let mut bytes = std::mem::take(&mut head.rest);
    while bytes.len() < length {
        if more(from, &mut bytes, length, until)? == 0 {
            return Err(NO_REQUEST);
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// Reads on, to at most `most` bytes; none are left when the answer is 0.
fn more(from: &mut TcpStream, bytes: &mut Vec<u8>, most: usize, until: Instant) -> Result<usize, Unread> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(LATE);
    }
    from.set_read_timeout(Some(left))?;
    let mut chunk = [0; 8 << 10];
    let room = chunk.len().min(most.saturating_sub(bytes.len()));
    match from.read(&mut chunk[..room]) {
        Ok(read) => {
            bytes.extend_from_slice(&chunk[..read]);
            Ok(read)
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Err(LATE),
        Err(error) if error.kind() == ErrorKind::Interrupted => more(from, bytes, most, until),
        Err(error) => Err(error.into()),
    }
}
