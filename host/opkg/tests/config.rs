//! Rules of `config.xml`: each spoils one thing in a flawless file and says what must be found, where.

#![allow(clippy::unwrap_used)]

mod support;

use opkg::Settings;
use opkg::model::{Bound, Class, Comparison, Opkg, Part, Relation, RelationKind, Role, Scope, Timestamp};
use support::{Fixture, VALID_CONFIG, config_with, diagnostics_with, summarize_diagnostics};

/// From, to, and all diagnostics.
type Case = (&'static str, &'static str, &'static [&'static str]);

fn check(cases: &[Case]) {
    for (from, to, expected) in cases {
        assert_eq!(diagnostics_with(from, to), *expected, "{from} -> {to}");
    }
}

#[test]
fn a_flawless_file_has_no_finding() {
    let directory = Fixture::new();
    assert_eq!(directory.diagnostics(), Vec::<String>::new());
    let opkg = directory.opkg();
    assert_eq!(opkg.name, "probe");
    assert_eq!(opkg.class, Class::Included);
    assert_eq!(opkg.description, ["Looks around in the cluster.", "Reports what it has seen."]);
    assert_eq!(opkg.home, "/usr/lib/oscar/packages/probe");
    assert_eq!(opkg.uri.as_deref(), Some("https://example.org/probe"));
    assert_eq!(opkg.version().unwrap().to_string(), "1.1-1");
    assert_eq!(opkg.history.len(), 2);
    assert_eq!(opkg.source_date.to_string(), "2024-05-02T10:00:00Z");
    assert_eq!(opkg.history[0].changes[0].email.as_deref(), Some("ada@example.org"));
    let author = &opkg.authors[0];
    assert_eq!((author.role, author.name.as_str()), (Role::Maintainer, "Ada Probe"));
}

#[test]
fn names_and_texts() {
    check(&[
        ("<name>probe</name>", "<name>Probe_2</name>", &["error name 3:9"]),
        ("<name>probe</name>", "<name>a</name>", &["error name 3:9"]),
        ("<name>probe</name>", "<name>../x</name>", &["error name 3:9"]),
        ("<name>probe</name>", "<name>\n  probe\n</name>", &[]),
        ("<name>probe</name>", "<name>\n a&amp;<!-- x -->b<![CDATA[c]]></name>", &["error name 4:2"]),
        ("<name>probe</name>", "<name>pr<!-- x -->o<![CDATA[b]]>e</name>", &[]),
        ("<name>probe</name>", "<name/>", &["error missing-element 2:1", "note empty-element 3:3"]),
        ("<name>probe</name>", "", &["error missing-element 2:1"]),
        ("<name>probe</name>", "<name>probe</name><name>x</name>", &["error duplicate-element 3:21"]),
        ("<class>included</class>", "<class>inclded</class>", &["error class 4:10"]),
        ("<class>included</class>", "<class/>", &["note empty-element 4:3"]),
        ("<class>included</class>", "", &["note class 2:1"]),
        ("Looks around<", "Looks\n  \taround<", &[]),
        (
            "Looks around<",
            "Looks around, and around, and around, and around, and around, and round<",
            &["error summary 5:12"],
        ),
        (
            "<summary>Looks around</summary>",
            "<summary> </summary>",
            &["error missing-element 2:1", "note empty-element 5:3"],
        ),
        ("<license>GPL</license>", "<license>Apache-2.0</license>", &["note license 9:12"]),
        ("<license>GPL</license>", "", &["error missing-element 2:1"]),
        ("<group>Applications/System</group>", "", &["warning group 2:1"]),
        ("<group>Applications/System</group>", "<group/>", &["warning group 2:1", "note empty-element 10:3"]),
        ("<group>Applications/System</group>", "<group>A</group><group>B</group>", &[]),
        ("https://example.org/probe", "www.example.org", &["warning uri 11:8"]),
        ("https://example.org/probe", "https://example.org/a b", &["warning uri 11:8"]),
        ("<item>Look twice.</item>", "<item>50% of %{x} %(id)</item>", &[]),
        ("<item>Look twice.</item>", "<item>a&#x9b;b</item>", &["warning control-character 26:15"]),
        ("Looks around<", "Looks\u{202e}around<", &["warning control-character 5:12"]),
    ]);
}

