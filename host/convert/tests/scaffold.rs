//! New OPKGs from the template.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::errors;
use opkg::Settings;
use opkg_convert::{Error, Maintainer, create_opkg};

#[test]
fn a_new_opkg_has_no_findings() {
    let dir = tempfile::tempdir().unwrap();
    let date = "2020-02-03T04:05:06Z".parse().unwrap();
    let maintainer = Maintainer::new("J\u{fc}rgen & \"Sons\"", "j@example.org").unwrap();
    for name in ["a0", "my-tool", "g++", &"n".repeat(100)] {
        let target = dir.path().join(name);
        create_opkg(name, &target, &maintainer, date).unwrap();
        let loaded = opkg::load(&target, &Settings::default());
        assert_eq!(loaded.diagnostics, [], "{name}");
        let opkg = loaded.opkg.unwrap();
        assert_eq!(opkg.name, name);
        assert_eq!(opkg.authors[0].name, "J\u{fc}rgen & \"Sons\"");
        assert_eq!(opkg.history[0].changes[0].email.as_deref(), Some("j@example.org"));
        assert_eq!(opkg.version().unwrap().to_string(), "0.1-1");
        assert_eq!(opkg.files.len(), 6);
        assert!(matches!(create_opkg(name, &target, &maintainer, date), Err(Error::AlreadyExists(_))));
    }
}

#[test]
fn an_unknown_maintainer_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("x1");
    create_opkg("x1", &target, &Maintainer::placeholder(), "2020-02-03T04:05:06Z".parse().unwrap()).unwrap();
    let loaded = opkg::load(&target, &Settings::default());
    let codes: Vec<_> = errors(&loaded).into_iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["author-email"]);
}

#[test]
fn names_and_maintainers_that_cannot_be() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["", "a", "A0", "../x", "a/b", "a b", "-a0", &"n".repeat(101)] {
        let result = create_opkg(
            name,
            &dir.path().join("x"),
            &Maintainer::placeholder(),
            "2020-02-03T04:05:06Z".parse().unwrap(),
        );
        assert!(matches!(result, Err(Error::InvalidName(_))), "{name}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    assert_eq!("Ada <a@b>".parse(), Maintainer::new("Ada", "a@b"));
    assert!(Maintainer::new("A\u{7}a", "a@b").is_err());
    for text in ["", "Ada", "a@b", "<a@b>", "Ada <a b>", "Ada <a@b> x"] {
        assert!(text.parse::<Maintainer>().is_err(), "{text}");
    }
}
