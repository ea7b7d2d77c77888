//! Compression, the same bytes for the same input.

use std::io::{self, Write};

use flate2::{Compression, GzBuilder, write::GzEncoder};
use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use liblzma::write::XzEncoder;

/// Level of xz. Above it the dictionary alone grows.
pub(crate) const XZ_PRESET: u32 = 6;

/// Of zstd: the highest that needs no more memory to read than the others.
pub(crate) const ZSTD_LEVEL: i32 = 19;

/// A gzip stream without name and time.
pub(crate) fn gzip<W: Write>(inner: W, level: u32) -> GzEncoder<W> {
    // 255: an unknown operating system, so that the machine leaves no trace.
    GzBuilder::new().operating_system(255).write(inner, Compression::new(level))
}

/// The same of data at hand.
pub(crate) fn gzip_bytes(data: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = gzip(Vec::new(), 9);
    encoder.write_all(data)?;
    encoder.finish()
}

/// A zstd frame that names the size of its data, so that readers allocate no more than that.
pub(crate) fn zstd(data: &[u8]) -> io::Result<Vec<u8>> {
    zstd::bulk::compress(data, ZSTD_LEVEL)
}

/// An xz stream with a dictionary no larger than the data: liblzma allocates ten times the dictionary.
pub(crate) fn xz(data: &[u8]) -> io::Result<Vec<u8>> {
    const LARGEST_DICTIONARY: usize = 8 << 20;
    let dictionary = data.len().next_power_of_two().clamp(64 << 10, LARGEST_DICTIONARY);
    let mut options = LzmaOptions::new_preset(XZ_PRESET)?;
    options.dict_size(u32::try_from(dictionary).unwrap_or(u32::MAX));
    let mut filters = Filters::new();
    filters.lzma2(&options);
    let stream = Stream::new_stream_encoder(&filters, Check::Crc64)?;
    let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(data)?;
    encoder.finish()
}
