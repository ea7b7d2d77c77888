//! Signatures of RSA without OpenPGP, beside packages, in them and in their index, as programs check them that know nothing of us.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "common/archives.rs"]
#[allow(dead_code)]
mod archives;
mod common;
#[path = "common/gpg.rs"]
#[allow(dead_code)]
mod gpg;
#[path = "common/package.rs"]
#[allow(dead_code)]
mod package;
#[path = "common/tool.rs"]
#[allow(dead_code)]
mod tool;

use std::io::Read;
use std::path::Path;
use std::process::Command;

use archives::{concatenation, container, member, nested, rest, tar_archive};
use fs_err as fs;
use gpg::{EXPORT_SECRET, GpgHome, KEY_CREATED, NOW};
use opkg_interface::archive::{
    Archive, ArchiveContainer, ArchiveEntry, DetachedSignature, DigestAlgorithm, EmbeddedSignature,
    MemberContent, SignatureScheme,
};
use opkg_interface::artefacts::{BinaryPackage, Compression, Container};
use opkg_interface::built::{
    IndexContent, IndexFile, IndexNeeds, IndexSource, PackageFile, PackageSource, SigningKey,
};
use opkg_package::{
    BuildMode, BuildOptions, Error, IndexRequest, Signer, UnsignedReason, write_index, write_packages,
};
use package::{fixture, output_of, sample_package};
use tool::is_installed;

const RSA_SHA1: SignatureScheme = SignatureScheme::Rsa(DigestAlgorithm::Sha1);

const RSA_SHA256: SignatureScheme = SignatureScheme::Rsa(DigestAlgorithm::Sha256);

/// Nothing, saying so, where a tool is missing.
fn tools() -> Option<GpgHome> {
    GpgHome::new().filter(|_| is_installed("openssl"))
}

fn signer(gpg: &GpgHome, algorithm: &str) -> Signer {
    let key = gpg.generate_key(algorithm, "sign", "never");
    Signer::new(&gpg.export_secret(&key, EXPORT_SECRET), None, NOW).unwrap()
}

/// Whether `openssl` takes a signature for one of this key.
fn verifies(digest: &str, key: &[u8], signature: &[u8], data: &[u8]) -> bool {
    let place = tempfile::tempdir().unwrap();
    for (name, bytes) in [("key", key), ("signature", signature), ("data", data)] {
        fs::write(place.path().join(name), bytes).unwrap();
    }
    let arguments = ["dgst", digest, "-verify", "key", "-signature", "signature", "data"];
    let output = Command::new("openssl").args(arguments).current_dir(place.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said == "Verified OK\n" || said == "Verification failure\n", "{output:?}");
    output.status.success()
}

#[test]
fn openssl_takes_signatures_by_rsa_keys() {
    let Some(gpg) = tools() else { return };
    for (algorithm, bits) in [("rsa2048", 2048), ("rsa3072", 3072)] {
        let fingerprint = gpg.generate_key(algorithm, "sign", "never");
        let secret = gpg.export_secret(&fingerprint, EXPORT_SECRET);
        let signer = Signer::new(&secret, None, NOW).unwrap();
        let key = signer.rsa_key().unwrap();
        let expected = format!("opkg-{}", fingerprint[fingerprint.len() - 16..].to_lowercase());
        assert_eq!((signer.name(), &key.name, key.bits), (expected.as_str(), &expected, bits));
        assert_eq!(key.owner, format!("Test {algorithm} sign <test@example.org>"));
        for (digest, algorithm) in [
            ("-md5", DigestAlgorithm::Md5),
            ("-sha1", DigestAlgorithm::Sha1),
            ("-sha256", DigestAlgorithm::Sha256),
            ("-sha512", DigestAlgorithm::Sha512),
        ] {
            let sign = |data: &[u8], time| signer.sign(SignatureScheme::Rsa(algorithm), data, time).unwrap();
            let signature = sign(b"data", 0);
            assert_eq!(signature, sign(b"data", 5), "it has no time, and is the same each time");
            assert!(verifies(digest, key.pem.as_bytes(), &signature, b"data"), "{digest}");
            assert!(!verifies(digest, key.pem.as_bytes(), &signature, b"other"), "{digest}");
        }
    }
}

