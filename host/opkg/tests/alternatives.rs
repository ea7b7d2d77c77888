//! `alternatives`: what is read of them, and what is wrong with them.
#![allow(clippy::unwrap_used)]

mod support;

use support::{Fixture, config_with};

fn fixture(alternatives: &str) -> Fixture {
    let elements = format!("</serverDeps>\n<alternatives>{alternatives}</alternatives>");
    Fixture::with_config(config_with("</serverDeps>", &elements))
        .with_file("files/client/usr/bin/probe", "")
        .with_file("files/client/usr/share/man/man1/probe.1.gz", "")
        .with_file("files/server/usr/bin/served", "")
}

/// An element with these attributes.
fn alternative(name: &str, link: &str, path: &str, priority: &str) -> String {
    format!(r#"<alternative name="{name}" link="{link}" path="{path}" priority="{priority}"/>"#)
}

#[test]
fn all_of_it_is_read() {
    let directory = fixture(
        r#"<filters><dist>debian</dist></filters>
    <alternative name="look" link="/usr/bin/look" path="/usr/bin/probe" priority="50">
      <slave name="look.1.gz" link="/usr/share/man/man1/look.1.gz" path="/usr/share/man/man1/probe.1.gz"/>
    </alternative>"#,
    );
    assert_eq!(directory.diagnostics(), [""; 0]);
    let opkg = directory.opkg();
    let [alternative] = opkg.alternatives.as_slice() else { panic!("{:?}", opkg.alternatives) };
    let words = |it: &opkg::model::AlternativeLink| format!("{} {} {}", it.name, it.link, it.path);
    assert_eq!(words(&alternative.main), "look /usr/bin/look /usr/bin/probe");
    let slaves: Vec<String> = alternative.slaves.iter().map(words).collect();
    assert_eq!(slaves, ["look.1.gz /usr/share/man/man1/look.1.gz /usr/share/man/man1/probe.1.gz"]);
    assert_eq!((alternative.priority, alternative.filter.dists[0].id.as_str()), (50, "debian"));
}

#[test]
fn what_cannot_be_is_an_error_at_its_place() {
    for (element, expected) in [
        (alternative("-look", "/usr/bin/look", "/usr/bin/probe", "1"), "error alternative 23:34"),
        (alternative("a/b", "/usr/bin/look", "/usr/bin/probe", "1"), "error alternative 23:34"),
        (alternative("look", "usr/bin/look", "/usr/bin/probe", "1"), "error alternative 23:46"),
        (alternative("look", "/usr/bin/look", "/usr/../probe", "1"), "error alternative 23:67"),
        (alternative("look", "/usr/bin/$(id)", "/usr/bin/probe", "1"), "error alternative 23:46"),
        (alternative("look", "/usr/bin/probe", "/usr/bin/probe", "1"), "error alternative 23:46"),
        (alternative("look", "/usr/bin/look", "/usr/bin/probe", "-1"), "error alternative 23:93"),
        (alternative("look", "/usr/bin/look", "/usr/bin/probe", "9999999"), "error alternative 23:93"),
        (alternative("look", "/usr/bin/look", "/usr/bin/prob", "1"), "error alternative-path 23:67"),
        (alternative("look", "/usr/bin/served", "/usr/bin/probe", "1"), "error alternative-path 23:69"),
        (r#"<alternative name="a" link="/b" priority="1"/>"#.to_owned(), "error alternative 23:15"),
    ] {
        assert_eq!(fixture(&element).diagnostics(), [expected], "{element}");
    }
    let apart = r#"<alternative name="a" link="/a" path="/usr/bin/probe" priority="1">
      <slave name="b" link="/b" path="/usr/bin/served"/>
    </alternative>"#;
    assert_eq!(fixture(apart).diagnostics(), ["error alternative-path 24:39"]);
}
