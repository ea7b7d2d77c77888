//! The order of versions against dpkg's own.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::cmp::Ordering;
use std::process::Command;

use opkg_deb_family::version_order::compare;

/// Asks dpkg about each pair of its arguments and prints the order.
const SCRIPT: &str = r#"while [ $# -gt 0 ]; do
  if dpkg --compare-versions "$1" lt "$2"; then echo -1
  elif dpkg --compare-versions "$1" eq "$2"; then echo 0
  else echo 1; fi
  shift 2
done"#;

#[test]
fn ten_thousand_pairs() {
    if Command::new("dpkg").arg("--version").output().is_err() {
        assert!(std::env::var_os("OPKG_REQUIRE_TOOLS").is_none(), "dpkg is not installed");
        eprintln!("skipped: dpkg is not installed");
        return;
    }
    let mut random = XorShift(0x0dd5);
    let pairs: Vec<(String, String)> = (0..10_000).map(|_| random.next_pair()).collect();
    let ask = |pairs: &[(String, String)]| -> Vec<i32> {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "sh"]).args(pairs.iter().flat_map(|(one, other)| [one, other]));
        let output = shell.output().unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        printed.split_whitespace().map(|it| it.parse().unwrap()).collect()
    };
    let orders: Vec<i32> = std::thread::scope(|scope| {
        let parts: Vec<_> = pairs.chunks(2_500).map(|part| scope.spawn(|| ask(part))).collect();
        parts.into_iter().flat_map(|it| it.join().unwrap()).collect()
    });
    assert_eq!(orders.len(), pairs.len());
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
            // Not before the first digit of the upstream part.
            let start = other.find(':').map_or(1, |it| it + 2);
            let at = start + self.next_below(other.len() + 1 - start);
            let piece = self.next_segment();
            other.insert_str(at, piece);
        }
        (one, other)
    }

    fn next_version(&mut self) -> String {
        let mut text = ["", "", "0:", "1:", "2:"][self.next_below(5)].to_owned();
        for part in 0..=self.next_below(2) {
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
        const PIECES: [&str; 17] = [
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
            ".",
            "+",
            "~rc",
            "+dfsg",
        ];
        PIECES[self.next_below(PIECES.len())]
    }
}