/// One in 256 begins with a zero, which numbers of OpenPGP do not have.
#[test]
fn signatures_are_as_long_as_the_modulus() {
    let Some(gpg) = tools() else { return };
    let signer = signer(&gpg, "rsa1024");
    let mut small = (0_u32..5000).map(|number| {
        let data = number.to_le_bytes();
        (signer.sign(RSA_SHA256, &data[..], 0).unwrap(), data)
    });
    let is_small = |(signature, _): &(Vec<u8>, _)| {
        assert_eq!(signature.len(), 128);
        signature[0] == 0
    };
    let (signature, data) = small.find(is_small).unwrap();
    assert!(verifies("-sha256", signer.rsa_key().unwrap().pem.as_bytes(), &signature, &data));
}

#[test]
fn the_part_of_the_key_that_signs_has_the_name_and_the_algorithm() {
    let Some(gpg) = tools() else { return };
    let key = gpg.generate_key("ed25519", "cert", "never");
    let time = format!("{KEY_CREATED}!");
    let options =
        ["--faked-system-time", &time, "--passphrase", "", "--quick-add-key", &key, "rsa2048", "sign"];
    gpg.run_ok(&options);
    let secret = gpg.export_secret(&key, EXPORT_SECRET);
    let with_subkey = Signer::new(&secret, None, NOW).unwrap();
    let list = String::from_utf8(gpg.run_ok(&["--with-colons", "--list-keys", &key])).unwrap();
    let subkey = list.lines().find(|line| line.starts_with("sub:")).unwrap();
    let id = subkey.split(':').nth(4).unwrap().to_lowercase();
    assert_eq!((with_subkey.name(), with_subkey.kind()), (format!("opkg-{id}").as_str(), "RSA of 2048 bits"));
    let signature = with_subkey.sign(RSA_SHA256, &b"data"[..], 0).unwrap();
    assert!(verifies("-sha256", with_subkey.rsa_key().unwrap().pem.as_bytes(), &signature, b"data"));

    let other = signer(&gpg, "ed25519");
    assert!(other.rsa_key().is_none() && !other.can_sign(RSA_SHA256));
    assert!(other.can_sign(SignatureScheme::Openpgp) && other.can_sign(SignatureScheme::OpenpgpArmored));
    assert!(matches!(other.sign(RSA_SHA256, &b"data"[..], 0), Err(Error::Signing)));
}

fn text(path: &str, text: &str) -> ArchiveEntry {
    ArchiveEntry::Member(member(path, MemberContent::Text(text.into())))
}

fn signature_over(name: &str, scheme: SignatureScheme) -> EmbeddedSignature {
    let (path_prefix, path_suffix) = (".SIGN.RSA.".into(), ".rsa.pub".into());
    EmbeddedSignature { name: name.into(), path_prefix, path_suffix, scheme }
}

/// A tar without an end, as the first of several.
fn cut(name: &str, entries: Vec<ArchiveEntry>) -> Archive {
    Archive { end_marker: false, ..tar_archive(name, Compression::Gzip, entries) }
}

/// As apk-v2(5) has it: signature, control, data.
fn apk() -> Container {
    container(vec![
        tar_archive("data", Compression::Gzip, vec![ArchiveEntry::Files(rest(""))]),
        cut("control", vec![text(".PKGINFO", "pkgname = x\n")]),
        cut("signature", vec![ArchiveEntry::Signature(signature_over("control", RSA_SHA1))]),
        concatenation("package", &["signature", "control", "data"]),
    ])
}

/// The files of a package of this name.
fn write(container: &Container, name: &str, signer: Option<&Signer>) -> Result<tempfile::TempDir, Error> {
    let fixture = fixture();
    let package = BinaryPackage { file_name: name.into(), ..sample_package(&fixture) };
    let directory = tempfile::tempdir().unwrap();
    let options = BuildOptions { signer, ..BuildOptions::new(BuildMode::Direct) };
    write_packages(&output_of(&package, container), fixture.source(), directory.path(), options)?;
    Ok(directory)
}

