//! The index of packages that are made of archives: what a plugin is told of them, and what becomes of its answer.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "common/arch_package.rs"]
mod arch_package;
#[path = "common/archives.rs"]
#[allow(dead_code)]
mod archives;
mod common;
#[path = "common/package.rs"]
#[allow(dead_code)]
mod package;

use std::path::Path;
use std::sync::Mutex;

use arch_package::{ArchIndex, ArchMembers, arch_container};
use archives::{concatenation, container, member, nested, rest, tar_archive};
use common::TIME;
use fs_err as fs;
use opkg_interface::archive::{Archive, ArchiveEntry, ArchiveFormat, MemberContent};
use opkg_interface::artefacts::{BinaryPackage, Compression, Container};
use opkg_interface::built::{IndexFile, IndexNeeds, IndexSource, PackageFile, PackageSource};
use opkg_package::{BuildMode, BuildOptions, Error, IndexRequest, write_index, write_packages};
use package::{fixture, output_of, sample_package};

/// Takes note of what it is told.
struct Listener {
    members: Vec<String>,
    told: Mutex<Vec<PackageFile>>,
    created: Mutex<i64>,
}

impl Listener {
    fn new(members: &[&str]) -> Self {
        let members = members.iter().map(|it| (*it).to_owned()).collect();
        Self { members, told: Mutex::default(), created: Mutex::default() }
    }
}

impl IndexSource for Listener {
    fn describe_index(&self) -> Result<Option<IndexNeeds>, String> {
        Ok(Some(IndexNeeds { suffixes: vec![".pkg".into()], members: self.members.clone() }))
    }

    fn index(&self, source: &PackageSource, packages: &[PackageFile]) -> Result<Vec<IndexFile>, String> {
        *self.told.lock().unwrap() = packages.to_vec();
        *self.created.lock().unwrap() = source.created;
        Ok(Vec::new())
    }
}

fn write(directory: &Path, file_name: &str, container: &Container) {
    let fixture = fixture();
    let package = BinaryPackage { file_name: file_name.into(), ..sample_package(&fixture) };
    let options = BuildOptions { members: Some(&ArchMembers), ..BuildOptions::new(BuildMode::Direct) };
    let output = output_of(&package, container);
    let made = tempfile::tempdir().unwrap();
    write_packages(&output, fixture.source(), made.path(), options).unwrap();
    fs::copy(made.path().join(file_name), directory.join(file_name)).unwrap();
}

fn text(path: &str, text: &str) -> ArchiveEntry {
    ArchiveEntry::Member(member(path, MemberContent::Text(text.into())))
}

/// What a plugin is told of a package.
fn told_of(container: &Container, members: &[&str]) -> (PackageFile, i64) {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "x.pkg", container);
    let listener = Listener::new(members);
    let request = IndexRequest { maker: Some(&listener), ..IndexRequest::unsigned("x") };
    write_index(directory.path(), request).unwrap();
    let told = listener.told.into_inner().unwrap().pop().unwrap();
    let bytes = fs::read(directory.path().join("x.pkg")).unwrap();
    assert_eq!((told.size, &told.digests.sha256), (bytes.len() as u64, &opkg::digest::sha256(&bytes)));
    (told, listener.created.into_inner().unwrap())
}

#[test]
fn stretches_are_told_and_read_as_one() {
    for compression in [Compression::Gzip, Compression::Xz, Compression::Zstd] {
        let first = Archive {
            end_marker: false,
            ..tar_archive("a", compression, vec![text(".INFO", "what it is\n")])
        };
        let second = tar_archive("b", compression, vec![ArchiveEntry::Files(rest(""))]);
        let whole = concatenation("package", &["a", "b"]);
        let (told, created) = told_of(&container(vec![first, second, whole]), &[".INFO", ".MISSING"]);
        assert_eq!(told.segments.len(), 2);
        assert_eq!(told.segments.iter().map(|it| it.size).sum::<u64>(), told.size);
        assert_eq!(told.members.len(), 1);
        assert_eq!(told.members[0].contents, b"what it is\n");
        assert_eq!(told.paths, ["etc/", "etc/x", "usr/", "usr/data", "usr/link"]);
        assert_eq!(created, TIME);
    }
}

