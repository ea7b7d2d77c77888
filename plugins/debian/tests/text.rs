//! Whatever stands in an OPKG, the files stay well-formed and say the same.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use common::*;
use opkg_sdk::model::*;
use proptest::prelude::*;

/// A stanza's fields; the value of one that goes on keeps its line feeds.
type Stanza = BTreeMap<String, String>;

/// Reads a control file as deb-control(5) says, strictly.
fn parse(text: &str) -> Vec<Stanza> {
    let mut stanzas = Vec::new();
    for block in text.trim_end_matches('\n').split("\n\n") {
        let mut stanza = Stanza::new();
        let mut last = String::new();
        for line in block.split('\n') {
            assert!(!line.trim().is_empty(), "an empty line in {block:?}");
            if let Some(rest) = line.strip_prefix(' ') {
                let value = stanza.get_mut(&last).unwrap();
                value.push('\n');
                value.push_str(rest);
            } else {
                let (name, value) = line.split_once(':').unwrap();
                assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{line:?}");
                last = name.to_owned();
                assert!(stanza.insert(last.clone(), value.trim_start().to_owned()).is_none(), "{line:?}");
            }
        }
        stanzas.push(stanza);
    }
    stanzas
}

fn split_words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// What dpkg-gencontrol leaves of a text without variables.
fn substitute_vars(text: &str) -> String {
    text.replace("${}", "$")
}

/// What the host lets through: no control characters, white space folded, not empty.
fn any_line() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{1,60}",
        "(\\.|Package: x|[$]\\{|\\}|[$]|Newline|\\{%| -- |[*]|#|;|<a@b>|Closes: #1|é|\u{2028}|\u{85}|\u{a0}|[(),]|%|\\\\|'|\"| ){1,12}",
        "[a-z]{70,100}( [.][a-z]{0,3}){0,40}",
    ]
    .prop_map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
    .prop_filter("not empty", |text| !text.is_empty())
}

fn with_text(summary: String, description: Vec<String>, items: Vec<String>, person: String) -> Opkg {
    let mut opkg = sample_opkg();
    opkg.summary = summary;
    opkg.description = description;
    for author in &mut opkg.authors {
        author.name.push_str(&person);
    }
    opkg.history[0].changes[0].items = items;
    opkg.history[0].changes[0].author.push_str(&person);
    opkg.uri = Some(format!("https://example.org/{person}"));
    opkg.license = person;
    opkg
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn control_says_what_the_opkg_says(
        summary in any_line(),
        description in prop::collection::vec(any_line(), 1..4),
        person in any_line(),
    ) {
        let opkg = with_text(summary, description, vec!["x".into()], person);
        let output = generate(&opkg);
        let stanzas = parse(meta_file(&output, "control"));
        prop_assert_eq!(stanzas.len(), 4);
        for (stanza, package) in stanzas[1..].iter().zip(&output.packages) {
            let value = substitute_vars(&stanza["Description"]);
            let (synopsis, rest) = value.split_once('\n').unwrap();
            prop_assert_eq!(split_words(synopsis), split_words(&package.summary));
            prop_assert!(synopsis.starts_with(&opkg.summary));
            let paragraphs: Vec<Vec<&str>> =
                rest.split("\n.\n").map(split_words).collect();
            let (_, own) = paragraphs.split_last().unwrap();
            let written: Vec<Vec<&str>> = opkg.description.iter().map(|text| split_words(text)).collect();
            prop_assert_eq!(own, written.as_slice());
            prop_assert_eq!(rest.replace("\n.\n", "\n\n"), package.description.as_str());
        }
        prop_assert_eq!(parse(meta_file(&output, "copyright")).len(), 2);
    }

    #[test]
    fn no_item_starts_or_ends_a_stanza(items in prop::collection::vec(any_line(), 1..4), person in any_line()) {
        let opkg = with_text("x".into(), vec!["x".into()], items, person);
        let output = generate(&opkg);
        let changelog = meta_file(&output, "changelog");
        let at_the_margin: Vec<&str> = changelog.lines().filter(|line| !line.starts_with("  ")).collect();
        prop_assert_eq!(at_the_margin.iter().filter(|line| line.starts_with("opkg-watch (")).count(), 3);
        prop_assert_eq!(at_the_margin.iter().filter(|line| line.starts_with(" -- ")).count(), 3);
        prop_assert!(at_the_margin.iter().all(|line| line.is_empty() || line.starts_with("opkg-watch (") || line.starts_with(" -- ")));
        let stanza: Vec<&str> = changelog.lines().take_while(|line| !line.starts_with(" -- ")).collect();
        let body = stanza.join(" ");
        let body = split_words(&body);
        for item in &opkg.history[0].changes[0].items {
            let item = split_words(item);
            prop_assert!(body.windows(item.len()).any(|window| window == item), "{:?} in {}", item, changelog);
        }
    }

    #[test]
    fn every_version_is_one_for_dpkg(upstream in "[a-zA-Z0-9.+~^_:-]{1,12}", release in "[a-zA-Z0-9.+~^_]{1,6}") {
        let mut opkg = sample_opkg();
        opkg.history[0].version = version(0, &upstream, &release);
        let output = generate(&opkg);
        let package = &output.packages[0];
        prop_assert!(package.version.starts_with(|first: char| first.is_ascii_digit()));
        prop_assert!(package.version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-~".contains(&byte)));
        prop_assert!(!package.release.is_empty());
        prop_assert!(package.release.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+~".contains(&byte)));
    }
}

proptest! {
    // Each case starts a dozen processes.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn the_tools_read_it_as_it_was_meant(
        summary in any_line(),
        description in prop::collection::vec(any_line(), 1..4),
        items in prop::collection::vec(any_line(), 1..4),
        person in any_line(),
        name in "[^\0/\n]{1,20}",
    ) {
        if is_installed("dpkg-buildpackage") && name != "." && name != ".." {
            let mut opkg = with_text(summary, description, items, person);
            let target = format!("/usr/lib/oscar/testing/data/watch/{name}");
            opkg.files.push(file(99, &format!("testing/data/{name}"), Part::Api, Destination::Path(target.clone()), &[]));
            let output = generate(&opkg);
            let scratch = tempfile::tempdir().unwrap();
            write_source_tree(&opkg, &output, scratch.path());
            run_native_build(&output, scratch.path(), &[], "022");

            let log = scratch.path().join(source_dir(&output)).join("debian/changelog");
            let read = run_checked(Command::new("dpkg-parsechangelog").arg("--all").arg("-l").arg(log));
            prop_assert_eq!(String::from_utf8_lossy(&read.stderr), "");

            for package in &output.packages {
                let deb = scratch.path().join(&package.file_name);
                let fields = stdout_of(Command::new("dpkg-deb").arg("-f").arg(&deb));
                let stanzas = parse(&fields);
                prop_assert_eq!(stanzas.len(), 1);
                let expected = format!("{}\n{}", package.summary, package.description.replace("\n\n", "\n.\n"));
                prop_assert_eq!(&stanzas[0]["Description"], &expected);
                prop_assert_eq!(&stanzas[0]["Maintainer"], &package.maintainer);
            }
            let data = scratch.path().join("data");
            run_checked(Command::new("dpkg-deb").arg("-x").arg(scratch.path().join(&output.packages[0].file_name)).arg(&data));
            let installed = fs::read_to_string(data.join(&target[1..])).unwrap();
            prop_assert_eq!(installed, format!("Contents of testing/data/{name}.\n"));
        }
    }
}
