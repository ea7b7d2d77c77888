//! The directory: files, scripts, what is refused; and whole reports.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use common::{ConvertFixture, errors, format_report};
use opkg_convert::{Error, convert};

/// All paths below a directory, with modes and what links hold.
fn list_tree(root: &Path) -> String {
    fn visit(root: &Path, dir: &Path, lines: &mut Vec<String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let shown = path.strip_prefix(root).unwrap().display().to_string();
            let found = path.symlink_metadata().unwrap();
            if found.is_dir() {
                visit(root, &path, lines);
            } else if found.is_symlink() {
                lines.push(format!("{shown} -> {}", fs::read_link(&path).unwrap().display()));
            } else {
                lines.push(format!("{shown} {:o}", found.permissions().mode() & 0o7777));
            }
        }
    }
    let mut lines = Vec::new();
    visit(root, root, &mut lines);
    lines.sort();
    lines.join("\n")
}

const SCRIPT: &str = "#!/bin/sh\nexit 0\n";

#[test]
fn every_script_gets_its_present_name() {
    for (old, new) in [
        ("setup", "api-post-install"),
        ("post_server_rpm_install", "server-post-install"),
        ("post_server_install", "server-post-install"),
        ("post_server_rpm_uninstall", "server-post-uninstall"),
        ("post_client_rpm_install", "client-post-install"),
        ("post_rpm_install", "client-post-install"),
        ("post_client_rpm_uninstall", "client-post-uninstall"),
        ("pre_configure", "api-pre-configure"),
        ("post_configure", "api-post-configure"),
        ("post_rpm_nochroot", "api-post-image"),
        ("post_clients", "api-post-clientdef"),
        ("post_install", "api-post-deploy"),
    ] {
        let case = ConvertFixture::with_changes(&[], "").with_file(&format!("scripts/{old}"), 0o755, SCRIPT);
        let conversion = case.convert();
        assert_eq!(list_tree(&case.new_dir().join("scripts")), format!("{new} 755"), "{old}");
        assert!(format_report(&conversion).contains(&format!("File(\"scripts/{old}\") renamed to `{new}`")));
        assert_eq!(errors(&conversion.check), Vec::<&_>::new(), "{old}");
    }
}

#[test]
fn files_are_copied_and_reported() {
    let case = ConvertFixture::with_changes(
        &[("<name>thing</name>", "<name>The_Thing</name>")],
        "<servicelist><service>x</service></servicelist>",
    )
    .with_file("scripts/setup", 0o755, SCRIPT)
    .with_file("scripts/post_server_rpm_install", 0o744, SCRIPT)
    .with_file("scripts/post_server_install", 0o755, SCRIPT)
    .with_file("scripts/post_clients", 0o755, SCRIPT)
    .with_file("scripts/api-post-clientdef", 0o755, SCRIPT)
    .with_file("scripts/post_buildimage", 0o755, SCRIPT)
    .with_file("scripts/lib/setup", 0o644, "text")
    .with_file("scripts/su", 0o4755, SCRIPT)
    .with_file("doc/a b%", 0o600, "text")
    .with_file("doc/old~", 0o600, "text")
    .with_file(".svn/entries", 0o644, "text")
    .with_file("testing/test_user", 0o755, SCRIPT)
    .with_file("Makefile.in", 0o644, "all:");
    symlink("setup", case.old_dir().join("scripts/start")).unwrap();
    let before = list_tree(&case.old_dir());
    let conversion = case.convert();
    assert_eq!(list_tree(&case.old_dir()), before);
    insta::assert_snapshot!("files", list_tree(&case.new_dir()));
    insta::assert_snapshot!("files_report", format_report(&conversion));
    assert_eq!(errors(&conversion.check), Vec::<&_>::new());
    assert_eq!((conversion.name.as_str(), conversion.version.as_str()), ("the-thing", "1.2.3-4"));
    let left: Vec<_> = fs::read_dir(case.dir.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_whole_file() {
    let case = ConvertFixture::new(
        "<?xml version='1.0'?>\n<!DOCTYPE package SYSTEM '../package.dtd'>\n<!-- Copyright -->\n<oscar xmlns:x='y' x:at='z'>
<!-- $Id$ -->
<name>thing</name>
<version><major>1</major><release>4</release></version>
<summary>A thing</summary>
<license>gpl</license>
<maintainer><name>Noor</name></maintainer>
<rpmlist><filter distribution='fedora'/><!-- <rpm>b</rpm> --><rpm>a</rpm></rpmlist>
<package><switcher>--</switcher></package>
</oscar>",
    );
    let (conversion, config) = case.convert_and_read();
    insta::assert_snapshot!("config", config);
    insta::assert_snapshot!("config_report", format_report(&conversion));
}

#[test]
fn what_is_refused() {
    let case = ConvertFixture::with_changes(&[], "");
    let old = case.old_dir();
    let refusal = |from: &Path, to: &Path| convert(from, to, None).unwrap_err();
    assert!(matches!(refusal(&old, &old), Error::AlreadyExists(_) | Error::TargetInsideSource(_)));
    assert!(matches!(refusal(&old, &old.join("a/new")), Error::TargetInsideSource(_)));
    fs::create_dir(case.new_dir()).unwrap();
    assert!(matches!(refusal(&old, &case.new_dir()), Error::AlreadyExists(_)));
    let other = case.dir.path().join("other");
    assert!(matches!(refusal(&case.new_dir(), &other), Error::Unreadable(_)));
    symlink(&old, case.dir.path().join("link")).unwrap();
    assert!(matches!(refusal(&old, &case.dir.path().join("link/new")), Error::TargetInsideSource(_)));

    let present = ConvertFixture::new("<oscar><name>thing</name><version>1</version></oscar>");
    assert!(matches!(refusal(&present.old_dir(), &other), Error::NotOldFormat(_)));

    let _socket = std::os::unix::net::UnixListener::bind(old.join("socket")).unwrap();
    assert!(matches!(refusal(&old, &other), Error::SpecialFile(_)));
    assert!(!other.exists());
    let left = fs::read_dir(case.dir.path()).unwrap().count();
    assert_eq!(left, 3);
}

#[test]
fn the_date_is_that_of_the_old_file_where_none_is_given() {
    let case = ConvertFixture::with_changes(&[], "");
    let file = fs::File::options().write(true).open(case.old_dir().join("config.xml")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000)).unwrap();
    let conversion = convert(&case.old_dir(), &case.new_dir(), None).unwrap();
    let date = conversion.check.opkg.unwrap().history[0].changes[0].date;
    assert_eq!(date.to_string(), "2001-09-09T01:46:40Z");
}