#[test]
fn unknown_and_misplaced() {
    check(&[
        (
            "<class>included</class>",
            "<klass>included</klass>",
            &["note class 2:1", "warning unknown-element 4:3"],
        ),
        ("<item>Look twice.</item>", "<item>Look <b>twice</b>.</item>", &["warning unknown-element 26:20"]),
        ("<pkg>sensors", "<pkg versoin='1'>sensors", &["warning unknown-attribute 20:12"]),
        ("<oscar>", "<oscar version='1'>", &["warning unknown-attribute 2:8"]),
        ("<serverDeps>", "<serverDeps>sensors", &["warning stray-text 18:15"]),
        (
            "<class>included</class>\n",
            "<summary>Looks around</summary>\n<class>base</class>\n",
            &["warning order 5:1", "error duplicate-element 6:3"],
        ),
        ("  <serverDeps>\n", "  <clientDeps/><serverDeps>\n", &["warning order 18:16"]),
        ("  <serverDeps>\n", "  <serverDeps/><serverDeps>\n", &["error duplicate-element 18:16"]),
        (
            "<oscar>",
            "<oscar xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='a b' xmlns:o='urn:o' o:x='1'><o:y><z/></o:y>",
            &[],
        ),
        ("<oscar>", "<oscar xmlns='urn:oscar'>", &[]),
    ]);
}

#[test]
fn the_advice_names_what_was_meant() {
    let loaded = Fixture::with_config(
        config_with("serverDeps>\n    <requires>", "serverDeps>\n    <require>")
            .replace("</requires>", "</require>"),
    )
    .load();
    let diagnostic = &loaded.diagnostics[0];
    assert_eq!(diagnostic.message, "unexpected element `require` in `serverDeps`");
    assert_eq!(diagnostic.help.as_deref(), Some("did you mean `requires`?"));
}

#[test]
fn authors() {
    check(&[
        ("cat=\"maintainer\"", "cat=\"upstream\"", &["error no-maintainer 12:3"]),
        ("cat=\"maintainer\"", "cat=\"maintener\"", &["error no-maintainer 12:3", "error author 13:18"]),
        (" cat=\"maintainer\"", "", &["error no-maintainer 12:3", "error author 13:5"]),
        ("ada@example.org", "ada at example.org", &["error author-email 15:14"]),
        ("ada@example.org", "unknown@example.invalid", &["error author-email 15:14"]),
        ("ada@example.org", "ada@example.org&gt;&#10;Evil: yes", &["error author-email 15:14"]),
        ("<email>ada@example.org</email>", "", &["error missing-element 13:5"]),
        (
            "<name>Ada Probe</name>",
            "<name>Ada &lt;x@y></name>",
            &["error author 14:13", "note changelog-author 25:35"],
        ),
        (
            "</email>",
            "</email><nickname/><institution> </institution>",
            &["note empty-element 15:37", "note empty-element 15:48"],
        ),
        ("</email>", "</email><beginYear>2001</beginYear><endYear>2001</endYear>", &[]),
        (
            "</email>",
            "</email><beginYear>2002</beginYear><endYear>2001</endYear>",
            &["error author-year 15:73"],
        ),
        ("</email>", "</email><beginYear>-5</beginYear>", &["error author-year 15:48"]),
        ("</email>", "</email><beginYear>0</beginYear>", &["error author-year 15:48"]),
        ("</email>", "</email><beginYear>99999</beginYear>", &["error author-year 15:48"]),
        (
            "\n    </author>",
            "\n    </author><author cat='uploader'><name>B</name></author>",
            &["error missing-element 16:14"],
        ),
    ]);
}

