//! The schema that `opkgc schema` prints and `opkgc check` agree, but for the leniencies that real files
//! made necessary: there, check has a warning or a note where the schema refuses.

use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::layout::{self, Item};
use opkg_tests::opkgc::Opkgc;
use opkg_tests::{corpus, generated, need, parallel, process, scratch};

fn valid(schema: &Path, directory: &Path) -> bool {
    let file = directory.join("config.xml");
    let ended = process::run(Command::new("xmllint").args(["--noout", "--schema"]).arg(schema).arg(file));
    assert!(matches!(ended.code, Some(0 | 3)), "{}", ended.output());
    ended.code == Some(0)
}

fn schema() -> PathBuf {
    let file = scratch::directory("schema").join("opkg.xsd");
    fs_err::write(&file, Opkgc::new().succeed(["schema"])).unwrap();
    file
}

#[test]
fn what_the_schema_accepts_is_accepted_and_what_it_refuses_is_remarked_on() {
    need!("xmllint");
    let schema = schema();
    let mut directories: Vec<PathBuf> = corpus::samples().iter().map(corpus::Sample::lay).collect();
    directories.extend((0..60).map(|seed| generated::package(seed).lay()));
    parallel::map(&directories, |directory| {
        let checked = Opkgc::new().check(directory);
        assert_eq!(checked.code, Some(0), "{checked:?}");
        if !valid(&schema, directory) {
            assert!(!checked.findings.is_empty(), "{}: only the schema refuses it", directory.display());
        }
    });
}

#[test]
fn what_is_wrong_is_wrong_for_both() {
    need!("xmllint");
    let schema = schema();
    let right = layout::config("right", "");
    let wrong = [
        ("<name>right</name>", "<name>Right Name</name>"),
        ("<name>right</name>", ""),
        ("<class>included</class>", "<class>somewhere</class>"),
        ("<summary>Package for a test</summary>", ""),
        ("cat=\"maintainer\"", "cat=\"owner\""),
        ("version=\"1.0-1\"", "version=\"1.0\""),
        ("date=\"2024-05-06T07:08:09Z\"", "date=\"yesterday\""),
        ("<changelog>", "<serverDeps/><serverDeps/><changelog>"),
        ("<item>Made.</item>", ""),
        ("authorName=\"Test Er\"", ""),
    ];
    for (from, to) in wrong {
        assert!(right.contains(from));
        let directory = scratch::directory("wrong").join("right");
        layout::write(&directory, &[Item::file("config.xml", 0o644, right.replace(from, to))]);
        assert!(!valid(&schema, &directory), "the schema accepts {to}");
        assert!(!Opkgc::new().check(&directory).findings.is_empty(), "check accepts {to}");
    }
}
