//! The header structure of RPM since version 4: a table of typed tags, closed by a region tag over all of it.

use std::collections::BTreeMap;

use crate::Error;

/// The value of a tag.
#[derive(Debug)]
pub(super) enum TagValue {
    Int16(Vec<u16>),
    Int32(Vec<u32>),
    Int64(Vec<u64>),
    String(String),
    Binary(Vec<u8>),
    Strings(Vec<String>),
    /// One string per locale; ours has one, `C`.
    Localised(String),
}

/// Tags in the order of their numbers, as readers of a header expect them.
#[derive(Default)]
pub(super) struct Header(BTreeMap<u32, TagValue>);

impl Header {
    pub(super) fn put(&mut self, tag: u32, value: TagValue) {
        self.0.insert(tag, value);
    }

    pub(super) fn string(&mut self, tag: u32, value: impl Into<String>) {
        self.put(tag, TagValue::String(value.into()));
    }

    pub(super) fn number(&mut self, tag: u32, value: u32) {
        self.put(tag, TagValue::Int32(vec![value]));
    }

    /// A list that is left out when it is empty: RPM knows no empty arrays.
    pub(super) fn strings(&mut self, tag: u32, values: Vec<String>) {
        if !values.is_empty() {
            self.put(tag, TagValue::Strings(values));
        }
    }

    /// The same for numbers.
    pub(super) fn numbers(&mut self, tag: u32, values: Vec<u32>) {
        if !values.is_empty() {
            self.put(tag, TagValue::Int32(values));
        }
    }

    /// The bytes, without padding behind them. `region` is the tag that stands for the whole.
    ///
    /// # Errors
    /// [`Error::Unpackable`] for a text with a zero byte, which would end it there.
    pub(super) fn to_bytes(&self, region: u32) -> Result<Vec<u8>, Error> {
        const BINARY: u32 = 7;
        const ENTRY: u32 = 16;
        let mut index = Vec::new();
        let mut store = Vec::new();
        for (tag, value) in &self.0 {
            if value.texts().iter().any(|text| text.contains('\0')) {
                return Err(Error::InvalidOutput(format!("a text with a zero byte, in tag {tag}")));
            }
            let (kind, count) = value.append_to(&mut store);
            // `append_to` has aligned the store, so the offset is known only afterwards.
            let offset = store.len() - value.byte_len();
            push_index_entry(&mut index, *tag, kind, to_u32(offset), count);
        }
        let entries = to_u32(self.0.len()) + 1;
        let mut region_entry = Vec::new();
        push_index_entry(&mut region_entry, region, BINARY, to_u32(store.len()), ENTRY);
        push_index_entry(&mut store, region, BINARY, (entries * ENTRY).wrapping_neg(), ENTRY);

        let mut bytes = vec![0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0];
        bytes.extend(entries.to_be_bytes());
        bytes.extend(to_u32(store.len()).to_be_bytes());
        bytes.extend(region_entry);
        bytes.extend(index);
        bytes.extend(store);
        Ok(bytes)
    }
}

impl TagValue {
    fn texts(&self) -> &[String] {
        match self {
            Self::String(text) | Self::Localised(text) => std::slice::from_ref(text),
            Self::Strings(texts) => texts,
            Self::Int16(_) | Self::Int32(_) | Self::Int64(_) | Self::Binary(_) => &[],
        }
    }

    /// Appends the value, aligned, and returns its type and count.
    fn append_to(&self, store: &mut Vec<u8>) -> (u32, u32) {
        let mut align = |to: usize| store.resize(store.len().next_multiple_of(to), 0);
        match self {
            Self::Int16(values) => {
                align(2);
                store.extend(values.iter().flat_map(|it| it.to_be_bytes()));
                (3, to_u32(values.len()))
            }
            Self::Int32(values) => {
                align(4);
                store.extend(values.iter().flat_map(|it| it.to_be_bytes()));
                (4, to_u32(values.len()))
            }
            Self::Int64(values) => {
                align(8);
                store.extend(values.iter().flat_map(|it| it.to_be_bytes()));
                (5, to_u32(values.len()))
            }
            Self::String(value) => {
                push_c_string(store, value);
                (6, 1)
            }
            Self::Binary(value) => {
                store.extend(value);
                (7, to_u32(value.len()))
            }
            Self::Strings(values) => {
                values.iter().for_each(|it| push_c_string(store, it));
                (8, to_u32(values.len()))
            }
            Self::Localised(value) => {
                push_c_string(store, value);
                (9, 1)
            }
        }
    }

    /// Bytes in the store, without alignment.
    fn byte_len(&self) -> usize {
        match self {
            Self::Int16(values) => values.len() * 2,
            Self::Int32(values) => values.len() * 4,
            Self::Int64(values) => values.len() * 8,
            Self::String(value) | Self::Localised(value) => value.len() + 1,
            Self::Binary(value) => value.len(),
            Self::Strings(values) => values.iter().map(|it| it.len() + 1).sum(),
        }
    }
}

fn push_c_string(store: &mut Vec<u8>, text: &str) {
    store.extend(text.as_bytes());
    store.push(0);
}

fn push_index_entry(to: &mut Vec<u8>, tag: u32, kind: u32, offset: u32, count: u32) {
    for word in [tag, kind, offset, count] {
        to.extend(word.to_be_bytes());
    }
}

/// Sizes are checked before: what reaches a header is far below 4 GiB.
fn to_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_region_closes_what_it_holds() {
        let mut header = Header::default();
        header.string(1000, "ab");
        header.put(1030, TagValue::Int16(vec![1]));
        header.number(1028, 7);
        let bytes = header.to_bytes(63).unwrap();
        // Four entries, the region among them; "ab\0", padding, a number, half a number, the region's end.
        assert_eq!(bytes[8..16], [0, 0, 0, 4, 0, 0, 0, 4 + 4 + 2 + 16]);
        assert_eq!(bytes[16..32], [0, 0, 0, 63, 0, 0, 0, 7, 0, 0, 0, 10, 0, 0, 0, 16]);
        assert_eq!(bytes[80..90], [b'a', b'b', 0, 0, 0, 0, 0, 7, 0, 1]);
        assert_eq!(bytes[90..], [0, 0, 0, 63, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0xc0, 0, 0, 0, 16]);
    }

    #[test]
    fn a_zero_byte_is_refused() {
        let mut header = Header::default();
        header.strings(1117, vec!["a".into(), "b\0c".into()]);
        assert!(header.to_bytes(63).is_err());
    }
}
