//! Directories of OPKGs that hold what they must not: refused with one clear message, never followed.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::opkgc::{self, OpkgcEnvironment};
use opkg_tests::{process, scratch, tools};

fn opkg() -> PathBuf {
    let directory = scratch::create_directory("hostile").join("hostile");
    let items = [
        TreeEntry::file("config.xml", 0o644, file_tree::minimal_config("hostile", "")),
        TreeEntry::file("scripts/server-post-install", 0o755, "#!/bin/sh\n"),
    ];
    file_tree::write_tree(&directory, &items);
    directory
}

/// It is refused, with a message that has this in it.
fn assert_rejected(what: &str, directory: &Path, word: &str) {
    let opkgc = OpkgcEnvironment::new();
    let path = directory.to_str().unwrap();
    for arguments in [vec!["check", path], vec!["--dist", "rhel,debian", "--source", "-o", "out", path]] {
        let ended = opkgc.run(arguments);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, Some(1), "{what}: {said}");
        assert!(said.contains(word), "{what}: names {word}: {said}");
        assert!(!said.chars().any(|c| c.is_control() && c != '\n'), "{what}: control characters: {said:?}");
    }
    assert!(!opkgc.home().join("out").exists(), "{what}");
}

#[test]
fn links_may_not_leave_the_opkg() {
    for to in ["/etc/passwd", "../../../../etc/passwd", "nowhere", "/", "../..", "a-link"] {
        let directory = opkg();
        symlink(to, directory.join("scripts/a-link")).unwrap();
        assert_rejected(&format!("a link to {to}"), &directory, "a-link");
    }
    let directory = opkg();
    fs_err::rename(directory.join("config.xml"), directory.join("../elsewhere.xml")).unwrap();
    symlink("../elsewhere.xml", directory.join("config.xml")).unwrap();
    assert_rejected("config.xml outside", &directory, "config.xml");
    let directory = opkg();
    fs_err::rename(directory.join("scripts"), directory.join("../elsewhere")).unwrap();
    symlink("../elsewhere", directory.join("scripts")).unwrap();
    assert_rejected("scripts outside", &directory, "scripts");
}

#[test]
fn only_files_and_directories_are_packaged() {
    let directory = opkg();
    process::run_successfully(Command::new("mkfifo").arg(directory.join("scripts/a-pipe")));
    assert_rejected("a pipe", &directory, "a-pipe");
    let directory = scratch::create_directory("config").join("hostile");
    fs_err::create_dir_all(&directory).unwrap();
    process::run_successfully(Command::new("mkfifo").arg(directory.join("config.xml")));
    assert_rejected("config.xml is a pipe", &directory, "config.xml");
    let directory = scratch::create_directory("config").join("hostile");
    fs_err::create_dir_all(directory.join("config.xml")).unwrap();
    assert_rejected("config.xml is a directory", &directory, "config.xml");
    // The address of a socket is short.
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("hostile");
    fs_err::rename(opkg(), &directory).or_else(|_| copy(&opkg(), &directory)).unwrap();
    let _socket = UnixListener::bind(directory.join("scripts/a-socket")).unwrap();
    assert_rejected("a socket", &directory, "a-socket");
    let directory = opkg();
    let file = directory.join("scripts/privileged");
    fs_err::write(&file, "#!/bin/sh\n").unwrap();
    fs_err::set_permissions(&file, std::fs::Permissions::from_mode(0o4755)).unwrap();
    assert_rejected("a setuid bit", &directory, "privileged");
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    process::run_successfully(Command::new("cp").arg("-a").arg(from).arg(to));
    Ok(())
}

#[test]
fn names_of_files_are_text_on_one_line() {
    for name in ["new\nline", "bell\u{7}", "escape\u{1b}[31m", "carriage\r"] {
        let directory = opkg();
        fs_err::write(directory.join("scripts").join(name), "").unwrap();
        assert_rejected(&format!("{name:?}"), &directory, "control character");
    }
    let directory = opkg();
    fs_err::write(directory.join("scripts").join(std::ffi::OsStr::from_bytes(b"not-utf8-\xff")), "").unwrap();
    assert_rejected("a name that is not UTF-8", &directory, "not-utf8-");
}

#[test]
fn what_is_missing_or_cannot_be_read_is_named() {
    let directory = scratch::create_directory("missing");
    assert_rejected("an empty directory", &directory, "config.xml");
    assert_rejected("no directory at all", &directory.join("none"), "none");
    let file = directory.join("file");
    fs_err::write(&file, "").unwrap();
    assert_rejected("a file", &file, "file");
    if !tools::is_root() || !tools::all_installed(&["setpriv"]) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    fs_err::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    for secret in ["scripts/server-post-install", "config.xml"] {
        let directory = place.path().join(secret.replace('/', "-"));
        copy(&opkg(), &directory).unwrap();
        fs_err::set_permissions(directory.join(secret), std::fs::Permissions::from_mode(0o600)).unwrap();
        let opkgc = OpkgcEnvironment::new();
        let mut command = Command::new("setpriv");
        opkgc.apply_environment(&mut command);
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(opkgc::program());
        let ended = process::run(command.arg("check").arg(&directory));
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(ended.code == Some(1) && said.contains(secret), "{secret}: {said}");
    }
}

#[test]
fn two_files_cannot_have_one_place() {
    let directory = opkg();
    let items =
        [TreeEntry::file("testing/loose", 0o644, "1"), TreeEntry::file("testing/data/loose", 0o644, "2")];
    file_tree::write_tree(&directory, &items);
    assert_rejected("testing/loose and testing/data/loose", &directory, "testing/data/loose");
}
