//! Whatever a plugin returns: it is refused with a reason, or the formats' own tools read it back as given.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "common/archives.rs"]
#[allow(dead_code)]
mod archives;
mod common;
#[path = "common/package.rs"]
mod package;
#[path = "common/tool.rs"]
mod tool;

use std::collections::BTreeSet;
use std::io::Read;
use std::process::Command;

use archives::tar_container;
use fs_err as fs;
use opkg_interface::artefacts::{
    BinaryPackage, Bound, ChangelogEntry, Comparison, Compression, Container, Content, Field, FileMarks,
    NativeKind, NativePackage, NativeRelation, PackedFile, RpmDigestAlgorithm, RpmFormat, RpmFormatVersion,
    ScriptTime, Scriptlet,
};
use package::{fixture, sample_package, write_single};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};
use tool::{is_installed, tool_output};

/// Between values that a tool prints; no text that is generated holds it.
const VALUE_SEPARATOR: &str = "\u{1}end\n";

/// Text that breaks careless writers, sometimes with a zero byte.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => "[ -~äß€]{1,20}",
        6 => "[a-z0-9][a-z0-9+.-]{1,8}",
        1 => "[a-z]{1,4}\n[A-Z][a-z]{1,6}: [a-z]{1,6}",
        1 => "[ -~\t]{0,4}\n ?[.,a-z]{0,4}\n?",
        1 => "[a-z]{1,3}\0[a-z]{0,3}",
        1 => Just(String::new()),
        1 => "[a-zß\n ]".prop_map(|it| it.repeat(70_000)),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![15 => "[a-z0-9][a-z0-9+.-]{1,12}", 1 => text()]
}

fn version() -> impl Strategy<Value = String> {
    prop_oneof![15 => "[0-9][0-9a-z.+~]{0,8}", 1 => text()]
}

fn relation() -> impl Strategy<Value = NativeRelation> {
    let kind = prop::sample::select(vec![
        NativeKind::Requires,
        NativeKind::PreRequires(ScriptTime::PreInstall),
        NativeKind::Provides,
        NativeKind::Conflicts,
        NativeKind::Obsoletes,
        NativeKind::Recommends,
        NativeKind::Suggests,
    ]);
    let comparison = prop::sample::select(vec![Comparison::Lt, Comparison::Eq, Comparison::Ge]);
    let bound = prop::option::of((comparison, version()));
    (kind, name(), bound).prop_map(|(kind, name, bound)| {
        let bound = bound.map(|(comparison, version)| Bound { comparison, version });
        let is_odd = name.len() % 2 == 1;
        let kind = match kind {
            NativeKind::Suggests if is_odd => NativeKind::Enhances,
            NativeKind::Conflicts if is_odd => NativeKind::Breaks,
            kind => kind,
        };
        let other = || NativePackage { name: format!("{name}+or"), bound: bound.clone() };
        let count = if kind.has_alternatives() { name.len() % 3 } else { 0 };
        let alternatives = std::iter::repeat_with(other).take(count).collect();
        NativeRelation { kind, name, bound, alternatives, condition: None }
    })
}

/// Between parts of what is asked for, likewise.
const SECTION_SEPARATOR: &str = "\u{1}part\n";

/// Kinds of relations and scriptlets, as the tags of an RPM call them.
const RELATIONS: [&str; 7] =
    ["REQUIRE", "PROVIDE", "CONFLICT", "OBSOLETE", "RECOMMEND", "SUGGEST", "ENHANCE"];
const SCRIPTS: [&str; 4] = ["PREIN", "POSTIN", "PREUN", "POSTUN"];

const TIMES: [ScriptTime; 4] =
    [ScriptTime::PreInstall, ScriptTime::PostInstall, ScriptTime::PreUninstall, ScriptTime::PostUninstall];

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        4 => text().prop_map(Content::Text),
        1 => text().prop_map(Content::GzipText),
        1 => Just(Content::Directory),
        2 => text().prop_map(Content::Link),
        1 => (0..2_u32).prop_map(Content::Source),
    ]
}

fn scriptlets() -> impl Strategy<Value = Vec<Scriptlet>> {
    let words = prop_oneof![
        6 => Just(vec!["/bin/sh".to_owned()]),
        2 => Just(vec!["/usr/bin/env".to_owned(), "perl".to_owned()]),
        1 => prop::collection::vec(text(), 0..3),
    ];
    let times = prop::sample::subsequence(TIMES.to_vec(), 0..3);
    (times, prop::collection::vec((words, text()), 4)).prop_map(|(times, scripts)| {
        let both = times.into_iter().zip(scripts);
        both.map(|(time, (interpreter, body))| Scriptlet { time, interpreter, body }).collect()
    })
}

