//! Indices of directories of packages that anybody may have made.
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::Write;
use std::path::Path;

use fs_err as fs;
use opkg::model::Timestamp;
use opkg_package::{IndexRequest, OutputKind, write_index};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const CONTROL: &str =
    "Package: a\nVersion: 1.0-1\nArchitecture: all\nMaintainer: A <a@b>\nDescription: b\n c\n";

/// A package of the given control file and no files.
fn deb(control: &str, compression: &str, time: i64) -> Vec<u8> {
    deb_with_data(control, compression, time, b"")
}

/// An archive of empty files at these paths.
fn data(paths: &[&str]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for path in paths {
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        header.set_mode(0o644);
        header.set_entry_type(if path.ends_with('/') {
            tar::EntryType::Directory
        } else {
            tar::EntryType::Regular
        });
        tar.append_data(&mut header, path, std::io::empty()).unwrap();
    }
    tar.into_inner().unwrap()
}

/// The same with an archive of its files.
fn deb_with_data(control: &str, compression: &str, time: i64, data: &[u8]) -> Vec<u8> {
    let control = pack(&control_archive(control), compression);
    let names = ["control", "data"].map(|name| format!("{name}.tar{compression}"));
    let members = [
        ("debian-binary", b"2.0\n".as_slice()),
        ("_later", b"odd"),
        (&names[0], &control),
        ("_later", b"even"),
        (&names[1], &pack(data, compression)),
    ];
    ar(&members, time)
}

fn control_archive(control: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, text) in [("./md5sums", ""), ("./control", control)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}

fn pack(tar: &[u8], compression: &str) -> Vec<u8> {
    match compression {
        ".gz" => {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(tar).unwrap();
            gzip.finish().unwrap()
        }
        ".xz" => {
            let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
            xz.write_all(tar).unwrap();
            xz.finish().unwrap()
        }
        ".zst" => zstd::bulk::compress(tar, 1).unwrap(),
        _ => tar.to_vec(),
    }
}

fn ar(members: &[(&str, &[u8])], time: i64) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, contents) in members {
        writeln!(bytes, "{name:<16}{time:<12}0     0     100644  {:<10}`", contents.len()).unwrap();
        bytes.extend_from_slice(contents);
        bytes.extend(vec![b'\n'; contents.len() % 2]);
    }
    bytes
}

fn read(directory: &Path, name: &str) -> String {
    fs::read_to_string(directory.join(name)).unwrap()
}

/// Why nothing was indexed.
fn index_error(name: &str, contents: &[u8]) -> String {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(name), contents).unwrap();
    fs::write(directory.path().join("Packages"), "of before").unwrap();
    let error = write_index(directory.path(), IndexRequest::unsigned("x")).unwrap_err().to_string();
    assert_eq!(read(directory.path(), "Packages"), "of before");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "{error}");
    error
}

#[test]
fn packages_of_every_compression_are_listed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    for (number, compression) in ["", ".gz", ".xz", ".zst"].into_iter().enumerate() {
        let control = CONTROL.replace("1.0", &format!("{number}.0"));
        fs::write(path.join(format!("a{number}.deb")), deb(&control, compression, 1_400_000_000)).unwrap();
    }
    fs::write(path.join("InRelease"), "a signature of before").unwrap();
    let written = write_index(path, IndexRequest::unsigned("some-12")).unwrap().files;
    assert!(written.iter().all(|it| it.kind == OutputKind::Index && it.path.is_file()));
    let packages = read(path, "Packages");
    let paragraphs: Vec<&str> = packages.split("\n\n").collect();
    assert_eq!(paragraphs.len(), 4);
    for (number, paragraph) in paragraphs.iter().enumerate() {
        let sum = Sha256::digest(fs::read(path.join(format!("a{number}.deb"))).unwrap());
        let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        let start = CONTROL.replace("1.0", &format!("{number}.0"));
        assert!(paragraph.starts_with(&format!("{start}Filename: ./a{number}.deb\n")), "{paragraph}");
        assert!(paragraph.trim_end().ends_with(&format!("SHA256: {sum}")), "{paragraph}");
    }
    let release = read(path, "Release");
    assert!(release.contains("\nSuite: some-12\nCodename: some-12\nDate: Tue, 13 May 2014 16:53:20 +0000\n"));
    for file in ["Packages", "Packages.gz", "Packages.xz", "Sources", "Sources.gz", "Sources.xz"] {
        let contents = fs::read(path.join(file)).unwrap();
        let sum: String = Sha256::digest(&contents).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(release.contains(&format!("\n {sum} {} {file}\n", contents.len())), "{file}: {release}");
    }
    assert!(!path.join("InRelease").exists(), "a signature that is not of this index");
}

