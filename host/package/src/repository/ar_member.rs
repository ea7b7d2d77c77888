//! Members of an `ar` that anybody may have made, see deb(5).

use std::io::{self, Read};

use super::index_files::IndexError;

/// What an `ar` begins with.
pub(super) const MAGIC: [u8; 8] = *b"!<arch>\n";

/// Bytes of the head of a member.
const HEAD_BYTES: usize = 60;

/// The head of a member.
pub(super) struct ArMember {
    pub(super) name: String,
    /// Seconds since 1970.
    pub(super) time: i64,
    /// Bytes of what follows; an odd number is followed by one more byte.
    pub(super) size: u64,
}

/// Why there is none.
pub(super) enum ArError {
    Io(io::Error),
    Damaged(IndexError),
}

impl From<io::Error> for ArError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl ArMember {
    pub(super) fn read(file: &mut (impl Read + ?Sized)) -> Result<Self, ArError> {
        let mut head = [0; HEAD_BYTES];
        file.read_exact(&mut head)?;
        Self::parse(&head).ok_or_else(|| ArError::Damaged("the head of one of its members is damaged".into()))
    }

    /// Nothing at the end.
    pub(super) fn read_if_any(file: &mut (impl Read + ?Sized)) -> Result<Option<Self>, ArError> {
        let mut first = [0];
        match file.read(&mut first)? {
            0 => Ok(None),
            _ => Self::read(&mut (&first[..]).chain(file)).map(Some),
        }
    }

    fn parse(head: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(head).ok()?;
        let part = |from: usize, to: usize| text.get(from..to).map(str::trim_end);
        let name = part(0, 16)?;
        let member = Self {
            name: name.strip_suffix('/').unwrap_or(name).to_owned(),
            time: part(16, 28)?.parse().ok()?,
            size: part(48, 58)?.parse().ok()?,
        };
        (text.get(58..) == Some("`\n")).then_some(member)
    }
}
