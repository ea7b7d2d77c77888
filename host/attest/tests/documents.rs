//! What documents say, that the same build gives the same ones, and that whatever is changed afterwards shows.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

// One example of an OPKG for the tests of writers and readers.
#[path = "../../package/tests/common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::io::Write;

use DocumentKind::{CycloneDx, Provenance, Spdx};
use common::Fixture;
use fs_err as fs;
use opkg_attest::verify::{DocumentFile, Evidence, Expectations, Materials, Report, verify};
use opkg_attest::{BuildFacts, DocumentKind, Documents, PluginFacts};
use opkg_interface::Target;
use opkg_interface::archive::{
    Archive, ArchiveContainer, ArchiveEntry, ArchiveFormat, ArchiveMetadata, FileLayout,
};
use opkg_interface::artefacts::{
    BinaryPackage, Bound, Comparison, Compression, Container, Content, FileMarks, NativeBuild, NativeKind,
    NativeRelation, Output, PackedFile, RpmDigestAlgorithm, RpmFormat, RpmFormatVersion, SourcePackage,
};
use opkg_package::{BuildMode, BuildOptions, OutputKind, write_packages};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const RPM: Container = Container::Rpm(RpmFormat {
    version: RpmFormatVersion::V4,
    newest_version: RpmFormatVersion::V6,
    compression: Compression::Xz,
    file_digests: RpmDigestAlgorithm::Sha256,
});
const DEB: Container = Container::Deb(Compression::Xz);

/// A tar with gzip of the package's files.
fn archive() -> Container {
    let files = FileLayout::rest("");
    let archive = Archive {
        name: "package".into(),
        format: ArchiveFormat::Tar,
        compression: Compression::Gzip,
        level: None,
        end_marker: true,
        entries: vec![ArchiveEntry::Files(files)],
    };
    let metadata = ArchiveMetadata::empty();
    Container::Archives(ArchiveContainer { archives: vec![archive], metadata, signature: None })
}

const PLUGIN: &str = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

/// What the OPKG is made of: paths, contents, modes.
const FILES: [(&str, &str, u32); 2] =
    [("config.xml", "<oscar/>\n", 0o644), ("data", "from the OPKG\n", 0o644)];

fn fixture() -> Fixture {
    Fixture::new(&FILES, &[("link", "data")])
}

fn sample_package(file_name: &str) -> BinaryPackage {
    let file = |path: &str, content| PackedFile {
        path: path.into(),
        mode: if content == Content::Directory { 0o755 } else { 0o644 },
        content,
        marks: FileMarks::empty(),
        owner: "root".into(),
        group: "root".into(),
        capabilities: None,
    };
    let relation = |kind, name: &str, bound: Option<(Comparison, &str)>| NativeRelation {
        kind,
        name: name.into(),
        bound: bound.map(|(comparison, version)| Bound { comparison, version: version.into() }),
        alternatives: Vec::new(),
        condition: None,
    };
    BinaryPackage {
        part: None,
        name: "opkg-x".into(),
        epoch: 1,
        version: "1.0".into(),
        release: "2+b1".into(),
        arch: "all".into(),
        summary: "X".into(),
        description: "It is x.".into(),
        license: "GPL-2.0-or-later".into(),
        section: "admin".into(),
        url: Some("https://example.org/x".into()),
        maintainer: "A <a@example.org>".into(),
        container: DEB,
        relations: vec![
            relation(NativeKind::Requires, "munge", Some((Comparison::Ge, "3"))),
            relation(NativeKind::Requires, "perl", None),
            relation(NativeKind::Suggests, "ganglia", None),
        ],
        files: vec![
            file("/etc/x", Content::Text("x\n".into())),
            file("/usr", Content::Directory),
            file("/usr/data", Content::Source(1)),
            file("/usr/link", Content::Link("data".into())),
        ],
        scriptlets: Vec::new(),
        file_triggers: Vec::new(),
        interests: Vec::new(),
        changelog: Vec::new(),
        fields: Vec::new(),
        file_name: file_name.into(),
    }
}

/// A package and the documents about it, as files.
#[derive(Clone)]
struct Built {
    name: &'static str,
    files: BTreeMap<String, Vec<u8>>,
}

