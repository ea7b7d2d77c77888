//! Reads what an RPM of version 3 or 4 says of itself: lead, signature header, header; the payload is handed on
//! as it is. The file may be anybody's: every size and offset is checked, and nothing is allocated that the
//! file does not have the bytes for.

use std::collections::BTreeMap;
use std::ops::Range;

/// Bytes of the lead.
const LEAD: usize = 96;

/// Bytes of a header's beginning: magic number, four reserved bytes, two counts.
const INTRODUCTION: usize = 16;

/// Bytes of an entry of a header's index.
const ENTRY: usize = 16;

/// Entries of a header, as RPM limits them.
const MOST_ENTRIES: usize = 0xffff;

/// Bytes of a header's store. RPM allows four times as much; the largest in use have some ten million.
const LARGEST_STORE: usize = 64 << 20;

/// Tags that say where a header's immutable part ends, and hold nothing themselves.
const REGIONS: Range<u32> = 61..64;

/// Why a file is no RPM, or a damaged one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It does not begin as one.
    #[error("not an RPM")]
    Foreign,

    /// It ends too early.
    #[error("cut off in the {0}")]
    Short(&'static str),

    /// What must not be.
    #[error("damaged: {0}")]
    Damaged(String),
}

/// The value of a tag. Text that is not UTF-8 has `\xNN` in place of the wrong bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Numbers of 8, 16, 32 or 64 bits.
    Numbers(Vec<u64>),
    /// One text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// Several texts.
    Texts(Vec<String>),
    /// One text in several locales, which tag 100 names.
    Localised(Vec<String>),
}

/// Tags and their values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header(BTreeMap<u32, Value>);

/// What an RPM says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rpm {
    /// Whether it is a source package.
    pub is_source: bool,
    /// Checksums and signatures.
    pub signature: Header,
    /// Everything else.
    pub header: Header,
    /// Where the header stands in the file.
    pub header_place: Range<usize>,
    /// Where the compressed payload starts; it goes on to the end.
    pub payload_start: usize,
}

/// Reads a file, or as much of one as holds the headers.
///
/// # Errors
/// When it is no RPM, or breaks the format.
pub fn read(file: &[u8]) -> Result<Rpm, ReadError> {
    if !file.starts_with(&[0xed, 0xab, 0xee, 0xdb]) {
        return Err(ReadError::Foreign);
    }
    let lead = file.get(..LEAD).ok_or(ReadError::Short("lead"))?;
    let (signature, end) = header(file, LEAD, "signature header")?;
    let start = end.next_multiple_of(8);
    let (header, payload_start) = header(file, start, "header")?;
    // What the lead says of it is overruled by a tag, which old source packages do not have.
    let is_source = header.number(super::tag::SOURCE_PACKAGE).is_some() || lead[6..8] == [0, 1];
    Ok(Rpm { is_source, signature, header, header_place: start..payload_start, payload_start })
}

impl Header {
    /// A tag's value, if there is one.
    #[must_use]
    pub fn get(&self, tag: u32) -> Option<&Value> {
        self.0.get(&tag)
    }

    /// Its text; of several the first.
    #[must_use]
    pub fn text(&self, tag: u32) -> Option<&str> {
        match self.get(tag)? {
            Value::Text(text) => Some(text),
            Value::Texts(texts) | Value::Localised(texts) => texts.first().map(String::as_str),
            Value::Numbers(_) | Value::Binary(_) => None,
        }
    }

    /// Its texts, none if it has none.
    #[must_use]
    pub fn texts(&self, tag: u32) -> &[String] {
        match self.get(tag) {
            Some(Value::Text(text)) => std::slice::from_ref(text),
            Some(Value::Texts(texts) | Value::Localised(texts)) => texts,
            _ => &[],
        }
    }

    /// Its number; of several the first.
    #[must_use]
    pub fn number(&self, tag: u32) -> Option<u64> {
        self.numbers(tag).first().copied()
    }

    /// Its numbers, none if it has none.
    #[must_use]
    pub fn numbers(&self, tag: u32) -> &[u64] {
        match self.get(tag) {
            Some(Value::Numbers(numbers)) => numbers,
            _ => &[],
        }
    }

