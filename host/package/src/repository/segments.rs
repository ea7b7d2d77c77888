//! A file that is compressed as a whole, in several stretches, or not at all: each stretch ends where its own structure says
//! so, and what comes out is one stream.

use std::io::{self, BufRead, Read};

use liblzma::stream::Stream;
use opkg_interface::built::{Digests, Segment};

use crate::archives::DigestSet;
use crate::checksums::Digester;

/// What decompressing may take.
const MAX_DECODER_MEMORY: u64 = 256 << 20;
/// The same, as a power of two, of a decoder of zstd.
const MAX_ZSTD_WINDOW_LOG: u32 = 27;

/// Stretches of one file.
const MAX_SEGMENTS: usize = 100;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const XZ_MAGIC: [u8; 6] = [0xfd, b'7', b'z', b'X', b'Z', 0];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Bytes by which the kinds of compression are told apart.
const MAGIC_BYTES: usize = 6;

/// What is compressed, counted and digested as far as it was decompressed.
struct Counted<R> {
    inner: R,
    /// Taken out of `inner` to be looked at, and not consumed as yet.
    ahead: Vec<u8>,
    size: u64,
    whole: DigestSet,
    /// Of a stretch behind the first one.
    segment: Option<DigestSet>,
}

impl<R: BufRead> Counted<R> {
    /// The bytes that come next: so many, or all that there are. What a buffer has may be fewer.
    fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        let missing = count.saturating_sub(self.ahead.len());
        self.inner.by_ref().take(missing as u64).read_to_end(&mut self.ahead)?;
        Ok(&self.ahead)
    }
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.ahead.is_empty() { self.inner.fill_buf() } else { Ok(&self.ahead) }
    }

    fn consume(&mut self, count: usize) {
        let is_ahead = !self.ahead.is_empty();
        let available = match is_ahead {
            true => self.ahead.as_slice(),
            // What was there before is there still, without reading.
            false => self.inner.fill_buf().unwrap_or_default(),
        };
        let count = count.min(available.len());
        let taken = &available[..count];
        self.whole.update(taken);
        self.segment.update(taken);
        self.size += count as u64;
        match is_ahead {
            true => drop(self.ahead.drain(..count)),
            false => self.inner.consume(count),
        }
    }
}

enum State<R> {
    /// Before a stretch, or at the end.
    Between(Counted<R>),
    Gzip(flate2::bufread::GzDecoder<Counted<R>>),
    Xz(liblzma::bufread::XzDecoder<Counted<R>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, Counted<R>>>),
    /// Not compressed: all that there is.
    Plain(Counted<R>),
    /// It has failed before.
    Broken,
}

/// What comes out of all stretches of a file.
pub(super) struct SegmentReader<R> {
    state: State<R>,
    segments: Vec<Segment>,
    /// Where the stretch began.
    start: u64,
    /// Bytes that may still come out.
    room: u64,
}

impl<R: BufRead> SegmentReader<R> {
    /// `room` is how many bytes may come out of it.
    pub(super) fn new(inner: R, room: u64) -> Self {
        let counted =
            Counted { inner, ahead: Vec::new(), size: 0, whole: DigestSet::default(), segment: None };
        Self { state: State::Between(counted), segments: Vec::new(), start: 0, room }
    }

    /// Passes over what is left of the stretch. False where there is no other one.
    pub(super) fn skip_segment(&mut self) -> io::Result<bool> {
        let before = self.segments.len();
        let mut buffer = vec![0; 64 << 10];
        while self.segments.len() == before && !matches!(self.state, State::Between(_)) {
            if self.read_segment(&mut buffer)? == 0 {
                break;
            }
        }
        self.has_next()
    }

    fn has_next(&mut self) -> io::Result<bool> {
        match &mut self.state {
            State::Between(counted) => Ok(!counted.fill_buf()?.is_empty()),
            _ => Ok(true),
        }
    }

    /// Passes over the rest. Returns the size of the file, its digests and its stretches.
    pub(super) fn finish(mut self) -> io::Result<(u64, Digests, Vec<Segment>)> {
        let mut buffer = vec![0; 64 << 10];
        while self.read(&mut buffer)? > 0 {}
        match self.state {
            State::Between(counted) => Ok((counted.size, counted.whole.finish(), self.segments)),
            _ => Err(broken()),
        }
    }

    /// Begins the stretch that comes next; false at the end.
    fn begin(&mut self, mut counted: Counted<R>) -> io::Result<bool> {
        let start = counted.peek(MAGIC_BYTES)?;
        if start.is_empty() {
            self.state = State::Between(counted);
            return Ok(false);
        }
        if self.segments.len() == MAX_SEGMENTS {
            return Err(io::Error::other(format!("it is made of more than {MAX_SEGMENTS} stretches")));
        }
        self.state = if start.starts_with(&GZIP_MAGIC) {
            State::Gzip(flate2::bufread::GzDecoder::new(counted))
        } else if start.starts_with(&XZ_MAGIC) {
            let stream = Stream::new_stream_decoder(MAX_DECODER_MEMORY, 0)?;
            State::Xz(liblzma::bufread::XzDecoder::new_stream(counted, stream))
        } else if start.starts_with(&ZSTD_MAGIC) {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(counted)?.single_frame();
            decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
            State::Zstd(Box::new(decoder))
        } else {
            State::Plain(counted)
        };
        Ok(true)
    }