/// Whoever has read a `Release` finds its lists as long as there is no other but the next.
#[test]
fn lists_of_the_last_index_can_still_be_fetched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let index = |version: &str| {
        let control = CONTROL.replace("1.0", version);
        fs::write(path.join(format!("a_{version}.deb")), deb(&control, ".gz", 5)).unwrap();
        write_index(path, IndexRequest::unsigned("x")).unwrap();
        let release = read(path, "Release");
        assert!(release.contains("\nAcquire-By-Hash: yes\n"), "{release}");
        let sums = release.split("\nSHA256:\n").nth(1).unwrap().lines();
        sums.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let is_there =
        |sums: &[String]| sums.iter().filter(|sum| path.join("by-hash/SHA256").join(sum).exists()).count();
    fs::create_dir_all(path.join("by-hash/SHA256")).unwrap();
    fs::write(path.join("by-hash/SHA256/notes"), "of somebody").unwrap();
    let first = index("1.0");
    assert_eq!(is_there(&first), 9);
    let second = index("2.0");
    assert_eq!((is_there(&first), is_there(&second)), (9, 9));
    for sum in &second {
        let contents = fs::read(path.join("by-hash/SHA256").join(sum)).unwrap();
        let computed: String = Sha256::digest(&contents).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(&computed, sum);
    }
    let third = index("3.0");
    // The empty lists of sources and files are in all of them.
    assert_eq!((is_there(&first), is_there(&second), is_there(&third)), (6, 9, 9));
    assert_eq!(read(path, "by-hash/SHA256/notes"), "of somebody");
}

/// Lists of files, which go with the last package of their architecture.
#[test]
fn files_are_listed_by_architecture() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let all = data(&["./", "./usr/", "./usr/share/b"]);
    fs::write(path.join("b.deb"), deb_with_data(CONTROL, ".zst", 5, &all)).unwrap();
    for (number, compression) in ["", ".gz", ".xz"].into_iter().enumerate() {
        let control = CONTROL
            .replace("Package: a", &format!("Package: a{number}\nSection: net"))
            .replace("Architecture: all", "Architecture: amd64");
        let files = data(&["./usr/bin/a", &format!("./usr/bin/a{number}")]);
        let name = format!("a{number}.deb");
        fs::write(path.join(name), deb_with_data(&control, compression, 5, &files)).unwrap();
    }
    let written = write_index(path, IndexRequest::unsigned("x")).unwrap().files;
    assert_eq!(read(path, "Contents-all"), "usr/share/b\ta\n");
    let expected = "usr/bin/a\tnet/a0,net/a1,net/a2\nusr/bin/a0\tnet/a0\nusr/bin/a1\tnet/a1\nusr/bin/a2\tnet/a2\n\
                    usr/share/b\ta\n";
    assert_eq!(read(path, "Contents-amd64"), expected);
    let mut packed = String::new();
    let file = fs::File::open(path.join("Contents-amd64.xz")).unwrap();
    std::io::Read::read_to_string(&mut liblzma::read::XzDecoder::new(file), &mut packed).unwrap();
    assert_eq!(packed, expected);
    let release = read(path, "Release");
    for name in
        ["all", "amd64"].iter().flat_map(|arch| ["", ".gz", ".xz"].map(|it| format!("Contents-{arch}{it}")))
    {
        let contents = fs::read(path.join(&name)).unwrap();
        let sum: String = Sha256::digest(&contents).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(release.contains(&format!("\n {sum} {} {name}\n", contents.len())), "{name}: {release}");
        assert!(path.join("by-hash/SHA256").join(sum).is_file(), "{name}");
        assert!(written.iter().any(|file| file.path.ends_with(&name)), "{name}");
    }
    for number in 0..3 {
        fs::remove_file(path.join(format!("a{number}.deb"))).unwrap();
    }
    write_index(path, IndexRequest::unsigned("x")).unwrap();
    let left = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut left: Vec<String> = left.filter(|name| name.starts_with("Contents-")).collect();
    left.sort();
    assert_eq!(left, ["Contents-all", "Contents-all.gz", "Contents-all.xz"]);
}

