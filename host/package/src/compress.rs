//! Compression, the same bytes for the same input.

use std::io::{self, Write};

use flate2::{GzBuilder, write::GzEncoder};
use liblzma::stream::{Check, Filters, LzmaOptions, MatchFinder, Stream};
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

/// An archive as a plugin wants it.
pub(crate) fn compress(
    archive: Vec<u8>,
    compression: Compression,
    effort: CompressionEffort,
) -> io::Result<Vec<u8>> {
    match compression {
        Compression::None => Ok(archive),
        Compression::Gzip => gzip_bytes(&archive),
        Compression::Xz => xz(&archive, effort),
        Compression::Zstd => zstd(&archive, effort),
    }
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
    const LARGEST_DICTIONARY: usize = 8 << 20;
    let dictionary = data.len().next_power_of_two().clamp(64 << 10, LARGEST_DICTIONARY);
    let mut options = LzmaOptions::new_preset(xz_preset(effort).unsigned_abs())?;
    options.dict_size(u32::try_from(dictionary).unwrap_or(u32::MAX));
    if effort.is_reduced(data.len()) {
        // Half of the preset's time for 1 % more; for large data it takes longer than the preset.
        options.match_finder(MatchFinder::HashChain4).nice_len(48).depth(24);
    }
    let mut filters = Filters::new();
    filters.lzma2(&options);
    let stream = Stream::new_stream_encoder(&filters, Check::Crc64)?;
    let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(data)?;
    encoder.finish()
}
