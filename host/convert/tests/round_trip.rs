//! Whatever the old file says stands in the new one, and the new one can be read.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use common::{ConvertFixture, errors, load_without_placeholders};
use opkg_convert::convert;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

/// Only what a comment may change is left out: blanks between hyphens, and how signs are written.
fn strip_insignificant(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect()
}

/// Texts and attributes of the old file that are not in the new one.
fn missing_texts(old: &str, new: &str) -> Vec<String> {
    let blanked = match (old.find("<!DOCTYPE"), old.find("dtd\">")) {
        (Some(start), Some(end)) => [&old[..start], &old[end + 5..]].concat(),
        _ => old.to_owned(),
    };
    let document = roxmltree::Document::parse(&blanked).unwrap();
    let new = strip_insignificant(new);
    let mut lost = Vec::new();
    let mut look_for = |text: &str| {
        // What has a counterpart of another kind: the part that a group became, and the type of a relation.
        if ["oscar_server", "oscar_clients", "package"].contains(&text.trim()) {
            return;
        }
        for line in text.lines().filter(|line| !new.contains(&strip_insignificant(line))) {
            lost.push(line.to_owned());
        }
    };
    for node in document.root().descendants() {
        match node.node_type() {
            roxmltree::NodeType::Text | roxmltree::NodeType::Comment => {
                look_for(node.text().unwrap_or_default())
            }
            _ => node.attributes().for_each(|attribute| look_for(attribute.value())),
        }
    }
    lost
}

/// A text with marks that make it unlike all others, and signs that need care.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[A-Za-z][A-Za-z0-9.+-]{2,12}",
        1 => "[ -~]{1,80}",
        1 => "[0-9]{1,4}",
        1 => "\\PC{0,12}",
        1 => Just(String::new()),
    ]
    .prop_map(|text| text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;"))
}

fn filter() -> impl Strategy<Value = String> {
    let group = prop_oneof![Just("oscar_server".to_owned()), Just("oscar_clients".to_owned()), text()];
    let dist = prop_oneof![Just("redhat".to_owned()), Just("fedora".to_owned()), text()];
    let version = prop_oneof![Just("3as".to_owned()), Just("9.0".to_owned()), text()];
    let arch = prop_oneof![Just("i686".to_owned()), Just("ia64".to_owned()), text()];
    let maybe = |name: &'static str, value: BoxedStrategy<String>| {
        proptest::option::of(value).prop_map(move |value| match value {
            Some(value) => format!(" {name}=\"{value}\""),
            None => String::new(),
        })
    };
    (
        maybe("group", group.boxed()),
        maybe("distribution", dist.boxed()),
        maybe("distribution_version", version.boxed()),
        maybe("architecture", arch.boxed()),
        proptest::option::weighted(0.1, text())
            .prop_map(|odd| odd.map_or(String::new(), |odd| format!(" odd=\"{odd}\""))),
    )
        .prop_map(|(a, b, c, d, e)| format!("<filter{a}{b}{c}{d}{e}/>"))
}

fn leaf(tags: &'static [&'static str]) -> impl Strategy<Value = String> {
    (proptest::sample::select(tags), text()).prop_map(|(tag, text)| format!("<{tag}>{text}</{tag}>"))
}

fn element_with(tag: &'static str, inside: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    proptest::collection::vec(inside, 0..5)
        .prop_map(move |inside| format!("<{tag}>{}</{tag}>", inside.concat()))
}

fn comment() -> impl Strategy<Value = String> {
    "[a-z<>& ]{0,20}".prop_map(|text| format!("<!--{text}-->"))
}

fn element() -> impl Strategy<Value = String> {
    const LEAVES: &[&str] =
        &["name", "summary", "license", "class", "group", "url", "vendor", "copyright", "description", "odd"];
    prop_oneof![
        4 => leaf(LEAVES),
        2 => element_with("packager", leaf(&["name", "email", "phone"])),
        2 => element_with("maintainer", leaf(&["name", "email"])),
        1 => element_with("version", leaf(&["major", "minor", "subversion", "release", "epoch"])),
        3 => element_with("rpmlist", prop_oneof![filter(), leaf(&["rpm", "rpm", "odd"]), comment()]),
        1 => element_with("requires", leaf(&["name", "type"])),
        1 => element_with("provides", prop_oneof![leaf(&["name"]), Just("<type>package</type>".to_owned())]),
        1 => element_with("conflicts", leaf(&["name"])),
        1 => element_with("servicelist", prop_oneof![filter(), leaf(&["service"])]),
        1 => filter(),
        1 => comment(),
        1 => text(),
    ]
}

proptest! {
    #![proptest_config(Config { cases: 200, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..Config::default() })]

    #[test]
    fn everything_is_found_again(elements in proptest::collection::vec(element(), 0..14)) {
        let old = format!("<oscar>\n{}\n<version><major>1</major></version></oscar>", elements.join("\n"));
        let case = ConvertFixture::new(&old);
        let (_, new) = case.convert_and_read();
        prop_assert_eq!(missing_texts(&old, &new), Vec::<String>::new(), "{}", new);
        let check = load_without_placeholders(&case.new_dir());
        prop_assert_eq!(errors(&check), Vec::<&_>::new(), "{}", new);
    }
}

fn corpus_dir() -> Option<PathBuf> {
    let root = std::env::var_os("OPKG_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"), PathBuf::from);
    let found = root.join("before-oscar-5");
    if found.is_dir() {
        return Some(found);
    }
    eprintln!("skipped: there is no corpus at {}", root.display());
    None
}

#[test]
fn all_of_the_corpus_converts() {
    let Some(corpus) = corpus_dir() else { return };
    let mut count = 0;
    for entry in fs::read_dir(corpus).unwrap() {
        let package = entry.unwrap().path();
        let dir = tempfile::tempdir().unwrap();
        let old = dir.path().join(package.file_name().unwrap());
        fs::create_dir(&old).unwrap();
        fs::copy(package.join("config.xml"), old.join("config.xml")).unwrap();
        for line in fs::read_to_string(package.join("tree.tsv")).unwrap().lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let file = old.join(fields[0]);
            if fields[0] != "config.xml" {
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(&file, if fields[3] == "-" { "" } else { fields[3] }).unwrap();
                let mode = u32::from_str_radix(fields[1], 8).unwrap();
                fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            }
        }
        let new = dir.path().join("new");
        let conversion = convert(&old, &new, None).unwrap();
        let check = load_without_placeholders(&new);
        assert_eq!(errors(&check), Vec::<&_>::new(), "{}", package.display());
        assert!(check.opkg.is_some());
        let (before, after) = (
            fs::read_to_string(old.join("config.xml")).unwrap(),
            fs::read_to_string(new.join("config.xml")).unwrap(),
        );
        assert_eq!(missing_texts(&before, &after), Vec::<String>::new(), "{}", conversion.name);
        count += 1;
    }
    assert!(count > 0);
}
