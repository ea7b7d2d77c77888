//! Versions of all kinds, and a row of versions that rise.

use super::sketch::{Sketch, version_entry};

/// Each is later than the one before it. Those with `~` are not for package managers that do not know the sign.
const RISING: [&str; 14] = [
    "0.9-1",
    "1.0~beta-1",
    "1.0-rc1-1",
    "1.0-1",
    "1.0-1.1",
    "1.0-2",
    "1.0-10",
    "1.0.1-1",
    "1.1-1",
    "1.9-1",
    "1.10-1",
    "2-1",
    "20240101-1",
    "1:0.1-1",
];

const ODD: [(&str, &str, bool); 9] = [
    ("short", "1-1", true),
    ("epoch", "3:1.2-4", true),
    ("release", "1.2-1.1.2", true),
    ("letters", "1.2a-1", true),
    ("date", "20240101.120000-7", true),
    ("dash", "1.0-rc1-1", false),
    ("tilde", "1.0~beta.2-1", false),
    ("signs", "1.0+git.1_x-1", false),
    ("word", "release-1", false),
];

pub fn sketches() -> Vec<Sketch> {
    let mut all: Vec<Sketch> = ODD
        .iter()
        .map(|(name, version, must_compile)| {
            let sketch = Sketch::new(&format!("version-{name}")).version(version);
            if *must_compile { sketch } else { sketch.may_be_refused() }
        })
        .collect();
    all.extend([
        Sketch::new("changelog-many").changelog(&many(150)),
        Sketch::new("changelog-zones").changelog(
            "<versionEntry version=\"1.2-1\">\
             <changelogEntry authorName=\"Ada Keller\" date=\"2025-03-04T23:59:59-11:00\" closes=\"12 34\"><item>Late.</item></changelogEntry>\
             <changelogEntry authorName=\"Somebody Else\" date=\"2025-03-04T00:00:01+13:00\"><item>Early.</item></changelogEntry>\
             </versionEntry><versionEntry version=\"1.1-1\">\
             <changelogEntry authorName=\"Ada Keller\" date=\"1999-12-31T23:59:59Z\"><item>Old.</item></changelogEntry></versionEntry>",
        ),
        Sketch::new(&format!("{}name", "long-".repeat(18))).summary("Has a long name"),
        Sketch::new("n0+.-"),
    ]);
    all
}

/// In the order of [`RISING`]; their names begin with `prefix`.
pub fn rising(prefix: &str) -> Vec<Sketch> {
    let sketch = |(index, version): (usize, &&str)| {
        Sketch::new("rising").labelled(&format!("{prefix}{index}")).version(version).may_be_refused()
    };
    RISING.iter().enumerate().map(sketch).collect()
}

fn many(count: u32) -> String {
    let entry = |number: u32| {
        let version = format!("1.{number}-1");
        let date = format!("{}-{:02}-{:02}T10:00:00Z", 2000 + number / 12, number % 12 + 1, number % 27 + 1);
        version_entry(&version, &date, "Ada Keller", &[&format!("Change zq{number}."), "Another one."])
    };
    (0..count).rev().map(entry).collect()
}
