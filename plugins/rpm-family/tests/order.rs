//! The order of versions against RPM's own.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::cmp::Ordering;
use std::process::Command;

use opkg_rpm_family::version_order::compare;

/// Reads pairs and prints the order of each.
const SCRIPT: &str = "%{lua: for line in io.lines(rpm.expand('%{pairs}')) do \
                      local one, other = line:match('^(%S+) (%S+)$') print(rpm.vercmp(one, other) .. '\\n') end}";

#[test]
fn ten_thousand_pairs() {
    let mut random = XorShift(0x0dd5);
    let pairs: Vec<(String, String)> = (0..10_000).map(|_| random.next_pair()).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    let text: String = pairs.iter().map(|(one, other)| format!("{one} {other}\n")).collect();
    std::fs::write(file.path(), text).unwrap();
    let mut rpm = Command::new("rpm");
    rpm.arg("--define").arg(format!("pairs {}", file.path().display())).args(["--eval", SCRIPT]);
    let Ok(output) = rpm.output() else {
        assert!(std::env::var_os("OPKG_REQUIRE_TOOLS").is_none(), "rpm is not installed");
        eprintln!("skipped: rpm is not installed");
        return;
    };
    let printed = String::from_utf8(output.stdout).unwrap();
    let orders: Vec<i32> = printed.split_whitespace().map(|it| it.parse().unwrap()).collect();
    assert_eq!(orders.len(), pairs.len(), "{}", String::from_utf8_lossy(&output.stderr));
    for ((one, other), order) in pairs.iter().zip(&orders) {
        assert_eq!(compare(one, other), order.cmp(&0), "{one} {other}");
    }
    for wanted in [Ordering::Less, Ordering::Equal, Ordering::Greater] {
        assert!(orders.iter().filter(|it| it.cmp(&&0) == wanted).count() > 500, "{wanted:?}");
    }
}

/// Marsaglia's xorshift, so that the pairs are the same every time.
struct XorShift(u64);

impl XorShift {
    fn next_below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    /// Two versions, the second often the first with something changed.
    fn next_pair(&mut self) -> (String, String) {
        let one = self.next_version();
        let mut other = if self.next_below(4) == 0 { self.next_version() } else { one.clone() };
        for _ in 0..self.next_below(3) {
            let at = self.next_below(other.len() + 1);
            let piece = self.next_segment();
            if other[..at].contains('-') || !other.contains(':') || at > other.find(':').unwrap() {
                other.insert_str(at, piece);
            }
        }
        (one, other)
    }

    fn next_version(&mut self) -> String {
        let mut text = ["", "", "0:", "1:", "02:"][self.next_below(5)].to_owned();
        for part in 0..2 {
            if part == 1 {
                text.push('-');
            }
            text.push_str(["0", "1", "2", "10", "007"][self.next_below(5)]);
            for _ in 0..self.next_below(5) {
                text.push_str(self.next_segment());
            }
        }
        text
    }

    fn next_segment(&mut self) -> &'static str {
        const PIECES: [&str; 20] = [
            "0",
            "1",
            "9",
            "10",
            "00",
            "01",
            "20231105123456789012345678901",
            "a",
            "b",
            "Z",
            "rc",
            "~",
            "~~",
            "^",
            ".",
            "..",
            "_",
            "+",
            "~rc",
            "^git",
        ];
        PIECES[self.next_below(PIECES.len())]
    }
}
