//! Directories of OPKGs that hold what they must not: refused with one clear message, never followed.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::layout::{self, Item};
use opkg_tests::opkgc::{self, Opkgc};
use opkg_tests::{process, scratch, tools};

fn opkg() -> PathBuf {
    let directory = scratch::directory("hostile").join("hostile");
    let items = [
        Item::file("config.xml", 0o644, layout::config("hostile", "")),
        Item::file("scripts/server-post-install", 0o755, "#!/bin/sh\n"),
    ];
    layout::write(&directory, &items);
    directory
}

/// It is refused, with a message that has this in it.
fn refused(what: &str, directory: &Path, word: &str) {
    let opkgc = Opkgc::new();
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
        refused(&format!("a link to {to}"), &directory, "a-link");
    }
    let directory = opkg();
    fs_err::rename(directory.join("config.xml"), directory.join("../elsewhere.xml")).unwrap();
    symlink("../elsewhere.xml", directory.join("config.xml")).unwrap();
    refused("config.xml outside", &directory, "config.xml");
    let directory = opkg();
    fs_err::rename(directory.join("scripts"), directory.join("../elsewhere")).unwrap();
    symlink("../elsewhere", directory.join("scripts")).unwrap();
    refused("scripts outside", &directory, "scripts");
}

#[test]
fn only_files_and_directories_are_packaged() {
    let directory = opkg();
    process::succeed(Command::new("mkfifo").arg(directory.join("scripts/a-pipe")));
    refused("a pipe", &directory, "a-pipe");
    let directory = scratch::directory("config").join("hostile");
    fs_err::create_dir_all(&directory).unwrap();
    process::succeed(Command::new("mkfifo").arg(directory.join("config.xml")));
    refused("config.xml is a pipe", &directory, "config.xml");
    let directory = scratch::directory("config").join("hostile");
    fs_err::create_dir_all(directory.join("config.xml")).unwrap();
    refused("config.xml is a directory", &directory, "config.xml");
    // The address of a socket is short.
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("hostile");
    fs_err::rename(opkg(), &directory).or_else(|_| copy(&opkg(), &directory)).unwrap();
    let _socket = UnixListener::bind(directory.join("scripts/a-socket")).unwrap();
    refused("a socket", &directory, "a-socket");
    let directory = opkg();
    let file = directory.join("scripts/privileged");
    fs_err::write(&file, "#!/bin/sh\n").unwrap();
    fs_err::set_permissions(&file, std::fs::Permissions::from_mode(0o4755)).unwrap();
    refused("a setuid bit", &directory, "privileged");
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    process::succeed(Command::new("cp").arg("-a").arg(from).arg(to));
    Ok(())
}

#[test]
fn names_of_files_are_text_on_one_line() {
    for name in ["new\nline", "bell\u{7}", "escape\u{1b}[31m", "carriage\r"] {
        let directory = opkg();
        fs_err::write(directory.join("scripts").join(name), "").unwrap();
        refused(&format!("{name:?}"), &directory, "control character");
    }
    let directory = opkg();
    fs_err::write(directory.join("scripts").join(std::ffi::OsStr::from_bytes(b"not-utf8-\xff")), "").unwrap();
    refused("a name that is not UTF-8", &directory, "not-utf8-");
}

#[test]
fn what_is_missing_or_cannot_be_read_is_named() {
    let directory = scratch::directory("missing");
    refused("an empty directory", &directory, "config.xml");
    refused("no directory at all", &directory.join("none"), "none");
    let file = directory.join("file");
    fs_err::write(&file, "").unwrap();
    refused("a file", &file, "file");
    if !tools::root() || !tools::available(&["setpriv"]) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    fs_err::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    for secret in ["scripts/server-post-install", "config.xml"] {
        let directory = place.path().join(secret.replace('/', "-"));
        copy(&opkg(), &directory).unwrap();
        fs_err::set_permissions(directory.join(secret), std::fs::Permissions::from_mode(0o600)).unwrap();
        let opkgc = Opkgc::new();
        let mut command = Command::new("setpriv");
        opkgc.isolate(&mut command);
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(opkgc::program());
        let ended = process::run(command.arg("check").arg(&directory));
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(ended.code == Some(1) && said.contains(secret), "{secret}: {said}");
    }
}

#[test]
fn two_files_cannot_have_one_place() {
    let directory = opkg();
    let items = [Item::file("testing/loose", 0o644, "1"), Item::file("testing/data/loose", 0o644, "2")];
    layout::write(&directory, &items);
    refused("testing/loose and testing/data/loose", &directory, "testing/data/loose");
}
