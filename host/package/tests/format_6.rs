//! RPMs of format 6: what they say of themselves, and what they leave out.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "common/package.rs"]
mod package;
#[path = "common/tool.rs"]
mod tool;

use std::io::Cursor;

use fs_err as fs;
use opkg_interface::artefacts::{
    BinaryPackage, Compression, Container, Content, FileMarks, RpmDigestAlgorithm, RpmFormat,
    RpmFormatVersion,
};
use opkg_package::rpm::integrity::{check_digests, header_signatures};
use opkg_package::rpm::reader::{self, ParsedHeader};
use opkg_package::{BuildMode, BuildOptions, Error, IndexRequest, write_index, write_packages};
use package::{fixture, output_of, packed_file, sample_package, write_single};
use tool::{is_installed, tool_output};

fn container(newest_version: RpmFormatVersion) -> Container {
    Container::Rpm(RpmFormat {
        version: RpmFormatVersion::V4,
        newest_version,
        compression: Compression::Zstd,
        file_digests: RpmDigestAlgorithm::Sha256,
    })
}

/// The sample package, with files of several kinds, in this format, where nobody but the caller asks for it.
fn write(asked: RpmFormatVersion, newest: RpmFormatVersion) -> Result<tempfile::TempDir, Error> {
    let fixture = fixture();
    let mut package = BinaryPackage { arch: "noarch".into(), ..sample_package(&fixture) };
    let more = [
        packed_file("/etc/ghost", Content::Text(String::new()), FileMarks::GHOST),
        packed_file("/usr/empty", Content::Text(String::new()), FileMarks::empty()),
        packed_file("/usr/script", Content::Text("#!/bin/sh\nexit\n".into()), FileMarks::empty()),
    ];
    package.files.extend(more);
    package.files.sort_by(|one, other| one.path.cmp(&other.path));
    let options = BuildOptions { rpm_format: Some(asked), ..BuildOptions::new(BuildMode::Direct) };
    let directory = tempfile::tempdir().unwrap();
    write_packages(&output_of(&package, container(newest)), fixture.source(), directory.path(), options)?;
    Ok(directory)
}

fn tags(header: &ParsedHeader) -> Vec<u32> {
    header.iter().map(|(tag, _)| tag).collect()
}

#[test]
fn nothing_is_there_that_format_6_gave_up() {
    let directory = write(RpmFormatVersion::V6, RpmFormatVersion::V6).unwrap();
    let file = fs::read(directory.path().join("x")).unwrap();
    // Major version of the lead, then architecture and system.
    assert_eq!((file[4], &file[8..10], &file[76..78]), (4, &[0, 0][..], &[0, 0][..]));
    let rpm = reader::read(&file).unwrap();
    // SHA-256, SHA3-256, room for signatures.
    assert_eq!(tags(&rpm.signature), [273, 279, 999]);
    let found = tags(&rpm.header);
    // Sizes of 32 bits, an algorithm of checksums of the payload that is no longer another.
    for gone in [1009, 1028, 5093] {
        assert!(!found.contains(&gone), "{gone}");
    }
    assert_eq!(rpm.header.number(5114), Some(6));
    assert_eq!(rpm.header.number(5112), Some((file.len() - rpm.payload_start) as u64));
    assert_eq!(rpm.header.text(5120), Some("opkg-x-1.0-2"));
    assert_eq!(rpm.header.numbers(5008), [0, 2, 0, 14, 0, 4, 15], "sizes of files");
    assert_eq!(rpm.header.number(5009), Some(35));
    let features: Vec<&str> =
        rpm.header.texts(1049).iter().filter_map(|name| name.strip_prefix("rpmlib(")).collect();
    assert_eq!(features, ["LargeFiles)", "PayloadIsZstd)"]);
    let types: Vec<&str> = rpm
        .header
        .numbers(5115)
        .iter()
        .map(|index| rpm.header.texts(5116)[*index as usize].as_str())
        .collect();
    let plain = "text/plain";
    assert_eq!(
        types,
        [
            "inode/x-empty",
            plain,
            "inode/directory",
            plain,
            "inode/x-empty",
            "inode/symlink",
            "text/x-shellscript"
        ]
    );
    assert!(header_signatures(&rpm).is_empty());
}

