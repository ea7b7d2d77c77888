//! The end of a stream of bytes, in memory that does not grow with it.

use opkg::escape_hidden;

/// Lines of a report.
const MAX_LINES: usize = 20;

/// Characters of a line in a report.
const MAX_LINE_CHARS: usize = 300;

/// The last bytes of a stream.
#[derive(Debug)]
pub(crate) struct Tail {
    bytes: Vec<u8>,
    capacity: usize,
    /// Whether anything was dropped.
    truncated: bool,
}

impl Tail {
    /// Keeps at most `most` bytes.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { bytes: Vec::new(), capacity, truncated: false }
    }

    /// Takes what follows.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        // Seldom, so that each byte is moved once on the average.
        if self.bytes.len() > 2 * self.capacity {
            self.bytes.drain(..self.bytes.len() - self.capacity);
            self.truncated = true;
        }
    }

    /// The last bytes, at most `most`.
    pub(crate) fn last_bytes(&self, most: usize) -> &[u8] {
        &self.bytes[self.bytes.len().saturating_sub(most.min(self.capacity))..]
    }

    /// The last lines, for people: without control characters, long ones cut.
    pub(crate) fn last_lines(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        let mut lines: Vec<String> = text.split('\n').map(sanitize_line).collect();
        if self.truncated && lines.len() > 1 {
            lines.remove(0);
        }
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines[lines.len().saturating_sub(MAX_LINES)..].join("\n")
    }
}

/// What a terminal would show of a line, without its colours.
fn sanitize_line(line: &str) -> String {
    // What a carriage return goes back over is written over.
    let line = line.trim_end_matches('\r');
    let line = line.rsplit('\r').next().unwrap_or(line);
    let plain = escape_hidden(line).replace('\t', " ");
    let mut shown: String = plain.chars().take(MAX_LINE_CHARS).collect();
    if plain.chars().nth(MAX_LINE_CHARS).is_some() {
        shown.push('…');
    }
    shown.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use opkg::is_unsafe_control;
    use proptest::prelude::*;

    fn lines(printed: &str) -> String {
        let mut tail = Tail::new(1 << 16);
        tail.push(printed.as_bytes());
        tail.last_lines()
    }

    #[test]
    fn what_people_read() {
        assert_eq!(lines("one\n\ntwo  \r\n\n"), "one\n\ntwo");
        assert_eq!(lines("10%\r50%\rdone\n"), "done");
        assert_eq!(lines("\u{1b}[1;31mred\u{1b}[0m \u{7}\u{202e}x\ty"), "red \\u{7}\\u{202e}x y");
        assert_eq!(lines(""), "");
        let long = lines(&"é".repeat(1000));
        assert_eq!((long.chars().count(), long.chars().last().unwrap()), (MAX_LINE_CHARS + 1, '…'));
        let many: Vec<String> = (0..100).map(|it| it.to_string()).collect();
        assert_eq!(lines(&many.join("\n")).lines().count(), MAX_LINES);
    }

    #[test]
    fn a_line_that_lost_its_beginning_is_left_out() {
        let mut tail = Tail::new(10);
        tail.push(b"0123456789abcdefgh\n0123\n56");
        assert_eq!(tail.last_lines(), "0123\n56");
    }

    proptest! {
        #[test]
        fn the_last_bytes_are_the_last_bytes(pieces in prop::collection::vec(prop::collection::vec(0u8.., 0..40), 0..20), most in 1usize..30) {
            let mut tail = Tail::new(most);
            pieces.iter().for_each(|piece| tail.push(piece));
            let all = pieces.concat();
            prop_assert_eq!(tail.last_bytes(most), &all[all.len().saturating_sub(most)..]);
            prop_assert!(tail.bytes.len() <= 2 * most);
        }

        #[test]
        fn lines_are_short_and_plain(bytes in prop::collection::vec(0u8.., 0..2000)) {
            let mut tail = Tail::new(500);
            tail.push(&bytes);
            let lines = tail.last_lines();
            prop_assert!(lines.lines().count() <= MAX_LINES);
            prop_assert!(lines.chars().all(|c| c == '\n' || !is_unsafe_control(c)));
        }
    }
}