#[test]
fn relations() {
    check(&[
        ("<pkg>sensors</pkg>", "<pkg>\n  sensors <!-- x -->\n</pkg>", &[]),
        ("<pkg>sensors</pkg>", "<pkg rel='>=' version='3'>sensors</pkg>", &[]),
        (
            "<pkg>sensors</pkg>",
            "<pkg version='>=3.0.6'>sensors</pkg>",
            &["note relation-inside-version 20:21"],
        ),
        (
            "<pkg>sensors</pkg>",
            "<pkg rel='>=' version='>= 3'>sensors</pkg>",
            &["note relation-inside-version 20:30"],
        ),
        ("<pkg>sensors</pkg>", "<pkg rel='&lt;' version='>=3'>sensors</pkg>", &["error relation 20:32"]),
        ("<pkg>sensors</pkg>", "<pkg version='3'>sensors</pkg>", &["note relation-implicit 20:21"]),
        ("<pkg>sensors</pkg>", "<pkg version=''>sensors</pkg>", &["note empty-attribute 20:12"]),
        ("<pkg>sensors</pkg>", "<pkg rel='>='>sensors</pkg>", &["error relation-version 20:17"]),
        ("<pkg>sensors</pkg>", "<pkg version='>='>sensors</pkg>", &["error relation-version 20:21"]),
        ("<pkg>sensors</pkg>", "<pkg rel='ge' version='3'>sensors</pkg>", &["error relation 20:17"]),
        ("<pkg>sensors</pkg>", "<pkg version='1;id'>sensors</pkg>", &["error relation-version 20:21"]),
        ("<pkg>sensors</pkg>", "<pkg version='$(id)'>sensors</pkg>", &["error relation-version 20:21"]),
        ("<pkg>sensors</pkg>", "<pkg version='%(id)'>sensors</pkg>", &["error relation-version 20:21"]),
        ("<pkg>sensors</pkg>", "<pkg>sensors monitor</pkg>", &["error relation-name 20:12"]),
        ("<pkg>sensors</pkg>", "<pkg>sensors &gt;= 3</pkg>", &["error relation-name 20:12"]),
        ("<pkg>sensors</pkg>", "<pkg>-rf</pkg>", &["error relation-name 20:12"]),
        (
            "<pkg>sensors</pkg>",
            "<pkg>perl(XML::Simple)</pkg><pkg>/usr/bin/foo</pkg><pkg>libfoo.so.1()(64bit)</pkg>",
            &[],
        ),
        ("<pkg>sensors</pkg>", "<pkg/>", &["note empty-element 20:7"]),
        ("<pkg>sensors</pkg>", "", &["note empty-element 19:5"]),
        ("</serverDeps>", "</serverDeps><clientDeps/><commonDeps/><apiDeps/>", &[]),
        ("</authors>", "</authors><provides/>", &["note empty-element 17:13"]),
        ("</authors>", "</authors><suggests><pkg>x</pkg></suggests>", &["warning unknown-element 17:13"]),
    ]);
}

#[test]
fn filters() {
    check(&[
        ("<pkg>sensors", "<filters><dist>FOX</dist><arch>amd64</arch></filters><pkg>sensors", &[]),
        (
            "<pkg>sensors",
            "<filters><dist version='5'>fox</dist><dist version='6'>fox</dist></filters><pkg>sensors",
            &[],
        ),
        (
            "<pkg>sensors",
            "<filters><dist version='&gt;=5'>fox</dist></filters><pkg>sensors",
            &["note relation-inside-version 20:31"],
        ),
        ("<pkg>sensors", "<filters/><pkg>sensors", &[]),
        ("<pkg>sensors", "<filters><dist/></filters><pkg>sensors", &["note empty-element 20:16"]),
        (
            "<pkg>sensors",
            "<filters><dist>grey fox</dist></filters><pkg>sensors",
            &["error filter-dist 20:22"],
        ),
        ("<pkg>sensors", "<filters><arch>x68_64</arch></filters><pkg>sensors", &["error filter-arch 20:22"]),
        ("<pkg>sensors", "<filters><arch>noarch</arch></filters><pkg>sensors", &["error filter-arch 20:22"]),
        ("<pkg>sensors", "<filters/><filters/><pkg>sensors", &["error duplicate-element 20:17"]),
        ("</authors>", "</authors><filters><arch>arm64</arch><arch>aarch64</arch></filters>", &[]),
    ]);
    let opkg = Fixture::with_config(config_with(
        "</authors>",
        "</authors><filters><dist version='>5'>FOX</dist><arch>arm64</arch><arch>aarch64</arch></filters>",
    ))
    .opkg();
    assert_eq!(opkg.filter.archs, ["aarch64"]);
    assert_eq!(opkg.filter.dists[0].id, "fox");
    assert_eq!(opkg.filter.dists[0].bound, Some(Bound { comparison: Comparison::Gt, version: "5".into() }));
}

