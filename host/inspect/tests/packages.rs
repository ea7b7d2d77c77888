//! What the writers write, the readers read; what is damaged, they refuse.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

// One example of an OPKG for the tests of writers and readers.
#[path = "../../package/tests/common/mod.rs"]
mod common;

use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::Path;

use common::{Fixture, TIME};
use fs_err as fs;
use opkg_inspect::{
    ContentsFormat, FileEntry, FileKind, Package, PackageFormat, check_integrity, match_files, read,
    read_from,
};
use opkg_interface::archive::{
    Archive, ArchiveContainer, ArchiveEntry, ArchiveFormat, ArchiveMetadata, DigestAlgorithm, ExtendedHeader,
    FileLayout, HeaderValue, Member, MemberContent, NestedArchive,
};
use opkg_interface::artefacts::{
    BinaryPackage, Bound, ChangelogEntry, Comparison, Compression, Container, Content, FileMarks,
    FileTrigger, NativeBuild, NativeKind, NativeRelation, Output, PackedFile, RpmDigestAlgorithm, RpmFormat,
    RpmFormatVersion, ScriptTime, Scriptlet, SourcePackage, TriggerTime,
};
use opkg_package::{BuildMode, BuildOptions, write_packages};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn sample_package(files: Vec<PackedFile>) -> BinaryPackage {
    BinaryPackage {
        part: None,
        name: "opkg-x".into(),
        epoch: 1,
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
        relations: vec![NativeRelation {
            kind: NativeKind::Requires,
            name: "munge".into(),
            bound: Some(Bound { comparison: Comparison::Ge, version: "3".into() }),
            alternatives: Vec::new(),
            condition: None,
        }],
        files,
        scriptlets: vec![Scriptlet {
            time: ScriptTime::PostInstall,
            interpreter: vec!["/bin/sh".into()],
            body: "true\n".into(),
        }],
        file_triggers: Vec::new(),
        interests: Vec::new(),
        changelog: vec![ChangelogEntry { header: "A".into(), seconds: TIME, text: "- x".into() }],
        fields: Vec::new(),
        file_name: "x".into(),
    }
}

fn build_package(container: &Container, files: Vec<PackedFile>) -> Result<Vec<u8>, opkg_package::Error> {
    let fixture = Fixture::new(&[("data", "from the OPKG\n", 0o644)], &[("link", "data")]);
    let mut package = sample_package(files);
    match container {
        Container::Rpm(_) => {
            let trigger = |time| FileTrigger {
                time,
                prefixes: vec!["/usr/share/y/".into(), "/etc/y/".into()],
                interpreter: "/bin/sh".into(),
                body: format!("echo {time:?}\n"),
            };
            package.file_triggers =
                vec![trigger(TriggerTime::AfterRemoval), trigger(TriggerTime::AfterInstallation)];
        }
        Container::Deb(_) => package.interests = vec!["/etc/y".into()],
        Container::Archives(_) => {}
    }
    package.container = container.clone();
    let output = Output {
        meta_files: Vec::new(),
        source: SourcePackage::Tree("tree".into()),
        native_build: NativeBuild { commands: Vec::new(), results: Vec::new() },
        packages: vec![package],
        accepted_keys: None,
        diagnostics: Vec::new(),
    };
    let directory = tempfile::tempdir().unwrap();
    write_packages(&output, fixture.source(), directory.path(), BuildOptions::new(BuildMode::Direct))?;
    Ok(fs::read(directory.path().join("x")).unwrap())
}

/// A tar of the package's files, whose headers say more than others do; behind as many others as are named, each compressed by
/// itself, without the mark of an end.
fn tar_container(compression: Compression, before: &[&str]) -> Container {
    let format = ArchiveFormat::Tar;
    let archive = |name: &str, end_marker, entries| Archive {
        name: name.into(),
        format,
        compression,
        level: None,
        end_marker,
        entries,
    };
    let digest = HeaderValue::Digest(DigestAlgorithm::Sha1);
    let headers = vec![ExtendedHeader { keyword: "X.digest".into(), value: digest }];
    let files = FileLayout { headers, ..FileLayout::rest("") };
    let mut archives: Vec<Archive> = Vec::new();
    for name in before {
        let member = Member::of_root(format!(".{name}"), MemberContent::Text((*name).to_owned()), 0o644);
        archives.push(archive(name, false, vec![ArchiveEntry::Member(member)]));
    }
    archives.push(archive("files", true, vec![ArchiveEntry::Files(files)]));
    let nested = archives
        .iter()
        .map(|it| ArchiveEntry::Archive(NestedArchive { name: it.name.clone(), path: String::new() }));
    let whole = Archive {
        format: ArchiveFormat::Concatenation,
        compression: Compression::None,
        ..archive("package", true, nested.collect())
    };
    archives.push(whole);
    Container::Archives(ArchiveContainer { archives, metadata: ArchiveMetadata::all(), signature: None })
}

