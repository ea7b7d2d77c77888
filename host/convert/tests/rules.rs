//! Every rule of the conversion, one row after the other.

#![allow(clippy::unwrap_used)]

mod common;

use common::{ConvertFixture, errors, format_report, load_without_placeholders};
use opkg_convert::{PLACEHOLDER_EMAIL, ReportEntry};

/// What is to be seen of a conversion.
struct RuleCase<'a> {
    what: &'a str,
    replaced: &'a [(&'a str, &'a str)],
    added: &'a str,
    /// In the new file, blanks and line breaks between elements left out.
    written: &'a [&'a str],
    /// In the report.
    decided: &'a [&'a str],
    open: &'a [&'a str],
}

const EMPTY_CASE: RuleCase<'_> =
    RuleCase { what: "", replaced: &[], added: "", written: &[], decided: &[], open: &[] };

fn check_cases(rows: &[RuleCase<'_>]) {
    for row in rows {
        let case = ConvertFixture::with_changes(row.replaced, row.added);
        let (conversion, config) = case.convert_and_read();
        let dense = config.lines().map(str::trim).collect::<String>();
        for expected in row.written {
            assert!(dense.contains(expected), "{}: no {expected} in\n{config}", row.what);
        }
        for (list, expected) in
            [(&conversion.report.changed, row.decided), (&conversion.report.needs_review, row.open)]
        {
            for words in expected {
                let is_said = |entry: &ReportEntry| entry.text.contains(words);
                assert!(
                    list.iter().any(is_said),
                    "{}: no {words} in\n{}",
                    row.what,
                    format_report(&conversion)
                );
            }
        }
        let check = load_without_placeholders(&case.new_dir());
        assert_eq!(errors(&check), Vec::<&_>::new(), "{}:\n{config}", row.what);
    }
}

#[test]
fn versions() {
    let version = "<major>1</major><minor>2</minor><subversion>3</subversion><release>4</release>";
    let row = |written, expected, decided, open| {
        let replaced = Vec::leak(vec![(version, written)]);
        let written = Vec::leak(vec![expected]);
        RuleCase { what: written[0], replaced, written, decided, open, ..EMPTY_CASE }
    };
    check_cases(&[
        row(version, "<versionEntry version=\"1.2.3-4\">", &[], &[]),
        row("<epoch>7</epoch><major> 1 </major><release>2</release>", "version=\"7:1-2\"", &[], &[]),
        row(
            "<epoch>0</epoch><major>1</major><minor>0rc-1</minor><release>2</release>",
            "version=\"1.0rc-1-2\"",
            &["epoch is 0"],
            &[],
        ),
        row("<major>1</major><minor>2</minor>", "version=\"1.2-1\"", &["`1` stands in"], &[]),
        row(
            "<major>1 $(id)</major><release>a-b</release>",
            "version=\"1...id-a.b\"",
            &["`1 $(id)` became", "`a-b` became `a.b`"],
            &[],
        ),
        row("<epoch>x</epoch><major>1</major><release>1</release>", "version=\"1-1\"", &[], &["epoch `x`"]),
        row("<major/><release>1</release>", "version=\"0-1\"", &[], &["no number"]),
    ]);
}

#[test]
fn names() {
    let long = "n".repeat(70);
    check_cases(&[
        RuleCase { what: "plain", written: &["<name>thing</name>"], ..EMPTY_CASE },
        RuleCase {
            what: "letters",
            replaced: &[("<name>thing</name>", "<name>LAM/MPI_x</name>")],
            written: &["<name>lam-mpi-x</name>", "name: LAM/MPI_x"],
            decided: &["`name`: `LAM/MPI_x` became `lam-mpi-x`"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "none",
            replaced: &[("<name>thing</name>", "<name>?</name>")],
            written: &["<name>old</name>", "<name>?</name>"],
            open: &["`old` stands in"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "long",
            replaced: &[
                ("<name>thing</name>", &format!("<name>{long}</name>")),
                ("<summary>A thing</summary>", ""),
            ],
            open: &["no summary"],
            ..EMPTY_CASE
        },
    ]);
}

#[test]
fn people() {
    let packager = "<packager><name>Ada Keller</name><email>ada@example.org</email></packager>";
    check_cases(&[
        RuleCase {
            what: "packager",
            written: &[
                "<author cat=\"maintainer\"><name>Ada Keller</name><email>ada@example.org</email></author>",
                "authorName=\"Ada Keller\" date=\"2020-02-03T04:05:06Z\"",
            ],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "both",
            added: "<maintainer><name>Noor</name><email>n@example.org</email></maintainer><vendor>Institute &amp; Sons</vendor><copyright>2002-2004, Sons</copyright>",
            written: &[
                "<author cat=\"upstream\"><name>Noor</name><email>n@example.org</email><institution>Institute &amp; Sons</institution><beginYear>2002</beginYear><endYear>2004</endYear></author><author cat=\"maintainer\">",
                "copyright: 2002-2004, Sons",
                "authorName=\"Ada Keller\"",
            ],
            decided: &["institution of Noor", "2002-2004 are the years of Noor"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "only maintainer",
            replaced: &[(packager, "<maintainer><name>Noor</name><email>n@example.org</email></maintainer>")],
            written: &[
                "<author cat=\"upstream\"><name>Noor</name><email>n@example.org</email></author><author cat=\"maintainer\"><name>Noor</name><email>n@example.org</email></author>",
            ],
            decided: &["Noor is the maintainer as well"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "nobody",
            replaced: &[(packager, "")],
            written: &[
                "<author cat=\"maintainer\"><name>Unknown</name><email>unknown@example.invalid</email>",
            ],
            open: &["nobody is named"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "no address",
            replaced: &[(packager, "<packager><name>Ada</name><email>ada at example.org</email></packager>")],
            written: &["<email>unknown@example.invalid</email>", "email: ada at example.org"],
            open: &["no e-mail address of Ada"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "one text",
            replaced: &[(packager, "<packager>Ada &lt;a@example.org&gt;</packager>")],
            written: &["<name>Ada</name><email>a@example.org</email>", "name: Ada <a@example.org>"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "more about somebody",
            replaced: &[(packager, "<packager><email>a@example.org</email><phone>1--2</phone></packager>")],
            written: &["<name>a</name>", "<phone>1- -2</phone>"],
            open: &["the packager has no name", "`phone` has no counterpart"],
            ..EMPTY_CASE
        },
    ]);
}

#[test]
fn an_unknown_address_is_an_error_of_the_check() {
    let case = ConvertFixture::with_changes(&[("<email>ada@example.org</email>", "")], "");
    let conversion = case.convert();
    let found: Vec<_> = errors(&conversion.check).into_iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(found, ["author-email"]);
    assert!(conversion.report.needs_review.iter().any(|entry| entry.text.contains(PLACEHOLDER_EMAIL)));
}

#[test]
fn texts() {
    let summary = "A summary of more words than fit into one line of the present form, by far";
    check_cases(&[
        RuleCase {
            what: "url",
            added: "<url>http://example.org/?a&amp;b</url>",
            written: &["<uri>http://example.org/?a&amp;b</uri>"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "licence",
            replaced: &[("<license>GPL", "<license>freely  distributable")],
            written: &["<license>Freely distributable</license>"],
            decided: &["became `Freely distributable`"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "another licence",
            replaced: &[("<license>GPL", "<license>As is")],
            written: &["<license>As is</license>"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "no licence",
            replaced: &[("<license>GPL</license>", "")],
            written: &["<license>unknown</license>"],
            open: &["no licence"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "summary",
            replaced: &[("A thing", summary)],
            added: "<description>\n  It is.\n\n\n  Really\n  so.\n</description>",
            written: &[
                "<summary>A summary of more words than fit into one line of the present form</summary>",
                &format!("<description>{summary}It is.Really"),
            ],
            decided: &["`summary` is too long"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "class",
            added: "<class>Core</class>",
            written: &["<class>core</class>", "class: Core"],
            decided: &["`class`: `Core` became `core`"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "no such class",
            added: "<class>odd</class>",
            written: &["<class>odd</class>"],
            open: &["no class `odd`", "`class` has no counterpart"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "no group",
            replaced: &[("<group>Applications/System</group>", "<group> </group>")],
            written: &["<group>Applications/System</group>"],
            decided: &["no group"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "twice",
            added: "<summary>Another thing</summary>",
            written: &["<summary>A thing</summary>", "<summary>Another thing</summary>"],
            open: &["`summary` has no counterpart"],
            ..EMPTY_CASE
        },
    ]);
}

#[test]
fn packages() {
    const A: &str = "<pkg>a</pkg>";
    check_cases(&[
        RuleCase {
            what: "for both",
            added: "<rpmlist><!-- why --><rpm>a</rpm><rpm> b </rpm><rpm>a</rpm></rpmlist>",
            written: &[
                "<serverDeps><!-- why --><requires><pkg>a</pkg><pkg>b</pkg></requires></serverDeps><clientDeps><requires><pkg>a</pkg><pkg>b</pkg></requires></clientDeps>",
            ],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "server",
            added: "<rpmlist><filter group=\"oscar_server\"/><rpm>a</rpm></rpmlist>",
            written: &[&format!("<serverDeps><requires>{A}</requires></serverDeps><changelog>")],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "clients",
            added: "<rpmlist><filter group='oscar_clients'/><rpm>a</rpm></rpmlist>",
            written: &[&format!("</authors><clientDeps><requires>{A}</requires></clientDeps>")],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "alternatives",
            added: "<rpmlist><filter group='oscar_server' distribution='fedora' distribution_version='1'/><filter group='oscar_server' distribution='suse'/><filter group='oscar_server' architecture='ia64'/><filter group='oscar_server' distribution='debian' architecture='i686'/><filter group='oscar_server' distribution='mandrake' architecture='i386'/><rpm>a</rpm></rpmlist>",
            written: &[&format!(
                "<serverDeps><requires><filters><dist version=\"1\">fc</dist><dist>suse</dist></filters>{A}</requires><requires><filters><dist>debian</dist><dist>mdv</dist><arch>i386</arch></filters>{A}</requires><requires><filters><arch>ia64</arch></filters>{A}</requires></serverDeps><changelog>"
            )],
            decided: &["`fedora` `1` became `fc` `1`", "`mandrake` became `mdv`", "`i686` became `i386`"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "an open filter beside others",
            added: "<rpmlist><filter group='oscar_server'/><filter architecture='ia32'/><rpm>a</rpm></rpmlist>",
            written: &[&format!(
                "<serverDeps><requires>{A}</requires></serverDeps><clientDeps><requires><filters><arch>i386</arch></filters>{A}</requires></clientDeps>"
            )],
            open: &["see whether both together were meant"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "a name that is none",
            added: "<rpmlist><rpm>a</rpm><rpm>b &gt; 1</rpm></rpmlist>",
            written: &["<rpm>b &gt; 1</rpm>"],
            open: &["`b > 1` cannot be", "`rpm` has no counterpart"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "an unknown group",
            added: "<rpmlist><filter group='oscar_moon'/><rpm>a</rpm></rpmlist>",
            written: &["<filter group='oscar_moon'/><rpm>a</rpm>"],
            open: &["the group `oscar_moon` is unknown", "`rpmlist` with `filter`, `rpm` has no counterpart"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "what a filter cannot be",
            added: "<rpmlist><filter architecture='pdp11'/><filter distribution_version='1'/><filter distribution='a b'/><filter distribution='suse' distribution_version='$'/><filter moon='full'/><filter><x/></filter><filter distribution='suse'/><rpm>a</rpm></rpmlist>",
            written: &["<filters><dist>suse</dist></filters><pkg>a</pkg>", "<filter moon='full'/>"],
            open: &[
                "`pdp11` is unknown",
                "no distribution",
                "`a b` cannot be",
                "the version `$`",
                "attribute `moon`",
                "holds elements",
            ],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "whole package",
            added: "<filters><filter architecture='i386'/><filter architecture='ia64'/></filters>",
            written: &["</authors><filters><arch>i386</arch><arch>ia64</arch></filters>"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "whole package, not to be said",
            added: "<filter distribution='suse'/><filter architecture='ia64'/>",
            written: &["<filter distribution='suse'/>"],
            open: &["cannot be said as one `filters`"],
            ..EMPTY_CASE
        },
    ]);
}

#[test]
fn distributions() {
    for (id, version, expected, decided, open) in [
        ("redhat", "3as", "<dist version=\"3\">rhel</dist>", "`redhat` `3as` became `rhel` `3`", ""),
        ("redhat", "9", "<dist version=\"9\">redhat</dist>", "", "`redhat` `9`: no plugin serves it"),
        ("redhat", "", "<dist>redhat</dist>", "", "`redhat`: no plugin serves it"),
        ("rhas", "2.1AS", "<dist version=\"2.1\">rhel</dist>", "became `rhel` `2.1`", ""),
        ("whitebox", "", "<dist>rhel</dist>", "`whitebox` became `rhel`", ""),
        ("fedora", "2", "<dist version=\"2\">fc</dist>", "became `fc` `2`", ""),
        ("mandrake", "9.0", "<dist version=\"9.0\">mdv</dist>", "became `mdv` `9.0`", ""),
        ("SuSE", "", "<dist>suse</dist>", "`SuSE` became `suse`", ""),
        ("debian", "3.1", "<dist version=\"3.1\">debian</dist>", "", ""),
        ("moonix", "1", "<dist version=\"1\">moonix</dist>", "", "`moonix` `1`: unknown"),
    ] {
        let list = format!(
            "<rpmlist><filter distribution='{id}' distribution_version='{version}'/><rpm>a</rpm></rpmlist>"
        );
        let only = |text: &'static str| -> &'static [&'static str] {
            if text.is_empty() { &[] } else { Vec::leak(vec![text]) }
        };
        check_cases(&[RuleCase {
            what: id,
            added: &list,
            written: &[expected],
            decided: only(decided),
            open: only(open),
            ..EMPTY_CASE
        }]);
    }
}

#[test]
fn architectures() {
    for (old, new) in [
        ("ia32", "i386"),
        ("i486", "i386"),
        ("i586", "i386"),
        ("i686", "i386"),
        ("ia64", "ia64"),
        ("x86_64", "x86_64"),
    ] {
        let list = format!("<rpmlist><filter architecture='{old}'/><rpm>a</rpm></rpmlist>");
        check_cases(&[RuleCase {
            what: old,
            added: &list,
            written: &[&format!("<arch>{new}</arch>")],
            ..EMPTY_CASE
        }]);
    }
}

#[test]
fn other_opkgs() {
    check_cases(&[
        RuleCase {
            what: "provides",
            added: "<provides><type>package</type><name>mpi</name></provides>",
            written: &["</authors><provides><pkg>mpi</pkg></provides>"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "requires",
            added: "<requires><type>package</type><name>Kernel_Picker</name></requires>",
            written: &[
                "<serverDeps><requires><pkg>opkg-kernel-picker-server</pkg></requires></serverDeps><clientDeps><requires><pkg>opkg-kernel-picker-client</pkg></requires></clientDeps>",
                "name: Kernel_Picker",
            ],
            decided: &["`requires`: the OPKG `Kernel_Picker` became"],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "conflicts",
            added: "<conflicts><name>pbs</name></conflicts>",
            written: &[
                "<serverDeps><conflicts><pkg>opkg-pbs-server</pkg></conflicts></serverDeps><clientDeps><conflicts><pkg>opkg-pbs-client</pkg></conflicts></clientDeps>",
            ],
            ..EMPTY_CASE
        },
        RuleCase {
            what: "another type",
            added: "<requires><type>rpm</type><name>x</name></requires>",
            written: &["<requires><type>rpm</type><name>x</name></requires>"],
            open: &["names no OPKG", "`requires` with `type`, `name` has no counterpart"],
            ..EMPTY_CASE
        },
    ]);
}

#[test]
fn what_has_no_counterpart() {
    check_cases(&[RuleCase {
        what: "all of it",
        added: "<servicelist><filter group='oscar_server'/><service>d</service></servicelist>
            <package><switcher><tag>mpi</tag><!-- -x- --></switcher></package>
            <database_tables><t><fields/></t></database_tables>
            <oda_shortcuts><shortcut a='b'>c</shortcut></oda_shortcuts>
            <?keep this?> stray",
        written: &[
            "<service>d</service>",
            "<switcher><tag>mpi</tag><!- - -x- - -></switcher>",
            "<database_tables><t><fields/></t></database_tables>",
            "<shortcut a='b'>c</shortcut>",
            "<?keep this?>",
            "stray",
        ],
        open: &[
            "`servicelist` with `filter`, `service` has no",
            "`package` with `switcher` has no",
            "`database_tables` with `t` has no",
            "`oda_shortcuts` with `shortcut` has no",
            "an instruction has no",
            "the text inside of `oscar` has no",
        ],
        ..EMPTY_CASE
    }]);
}
