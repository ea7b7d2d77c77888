//! `payloads`: what is read of it, what is wrong with it, and that what was unpacked passes the checks of `files/`.
#![allow(clippy::unwrap_used)]

mod support;

use std::fmt::Write;
use std::path::Path;

use opkg::model::{Part, PayloadDigest, PayloadForm};
use opkg::{Settings, UnpackedPayloads, load_with_payloads};
use support::{Fixture, config_with, summarize_diagnostics};

fn fixture(payloads: &str) -> Fixture {
    Fixture::with_config(config_with(
        "</serverDeps>",
        &format!("</serverDeps>\n<payloads>{payloads}</payloads>"),
    ))
}

#[test]
fn what_is_said_of_payloads() {
    let directory = fixture(
        r#"<payload source="https://example.org/tool-1.0.tar.gz?x=y" part="client" arch="amd64" strip="1">
      <take path="./bin/*" to="/usr/bin/" mode="755"/>
      <take path="/usr/share/man/"/>
      <take path="lib/tool.so"/>
      <omit path="bin/debug"/>
    </payload>
    <payload source="payloads/tool.rpm" part="api"/>
    <payload source="stage/" part="server"/>
    <payload source="file:///srv/tool" from="file" part="server"><take to="/usr/sbin/tool"/></payload>"#,
    )
    .with_file("payloads/tool.rpm", "")
    .with_file("payload.lock", "")
    .with_file("stage/usr/bin/x", "");
    assert_eq!(directory.diagnostics(), [""; 0]);
    let opkg = directory.opkg();
    let [tar, rpm, stage, file] = opkg.payloads.as_slice() else { panic!("{:?}", opkg.payloads) };
    assert_eq!(
        (tar.form, tar.part, tar.arch, tar.strip),
        (PayloadForm::Tar, Part::Client, Some("x86_64"), 1)
    );
    assert_eq!((tar.file_name(), tar.directory().as_str()), ("tool-1.0.tar.gz", "files/client@x86_64"));
    let takes: Vec<_> =
        tar.takes.iter().map(|take| (take.path.as_str(), take.to.as_str(), take.mode)).collect();
    assert_eq!(
        takes,
        [
            ("bin/*", "/usr/bin/", Some(0o755)),
            ("usr/share/man/", "/usr/share/man/", None),
            ("lib/tool.so", "/lib/", None),
        ]
    );
    assert_eq!(tar.omits, ["bin/debug"]);
    assert_eq!((rpm.form, rpm.is_inside, rpm.directory().as_str()), (PayloadForm::Rpm, true, "files/api"));
    assert_eq!((stage.form, stage.source.as_str()), (PayloadForm::Directory, "stage"));
    assert_eq!((stage.takes[0].path.as_str(), stage.takes[0].to.as_str()), ("/", "/"));
    assert_eq!((file.form, file.file_name(), file.is_inside), (PayloadForm::File, "tool", false));
    // What is taken of them is not known here, and nothing of the sources themselves is packaged.
    assert!(opkg.files.iter().all(|file| file.payload.is_none() && file.path == "config.xml"));
}

