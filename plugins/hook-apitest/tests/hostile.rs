//! Any bytes at all.
#![allow(clippy::unwrap_used)]

mod common;

use common::FakeHost;
use opkg_apitest::parse::{MAX_FILE_BYTES, parse};
use opkg_plugin_hook_apitest::execute::TestSummary;
use proptest::prelude::*;

/// Pieces of definitions, in any order.
fn xml_fragments() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<testDef>",
        "</testDef>",
        "<testBatch>",
        "</testBatch>",
        "<test type='cmd'>",
        "<test name='x.apt'/>",
        "</test>",
        "<command>",
        "</command>",
        "<command interpreter=\"/bin/sh\">",
        "<output name='stdout'>",
        "<output name='status' format='regexp'>",
        "</output>",
        "<input name='argument'>",
        "</input>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "&amp;",
        "&",
        "x.apb",
        "[a-",
        "(",
        "0",
        " ",
        "\n",
        "'",
        "\"",
        "\\",
        "$",
        "<info>",
        "</info>",
        "<dep parent='x.apb' child='x.apt'/>",
        "<dep parent='x.apt' child='x.apb'/>",
        "é",
        "<?xml version='1.0'?>",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|it| it.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        if let Err(errors) = parse(&bytes) {
            prop_assert!(!errors.is_empty());
        }
    }

    #[test]
    fn any_definition_runs_or_is_refused(one in xml_fragments(), two in xml_fragments()) {
        let mut host = FakeHost::default().with_file("x.apb", one).with_file("x.apt", two);
        match host.run(&["x.apb", "x.apt"]) {
            Ok(summary) => prop_assert!(summary != TestSummary::default()),
            Err(errors) => prop_assert!(!errors.is_empty() && host.requests.is_empty()),
        }
    }
}

#[test]
fn large_and_deep_files_are_refused() {
    let said = |bytes: &[u8]| format!("{:?}", parse(bytes).unwrap_err());
    assert!(said(&vec![b' '; MAX_FILE_BYTES + 1]).contains("larger than 1024 KiB"));
    let deep = format!("<testDef>{}{}</testDef>", "<a>".repeat(9000), "</a>".repeat(9000));
    assert!(said(deep.as_bytes()).contains("test"));
    let bomb = "<!DOCTYPE t [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><testDef>&b;</testDef>";
    assert!(said(bomb.as_bytes()).contains("document type"));
}
