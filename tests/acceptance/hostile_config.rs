//! `config.xml` written by somebody who means harm, or by accident: one clear message, quickly.

use std::time::{Duration, Instant};

use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::scratch;

/// Everything here is refused at once; this is for a machine that has much else to do.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The file is refused, by `check` and by a build, in few words that contain one of these.
fn assert_rejected(what: &str, config: impl Into<Vec<u8>>, words: &[&str]) {
    let directory = scratch::create_directory("hostile").join("hostile");
    file_tree::write_tree(&directory, &[TreeEntry::file("config.xml", 0o644, config)]);
    let start = Instant::now();
    let opkgc = OpkgcEnvironment::new();
    let path = directory.to_str().unwrap();
    let checked = opkgc.run(["check", path]);
    let built = opkgc.run(["--dist", "rhel", "--source", "-o", "out", path]);
    assert!(start.elapsed() < TIMEOUT, "{what} takes too long");
    for ended in [checked, built] {
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, Some(1), "{what}: {}", ended.combined_output());
        assert!(words.iter().any(|word| said.contains(word)), "{what}: {said}");
        assert!(said.len() < 8000 && !said.contains("panicked"), "{what}: {said}");
        assert!(!said.chars().any(|c| c.is_control() && c != '\n'), "{what}: control characters: {said:?}");
    }
    assert!(!opkgc.home().join("out").exists(), "{what}");
}

fn replaced_config(from: &str, to: &str) -> String {
    let config = file_tree::minimal_config("hostile", "");
    assert!(config.contains(from));
    config.replace(from, to)
}

#[test]
fn entities_are_refused() {
    let levels: String =
        (1..10).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    let bomb =
        format!("<?xml version=\"1.0\"?><!DOCTYPE oscar [<!ENTITY l0 \"lol\">{levels}]><oscar>&l9;</oscar>");
    assert_rejected("a bomb of entities", bomb, &["DOCTYPE", "DTD"]);
    let file = "<?xml version=\"1.0\"?><!DOCTYPE oscar [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><oscar>&x;</oscar>";
    assert_rejected("an external entity", file, &["DOCTYPE", "DTD"]);
}

#[test]
fn size_is_limited() {
    let mut large = replaced_config("Made.", "MADE").into_bytes();
    let at = large.windows(4).position(|it| it == b"MADE").unwrap();
    large.splice(at..at + 4, std::iter::repeat_n(b'x', 100 << 20));
    assert_rejected("100 MB", large, &["large", "MiB", "bytes"]);
    assert_rejected(
        "many elements",
        replaced_config("<item>Made.</item>", &"<item>x</item>".repeat(300_000)),
        &["many", "large"],
    );
}

#[test]
fn depth_is_limited() {
    let deep = format!("{}{}", "<a>".repeat(500_000), "</a>".repeat(500_000));
    assert_rejected("nesting", replaced_config("<item>Made.</item>", &deep), &["levels of nested elements"]);
    assert_rejected("nesting without an end", "<oscar>".repeat(400_000), &["levels of nested elements"]);
}

#[test]
fn encodings_are_two() {
    let utf16: Vec<u8> =
        file_tree::minimal_config("hostile", "").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_rejected("UTF-16 without a mark", utf16.clone(), &["UTF-16", "encoding", "UTF-8"]);
    assert_rejected("UTF-16", [vec![0xff, 0xfe], utf16].concat(), &["UTF-16", "encoding"]);
    assert_rejected("an unknown encoding", replaced_config("UTF-8", "EBCDIC-CP-US"), &["EBCDIC-CP-US"]);
    let latin = replaced_config("Package", "P?ckage").into_bytes();
    let latin: Vec<u8> = latin.iter().map(|byte| if *byte == b'?' { 0xe4 } else { *byte }).collect();
    // The declaration has question marks of its own.
    let latin = [
        b"<oscar>".to_vec(),
        latin[latin.windows(7).position(|it| it == b"<oscar>").unwrap() + 7..].to_vec(),
    ];
    assert_rejected("ISO-8859-1 that claims to be UTF-8", latin.concat(), &["UTF-8"]);
}

#[test]
fn nothing_and_nonsense_are_refused() {
    assert_rejected("an empty file", "", &["no element"]);
    assert_rejected("zeros", vec![0; 4096], &["XML", "NUL", "control", "character"]);
    assert_rejected("text", "name: hostile\n", &["XML"]);
    assert_rejected(
        "half a file",
        &file_tree::minimal_config("hostile", "")[..600],
        &["XML", "closed", "end"],
    );
    assert_rejected("another root", "<html><body/></html>", &["oscar"]);
    assert_rejected("control characters", replaced_config("Made.", "Ma\u{1}de."), &["XML", "character"]);
}

#[test]
fn names_and_versions_are_clean() {
    let name = "<name>hostile</name>";
    for bad in
        ["../x", "a/b", "a\nb", "a b", "-rf", "a;b", "$(id)", "%{nil}", "A", "é", "a", "", "a\u{202e}b"]
    {
        assert_rejected(
            &format!("the name {bad:?}"),
            replaced_config(name, &format!("<name>{bad}</name>")),
            &["name"],
        );
    }
    for bad in
        ["1.0", "1/0-1", "1.0-1;id", "$(id)-1", "%(id)-1", "`id`-1", "1 0-1", "-1", "1.0-", ":1-1", "x:1-1"]
    {
        assert_rejected(&format!("the version {bad:?}"), replaced_config("1.0-1", bad), &["version"]);
    }
    for bad in ["$(id)", "1.0;id", "%(id)", "1.0\u{a0}x", "1.0'"] {
        let deps =
            format!("<serverDeps><requires><pkg rel=\"=\" version=\"{bad}\">x</pkg></requires></serverDeps>");
        let config = file_tree::minimal_config("hostile", &deps);
        assert_rejected(&format!("the version {bad:?} of a relation"), config, &["version"]);
    }
    for bad in ["a b", "%(id)", "a;id", "x\ny", "", "$(id)"] {
        let deps = format!("<serverDeps><requires><pkg>{bad}</pkg></requires></serverDeps>");
        let directory = scratch::create_directory("relation").join("relation");
        file_tree::write_tree(
            &directory,
            &[TreeEntry::file("config.xml", 0o644, file_tree::minimal_config("relation", &deps))],
        );
        // An empty one may be left out with a warning; nothing of this kind goes through in silence.
        assert!(!OpkgcEnvironment::new().check(&directory).diagnostics.is_empty(), "the relation {bad:?}");
    }
}
