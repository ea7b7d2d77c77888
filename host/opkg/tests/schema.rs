//! The XML schema and the check of the compiler say the same, but for what is listed here.
//!
//! Leniencies: the schema refuses, the compiler reads on, and says so with one of [`LENIENT`].
//! What a schema cannot say: it accepts, the compiler refuses with one of [`BEYOND`].

#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::process::Command;

use opkg::diagnostic::Severity;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use support::{Fixture, VALID_CONFIG};

/// Diagnostics short of an error for what the schema refuses.
const LENIENT_CODES: &[(&str, &str)] = &[
    ("order", "elements in another order than that of the schema"),
    ("unknown-element", "elements that the format does not know"),
    ("unknown-attribute", "attributes that the format does not know"),
    ("stray-text", "text beside elements"),
    ("empty-element", "empty elements, which count as absent"),
    ("empty-attribute", "empty versions, which count as absent"),
    ("class", "no class"),
    ("group", "no group"),
    ("uri", "a home page that is no address, which is left out"),
    ("changelog-date", "the wrong date of an old change"),
    ("changelog-date-form", "a date as programs print it"),
    ("changelog-date-blank", "a blank in front of the hour"),
    ("changelog-author", "no author of an old change"),
    ("changelog-item", "a change or an old version about which nothing is said"),
    ("changelog-closes", "bug numbers that are none, which are left out"),
    ("version", "old versions that are none, which are left out"),
    ("single-alternative", "alternatives of which there is one"),
    ("relation-inside-version", "the relation inside of the version"),
    ("doctype", "a document type, which validators want to read"),
];

/// Errors about what the schema accepts.
const CODES_BEYOND_SCHEMA: &[(&str, &str)] = &[
    ("no-maintainer", "one author must be the maintainer"),
    ("author-email", "addresses that stand for unknown ones"),
    ("author-year", "the end before the beginning"),
    ("relation-version", "a relation without a version; an epoch that is too large"),
    ("version", "an epoch that is too large"),
    ("filter-too-long", "the number of alternatives"),
    ("too-many-relations", "the number of relations"),
    ("alternative-path", "alternatives of files that no package has"),
    ("trigger-script", "triggers without a script"),
    ("payload", "sources that lead out of the OPKG"),
];

/// Spellings of the same that the compiler reads without a word: bug numbers as `#1`, relations as packaging
/// formats write them (`==`), architectures in upper case, a name space of the document, and white space around
/// a date, which validators ought to collapse.
const SILENTLY_ACCEPTED: &[&str] = &["closes=\"#", "rel=\"==\"", "<arch>X86_64</arch>", "xmlns=", "date=\" "];