/// Every container in every compression that it may have, and how a file of it is called.
fn containers() -> Vec<(&'static str, PackageFormat, Container)> {
    let rpm_of = |version, compression| {
        Container::Rpm(RpmFormat {
            version,
            newest_version: RpmFormatVersion::V6,
            compression,
            file_digests: RpmDigestAlgorithm::Sha256,
        })
    };
    let rpm = |compression| rpm_of(RpmFormatVersion::V4, compression);
    let deb = Container::Deb;
    vec![
        ("x.rpm", PackageFormat::Rpm, rpm_of(RpmFormatVersion::V6, Compression::Zstd)),
        ("x.rpm", PackageFormat::Rpm, rpm(Compression::Gzip)),
        ("x.rpm", PackageFormat::Rpm, rpm(Compression::Xz)),
        ("x.rpm", PackageFormat::Rpm, rpm(Compression::Zstd)),
        ("x.deb", PackageFormat::Deb, deb(Compression::None)),
        ("x.deb", PackageFormat::Deb, deb(Compression::Gzip)),
        ("x.deb", PackageFormat::Deb, deb(Compression::Xz)),
        ("x.deb", PackageFormat::Deb, deb(Compression::Zstd)),
        ("x.pkg.tar.zst", PackageFormat::Archive, tar_container(Compression::Zstd, &[])),
        ("x.tgz", PackageFormat::Archive, tar_container(Compression::Gzip, &[])),
        ("x.apk", PackageFormat::Archive, tar_container(Compression::Gzip, &["first", "second"])),
    ]
}

/// Headers and payload of an RPM are what it says of them.
#[test]
fn damaged_rpms_say_so_themselves() {
    for (name, format, container) in containers() {
        if format != PackageFormat::Rpm {
            continue;
        }
        let whole = build_package(&container, Vec::new()).unwrap();
        let check = |bytes: &[u8]| check_integrity(&mut Cursor::new(bytes), ContentsFormat::Rpm);
        check(&whole).unwrap();
        for from_end in [1, 9] {
            let mut damaged = whole.clone();
            let place = damaged.len() - from_end;
            damaged[place] ^= 1;
            let error = check(&damaged).unwrap_err().to_string();
            assert!(error.starts_with("it is damaged: the "), "{name}: {error}");
        }
    }
}

fn files() -> impl Strategy<Value = Vec<PackedFile>> {
    let content = prop_oneof![
        "[ -~äß\n]{0,40}".prop_map(Content::Text),
        Just(Content::Directory),
        "[a-z/.]{1,120}".prop_map(Content::Link),
    ];
    let path = prop_oneof![6 => "/[a-z %äß]{1,12}", 1 => "/[a-z]{90,260}"];
    prop::collection::btree_map(path, (content, 0..0o1000_u32), 0..5).prop_map(|files| {
        let packed = |(path, (content, mode))| PackedFile {
            path,
            content,
            mode,
            owner: "root".into(),
            group: "root".into(),
            capabilities: None,
            marks: FileMarks::empty(),
        };
        files.into_iter().map(packed).collect()
    })
}

