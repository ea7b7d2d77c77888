//! A small package, written into a directory of its own.

use std::borrow::Borrow;

use fs_err as fs;
use opkg::model::NodeId;
use opkg_interface::artefacts::{
    BinaryPackage, ChangelogEntry, Compression, Container, Content, FileMarks, NativeBuild, Output,
    PackedFile, SourcePackage,
};
use opkg_package::{BuildMode, BuildOptions, Error, write_packages};

use super::common::{Fixture, TIME};

pub fn fixture() -> Fixture {
    Fixture::new(&[("data", "from the OPKG\n", 0o644)], &[])
}

pub fn sample_package(fixture: &Fixture) -> BinaryPackage {
    assert_eq!(fixture.opkg.files[0].at, NodeId(0));
    BinaryPackage {
        part: None,
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
        container: Container::Deb(Compression::Xz),
        relations: Vec::new(),
        files: vec![
            packed_file("/etc/x", Content::Text("x\n".into()), FileMarks::CONFIGURATION),
            packed_file("/usr", Content::Directory, FileMarks::empty()),
            packed_file("/usr/data", Content::Source(0), FileMarks::DOCUMENTATION),
            packed_file("/usr/link", Content::Link("data".into()), FileMarks::empty()),
        ],
        scriptlets: Vec::new(),
        file_triggers: Vec::new(),
        interests: Vec::new(),
        changelog: vec![ChangelogEntry { header: "A".into(), seconds: TIME, text: "- x".into() }],
        fields: Vec::new(),
        file_name: "x".into(),
    }
}

pub fn packed_file(path: &str, content: Content, marks: FileMarks) -> PackedFile {
    let mode = if matches!(content, Content::Directory) { 0o755 } else { 0o644 };
    PackedFile {
        path: path.into(),
        content,
        mode,
        owner: "root".into(),
        group: "root".into(),
        capabilities: None,
        marks,
    }
}

/// What a plugin returns that makes this package alone.
pub fn output_of(package: &BinaryPackage, container: impl Borrow<Container>) -> Output {
    Output {
        meta_files: Vec::new(),
        source: SourcePackage::Tree("tree".into()),
        native_build: NativeBuild { commands: Vec::new(), results: Vec::new() },
        packages: vec![BinaryPackage { container: container.borrow().clone(), ..package.clone() }],
        accepted_keys: None,
        diagnostics: Vec::new(),
    }
}

/// Writes the package into a new directory; nothing of it is left if it is refused.
pub fn write_single(
    fixture: &Fixture,
    package: &BinaryPackage,
    container: impl Borrow<Container>,
) -> Result<tempfile::TempDir, Error> {
    let output = output_of(package, container);
    let directory = tempfile::tempdir().unwrap();
    let outcome =
        write_packages(&output, fixture.source(), directory.path(), BuildOptions::new(BuildMode::Direct));
    if outcome.is_err() {
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
    outcome.map(|_| directory)
}
