//! Whether scripts want to be told why they run: whether one of their files mentions what tells them.

/// Variables of their environment.
const NAMES: [&str; 2] = ["OPKG_ACTION", "OPKG_OLD_VERSION"];

/// As much of what was read as the beginning of a name can be.
const KEPT_BYTES: usize = 15;

/// Looks for the names in what is read piece by piece.
#[derive(Debug, Default)]
pub(super) struct ActionSearch {
    /// What may be the beginning of a name, then the next piece.
    window: Vec<u8>,
    /// Whether one has been found.
    pub is_found: bool,
}

impl ActionSearch {
    /// The next piece of a file.
    pub fn read(&mut self, piece: &[u8]) {
        if self.is_found {
            return;
        }
        self.window.extend_from_slice(piece);
        let is_there = |name: &str| self.window.windows(name.len()).any(|bytes| bytes == name.as_bytes());
        self.is_found = NAMES.into_iter().any(is_there);
        self.window.drain(..self.window.len().saturating_sub(KEPT_BYTES));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(text: &str, piece: usize) -> bool {
        let mut search = ActionSearch::default();
        text.as_bytes().chunks(piece).for_each(|bytes| search.read(bytes));
        search.is_found
    }

    #[test]
    fn a_name_is_found_wherever_a_piece_ends() {
        for name in NAMES {
            assert!(name.len() <= KEPT_BYTES + 1);
            let text = format!("#!/bin/sh\ncase ${name} in esac\n");
            for piece in 1..=text.len() {
                assert!(finds(&text, piece), "{name}, {piece}");
            }
        }
        assert!(!finds("OPKG_ACTIO OPKG_OLD_VERSIO OPKG-ACTION", 3) && !finds("", 1));
    }
}