fn describe_relation(relation: &Relation) -> String {
    let scope = match relation.scope {
        Scope::Part(part) => format!("{part:?}"),
        other => format!("{other:?}"),
    };
    let bound = relation.any_of[0].bound.as_ref();
    let bound = bound.map(|bound| format!(" {:?} {}", bound.comparison, bound.version));
    let dists: String = relation.filter.dists.iter().map(|dist| format!(" [{}]", dist.id)).collect();
    let name = relation.native_name().unwrap();
    format!("{scope} {:?} {name}{}{dists}", relation.kind, bound.unwrap_or_default())
}

#[test]
fn relations_are_kept_with_their_scope_and_without_duplicates() {
    let config = config_with(
        "</authors>",
        "</authors><conflicts><pkg>rival</pkg></conflicts><requires><pkg>ground</pkg></requires>",
    );
    let config = config.replace(
        "<pkg>sensors</pkg>\n",
        "<filters><dist>fox</dist></filters><pkg>sensors</pkg><pkg>sensors</pkg><pkg rel='>=' version='2'>sensors</pkg>\n",
    );
    let config = config.replace(
        "</serverDeps>",
        "<suggests><pkg>viewer</pkg></suggests></serverDeps><commonDeps><requires><pkg>opkg-filesystem</pkg></requires></commonDeps>\
         <apiDeps><requires><filters><dist>wolf</dist></filters><pkg>opkg-filesystem</pkg></requires></apiDeps>",
    );
    let opkg = Fixture::with_config(config).opkg();
    let relations: Vec<String> = opkg.relations.iter().map(describe_relation).collect();
    assert_eq!(
        relations,
        [
            "Whole Conflicts rival",
            "Whole Requires ground",
            "Server Requires sensors [fox]",
            "Server Requires sensors Ge 2 [fox]",
            "Server Suggests viewer",
            "Common Requires opkg-filesystem",
            "Api Requires opkg-filesystem [wolf]",
            // Automatic: the api part has it on one distribution alone, the others everywhere.
            "Api Requires opkg-filesystem",
        ]
    );
    let automatic = opkg.relations.last().unwrap();
    assert_eq!(
        (automatic.scope, automatic.kind, automatic.at),
        (Scope::Part(Part::Api), RelationKind::Requires, opkg.at)
    );
}

#[test]
fn versions() {
    for version in
        ["", "1.1", "1.1 -1", "1/1-1", "1.1-$(id)", "`id`-1", "1.1-1;", " 1.1-1", "x:1-1", "1.1-1%{dist}"]
    {
        let config = config_with("version=\"1.1-1\"", &format!("version=\"{version}\""));
        let diagnostics = Fixture::with_config(config).diagnostics();
        assert_eq!(diagnostics.len(), 1, "{version}: {diagnostics:?}");
        assert!(diagnostics[0].starts_with("error version 24:"), "{version}: {diagnostics:?}");
    }
    check(&[
        (" version=\"1.1-1\"", "", &["error version 24:5"]),
        ("version=\"1.0-1\"", "version=\"1.0\"", &["warning version 29:28"]),
        (" version=\"1.0-1\"", "", &["warning version 29:5"]),
    ]);
    let opkg = Fixture::with_config(config_with("version=\"1.1-1\"", "version=\"2:1.1-rc1-1\"")).opkg();
    let version = opkg.version().unwrap();
    assert_eq!((version.epoch, version.upstream.as_str(), version.release.as_str()), (2, "1.1-rc1", "1"));
}

#[test]
fn dates() {
    check(&[
        ("2024-05-02T10:00:00Z", "2024-05-2TT10:00:00Z", &["error changelog-date 25:52"]),
        ("2024-05-02T10:00:00Z", "2024-05-32T10:00:00Z", &["error changelog-date 25:52"]),
        ("2024-05-01T10:00:00Z", "2024-05-1TT10:00:00Z", &["warning changelog-date 30:52"]),
        (" date=\"2024-05-01T10:00:00Z\"", "", &["warning changelog-date 30:7"]),
        (" date=\"2024-05-02T10:00:00Z\"", "", &["error changelog-date 25:7"]),
        ("2024-05-02T10:00:00Z", "2024-05-02T10:00:00", &[]),
        ("2024-05-02T10:00:00Z", "2024-05-02T10:00:00.123+02:00", &[]),
        ("2024-05-01T10:00:00Z", "2025-05-01T10:00:00Z", &["warning changelog-order 30:7"]),
    ]);
}