fn read(directory: &Path, name: &str) -> Vec<u8> {
    fs::read(directory.join(name)).unwrap()
}

/// The members of gzip that a file consists of: each as it is stored, and unpacked.
fn gzip_members(bytes: &[u8]) -> Vec<(&[u8], Vec<u8>)> {
    let (mut members, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let mut decoder = flate2::bufread::GzDecoder::new(rest);
        let mut unpacked = Vec::new();
        decoder.read_to_end(&mut unpacked).unwrap();
        let left = decoder.into_inner().len();
        members.push((&rest[..rest.len() - left], unpacked));
        rest = &rest[rest.len() - left..];
    }
    members
}

/// The one file of a tar: its name, and what it holds.
fn single_file(tar: &[u8]) -> (String, Vec<u8>) {
    let mut archive = tar::Archive::new(tar);
    let mut entries = archive.entries().unwrap();
    let mut entry = entries.next().unwrap().unwrap();
    let mut contents = Vec::new();
    entry.read_to_end(&mut contents).unwrap();
    let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
    drop(entry);
    assert!(entries.next().is_none());
    (path, contents)
}

/// As apk does it: the file in the first member of gzip has the name of the key, and is its signature over the second one.
#[test]
fn a_package_has_a_signature_in_an_archive_of_its_own() {
    let Some(gpg) = tools() else { return };
    let signer = signer(&gpg, "rsa2048");
    let signed = read(write(&apk(), "x.apk", Some(&signer)).unwrap().path(), "x.apk");
    let members = gzip_members(&signed);
    assert_eq!(members.len(), 3);
    let (path, signature) = single_file(&members[0].1);
    assert_eq!(path, format!(".SIGN.RSA.{}.rsa.pub", signer.name()));
    assert!(!members[0].1.ends_with(&[0; 1024]), "the tar goes on");
    let key = signer.rsa_key().unwrap().pem.as_bytes();
    assert!(verifies("-sha1", key, &signature, members[1].0));
    assert!(!verifies("-sha1", key, &signature, members[2].0));
    assert_eq!(signed, read(write(&apk(), "x.apk", Some(&signer)).unwrap().path(), "x.apk"));

    // Where nobody signs, or with a key that does not fit, there is nothing in its place.
    let rest = &signed[members[0].0.len()..];
    let other = self::signer(&gpg, "ed25519");
    for signer in [None, Some(&other)] {
        assert_eq!(rest, read(write(&apk(), "x.apk", signer).unwrap().path(), "x.apk"));
    }
}

#[test]
fn a_signature_stands_beside_other_entries() {
    let Some(gpg) = tools() else { return };
    let container = |scheme| {
        let entries = vec![
            text("first", "1\n"),
            ArchiveEntry::Signature(EmbeddedSignature {
                name: "data".into(),
                path_prefix: "signatures/".into(),
                path_suffix: String::new(),
                scheme,
            }),
            nested("data", "data.tar"),
        ];
        container(vec![
            tar_archive("data", Compression::None, vec![ArchiveEntry::Files(rest("./"))]),
            tar_archive("package", Compression::None, entries),
        ])
    };
    let signer = signer(&gpg, "rsa2048");
    let names = |directory: &Path| {
        let bytes = read(directory, "x");
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut contents = Vec::new();
            entry.read_to_end(&mut contents).unwrap();
            (String::from_utf8(entry.path_bytes().into_owned()).unwrap(), contents)
        });
        entries.collect::<Vec<_>>()
    };
    let made = names(write(&container(SignatureScheme::OpenpgpArmored), "x", Some(&signer)).unwrap().path());
    let name = format!("signatures/{}", signer.name());
    assert_eq!(made.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["first", &name, "data.tar"]);
    gpg.run_ok(&["--verify", &gpg.write_file("signature", &made[1].1), &gpg.write_file("data", &made[2].1)]);

    let unsigned = names(write(&container(RSA_SHA256), "x", None).unwrap().path());
    assert_eq!(unsigned.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["first", "data.tar"]);
    assert_eq!(unsigned[1].1, made[2].1);
}

