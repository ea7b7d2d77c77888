//! A small Debian package, uncompressed and compressed.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

const CONTROL: &str = "Package: opkg-x\nVersion: 1.0-1\nArchitecture: all\nMaintainer: A <a@example.org>\n\
                       Depends: munge (>= 3) | x [amd64], y\nDescription: X\n It is x.\n .\n More.\n";

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let control = tar(&[("./control", CONTROL), ("./postinst", "#!/bin/sh\ntrue\n"), ("./md5sums", "")]);
    let long = format!("./usr/{}", "x".repeat(120));
    let data = tar(&[("./usr/share/doc/x/copyright", "free\n"), (&long, "")]);
    let plain = ar(&[("control.tar", &control), ("data.tar", &data)]);
    let packed = ar(&[("control.tar.gz", &gzip(&control)), ("data.tar.gz", &gzip(&data))]);
    vec![plain, packed]
}

fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, contents) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, contents.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, contents) in [("debian-binary", &b"2.0\n"[..])].iter().chain(members) {
        writeln!(archive, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, "100644", contents.len())
            .unwrap();
        archive.extend_from_slice(contents);
        if contents.len() % 2 == 1 {
            archive.push(b'\n');
        }
    }
    archive
}
