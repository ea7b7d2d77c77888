//! RPMs whose payload leaves names and sizes to the header, as RPM writes them for files of more than 4 GiB and in its
//! format 6, and what is said of damaged ones.
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::Cursor;
use std::path::Path;

use opkg_inspect::{FileKind, Package, compare, read_from};

const NAME: u32 = 1000;
const ARCH: u32 = 1022;
const FILE_MODES: u32 = 1030;
const FILE_LINKS: u32 = 1036;
const FILE_DEVICES: u32 = 1095;
const FILE_INODES: u32 = 1096;
const DIRECTORY_INDEXES: u32 = 1116;
const BASE_NAMES: u32 = 1117;
const DIRECTORY_NAMES: u32 = 1118;
const PAYLOAD_COMPRESSOR: u32 = 1125;
const LONG_FILE_SIZES: u32 = 5008;
const RPM_FORMAT: u32 = 5114;

/// A file: name within `/srv/`, mode, inode, target of a link, contents.
type File = (&'static str, u16, u32, &'static str, &'static str);

const FILES: [File; 5] = [
    ("directory", 0o040_755, 1, "", ""),
    ("first", 0o100_644, 2, "", "shared"),
    ("link", 0o120_777, 3, "first", "first"),
    ("second", 0o100_644, 2, "", "shared"),
    ("single", 0o100_600, 4, "", "x\n"),
];

/// Tag, type, count and bytes of an entry of a header.
fn header(entries: &[(u32, u32, usize, Vec<u8>)]) -> Vec<u8> {
    let (mut index, mut store) = (Vec::new(), Vec::<u8>::new());
    for (tag, kind, count, bytes) in entries {
        let align = match kind {
            3 => 2,
            4 => 4,
            5 => 8,
            _ => 1,
        };
        store.resize(store.len().next_multiple_of(align), 0);
        for word in [*tag, *kind, u32::try_from(store.len()).unwrap(), u32::try_from(*count).unwrap()] {
            index.extend(word.to_be_bytes());
        }
        store.extend(bytes);
    }
    let mut whole = vec![0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
    whole.extend(u32::try_from(entries.len()).unwrap().to_be_bytes());
    whole.extend(u32::try_from(store.len()).unwrap().to_be_bytes());
    [whole, index, store].concat()
}

fn texts(tag: u32, values: &[&str]) -> (u32, u32, usize, Vec<u8>) {
    (tag, 8, values.len(), values.iter().flat_map(|value| [value.as_bytes(), b"\0"].concat()).collect())
}

fn numbers<const BYTES: usize>(tag: u32, kind: u32, values: &[[u8; BYTES]]) -> (u32, u32, usize, Vec<u8>) {
    (tag, kind, values.len(), values.concat())
}

fn stripped_payload(files: &[File]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (index, (name, mode, _, _, contents)) in files.iter().enumerate() {
        // Of the two hard links the last carries the contents.
        let contents = if *name == "first" && *mode == 0o100_644 { "" } else { contents };
        archive.extend(format!("07070X{index:08x}\0\0{contents}").bytes());
        archive.resize(archive.len().next_multiple_of(4), 0);
    }
    archive.extend(format!("070701{}0000000b00000000TRAILER!!!\0", "00000000".repeat(11)).bytes());
    archive.resize(archive.len().next_multiple_of(4), 0);
    archive
}

fn rpm_with_payload(files: &[File], payload: &[u8]) -> Vec<u8> {
    let names: Vec<&str> = files.iter().map(|file| file.0).collect();
    let links: Vec<&str> = files.iter().map(|file| file.3).collect();
    let modes: Vec<_> = files.iter().map(|file| file.1.to_be_bytes()).collect();
    let inodes: Vec<_> = files.iter().map(|file| file.2.to_be_bytes()).collect();
    let sizes: Vec<_> = files.iter().map(|file| (file.4.len() as u64).to_be_bytes()).collect();
    let main = header(&[
        (NAME, 6, 1, b"x\0".to_vec()),
        (ARCH, 6, 1, b"noarch\0".to_vec()),
        numbers(FILE_MODES, 3, &modes),
        texts(FILE_LINKS, &links),
        numbers(FILE_DEVICES, 4, &vec![1_u32.to_be_bytes(); files.len()]),
        numbers(FILE_INODES, 4, &inodes),
        numbers(DIRECTORY_INDEXES, 4, &vec![0_u32.to_be_bytes(); files.len()]),
        texts(BASE_NAMES, &names),
        texts(DIRECTORY_NAMES, &["/srv/"]),
        (PAYLOAD_COMPRESSOR, 6, 1, b"zstd\0".to_vec()),
        numbers(LONG_FILE_SIZES, 5, &sizes),
        numbers(RPM_FORMAT, 4, &[6_u32.to_be_bytes()]),
    ]);
    let mut file = vec![0xed, 0xab, 0xee, 0xdb, 4, 0, 0, 0];
    file.resize(96, 0);
    file.extend(header(&[(999, 7, 8, vec![0; 8])]));
    file.resize(file.len().next_multiple_of(8), 0);
    file.extend(main);
    file.extend(payload);
    file
}

fn rpm(files: &[File]) -> Vec<u8> {
    rpm_with_payload(files, &zstd::encode_all(&stripped_payload(files)[..], 3).unwrap())
}

fn read(bytes: &[u8]) -> Package {
    read_from(Cursor::new(bytes), Path::new("x.rpm")).unwrap()
}

#[test]
fn files_have_the_names_and_sizes_of_the_header() {
    let package = read(&rpm(&FILES));
    assert_eq!(package.tags["RPMFORMAT"], "6");
    let digest = |name: &str| package.files[&format!("/srv/{name}")].digest.clone();
    assert_eq!(package.files["/srv/single"].size, Some(2));
    assert_eq!(package.files["/srv/directory"].kind, FileKind::Directory);
    assert_eq!(package.files["/srv/link"].target.as_deref(), Some("first"));
    // By sha256sum.
    let single = "73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac";
    assert_eq!(digest("single").as_deref(), Some(single));
    assert_eq!(digest("second").unwrap().len(), 64);
}

#[test]
fn a_change_of_contents_is_found() {
    let mut changed = FILES;
    changed[4].4 = "y\n";
    let found = compare(&read(&rpm(&FILES)), &read(&rpm(&changed)));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].about, found[0].name.as_str(), found[0].attribute),
        ("file", "/srv/single", Some("digest"))
    );
}

#[test]
fn what_is_damaged_is_told_with_the_file_and_its_part() {
    let error = |payload: &[u8]| {
        read_from(Cursor::new(rpm_with_payload(&FILES, payload)), Path::new("x.rpm")).unwrap_err().to_string()
    };
    let whole = stripped_payload(&FILES);
    assert_eq!(error(&whole[..40]), "x.rpm cannot be read: payload: it ends too early");
    assert_eq!(
        error(b"07070X000000ff\0\0"),
        "x.rpm cannot be read: payload: it holds file 255, which the header does not list"
    );
    assert_eq!(
        error(b"070707"),
        "x.rpm cannot be read: payload: it is no cpio archive of a kind that is known"
    );
    let compressed = zstd::encode_all(&whole[..], 3).unwrap();
    assert!(error(&compressed[..compressed.len() - 4]).starts_with("x.rpm cannot be read: payload: "));
}