    /// All tags in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Value)> {
        self.0.iter().map(|(tag, value)| (*tag, value))
    }
}

/// Reads a header that starts there, and says where it ends.
fn header(file: &[u8], start: usize, what: &'static str) -> Result<(Header, usize), ReadError> {
    let damaged = |how: &str| Err(ReadError::Damaged(format!("{how} in the {what}")));
    let rest = file.get(start..).ok_or(ReadError::Short(what))?;
    let introduction = rest.get(..INTRODUCTION).ok_or(ReadError::Short(what))?;
    if introduction[..4] != [0x8e, 0xad, 0xe8, 0x01] {
        return damaged("no magic number");
    }
    let (entries, size) = (word(introduction, 8), word(introduction, 12));
    if entries > MOST_ENTRIES || size > LARGEST_STORE {
        return damaged("more entries or bytes than there can be");
    }
    let store_start = INTRODUCTION + entries * ENTRY;
    let index = rest.get(INTRODUCTION..store_start).ok_or(ReadError::Short(what))?;
    let store = rest.get(store_start..store_start + size).ok_or(ReadError::Short(what))?;
    // No two entries share bytes, so together they have no more than the store: who says otherwise wants memory.
    let mut room = size;
    let mut values = BTreeMap::new();
    for entry in index.chunks_exact(ENTRY) {
        let tag = u32::from_be_bytes([entry[0], entry[1], entry[2], entry[3]]);
        if REGIONS.contains(&tag) {
            continue;
        }
        let place = Place { store, kind: word(entry, 4), offset: word(entry, 8), count: word(entry, 12) };
        let Some((value, taken)) = place.value(room) else {
            return damaged(&format!("the value of tag {tag} is wrong"));
        };
        room -= taken;
        if values.insert(tag, value).is_some() {
            return damaged(&format!("tag {tag} stands twice"));
        }
    }
    Ok((Header(values), start + store_start + size))
}

/// A 32-bit number, most significant byte first. The caller has made sure of the length.
fn word(bytes: &[u8], at: usize) -> usize {
    bytes[at..at + 4].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

/// Where an entry's value is.
struct Place<'a> {
    store: &'a [u8],
    kind: usize,
    offset: usize,
    count: usize,
}

impl Place<'_> {
    /// The value, and how many bytes of the store it takes, which are at most `room`.
    fn value(&self, room: usize) -> Option<(Value, usize)> {
        let bytes = self.store.get(self.offset..)?;
        let bytes = &bytes[..bytes.len().min(room)];
        let fixed = |width: usize| bytes.get(..self.count.checked_mul(width)?);
        let numbers = |width: usize| {
            let bytes = fixed(width)?;
            let number = |it: &[u8]| it.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            Some((Value::Numbers(bytes.chunks_exact(width).map(number).collect()), bytes.len()))
        };
        match self.kind {
            0 if self.count == 0 => Some((Value::Binary(Vec::new()), 0)),
            // Characters are bytes, too.
            1 | 2 => numbers(1),
            3 => numbers(2),
            4 => numbers(4),
            5 => numbers(8),
            6 if self.count == 1 => {
                let (mut texts, taken) = texts(bytes, 1)?;
                Some((Value::Text(texts.pop()?), taken))
            }
            7 => fixed(1).map(|bytes| (Value::Binary(bytes.to_vec()), bytes.len())),
            8 => texts(bytes, self.count).map(|(texts, taken)| (Value::Texts(texts), taken)),
            9 => texts(bytes, self.count).map(|(texts, taken)| (Value::Localised(texts), taken)),
            _ => None,
        }
    }
}

/// So many texts, each with a zero byte behind it, and the bytes that they take.
fn texts(bytes: &[u8], count: usize) -> Option<(Vec<String>, usize)> {
    let mut texts = Vec::new();
    let mut taken = 0;
    for _ in 0..count {
        let rest = &bytes[taken..];
        let length = rest.iter().position(|byte| *byte == 0)?;
        texts.push(text(&rest[..length]));
        taken += length + 1;
    }
    Some((texts, taken))
}