/// What may stand in place of something in the flawless file.
const VARIANTS: &[(&str, &[&str])] = &[
    (
        "<oscar>",
        &["<oscar version=\"1\">", "<oscar>x", "<oscar xmlns=\"urn:x\">", "<oscar xmlns:o=\"urn:x\">"],
    ),
    (
        "  <name>probe</name>\n",
        &["", "<name/>", "<name>P</name>", "<name>a</name>", "<name> a+.-b\n</name>", "<name>a b</name>"],
    ),
    ("  <class>included</class>\n", &["", "<class/>", "<class> core </class>", "<class>Core</class>"]),
    (
        "  <summary>Looks around</summary>\n",
        &[
            "",
            "<summary> </summary>",
            "<summary>1234567890123456789012345678901234567890123456789012345678901234567</summary>",
            "<summary>12345678901234567890123456789012345678901234567890123456789012345678</summary>",
            "<summary>äöü  \n x</summary>",
        ],
    ),
    ("Looks around in the cluster.\n\nReports what it has seen.", &["", " \n ", "%(id) $(id)", "<b>x</b>"]),
    ("<license>GPL</license>", &["", "<license/>", "<license>MIT OR Apache-2.0</license>"]),
    (
        "<group>Applications/System</group>",
        &["", "<group/>", "<group>A</group><group>B</group>", "<group>A</group><group/>"],
    ),
    (
        "  <uri>https://example.org/probe</uri>\n",
        &["", "<uri/>", "<uri>www.example.org</uri>", "<uri>ftp://x/y z</uri>"],
    ),
    (
        "cat=\"maintainer\"",
        &["", "cat=\"upstream\"", "cat=\"x\"", "cat=\" maintainer \"", "cat=\"maintainer\" x=\"1\""],
    ),
    (
        "<email>ada@example.org</email>",
        &[
            "",
            "<email/>",
            "<email>ada</email>",
            "<email>a b@c</email>",
            "<email>x@y.invalid</email>",
            "<email> a@b </email><nickname>n</nickname><institution>i</institution>",
            "<email>a@b</email><nickname/>",
            "<email>a@b</email><beginYear>2001</beginYear><endYear> 2002</endYear>",
            "<email>a@b</email><beginYear>2003</beginYear><endYear>2002</endYear>",
            "<email>a@b</email><beginYear>0</beginYear>",
            "<email>a@b</email><beginYear>-1</beginYear>",
            "<email>a@b</email><beginYear>12345</beginYear>",
            "<email>a@b</email><email>a@b</email>",
        ],
    ),
    (
        "  </authors>\n",
        &[
            "</authors><authors/>",
            "</authors><filters/>",
            "</authors><filters><dist>fox</dist><arch>amd64</arch><dist rel=\">=\" version=\"5\">lynx</dist></filters>",
            "</authors><filters><arch>X86_64</arch></filters>",
            "</authors><filters><arch>vax</arch></filters>",
            "</authors><filters><dist>grey fox</dist></filters>",
            "</authors><filters><dist/></filters>",
            "</authors><filters/><filters/>",
            "</authors><requires><pkg>x</pkg></requires><provides><pkg>y</pkg></provides><requires><pkg>z</pkg></requires>",
            "</authors><suggests><pkg>x</pkg></suggests>",
            "</authors><conflicts/>",
        ],
    ),
    (
        "<pkg>sensors</pkg>",
        &[
            "",
            "<pkg/>",
            "<pkg> x\n</pkg>",
            "<pkg>a b</pkg>",
            "<pkg>-a</pkg>",
            "<pkg>perl(A::B)</pkg><pkg>/usr/bin/x</pkg><pkg>libx.so.1()(64bit)</pkg>",
            "<pkg>a;b</pkg>",
            "<pkg rel=\">=\" version=\"1:2.0-3\">a</pkg>",
            "<pkg rel=\">=\">a</pkg>",
            "<pkg version=\"2\">a</pkg>",
            "<pkg version=\"\">a</pkg>",
            "<pkg version=\">=2\">a</pkg>",
            "<pkg rel=\"==\" version=\"2\">a</pkg>",
            "<pkg rel=\"ge\" version=\"2\">a</pkg>",
            "<pkg rel=\">=\" version=\"$(id)\">a</pkg>",
            "<pkg rel=\">=\" version=\"99999999999:1\">a</pkg>",
            "<pkg>x</pkg><filters/>",
            "<opkg>munge</opkg>",
            "<opkg part=\"api\" rel=\"&lt;\" version=\"1:2-rc1\"> munge\n</opkg><pkg>x</pkg><opkg>c3</opkg>",
            "<opkg>Munge</opkg>",
            "<opkg/>",
            "<opkg>munge</opkg><any><pkg>a</pkg><opkg part=\"client\">bb</opkg></any><pkg>x</pkg>",
            "<opkg part=\"\">munge</opkg>",
            "<opkg part=\"all\">munge</opkg>",
            "<opkg rel=\"=\" version=\"2-\">munge</opkg>",
            "<any/>",
            "<any><pkg>a</pkg></any>",
            "<any><pkg>a</pkg><pkg>a</pkg></any>",
            "<any><pkg>a</pkg><any><pkg>b</pkg><pkg>c</pkg></any></any>",
            "<any><filters/><pkg>a</pkg><pkg>b</pkg></any>",
            "<filters/><pkg>x</pkg><!-- c --><pkg>x</pkg>",
        ],
    ),
    (
        "  </serverDeps>\n",
        &[
            "</serverDeps><serverDeps/>",
            "</serverDeps><clientDeps/><commonDeps/><apiDeps/>",
            "</serverDeps><apiDeps/><clientDeps/>",
            "</serverDeps><clientDeps>x</clientDeps>",
            "<suggests><pkg>x</pkg></suggests><requires><pkg>y</pkg></requires></serverDeps>",
            "<recommends><any><pkg>x</pkg><pkg>y</pkg></any></recommends><preRequires><pkg>z</pkg></preRequires></serverDeps>",
            "<supplements><pkg>x</pkg></supplements><enhances><opkg>yy</opkg></enhances></serverDeps>",
            "<breaks><pkg>x</pkg></breaks><obsoletes><pkg>x</pkg></obsoletes><replaces><pkg>x</pkg></replaces></serverDeps>",
            "<conflicts><any><pkg>x</pkg><pkg>y</pkg></any></conflicts></serverDeps>",
            "<recomends><pkg>x</pkg></recomends></serverDeps>",
            "</serverDeps><payloads/>",
            "</serverDeps><payloads><payload source=\"https://example.org/a.tar.gz\" part=\"client\"/></payloads>",
            "</serverDeps><payloads><payload source=\"a.rpm\" part=\"client\" arch=\"amd64\" strip=\"1\"><take path=\"x\" to=\"/y\" mode=\"0755\"/><omit path=\"z/\"/></payload></payloads>",
            "</serverDeps><payloads><payload source=\"a\" from=\"zip\" part=\"client\"/></payloads>",
            "</serverDeps><payloads><payload source=\"a.rpm\" part=\"all\"/></payloads>",
            "</serverDeps><payloads><payload source=\"a.rpm\"/></payloads>",
            "</serverDeps><payloads><payload source=\"a.rpm\" part=\"api\" strip=\"17\"/></payloads>",
            "</serverDeps><payloads><payload source=\"a.rpm\" part=\"api\" arch=\"vax\"/></payloads>",
            "</serverDeps><payloads><payload source=\"../a.rpm\" part=\"api\"/></payloads>",
            "</serverDeps><payloads><payload source=\"a.rpm\" part=\"api\"><take path=\"x\" to=\"y\"/></payload></payloads>",
            "</serverDeps><payloads><payload source=\"a.rpm\" part=\"api\"><take path=\"x\" mode=\"4755\"/><take/></payload></payloads>",
            "</serverDeps><payloads><payload source=\"a.rpm\" part=\"api\"><omit/></payload></payloads>",
            "</serverDeps><alternatives/>",
            "</serverDeps><alternatives><alternative name=\"a\" link=\"/b\" path=\"/c\" priority=\"1\"/></alternatives>",
            "</serverDeps><alternatives><alternative name=\"a b\" link=\"/b\" path=\"/c\" priority=\"1\"/></alternatives>",
            "</serverDeps><alternatives><alternative name=\"a\" link=\"b\" path=\"/c\" priority=\"x\"/></alternatives>",
            "</serverDeps><triggers/>",
            "</serverDeps><triggers><trigger path=\"/etc/site.d\"/><trigger path=\"/b\" part=\"api\"/></triggers>",
            "</serverDeps><triggers><filters/><trigger path=\"/a,b\"/><trigger path=\"/c\" part=\"all\"/></triggers>",
            "</serverDeps><triggers><trigger/><trigger path=\"/\"/><trigger path=\"/a/\"/></triggers>",
        ],
    ),
    (
        "version=\"1.1-1\"",
        &[
            "",
            "version=\"\"",
            "version=\"1.1\"",
            "version=\"1:1.1-rc1-2.1\"",
            "version=\" 1-1\"",
            "version=\"1;id-1\"",
            "version=\"99999999999:1-1\"",
            "version=\"1--1\"",
        ],
    ),
    ("version=\"1.0-1\"", &["", "version=\"\"", "version=\"1.0\"", "version=\"1.0-1\" x=\"y\""]),
    (
        "date=\"2024-05-02T10:00:00Z\"",
        &[
            "",
            "date=\"2024-05-02T10:00:00\"",
            "date=\"2024-05-02T10:00:00.25+14:00\"",
            "date=\"2024-05-02T10:00:00+14:01\"",
            "date=\"2024-05-02T24:00:00Z\"",
            "date=\"2024-05-02T24:00:01Z\"",
            "date=\"2023-02-29T10:00:00Z\"",
            "date=\"2024-05-02T 9:00:00Z\"",
            "date=\"2024-05-02T10:00:60Z\"",
            "date=\"1969-05-02T10:00:00Z\"",
            "date=\"2106-05-02T10:00:00Z\"",
            "date=\"2024-05-02\"",
            "date=\" 2024-05-02T10:00:00Z\n\"",
        ],
    ),
    (
        "date=\"2024-05-01T10:00:00Z\"",
        &["", "date=\"x\"", "date=\"2024-05-1TT10:00:00Z\"", "date=\"2024-05-03T10:00:00Z\""],
    ),
    (
        "<item>Look twice.</item>",
        &[
            "",
            "<item/>",
            "<item>a</item><item> </item>",
            "<item><![CDATA[<x>]]></item>",
            "<item>a<b>c</b></item>",
            "text",
        ],
    ),
    (
        "<changelogEntry authorName=\"Ada Probe\" date=\"2024-05-02",
        &[
            "<changelogEntry date=\"2024-05-02",
            "<changelogEntry authorName=\"\" date=\"2024-05-02",
            "<changelogEntry closes=\"1 2\n3\" authorName=\"Bob\" date=\"2024-05-02",
            "<changelogEntry closes=\"#1\" authorName=\"Bob\" date=\"2024-05-02",
            "<changelogEntry closes=\"x\" authorName=\"Bob\" date=\"2024-05-02",
            "<changelogEntry authorName=\"a &lt;b\" date=\"2024-05-02",
        ],
    ),
    (
        "  </changelog>",
        &["<versionEntry version=\"0.1-1\"/></changelog>", "</changelog><changelog/>", "x</changelog>"],
    ),
];

