//! Whatever a plugin returns: it is refused with a reason, or the formats' own tools read it back as given.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::path::Path;
use std::process::Command;

use common::{Fixture, TIME};
use fs_err as fs;
use opkg::model::Node;
use opkg_package::{Builder, Error, write};
use opkg_runtime::artefacts::{
    BinaryPackage, Bound, Change, Comparison, Compression, Container, Content, Field, FileMarks, HookTime,
    NativeBuild, NativeKind, NativeRelation, Output, PackedFile, Scriptlet, SourcePackage, TextFile,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Between values that a tool prints; no text that is generated holds it.
const END: &str = "\u{1}end\n";

fn fixture() -> Fixture {
    Fixture::new(&[("data", "from the OPKG\n", 0o644)], &[])
}

fn package(fixture: &Fixture) -> BinaryPackage {
    assert_eq!(fixture.opkg.files[0].at, Node(0));
    BinaryPackage {
        name: "opkg-x".into(),
        epoch: 0,
        version: "1.0".into(),
        release: "2".into(),
        arch: "all".into(),
        summary: "X".into(),
        description: "It is x.".into(),
        license: "GPL".into(),
        section: "admin".into(),
        url: None,
        maintainer: "A <a@example.org>".into(),
        relations: Vec::new(),
        files: vec![
            packed("/etc/x", Content::Text("x\n".into()), FileMarks::CONFIGURATION),
            packed("/usr", Content::Directory, FileMarks::empty()),
            packed("/usr/data", Content::Source(0), FileMarks::DOCUMENTATION),
            packed("/usr/link", Content::Link("data".into()), FileMarks::empty()),
        ],
        scriptlets: Vec::new(),
        changelog: vec![Change { header: "A".into(), seconds: TIME, text: "- x".into() }],
        fields: Vec::new(),
        file_name: "x".into(),
    }
}

fn packed(path: &str, content: Content, marks: FileMarks) -> PackedFile {
    let mode = if matches!(content, Content::Directory) { 0o755 } else { 0o644 };
    PackedFile { path: path.into(), content, mode, marks }
}

/// Writes the package into a new directory; nothing of it is left if it is refused.
fn written(
    fixture: &Fixture,
    package: &BinaryPackage,
    container: Container,
) -> Result<tempfile::TempDir, Error> {
    let output = Output {
        meta_files: Vec::new(),
        source: SourcePackage::Tree("tree".into()),
        native_build: NativeBuild { commands: Vec::new(), results: Vec::new() },
        container,
        packages: vec![package.clone()],
        diagnostics: Vec::new(),
    };
    let directory = tempfile::tempdir().unwrap();
    let outcome = write(&output, fixture.source(), directory.path(), Builder::Direct, None);
    if outcome.is_err() {
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
    outcome.map(|_| directory)
}

fn installed(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        eprintln!("skipped: {program} is not installed");
    }
    there
}

/// What a tool prints about the package in a directory.
fn told(directory: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .arg(directory.join("x"))
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Text that breaks careless writers, sometimes with a zero byte.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[ -~äß€]{1,20}",
        2 => "[a-z0-9][a-z0-9+.-]{1,8}",
        1 => "[a-z]{1,4}\n[A-Z][a-z]{1,6}: [a-z]{1,6}",
        1 => "[ -~\t]{0,4}\n ?[.,a-z]{0,4}\n?",
        1 => "[a-z]{1,3}\0[a-z]{0,3}",
        1 => Just(String::new()),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![5 => "[a-z0-9][a-z0-9+.-]{1,12}", 1 => text()]
}

fn version() -> impl Strategy<Value = String> {
    prop_oneof![5 => "[0-9][0-9a-z.+~]{0,8}", 1 => text()]
}

fn relation() -> impl Strategy<Value = NativeRelation> {
    let kind = prop::sample::select(vec![
        NativeKind::Requires,
        NativeKind::PreRequires(HookTime::PreInstall),
        NativeKind::Provides,
        NativeKind::Conflicts,
        NativeKind::Obsoletes,
        NativeKind::Recommends,
        NativeKind::Suggests,
    ]);
    let comparison = prop::sample::select(vec![Comparison::Lt, Comparison::Eq, Comparison::Ge]);
    let bound = prop::option::of((comparison, version()));
    (kind, name(), bound).prop_map(|(kind, name, bound)| NativeRelation {
        kind,
        name,
        bound: bound.map(|(comparison, version)| Bound { comparison, version }),
    })
}

/// A package in which everything that is text may be anything.
fn any_package() -> impl Strategy<Value = BinaryPackage> {
    let path = prop_oneof![8 => "/[a-z %*'\"\\\\äß.]{1,12}", 1 => "/?([a-z.]{0,3}/){0,3}", 1 => text()];
    let files = prop::collection::btree_map(path, (0..0o1100_u32, text()), 0..4);
    (
        (name(), 0..3_u32, version(), version()),
        (text(), text(), text(), text()),
        prop::collection::vec(relation(), 0..4),
        files,
        prop::option::weighted(0.3, text()),
        prop::option::weighted(0.2, (name(), text())),
    )
        .prop_map(|(identity, texts, relations, files, script, field)| BinaryPackage {
            name: identity.0,
            epoch: identity.1,
            version: identity.2,
            release: identity.3,
            summary: texts.0,
            description: texts.1,
            maintainer: texts.2,
            url: Some(texts.3),
            relations,
            files: files
                .into_iter()
                .map(|(path, (mode, text))| PackedFile {
                    path,
                    mode,
                    content: Content::Text(text),
                    marks: FileMarks::empty(),
                })
                .collect(),
            scriptlets: script
                .map(|body| Scriptlet {
                    time: HookTime::PostInstall,
                    interpreter: vec!["/bin/sh".into()],
                    body,
                })
                .into_iter()
                .collect(),
            fields: field.map(|(name, value)| Field { name, value }).into_iter().collect(),
            ..package(&fixture())
        })
}

/// The control fields that a deb of this package must have, as its tool prints them.
fn expected_fields(package: &BinaryPackage) -> Vec<(String, String)> {
    let epoch = if package.epoch > 0 { format!("{}:", package.epoch) } else { String::new() };
    let release = if package.release.is_empty() { String::new() } else { format!("-{}", package.release) };
    let mut description = package.summary.trim().to_owned();
    for line in package.description.lines() {
        description.push_str(&format!("\n {}", if line.is_empty() { "." } else { line }));
    }
    let mut fields = vec![
        ("Package".to_owned(), package.name.clone()),
        ("Version".to_owned(), format!("{epoch}{}{release}", package.version)),
        ("Architecture".to_owned(), package.arch.clone()),
        ("Maintainer".to_owned(), package.maintainer.trim().to_owned()),
        ("Section".to_owned(), package.section.clone()),
        ("Homepage".to_owned(), package.url.clone().unwrap_or_default().trim().to_owned()),
        ("Description".to_owned(), description.trim().to_owned()),
    ];
    fields.retain(|(_, value)| !value.is_empty());
    fields.extend(package.fields.iter().map(|it| (it.name.clone(), it.value.trim().to_owned())));
    fields
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn an_rpm_is_read_back_as_given(mut package in any_package()) {
        package.fields.clear();
        let fixture = fixture();
        let Ok(directory) = written(&fixture, &package, Container::Rpm(Compression::Zstd)) else {
            return Ok(());
        };
        if !installed("rpm") {
            return Ok(());
        }
        let format = format!(
            "%{{NAME}}{END}%{{EPOCHNUM}}{END}%{{VERSION}}{END}%{{RELEASE}}{END}%{{SUMMARY}}{END}\
             %{{DESCRIPTION}}{END}[%{{FILENAMES}}{END}%{{FILEMODES:octal}}{END}]%|POSTIN?{{%{{POSTIN}}}}|{END}"
        );
        let told = told(directory.path(), "rpm", &["-qp", "--nosignature", "--qf", &format]);
        let mut expected = vec![
            package.name.clone(),
            package.epoch.to_string(),
            package.version.clone(),
            package.release.clone(),
            package.summary.clone(),
            package.description.clone(),
        ];
        for file in &package.files {
            expected.extend([file.path.clone(), format!("100{:03o}", file.mode)]);
        }
        expected.push(package.scriptlets.first().map(|it| it.body.clone()).unwrap_or_default());
        let told: Vec<&str> = told.split(END).collect();
        prop_assert_eq!(&told[..told.len() - 1], &expected[..]);
    }

    #[test]
    fn a_deb_is_read_back_as_given(package in any_package()) {
        let fixture = fixture();
        let Ok(directory) = written(&fixture, &package, Container::Deb(Compression::Gzip)) else {
            return Ok(());
        };
        if !installed("dpkg-deb") {
            return Ok(());
        }
        let told = told(directory.path(), "dpkg-deb", &["-f"]).replace("\n ", "\0");
        let mut fields: Vec<(String, String)> = told
            .lines()
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_owned(), value.trim().replace('\0', "\n ")))
            .collect();
        let relations = ["Pre-Depends", "Depends", "Recommends", "Suggests", "Conflicts", "Replaces", "Provides"];
        let listed: usize = fields
            .iter()
            .filter(|(name, _)| relations.contains(&name.as_str()))
            .map(|(_, list)| list.split(", ").count())
            .sum();
        prop_assert_eq!(listed, package.relations.len());
        fields.retain(|(name, _)| name != "Installed-Size" && !relations.contains(&name.as_str()));
        let mut expected = expected_fields(&package);
        fields.sort();
        expected.sort();
        prop_assert_eq!(fields, expected);
    }
}

