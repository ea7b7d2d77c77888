//! The index of RPMs, also of such as nobody should have made.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;
#[path = "common/package.rs"]
mod package;

use std::io::Read;
use std::path::Path;

use fs_err as fs;
use opkg_interface::artefacts::{
    BinaryPackage, Compression, Container, Content, FileMarks, RpmDigestAlgorithm, RpmFormat,
    RpmFormatVersion,
};
use opkg_package::{IndexRequest, write_index};
use package::{fixture, packed_file, sample_package, write_single};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// A directory with one package in it.
fn package_directory(change: impl FnOnce(&mut BinaryPackage)) -> tempfile::TempDir {
    let fixture = fixture();
    let mut package = BinaryPackage { file_name: "x.rpm".into(), ..sample_package(&fixture) };
    change(&mut package);
    write_single(
        &fixture,
        &package,
        Container::Rpm(RpmFormat {
            version: RpmFormatVersion::V4,
            newest_version: RpmFormatVersion::V6,
            compression: Compression::Gzip,
            file_digests: RpmDigestAlgorithm::Sha256,
        }),
    )
    .unwrap()
}

/// The names of the files of an index.
fn repodata_files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory.join("repodata")).unwrap();
    let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The text of a list.
fn read_list(directory: &Path, kind: &str) -> String {
    let name =
        repodata_files(directory).into_iter().find(|it| it.ends_with(&format!("-{kind}.xml.gz"))).unwrap();
    let file = fs::File::open(directory.join("repodata").join(name)).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn the_same_packages_have_the_same_index() {
    let [one, two] = [package_directory(|_| ()), package_directory(|_| ())];
    for directory in [&one, &two] {
        write_index(directory.path(), IndexRequest::unsigned("x")).unwrap();
    }
    assert_eq!(repodata_files(one.path()), repodata_files(two.path()));
    let read =
        |directory: &tempfile::TempDir| fs::read(directory.path().join("repodata/repomd.xml")).unwrap();
    assert_eq!(read(&one), read(&two));
}

/// Package managers refuse what comes from the future.
#[test]
fn an_index_is_never_of_the_future() {
    let now = || i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    for (time, is_future) in [(5, false), (now() + 1_000_000, true)] {
        let mut fixture = fixture();
        fixture.opkg.source_date.seconds = time;
        let package = BinaryPackage { file_name: "x.rpm".into(), ..sample_package(&fixture) };
        let directory = write_single(
            &fixture,
            &package,
            Container::Rpm(RpmFormat {
                version: RpmFormatVersion::V4,
                newest_version: RpmFormatVersion::V6,
                compression: Compression::Gzip,
                file_digests: RpmDigestAlgorithm::Sha256,
            }),
        )
        .unwrap();
        let before = now();
        write_index(directory.path(), IndexRequest::unsigned("x")).unwrap();
        let index = fs::read_to_string(directory.path().join("repodata/repomd.xml")).unwrap();
        let mut possible = if is_future { before..=now() } else { time..=time };
        assert!(possible.any(|time| index.contains(&format!("<revision>{time}</revision>"))), "{index}");
    }
}

#[test]
fn texts_that_look_like_markup_are_text() {
    let directory = package_directory(|it| {
        it.summary = "</summary><name>other</name> & \"more\" \u{1b}[31m".into();
        it.files.insert(0, packed_file("/etc/<file>&\"", Content::Text(String::new()), FileMarks::empty()));
    });
    write_index(directory.path(), IndexRequest::unsigned("x")).unwrap();
    let primary = read_list(directory.path(), "primary");
    let document = roxmltree::Document::parse(&primary).unwrap();
    let texts = |name: &str| -> Vec<String> {
        let elements = document.descendants().filter(|it| it.tag_name().name() == name);
        elements.map(|it| it.text().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(texts("name"), ["opkg-x"]);
    assert_eq!(texts("summary"), ["</summary><name>other</name> & \"more\" [31m"]);
    assert_eq!(texts("file"), ["/etc/<file>&\"", "/etc/x"]);
}

#[test]
fn a_new_index_takes_the_place_of_the_old_one() {
    let directory = package_directory(|_| ());
    let path = directory.path();
    write_index(path, IndexRequest::unsigned("x")).unwrap();
    let before = repodata_files(path);
    fs::write(path.join("repodata/repomd.xml.asc"), "of another").unwrap();
    fs::remove_file(path.join("x.rpm")).unwrap();
    let other = self::package_directory(|it| it.summary = "Y".into());
    fs::copy(other.path().join("x.rpm"), path.join("y.rpm")).unwrap();
    write_index(path, IndexRequest::unsigned("x")).unwrap();
    let after = repodata_files(path);
    assert_eq!(after.len(), 4, "{after:?}");
    assert!(!after.contains(&"repomd.xml.asc".to_owned()));
    assert_eq!(before.iter().filter(|it| after.contains(it)).collect::<Vec<_>>(), ["repomd.xml"]);
}

#[test]
fn what_must_not_be_in_an_index_leaves_the_old_one() {
    let directory = package_directory(|_| ());
    let path = directory.path();
    write_index(path, IndexRequest::unsigned("x")).unwrap();
    let before = repodata_files(path);
    let refused = |name: &str, bytes: &[u8], reason: &str| {
        fs::write(path.join(name), bytes).unwrap();
        let error = write_index(path, IndexRequest::unsigned("x")).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(reason), "{error}");
        fs::remove_file(path.join(name)).unwrap();
        assert_eq!(repodata_files(path), before);
    };
    let rpm = fs::read(path.join("x.rpm")).unwrap();
    refused("y.rpm", &rpm, "x.rpm is opkg-x-0:1.0-2.all as well");
    refused("y.rpm", b"hello", "not an RPM");
    refused("y.rpm", &rpm[..300], "cut off");
    let mut flipped = rpm.clone();
    *flipped.last_mut().unwrap() ^= 1;
    refused("y.rpm", &flipped, "it is damaged: the MD5 of header and payload is not what it says itself");
    refused("y.rpm", &rpm[..rpm.len() - 1], "it is damaged: the size of header and payload");
    refused("a%2fb.rpm", &rpm, "in an address");
    refused("a b.rpm", &rpm, "blank");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn damage_is_an_error_or_a_sound_index(
        changes in prop::collection::vec((96..2500_usize, any::<u8>()), 1..8),
    ) {
        let directory = package_directory(|_| ());
        let file = directory.path().join("x.rpm");
        let mut bytes = fs::read(&file).unwrap();
        for (place, byte) in changes {
            if let Some(at) = bytes.get_mut(place) {
                *at = byte;
            }
        }
        fs::write(&file, bytes).unwrap();
        if write_index(directory.path(), IndexRequest::unsigned("x")).is_ok() {
            for kind in ["primary", "filelists", "other"] {
                let text = read_list(directory.path(), kind);
                prop_assert!(roxmltree::Document::parse(&text).is_ok(), "{}", text);
            }
        } else {
            prop_assert!(!directory.path().join("repodata").exists());
        }
    }
}