/// Every variant alone, then a good number of combinations.
fn generate_documents() -> Vec<String> {
    let mut documents = vec![VALID_CONFIG.to_owned()];
    for (from, variants) in VARIANTS {
        assert_eq!(VALID_CONFIG.matches(from).count(), 1, "{from}");
        documents.extend(variants.iter().map(|to| VALID_CONFIG.replace(from, to)));
    }
    let choice = proptest::collection::vec((0..VARIANTS.len(), 0usize..32), 2..6);
    let mut runner = TestRunner::deterministic();
    for _ in 0..400 {
        let mut document = VALID_CONFIG.to_owned();
        for (place, variant) in choice.new_tree(&mut runner).unwrap().current() {
            let (from, variants) = VARIANTS[place];
            document = document.replacen(from, variants[variant % variants.len()], 1);
        }
        documents.push(document);
    }
    documents
}

/// Which of the files the schema accepts; nothing where there is no validator, which is said.
fn validate_all(schema: &Path, files: &[std::path::PathBuf]) -> Option<Vec<bool>> {
    let result =
        Command::new("xmllint").args(["--nonet", "--noout", "--schema"]).arg(schema).args(files).output();
    let Ok(output) = result else {
        println!("skipped: there is no xmllint");
        return None;
    };
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!told.contains("schema failed to compile"), "{told}");
    let accepted: std::collections::HashSet<&str> =
        told.lines().filter_map(|line| line.strip_suffix(" validates")).collect();
    Some(files.iter().map(|file| accepted.contains(file.to_str().unwrap())).collect())
}

