//! Which names in the header of an RPM are UTF-8: those that are not come out of its reader in a form for people.

use opkg_package::rpm::reader::ParsedHeader;

use crate::rpm_tags as tag;

/// Bytes of a header's beginning, the last eight of which are two counts.
const INTRO_BYTES: usize = 16;
/// Bytes of an entry of its index.
const INDEX_ENTRY_BYTES: usize = 16;

/// For each file of a header, whether its path and the target of its link are UTF-8.
pub(crate) struct NameEncodings {
    names: Vec<bool>,
    directories: Vec<bool>,
    directory_indexes: Vec<u64>,
    targets: Vec<bool>,
}

impl NameEncodings {
    /// Of a header that has been read, by its bytes.
    pub(crate) fn new(bytes: &[u8], header: &ParsedHeader) -> Self {
        let names = are_utf8(bytes, tag::BASE_NAMES);
        Self {
            names: if names.is_empty() { are_utf8(bytes, tag::OLD_FILE_NAMES) } else { names },
            directories: are_utf8(bytes, tag::DIRECTORY_NAMES),
            directory_indexes: header.numbers(tag::DIRECTORY_INDEXES).to_vec(),
            targets: are_utf8(bytes, tag::FILE_LINKS),
        }
    }

    /// Of the file with this number.
    pub(crate) fn of(&self, index: usize) -> [bool; 2] {
        let is_true = |list: &[bool], index: usize| list.get(index).copied().unwrap_or(true);
        let directory = self.directory_indexes.get(index).and_then(|number| usize::try_from(*number).ok());
        let has_directory = directory.is_none_or(|number| is_true(&self.directories, number));
        [has_directory && is_true(&self.names, index), is_true(&self.targets, index)]
    }
}

/// For each text of a tag whether it is UTF-8; none of a tag that is not there.
fn are_utf8(header: &[u8], tag: u32) -> Vec<bool> {
    texts(header, tag).unwrap_or_default().into_iter().map(|it| std::str::from_utf8(it).is_ok()).collect()
}

/// The texts of a tag, as they are.
fn texts(header: &[u8], tag: u32) -> Option<Vec<&[u8]>> {
    let number = |bytes: &[u8], at: usize| -> Option<usize> {
        let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(bytes)).ok()
    };
    let entries = number(header, 8)?.checked_mul(INDEX_ENTRY_BYTES)?;
    let (index, store) = header.get(INTRO_BYTES..)?.split_at_checked(entries)?;
    let wanted = usize::try_from(tag).ok();
    let entry = index.chunks_exact(INDEX_ENTRY_BYTES).find(|entry| number(entry, 0) == wanted)?;
    let (offset, count) = (number(entry, 8)?, number(entry, 12)?);
    Some(store.get(offset..)?.split(|byte| *byte == 0).take(count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_by_their_tag() {
        let mut header = vec![0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
        let words: [u32; 10] = [2, 9, 1000, 6, 0, 1, tag::BASE_NAMES, 8, 2, 3];
        header.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        header.extend(b"x\0a\0b\xfc\0c\0");
        assert_eq!(texts(&header, tag::BASE_NAMES), Some(vec![&b"a"[..], b"b\xfc", b"c"]));
        assert_eq!(are_utf8(&header, tag::BASE_NAMES), [true, false, true]);
        let encodings = NameEncodings::new(&header, &ParsedHeader::default());
        assert_eq!([0, 1, 7].map(|index| encodings.of(index)), [[true, true], [false, true], [true, true]]);
        let below =
            NameEncodings { directories: vec![true, false], directory_indexes: vec![1, 0, 0], ..encodings };
        assert_eq!([0, 1, 2].map(|index| below.of(index)[0]), [false, false, true]);
        assert_eq!(texts(&header, tag::FILE_LINKS), None);
        assert_eq!(texts(&header[..30], tag::BASE_NAMES), None);
    }
}