/// dpkg gave it up; such packages exist, and their files cannot be read here.
#[test]
fn packages_with_files_in_bzip2_are_listed_without_these() {
    let directory = tempfile::tempdir().unwrap();
    let whole = deb(CONTROL, "", 5);
    let place = whole.windows(8).position(|bytes| bytes == b"data.tar").unwrap();
    let mut old = whole;
    old[place..place + 12].copy_from_slice(b"data.tar.bz2");
    fs::write(directory.path().join("a.deb"), old).unwrap();
    write_index(directory.path(), IndexRequest::unsigned("x")).unwrap();
    assert!(read(directory.path(), "Packages").contains("Filename: ./a.deb"));
    assert_eq!(read(directory.path(), "Contents-all"), "");
}

/// The checksum of an archive is behind the mark of its end.
#[test]
fn damage_that_only_checksums_show_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let control = control_archive(CONTROL);
    let files = data(&["./usr/bin/a"]);
    let whole = [(".gz", 6), (".xz", 14)];
    for (compression, from_end) in whole {
        for damaged in ["control", "data"] {
            let packed = |name: &str, tar: &[u8]| {
                let mut packed = pack(tar, compression);
                if name == damaged {
                    let place = packed.len() - from_end;
                    packed[place] ^= 1;
                }
                packed
            };
            let names = ["control", "data"].map(|name| format!("{name}.tar{compression}"));
            let members = [
                ("debian-binary", b"2.0\n".as_slice()),
                (&names[0], &packed("control", &control)),
                (&names[1], &packed("data", &files)),
            ];
            fs::write(directory.path().join("a.deb"), ar(&members, 5)).unwrap();
            let error = write_index(directory.path(), IndexRequest::unsigned("x")).unwrap_err().to_string();
            assert!(error.contains("a.deb") && error.contains("cannot be read"), "{compression}: {error}");
        }
    }
}

#[test]
fn weak_checksums_are_where_source_packages_need_them_alone() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.deb"), deb(CONTROL, ".gz", 5)).unwrap();
    write_index(directory.path(), IndexRequest::unsigned("x")).unwrap();
    let lists = ["Release", "Packages"].map(|name| read(directory.path(), name)).concat();
    assert!(!lists.contains("MD5") && !lists.contains("SHA1") && lists.contains("SHA256:"), "{lists}");
}

#[test]
fn links_are_not_followed_to_lists() {
    let directory = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.deb"), deb(CONTROL, ".gz", 5)).unwrap();
    fs_err::os::unix::fs::symlink(elsewhere.path(), directory.path().join("by-hash")).unwrap();
    let error = write_index(directory.path(), IndexRequest::unsigned("x")).unwrap_err().to_string();
    assert!(error.contains("by-hash is a symbolic link"), "{error}");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

/// Seconds since 1970, by the clock.
fn now() -> i64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs().try_into().unwrap()
}

/// Package managers refuse an index from the future ("is not valid yet").
#[test]
fn an_index_is_never_of_the_future() {
    let far = now() + 1_000_000;
    for (times, expected) in
        [(vec![5, 7], Some(7)), (vec![far], None), (vec![5, far], None), (vec![far, 5, far + 9], None)]
    {
        let directory = tempfile::tempdir().unwrap();
        for (number, time) in times.iter().enumerate() {
            let control = CONTROL.replace("Package: a", &format!("Package: a{number}"));
            fs::write(directory.path().join(format!("a{number}.deb")), deb(&control, ".gz", *time)).unwrap();
        }
        let before = now();
        write_index(directory.path(), IndexRequest::unsigned("x")).unwrap();
        let possible = expected.map_or(before..=now(), |time| time..=time);
        let release = read(directory.path(), "Release");
        let date = |seconds| format!("\nDate: {}\n", Timestamp { seconds, offset: 0 }.to_rfc5322());
        assert!(possible.into_iter().any(|seconds| release.contains(&date(seconds))), "{times:?}: {release}");
    }
}

