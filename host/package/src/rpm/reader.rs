//! Reads what an RPM of version 3 or 4 says of itself: lead, signature header, header; the payload is handed on
//! as it is. The file may be anybody's: every size and offset is checked, and nothing is allocated that the
//! file does not have the bytes for.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Range;

/// Bytes of the lead.
const LEAD_BYTES: usize = 96;

/// Bytes of a header's beginning: magic number, four reserved bytes, two counts.
const INTRO_BYTES: usize = 16;

/// Bytes of an entry of a header's index.
const INDEX_ENTRY_BYTES: usize = 16;

/// Entries of a header, as RPM limits them.
const MAX_ENTRIES: usize = 0xffff;

/// Bytes in front of a payload: no more than two headers of the largest size have.
const MAX_HEADERS_BYTES: usize = 160 << 20;

/// Bytes of a header's store. RPM allows four times as much; the largest in use have some ten million.
const MAX_STORE_BYTES: usize = 64 << 20;

/// Numbers and texts of a header, which take more memory than the file does: each file has some twenty.
const MAX_ITEMS: usize = 16 << 20;

/// Tags that say where a header's immutable part ends, and hold nothing themselves.
const REGION_TAGS: Range<u32> = 61..64;

/// Why a file is no RPM, or a damaged one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It does not begin as one.
    #[error("not an RPM")]
    NotRpm,

    /// It ends too early.
    #[error("cut off in the {0}")]
    Truncated(&'static str),

    /// What must not be.
    #[error("damaged: {0}")]
    Corrupt(String),
}

/// The value of a tag. Text that is not UTF-8 has `\xNN` in place of the wrong bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParsedValue {
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
pub struct ParsedHeader(BTreeMap<u32, ParsedValue>);

/// What an RPM says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpmHeaders {
    /// Whether it is a source package.
    pub is_source: bool,
    /// Checksums and signatures.
    pub signature: ParsedHeader,
    /// The main header: name, version, files, relations.
    pub header: ParsedHeader,
    /// Where the header stands in the file.
    pub header_range: Range<usize>,
    /// Where the compressed payload starts; it goes on to the end.
    pub payload_start: usize,
}

/// Reads a file, or as much of one as holds the headers.
///
/// # Errors
/// When it is no RPM, or breaks the format.
pub fn read(file: &[u8]) -> Result<RpmHeaders, ReadError> {
    if !file.starts_with(&[0xed, 0xab, 0xee, 0xdb]) {
        return Err(ReadError::NotRpm);
    }
    let lead = file.get(..LEAD_BYTES).ok_or(ReadError::Truncated("lead"))?;
    let (signature, end) = parse_header(file, LEAD_BYTES, "signature header")?;
    let start = end.next_multiple_of(8);
    let (header, payload_start) = parse_header(file, start, "header")?;
    // What the lead says of it is overruled by a tag, which old source packages do not have.
    let is_source = header.number(super::tag::SOURCE_PACKAGE).is_some() || lead[6..8] == [0, 1];
    Ok(RpmHeaders { is_source, signature, header, header_range: start..payload_start, payload_start })
}

/// Reads as much of a file as holds the headers, but no more than these may have.
///
/// # Errors
/// When it cannot be read. What is in it may still be no RPM.
pub fn read_headers(file: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let missing = headers_length(&bytes).min(MAX_HEADERS_BYTES).saturating_sub(bytes.len());
        if missing == 0 || file.by_ref().take(missing as u64).read_to_end(&mut bytes)? < missing {
            return Ok(bytes);
        }
    }
}

/// How many bytes the headers have at least, as far as the beginning of a file tells.
fn headers_length(file: &[u8]) -> usize {
    let mut end = LEAD_BYTES;
    for _ in 0..2 {
        let start = end.next_multiple_of(8);
        end = start + INTRO_BYTES;
        let Some(intro) = file.get(start..end) else { break };
        // As the counts stand there; whether they can be true is asked when all of it is parsed.
        end = be_u32(intro, 8)
            .saturating_mul(INDEX_ENTRY_BYTES)
            .saturating_add(be_u32(intro, 12))
            .saturating_add(end);
        if end > file.len() {
            break;
        }
    }
    end
}

impl ParsedHeader {
    /// A tag's value, if there is one.
    #[must_use]
    pub fn get(&self, tag: u32) -> Option<&ParsedValue> {
        self.0.get(&tag)
    }

    /// Its text; of several the first.
    #[must_use]
    pub fn text(&self, tag: u32) -> Option<&str> {
        match self.get(tag)? {
            ParsedValue::Text(text) => Some(text),
            ParsedValue::Texts(texts) | ParsedValue::Localised(texts) => texts.first().map(String::as_str),
            ParsedValue::Numbers(_) | ParsedValue::Binary(_) => None,
        }
    }

