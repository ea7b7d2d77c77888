//! Compression, the same bytes for the same input.

use std::io::{self, Write};

use flate2::{GzBuilder, write::GzEncoder};
use liblzma::stream::{Check, Filters, LzmaOptions, MatchFinder, MtStreamBuilder, Stream};
use liblzma::write::XzEncoder;
use opkg_interface::artefacts::Compression;

/// Bytes up to which data is compressed with less effort than the tools of the distributions take. Above, the parameters
/// of both libraries for small data end, and the same saving would cost 5 to 15 % in size.
const SMALL_DATA: usize = 256 << 10;

/// How much time is taken for packages to become small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CompressionEffort {
    /// That of the tools of the distributions for large packages, less for small ones.
    #[default]
    Auto,
    /// That of the tools of the distributions.
    Full,
    /// Next to none, for what is compressed already.
    Least,
}

impl CompressionEffort {
    /// Those that can be asked for.
    pub const ALL: [Self; 2] = [Self::Auto, Self::Full];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Full => "full",
            Self::Least => "least",
        }
    }

    /// The effort for data that is compressed already.
    pub(crate) fn for_compressed(self) -> Self {
        if self == Self::Auto { Self::Least } else { self }
    }

    fn is_reduced(self, data_bytes: usize) -> bool {
        self == Self::Auto && data_bytes <= SMALL_DATA
    }
}

/// Level of xz, as far as readers are concerned: above it the dictionary alone grows.
const XZ_PRESET: i32 = 6;

/// The same, with regard to what is compressed already.
pub(crate) fn xz_preset(effort: CompressionEffort) -> i32 {
    if effort == CompressionEffort::Least { 0 } else { XZ_PRESET }
}

/// Level of zstd: the highest that readers need no more memory for. For small data, the next lower strategy takes a
/// third of the time for 0.5 % more bytes.
pub(crate) fn zstd_level(data_bytes: usize, effort: CompressionEffort) -> i32 {
    match effort {
        CompressionEffort::Least => 3,
        effort if effort.is_reduced(data_bytes) => 15,
        _ => 19,
    }
}

/// Bytes of data that are compressed at once, with what suits their number. More of them are compressed as they come, on
/// all processors: what becomes of them does not depend on how many these are.
const MAX_WHOLE_BYTES: usize = 32 << 20;

/// Compresses what is written.
pub(crate) struct CompressingWriter<W: Write> {
    state: State<W>,
    compression: Compression,
    effort: CompressionEffort,
    threads: u32,
}

enum State<W: Write> {
    /// What may turn out to be small.
    Whole {
        data: Vec<u8>,
        to: W,
    },
    Stream(Encoder<W>),
    /// It has failed before.
    Broken,
}

enum Encoder<W: Write> {
    None(W),
    Gzip(GzEncoder<W>),
    Xz(XzEncoder<W>),
    Zstd(zstd::stream::write::Encoder<'static, W>),
}

impl<W: Write> CompressingWriter<W> {
    pub(crate) fn new(to: W, compression: Compression, effort: CompressionEffort) -> Self {
        Self { state: State::Whole { data: Vec::new(), to }, compression, effort, threads: thread_count() }
    }

    /// Ends the stream.
    pub(crate) fn finish(self) -> io::Result<W> {
        match self.state {
            State::Whole { data, mut to } => {
                match self.compression {
                    Compression::None => to.write_all(&data)?,
                    Compression::Gzip => to.write_all(&gzip_bytes(&data)?)?,
                    Compression::Xz => to.write_all(&xz(&data, self.effort)?)?,
                    Compression::Zstd => to.write_all(&zstd(&data, self.effort)?)?,
                }
                Ok(to)
            }
            State::Stream(encoder) => match encoder {
                Encoder::None(to) => Ok(to),
                Encoder::Gzip(encoder) => encoder.finish(),
                Encoder::Xz(encoder) => encoder.finish(),
                Encoder::Zstd(encoder) => encoder.finish(),
            },
            State::Broken => Err(broken()),
        }
    }

    fn begin_stream(&self, to: W) -> io::Result<Encoder<W>> {
        Ok(match self.compression {
            Compression::None => Encoder::None(to),
            Compression::Gzip => Encoder::Gzip(gzip(to, 9)),
            Compression::Xz => {
                let stream = MtStreamBuilder::new()
                    .filters(xz_filters(usize::MAX, self.effort)?)
                    .block_size(XZ_BLOCK_BYTES)
                    .check(Check::Crc64)
                    .threads(self.threads)
                    .encoder()?;
                Encoder::Xz(XzEncoder::new_stream(to, stream))
            }
            Compression::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(to, zstd_level(usize::MAX, self.effort))?;
                encoder.multithread(self.threads)?;
                Encoder::Zstd(encoder)
            }
        })
    }
}

