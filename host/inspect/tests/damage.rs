//! Archives that are damaged where only checksums show it, behind the last thing that is in them.
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{self, Write};

use opkg_inspect::{ContentsError, ContentsFormat, visit_contents};

fn archive() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(7);
    tar.append_data(&mut header, "opt/tool", &b"program"[..]).unwrap();
    tar.into_inner().unwrap()
}

/// In every form, with what is called so.
fn packed() -> Vec<(&'static str, Vec<u8>)> {
    let tar = archive();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar).unwrap();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(&tar).unwrap();
    let mut zstd = zstd::Encoder::new(Vec::new(), 1).unwrap();
    zstd.include_checksum(true).unwrap();
    zstd.write_all(&tar).unwrap();
    vec![("gzip", gzip.finish().unwrap()), ("xz", xz.finish().unwrap()), ("zstd", zstd.finish().unwrap())]
}

/// A package with these archives.
fn deb(control: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, contents) in [("debian-binary", &b"2.0\n"[..]), ("control.tar", control), ("data.tar", data)] {
        writeln!(bytes, "{name:<16}{:<12}0     0     100644  {:<10}`", 5, contents.len()).unwrap();
        bytes.extend_from_slice(contents);
        bytes.extend(vec![b'\n'; contents.len() % 2]);
    }
    bytes
}

fn visit(bytes: &[u8], format: ContentsFormat) -> Result<usize, ContentsError> {
    let mut count = 0;
    visit_contents(bytes, format, &mut |_, contents| {
        count += 1;
        io::copy(contents, &mut io::sink()).map(drop)
    })?;
    Ok(count)
}

#[test]
fn checksums_behind_the_end_of_an_archive_are_compared() {
    for (name, whole) in packed() {
        assert_eq!(visit(&whole, ContentsFormat::Tar).unwrap(), 1, "{name}");
        for missing in 1..9 {
            let cut_off = &whole[..whole.len() - missing];
            let found = visit(cut_off, ContentsFormat::Tar);
            assert!(matches!(found, Err(ContentsError::Invalid(_))), "{name} without {missing}: {found:?}");
        }
        let mut flipped = whole.clone();
        // Of gzip the size, of xz a mark, of zstd the checksum.
        *flipped.last_mut().unwrap() ^= 1;
        assert!(visit(&flipped, ContentsFormat::Tar).is_err(), "{name}");
        let sound = deb(&archive(), &whole);
        assert_eq!(visit(&sound, ContentsFormat::Deb).unwrap(), 1, "{name}");
        for damaged in [deb(&flipped, &whole), deb(&archive(), &flipped)] {
            assert!(visit(&damaged, ContentsFormat::Deb).is_err(), "{name}");
        }
    }
    let cut_off = deb(&archive(), &archive());
    let error = visit(&cut_off[..cut_off.len() - 20], ContentsFormat::Deb).unwrap_err();
    assert_eq!(error.to_string(), "data.tar: it ends too early");
}
