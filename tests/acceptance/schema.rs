//! The schema that `opkgc schema` prints and `opkgc check` agree, but for the leniencies that real files
//! made necessary: there, check has a warning or a note where the schema refuses.

use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::{corpus, generated, parallel, process, require_tools, scratch};

fn is_valid(schema: &Path, directory: &Path) -> bool {
    let file = directory.join("config.xml");
    let ended = process::run(Command::new("xmllint").args(["--noout", "--schema"]).arg(schema).arg(file));
    assert!(matches!(ended.code, Some(0 | 3)), "{}", ended.combined_output());
    ended.code == Some(0)
}

fn write_schema() -> PathBuf {
    let file = scratch::create_directory("schema").join("opkg.xsd");
    fs_err::write(&file, OpkgcEnvironment::new().run_successfully(["schema"])).unwrap();
    file
}

#[test]
fn what_the_schema_accepts_is_accepted_and_what_it_refuses_is_remarked_on() {
    require_tools!("xmllint");
    let schema = write_schema();
    let mut directories: Vec<PathBuf> =
        corpus::samples().iter().map(corpus::CorpusPackage::write_to_scratch).collect();
    directories.extend((0..60).map(|seed| generated::generate(seed).write_to_scratch()));
    parallel::map(&directories, |directory| {
        let checked = OpkgcEnvironment::new().check(directory);
        assert_eq!(checked.code, Some(0), "{checked:?}");
        if !is_valid(&schema, directory) {
            assert!(!checked.diagnostics.is_empty(), "{}: only the schema refuses it", directory.display());
        }
    });
}

#[test]
fn what_is_wrong_is_wrong_for_both() {
    require_tools!("xmllint");
    let schema = write_schema();
    let right = file_tree::minimal_config("right", "");
    let wrong = [
        ("<name>right</name>", "<name>Right Name</name>"),
        ("<name>right</name>", ""),
        ("<class>included</class>", "<class>somewhere</class>"),
        ("<summary>Package for a test</summary>", ""),
        ("cat=\"maintainer\"", "cat=\"owner\""),
        ("version=\"1.0-1\"", "version=\"1.0\""),
        ("date=\"2024-05-06T07:08:09Z\"", "date=\"yesterday\""),
        ("<changelog>", "<serverDeps/><serverDeps/><changelog>"),
        ("<changelog>", "<services><service enable=\"yes\"/></services><changelog>"),
        ("<changelog>", "<services><service name=\"site\" enable=\"no\"/></services><changelog>"),
        ("<item>Made.</item>", ""),
        ("authorName=\"Test Er\"", ""),
    ];
    for (from, to) in wrong {
        assert!(right.contains(from));
        let directory = scratch::create_directory("wrong").join("right");
        file_tree::write_tree(&directory, &[TreeEntry::file("config.xml", 0o644, right.replace(from, to))]);
        assert!(!is_valid(&schema, &directory), "the schema accepts {to}");
        assert!(!OpkgcEnvironment::new().check(&directory).diagnostics.is_empty(), "check accepts {to}");
    }
}
