//! Definitions of tests, `.apt` and `.apb`.

use opkg_apitest::definition::{DefinitionBody, Expectation, StreamMatch};
use opkg_apitest::parse::parse;

use super::target::{Target, example};

pub const TARGET: Target = Target {
    name: "test_definition",
    run,
    seeds,
    dictionary: &[
        "<testDef>",
        "<testBatch>",
        "<test type=\"cmd\" match=\"FALSE\">",
        "<test name=\"x.apt\" mustPass=\"no\"/>",
        "<dep parent=\"a.apt\" child=\"b.apt\" status=\"ANY\"/>",
        "<command interpreter=\"/bin/sh\" uname=\"root\">",
        "<output name=\"stdout\" format=\"regexp\">",
        "<output name=\"status\">",
        "(a{9}){9}",
        "[^]]*",
        "(?P<n>.*)",
        "<![CDATA[",
        "<!--",
        "-->",
        "encoding=\"latin1\"",
    ],
};

/// Parses a definition, and matches its expressions against a text.
pub fn run(bytes: &[u8]) {
    let Ok(definition) = parse(bytes) else { return };
    let DefinitionBody::Test(test) = definition.body else { return };
    for expectation in &test.expected {
        if let Expectation::StatusMatches(pattern) | Expectation::Stream(_, StreamMatch::Matches(pattern)) =
            expectation
        {
            let _ = pattern.matches("RESULT: 12 (0)\nnode1 ok\n");
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let tests = "jobwatch/testing/apitests.d";
    let files = ["jobwatch_validate.apb", "jobwatch_config.apt", "jobwatch_nodes.apt"];
    files.iter().map(|file| example(&format!("{tests}/{file}"))).collect()
}
