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
    strength: Strength,
    threads: u32,
}

/// How hard a compressor tries.
#[derive(Debug, Clone, Copy)]
enum Strength {
    Effort(CompressionEffort),
    /// As the compressor counts it.
    Level(u8),
}

impl Strength {
    fn gzip_level(self) -> u32 {
        match self {
            Self::Effort(_) => 9,
            Self::Level(level) => level.into(),
        }
    }

    fn zstd_level(self, data_bytes: usize) -> i32 {
        match self {
            Self::Effort(effort) => zstd_level(data_bytes, effort),
            Self::Level(level) => level.into(),
        }
    }

    fn xz_filters(self, data_bytes: usize) -> io::Result<Filters> {
        match self {
            Self::Effort(effort) => xz_filters(data_bytes, effort),
            Self::Level(level) => xz_level_filters(data_bytes, level),
        }
    }

    /// What one thread compresses at a time, of much data: three dictionaries, as xz(1) has it.
    fn xz_block_bytes(self) -> u64 {
        match self {
            Self::Effort(_) => XZ_BLOCK_BYTES,
            Self::Level(level) => 3 * (xz_dictionary_bytes(level) as u64).max(512 << 10),
        }
    }
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
        let strength = Strength::Effort(effort);
        Self { state: State::Whole { data: Vec::new(), to }, compression, strength, threads: thread_count() }
    }

    /// One of a level as the compressor counts it. Otherwise says what is wrong with that, as the end of a sentence about
    /// what is to be compressed.
    pub(crate) fn with_level(to: W, compression: Compression, level: u8) -> Result<Self, String> {
        let (name, levels) = match compression {
            Compression::None => return Err(format!("of level {level} that is not compressed")),
            Compression::Gzip => ("gzip", 1..=9),
            Compression::Xz => ("xz", 0..=9),
            Compression::Zstd => ("zstd", 1..=22),
        };
        if !levels.contains(&level) {
            let (least, most) = (levels.start(), levels.end());
            return Err(format!("of level {level}, where {name} has {least} to {most}"));
        }
        let strength = Strength::Level(level);
        let state = State::Whole { data: Vec::new(), to };
        Ok(Self { state, compression, strength, threads: thread_count() })
    }

    /// Ends the stream.
    pub(crate) fn finish(self) -> io::Result<W> {
        match self.state {
            State::Whole { data, mut to } => {
                match self.compression {
                    Compression::None => to.write_all(&data)?,
                    Compression::Gzip => {
                        let mut encoder = gzip(Vec::new(), self.strength.gzip_level());
                        encoder.write_all(&data)?;
                        to.write_all(&encoder.finish()?)?;
                    }
                    Compression::Xz => {
                        to.write_all(&xz_bytes(&data, self.strength.xz_filters(data.len())?)?)?;
                    }
                    Compression::Zstd => {
                        // It names the size of its data, so that readers allocate no more than that.
                        let level = self.strength.zstd_level(data.len());
                        to.write_all(&zstd::bulk::compress(&data, level)?)?;
                    }
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
            Compression::Gzip => Encoder::Gzip(gzip(to, self.strength.gzip_level())),
            Compression::Xz => {
                let stream = MtStreamBuilder::new()
                    .filters(self.strength.xz_filters(usize::MAX)?)
                    .block_size(self.strength.xz_block_bytes())
                    .check(Check::Crc64)
                    .threads(self.threads)
                    .encoder()?;
                Encoder::Xz(XzEncoder::new_stream(to, stream))
            }
            Compression::Zstd => {
                let level = self.strength.zstd_level(usize::MAX);
                let mut encoder = zstd::stream::write::Encoder::new(to, level)?;
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

/// An xz stream with a dictionary no larger than the data: liblzma allocates ten times the dictionary.
pub(crate) fn xz(data: &[u8], effort: CompressionEffort) -> io::Result<Vec<u8>> {
    xz_bytes(data, xz_filters(data.len(), effort)?)
}

fn xz_bytes(data: &[u8], filters: Filters) -> io::Result<Vec<u8>> {
    let stream = Stream::new_stream_encoder(&filters, Check::Crc64)?;
    let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(data)?;
    encoder.finish()
}

/// Bytes of a dictionary of xz.
const XZ_DICTIONARY_BYTES: usize = 8 << 20;

/// Three of them.
const XZ_BLOCK_BYTES: u64 = 3 * XZ_DICTIONARY_BYTES as u64;

/// That of a level, see xz(1).
fn xz_dictionary_bytes(level: u8) -> usize {
    match level {
        0 => 256 << 10,
        1 => 1 << 20,
        2 => 2 << 20,
        3 | 4 => 4 << 20,
        5 | 6 => 8 << 20,
        7 => 16 << 20,
        8 => 32 << 20,
        _ => 64 << 20,
    }
}

/// For so many bytes, at a level.
fn xz_level_filters(data_bytes: usize, level: u8) -> io::Result<Filters> {
    let mut options = LzmaOptions::new_preset(level.into())?;
    options.dict_size(xz_dictionary(data_bytes, xz_dictionary_bytes(level)));
    let mut filters = Filters::new();
    filters.lzma2(&options);
    Ok(filters)
}

/// The dictionary for so many bytes: no larger than these, nor than `most`.
fn xz_dictionary(data_bytes: usize, most: usize) -> u32 {
    let power = data_bytes.checked_next_power_of_two().unwrap_or(usize::MAX);
    u32::try_from(power.clamp(64 << 10, most)).unwrap_or(u32::MAX)
}

/// For so many bytes.
fn xz_filters(data_bytes: usize, effort: CompressionEffort) -> io::Result<Filters> {
    let mut options = LzmaOptions::new_preset(xz_preset(effort).unsigned_abs())?;
    options.dict_size(xz_dictionary(data_bytes, XZ_DICTIONARY_BYTES));
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
    fn levels_are_those_of_the_compressors() {
        let data: Vec<u8> = (0..200_000_u32).flat_map(|number| (number / 3).to_le_bytes()).collect();
        let size = |compression, level| {
            let mut writer = CompressingWriter::with_level(Vec::new(), compression, level).ok()?;
            writer.write_all(&data).unwrap();
            Some(writer.finish().unwrap().len())
        };
        for (compression, least, most) in
            [(Compression::Gzip, 1, 9), (Compression::Xz, 0, 9), (Compression::Zstd, 1, 22)]
        {
            let (fast, small) = (size(compression, least).unwrap(), size(compression, most).unwrap());
            assert_ne!(small, fast, "{compression:?}");
            assert_eq!(size(compression, most + 1), None);
        }
        assert_eq!(size(Compression::Gzip, 0), None);
        assert_eq!(size(Compression::None, 1), None);
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