/// Without a name: before what it is over, and behind it.
#[test]
fn a_signature_stands_between_the_bytes_of_archives() {
    let Some(gpg) = tools() else { return };
    let signer = signer(&gpg, "rsa2048");
    let package = |path_prefix: &str| {
        let signature = ArchiveEntry::Signature(EmbeddedSignature {
            name: "data".into(),
            path_prefix: path_prefix.into(),
            path_suffix: String::new(),
            scheme: RSA_SHA256,
        });
        let entries = vec![signature.clone(), nested("data", ""), signature];
        let whole = Archive { entries, ..concatenation("package", &[]) };
        container(vec![tar_archive("data", Compression::None, vec![ArchiveEntry::Files(rest("./"))]), whole])
    };
    let made = read(write(&package(""), "x", Some(&signer)).unwrap().path(), "x");
    let (data, after) = made[256..].split_at(made.len() - 512);
    assert_eq!(&made[..256], after);
    assert!(verifies("-sha256", signer.rsa_key().unwrap().pem.as_bytes(), after, data));
    assert!(matches!(write(&package("a"), "x", Some(&signer)), Err(Error::CannotHold { .. })));
}

/// Also where nobody signs: most of the time, a plugin is tried without a key.
#[test]
fn a_signature_is_over_an_earlier_archive() {
    for (name, others) in
        [("data", true), ("missing", true), ("missing", false), ("x", true), ("last", false)]
    {
        let signature = ArchiveEntry::Signature(signature_over(name, RSA_SHA1));
        let entries = if others { vec![text("first", "1\n"), signature] } else { vec![signature] };
        let made = write(
            &container(vec![
                tar_archive("data", Compression::None, vec![ArchiveEntry::Files(rest("./"))]),
                concatenation("taken", &["data"]),
                tar_archive("x", Compression::None, entries),
                concatenation("last", &["taken", "x"]),
            ]),
            "x",
            None,
        );
        if name == "data" {
            assert!(made.is_ok(), "{made:?}");
            continue;
        }
        let error = made.unwrap_err().to_string();
        assert!(error.contains(&format!("x has no archive `{name}` for a signature in `x`")), "{error}");
    }
}

#[test]
fn a_signature_beside_a_package_is_the_number_alone() {
    let Some(gpg) = tools() else { return };
    let archives = vec![tar_archive("package", Compression::Gzip, vec![ArchiveEntry::Files(rest("./"))])];
    let Container::Archives(container) = container(archives) else { unreachable!() };
    let signature = Some(DetachedSignature { suffix: ".sig2".into(), scheme: RSA_SHA256 });
    let container = Container::Archives(ArchiveContainer { signature, ..container });
    let signer = signer(&gpg, "rsa2048");
    let directory = write(&container, "x.xbps", Some(&signer)).unwrap();
    let signature = read(directory.path(), "x.xbps.sig2");
    let key = signer.rsa_key().unwrap().pem.as_bytes();
    assert!(verifies("-sha256", key, &signature, &read(directory.path(), "x.xbps")));
    let other = self::signer(&gpg, "nistp256");
    let directory = write(&container, "x.xbps", Some(&other)).unwrap();
    assert!(!directory.path().join("x.xbps.sig2").exists());
}

/// An index with a signature within it, beside it, or none; which notes by whom it is going to be signed.
struct Index {
    within: bool,
    beside: bool,
    key: std::sync::Mutex<Option<SigningKey>>,
}

impl Index {
    fn new(within: bool, beside: bool) -> Self {
        Self { within, beside, key: std::sync::Mutex::default() }
    }
}

impl IndexSource for Index {
    fn describe_index(&self) -> Result<Option<IndexNeeds>, String> {
        Ok(Some(IndexNeeds { suffixes: vec![".apk".into()], members: Vec::new() }))
    }

