//! What a server answers.

use std::io::{Read, Write};

use ureq::Body;

use crate::error::{FetchError, describe};
use crate::url;

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 64 << 10;

/// An answer of which the contents are still to come.
#[derive(Debug)]
pub struct Response {
    /// Where it came from in the end.
    url: String,
    answer: ureq::http::Response<Body>,
}

impl Response {
    pub(crate) fn new(url: String, answer: ureq::http::Response<Body>) -> Self {
        Self { url, answer }
    }

    /// Where it came from, after all redirections.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Of HTTP: 200.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.answer.status().as_u16()
    }

    /// Where the answer sends, as an absolute address.
    #[must_use]
    pub fn location(&self) -> Option<String> {
        Some(url::resolve(url::parse(&self.url)?, self.header("location")?))
    }

    /// All headers of a name that are text.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.answer.headers().get_all(name).iter().filter_map(|it| it.to_str().ok())
    }

    /// A header, if it is there and text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.answer.headers().get(name)?.to_str().ok()
    }

    /// Bytes of the contents, as the server announces them.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// Writes the contents, of which there may be so many bytes, and returns how many there were. `progress` is told how
    /// many there are so far.
    ///
    /// # Errors
    /// When there are more, they end early, or they cannot be written.
    pub fn copy_to(
        self,
        to: &mut dyn Write,
        limit: u64,
        progress: &mut dyn FnMut(u64),
    ) -> Result<u64, FetchError> {
        let announced = self.length();
        let Self { url, answer } = self;
        let too_large = |url: &str| FetchError::TooLarge { url: url.to_owned(), limit };
        if announced.is_some_and(|length| length > limit) {
            return Err(too_large(&url));
        }
        let mut reader = answer.into_body().into_reader();
        let mut buffer = vec![0; PIECE_BYTES];
        let mut received = 0;
        loop {
            let count = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Err(truncated(url, received, announced));
                }
                Err(error) => return Err(describe(&url, ureq::Error::from(error))),
            };
            received += count as u64;
            if received > limit {
                return Err(too_large(&url));
            }
            to.write_all(&buffer[..count]).map_err(FetchError::Write)?;
            progress(received);
        }
        match announced {
            Some(length) if length != received => Err(truncated(url, received, announced)),
            _ => Ok(received),
        }
    }

    /// The contents as a whole, of which there may be so many bytes.
    ///
    /// # Errors
    /// As of [`Response::copy_to`].
    pub fn read(self, limit: u64) -> Result<Vec<u8>, FetchError> {
        let mut bytes = Vec::new();
        self.copy_to(&mut bytes, limit, &mut |_| ())?;
        Ok(bytes)
    }
}

fn truncated(url: String, received: u64, announced: Option<u64>) -> FetchError {
    match announced {
        Some(announced) => FetchError::Truncated { url, received, announced },
        None => FetchError::Connection { url, reason: "the server breaks off".into() },
    }
}
