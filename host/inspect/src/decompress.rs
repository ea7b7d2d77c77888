//! Compressed data of any kind, up to a limit.

use std::io::{self, BufRead, Cursor, Read};

use flate2::bufread::GzDecoder;
use liblzma::read::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use crate::limits::{Budget, MAX_XZ_MEMORY, MAX_ZSTD_WINDOW_LOG};

/// Whether a stream is compressed with bzip2, which is not read.
pub(crate) fn is_bzip2(start: &[u8]) -> bool {
    start.starts_with(b"BZh")
}

/// Whether a stream is compressed, by its first bytes.
pub(crate) fn is_compressed(bytes: &[u8]) -> bool {
    [&GZIP_MAGIC[..], &XZ_MAGIC, &ZSTD_MAGIC].iter().any(|magic| bytes.starts_with(magic))
}

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const XZ_MAGIC: [u8; 6] = [0xfd, b'7', b'z', b'X', b'Z', 0];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Of the format before xz, with its usual parameters.
const LZMA_MAGIC: [u8; 3] = [0x5d, 0, 0];

/// The data of a stream, whatever it is compressed with; itself, if with nothing that is known.
pub(crate) fn reader<'a>(
    mut stream: impl BufRead + 'a,
    budget: &'a Budget,
) -> io::Result<Box<dyn Read + 'a>> {
    let mut start = Vec::new();
    stream.by_ref().take(MAGIC_BYTES).read_to_end(&mut start)?;
    let begins = |magic: &[u8]| start.starts_with(magic);
    let (gzip, xz, lzma, zstd) =
        (begins(&GZIP_MAGIC), begins(&XZ_MAGIC), begins(&LZMA_MAGIC), begins(&ZSTD_MAGIC));
    let whole = Cursor::new(start).chain(stream);
    Ok(if gzip {
        limit(GzipMembers { current: Some(GzDecoder::new(whole)) }, budget)
    } else if xz {
        limit(XzDecoder::new_stream(whole, Stream::new_stream_decoder(MAX_XZ_MEMORY, CONCATENATED)?), budget)
    } else if lzma {
        limit(XzDecoder::new_stream(whole, Stream::new_lzma_decoder(MAX_XZ_MEMORY)?), budget)
    } else if zstd {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(whole)?;
        decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
        limit(decoder, budget)
    } else {
        limit(whole, budget)
    })
}

/// Bytes by which the kinds of compression are told apart.
const MAGIC_BYTES: u64 = 6;

fn limit<'a>(inner: impl Read + 'a, budget: &'a Budget) -> Box<dyn Read + 'a> {
    Box::new(io::BufReader::with_capacity(64 << 10, budget.limit(inner)))
}

/// A gzip stream: members one after the other. Zeros behind the last one are no more of them, as on a tape or in a file that was
/// filled up.
struct GzipMembers<R> {
    /// Nothing at the end.
    current: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(member) = &mut self.current else { return Ok(0) };
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            if let Some(mut rest) = self.current.take().map(GzDecoder::into_inner)
                && !skip_zeros(&mut rest)?
            {
                self.current = Some(GzDecoder::new(rest));
            }
        }
    }
}

/// Passes over zeros; whether nothing else follows.
fn skip_zeros(stream: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = stream.fill_buf()?;
        if bytes.is_empty() {
            return Ok(true);
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let is_end = zeros < bytes.len();
        stream.consume(zeros);
        if is_end {
            return Ok(false);
        }
    }
}

/// Reads what is behind the end that an archive marks itself: the checksum of a compressed stream is behind all of it, and is
/// compared where that ends.
pub(crate) fn drain(mut stream: impl Read) -> io::Result<()> {
    io::copy(&mut stream, &mut io::sink()).map(drop)
}

/// All of a stream that is no longer than that; nothing of a longer one.
pub(crate) fn read_limited(mut reader: impl Read, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.by_ref().take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

/// Text, if it is some; wrong bytes stay visible.
pub(crate) fn lossy_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

/// Whether bytes are text for people.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;

    fn unpack(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let budget = Budget::new();
        let mut unpacked = Vec::new();
        reader(bytes, &budget)?.read_to_end(&mut unpacked)?;
        Ok(unpacked)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn members_of_gzip_are_one_stream_up_to_zeros() {
        let whole = [gzip(b"one, "), gzip(b"two")].concat();
        assert_eq!(unpack(&whole).unwrap(), b"one, two");
        assert_eq!(unpack(&[&whole[..], &[0; 1000]].concat()).unwrap(), b"one, two");
        assert!(unpack(&[&whole[..], b"\0\0more"].concat()).is_err());
        assert!(unpack(&whole[..whole.len() - 1]).is_err());
    }
}
