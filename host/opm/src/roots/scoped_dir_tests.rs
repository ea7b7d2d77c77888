#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::CWD;

use super::*;

/// A directory with something outside of it.
struct Fixture {
    top: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir_all(top.path().join("home/etc")).unwrap();
        fs::write(top.path().join("secret"), "secret").unwrap();
        Self { top }
    }

    fn home(&self) -> PathBuf {
        self.top.path().join("home")
    }

    fn scoped_dir(&self, programs: bool) -> ScopedDir {
        ScopedDir::new(fs::File::open(self.home()).unwrap().into(), programs)
    }

    /// That nothing but `home` and `secret` is there, and that the secret is one.
    fn assert_untouched(&self) {
        let names = fs::read_dir(self.top.path()).unwrap().map(|it| it.unwrap().file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        assert_eq!(names, ["home", "secret"]);
        assert_eq!(fs::read_to_string(self.top.path().join("secret")).unwrap(), "secret");
    }
}

#[test]
fn files_come_and_go() {
    let tree = Fixture::new();
    let mut rooted = tree.scoped_dir(false);
    assert_eq!(rooted.read("etc/a"), Err(FileError::NotFound));
    rooted.write("etc/new/b", b"one", 0o600).unwrap();
    rooted.write("etc/new/b", b"two", 0o640).unwrap();
    assert_eq!(rooted.read("etc/new/b").unwrap(), b"two");
    let mode = fs::metadata(tree.home().join("etc/new/b")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
    rooted.write("c", b"", 0o644).unwrap();
    assert_eq!(rooted.entries("").unwrap(), ["c", "etc/"]);
    assert_eq!(rooted.entries("etc/new").unwrap(), ["b"]);
    rooted.remove("etc/new/b").unwrap();
    assert_eq!(rooted.remove("etc/new/b"), Err(FileError::NotFound));
    assert_eq!(rooted.entries("etc/new").unwrap(), Vec::<String>::new());
}

#[test]
fn no_path_leads_out() {
    let tree = Fixture::new();
    let mut rooted = tree.scoped_dir(true);
    for path in ["../secret", "/etc/passwd", "etc/../../secret", ".."] {
        assert_eq!(rooted.read(path), Err(FileError::Escapes), "{path}");
        assert_eq!(rooted.write(path, b"x", 0o644), Err(FileError::Escapes), "{path}");
        assert_eq!(rooted.remove(path), Err(FileError::Escapes), "{path}");
        assert_eq!(rooted.entries(path), Err(FileError::Escapes), "{path}");
    }
    for path in ["", "./a", "a//b", "a/", "a\0b"] {
        assert!(matches!(rooted.read(path), Err(FileError::Denied(_))), "{path}");
        assert!(matches!(rooted.write(path, b"x", 0o644), Err(FileError::Denied(_))), "{path}");
    }
    let deep = vec!["d"; 65].join("/");
    assert!(matches!(rooted.write(&deep, b"x", 0o644), Err(FileError::Denied(_))));
    tree.assert_untouched();
}

#[test]
fn no_link_leads_out() {
    let tree = Fixture::new();
    let mut rooted = tree.scoped_dir(true);
    symlink("..", tree.home().join("up")).unwrap();
    symlink(tree.top.path(), tree.home().join("absolute")).unwrap();
    symlink("../secret", tree.home().join("file")).unwrap();
    symlink("loop", tree.home().join("loop")).unwrap();
    symlink("/proc/self/root", tree.home().join("magic")).unwrap();
    for path in ["up/secret", "absolute/secret", "file", "loop", "magic/etc/passwd"] {
        assert_eq!(rooted.read(path), Err(FileError::Escapes), "{path}");
    }
    for path in ["up/new", "absolute/new", "up/deep/new", "magic/new"] {
        assert_eq!(rooted.write(path, b"x", 0o644), Err(FileError::Escapes), "{path}");
        assert_eq!(rooted.remove(path), Err(FileError::Escapes), "{path}");
    }
    assert_eq!(rooted.entries("up"), Err(FileError::Escapes));
    // The link itself is neither written through nor replaced.
    for path in ["file", "up"] {
        assert!(matches!(rooted.write(path, b"x", 0o644), Err(FileError::Denied(_))), "{path}");
        assert!(matches!(rooted.remove(path), Err(FileError::Denied(_))), "{path}");
    }
    // One that stays inside is like any directory.
    symlink("etc", tree.home().join("inside")).unwrap();
    rooted.write("inside/a", b"x", 0o644).unwrap();
    assert!(tree.home().join("etc/a").exists());
    tree.assert_untouched();
}

/// Somebody swaps a directory for a link and back all the time.
#[test]
fn links_made_meanwhile_lead_nowhere() {
    let tree = Fixture::new();
    let home = tree.home();
    fs::create_dir(home.join("plain")).unwrap();
    symlink("..", home.join("link")).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let swapping = std::thread::spawn({
        let (over, home) = (over.clone(), home.clone());
        move || {
            while !over.load(Ordering::Relaxed) {
                let flags = rustix::fs::RenameFlags::EXCHANGE;
                rustix::fs::renameat_with(CWD, home.join("plain"), CWD, home.join("link"), flags).unwrap();
            }
        }
    });
    let mut rooted = tree.scoped_dir(true);
    let mut written = 0;
    for _ in 0..2000 {
        match rooted.write("plain/new", b"x", 0o644) {
            Ok(()) => written += 1,
            Err(FileError::Escapes | FileError::Other(_)) => {}
            Err(problem) => panic!("{problem:?}"),
        }
        assert_ne!(rooted.read("plain/secret").as_deref(), Ok(&b"secret"[..]));
    }
    over.store(true, Ordering::Relaxed);
    swapping.join().unwrap();
    assert!(written > 0);
    tree.assert_untouched();
}

#[test]
fn only_plain_files() {
    let tree = Fixture::new();
    let mut rooted = tree.scoped_dir(true);
    let fifo = Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(CWD, tree.home().join("fifo"), FileType::Fifo, fifo, 0).unwrap();
    fs::write(tree.home().join("one"), "x").unwrap();
    fs::hard_link(tree.home().join("one"), tree.home().join("two")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(tree.home().join("socket")).unwrap();
    for path in ["fifo", "two", "etc"] {
        assert!(matches!(rooted.read(path), Err(FileError::Denied(_))), "{path}");
    }
    for path in ["fifo", "two", "etc", "socket"] {
        assert!(matches!(rooted.write(path, b"y", 0o644), Err(FileError::Denied(_))), "{path}");
        assert!(matches!(rooted.remove(path), Err(FileError::Denied(_))), "{path}");
    }
    assert_eq!(fs::read_to_string(tree.home().join("one")).unwrap(), "x");
    assert!(matches!(rooted.write("set", b"", 0o4755), Err(FileError::Denied(_))));
}

#[test]
fn programs_of_the_package_stay_what_they_are() {
    let tree = Fixture::new();
    let mut rooted = tree.scoped_dir(false);
    let program = tree.home().join("api-post-deploy");
    fs::write(&program, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(rooted.write("api-post-deploy", b"x", 0o644), Err(FileError::Denied(_))));
    assert!(matches!(rooted.remove("api-post-deploy"), Err(FileError::Denied(_))));
    assert!(matches!(rooted.write("new", b"x", 0o755), Err(FileError::Denied(_))));
    tree.scoped_dir(true).write("api-post-deploy", b"x", 0o755).unwrap();
}

#[test]
fn nothing_is_huge() {
    let tree = Fixture::new();
    let mut rooted = tree.scoped_dir(false);
    let sparse = fs::File::create(tree.home().join("sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    assert_eq!(rooted.read("sparse"), Err(FileError::TooLarge));
    let most = vec![0; usize::try_from(MAX_FILE_BYTES).unwrap() + 1];
    assert_eq!(rooted.write("etc/a", &most, 0o644), Err(FileError::TooLarge));
    rooted.bytes_remaining = 10;
    assert_eq!(rooted.write("etc/b", &most[..11], 0o644), Err(FileError::TooLarge));
    rooted.write("etc/b", &most[..6], 0o644).unwrap();
    assert_eq!(rooted.write("etc/c", &most[..6], 0o644), Err(FileError::TooLarge));
    assert_eq!(rooted.entries("etc").unwrap(), ["b"]);
    for number in 0..=MAX_ENTRIES {
        fs::write(tree.home().join(format!("etc/{number}")), "").unwrap();
    }
    assert_eq!(rooted.entries("etc"), Err(FileError::TooLarge));
}
