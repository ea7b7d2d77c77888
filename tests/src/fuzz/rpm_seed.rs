//! A small RPM: lead, signature, header, and a compressed cpio archive of one file.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut rpm = lead();
    // The size of header and payload, of which readers need not take notice.
    let mut signature = header(&[(1000, Value::Int32(&[0]))]);
    signature.resize(signature.len().next_multiple_of(8), 0);
    rpm.extend(signature);
    rpm.extend(header(&[
        (1000, Value::Text("opkg-x")),
        (1001, Value::Text("1.0")),
        (1002, Value::Text("1")),
        (1004, Value::Localised("X")),
        (1021, Value::Text("linux")),
        (1022, Value::Text("noarch")),
        (1024, Value::Text("exit 0\n")),
        (1028, Value::Int32(&[3])),
        (1030, Value::Int16(&[0o100_644])),
        (1034, Value::Int32(&[1_700_000_000])),
        (1035, Value::Texts(&[""])),
        (1036, Value::Texts(&[""])),
        (1037, Value::Int32(&[2])),
        (1039, Value::Texts(&["root"])),
        (1040, Value::Texts(&["root"])),
        (1048, Value::Int32(&[12])),
        (1049, Value::Texts(&["munge"])),
        (1050, Value::Texts(&["3"])),
        (1116, Value::Int32(&[0])),
        (1117, Value::Texts(&["README"])),
        (1118, Value::Texts(&["/usr/share/doc/x/"])),
        (1124, Value::Text("cpio")),
        (1125, Value::Text("gzip")),
    ]));
    let mut payload = GzEncoder::new(rpm, Compression::best());
    payload.write_all(&cpio("./usr/share/doc/x/README", b"hi\n")).unwrap();
    vec![payload.finish().unwrap()]
}

fn lead() -> Vec<u8> {
    let mut lead = vec![0xed, 0xab, 0xee, 0xdb, 3, 0, 0, 0, 0, 1];
    lead.extend(b"opkg-x-1.0-1");
    lead.resize(76, 0);
    // Linux, and a signature in a header.
    lead.extend([0, 1, 0, 5]);
    lead.resize(96, 0);
    lead
}

enum Value {
    Int16(&'static [u16]),
    Int32(&'static [u32]),
    Text(&'static str),
    Texts(&'static [&'static str]),
    Localised(&'static str),
}

fn header(entries: &[(u32, Value)]) -> Vec<u8> {
    let (mut index, mut store) = (Vec::new(), Vec::new());
    for (tag, value) in entries {
        let (kind, alignment, count) = match value {
            Value::Int16(numbers) => (3, 2, numbers.len()),
            Value::Int32(numbers) => (4, 4, numbers.len()),
            Value::Text(_) => (6, 1, 1),
            Value::Texts(texts) => (8, 1, texts.len()),
            Value::Localised(_) => (9, 1, 1),
        };
        store.resize(store.len().next_multiple_of(alignment), 0);
        for number in [*tag, kind, store.len() as u32, count as u32] {
            index.extend(number.to_be_bytes());
        }
        let mut push_text = |text: &str| {
            store.extend(text.bytes());
            store.push(0);
        };
        match value {
            Value::Text(text) | Value::Localised(text) => push_text(text),
            Value::Texts(texts) => texts.iter().for_each(|text| push_text(text)),
            Value::Int16(numbers) => numbers.iter().for_each(|number| store.extend(number.to_be_bytes())),
            Value::Int32(numbers) => numbers.iter().for_each(|number| store.extend(number.to_be_bytes())),
        }
    }
    let mut header = vec![0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
    header.extend((entries.len() as u32).to_be_bytes());
    header.extend((store.len() as u32).to_be_bytes());
    header.extend(index);
    header.extend(store);
    header
}

/// An archive of one file, in the "new ASCII" format.
fn cpio(path: &str, contents: &[u8]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (path, contents, mode) in [(path, contents, 0o100_644), ("TRAILER!!!", &[][..], 0)] {
        let fields = [1, mode, 0, 0, 1, 0, contents.len(), 0, 0, 0, 0, path.len() + 1, 0];
        archive.extend(b"070701");
        for field in fields {
            write!(archive, "{field:08x}").unwrap();
        }
        archive.extend(path.bytes());
        archive.push(0);
        archive.resize(archive.len().next_multiple_of(4), 0);
        archive.extend(contents);
        archive.resize(archive.len().next_multiple_of(4), 0);
    }
    archive
}
