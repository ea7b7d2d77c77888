//! Packages of every format: what they hold, and what they refuse to.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "common/archives.rs"]
#[allow(dead_code)]
mod archives;
mod common;
#[path = "common/package.rs"]
mod package;
#[path = "common/tool.rs"]
mod tool;

use std::process::Command;

use archives::tar_container;
use fs_err as fs;
use opkg_interface::artefacts::{
    BinaryPackage, Compression, Container, Field, FileTrigger, NativeKind, NativePackage, NativeRelation,
    RpmDigestAlgorithm, RpmFormat, RpmFormatVersion, ScriptTime, Scriptlet, TriggerTime,
};
use opkg_package::Error;
use package::{fixture, sample_package, write_single};
use tool::{is_installed, tool_output};

/// Makes a package one that cannot be written.
type Mutation = fn(&mut BinaryPackage);

#[test]
fn what_a_format_cannot_say_is_refused() {
    let fixture = fixture();
    let relation = |name: &str| NativeRelation {
        kind: NativeKind::Requires,
        condition: None,
        name: name.into(),
        bound: None,
        alternatives: Vec::new(),
    };
    let changes: [(&str, Mutation); 8] = [
        ("a zero byte", |it| it.summary = "a\0b".into()),
        ("a path upwards", |it| it.files[0].path = "/../x".into()),
        ("a relative path", |it| it.files[0].path = "etc/x".into()),
        ("a path twice", |it| it.files[1] = it.files[0].clone()),
        ("a bit that no file has", |it| it.files[0].mode = 0o10755),
        ("a field of the format", |it| it.fields = vec![Field { name: "package".into(), value: "y".into() }]),
        ("no name", |it| it.name.clear()),
        ("no interpreter", |it| {
            it.scriptlets =
                vec![Scriptlet { time: ScriptTime::PreInstall, interpreter: Vec::new(), body: "x".into() }];
        }),
    ];
    for container in [
        Container::Rpm(RpmFormat {
            version: RpmFormatVersion::V4,
            newest_version: RpmFormatVersion::V6,
            compression: Compression::Gzip,
            file_digests: RpmDigestAlgorithm::Sha256,
        }),
        Container::Deb(Compression::Xz),
    ] {
        assert!(write_single(&fixture, &sample_package(&fixture), &container).is_ok());
        for (what, change) in changes {
            let mut package = sample_package(&fixture);
            change(&mut package);
            let outcome = write_single(&fixture, &package, &container);
            assert!(matches!(outcome, Err(Error::InvalidOutput(_))), "{what}");
        }
    }
    let or = |name: &str| NativePackage { name: name.into(), bound: None };
    let either = |kind, name: &str| BinaryPackage {
        relations: vec![NativeRelation { kind, alternatives: vec![or(name)], ..relation("aa") }],
        ..sample_package(&fixture)
    };
    for container in [
        Container::Rpm(RpmFormat {
            version: RpmFormatVersion::V4,
            newest_version: RpmFormatVersion::V6,
            compression: Compression::Gzip,
            file_digests: RpmDigestAlgorithm::Sha256,
        }),
        Container::Deb(Compression::Xz),
    ] {
        for kind in [NativeKind::Requires, NativeKind::Recommends] {
            assert!(write_single(&fixture, &either(kind, "bb"), &container).is_ok());
        }
        for kind in [NativeKind::Conflicts, NativeKind::Obsoletes, NativeKind::Provides, NativeKind::Enhances]
        {
            assert!(write_single(&fixture, &either(kind, "bb"), &container).is_err(), "{kind:?}");
        }
        for injected in ["bb) or (cc", "bb cc", "", "(bb", "bb,cc", "bb\ncc", "bb\u{a0}cc"] {
            let package = either(NativeKind::Requires, injected);
            assert!(write_single(&fixture, &package, &container).is_err(), "{injected:?}");
        }
    }
    let supplements = NativeRelation { kind: NativeKind::Supplements, ..relation("aa") };
    let package = BinaryPackage { relations: vec![supplements], ..sample_package(&fixture) };
    assert!(write_single(&fixture, &package, Container::Deb(Compression::Xz)).is_err());
    for injected in ["a, b", "a\nDepends: b", "a | b", "A", "a (= 1)", "a:", ""] {
        let package = BinaryPackage { relations: vec![relation(injected)], ..sample_package(&fixture) };
        assert!(write_single(&fixture, &package, Container::Deb(Compression::Xz)).is_err(), "{injected:?}");
    }
}