#[test]
fn every_checksum_holds_and_no_change_is_overlooked() {
    let directory = write(RpmFormatVersion::V6, RpmFormatVersion::V6).unwrap();
    let file = fs::read(directory.path().join("x")).unwrap();
    let checks = |file: &[u8]| check_digests(&mut Cursor::new(file), &reader::read(file).unwrap()).unwrap();
    let found = checks(&file);
    assert!(found.iter().all(|check| check.holds), "{found:?}");
    assert_eq!(
        found.iter().map(|check| check.what).collect::<Vec<_>>(),
        [
            "SHA-256 of the header",
            "SHA3-256 of the header",
            "SHA-256 of the payload",
            "SHA-512 of the payload",
            "SHA3-256 of the payload",
            "size of the payload"
        ]
    );
    let mut changed = file.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(checks(&changed).iter().filter(|check| !check.holds).count(), 3);
    changed.push(0);
    assert_eq!(checks(&changed).iter().filter(|check| !check.holds).count(), 4);
}

#[test]
fn a_format_that_the_target_does_not_read_is_refused() {
    let error = write(RpmFormatVersion::V6, RpmFormatVersion::V4).unwrap_err().to_string();
    assert_eq!(error, "the target's package manager installs RPMs up to format 4, not of format 6");
    assert!(write(RpmFormatVersion::V4, RpmFormatVersion::V6).is_ok());
    // Where nobody asks, it is that of the target's own tools.
    let fixture = fixture();
    let container = Container::Rpm(RpmFormat {
        version: RpmFormatVersion::V6,
        newest_version: RpmFormatVersion::V6,
        compression: Compression::Gzip,
        file_digests: RpmDigestAlgorithm::Sha256,
    });
    let directory = write_single(&fixture, &sample_package(&fixture), container).unwrap();
    let rpm = reader::read(&fs::read(directory.path().join("x")).unwrap()).unwrap();
    assert_eq!(rpm.header.number(5114), Some(6));
}

/// Whatever its format, it is the same package to an RPM that knows but the older one.
#[test]
fn an_old_rpm_reads_the_same_of_both() {
    if !is_installed("rpm") {
        return;
    }
    let format = "%{NEVRA} %{LONGSIZE}\n[%{FILENAMES} %{FILEMODES} %{LONGFILESIZES} %{FILEDIGESTS} %{FILELINKTOS} \
                  %{FILEFLAGS} %{FILEVERIFYFLAGS} %{FILEMTIMES} %{FILEUSERNAME} %{FILEGROUPNAME}\n]";
    let [of_4, of_6] = [RpmFormatVersion::V4, RpmFormatVersion::V6].map(|version| {
        let directory = write(version, RpmFormatVersion::V6).unwrap();
        let checked = tool_output(directory.path(), "rpm", &["-Kv", "--nosignature"]);
        assert!(checked.contains("Header SHA256 digest: OK") && !checked.contains("BAD"), "{checked}");
        tool_output(directory.path(), "rpm", &["-qp", "--nosignature", "--qf", format])
    });
    assert_eq!(of_4, of_6);
}

#[test]
fn an_index_lists_it_with_its_sizes() {
    let directory = write(RpmFormatVersion::V6, RpmFormatVersion::V6).unwrap();
    fs::rename(directory.path().join("x"), directory.path().join("x.rpm")).unwrap();
    write_index(directory.path(), IndexRequest::unsigned("x")).unwrap();
    let rpm = reader::read(&fs::read(directory.path().join("x.rpm")).unwrap()).unwrap();
    let archive = rpm.header.number(5113).unwrap();
    let entries = fs::read_dir(directory.path().join("repodata")).unwrap().map(|entry| entry.unwrap().path());
    let primary = entries.into_iter().find(|path| path.to_string_lossy().contains("-primary")).unwrap();
    let mut text = String::new();
    let mut reader = flate2::read::GzDecoder::new(fs::File::open(primary).unwrap());
    std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
    assert!(text.contains(&format!("installed=\"35\" archive=\"{archive}\"")), "{text}");
    assert!(!text.contains("rpmlib("), "{text}");
}