/// A package in which everything that is text may be anything.
fn any_package() -> impl Strategy<Value = BinaryPackage> {
    let path = prop_oneof![20 => "/[a-z %*'\"\\\\äß.]{1,12}", 1 => "/?([a-z.]{0,3}/){0,3}", 1 => text()];
    let file = (prop_oneof![20 => 0..0o1000_u32, 1 => 0o1000..0o10000_u32], content(), any::<[bool; 2]>());
    let change = (text(), prop_oneof![5 => 0..i64::from(u32::MAX), 1 => any::<i64>()], text());
    (
        (name(), prop_oneof![4 => 0..3_u32, 1 => any::<u32>()], version(), version()),
        (text(), text(), text(), text(), text()),
        prop::collection::vec(relation(), 0..4),
        prop::collection::btree_map(path, file, 0..4),
        scriptlets(),
        prop::option::weighted(0.2, (name(), text())),
        prop::collection::vec(change, 0..3),
    )
        .prop_map(|(identity, texts, relations, files, scriptlets, field, changes)| BinaryPackage {
            name: identity.0,
            epoch: identity.1,
            version: identity.2,
            release: identity.3,
            summary: texts.0,
            description: texts.1,
            maintainer: texts.2,
            url: Some(texts.3),
            license: texts.4,
            relations,
            files: files.into_iter().map(|(path, file)| packed_file(path, file)).collect(),
            scriptlets,
            fields: field.map(|(name, value)| Field { name, value }).into_iter().collect(),
            file_triggers: Vec::new(),
            interests: Vec::new(),
            changelog: changes
                .into_iter()
                .map(|(header, seconds, text)| ChangelogEntry { header, seconds, text })
                .collect(),
            ..sample_package(&fixture())
        })
}

fn packed_file(path: String, (mode, content, marks): (u32, Content, [bool; 2])) -> PackedFile {
    let all = [FileMarks::DOCUMENTATION, FileMarks::CONFIGURATION];
    let marks =
        all.into_iter().zip(marks).filter(|(_, set)| *set).fold(FileMarks::empty(), |sum, it| sum | it.0);
    PackedFile { path, content, mode, owner: "root".into(), group: "root".into(), capabilities: None, marks }
}

/// What is in a file as it is installed; nothing of a directory or link.
fn expected_bytes(content: &Content) -> Option<Vec<u8>> {
    match content {
        Content::Source(_) => Some(b"from the OPKG\n".to_vec()),
        Content::Text(text) => Some(text.clone().into_bytes()),
        Content::GzipText(text) => Some(text.clone().into_bytes()),
        Content::Directory | Content::Link(_) => None,
    }
}

/// An entry of a tar archive: path without what it begins with, mode, link, contents.
type TarEntry = (String, u32, String, Vec<u8>);

fn entries(archive: impl Read) -> Vec<TarEntry> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let link = entry.link_name_bytes().map(|it| String::from_utf8(it.into_owned()).unwrap());
        let (mode, mut contents) = (entry.header().mode().unwrap(), Vec::new());
        entry.read_to_end(&mut contents).unwrap();
        if contents.starts_with(&[0x1f, 0x8b]) {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(contents.as_slice()).read_to_end(&mut plain).unwrap();
            contents = plain;
        }
        (path, mode, link.unwrap_or_default(), contents)
    });
    entries.collect()
}

/// How a package's files stand in an archive, paths begun like that.
fn expected_entries(package: &BinaryPackage, start: &str) -> Vec<TarEntry> {
    let entry = |file: &PackedFile| {
        let (path, contents) =
            (format!("{start}{}", &file.path[1..]), expected_bytes(&file.content).unwrap_or_default());
        match &file.content {
            Content::Directory => (format!("{path}/"), file.mode, String::new(), contents),
            Content::Link(to) => (path, 0o777, to.clone(), contents),
            _ => (path, file.mode, String::new(), contents),
        }
    };
    package.files.iter().map(entry).collect()
}