#[test]
fn an_index_depends_on_the_packages_alone() {
    let build = |names: [&str; 2]| {
        let directory = tempfile::tempdir().unwrap();
        for name in names {
            let control = CONTROL.replace("Package: a", &format!("Package: {name}"));
            fs::write(directory.path().join(format!("{name}.deb")), deb(&control, ".gz", 5)).unwrap();
        }
        let files = write_index(directory.path(), IndexRequest::unsigned("x")).unwrap().files;
        let of_directory =
            |it: &opkg_package::WrittenFile| it.path.strip_prefix(&directory).unwrap().to_owned();
        files.iter().map(|it| (of_directory(it), fs::read(&it.path).unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(build(["aa", "bb"]), build(["bb", "aa"]));
}

#[test]
fn what_is_no_sound_package_is_refused_with_a_reason() {
    let control = |control: &str| deb(control, ".gz", 0);
    let with = |line: &str| deb(&format!("{CONTROL}{line}\n"), ".gz", 0);
    let damaged_archive = ar(&[("debian-binary", b"2.0\n"), ("control.tar.xz", b"\xfd7zXZ\0damaged")], 0);
    let no_control = ar(&[("debian-binary", b"2.0\n"), ("control.tar", &[0; 1024])], 0);
    let endless = {
        let mut bytes = ar(&[("debian-binary", b"2.0\n")], 0);
        writeln!(bytes, "{:<16}{:<12}0     0     100644  {:<10}`", "control.tar", 0, 9_999_999_999_u64)
            .unwrap();
        bytes
    };
    let bomb = {
        let zeros = zstd::bulk::compress(&vec![0; 100 << 20], 1).unwrap();
        ar(&[("debian-binary", b"2.0\n"), ("control.tar.zst", &zeros)], 0)
    };
    let cut_off = {
        let mut bytes = deb_with_data(CONTROL, "", 0, &data(&["./a"]));
        bytes.truncate(bytes.len() - 100);
        bytes
    };
    let no_data =
        ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control_archive(CONTROL)), ("x", b"")], 0);
    let cases: [(&str, Vec<u8>, &str); 22] = [
        ("a.deb", b"".to_vec(), "it ends too early"),
        ("a.deb", b"PK\x03\x04 something".to_vec(), "it is no package of this format"),
        ("a.deb", ar(&[("control.tar", b"")], 0), "does not begin with the version"),
        ("a.deb", ar(&[("debian-binary", b"3.0\n")], 0), "is not 2"),
        ("a.deb", ar(&[("debian-binary", b"2.0\n")], 0), "it ends too early"),
        ("a.deb", ar(&[("debian-binary", b"2.0\n"), ("data.tar", b"")], 0), "is no control archive"),
        ("a.deb", damaged_archive, "cannot be read"),
        ("a.deb", no_control, "has no control file"),
        ("a.deb", endless, "is too large"),
        ("a.deb", bomb, "its control archive is too large"),
        ("a.deb", control("Package: a\nVersion: 1\n"), "no field `Architecture`"),
        ("a.deb", control("Package: a b\nVersion: 1\nArchitecture: all\n"), "its Package is \"a b\""),
        ("a.deb", with("Filename: ../../etc/passwd"), "for the index to give"),
        ("a.deb", with("\nPackage: other"), "is no field"),
        ("a.deb", with("version: 2"), "`version` twice"),
        ("a.deb", control(&CONTROL.replace("all", "../x")), "its Architecture is \"../x\""),
        ("a.deb", no_data, "its member \"x\" is no archive of files"),
        ("a.deb", deb_with_data(CONTROL, ".gz", 0, &data(&["./a"])[..300]), "its files cannot be read"),
        (
            "a.deb",
            ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control_archive(CONTROL))], 0),
            "it ends too early",
        ),
        ("a.deb", cut_off, "it ends too early"),
        ("a b.deb", control(CONTROL), "its name has a blank"),
        ("a.dsc", b"Source: a\nVersion: 1\n".to_vec(), "it has no field `Files`"),
    ];
    for (name, contents, expected) in cases {
        let reason = index_error(name, &contents);
        assert!(reason.contains(expected) && reason.contains(name), "{expected:?}: {reason}");
    }
}