/// What a reader must find at the path of such a file.
fn expected(file: &PackedFile) -> (FileKind, Option<u64>, Option<String>) {
    match &file.content {
        Content::Text(text) => (FileKind::File, Some(text.len() as u64), None),
        Content::Link(to) => (FileKind::Link, None, Some(to.clone())),
        _ => (FileKind::Directory, None, None),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn what_was_written_is_read(files in files()) {
        for (name, format, container) in containers() {
            let bytes = build_package(&container, files.clone()).expect("it can be packed");
            let read = read_from(Cursor::new(&bytes), Path::new(name)).unwrap();
            prop_assert_eq!(read.format, format);
            for file in &files {
                let path = if format == PackageFormat::Archive { &file.path[1..] } else { &file.path };
                let FileEntry { kind, mode, owner, size, digest, target, time, .. } = &read.files[path];
                let (wanted, length, to) = expected(file);
                prop_assert_eq!((*kind, *size, target), (wanted, length, &to));
                prop_assert_eq!(owner, "root:root");
                prop_assert_eq!(*time, Some(TIME as u64));
                prop_assert_eq!(digest.is_some(), wanted == FileKind::File);
                if wanted != FileKind::Link {
                    prop_assert_eq!(*mode, file.mode);
                }
            }
        }
    }

    #[test]
    fn damage_is_no_panic(
        files in files(),
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        end in any::<prop::sample::Index>(),
    ) {
        let containers = containers();
        let (name, _, container) = &containers[which.index(containers.len())];
        let mut bytes = build_package(container, files).expect("it can be packed");
        let _ = read_from(Cursor::new(&bytes[..end.index(bytes.len())]), Path::new(name));
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
            let _ = read_from(Cursor::new(&bytes), Path::new(name));
        }
    }
}

fn relation(kind: &str, relation: &str) -> (String, String) {
    (kind.into(), relation.into())
}

#[test]
fn identity_relations_and_scriptlets() {
    let read = |name: &str, container| -> Package {
        read_from(Cursor::new(build_package(&container, Vec::new()).unwrap()), Path::new(name)).unwrap()
    };
    let rpm = read(
        "x.rpm",
        Container::Rpm(RpmFormat {
            version: RpmFormatVersion::V4,
            newest_version: RpmFormatVersion::V6,
            compression: Compression::Zstd,
            file_digests: RpmDigestAlgorithm::Sha256,
        }),
    );
    assert_eq!(rpm.identity.as_deref(), Some("opkg-x all"));
    assert_eq!(rpm.tags["VERSION"], "1.0");
    assert!(rpm.relations.contains(&relation("requires", "munge >= 3")));
    assert!(rpm.relations.contains(&relation("provides", "opkg-x = 1:1.0-2")));
    assert!(rpm.relations.contains(&relation("requires", "/bin/sh (interp, post)")));
    assert_eq!(rpm.texts["post"], "#!/bin/sh\ntrue\n");
    for (name, time) in [("postun", "AfterRemoval"), ("in", "AfterInstallation")] {
        let text = &rpm.texts[&format!("transfiletrigger{name} /etc/y/ /usr/share/y/")];
        assert_eq!(*text, format!("#!/bin/sh\necho {time}\n"));
    }
    assert!(rpm.relations.contains(&relation("requires", "/bin/sh (interp)")));
    assert_eq!(rpm.tags["TRANSFILETRIGGERPRIORITIES"], "1000000 1000000");
    assert_eq!(rpm.texts["changelog"], format!("* {TIME} A\n- x\n\n"));

    let deb = read("x.deb", Container::Deb(Compression::Xz));
    assert_eq!(deb.identity.as_deref(), Some("opkg-x all"));
    assert_eq!(deb.tags["Version"], "1:1.0-2");
    assert_eq!(deb.relations, BTreeSet::from([relation("depends", "munge (>= 3)")]));
    assert_eq!(deb.texts["postinst"], "#!/bin/sh\ntrue\n");
    assert_eq!(deb.texts["triggers"], "interest-noawait /etc/y\n");
}

#[test]
fn configuration_is_marked() {
    let files = vec![PackedFile {
        path: "/etc/x".into(),
        content: Content::Text("x\n".into()),
        mode: 0o600,
        owner: "root".into(),
        group: "root".into(),
        capabilities: None,
        marks: FileMarks::CONFIGURATION,
    }];
    let flags = |name: &str, container| {
        let bytes = build_package(&container, files.clone()).unwrap();
        read_from(Cursor::new(&bytes), Path::new(name)).unwrap().files["/etc/x"].flags.clone()
    };
    assert_eq!(
        flags(
            "x.rpm",
            Container::Rpm(RpmFormat {
                version: RpmFormatVersion::V4,
                newest_version: RpmFormatVersion::V6,
                compression: Compression::Gzip,
                file_digests: RpmDigestAlgorithm::Sha256
            })
        ),
        "config, noreplace"
    );
    assert_eq!(flags("x.deb", Container::Deb(Compression::Gzip)), "config");
}