/// A history with one change per date, newest first in the file.
fn history(dates: &[&str]) -> String {
    let (start, rest) = VALID_CONFIG.split_once("    <versionEntry version=\"1.1-1\">").unwrap();
    let (_, end) = rest.split_once("  </changelog>").unwrap();
    let entries: String = dates
        .iter()
        .rev()
        .enumerate()
        .map(|(number, date)| format!("<versionEntry version='{number}-1'><changelogEntry authorName='Ada Probe' date='{date}'><item>{date}</item></changelogEntry></versionEntry>\n"))
        .rev()
        .collect();
    format!("{start}{entries}  </changelog>{end}")
}

#[test]
fn a_missing_date_is_taken_from_the_older_neighbour() {
    for (dates, expected) in [
        (
            ["2024-01-04T00:00:00Z", "?", "2024-01-02T00:00:00Z", "2024-01-01T00:00:00Z"],
            "2024-01-02T00:00:00Z",
        ),
        (["2024-01-04T00:00:00Z", "?", "?", "2024-01-01T00:00:00Z"], "2024-01-01T00:00:00Z"),
        (["2024-01-04T00:00:00Z", "?", "?", "?"], "2024-01-04T00:00:00Z"),
    ] {
        let opkg = Fixture::with_config(history(&dates)).opkg();
        assert_eq!(opkg.history[1].changes[0].date.to_string(), expected, "{dates:?}");
    }
}

#[test]
fn the_first_release_stays_first_and_the_others_go_newest_first() {
    let dates =
        ["2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z", "2024-01-04T00:00:00Z", "2024-01-02T00:00:00Z"];
    let directory = Fixture::with_config(history(&dates));
    assert_eq!(directory.diagnostics(), ["warning changelog-order 25:29"]);
    let versions: Vec<String> =
        directory.opkg().history.iter().map(|release| release.version.to_string()).collect();
    assert_eq!(versions, ["3-1", "1-1", "2-1", "0-1"]);
    assert_eq!(directory.opkg().source_date.to_string(), dates[0]);
}

#[test]
fn changes_of_a_release_go_newest_first() {
    let entry = "<changelogEntry authorName='Ada Probe' date='2024-05-03T10:00:00Z'><item>Later.</item></changelogEntry></versionEntry>\n    <versionEntry version=\"1.0-1\">";
    let directory =
        Fixture::with_config(config_with("</versionEntry>\n    <versionEntry version=\"1.0-1\">", entry));
    assert_eq!(directory.diagnostics(), ["warning changelog-order 28:5"]);
    let items: Vec<String> =
        directory.opkg().history[0].changes.iter().map(|change| change.items.join(" ")).collect();
    assert_eq!(items, ["Later.", "Look twice."]);
}

#[test]
fn changes() {
    check(&[
        ("<item>Look twice.</item>", "<item/><item>x</item>", &["note empty-element 26:9"]),
        ("<item>Look twice.</item>", "<item/>", &["warning changelog-item 25:7", "note empty-element 26:9"]),
        ("<item>Look twice.</item>", "", &["warning changelog-item 25:7"]),
        ("\"Ada Probe\" date=\"2024-05-02", "\"Bob\" date=\"2024-05-02", &["note changelog-author 25:35"]),
        ("authorName=\"Ada Probe\" date=\"2024-05-02", "date=\"2024-05-02", &["error changelog-author 25:7"]),
        (
            "authorName=\"Ada Probe\" date=\"2024-05-01",
            "date=\"2024-05-01",
            &["warning changelog-author 30:7"],
        ),
        ("\"Ada Probe\" date=\"2024-05-02", "\"&lt;x>\" date=\"2024-05-02", &["error changelog-author 25:7"]),
        (
            "\"Ada Probe\" date=\"2024-05-02",
            "\"Ada Probe &lt;a@b>\" date=\"2024-05-02",
            &["warning changelog-author 25:35"],
        ),
        ("date=\"2024-05-02", "closes='1 #22 x' date=\"2024-05-02", &["warning changelog-closes 25:54"]),
        ("</changelog>", "<versionEntry version='0.9-1'/></changelog>", &["warning changelog-item 34:3"]),
    ]);
    let opkg =
        Fixture::with_config(config_with("date=\"2024-05-02", "closes='1 #22 x 333' date=\"2024-05-02"))
            .opkg();
    assert_eq!(opkg.history[0].changes[0].closes, [1, 22, 333]);
    let opkg = Fixture::with_config(config_with("<item>Look twice.</item>", "")).opkg();
    assert_eq!(opkg.history[0].changes[0].items, ["Changes not described."]);
}