#[test]
fn what_lies_elsewhere_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs_err::os::unix::fs::symlink("/dev/zero", directory.path().join("a.deb")).unwrap();
    let error = write_index(directory.path(), IndexRequest::unsigned("x")).unwrap_err().to_string();
    assert!(error.contains("it is not a regular file"), "{error}");
    for (name, reason) in [("../x.tar.gz", "lies elsewhere"), ("missing.tar.gz", "is missing")] {
        let dsc = format!(
            "Source: a\nVersion: 1\nFiles:\n 0 0 {name}\nChecksums-Sha1:\n 0 0 {name}\nChecksums-Sha256:\n 0 0 {name}\n"
        );
        let error = index_error("a.dsc", dsc.as_bytes());
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn two_packages_that_claim_to_be_the_same_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("one.deb"), deb(CONTROL, ".gz", 0)).unwrap();
    fs::write(directory.path().join("two.deb"), deb(CONTROL, ".xz", 0)).unwrap();
    let error = write_index(directory.path(), IndexRequest::unsigned("x")).unwrap_err().to_string();
    assert!(error.contains("two.deb") && error.contains("another file is a 1.0-1 all as well"), "{error}");
}

#[test]
fn a_directory_without_packages_has_no_index() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.pkg.tar.zst"), "").unwrap();
    let error = write_index(directory.path(), IndexRequest::unsigned("x")).unwrap_err().to_string();
    assert!(error.contains("a package of a format that has an index"), "{error}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

/// A source package, its control file inside a signature, and changed contents of one of its files.
#[test]
fn source_packages_are_listed_with_their_own_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::write(path.join("a_1.tar.xz"), "abc").unwrap();
    let sum: String = Sha256::digest("abc").iter().map(|byte| format!("{byte:02x}")).collect();
    let dsc = format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nFormat: 3.0 (native)\nSource: a\nVersion: 1\n\
         Checksums-Sha1:\n x 3 a_1.tar.xz\nChecksums-Sha256:\n {sum} 3 a_1.tar.xz\nFiles:\n y 3 a_1.tar.xz\n\
         \n-----BEGIN PGP SIGNATURE-----\n\nabcdef\n-----END PGP SIGNATURE-----\n"
    );
    fs::write(path.join("a_1.dsc"), &dsc).unwrap();
    write_index(path, IndexRequest::unsigned("x")).unwrap();
    let sources = read(path, "Sources");
    let size = dsc.len();
    assert!(sources.starts_with("Package: a\nFormat: 3.0 (native)\nVersion: 1\n"), "{sources}");
    assert!(sources.contains(&format!(" {size} a_1.dsc\n y 3 a_1.tar.xz\n")), "{sources}");
    assert!(sources.ends_with("Directory: .\n"), "{sources}");
    assert_eq!(read(path, "Packages"), "");
    fs::write(path.join("a_1.tar.xz"), "abd").unwrap();
    let error = write_index(path, IndexRequest::unsigned("x")).unwrap_err().to_string();
    assert!(error.contains("has other contents than it says"), "{error}");
}

proptest! {
    /// Whatever happens to a package, the index holds one paragraph of it or there is none.
    #[test]
    fn damage_is_found_or_harmless(damage in prop::collection::vec((0usize..400, any::<u8>()), 0..4), end in 0usize..2000) {
        let directory = tempfile::tempdir().unwrap();
        let mut bytes = deb(CONTROL, ".gz", 7);
        for (place, byte) in damage {
            if let Some(there) = bytes.get_mut(place) {
                *there = byte;
            }
        }
        bytes.truncate(end.max(8));
        fs::write(directory.path().join("a.deb"), bytes).unwrap();
        if write_index(directory.path(), IndexRequest::unsigned("x")).is_ok() {
            let packages = read(directory.path(), "Packages");
            prop_assert!(!packages.contains("\n\n"));
            prop_assert_eq!(packages.matches("\nFilename: ./a.deb\n").count(), 1);
        }
    }
}