/// What one format has is an error in the other, and so is a path that a tool would read as something else.
#[test]
fn triggers_of_another_format_are_refused() {
    let fixture = fixture();
    let rpm = Container::Rpm(RpmFormat {
        compression: Compression::Gzip,
        file_digests: RpmDigestAlgorithm::Sha256,
        version: RpmFormatVersion::V4,
        newest_version: RpmFormatVersion::V6,
    });
    let deb = Container::Deb(Compression::Xz);
    let triggered = |prefix: &str, program: &str| BinaryPackage {
        file_triggers: vec![FileTrigger {
            time: TriggerTime::AfterInstallation,
            prefixes: vec![prefix.into()],
            interpreter: program.into(),
            body: "true".into(),
        }],
        ..sample_package(&fixture)
    };
    let interested = |path: &str| BinaryPackage { interests: vec![path.into()], ..sample_package(&fixture) };
    for (package, container, is_sound) in [
        (triggered("/etc/x/", "/bin/sh"), &rpm, true),
        (triggered("/etc/x/", "/bin/sh"), &deb, false),
        (triggered("/etc/x /", "/bin/sh"), &rpm, false),
        (triggered("etc/x/", "/bin/sh"), &rpm, false),
        (triggered("/etc/x/", "<lua>"), &rpm, false),
        (triggered("/etc/x/", "/bin/sh -e"), &rpm, false),
        (interested("/etc/x"), &deb, true),
        (interested("/etc/x"), &rpm, false),
        (interested("/etc/x/"), &deb, false),
        (interested("/etc/x\nactivate y"), &deb, false),
        (interested("x"), &deb, false),
    ] {
        let outcome = write_single(&fixture, &package, container);
        assert_eq!(outcome.is_ok(), is_sound, "{:?} {:?}", package.file_triggers, package.interests);
    }
    let scriptlet =
        Scriptlet { time: ScriptTime::Triggered, interpreter: vec!["/bin/sh".into()], body: "true".into() };
    for container in [rpm, deb] {
        let package = BinaryPackage { scriptlets: vec![scriptlet.clone()], ..sample_package(&fixture) };
        assert!(write_single(&fixture, &package, &container).is_err(), "{container:?}");
    }
}

#[test]
fn an_archive_holds_the_members_and_then_the_files() {
    let fixture = fixture();
    let directory = write_single(&fixture, &sample_package(&fixture), tar_container("x")).unwrap();
    let mut archive = tar::Archive::new(fs::File::open(directory.path().join("x")).unwrap());
    let paths = archive
        .entries()
        .unwrap()
        .map(|it| String::from_utf8(it.unwrap().path_bytes().into_owned()).unwrap());
    let paths: Vec<String> = paths.collect();
    assert_eq!(paths, [".INFO", "etc/", "etc/x", "usr/", "usr/data", "usr/link"]);
}

#[test]
fn configuration_is_marked() {
    if !is_installed("rpm") || !is_installed("dpkg-deb") {
        return;
    }
    let fixture = fixture();
    let rpm = write_single(
        &fixture,
        &sample_package(&fixture),
        Container::Rpm(RpmFormat {
            version: RpmFormatVersion::V4,
            newest_version: RpmFormatVersion::V6,
            compression: Compression::Xz,
            file_digests: RpmDigestAlgorithm::Sha256,
        }),
    )
    .unwrap();
    assert_eq!(tool_output(rpm.path(), "rpm", &["-qp", "--configfiles"]), "/etc/x\n");
    assert_eq!(tool_output(rpm.path(), "rpm", &["-qp", "--docfiles"]), "/usr/data\n");
    let deb = write_single(&fixture, &sample_package(&fixture), Container::Deb(Compression::Xz)).unwrap();
    let info =
        Command::new("dpkg-deb").arg("-I").arg(deb.path().join("x")).arg("conffiles").output().unwrap();
    assert_eq!(String::from_utf8(info.stdout).unwrap(), "/etc/x\n");
}