#[test]
fn a_changelog_without_a_release() {
    let (start, rest) = VALID_CONFIG.split_once("  <changelog>").unwrap();
    let (_, end) = rest.split_once("  </changelog>").unwrap();
    for (changelog, expected) in [
        ("", "error missing-element 2:1"),
        ("<changelog/>", "error missing-element 23:1"),
        ("<changelog><versionEntry version='1-1'/></changelog>", "error missing-element 23:12"),
    ] {
        assert_eq!(
            Fixture::with_config(format!("{start}{changelog}{end}")).diagnostics(),
            [expected],
            "{changelog}"
        );
    }
}

#[test]
fn an_old_form_is_refused_with_advice() {
    for sign in ["<version><major>1</major></version>", "<rpmlist/>"] {
        for doctype in ["", "<!DOCTYPE package SYSTEM \"../package.dtd\">\n"] {
            let config = config_with("<oscar>", &format!("{doctype}<oscar>{sign}"));
            let loaded = Fixture::with_config(config).load();
            assert_eq!(loaded.diagnostics.len(), 1);
            assert_eq!(loaded.diagnostics[0].code, "old-form");
            assert!(loaded.diagnostics[0].help.as_ref().unwrap().contains("opkgc convert"));
        }
    }
}

#[test]
fn documents_that_are_something_else() {
    for (config, expected) in [
        ("<project/>", "error root 1:1"),
        ("", "error xml 1:1"),
        ("name: probe", "error xml 1:1"),
        ("<oscar>", "error xml 1:7"),
        ("<!DOCTYPE a [<!ENTITY b \"c\">]><oscar/>", "error doctype-subset 1:1"),
        ("<?xml version='1.0' encoding='KOI8-R'?><oscar/>", "error encoding 1:31"),
    ] {
        assert_eq!(Fixture::with_config(config).diagnostics(), [expected], "{config}");
    }
    let config = config_with("<oscar>", "<!DOCTYPE package SYSTEM \"../package.dtd\">\n<oscar>");
    assert_eq!(Fixture::with_config(config).diagnostics(), ["warning doctype 2:1"]);
}

#[test]
fn both_encodings_give_the_same() {
    let config = config_with("Looks around<", "Schaut umher, für Ünal<");
    let latin1: Vec<u8> = config.replace("UTF-8", "ISO-8859-1").chars().map(|c| c as u8).collect();
    assert_eq!(Fixture::with_config(latin1).opkg().summary, "Schaut umher, für Ünal");
    assert_eq!(Fixture::with_config(&config).opkg().summary, "Schaut umher, für Ünal");
    assert_eq!(Fixture::with_config(format!("\u{feff}{config}")).opkg().summary, "Schaut umher, für Ünal");
}

#[test]
fn all_findings_come_at_once() {
    let config = VALID_CONFIG
        .replace("<name>probe</name>", "<name>P</name>")
        .replace("ada@example.org", "nobody")
        .replace("1.1-1", "1.1")
        .replace("2024-05-02T10:00:00Z", "today");
    let directory = Fixture::with_config(config).with_link("scripts/x", "/etc/passwd");
    assert_eq!(
        directory.diagnostics(),
        ["error name 3:9", "error author-email 15:14", "error version 24:28", "error link scripts/x"]
    );
}

#[test]
fn settings() {
    let directory = Fixture::new();
    let settings = Settings { source_date: Some(86_400), ..Settings::default() };
    let opkg = opkg::load(directory.path(), &settings).opkg.unwrap();
    assert_eq!(opkg.source_date.to_string(), "1970-01-02T00:00:00Z");
}