/// Makes a package one that cannot be written.
type Spoil = fn(&mut BinaryPackage);

#[test]
fn what_a_format_cannot_say_is_refused() {
    let fixture = fixture();
    let relation = |name: &str| NativeRelation { kind: NativeKind::Requires, name: name.into(), bound: None };
    let changes: [(&str, Spoil); 8] = [
        ("a zero byte", |it| it.summary = "a\0b".into()),
        ("a path upwards", |it| it.files[0].path = "/../x".into()),
        ("a relative path", |it| it.files[0].path = "etc/x".into()),
        ("a path twice", |it| it.files[1] = it.files[0].clone()),
        ("a special bit", |it| it.files[0].mode = 0o4755),
        ("a field of the format", |it| it.fields = vec![Field { name: "package".into(), value: "y".into() }]),
        ("no name", |it| it.name.clear()),
        ("no interpreter", |it| {
            it.scriptlets =
                vec![Scriptlet { time: HookTime::PreInstall, interpreter: Vec::new(), body: "x".into() }];
        }),
    ];
    for container in [Container::Rpm(Compression::Gzip), Container::Deb(Compression::Xz)] {
        assert!(written(&fixture, &package(&fixture), container.clone()).is_ok());
        for (what, change) in changes {
            let mut package = package(&fixture);
            change(&mut package);
            let outcome = written(&fixture, &package, container.clone());
            assert!(matches!(outcome, Err(Error::Unpackable(_))), "{what}");
        }
    }
    for injected in ["a, b", "a\nDepends: b", "a | b", "A", "a (= 1)", "a:", ""] {
        let package = BinaryPackage { relations: vec![relation(injected)], ..package(&fixture) };
        assert!(written(&fixture, &package, Container::Deb(Compression::Xz)).is_err(), "{injected:?}");
    }
}

#[test]
fn an_archive_holds_the_members_and_then_the_files() {
    let fixture = fixture();
    let member = TextFile { path: ".INFO".into(), contents: "x".into(), executable: false };
    let container = Container::Archive((Compression::None, vec![member]));
    let directory = written(&fixture, &package(&fixture), container).unwrap();
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
    if !installed("rpm") || !installed("dpkg-deb") {
        return;
    }
    let fixture = fixture();
    let rpm = written(&fixture, &package(&fixture), Container::Rpm(Compression::Xz)).unwrap();
    assert_eq!(told(rpm.path(), "rpm", &["-qp", "--configfiles"]), "/etc/x\n");
    assert_eq!(told(rpm.path(), "rpm", &["-qp", "--docfiles"]), "/usr/data\n");
    let deb = written(&fixture, &package(&fixture), Container::Deb(Compression::Xz)).unwrap();
    let info =
        Command::new("dpkg-deb").arg("-I").arg(deb.path().join("x")).arg("conffiles").output().unwrap();
    assert_eq!(String::from_utf8(info.stdout).unwrap(), "/etc/x\n");
}