#[test]
fn what_is_wrong_is_said_with_a_way_out() {
    let sources = [
        r#"<payload part="client"/>"#,
        r#"<payload source="a.tar.gz"/>"#,
        r#"<payload source="a.tar.gz" part="nodes"/>"#,
        r#"<payload source="a.tar.gz" part="client" from="tgz"/>"#,
        r#"<payload source="a.zip" part="client"/>"#,
        r#"<payload source="tool" part="client"/>"#,
        r#"<payload source="tool" from="file" part="client"/>"#,
        r#"<payload source="tool" from="file" part="client"><take mode="0755"/></payload>"#,
        r#"<payload source="../a.rpm" part="client"/>"#,
        r#"<payload source="/srv/a.rpm" part="client"/>"#,
        r#"<payload source="files/client/" part="client"/>"#,
        r#"<payload source="ftp://example.org/a.rpm" part="client"/>"#,
        r#"<payload source="https://me:secret@example.org/a.rpm" part="client"/>"#,
        r#"<payload source="https://example.org/a b.rpm" part="client"/>"#,
        r#"<payload source="https://example.org/a/" part="client"/>"#,
        r#"<payload source="https://example.org/.." from="tar" part="client"/>"#,
        r#"<payload source="a.rpm" part="client" arch="noarch"/>"#,
        r#"<payload source="a.rpm" part="client" strip="-1"/>"#,
        r#"<payload source="a.rpm" part="client"><take path="../x"/></payload>"#,
        r#"<payload source="a.rpm" part="client"><take path="a/**/x"/></payload>"#,
        r#"<payload source="a.rpm" part="client"><take path="a*/x"/></payload>"#,
        r#"<payload source="a.rpm" part="client"><take path="a" to="b"/></payload>"#,
        r#"<payload source="a.rpm" part="client"><take path="a/" to="/b"/></payload>"#,
        r#"<payload source="a.rpm" part="client"><take path="a" mode="4755"/></payload>"#,
        r#"<payload source="a.rpm" part="client"><omit/></payload>"#,
        r#"<payload source="a.rpm" part="client"><keep path="a"/></payload>"#,
    ];
    let mut text = String::new();
    for source in sources {
        let directory = fixture(source);
        let found = directory.load().diagnostics;
        writeln!(text, "{source}").unwrap();
        for found in found {
            writeln!(text, "  {:?}[{}]: {}", found.severity, found.code, found.message).unwrap();
            writeln!(text, "    help: {}", found.help.unwrap()).unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

/// Loads an OPKG whose only payload is unpacked already.
fn load_unpacked(directory: &Fixture, unpacked: &Path) -> opkg::LoadResult {
    let digest = PayloadDigest { size: 1, sha256: [2; 32] };
    load_with_payloads(directory.path(), &Settings::default(), &mut |_, payloads, _| {
        assert_eq!(payloads.len(), 1);
        Some(UnpackedPayloads { root: unpacked.to_owned(), digests: vec![Some(digest)] })
    })
}

#[test]
fn what_was_unpacked_is_as_if_it_lay_below_files() {
    let unpacked = tempfile::tempdir().unwrap();
    let write = |path: &str, contents: &[u8]| {
        let path = unpacked.path().join("0").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, contents).unwrap();
    };
    write("files/client/usr/bin/tool", b"#!/bin/sh\n");
    write("files/client/usr/lib/systemd/system/tool.service", b"[Install]\n");
    write("files/client/etc/tool.conf", b"x\n");
    let directory = fixture(r#"<payload source="tool.tar" part="client"/>"#)
        .with_file("files/client/etc/other.conf", "y\n")
        .with_file("tool.tar", "");
    let loaded = load_unpacked(&directory, unpacked.path());
    assert_eq!(summarize_diagnostics(&loaded), [""; 0]);
    let opkg = loaded.opkg.unwrap();
    let files: Vec<_> =
        opkg.files.iter().map(|it| (it.path.as_str(), it.payload, it.is_configuration)).collect();
    assert_eq!(
        files,
        [
            ("config.xml", None, false),
            ("files/client/etc/other.conf", None, true),
            ("files/client/etc/tool.conf", Some(0), true),
            ("files/client/usr/bin/tool", Some(0), false),
            ("files/client/usr/lib/systemd/system/tool.service", Some(0), false),
        ]
    );
    assert!(opkg.files[4].unit.is_some() && opkg.payloads[0].digest.unwrap().size == 1);

    // The same place twice, a place where nothing may be, a program for another machine: said of the payload.
    write("files/client/etc/other.conf", b"z\n");
    write("files/client/run/tool", b"");
    write("files/client@x86_64/usr/bin/arm", &{
        let mut head = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
        head.extend(183u16.to_le_bytes());
        head
    });
    let found = load_unpacked(&directory, unpacked.path());
    assert!(found.opkg.is_none());
    let said: Vec<_> = found.diagnostics.iter().map(|it| format!("[{}] {}", it.code, it.message)).collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn nothing_is_missed_where_payloads_were_not_unpacked() {
    let rule = "</payloads><files><file path=\"/usr/bin/tool\" mode=\"0700\"/></files><payloads>";
    let payload = r#"<payload source="tool.tar" part="client"/>"#;
    let directory = fixture(&format!("{payload}{rule}{payload}")).with_file("tool.tar", "");
    let found = directory.diagnostics();
    assert!(found.iter().all(|found| found.contains("warning order")), "{found:?}");
    // But a failure to unpack them is never an OPKG without them.
    let loaded = load_with_payloads(directory.path(), &Settings::default(), &mut |_, _, _| None);
    assert!(loaded.opkg.is_none());
}
