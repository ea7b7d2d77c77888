//! Headers of a tar, and the blocks that they stand in.

use tar::{EntryType, Header};

/// What everything in a tar begins and ends at.
pub(super) const BLOCK_BYTES: usize = 512;

/// Fills up the last block.
pub(super) fn push_padding(blocks: &mut Vec<u8>) {
    blocks.resize(blocks.len().next_multiple_of(BLOCK_BYTES), 0);
}

/// Without names.
pub(super) fn new_header(mut header: Header, kind: EntryType, mode: u32, mtime: u64) -> Header {
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(mtime);
    header.set_uid(0);
    header.set_gid(0);
    // Neither is ever anything else; readers of old take blanks for no number.
    let _ = header.set_device_major(0);
    let _ = header.set_device_minor(0);
    header
}

/// Puts a text into a place of a header, as far as it goes; says whether all of it fits.
pub(super) fn fill(place: Option<&mut [u8]>, text: &str) -> bool {
    let Some(place) = place else { return false };
    let count = text.len().min(place.len());
    place[..count].copy_from_slice(&text.as_bytes()[..count]);
    count == text.len()
}