#[test]
fn schema_and_check_agree() {
    let work = tempfile::tempdir().unwrap();
    let schema = work.path().join("opkg.xsd");
    std::fs::write(&schema, opkg::schema()).unwrap();
    let documents = generate_documents();
    let files: Vec<_> =
        (0..documents.len()).map(|number| work.path().join(format!("{number}.xml"))).collect();
    for (file, document) in files.iter().zip(&documents) {
        std::fs::write(file, document).unwrap();
    }
    let Some(accepted) = validate_all(&schema, &files) else { return };
    let mut agreed = [0, 0];
    for (document, is_accepted) in documents.iter().zip(accepted) {
        let loaded = Fixture::with_config(document).load();
        let of = |severity: fn(Severity) -> bool| {
            let found = loaded.diagnostics.iter().filter(move |diagnostic| severity(diagnostic.severity));
            found.map(|diagnostic| diagnostic.code.as_str()).collect::<Vec<_>>()
        };
        let errors = of(|severity| severity == Severity::Error);
        if is_accepted {
            let unexplained =
                errors.iter().find(|code| !CODES_BEYOND_SCHEMA.iter().any(|(known, _)| known == *code));
            assert_eq!(unexplained, None, "the schema accepts, the check does not:\n{document}");
        } else if errors.is_empty() {
            let others = of(|severity| severity != Severity::Error);
            let is_lenient = others.iter().any(|code| LENIENT_CODES.iter().any(|(known, _)| known == code))
                || SILENTLY_ACCEPTED.iter().any(|spelling| document.contains(spelling));
            assert!(is_lenient, "the check accepts, the schema does not ({others:?}):\n{document}");
        }
        agreed[usize::from(is_accepted)] += usize::from(is_accepted == errors.is_empty());
    }
    // Otherwise the lists above explain everything away.
    assert!(agreed[0] > 100 && agreed[1] > 30, "{agreed:?}");
}

#[test]
fn the_schema_accepts_real_files() {
    let Some(corpus) = support::corpus_dir() else { return };
    let work = tempfile::tempdir().unwrap();
    let schema = work.path().join("opkg.xsd");
    std::fs::write(&schema, opkg::schema()).unwrap();
    let mut files: Vec<_> = std::fs::read_dir(&corpus)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("config.xml"))
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let Some(accepted) = validate_all(&schema, &files) else { return };
    let refused: Vec<_> =
        files.iter().zip(accepted).filter(|(_, accepted)| !accepted).map(|(file, _)| file).collect();
    // One wrong date of 2014, which the check only warns about.
    assert_eq!(refused, [&corpus.join("torque/config.xml")]);
}
