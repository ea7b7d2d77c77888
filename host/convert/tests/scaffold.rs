//! New OPKGs from the template.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use opkg::Settings;
use opkg::diagnostic::Location;
use opkg::model::SourceFile;
use opkg_convert::{Error, Extras, Maintainer, create_opkg, find_template_texts};

#[test]
fn a_new_opkg_has_no_findings() {
    let dir = tempfile::tempdir().unwrap();
    let date = "2020-02-03T04:05:06Z".parse().unwrap();
    let maintainer = Maintainer::new("J\u{fc}rgen & \"Sons\"", "j@example.org").unwrap();
    for name in ["a0", "my-tool", "g++", &"n".repeat(100)] {
        let target = dir.path().join(name);
        create_opkg(name, &target, &maintainer, date, Extras::default()).unwrap();
        let loaded = opkg::load(&target, &Settings::default());
        assert_eq!(loaded.diagnostics, [], "{name}");
        let opkg = loaded.opkg.unwrap();
        assert_eq!(opkg.name, name);
        assert_eq!(opkg.authors[0].name, "J\u{fc}rgen & \"Sons\"");
        assert_eq!(opkg.history[0].changes[0].email.as_deref(), Some("j@example.org"));
        assert_eq!(opkg.version().unwrap().to_string(), "0.1-1");
        assert_eq!(opkg.files.len(), 6);
        assert!(matches!(
            create_opkg(name, &target, &maintainer, date, Extras::default()),
            Err(Error::AlreadyExists(_))
        ));
    }
}

/// Whatever the OPKG is called, it has a unit and a user that systemd and useradd take.
#[test]
fn services_and_configuration_are_read_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let date = "2020-02-03T04:05:06Z".parse().unwrap();
    for name in ["a0", "0ad", "my--tool", "g++", "a.b", &"n".repeat(100)] {
        for (service, configuration) in [(true, true), (true, false), (false, true)] {
            let target = dir.path().join(format!("{name}{service}{configuration}"));
            create_opkg(name, &target, &Maintainer::root(), date, Extras { service, configuration }).unwrap();
            let loaded = opkg::load(&target, &Settings::default());
            assert_eq!(loaded.diagnostics, [], "{name}");
            let opkg = loaded.opkg.unwrap();
            let files = &opkg.files;
            let count = |is_such: fn(&SourceFile) -> bool| files.iter().filter(|file| is_such(file)).count();
            assert_eq!(
                count(|file| file.unit.is_some_and(|unit| unit.is_installable)),
                usize::from(service),
                "{name}"
            );
            assert_eq!(count(|file| !file.accounts.is_empty()), usize::from(service), "{name}");
            assert_eq!(count(|file| file.is_configuration), usize::from(configuration), "{name}");
        }
    }
}

/// What nobody has replaced would be read by users.
#[test]
fn texts_of_the_template_are_known() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("my-tool");
    let date = "2020-02-03T04:05:06Z".parse().unwrap();
    create_opkg("my-tool", &target, &Maintainer::root(), date, Extras::default()).unwrap();
    let config = target.join("config.xml");
    let written = fs::read_to_string(&config).unwrap();
    let found = || {
        let loaded = opkg::load(&target, &Settings::default());
        let text = loaded.source.unwrap().text;
        let found = find_template_texts(&loaded.opkg.unwrap(), &text);
        let shown = |place: &Location| match place {
            Location::Config(range) => text[range.clone()].split(' ').take(2).collect::<Vec<_>>().join(" "),
            Location::File(file) => file.clone(),
        };
        found.iter().map(|note| shown(note.location.as_ref().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(found(), ["Says in", "Says the", "README.md"]);
    fs::write(&config, written.replace("Says in one line", "Tells")).unwrap();
    assert_eq!(found(), ["Says the", "README.md"]);
    fs::write(&config, written.replace("Says ", "Tells ")).unwrap();
    assert_eq!(found(), ["README.md"]);
    fs::write(target.join("README.md"), "My tool.\n").unwrap();
    assert_eq!(found(), [""; 0]);
}

#[test]
fn names_and_maintainers_that_cannot_be() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["", "a", "A0", "../x", "a/b", "a b", "-a0", "filesystem", &"n".repeat(101)] {
        let result = create_opkg(
            name,
            &dir.path().join("x"),
            &Maintainer::root(),
            "2020-02-03T04:05:06Z".parse().unwrap(),
            Extras::default(),
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
