//! Compression, the same bytes for the same input.

use std::io::{self, Write};

use flate2::{Compression, GzBuilder, write::GzEncoder};
use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use liblzma::write::XzEncoder;

/// A gzip stream without name and time.
pub(crate) fn gzip<W: Write>(inner: W, level: u32) -> GzEncoder<W> {
    // 255: an unknown operating system, so that the machine leaves no trace.
    GzBuilder::new().operating_system(255).write(inner, Compression::new(level))
}

/// An xz stream with a dictionary no larger than the data: liblzma allocates ten times the dictionary.
pub(crate) fn xz(data: &[u8]) -> io::Result<Vec<u8>> {
    const PRESET: u32 = 6;
    const LARGEST_DICTIONARY: usize = 8 << 20;
    let dictionary = data.len().next_power_of_two().clamp(64 << 10, LARGEST_DICTIONARY);
    let mut options = LzmaOptions::new_preset(PRESET)?;
    options.dict_size(u32::try_from(dictionary).unwrap_or(u32::MAX));
    let mut filters = Filters::new();
    filters.lzma2(&options);
    let stream = Stream::new_stream_encoder(&filters, Check::Crc64)?;
    let mut encoder = XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(data)?;
    encoder.finish()
}