impl<W: Write> Write for CompressingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let State::Whole { data, .. } = &mut self.state {
            if data.len() + bytes.len() <= MAX_WHOLE_BYTES {
                data.extend_from_slice(bytes);
                return Ok(bytes.len());
            }
            if let State::Whole { data, to } = std::mem::replace(&mut self.state, State::Broken) {
                let mut encoder = self.begin_stream(to)?;
                encoder.write_all(&data)?;
                self.state = State::Stream(encoder);
            }
        }
        match &mut self.state {
            State::Stream(encoder) => encoder.write(bytes),
            State::Whole { .. } | State::Broken => Err(broken()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::None(to) => to.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Xz(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn broken() -> io::Error {
    io::Error::other("the compressor has failed before")
}

/// Each thread takes about 100 MB.
const MAX_THREADS: usize = 8;

fn thread_count() -> u32 {
    std::thread::available_parallelism().map_or(1, |count| count.get().min(MAX_THREADS) as u32)
}

/// A gzip stream without name and time.
pub(crate) fn gzip<W: Write>(inner: W, level: u32) -> GzEncoder<W> {
    // 255: an unknown operating system, so that the machine leaves no trace.
    GzBuilder::new().operating_system(255).write(inner, flate2::Compression::new(level))
}

/// The same of data at hand.
pub(crate) fn gzip_bytes(data: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = gzip(Vec::new(), 9);
    encoder.write_all(data)?;
    encoder.finish()
}

/// A zstd frame that names the size of its data, so that readers allocate no more than that.
pub(crate) fn zstd(data: &[u8], effort: CompressionEffort) -> io::Result<Vec<u8>> {
    zstd::bulk::compress(data, zstd_level(data.len(), effort))
}

/// An xz stream with a dictionary no larger than the data: liblzma allocates ten times the dictionary.
pub(crate) fn xz(data: &[u8], effort: CompressionEffort) -> io::Result<Vec<u8>> {
    let stream = Stream::new_stream_encoder(&xz_filters(data.len(), effort)?, Check::Crc64)?;
    let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(data)?;
    encoder.finish()
}

/// Bytes of a dictionary of xz.
const XZ_DICTIONARY_BYTES: usize = 8 << 20;

/// What one thread compresses at a time: three dictionaries, as xz(1) has it.
const XZ_BLOCK_BYTES: u64 = 3 * XZ_DICTIONARY_BYTES as u64;

/// For so many bytes.
fn xz_filters(data_bytes: usize, effort: CompressionEffort) -> io::Result<Filters> {
    let power = data_bytes.checked_next_power_of_two().unwrap_or(usize::MAX);
    let dictionary = power.clamp(64 << 10, XZ_DICTIONARY_BYTES);
    let mut options = LzmaOptions::new_preset(xz_preset(effort).unsigned_abs())?;
    options.dict_size(u32::try_from(dictionary).unwrap_or(u32::MAX));
    if effort.is_reduced(data_bytes) {
        // Half of the preset's time for 1 % more; for large data it takes longer than the preset.
        options.match_finder(MatchFinder::HashChain4).nice_len(48).depth(24);
    }
    let mut filters = Filters::new();
    filters.lzma2(&options);
    Ok(filters)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Read;

    use super::*;

    /// More than is compressed at once, and more than one block of xz or zstd.
    fn large_data() -> Vec<u8> {
        (0..(MAX_WHOLE_BYTES as u32 / 4) + (6 << 20)).flat_map(|number| (number / 7).to_be_bytes()).collect()
    }

    fn compress(data: &[u8], piece: usize, compression: Compression, threads: u32) -> Vec<u8> {
        let mut writer = CompressingWriter::new(Vec::new(), compression, CompressionEffort::Least);
        writer.threads = threads;
        data.chunks(piece).for_each(|piece| writer.write_all(piece).unwrap());
        writer.finish().unwrap()
    }

    #[test]
    fn bytes_depend_on_the_data_alone() {
        let data = large_data();
        for compression in [Compression::Xz, Compression::Zstd] {
            let one = compress(&data, 1 << 20, compression, 1);
            assert!(one == compress(&data, 777_777, compression, 3), "{compression:?}");
            let mut unpacked = Vec::new();
            match compression {
                Compression::Xz => {
                    liblzma::read::XzDecoder::new(&one[..]).read_to_end(&mut unpacked).unwrap();
                }
                _ => {
                    zstd::stream::read::Decoder::new(&one[..]).unwrap().read_to_end(&mut unpacked).unwrap();
                }
            }
            assert!(unpacked == data, "{compression:?}");
        }
    }
}