/// What programs print in the newest entry is no reason to build nothing.
#[test]
fn dates_as_programs_print_them() {
    for written in
        ["2024-05-02T10:00:00-0400", "2024-05-02 10:00:00 +0200", "2024-05-02T10:00:00-05: 00", "2024-05-02"]
    {
        assert_eq!(
            diagnostics_with("2024-05-02T10:00:00Z", written),
            ["warning changelog-date-form 25:52"],
            "{written}"
        );
    }
    let opkg = Fixture::with_config(config_with("2024-05-02T10:00:00Z", "2024-05-02T10:00:00-0400")).opkg();
    assert_eq!(opkg.source_date.to_string(), "2024-05-02T10:00:00-04:00");
    // Without its sign, it could be any of two.
    assert_eq!(
        diagnostics_with("2024-05-02T10:00:00Z", "2024-05-02T10:00:00Z°01:00"),
        ["error changelog-date 25:52"]
    );
}

/// What is dated in the future is refused by package managers.
#[test]
fn dates_in_the_future() {
    let newest: Timestamp = "2024-05-02T10:00:00Z".parse().unwrap();
    let load_at = |now: i64, config: &str, source_date: Option<i64>| {
        let settings = Settings { now: Some(now), source_date, ..Settings::default() };
        opkg::load(Fixture::with_config(config).path(), &settings)
    };
    for (now, is_reported) in
        [(newest.seconds, false), (newest.seconds + 1, false), (newest.seconds - 1, true)]
    {
        let loaded = load_at(now, VALID_CONFIG, None);
        let expected: &[&str] = if is_reported { &["warning changelog-future 25:52"] } else { &[] };
        assert_eq!(summarize_diagnostics(&loaded), expected, "{now}");
        let opkg = loaded.opkg.unwrap();
        assert_eq!(opkg.source_date.seconds, newest.seconds.min(now));
        assert!(
            opkg.history.iter().flat_map(|release| &release.changes).all(|change| change.date.seconds <= now)
        );
    }
    // The clock of a watch, in UTC without anybody having said so.
    let config = config_with("2024-05-02T10:00:00Z", "2024-05-02T10:00:00");
    let loaded = load_at(newest.seconds - 7200, &config, None);
    assert!(loaded.diagnostics[0].help.as_ref().unwrap().contains("a date without a zone is UTC"));
    // All of them, reported once.
    let loaded = load_at(1_000_000_000, VALID_CONFIG, None);
    assert_eq!(summarize_diagnostics(&loaded), ["warning changelog-future 25:52"]);
    // What stands for now cannot be later than now either.
    let opkg = load_at(newest.seconds, VALID_CONFIG, Some(newest.seconds + 60)).opkg.unwrap();
    assert_eq!(opkg.source_date, Timestamp { seconds: newest.seconds, offset: 0 });
    let opkg = load_at(newest.seconds, VALID_CONFIG, Some(60)).opkg.unwrap();
    assert_eq!(opkg.source_date, Timestamp { seconds: 60, offset: 0 });
}

#[test]
fn versions_of_the_changelog() {
    for (from, to, expected) in [
        ("version=\"1.0-1\"", "version=\"1.1-1\"", "warning changelog-version-twice 29:28"),
        ("version=\"1.0-1\"", "version=\"1.2-1\"", "warning changelog-version-order 29:28"),
        ("version=\"1.0-1\"", "version=\"1:0.9-1\"", "warning changelog-version-order 29:28"),
        ("version=\"1.1-1\"", "version=\"1.0~rc1-1\"", "warning changelog-version-order 29:28"),
    ] {
        assert_eq!(diagnostics_with(from, to), [expected], "{to}");
    }
    // Package managers do not agree on these.
    assert_eq!(diagnostics_with("version=\"1.0-1\"", "version=\"1.1a-1\"").len(), 1);
    assert_eq!(diagnostics_with("version=\"1.0-1\"", "version=\"1.a-1\""), [""; 0]);
}