/// The same contents in other bytes are a difference, and told to be no more than that.
#[test]
fn what_is_compressed_the_same_or_otherwise() {
    let directory = tempfile::tempdir().unwrap();
    let [one, other] = ["a.deb", "b.deb"].map(|name| directory.path().join(name));
    fs::write(&one, build_package(&Container::Deb(Compression::Xz), Vec::new()).unwrap()).unwrap();
    fs::write(&other, build_package(&Container::Deb(Compression::Gzip), Vec::new()).unwrap()).unwrap();
    let differences =
        |one: &Path, other: &Path| match_files(one, other).unwrap()[0].compare().unwrap().unwrap();
    assert_eq!(differences(&one, &one), []);
    let found = differences(&one, &other);
    assert_eq!(found.iter().map(|it| it.about).collect::<Vec<_>>(), ["bytes"]);
}

/// A path that never ends would otherwise be kept in memory as a whole.
#[test]
fn endless_names_are_refused() {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(1 << 30);
    header.set_cksum();
    let mut archive = header.as_bytes().to_vec();
    archive.resize(512 + (1 << 20), b'x');
    let error = read_from(Cursor::new(&archive), Path::new("x.tar")).unwrap_err();
    assert_eq!(error.to_string(), "x.tar cannot be read: an endless path in an archive");
}

#[test]
fn packages_of_directories_are_matched_by_what_they_are() {
    let root = tempfile::tempdir().unwrap();
    let deb = build_package(&Container::Deb(Compression::Xz), Vec::new()).unwrap();
    for (path, bytes) in [("a/x_1.deb", &deb[..]), ("b/x_2.deb", &deb), ("a/d/y", b"y"), ("b/d/z", b"z")] {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let (a, b) = (root.path().join("a"), root.path().join("b"));
    let found = match_files(&a, &b).unwrap();
    let found: Vec<_> =
        found.iter().map(|it| (it.name.as_str(), it.first.is_some(), it.second.is_some())).collect();
    assert_eq!(found, [("d/y", true, false), ("d/z", false, true), ("opkg-x all", true, true)]);

    fs::copy(a.join("x_1.deb"), a.join("x_3.deb")).unwrap();
    let names: Vec<String> = match_files(&a, &b).unwrap().into_iter().map(|it| it.name).collect();
    assert_eq!(
        names,
        ["d/y", "d/z", "opkg-x all", "x_1.deb", "x_3.deb"],
        "two of one name go by their files"
    );
    assert!(match_files(&a, &a.join("x_1.deb")).is_err());
}

#[test]
fn a_control_file_with_its_archives() {
    let root = tempfile::tempdir().unwrap();
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    header.set_mode(0o644);
    archive.append_data(&mut header, "x/inside", &b"ab"[..]).unwrap();
    fs::write(root.path().join("x_1.orig.tar"), archive.into_inner().unwrap()).unwrap();
    let control =
        "Source: x\nVersion: 1-1\nBuild-Depends: debhelper\nChecksums-Sha256:\n 00 12 x_1.orig.tar\n";
    let file = root.path().join("x.dsc");
    fs::write(&file, control).unwrap();
    let package = read(&file).unwrap();
    assert_eq!(package.identity.as_deref(), Some("x source"));
    assert_eq!(package.files.keys().collect::<Vec<_>>(), ["orig.tar", "orig.tar: x/inside"]);
    for name in ["../x", "/etc/passwd", ".hidden"] {
        fs::write(&file, control.replace("x_1.orig.tar", name)).unwrap();
        assert!(read(&file).is_err(), "{name}");
    }
}

fn tar_with(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, contents) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, &contents[..]).unwrap();
    }
    archive.into_inner().unwrap()
}

fn deb_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        archive.extend(
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, bytes.len()).bytes(),
        );
        archive.extend(*bytes);
        archive.resize(archive.len().next_multiple_of(2), b'\n');
    }
    archive
}