    /// What comes out of this stretch; nothing at its end, where it is noted.
    fn read_segment(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.state {
            State::Gzip(decoder) => decoder.read(buffer)?,
            State::Xz(decoder) => decoder.read(buffer)?,
            State::Zstd(decoder) => decoder.read(buffer)?,
            State::Plain(counted) => counted.read(buffer)?,
            State::Between(_) | State::Broken => 0,
        };
        self.room = self
            .room
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::other("it unpacks to more than any package holds"))?;
        if count == 0 {
            self.end()?;
        }
        Ok(count)
    }

    fn end(&mut self) -> io::Result<()> {
        let mut counted = match std::mem::replace(&mut self.state, State::Broken) {
            State::Gzip(decoder) => decoder.into_inner(),
            State::Xz(decoder) => decoder.into_inner(),
            State::Zstd(decoder) => decoder.finish(),
            State::Plain(counted) => counted,
            State::Between(counted) => {
                self.state = State::Between(counted);
                return Ok(());
            }
            State::Broken => return Err(broken()),
        };
        // Zeros behind a stream of xz belong to it, see its format.
        while counted.fill_buf()?.first() == Some(&0) {
            counted.consume(1);
        }
        let digests = counted.segment.take().unwrap_or_else(|| counted.whole.clone());
        self.segments.push(Segment { size: counted.size - self.start, digests: digests.finish() });
        counted.segment = Some(DigestSet::default());
        self.start = counted.size;
        self.state = State::Between(counted);
        Ok(())
    }
}

impl<R: BufRead> Read for SegmentReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let State::Between(_) = &self.state {
                let State::Between(counted) = std::mem::replace(&mut self.state, State::Broken) else {
                    return Err(broken());
                };
                if !self.begin(counted)? {
                    return Ok(0);
                }
            }
            let count = self.read_segment(buffer)?;
            if count > 0 {
                return Ok(count);
            }
        }
    }
}

fn broken() -> io::Error {
    io::Error::other("it could not be read before")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use opkg::digest::sha256;
    use opkg_interface::artefacts::Compression;

    use super::*;
    use crate::compress::{CompressingWriter, CompressionEffort};

    fn pack(data: &[u8], compression: Compression) -> Vec<u8> {
        let mut writer = CompressingWriter::new(Vec::new(), compression, CompressionEffort::Auto);
        io::Write::write_all(&mut writer, data).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn stretches_end_where_their_structure_says_so() {
        let data: Vec<Vec<u8>> =
            [3, 100_000, 0].iter().map(|count| (0..*count).map(|it| (it % 251) as u8).collect()).collect();
        for compression in [Compression::Gzip, Compression::Xz, Compression::Zstd] {
            let packed: Vec<Vec<u8>> = data.iter().map(|it| pack(it, compression)).collect();
            for capacity in [1, 7, 8192] {
                let whole = packed.concat();
                let mut reader =
                    SegmentReader::new(io::BufReader::with_capacity(capacity, &whole[..]), 1 << 20);
                let mut unpacked = Vec::new();
                reader.read_to_end(&mut unpacked).unwrap();
                assert!(unpacked == data.concat(), "{compression:?} {capacity}");
                let (size, digests, segments) = reader.finish().unwrap();
                assert_eq!((size, digests.sha256), (whole.len() as u64, sha256(&whole)));
                let expected = packed.iter().map(|it| (it.len() as u64, sha256(it)));
                let found = segments.iter().map(|it| (it.size, it.digests.sha256.clone()));
                assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{compression:?}");
            }
        }
    }

    #[test]
    fn what_is_not_compressed_is_one_stretch() {
        let mut reader = SegmentReader::new(&b"plain"[..], 100);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "plain");
        let (size, _, segments) = reader.finish().unwrap();
        assert_eq!((size, segments.len(), segments[0].size), (5, 1, 5));
        let (size, _, segments) = SegmentReader::new(io::empty(), 100).finish().unwrap();
        assert_eq!((size, segments.len()), (0, 0));
    }

    #[test]
    fn damage_and_bombs_are_errors() {
        for compression in [Compression::Gzip, Compression::Xz, Compression::Zstd] {
            let whole = pack(&vec![0; 1 << 20], compression);
            assert!(SegmentReader::new(&whole[..], 1 << 19).finish().is_err(), "{compression:?}");
            let cut = &whole[..whole.len() - 5];
            assert!(SegmentReader::new(cut, 1 << 21).finish().is_err(), "{compression:?}");
        }
    }

    #[test]
    fn a_stretch_is_passed_over() {
        let whole = [pack(b"first", Compression::Gzip), pack(b"second", Compression::Zstd)].concat();
        let mut reader = SegmentReader::new(&whole[..], 100);
        let mut two = [0; 2];
        reader.read_exact(&mut two).unwrap();
        assert!(reader.skip_segment().unwrap());
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "second");
        assert!(!reader.skip_segment().unwrap());
    }
}
