//! Reads one request from a connection, with limits of time and size.

use std::io::{self, ErrorKind, Read};
use std::time::{Duration, Instant};

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};

use crate::stream::Stream;

/// For the request line and all headers to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// For the whole body to arrive.
const FORM_TIMEOUT: Duration = Duration::from_secs(20);
/// Of the request line and all headers together.
const MAX_HEAD_BYTES: usize = 16 << 10;
const MAX_HEADERS: usize = 64;
const MAX_FORM_BYTES: usize = 2 << 20;

/// What requests are read from.
pub trait Connection: Read {
    /// Limits the time that the next read may take.
    fn limit_time(&self, left: Duration) -> io::Result<()>;
}

impl Connection for Stream {
    fn limit_time(&self, left: Duration) -> io::Result<()> {
        self.set_read_timeout(left)
    }
}

/// All bytes that a client sends.
impl Connection for &[u8] {
    fn limit_time(&self, _: Duration) -> io::Result<()> {
        Ok(())
    }
}

/// The request line and the headers.
#[derive(Debug)]
pub struct RequestHead {
    pub method: Method,
    /// Path and query as sent, not decoded.
    pub target: String,
    pub headers: HeaderMap,
    /// The part of the body that was read together with the head.
    body_prefix: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The connection failed: no answer can be sent.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The request is malformed, too large or too slow; the client is told so.
    #[error("{message}")]
    Rejected {
        status: StatusCode,
        message: &'static str,
        /// What the user can do about it.
        help: &'static str,
    },
}

impl RequestError {
    const fn rejected(status: StatusCode, message: &'static str, help: &'static str) -> Self {
        Self::Rejected { status, message, help }
    }
}

const MALFORMED_REQUEST: RequestError =
    RequestError::rejected(StatusCode::BAD_REQUEST, "Malformed request.", "Open the address in a browser.");
const HEAD_TOO_LARGE: RequestError = RequestError::rejected(
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    "The head of the request is too long.",
    "Narrow it with fewer names, or forget the cookies of this address.",
);
const FORM_TOO_LARGE: RequestError = RequestError::rejected(
    StatusCode::PAYLOAD_TOO_LARGE,
    "Request body too large (limit 2 MiB).",
    "Shorten the longest of the values.",
);
const TIMED_OUT: RequestError = RequestError::rejected(
    StatusCode::REQUEST_TIMEOUT,
    "The request did not arrive in time.",
    "Send it again.",
);

/// Reads the request line and the headers.
///
/// # Errors
/// When the request is malformed, too large or too slow, or the connection fails.
pub fn read_head(from: &mut impl Connection) -> Result<RequestHead, RequestError> {
    let deadline = Instant::now() + HEAD_TIMEOUT;
    let mut bytes = Vec::new();
    loop {
        if read_more(from, &mut bytes, MAX_HEAD_BYTES, deadline)? == 0 {
            return Err(if bytes.len() >= MAX_HEAD_BYTES { HEAD_TOO_LARGE } else { MALFORMED_REQUEST });
        }
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let length = match parsed.parse(&bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => continue,
            Err(httparse::Error::TooManyHeaders) => return Err(HEAD_TOO_LARGE),
            Err(_) => return Err(MALFORMED_REQUEST),
        };
        let (Some(method), Some(target)) = (parsed.method, parsed.path) else {
            return Err(MALFORMED_REQUEST);
        };
        let method = method.parse().map_err(|_| MALFORMED_REQUEST)?;
        let target = target.to_owned();
        let headers =
            parsed.headers.iter().map(parse_header).collect::<Option<_>>().ok_or(MALFORMED_REQUEST)?;
        return Ok(RequestHead { method, target, headers, body_prefix: bytes.split_off(length) });
    }
}

fn parse_header(header: &httparse::Header<'_>) -> Option<(HeaderName, HeaderValue)> {
    Some((header.name.parse().ok()?, HeaderValue::from_bytes(header.value).ok()?))
}

/// Reads the body that belongs to a head, undecoded.
///
/// # Errors
/// When the body is no form, has no length, is too large or too slow, or the connection fails.
pub fn read_form(head: &mut RequestHead, from: &mut impl Connection) -> Result<Vec<u8>, RequestError> {
    let text = |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let content_type = text(header::CONTENT_TYPE).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(RequestError::rejected(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Unsupported content type.",
            "Send it from the page's own form.",
        ));
    }
    let lengths = head.headers.get_all(header::CONTENT_LENGTH).iter().count();
    let length: Option<u64> = text(header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
    let (Some(length), 1, false) = (length, lengths, head.headers.contains_key(header::TRANSFER_ENCODING))
    else {
        return Err(RequestError::rejected(
            StatusCode::LENGTH_REQUIRED,
            "The request does not say how long it is.",
            "Send it from the page's own form.",
        ));
    };
    let length =
        usize::try_from(length).ok().filter(|length| *length <= MAX_FORM_BYTES).ok_or(FORM_TOO_LARGE)?;
    let deadline = Instant::now() + FORM_TIMEOUT;
    let mut bytes = std::mem::take(&mut head.body_prefix);
    while bytes.len() < length {
        if read_more(from, &mut bytes, length, deadline)? == 0 {
            return Err(MALFORMED_REQUEST);
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// Appends to `bytes`, up to `limit` bytes in all, and returns how many were read; 0 at the end or at the limit.
fn read_more(
    from: &mut impl Connection,
    bytes: &mut Vec<u8>,
    limit: usize,
    deadline: Instant,
) -> Result<usize, RequestError> {
    let mut chunk = [0; 8 << 10];
    let room = chunk.len().min(limit.saturating_sub(bytes.len()));
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(TIMED_OUT);
        }
        from.limit_time(left)?;
        match from.read(&mut chunk[..room]) {
            Ok(read) => {
                bytes.extend_from_slice(&chunk[..read]);
                return Ok(read);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(TIMED_OUT);
            }
            Err(error) => return Err(error.into()),
        }
    }
}