impl Built {
    fn new(name: &'static str, container: Container, kinds: &[DocumentKind]) -> Self {
        Self::of(&sample_package(name), name, container, kinds)
    }

    fn of(package: &BinaryPackage, name: &'static str, container: Container, kinds: &[DocumentKind]) -> Self {
        let mut package = package.clone();
        package.container = container;
        if matches!(package.container, Container::Archives(_)) {
            // It has no place for them.
            package.relations.clear();
        }
        let output = Output {
            meta_files: Vec::new(),
            source: SourcePackage::Tree("tree".into()),
            native_build: NativeBuild { commands: Vec::new(), results: Vec::new() },
            packages: vec![package],
            accepted_keys: None,
            diagnostics: Vec::new(),
        };
        let target = Target {
            dist: "demo".into(),
            version: Some("9".into()),
            arch: None,
            default_arch: "x86_64".into(),
        };
        let build = BuildFacts {
            opkgc_version: "0.1.0",
            plugin: PluginFacts { id: "demo", version: "1.2", sha256: PLUGIN },
            settings: BTreeMap::from([("release-tag", "native".to_owned())]),
        };
        let documents = Documents { kinds, target: &target, build };
        let options = BuildOptions { documents: Some(&documents), ..BuildOptions::new(BuildMode::Direct) };
        let (fixture, directory) = (fixture(), tempfile::tempdir().unwrap());
        let written = write_packages(&output, fixture.source(), directory.path(), options).unwrap();
        let kinds = [OutputKind::BinaryPackage, OutputKind::Document];
        let files = written.iter().filter(|file| kinds.contains(&file.kind)).map(|file| {
            (file.path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&file.path).unwrap())
        });
        Self { name, files: files.collect() }
    }

    fn verify(&self, expected: &Expectations<'_>) -> Report {
        let documents = DocumentKind::ALL.into_iter().filter_map(|kind| {
            let bytes = self.files.get(&kind.file_name(self.name))?.clone();
            Some((kind, DocumentFile { bytes, signature: None }))
        });
        let mut package = tempfile::tempfile().unwrap();
        package.write_all(&self.files[self.name]).unwrap();
        let evidence = Evidence {
            file_name: self.name,
            package: &package,
            signature: None,
            documents: documents.collect(),
        };
        verify(&evidence, expected)
    }

    fn document(&self, kind: DocumentKind) -> String {
        String::from_utf8(self.files[&kind.file_name(self.name)].clone()).unwrap()
    }
}

/// What is wrong, a line each.
fn problems(report: &Report) -> String {
    let broken = report.checks.iter().filter_map(|check| {
        check.problem.as_ref().map(|problem| format!("{}: {}: {problem}\n", check.file, check.what))
    });
    broken.collect()
}

#[test]
fn what_documents_say() {
    let built = Built::new("x.rpm", RPM, &DocumentKind::ALL);
    insta::assert_snapshot!("spdx", built.document(Spdx));
    insta::assert_snapshot!("cyclonedx", built.document(CycloneDx));
    insta::assert_snapshot!("provenance", built.document(Provenance));
    let again = Built::new("x.rpm", RPM, &DocumentKind::ALL);
    assert!(built.files == again.files, "the same bytes");
}

#[test]
fn what_nobody_changed_is_sound() {
    for (name, container) in [("x.rpm", RPM), ("x.deb", DEB), ("x.tar.gz", archive())] {
        for kinds in [&[][..], &[Spdx], &[CycloneDx], &[Provenance], &DocumentKind::ALL] {
            let report = Built::new(name, container.clone(), kinds).verify(&Expectations::default());
            assert_eq!(problems(&report), "", "{name} {kinds:?}");
        }
    }
}

#[test]
fn addresses_of_packages() {
    let of = |name, container| {
        let spdx = Built::new(name, container, &[Spdx]).document(Spdx);
        let line = spdx.lines().find(|line| line.contains("pkg:")).unwrap().trim().to_owned();
        line.split('"').nth(3).unwrap().to_owned()
    };
    assert_eq!(of("x.rpm", RPM), "pkg:rpm/demo/opkg-x@1.0-2%2Bb1?arch=all&distro=demo-9&epoch=1");
    assert_eq!(of("x.deb", DEB), "pkg:deb/demo/opkg-x@1:1.0-2%2Bb1?arch=all&distro=demo-9");
    assert_eq!(of("x.tar.gz", archive()), "pkg:generic/opkg-x@1.0-2%2Bb1?arch=all&distro=demo-9&epoch=1");
}

