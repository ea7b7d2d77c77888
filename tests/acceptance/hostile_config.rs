//! `config.xml` written by somebody who means harm, or by accident: one clear message, quickly.

use std::time::{Duration, Instant};

use opkg_tests::layout::{self, Item};
use opkg_tests::opkgc::Opkgc;
use opkg_tests::scratch;

/// Everything here is refused at once; this is for a machine that has much else to do.
const QUICKLY: Duration = Duration::from_secs(10);

/// The file is refused, by `check` and by a build, in few words that contain one of these.
fn refused(what: &str, config: impl Into<Vec<u8>>, words: &[&str]) {
    let directory = scratch::directory("hostile").join("hostile");
    layout::write(&directory, &[Item::file("config.xml", 0o644, config)]);
    let start = Instant::now();
    let opkgc = Opkgc::new();
    let path = directory.to_str().unwrap();
    let checked = opkgc.run(["check", path]);
    let built = opkgc.run(["--dist", "rhel", "--source", "-o", "out", path]);
    assert!(start.elapsed() < QUICKLY, "{what} takes too long");
    for ended in [checked, built] {
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, Some(1), "{what}: {}", ended.output());
        assert!(words.iter().any(|word| said.contains(word)), "{what}: {said}");
        assert!(said.len() < 8000 && !said.contains("panicked"), "{what}: {said}");
        assert!(!said.chars().any(|c| c.is_control() && c != '\n'), "{what}: control characters: {said:?}");
    }
    assert!(!opkgc.home().join("out").exists(), "{what}");
}

fn config(from: &str, to: &str) -> String {
    let config = layout::config("hostile", "");
    assert!(config.contains(from));
    config.replace(from, to)
}

#[test]
fn entities_are_refused() {
    let levels: String =
        (1..10).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    let bomb =
        format!("<?xml version=\"1.0\"?><!DOCTYPE oscar [<!ENTITY l0 \"lol\">{levels}]><oscar>&l9;</oscar>");
    refused("a bomb of entities", bomb, &["DOCTYPE", "DTD"]);
    let file = "<?xml version=\"1.0\"?><!DOCTYPE oscar [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><oscar>&x;</oscar>";
    refused("an external entity", file, &["DOCTYPE", "DTD"]);
}

#[test]
fn size_is_limited() {
    let mut large = config("Made.", "MADE").into_bytes();
    let at = large.windows(4).position(|it| it == b"MADE").unwrap();
    large.splice(at..at + 4, std::iter::repeat_n(b'x', 100 << 20));
    refused("100 MB", large, &["large", "MiB", "bytes"]);
    refused(
        "many elements",
        config("<item>Made.</item>", &"<item>x</item>".repeat(300_000)),
        &["many", "large"],
    );
}

#[test]
fn depth_is_limited() {
    let deep = format!("{}{}", "<a>".repeat(500_000), "</a>".repeat(500_000));
    refused("nesting", config("<item>Made.</item>", &deep), &["inside of one another"]);
    refused("nesting without an end", "<oscar>".repeat(400_000), &["inside of one another"]);
}

#[test]
fn encodings_are_two() {
    let utf16: Vec<u8> = layout::config("hostile", "").encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused("UTF-16 without a mark", utf16.clone(), &["UTF-16", "encoding", "UTF-8"]);
    refused("UTF-16", [vec![0xff, 0xfe], utf16].concat(), &["UTF-16", "encoding"]);
    refused("an unknown encoding", config("UTF-8", "EBCDIC-CP-US"), &["EBCDIC-CP-US"]);
    let latin = config("Package", "P?ckage").into_bytes();
    let latin: Vec<u8> = latin.iter().map(|byte| if *byte == b'?' { 0xe4 } else { *byte }).collect();
    // The declaration has question marks of its own.
    let latin = [
        b"<oscar>".to_vec(),
        latin[latin.windows(7).position(|it| it == b"<oscar>").unwrap() + 7..].to_vec(),
    ];
    refused("ISO-8859-1 that claims to be UTF-8", latin.concat(), &["UTF-8"]);
}

#[test]
fn nothing_and_nonsense_are_refused() {
    refused("an empty file", "", &["no element"]);
    refused("zeros", vec![0; 4096], &["XML", "NUL", "control", "character"]);
    refused("text", "name: hostile\n", &["XML"]);
    refused("half a file", &layout::config("hostile", "")[..600], &["XML", "closed", "end"]);
    refused("another root", "<html><body/></html>", &["oscar"]);
    refused("control characters", config("Made.", "Ma\u{1}de."), &["XML", "character"]);
}

#[test]
fn names_and_versions_are_clean() {
    let name = "<name>hostile</name>";
    for bad in
        ["../x", "a/b", "a\nb", "a b", "-rf", "a;b", "$(id)", "%{nil}", "A", "é", "a", "", "a\u{202e}b"]
    {
        refused(&format!("the name {bad:?}"), config(name, &format!("<name>{bad}</name>")), &["name"]);
    }
    for bad in
        ["1.0", "1/0-1", "1.0-1;id", "$(id)-1", "%(id)-1", "`id`-1", "1 0-1", "-1", "1.0-", ":1-1", "x:1-1"]
    {
        refused(&format!("the version {bad:?}"), config("1.0-1", bad), &["version"]);
    }
    for bad in ["$(id)", "1.0;id", "%(id)", "1.0\u{a0}x", "1.0'"] {
        let deps =
            format!("<serverDeps><requires><pkg rel=\"=\" version=\"{bad}\">x</pkg></requires></serverDeps>");
        let config = layout::config("hostile", &deps);
        refused(&format!("the version {bad:?} of a relation"), config, &["version"]);
    }
    for bad in ["a b", "%(id)", "a;id", "x\ny", "", "$(id)"] {
        let deps = format!("<serverDeps><requires><pkg>{bad}</pkg></requires></serverDeps>");
        let directory = scratch::directory("relation").join("relation");
        layout::write(&directory, &[Item::file("config.xml", 0o644, layout::config("relation", &deps))]);
        // An empty one may be left out with a warning; nothing of this kind goes through in silence.
        assert!(!Opkgc::new().check(&directory).findings.is_empty(), "the relation {bad:?}");
    }
}
