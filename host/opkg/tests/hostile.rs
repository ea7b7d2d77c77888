//! Whatever the bytes are, loading ends, and says why there is no OPKG.

#![allow(clippy::unwrap_used)]

mod support;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use support::{Fixture, VALID_CONFIG, config_with};

/// Pieces that XML and the format give a meaning to.
fn xml_fragment() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "<",
            ">",
            "</",
            "/>",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<?",
            "?>",
            "&",
            ";",
            "&amp;",
            "&#x41;",
            "&nbsp;",
            "\"",
            "'",
            "=",
            "<!DOCTYPE",
            "[",
            "<oscar>",
            "</oscar>",
            "<name>",
            "<requires>",
            "<pkg>",
            "</pkg>",
            "<filters>",
            "<dist version='",
            "<version>",
            "<major>",
            "xmlns='",
            "xmlns:x='",
            "\u{feff}",
            "\0",
            "%(id)",
            "\n",
            " ",
            "é",
            "\u{202e}",
        ])
        .prop_map(str::to_owned),
        ".{0,4}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        Fixture::with_config(bytes).load();
    }

    #[test]
    fn any_markup(pieces in prop::collection::vec(xml_fragment(), 0..40)) {
        Fixture::with_config(pieces.concat()).load();
    }

    #[test]
    fn a_good_file_with_something_put_in(at in 0..VALID_CONFIG.len(), length in 0usize..30, piece in xml_fragment()) {
        let end = (at + length).min(VALID_CONFIG.len());
        let spoiled = format!("{}{piece}{}", &VALID_CONFIG[..at], &VALID_CONFIG[end..]);
        Fixture::with_config(spoiled).load();
    }

    #[test]
    fn a_good_file_with_bytes_put_in(at in 0..VALID_CONFIG.len(), bytes in prop::collection::vec(any::<u8>(), 1..4)) {
        let mut spoiled = VALID_CONFIG.as_bytes().to_vec();
        spoiled.splice(at..at, bytes);
        Fixture::with_config(spoiled).load();
    }

    #[test]
    fn what_comes_out_is_clean(text in "\\PC{0,40}", raw in any::<String>()) {
        let escape = |text: &str| {
            let allowed = text.chars().filter(|c| matches!(c, '\t' | '\n' | '\r') || *c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'));
            allowed.map(|c| format!("&#{};", c as u32)).collect::<String>()
        };
        let config = config_with("<item>Look twice.</item>", &format!("<item>{}x{}</item>", escape(&raw), escape(&text)))
            .replace("Looks around in the cluster.", &escape(&raw));
        let opkg = Fixture::with_config(config).opkg();
        let texts = opkg.history[0].changes[0].items.iter().chain(&opkg.description);
        for text in texts {
            prop_assert!(!text.contains(opkg_is_control), "{text:?}");
        }
    }
}

fn opkg_is_control(c: char) -> bool {
    c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// A million of something, in places where time or memory could grow with its square.
#[test]
fn masses() {
    let repeated = |text: &str, times: usize| text.repeat(times);
    let masses = [
        ("<oscar>", format!("<oscar>{}", repeated("<a>", 1_000_000)), "xml-limit"),
        ("<oscar>", format!("<oscar>{}", repeated("<b/>", 90_000)), "too-many-findings"),
        (
            "<pkg>sensors</pkg>",
            (0..90_000).map(|n| format!("<pkg>p{n}</pkg>")).collect(),
            "too-many-relations",
        ),
        (
            "<pkg>sensors</pkg>",
            format!("<filters>{}</filters><pkg>a</pkg>", repeated("<dist>x</dist>", 60_000)),
            "filter-too-long",
        ),
        ("<name>probe</name>", format!("<name>{}</name>", repeated("a", 1_000_000)), "name"),
        ("1.1-1", repeated("1", 1_000_000), "version"),
        ("<item>Look twice.</item>", repeated("<item>x</item>", 90_000), ""),
        ("<item>Look twice.</item>", format!("<item>{}</item>", repeated("&amp; ", 600_000)), ""),
        (
            "</authors>",
            format!(
                "{}</authors>",
                repeated("<author cat='uploader'><name>A</name><email>a@b</email></author>", 20_000)
            ),
            "",
        ),
        (
            "  <serverDeps>",
            format!("{}<serverDeps>", repeated("<serverDeps/>", 150_000)),
            "too-many-findings",
        ),
        ("</authors>", format!("{}</authors>", repeated("<author/>", 90_000)), "too-many-findings"),
    ];
    for (from, to, code) in masses {
        let loaded = Fixture::with_config(config_with(from, &to)).load();
        let found = loaded.diagnostics.iter().any(|diagnostic| diagnostic.code == code);
        assert!(
            found || (code.is_empty() && loaded.opkg.is_some()),
            "{code}: {:?}",
            loaded.diagnostics.first()
        );
        assert!(loaded.diagnostics.len() < 1_100);
        assert!(loaded.diagnostics.iter().all(|diagnostic| diagnostic.message.len() < 600), "{code}");
    }
}
