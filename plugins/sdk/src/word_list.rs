//! Long sorted lists of words that are part of a plugin: each word as what it does not share with the one before.
//!
//! It is encoded by the compiler, so that the text in the sources stays one that people and tools read, and the plugin gets
//! half of its bytes:
//!
//! ```
//! use opkg_sdk::word_list::WordList;
//!
//! const TEXT: &str = "# fruit\napple\napply\n";
//! static FRUIT: WordList<{ WordList::size_of(TEXT) }> = WordList::new(TEXT);
//! assert!(FRUIT.contains("apply") && !FRUIT.contains("app"));
//! ```

/// A list of words, in `SIZE` bytes.
#[derive(Debug)]
pub struct WordList<const SIZE: usize> {
    /// Of each word: how many bytes it shares with the one before, how many follow, and these.
    bytes: [u8; SIZE],
}

/// Bytes of a word.
const MAX_WORD: usize = 255;

impl WordList<0> {
    /// How many bytes a list takes, as [`WordList::new`] wants it.
    ///
    /// # Panics
    /// See [`WordList::new`].
    #[must_use]
    pub const fn size_of(text: &str) -> usize {
        write(text.as_bytes(), &mut [])
    }
}

impl<const SIZE: usize> WordList<SIZE> {
    /// The words of a text, one a line. Empty lines, and those that begin with `#`, are none.
    ///
    /// # Panics
    /// When a word has more than 255 bytes, or `SIZE` is not what [`WordList::size_of`] says: in a constant, an error of the
    /// compiler.
    #[must_use]
    pub const fn new(text: &str) -> Self {
        let mut bytes = [0; SIZE];
        assert!(write(text.as_bytes(), &mut bytes) == SIZE, "of another size");
        Self { bytes }
    }

    /// Whether this is one of the words.
    #[must_use]
    pub fn contains(&self, word: &str) -> bool {
        let word = word.as_bytes();
        // How many bytes of the current word are those that are looked for, and whether these are all of it.
        let mut matched = 0;
        let mut rest = self.bytes.as_slice();
        while let [shared, length, tail @ ..] = rest {
            let (shared, length) = (usize::from(*shared), usize::from(*length));
            let (suffix, next) = tail.split_at(length.min(tail.len()));
            // What differed before it was shared differs still.
            if shared <= matched {
                let wanted = &word[shared..];
                matched = shared + wanted.iter().zip(suffix).take_while(|(a, b)| a == b).count();
                if matched == word.len() && shared + length == word.len() {
                    return true;
                }
            }
            rest = next;
        }
        false
    }
}

/// Encodes a text into as much room as there is; returns how much it takes.
const fn write(text: &[u8], to: &mut [u8]) -> usize {
    let (mut size, mut at, mut previous) = (0, 0, (0, 0));
    while at < text.len() {
        let start = at;
        while at < text.len() && text[at] != b'\n' {
            at += 1;
        }
        let length = at - start;
        at += 1;
        if length == 0 || text[start] == b'#' {
            continue;
        }
        assert!(length <= MAX_WORD, "a word is too long");
        let mut shared = 0;
        while shared < length && shared < previous.1 && text[start + shared] == text[previous.0 + shared] {
            shared += 1;
        }
        if !to.is_empty() {
            to[size] = shared as u8;
            to[size + 1] = (length - shared) as u8;
            let mut place = shared;
            while place < length {
                to[size + 2 + place - shared] = text[start + place];
                place += 1;
            }
        }
        size += 2 + length - shared;
        previous = (start, length);
    }
    size
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "# comment\n\na\nab\nabc\nabd\nb\nbabc\nbac\nz-\u{e9}\u{e8}\n";
    static WORDS: WordList<{ WordList::size_of(TEXT) }> = WordList::new(TEXT);

    #[test]
    fn its_words_and_no_others() {
        for word in TEXT.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            assert!(WORDS.contains(word), "{word}");
        }
        for other in
            ["", "#", "# comment", "c", "abcd", "ba", "bab", "abe", "z-", "z-\u{e9}", "A", "a\n", "bc"]
        {
            assert!(!WORDS.contains(other), "{other}");
        }
        assert!(WORDS.bytes.len() < TEXT.len());
    }

    #[test]
    fn a_list_need_be_neither_sorted_nor_ended() {
        const TEXT: &str = "b\na\nb\nab";
        static WORDS: WordList<{ WordList::size_of(TEXT) }> = WordList::new(TEXT);
        assert!(["a", "b", "ab"].iter().all(|word| WORDS.contains(word)));
        assert!(!WORDS.contains("ba"));
        static EMPTY: WordList<{ WordList::size_of("") }> = WordList::new("");
        assert!(!EMPTY.contains("") && !EMPTY.contains("a"));
    }

    proptest! {
        /// As a search of the text says.
        #[test]
        fn the_text_says_the_same(word in "[abcz-]{0,5}") {
            prop_assert_eq!(WORDS.contains(&word), !word.is_empty() && TEXT.lines().any(|line| line == word));
        }
    }
}