/// The name of the root in the form before OSCAR 5, around what is written in the present one.
#[test]
fn the_root_of_the_old_form() {
    let renamed = |from: &str| from.replace("<oscar>", "<package>").replace("</oscar>", "</package>");
    let directory = Fixture::with_config(renamed(VALID_CONFIG));
    assert_eq!(directory.diagnostics(), ["warning root 2:1"]);
    // But for the places, and the file itself.
    let (read, expected) = (directory.opkg(), Fixture::new().opkg());
    assert_eq!(read, Opkg { locations: read.locations.clone(), files: read.files.clone(), ..expected });
    // In the old form all through.
    for old in ["<version><major>1</major></version>", "<rpmlist/>"] {
        let config = format!("<package><name>probe</name>{old}</package>");
        assert_eq!(Fixture::with_config(config).diagnostics(), ["error old-form 1:28"], "{old}");
    }
    assert_eq!(Fixture::with_config("<project/>").diagnostics(), ["error root 1:1"]);
}

/// What a relation asks for twice, and what no system can fulfil.
#[test]
fn relations_that_repeat_or_contradict_each_other() {
    // All of it is on one line.
    let with = |inside: &str| -> Vec<String> {
        let found =
            diagnostics_with("<pkg>sensors</pkg>\n    </requires>", &format!("<pkg>sensors</pkg>{inside}"));
        found.iter().map(|line| line.split(" 20:").next().unwrap().to_owned()).collect()
    };
    for (inside, expected) in [
        // Twice.
        ("<pkg>sensors</pkg></requires>", &["note relation-twice"][..]),
        (
            "<pkg version='2' rel='='>x</pkg><pkg rel='=' version='2'>x</pkg></requires>",
            &["note relation-twice"],
        ),
        // Required and excluded.
        ("</requires><conflicts><pkg>sensors</pkg></conflicts>", &["warning relation-contradiction"]),
        (
            "<pkg rel='>=' version='2'>x</pkg></requires><conflicts><pkg rel='>=' version='1.9'>x</pkg></conflicts>",
            &["warning relation-contradiction"],
        ),
        (
            "<pkg rel='=' version='2.0-1'>x</pkg></requires><conflicts><pkg rel='=' version='2.0-1'>x</pkg></conflicts>",
            &["warning relation-contradiction"],
        ),
        // Between bounds that leave nothing.
        (
            "<pkg rel='&lt;' version='2'>x</pkg><pkg rel='>=' version='2'>x</pkg></requires>",
            &["warning relation-contradiction"],
        ),
        (
            "<pkg rel='=' version='1.9'>x</pkg><pkg rel='=' version='1.10'>x</pkg></requires>",
            &["warning relation-contradiction"],
        ),
        (
            "</requires></serverDeps><commonDeps><conflicts><pkg>sensors</pkg></conflicts></commonDeps><serverDeps><requires/>",
            &[
                "warning relation-contradiction",
                "warning order",
                "error duplicate-element",
                "note empty-element",
            ],
        ),
        // These can be fulfilled.
        (
            "<pkg rel='>=' version='2'>x</pkg></requires><conflicts><pkg rel='&lt;' version='2'>x</pkg></conflicts>",
            &[],
        ),
        ("<pkg rel='>=' version='1.9'>x</pkg><pkg rel='&lt;' version='1.10'>x</pkg></requires>", &[]),
        ("<pkg rel='>=' version='1.a'>x</pkg><pkg rel='&lt;' version='1.1'>x</pkg></requires>", &[]),
        ("</requires><conflicts><filters><arch>i386</arch></filters><pkg>x</pkg></conflicts>", &[]),
        ("</requires><provides><pkg>mpi</pkg></provides><conflicts><pkg>mpi</pkg></conflicts>", &[]),
    ] {
        let inside =
            if inside.contains("</requires>") { inside.to_owned() } else { format!("{inside}</requires>") };
        assert_eq!(with(&inside), expected, "{inside}");
    }
    // Each for itself, on machines of different kinds.
    let elsewhere =
        "</requires><conflicts><filters><arch>i386</arch></filters><pkg>sensors</pkg></conflicts>";
    assert_eq!(with(elsewhere), ["warning relation-contradiction"], "i386 is among all");
    let apart = "</serverDeps><clientDeps><conflicts><pkg>sensors</pkg></conflicts></clientDeps>";
    assert_eq!(diagnostics_with("</serverDeps>", apart), [""; 0]);
}