/// The relations of a kind as an RPM has them.
fn expected_relations(package: &BinaryPackage, kind: &str) -> BTreeSet<(String, String, u32)> {
    let of = |it: &&NativeRelation| {
        kind == match it.kind {
            NativeKind::Requires | NativeKind::PreRequires(_) => "REQUIRE",
            NativeKind::Provides => "PROVIDE",
            NativeKind::Conflicts | NativeKind::Breaks => "CONFLICT",
            NativeKind::Obsoletes => "OBSOLETE",
            NativeKind::Recommends => "RECOMMEND",
            NativeKind::Suggests => "SUGGEST",
            NativeKind::Supplements => "SUPPLEMENT",
            NativeKind::Enhances => "ENHANCE",
        }
    };
    let relation = |it: &NativeRelation| {
        let (version, comparison) = it.bound.as_ref().map_or((String::new(), 0), |bound| {
            let flags = match bound.comparison {
                Comparison::Lt => 2,
                Comparison::Gt => 4,
                Comparison::Eq => 8,
                Comparison::Le => 10,
                Comparison::Ge => 12,
            };
            (bound.version.clone(), flags)
        });
        let before = match it.kind {
            NativeKind::PreRequires(time) => 512 << TIMES.iter().position(|it| *it == time).unwrap(),
            _ => 0,
        };
        if it.alternatives.is_empty() {
            return (it.name.clone(), version, comparison | before);
        }
        let text = |(name, bound): (&str, Option<&Bound>)| match bound {
            Some(bound) => {
                let sign = match bound.comparison {
                    Comparison::Lt => "<",
                    Comparison::Le => "<=",
                    Comparison::Eq => "=",
                    Comparison::Ge => ">=",
                    Comparison::Gt => ">",
                };
                format!("{name} {sign} {}", bound.version)
            }
            None => name.to_owned(),
        };
        let all: Vec<String> = it.packages().map(text).collect();
        (format!("({})", all.join(" or ")), String::new(), before)
    };
    package.relations.iter().filter(of).map(relation).collect()
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
        cases: 256, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn an_rpm_is_read_back_as_given(
        mut package in any_package(),
        version in prop_oneof![Just(RpmFormatVersion::V4), Just(RpmFormatVersion::V6)],
    ) {
        package.fields.clear();
        let fixture = fixture();
        let format = RpmFormat {
            version,
            newest_version: RpmFormatVersion::V6,
            compression: Compression::Zstd,
            file_digests: RpmDigestAlgorithm::Sha256,
        };
        let Ok(directory) = write_single(&fixture, &package, Container::Rpm(format)) else { return Ok(()) };
        if !is_installed("rpm") {
            return Ok(());
        }
        let one = |tag: &str| format!("%|{tag}?{{%{{{tag}}}}}|{VALUE_SEPARATOR}");
        let each = |tags: &[&str]| -> String {
            let values: String = tags.iter().map(|tag| format!("%{{{tag}}}{VALUE_SEPARATOR}")).collect();
            format!("[{values}]")
        };
        let tags = ["NAME", "VERSION", "RELEASE", "SUMMARY", "DESCRIPTION", "LICENSE", "PACKAGER", "URL"];
        let mut formats = vec![format!("%{{EPOCHNUM}}{VALUE_SEPARATOR}{}", tags.map(one).concat())];
        formats.push(each(&["FILENAMES", "FILEMODES", "FILELINKTOS", "FILEFLAGS"]));
        formats.push(each(&["CHANGELOGNAME", "CHANGELOGTIME", "CHANGELOGTEXT"]));
        formats.extend(RELATIONS.map(|it| each(&["NAME", "FLAGS", "VERSION"].map(|part| format!("{it}{part}")).each_ref().map(String::as_str))));
        formats.extend(SCRIPTS.map(|it| format!("{}{}", one(it), each(&[&format!("{it}PROG")]))));
        let told = tool_output(directory.path(), "rpm", &["-qp", "--nosignature", "--qf", &formats.join(SECTION_SEPARATOR)]);
        let mut told = told.split(SECTION_SEPARATOR).map(|part| {
            let mut values: Vec<String> = part.split(VALUE_SEPARATOR).map(str::to_owned).collect();
            values.pop();
            values
        });

        let url = package.url.clone().unwrap_or_default();
        let epoch = package.epoch.to_string();
        let expected = [
            &epoch, &package.name, &package.version, &package.release, &package.summary, &package.description,
            &package.license, &package.maintainer, &url,
        ];
        prop_assert_eq!(told.next().unwrap(), expected.map(Clone::clone));

        let expected: Vec<String> = package.files.iter().flat_map(|file| {
            let (mode, link) = match &file.content {
                Content::Directory => (0o040_000 | file.mode, ""),
                Content::Link(to) => (0o120_777, to.as_str()),
                _ => (0o100_000 | file.mode, ""),
            };
            let documentation = if file.marks.contains(FileMarks::DOCUMENTATION) { 2 } else { 0 };
            let configuration = if file.marks.contains(FileMarks::CONFIGURATION) { 17 } else { 0 };
            let flags = documentation | configuration;
            [file.path.clone(), mode.to_string(), link.to_owned(), flags.to_string()]
        }).collect();
        prop_assert_eq!(told.next().unwrap(), expected);

        let changes = package.changelog.iter();
        let expected = changes.flat_map(|it| [it.header.clone(), it.seconds.to_string(), it.text.clone()]);
        prop_assert_eq!(told.next().unwrap(), expected.collect::<Vec<_>>());

        for kind in RELATIONS {
            let told: BTreeSet<(String, String, u32)> = told
                .next()
                .unwrap()
                .chunks(3)
                .map(|it| (it[0].clone(), it[2].clone(), it[1].parse().unwrap()))
                // Of the rpm that reads it, of the programs of scriptlets.
                .filter(|(_, _, flags)| flags & (1 << 24 | 1 << 8) == 0)
                .collect();
            let mut expected = expected_relations(&package, kind);
            if kind == "PROVIDE" {
                let epoch = if package.epoch > 0 { format!("{}:", package.epoch) } else { String::new() };
                let version = format!("{epoch}{}-{}", package.version, package.release);
                expected.insert((package.name.clone(), version, 8));
            }
            prop_assert_eq!(told, expected, "{}", kind);
        }

        for (tag, time) in SCRIPTS.into_iter().zip(TIMES) {
            let script = package.scriptlets.iter().find(|it| it.time == time);
            let mut expected = vec![script.map(|it| it.body.clone()).unwrap_or_default()];
            expected.extend(script.map(|it| it.interpreter.clone()).unwrap_or_default());
            let told: Vec<String> = told.next().unwrap().into_iter().filter(|it| it != "(none)").collect();
            prop_assert_eq!(told, expected, "{}", tag);
        }
    }

    #[test]
    fn a_deb_is_read_back_as_given(package in any_package()) {
        let fixture = fixture();
        let Ok(directory) = write_single(&fixture, &package, Container::Deb(Compression::Gzip)) else {
            return Ok(());
        };
        if !is_installed("dpkg-deb") {
            return Ok(());
        }
        let told = tool_output(directory.path(), "dpkg-deb", &["-f"]).replace("\n ", "\0");
        let mut fields: Vec<(String, String)> = told
            .lines()
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_owned(), value.trim().replace('\0', "\n ")))
            .collect();
        let relations = [
            "Pre-Depends", "Depends", "Recommends", "Suggests", "Enhances", "Conflicts", "Breaks", "Replaces", "Provides",
        ];
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

        let tar = |what: &str| {
            let output = Command::new("dpkg-deb").arg(what).arg(directory.path().join("x")).output().unwrap();
            entries(output.stdout.as_slice())
        };
        let contents = tar("--fsys-tarfile");
        for entry in expected_entries(&package, "./") {
            prop_assert!(contents.contains(&entry), "{:?} in {:?}", entry, contents);
        }
        let control = tar("--ctrl-tarfile");
        for (name, time) in ["preinst", "postinst", "prerm", "postrm"].into_iter().zip(TIMES) {
            let told = control.iter().find(|it| it.0 == format!("./{name}")).map(|it| it.3.clone());
            let script = package.scriptlets.iter().find(|it| it.time == time);
            let expected = script.map(|it| format!("#!{}\n{}", it.interpreter.join(" "), it.body).into_bytes());
            prop_assert_eq!(told, expected, "{}", name);
        }
    }

    #[test]
    fn an_archive_is_read_back_as_given(package in any_package(), member in text()) {
        let fixture = fixture();
        let Ok(directory) = write_single(&fixture, &package, tar_container(&member)) else {
            return Ok(());
        };
        let told = entries(fs::File::open(directory.path().join("x")).unwrap());
        prop_assert_eq!(&told[0], &(".INFO".to_owned(), 0o644, String::new(), member.into_bytes()));
        for entry in expected_entries(&package, "") {
            prop_assert_eq!(told.iter().filter(|it| it.0 == entry.0).count(), 1);
            prop_assert!(told.contains(&entry), "{:?} in {:?}", entry, told);
        }
    }
}

/// What is refused proves little.
#[test]
fn enough_of_these_packages_are_written() {
    let fixture = fixture();
    let mut runner = TestRunner::deterministic();
    let any = any_package();
    let packages: Vec<BinaryPackage> = (0..200)
        .map(|_| any.new_tree(&mut runner).unwrap().current())
        .map(|it| BinaryPackage { fields: Vec::new(), ..it })
        .collect();
    for container in [
        Container::Rpm(RpmFormat {
            version: RpmFormatVersion::V4,
            newest_version: RpmFormatVersion::V6,
            compression: Compression::Zstd,
            file_digests: RpmDigestAlgorithm::Sha256,
        }),
        Container::Deb(Compression::Gzip),
        tar_container("x"),
    ] {
        let count = packages.iter().filter(|it| write_single(&fixture, it, &container).is_ok()).count();
        assert!((30..190).contains(&count), "{count} of {} for {container:?}", packages.len());
    }
}