#[test]
fn a_licence_in_own_words_is_told() {
    let package = BinaryPackage { license: "Like Perl".into(), ..sample_package("x.rpm") };
    let built = Built::of(&package, "x.rpm", RPM, &[Spdx, CycloneDx]);
    assert!(built.document(Spdx).contains("\"extractedText\": \"Like Perl\""));
    assert!(built.document(CycloneDx).contains("\"name\": \"Like Perl\""));
}

#[test]
fn what_else_was_made_shows() {
    let built = Built::new("x.rpm", RPM, &DocumentKind::ALL);
    let other = BinaryPackage { summary: "Y".into(), ..sample_package("x.rpm") };
    let other = Built::of(&other, "x.rpm", RPM, &DocumentKind::ALL);
    let mut told = String::new();
    for file in built.files.keys() {
        let mut mixed = built.clone();
        mixed.files.insert(file.clone(), other.files[file].clone());
        told += &format!("- {file} of another build\n{}", problems(&mixed.verify(&Expectations::default())));
        let mut without = built.clone();
        if file != "x.rpm" {
            without.files.remove(file);
            told += &format!("- no {file}\n{}", problems(&without.verify(&Expectations::default())));
        }
    }
    insta::assert_snapshot!(told);
}

#[test]
fn what_it_was_made_of_is_compared() {
    let built = Built::new("x.deb", DEB, &[Provenance]);
    let check = |built: &Built, fixture: &Fixture, digest: &str| {
        let materials = Materials::new(&fixture.opkg);
        let plugins = BTreeMap::from([("demo".to_owned(), digest.to_owned())]);
        let expected = Expectations { keys: None, materials: Some(&materials), plugins: Some(&plugins) };
        problems(&built.verify(&expected))
    };
    assert_eq!(check(&built, &fixture(), PLUGIN), "");
    let files = [FILES[0], ("data", "another\n", 0o644)];
    let told = [
        ("a plugin that was altered", check(&built, &fixture(), "00")),
        ("a file that was changed", check(&built, &Fixture::new(&files, &[("link", "data")]), PLUGIN)),
        ("a link that was changed", check(&built, &Fixture::new(&FILES, &[("link", "config.xml")]), PLUGIN)),
        ("no statement", check(&Built::new("x.deb", DEB, &[Spdx]), &fixture(), PLUGIN)),
    ];
    let told: Vec<String> = told.iter().map(|(what, told)| format!("- {what}\n{told}")).collect();
    insta::assert_snapshot!(told.concat());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default()
    })]

    /// Of a package with all documents, or with any one of them.
    #[test]
    fn any_byte_that_is_changed_shows(
        container in 0..3_usize,
        documents in 0..4_usize,
        file in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        flip in 1..=u8::MAX,
    ) {
        let mut built = every_build()[container][documents].clone();
        let names: Vec<String> = built.files.keys().cloned().collect();
        let bytes = built.files.get_mut(file.get(&names)).unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        prop_assert!(!built.verify(&Expectations::default()).is_sound(), "{} {place}", file.get(&names));
    }

    #[test]
    fn what_is_no_document_is_no_panic(text in "[\\[\\]{}:,\"a-z0-9/]{0,60}", kind in 0..3_usize) {
        let mut built = every_build()[0][3].clone();
        built.files.insert(DocumentKind::ALL[kind].file_name(built.name), text.into_bytes());
        prop_assert!(!built.verify(&Expectations::default()).is_sound());
    }
}

/// By container, then by which documents there are.
fn every_build() -> &'static [[Built; 4]; 3] {
    static BUILDS: std::sync::OnceLock<[[Built; 4]; 3]> = std::sync::OnceLock::new();
    BUILDS.get_or_init(|| {
        [("x.rpm", RPM), ("x.deb", DEB), ("x.tar.gz", archive())].map(|(name, container)| {
            let kinds = [&[Spdx][..], &[CycloneDx], &[Provenance], &DocumentKind::ALL];
            kinds.map(|kinds| Built::new(name, container.clone(), kinds))
        })
    })
}