    /// Its texts, none if it has none.
    #[must_use]
    pub fn texts(&self, tag: u32) -> &[String] {
        match self.get(tag) {
            Some(ParsedValue::Text(text)) => std::slice::from_ref(text),
            Some(ParsedValue::Texts(texts) | ParsedValue::Localised(texts)) => texts,
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
            Some(ParsedValue::Numbers(numbers)) => numbers,
            _ => &[],
        }
    }

    /// All tags in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &ParsedValue)> {
        self.0.iter().map(|(tag, value)| (*tag, value))
    }
}

/// Reads a header that starts there, and says where it ends.
fn parse_header(file: &[u8], start: usize, what: &'static str) -> Result<(ParsedHeader, usize), ReadError> {
    let damaged = |how: &str| Err(ReadError::Corrupt(format!("{how} in the {what}")));
    let rest = file.get(start..).ok_or(ReadError::Truncated(what))?;
    let introduction = rest.get(..INTRO_BYTES).ok_or(ReadError::Truncated(what))?;
    if introduction[..4] != [0x8e, 0xad, 0xe8, 0x01] {
        return damaged("no magic number");
    }
    let (entries, size) = (be_u32(introduction, 8), be_u32(introduction, 12));
    if entries > MAX_ENTRIES || size > MAX_STORE_BYTES {
        return damaged("more entries or bytes than there can be");
    }
    let store_start = INTRO_BYTES + entries * INDEX_ENTRY_BYTES;
    let index = rest.get(INTRO_BYTES..store_start).ok_or(ReadError::Truncated(what))?;
    let store = rest.get(store_start..store_start + size).ok_or(ReadError::Truncated(what))?;
    // No two entries share bytes, so together they have no more than the store: who says otherwise wants memory.
    let mut room = size;
    let mut items = MAX_ITEMS;
    let mut values = BTreeMap::new();
    for entry in index.chunks_exact(INDEX_ENTRY_BYTES) {
        let tag = u32::from_be_bytes([entry[0], entry[1], entry[2], entry[3]]);
        if REGION_TAGS.contains(&tag) {
            continue;
        }
        let place =
            IndexEntry { store, kind: be_u32(entry, 4), offset: be_u32(entry, 8), count: be_u32(entry, 12) };
        // Bytes alone are kept as they are.
        let Some(left) = items.checked_sub(if place.kind == BINARY { 0 } else { place.count }) else {
            return damaged("more values than there can be");
        };
        items = left;
        let Some((value, taken)) = place.parse_value(room) else {
            return damaged(&format!("the value of tag {tag} is wrong"));
        };
        room -= taken;
        if values.insert(tag, value).is_some() {
            return damaged(&format!("tag {tag} stands twice"));
        }
    }
    Ok((ParsedHeader(values), start + store_start + size))
}

/// A 32-bit number, most significant byte first. The caller has made sure of the length.
fn be_u32(bytes: &[u8], at: usize) -> usize {
    bytes[at..at + 4].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

/// The type of a tag that holds bytes.
const BINARY: usize = 7;

/// Where an entry's value is.
struct IndexEntry<'a> {
    store: &'a [u8],
    kind: usize,
    offset: usize,
    count: usize,
}

impl IndexEntry<'_> {
    /// The value, and how many bytes of the store it takes, which are at most `room`.
    fn parse_value(&self, room: usize) -> Option<(ParsedValue, usize)> {
        let bytes = self.store.get(self.offset..)?;
        let bytes = &bytes[..bytes.len().min(room)];
        let fixed = |width: usize| bytes.get(..self.count.checked_mul(width)?);
        let numbers = |width: usize| {
            let bytes = fixed(width)?;
            let number = |it: &[u8]| it.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            Some((ParsedValue::Numbers(bytes.chunks_exact(width).map(number).collect()), bytes.len()))
        };
        match self.kind {
            0 if self.count == 0 => Some((ParsedValue::Binary(Vec::new()), 0)),
            // Characters are bytes, too.
            1 | 2 => numbers(1),
            3 => numbers(2),
            4 => numbers(4),
            5 => numbers(8),
            6 if self.count == 1 => {
                let (mut texts, taken) = parse_texts(bytes, 1)?;
                Some((ParsedValue::Text(texts.pop()?), taken))
            }
            BINARY => fixed(1).map(|bytes| (ParsedValue::Binary(bytes.to_vec()), bytes.len())),
            8 => parse_texts(bytes, self.count).map(|(texts, taken)| (ParsedValue::Texts(texts), taken)),
            9 => parse_texts(bytes, self.count).map(|(texts, taken)| (ParsedValue::Localised(texts), taken)),
            _ => None,
        }
    }
}