/// As text, without hiding what is none.
fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::super::header;
    use super::*;

    /// An RPM with these values in its header and a payload of two bytes.
    fn rpm(values: Vec<(u32, header::Value)>) -> Vec<u8> {
        let mut head = header::Header::default();
        for (tag, value) in values {
            head.put(tag, value);
        }
        let mut bytes = vec![0xed, 0xab, 0xee, 0xdb, 3, 0, 0, 0];
        bytes.resize(LEAD, 0);
        bytes.extend(header::Header::default().bytes(62).unwrap());
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes.extend(head.bytes(63).unwrap());
        bytes.extend([1, 2]);
        bytes
    }

    fn value() -> impl Strategy<Value = (header::Value, Value)> {
        let text = "[ -~äß€]{0,9}";
        prop_oneof![
            prop::collection::vec(any::<u16>(), 1..5).prop_map(|it| {
                let same = it.iter().map(|it| u64::from(*it)).collect();
                (header::Value::Int16(it), Value::Numbers(same))
            }),
            prop::collection::vec(any::<u32>(), 1..5).prop_map(|it| {
                let same = it.iter().map(|it| u64::from(*it)).collect();
                (header::Value::Int32(it), Value::Numbers(same))
            }),
            text.prop_map(|it| (header::Value::String(it.clone()), Value::Text(it))),
            text.prop_map(|it| (header::Value::Localised(it.clone()), Value::Localised(vec![it]))),
            prop::collection::vec(text, 1..5)
                .prop_map(|it| (header::Value::Strings(it.clone()), Value::Texts(it))),
            prop::collection::vec(any::<u8>(), 0..9)
                .prop_map(|it| (header::Value::Binary(it.clone()), Value::Binary(it))),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 128, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default()
        })]

        #[test]
        fn what_was_written_is_read(values in prop::collection::btree_map(1000..6000_u32, value(), 0..9)) {
            let (given, expected): (Vec<_>, BTreeMap<_, _>) =
                values.into_iter().map(|(tag, (given, expected))| ((tag, given), (tag, expected))).unzip();
            let file = rpm(given);
            let read = read(&file).unwrap();
            prop_assert_eq!(read.header, Header(expected));
            prop_assert_eq!(&file[read.payload_start..], &[1, 2][..]);
        }

        #[test]
        fn damage_is_no_panic(
            values in prop::collection::btree_map(1000..6000_u32, value(), 0..9),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            end in any::<prop::sample::Index>(),
        ) {
            let mut file = rpm(values.into_iter().map(|(tag, (given, _))| (tag, given)).collect());
            for (place, byte) in changes {
                let place = place.index(file.len());
                file[place] = byte;
            }
            let _ = read(&file);
            let _ = read(&file[..end.index(file.len())]);
        }
    }

    #[test]
    fn entries_that_share_bytes_are_refused() {
        let mut file =
            rpm(vec![(1000, header::Value::Binary(vec![7; 40])), (1001, header::Value::Int16(vec![1]))]);
        assert!(read(&file).is_ok());
        // Tag 1001 becomes another view of the same forty bytes.
        let at = file.windows(4).position(|it| it == 1001_u32.to_be_bytes()).unwrap();
        let same: Vec<u8> = [7_u32, 0, 60].iter().flat_map(|it| it.to_be_bytes()).collect();
        file[at + 4..at + 16].copy_from_slice(&same);
        assert!(matches!(read(&file), Err(ReadError::Damaged(_))));
    }

    #[test]
    fn what_is_no_rpm_is_called_that() {
        assert_eq!(read(b"!<arch>\n"), Err(ReadError::Foreign));
        assert_eq!(read(&[0xed, 0xab, 0xee, 0xdb, 3]), Err(ReadError::Short("lead")));
    }

    #[test]
    fn wrong_bytes_in_text_stay_visible() {
        assert_eq!(text(b"a\xffb\xc3\xa4"), "a\\xffb\u{e4}");
    }
}
