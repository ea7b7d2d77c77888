//! Files by their names in a spec, where one may look like another's pattern.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use common::generate_for;
use opkg_sdk::model::{Destination, Opkg, Part, SourceFile};
use opkg_sdk::packaging::Refusal;
use opkg_sdk::testing::{add_file, sample_opkg, sample_target};

fn spec(opkg: &Opkg) -> String {
    generate_for(opkg, &sample_target("rhel", Some("9"), None)).unwrap().meta_files.remove(0).contents
}

/// From RPM 4.19 on nothing between quotes is a pattern, before that everything is.
#[test]
fn files_are_named_without_quotes() {
    let mut opkg = sample_opkg("odd");
    for name in ["doc/a b", "doc/100%", "doc/q\"u'o", "doc/[x]*", "doc/tab\tin it"] {
        add_file(&mut opkg, Part::Api, name);
    }
    let spec = spec(&opkg);
    let files = spec.split_once("\n%files").unwrap().1.split_once("\n%changelog").unwrap().0;
    let entries: Vec<&str> = files.lines().filter(|line| line.contains("/usr/share/doc/")).collect();
    assert_eq!(entries.len(), 5);
    for entry in entries {
        assert!(!entry.contains('"'), "{entry}");
        let words = entry.split_whitespace().skip_while(|word| !word.starts_with('/'));
        assert_eq!(words.count(), 1, "{entry}");
    }
}

/// Adds a file of a part at a path.
fn add_file_at<'a>(opkg: &'a mut Opkg, part: Part, path: &str) -> &'a mut SourceFile {
    let file = add_file(opkg, part, &format!("files/common{path}"));
    file.destination = Destination::Path(path.to_owned());
    file
}

/// All packages of a spec have one build root: no entry of theirs may stand for what another has.
#[test]
fn an_entry_stands_for_one_file() {
    let mut opkg = sample_opkg("odd");
    add_file_at(&mut opkg, Part::Server, "/opt/x/a b");
    add_file_at(&mut opkg, Part::Client, "/opt/x/a_b");
    add_file_at(&mut opkg, Part::Client, "/opt/x/site (old)");
    add_file_at(&mut opkg, Part::Client, "/opt/x/site-(old)/data");
    add_file_at(&mut opkg, Part::Client, "/opt/x/alone here");
    let spec = spec(&opkg);
    let files = spec.split_once("\n%files").unwrap().1.split_once("\n%changelog").unwrap().0;
    let entries: Vec<&str> =
        files.lines().filter_map(|line| line.split_once(" /opt/")).map(|it| it.1).collect();
    let expected =
        ["x/a[[:blank:]]b", "x/a_b", "x/alone?here", "x/site[[:blank:]][(]old[)]", "x/site-?old?/data"];
    assert_eq!(BTreeSet::from_iter(entries), BTreeSet::from(expected));
}

#[test]
fn files_that_no_entry_can_tell_apart() {
    let refused = |opkg: &Opkg| {
        let Err(Refusal::Failed(told)) = generate_for(opkg, &sample_target("rhel", Some("9"), None)) else {
            panic!("must fail")
        };
        told.into_iter().map(|it| (it.at, it.message)).collect::<Vec<_>>()
    };
    let mut opkg = sample_opkg("odd");
    let at = add_file_at(&mut opkg, Part::Client, "/opt/x/a'b").at;
    let other = add_file_at(&mut opkg, Part::Client, "/opt/x/a_b");
    // Neither package nor attributes differ.
    let of_both = other.at;
    assert!(spec(&opkg).contains(" /opt/x/a[[:punct:]]b\n"));

    opkg.files.iter_mut().find(|file| file.at == of_both).unwrap().mode = 0o755;
    let text = "a spec cannot tell `/opt/x/a'b` from `/opt/x/a_b`, and their attributes differ";
    assert_eq!(refused(&opkg), [(Some(at), text.to_owned())]);

    opkg.files.retain(|file| file.at != of_both);
    let server = add_file_at(&mut opkg, Part::Server, "/opt/x/a_b").at;
    let text = "a spec cannot tell `/opt/x/a'b` from `/opt/x/a_b`, of which one belongs to opkg-odd-client, the other to \
                opkg-odd-server";
    assert_eq!(refused(&opkg), [(Some(at), text.to_owned())]);

    opkg.files.retain(|file| file.at != server);
    add_file_at(&mut opkg, Part::Client, "/opt/x/a_b/c");
    let text = "a spec cannot tell `/opt/x/a'b` from `/opt/x/a_b`, of which one is a directory";
    assert_eq!(refused(&opkg), [(Some(at), text.to_owned())]);

    opkg.files.pop();
    add_file_at(&mut opkg, Part::Client, "/opt/x/a'b/c");
    opkg.files.retain(|file| file.at != at);
    let link = add_file_at(&mut opkg, Part::Client, "/opt/x/a_b");
    link.link = Some("/opt/other".to_owned());
    let [(_, message)] = &refused(&opkg)[..] else { panic!("one is told") };
    assert!(message.contains("tell `/opt/x/a'b/c` from `/opt/x/a_b`, of which one is a link"), "{message}");
}

/// Each is looked for among all of them.
#[test]
fn thousands_of_files_with_blanks() {
    let mut opkg = sample_opkg("many");
    for number in 0..25_000 {
        add_file_at(&mut opkg, Part::Client, &format!("/opt/x/a file {number}"));
    }
    assert_eq!(spec(&opkg).matches(" /opt/x/a?file?").count(), 25_000);
}