#[test]
fn what_stands_behind_the_mark_of_an_end_is_read() {
    let archives = [("a", ".ONE"), ("b", ".TWO")]
        .map(|(name, path)| tar_archive(name, Compression::Gzip, vec![text(path, path)]));
    let whole = Archive {
        entries: vec![nested("a", ""), nested("b", ""), nested("c", "")],
        ..concatenation("package", &[])
    };
    let files = tar_archive("c", Compression::Zstd, vec![ArchiveEntry::Files(rest("./"))]);
    let [one, two] = archives;
    let (told, _) = told_of(&container(vec![one, two, files, whole]), &[".ONE", ".TWO"]);
    assert_eq!(told.members.iter().map(|it| it.path.as_str()).collect::<Vec<_>>(), [".ONE", ".TWO"]);
    assert_eq!((told.segments.len(), told.paths[0].as_str()), (3, "./"));
}

#[test]
fn archives_within_archives_are_read() {
    let control = tar_archive("control", Compression::Gzip, vec![text("./control", "Package: x\n")]);
    let data = tar_archive("data", Compression::Xz, vec![ArchiveEntry::Files(rest("./"))]);
    for format in [ArchiveFormat::Tar, ArchiveFormat::Ar] {
        let entries = vec![
            text("version", "2.0\n"),
            nested("control", "control.tar.gz"),
            nested("data", "data.tar.xz"),
        ];
        let whole = Archive { format, ..tar_archive("package", Compression::None, entries) };
        let container = container(vec![control.clone(), data.clone(), whole]);
        let (told, created) = told_of(&container, &["version", "control.tar.gz//./control"]);
        let expected = [("control.tar.gz//./control", "Package: x\n"), ("version", "2.0\n")];
        let members: Vec<(&str, &str)> = told
            .members
            .iter()
            .map(|it| (it.path.as_str(), std::str::from_utf8(&it.contents).unwrap()))
            .collect();
        assert_eq!(members, expected);
        assert_eq!(told.paths, ["control.tar.gz", "data.tar.xz"]);
        assert_eq!(created, TIME);
    }
}

#[test]
fn what_is_damaged_or_too_large_is_refused_by_its_name() {
    let large = "x".repeat((1 << 20) + 1);
    let directory = tempfile::tempdir().unwrap();
    let listener = Listener::new(&[".INFO"]);
    let request = IndexRequest { maker: Some(&listener), ..IndexRequest::unsigned("x") };
    let refused = |what: &str| {
        let error = write_index(directory.path(), request).unwrap_err();
        let expected = format!("{}/x.pkg cannot go into the index of packages: ", directory.path().display());
        let said = error.to_string();
        assert!(said.starts_with(&expected) && said.contains(what), "{said}");
    };
    write(
        directory.path(),
        "x.pkg",
        &container(vec![tar_archive(
            "a",
            Compression::Zstd,
            vec![text(".INFO", &large), ArchiveEntry::Files(rest(""))],
        )]),
    );
    refused("\".INFO\" in it has more than 1 MiB");
    write(directory.path(), "x.pkg", &arch_container(Compression::Gzip));
    let whole = fs::read(directory.path().join("x.pkg")).unwrap();
    fs::write(directory.path().join("x.pkg"), &whole[..whole.len() - 9]).unwrap();
    refused("it cannot be read");
    fs::write(directory.path().join("x.pkg"), "no archive at all, and longer than a block".repeat(20))
        .unwrap();
    refused("it cannot be read");
    fs::remove_file(directory.path().join("x.pkg")).unwrap();
    let error = write_index(directory.path(), request).unwrap_err();
    assert!(matches!(error, Error::NothingToIndex(_)), "{error}");
}

#[test]
fn an_index_is_the_same_each_time_and_takes_no_place_of_others() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "opkg-x-1.0-2-any.pkg.tar.zst", &arch_container(Compression::Zstd));
    let request = IndexRequest { maker: Some(&ArchIndex), ..IndexRequest::unsigned("site") };
    let read = |name: &str| fs::read(directory.path().join(name)).unwrap();
    let mut before = None;
    for threads in [1, 4] {
        write_index(directory.path(), IndexRequest { threads, ..request }).unwrap();
        let made = ["site.db", "site.db.tar.gz"].map(read);
        assert_eq!(made[0], made[1]);
        assert_eq!(*before.get_or_insert_with(|| made.clone()), made);
    }
    fs::remove_file(directory.path().join("site.db")).unwrap();
    fs_err::os::unix::fs::symlink("/etc/passwd", directory.path().join("site.db")).unwrap();
    assert!(matches!(write_index(directory.path(), request), Err(Error::NotWrittenByUs { .. })));
}