/// So many texts, each with a zero byte behind it, and the bytes that they take.
fn parse_texts(bytes: &[u8], count: usize) -> Option<(Vec<String>, usize)> {
    let mut texts = Vec::new();
    let mut taken = 0;
    for _ in 0..count {
        let rest = &bytes[taken..];
        let length = rest.iter().position(|byte| *byte == 0)?;
        texts.push(lossy_text(&rest[..length]));
        taken += length + 1;
    }
    Some((texts, taken))
}

/// As text, without hiding what is none.
fn lossy_text(bytes: &[u8]) -> String {
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
    fn rpm_with(values: Vec<(u32, header::TagValue)>) -> Vec<u8> {
        let mut head = header::Header::default();
        for (tag, value) in values {
            head.put(tag, value);
        }
        let mut bytes = vec![0xed, 0xab, 0xee, 0xdb, 3, 0, 0, 0];
        bytes.resize(LEAD_BYTES, 0);
        bytes.extend(header::Header::default().to_bytes(62).unwrap());
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes.extend(head.to_bytes(63).unwrap());
        bytes.extend([1, 2]);
        bytes
    }

    fn value_pair() -> impl Strategy<Value = (header::TagValue, ParsedValue)> {
        let text = "[ -~äß€]{0,9}";
        prop_oneof![
            prop::collection::vec(any::<u16>(), 1..5).prop_map(|it| {
                let same = it.iter().map(|it| u64::from(*it)).collect();
                (header::TagValue::Int16(it), ParsedValue::Numbers(same))
            }),
            prop::collection::vec(any::<u32>(), 1..5).prop_map(|it| {
                let same = it.iter().map(|it| u64::from(*it)).collect();
                (header::TagValue::Int32(it), ParsedValue::Numbers(same))
            }),
            text.prop_map(|it| (header::TagValue::String(it.clone()), ParsedValue::Text(it))),
            text.prop_map(|it| (header::TagValue::Localised(it.clone()), ParsedValue::Localised(vec![it]))),
            prop::collection::vec(text, 1..5)
                .prop_map(|it| (header::TagValue::Strings(it.clone()), ParsedValue::Texts(it))),
            prop::collection::vec(any::<u8>(), 0..9)
                .prop_map(|it| (header::TagValue::Binary(it.clone()), ParsedValue::Binary(it))),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 128, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default()
        })]

        #[test]
        fn what_was_written_is_read(values in prop::collection::btree_map(1000..6000_u32, value_pair(), 0..9)) {
            let (given, expected): (Vec<_>, BTreeMap<_, _>) =
                values.into_iter().map(|(tag, (given, expected))| ((tag, given), (tag, expected))).unzip();
            let file = rpm_with(given);
            let read = read(&file).unwrap();
            prop_assert_eq!(read.header, ParsedHeader(expected));
            prop_assert_eq!(&file[read.payload_start..], &[1, 2][..]);
        }

        #[test]
        fn damage_is_no_panic(
            values in prop::collection::btree_map(1000..6000_u32, value_pair(), 0..9),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            end in any::<prop::sample::Index>(),
        ) {
            let mut file = rpm_with(values.into_iter().map(|(tag, (given, _))| (tag, given)).collect());
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
        let mut file = rpm_with(vec![
            (1000, header::TagValue::Binary(vec![7; 40])),
            (1001, header::TagValue::Int16(vec![1])),
        ]);
        assert!(read(&file).is_ok());
        // Tag 1001 becomes another view of the same forty bytes.
        let at = file.windows(4).position(|it| it == 1001_u32.to_be_bytes()).unwrap();
        let same: Vec<u8> = [7_u32, 0, 60].iter().flat_map(|it| it.to_be_bytes()).collect();
        file[at + 4..at + 16].copy_from_slice(&same);
        assert!(matches!(read(&file), Err(ReadError::Corrupt(_))));
    }

    #[test]
    fn what_is_no_rpm_is_called_that() {
        assert_eq!(read(b"!<arch>\n"), Err(ReadError::NotRpm));
        assert_eq!(read(&[0xed, 0xab, 0xee, 0xdb, 3]), Err(ReadError::Truncated("lead")));
    }

    #[test]
    fn wrong_bytes_in_text_stay_visible() {
        assert_eq!(lossy_text(b"a\xffb\xc3\xa4"), "a\\xffb\u{e4}");
    }
}