    fn index(&self, source: &PackageSource, packages: &[PackageFile]) -> Result<Vec<IndexFile>, String> {
        self.key.lock().unwrap().clone_from(&source.signing_key);
        let list: String = packages.iter().map(|it| format!("{}\n", it.file_name)).collect();
        let index = tar_archive("index", Compression::Gzip, vec![text("APKINDEX", &list)]);
        let signature = cut("signature", vec![ArchiveEntry::Signature(signature_over("index", RSA_SHA1))]);
        let archives = match self.within {
            true => vec![index, signature, concatenation("file", &["signature", "index"])],
            false => vec![index],
        };
        let signature = self.beside.then(|| DetachedSignature { suffix: ".sig2".into(), scheme: RSA_SHA256 });
        Ok(vec![IndexFile {
            path: "APKINDEX.tar.gz".into(),
            content: IndexContent::Archives(archives),
            signature,
        }])
    }
}

fn request<'a>(maker: &'a Index, signer: Option<&'a Signer>) -> IndexRequest<'a> {
    IndexRequest { maker: Some(maker), signer, ..IndexRequest::unsigned("site") }
}

#[test]
fn an_index_has_its_signature_in_front_and_the_key_beside_it() {
    let Some(gpg) = tools() else { return };
    let [first, second, other] = ["rsa2048", "rsa3072", "ed25519"].map(|it| signer(&gpg, it));
    let directory = write(&apk(), "x.apk", Some(&first)).unwrap();
    let place = directory.path();
    let maker = Index::new(true, false);
    for signer in [&first, &second] {
        let written = write_index(place, request(&maker, Some(signer))).unwrap();
        assert_eq!(written.unsigned, None);
        assert_eq!(maker.key.lock().unwrap().as_ref(), signer.rsa_key());
        let index = read(place, "APKINDEX.tar.gz");
        let members = gzip_members(&index);
        let (path, signature) = single_file(&members[0].1);
        // What apk looks for in /etc/apk/keys.
        let key = path.strip_prefix(".SIGN.RSA.").unwrap();
        assert_eq!(
            written.files.iter().map(|it| it.path.clone()).collect::<Vec<_>>(),
            [place.join(key), place.join("APKINDEX.tar.gz")]
        );
        assert!(verifies("-sha1", &read(place, key), &signature, &index[members[0].0.len()..]));
        // The key of before stays, since packages may still be signed with it.
        assert!(place.join(format!("{}.rsa.pub", first.name())).is_file());
    }
    // What is signed does not become unsigned by itself.
    for signer in [None, Some(&other)] {
        let error = write_index(place, request(&maker, signer)).unwrap_err();
        assert!(
            matches!(&error, Error::SignatureLost(file) if *file == place.join("APKINDEX.tar.gz")),
            "{error}"
        );
    }
    let unsigned = IndexRequest { drops_signature: true, ..request(&maker, None) };
    assert_eq!(write_index(place, unsigned).unwrap().unsigned, None, "nobody asked for a signature");
    assert_eq!(gzip_members(&read(place, "APKINDEX.tar.gz")).len(), 1);
    // One that was never signed may stay so, and the key is told of.
    assert_eq!(
        write_index(place, request(&maker, Some(&other))).unwrap().unsigned,
        Some(UnsignedReason::OtherKey)
    );
    assert!(maker.key.lock().unwrap().is_none());
}

#[test]
fn an_index_has_its_signature_beside_it() {
    let Some(gpg) = tools() else { return };
    let [signer, other] = ["rsa2048", "ed25519"].map(|it| signer(&gpg, it));
    let directory = write(&apk(), "x.apk", None).unwrap();
    let place = directory.path();
    let none = Index::new(false, false);
    let written = write_index(place, request(&none, Some(&signer))).unwrap();
    assert_eq!(written.unsigned, Some(UnsignedReason::NoPlace));
    let maker = Index::new(false, true);
    assert_eq!(write_index(place, request(&maker, Some(&signer))).unwrap().unsigned, None);
    let signature = read(place, "APKINDEX.tar.gz.sig2");
    let key = read(place, &format!("{}.pem", signer.name()));
    assert!(verifies("-sha256", &key, &signature, &read(place, "APKINDEX.tar.gz")));
    assert!(matches!(write_index(place, request(&maker, Some(&other))), Err(Error::SignatureLost(_))));
    write_index(place, IndexRequest { drops_signature: true, ..request(&maker, None) }).unwrap();
    assert!(!place.join("APKINDEX.tar.gz.sig2").exists());
}