/// How the name of a member ends, and what compresses it.
type Way<'a> = (&'a str, &'a dyn Fn(&[u8]) -> Vec<u8>);

/// Each compressor that packages were ever made with, whatever the member is called.
#[test]
fn members_of_a_deb_may_be_compressed_in_any_way() {
    use std::io::Write;
    let control = tar_with([("./control".to_owned(), b"Package: x\nArchitecture: all\n".to_vec())]);
    let data = tar_with([("./usr/x".to_owned(), b"x".to_vec())]);
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let lzma = |bytes: &[u8]| {
        let options = liblzma::stream::LzmaOptions::new_preset(1).unwrap();
        let stream = liblzma::stream::Stream::new_lzma_encoder(&options).unwrap();
        let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let xz = |bytes: &[u8]| {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let ways: [Way<'_>; 5] =
        [("", &<[u8]>::to_vec), (".gz", &gzip), (".xz", &xz), (".lzma", &lzma), (".zst", &zstd)];
    for (of_control, compress_control) in &ways {
        for (of_data, compress_data) in &ways {
            let (control_name, data_name) =
                (format!("control.tar{of_control}"), format!("data.tar{of_data}"));
            let (control, data) = (compress_control(&control), compress_data(&data));
            let deb = deb_of(&[("debian-binary", b"2.0\n"), (&control_name, &control), (&data_name, &data)]);
            let package = read_from(Cursor::new(&deb), Path::new("x.deb")).unwrap();
            assert_eq!(package.files["/usr/x"].size, Some(1), "{control_name} {data_name}");
        }
    }
}

#[test]
fn what_is_wrong_with_a_deb_is_told_with_the_member() {
    let control = tar_with([("./control".to_owned(), b"Package: x\nArchitecture: all\n".to_vec())]);
    let error = |data: (&str, &[u8])| {
        let deb = deb_of(&[("debian-binary", b"2.0\n"), ("control.tar", &control), data]);
        read_from(Cursor::new(&deb), Path::new("x.deb")).unwrap_err().to_string()
    };
    assert_eq!(
        error(("data.tar.bz2", b"BZh91AY&SY")),
        "x.deb cannot be read: data.tar.bz2: it is compressed with bzip2, which is not read"
    );
    assert!(error(("data.tar.xz", b"\xfd7zXZ\0damaged")).starts_with("x.deb cannot be read: data.tar.xz: "));
    assert!(error(("data.tar.gz", b"\x1f\x8b")).starts_with("x.deb cannot be read: data.tar.gz: "));
    assert_eq!(error(("other", b"")), "x.deb cannot be read: there is no data.tar in the archive");
    let many: Vec<(&str, &[u8])> = vec![("x", b""); 101];
    let error = read_from(Cursor::new(&deb_of(&many)), Path::new("x.deb")).unwrap_err().to_string();
    assert_eq!(error, "x.deb cannot be read: an ar archive of more than 100 members");
}

/// Little to read, and much to keep: changelogs unpack to far more than they are.
#[test]
fn what_is_kept_of_a_package_is_limited_as_a_whole() {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b'x'; 1 << 20]).unwrap();
    let changelog = encoder.finish().unwrap();
    let control = tar_with([("./control".to_owned(), b"Package: x\nArchitecture: all\n".to_vec())]);
    let data = |count: usize| {
        let file = |number| (format!("./usr/share/doc/{number}/changelog.gz"), changelog.clone());
        deb_of(&[
            ("debian-binary", b"2.0\n"),
            ("control.tar", &control),
            ("data.tar", &tar_with((0..count).map(file))),
        ])
    };
    assert!(read_from(Cursor::new(&data(20)), Path::new("x.deb")).is_ok());
    let error = read_from(Cursor::new(&data(300)), Path::new("x.deb")).unwrap_err().to_string();
    assert_eq!(error, "x.deb cannot be read: its names and texts are longer than 256 MiB together");
}

/// A pipe in the place of a package: nobody will ever write into it.
#[test]
fn nothing_waits_for_a_pipe() {
    let root = tempfile::tempdir().unwrap();
    let pipe = root.path().join("x.deb");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let error = opkg_inspect::read(&pipe).unwrap_err().to_string();
    assert_eq!(error, format!("{} cannot be read: it is no regular file", pipe.display()));
}
