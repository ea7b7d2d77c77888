//! Signatures that `gpg` accepts, of every kind of key that it makes, and key files that cannot be signed with.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;
#[path = "common/gpg.rs"]
mod gpg;
#[path = "common/package.rs"]
mod package;

use std::path::Path;

use fs_err as fs;
use gpg::{EXPORT_SECRET, GpgHome, KEY_CREATED, NOW};
use opkg_interface::artefacts::{
    BinaryPackage, Compression, Container, RpmDigestAlgorithm, RpmFormat, RpmFormatVersion,
};
use opkg_package::{IndexRequest, KeyError, RepositoryUrl, Signer, write_index};
use package::{fixture, sample_package, write_single};

#[test]
fn gpg_accepts_what_every_kind_of_key_signs() {
    let Some(gpg) = GpgHome::new() else { return };
    let verifier = GpgHome::new().unwrap();
    let text = "First\n- Dashed\nWith blanks  \n\nFrom here\n";
    let data = gpg.write_file("data", text);
    for (algorithm, is_rsa) in
        [("rsa2048", true), ("ed25519", false), ("nistp256", false), ("nistp384", false), ("dsa2048", false)]
    {
        let key = gpg.generate_key(algorithm, "sign", "never");
        let signer = Signer::new(&gpg.export_secret(&key, EXPORT_SECRET), None, NOW).unwrap();
        assert_eq!(signer.is_rsa(), is_rsa, "{algorithm}");
        verifier.run_ok(&["--import", &gpg.write_file("public", signer.public_key())]);

        let binary = signer.sign_detached(text.as_bytes(), KEY_CREATED.into()).unwrap();
        assert_eq!(
            binary,
            signer.sign_detached(text.as_bytes(), KEY_CREATED.into()).unwrap(),
            "{algorithm}: same bytes"
        );
        assert_ne!(binary, signer.sign_detached(text.as_bytes(), u64::from(KEY_CREATED) + 1).unwrap());
        verifier.run_ok(&["--verify", &gpg.write_file("binary", binary), &data]);
        let armored = signer.sign_armored(text.as_bytes(), KEY_CREATED.into()).unwrap();
        verifier.run_ok(&["--verify", &gpg.write_file("armored", &armored), &data]);
        let other = gpg.write_file("other", format!("{text}!"));
        assert!(!verifier.run(&["--verify", &gpg.write_file("armored", armored), &other]).status.success());

        let around = signer.sign_cleartext(text, KEY_CREATED.into()).unwrap();
        let read = verifier.run_ok(&["--decrypt", &gpg.write_file("around", &around)]);
        assert_eq!(String::from_utf8(read).unwrap(), text.replace("blanks  ", "blanks"));
        let forged = gpg.write_file("forged", around.replace("First", "Last"));
        assert!(!verifier.run(&["--verify", &forged]).status.success());
    }
}

#[test]
fn nothing_is_signed_before_its_key_was_made() {
    let Some(gpg) = GpgHome::new() else { return };
    let key = gpg.generate_key("ed25519", "sign", "never");
    let signer = Signer::new(&gpg.export_secret(&key, EXPORT_SECRET), None, NOW).unwrap();
    let early = signer.sign_detached(&b"x"[..], 1_000_000_000).unwrap();
    assert_eq!(early, signer.sign_detached(&b"x"[..], KEY_CREATED.into()).unwrap());
    gpg.run_ok(&["--verify", &gpg.write_file("early", early), &gpg.write_file("data", "x")]);
}

#[test]
fn armored_or_binary_locked_or_not_is_the_same_key() {
    let Some(gpg) = GpgHome::new() else { return };
    // Made by `gpg` once: now and then it cannot read a locked key that it has just written.
    let armored = include_bytes!("keys/locked.asc");
    let secret = gpg.run_ok(&["--dearmor", "--output", "-", &gpg.write_file("locked", armored)]);
    let signed = |file: &[u8]| {
        Signer::new(file, Some("open sésame"), NOW)
            .unwrap()
            .sign_detached(&b"x"[..], KEY_CREATED.into())
            .unwrap()
    };
    assert_eq!(signed(&secret), signed(armored));
    assert!(matches!(key_error(&secret, None), KeyError::PassphraseRequired));
    assert!(matches!(key_error(&secret, Some("open sesame")), KeyError::WrongPassphrase));
    assert!(matches!(key_error(&secret, Some("")), KeyError::WrongPassphrase));
}

#[test]
fn a_subkey_signs_where_the_primary_key_does_not() {
    let Some(gpg) = GpgHome::new() else { return };
    let key = gpg.generate_key("ed25519", "cert", "never");
    assert!(matches!(key_error(&gpg.export_secret(&key, EXPORT_SECRET), None), KeyError::CannotSign));
    let add = |algorithm: &str, usage: &str, expires: &str| {
        let time = format!("{}!", KEY_CREATED + 100);
        let options = ["--faked-system-time", &time, "--passphrase", "", "--quick-add-key"];
        gpg.run_ok(&[&options[..], &[&key, algorithm, usage, expires]].concat());
    };
    add("cv25519", "encr", "never");
    assert!(matches!(key_error(&gpg.export_secret(&key, EXPORT_SECRET), None), KeyError::CannotSign));
    add("ed25519", "sign", "1d");
    assert!(matches!(key_error(&gpg.export_secret(&key, EXPORT_SECRET), None), KeyError::Expired(_)));
    add("rsa2048", "sign", "never");
    // As one has it who keeps the primary key in a safe.
    for options in [EXPORT_SECRET, &["--export-secret-subkeys"]] {
        let signer = Signer::new(&gpg.export_secret(&key, options), None, NOW).unwrap();
        assert!(signer.is_rsa());
        let signature = gpg.write_file("signature", signer.sign_detached(&b"x"[..], 0).unwrap());
        gpg.run_ok(&["--verify", &signature, &gpg.write_file("data", "x")]);
    }
}

#[test]
fn keys_that_nobody_would_accept_are_refused() {
    let Some(gpg) = GpgHome::new() else { return };
    let expiring = gpg.generate_key("ed25519", "sign", "2d");
    let secret = gpg.export_secret(&expiring, EXPORT_SECRET);
    assert!(Signer::new(&secret, None, KEY_CREATED + 3600).is_ok());
    let error = key_error(&secret, None).to_string();
    assert_eq!(error, "the key expired on Fri, 03 Jan 2020 00:00:00 +0000");

    let key = gpg.generate_key("nistp256", "sign", "never");
    let both = [secret, gpg.export_secret(&key, EXPORT_SECRET)].concat();
    assert!(matches!(key_error(&both, None), KeyError::MultipleKeys));
    let public = gpg.run_ok(&["--export", &key]);
    assert!(matches!(key_error(&public, None), KeyError::PublicOnly));
    let armored = gpg.run_ok(&["--armor", "--export", &key]);
    assert!(matches!(key_error(&armored, None), KeyError::PublicOnly));

    let certificate = Path::new(gpg.0.path()).join(format!("openpgp-revocs.d/{key}.rev"));
    let certificate = fs::read_to_string(certificate).unwrap().replace(":-----BEGIN", "-----BEGIN");
    gpg.run_ok(&["--import", &gpg.write_file("revocation", certificate)]);
    assert!(matches!(key_error(&gpg.export_secret(&key, EXPORT_SECRET), None), KeyError::Revoked));
}

#[test]
fn what_is_no_key_is_said_to_be_none() {
    for file in
        [&b""[..], b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n", b"hello", &[0x95, 0xff, 0xff, 0, 1], &[0; 99]]
    {
        assert!(matches!(key_error(file, None), KeyError::Invalid(_)), "{file:?}");
    }
}

#[test]
fn a_damaged_key_file_is_an_error() {
    let Some(gpg) = GpgHome::new() else { return };
    let key = gpg.generate_key("ed25519", "sign", "never");
    let secret = gpg.export_secret(&key, EXPORT_SECRET);
    for place in 0..secret.len() {
        let mut damaged = secret.clone();
        damaged[place] ^= 0x15;
        // Where it is still taken for a key, it signs; what it must not do is stop the program.
        let _ = Signer::new(&damaged, None, NOW).map(|it| it.sign_detached(&b"x"[..], 0));
        let _ = Signer::new(&secret[..place], None, NOW);
    }
}

fn key_error(file: &[u8], passphrase: Option<&str>) -> KeyError {
    match Signer::new(file, passphrase, NOW) {
        Ok(_) => panic!("it was taken"),
        Err(error) => error,
    }
}

/// Whatever is wrong with a key file, what is said of it holds nothing of the file.
#[test]
fn errors_show_nothing_of_a_damaged_key() {
    let Some(gpg) = GpgHome::new() else { return };
    for algorithm in ["rsa2048", "ed25519"] {
        let key = gpg.generate_key(algorithm, "sign", "never");
        let armored =
            String::from_utf8(gpg.run_ok(&["--armor", "--passphrase", "", "--export-secret-keys", &key]))
                .unwrap();
        let lines: Vec<&str> = armored.lines().collect();
        let mut damaged: Vec<String> = (0..lines.len())
            .flat_map(|index| {
                let without = [&lines[..index], &lines[index + 1..]].concat().join("\n");
                let cut = lines[..index].join("\n");
                let mut changed = lines.clone();
                let broken = format!("{}!{}", lines[index], lines[index]);
                changed[index] = &broken;
                [without, cut, changed.join("\n")]
            })
            .collect();
        damaged.push(armored.replace("BEGIN PGP", "BEGIN PGB"));
        damaged.push(armored.replace("\n\n", "\n"));
        let mut refused = 0;
        for file in &damaged {
            let Err(error) = Signer::new(file.as_bytes(), None, NOW) else { continue };
            refused += 1;
            let said = format!("{error}\n{error:?}\n{}", error.help());
            for line in lines.iter().filter(|line| line.len() > 20 && !line.starts_with('-')) {
                for piece in line.as_bytes().chunks_exact(8) {
                    let piece = std::str::from_utf8(piece).unwrap();
                    assert!(!said.contains(piece), "{said}");
                }
            }
        }
        assert!(refused > damaged.len() / 2, "only {refused} of {}", damaged.len());
    }
}

#[test]
fn a_key_is_compared_with_what_a_target_accepts() {
    use opkg_interface::artefacts::{AcceptedKey, KeyAlgorithm};
    let Some(gpg) = GpgHome::new() else { return };
    let accepted = |algorithm, min_bits| AcceptedKey { algorithm, min_bits };
    let old = [accepted(KeyAlgorithm::Rsa, 1024), accepted(KeyAlgorithm::Dsa, 1024)];
    let new = [
        accepted(KeyAlgorithm::Rsa, 2048),
        accepted(KeyAlgorithm::Ecdsa, 256),
        accepted(KeyAlgorithm::Ed25519, 256),
    ];
    for (algorithm, by_old, by_new) in [
        ("rsa1024", None, Some("RSA of 1024 bits")),
        ("rsa2048", None, None),
        ("rsa3072", None, None),
        ("dsa2048", None, Some("DSA of 2048 bits")),
        ("ed25519", Some("Ed25519"), None),
        ("nistp384", Some("ECDSA of 384 bits"), None),
    ] {
        let key = gpg.generate_key(algorithm, "sign", "never");
        let signer = Signer::new(&gpg.export_secret(&key, EXPORT_SECRET), None, NOW).unwrap();
        assert_eq!(signer.find_unaccepted(&old), by_old, "{algorithm}");
        assert_eq!(signer.find_unaccepted(&new), by_new, "{algorithm}");
        assert!(signer.find_unaccepted(&[]).is_some(), "{algorithm}");
    }
}

/// Whoever verifies has to read the primary key first.
#[test]
fn the_primary_key_of_a_subkey_counts_too() {
    use opkg_interface::artefacts::{AcceptedKey, KeyAlgorithm};
    let Some(gpg) = GpgHome::new() else { return };
    let key = gpg.generate_key("ed25519", "cert", "never");
    let time = format!("{KEY_CREATED}!");
    gpg.run_ok(&[
        "--faked-system-time",
        &time,
        "--passphrase",
        "",
        "--quick-add-key",
        &key,
        "rsa2048",
        "sign",
    ]);
    let signer = Signer::new(&gpg.export_secret(&key, EXPORT_SECRET), None, NOW).unwrap();
    assert!(signer.is_rsa());
    let only_rsa = [AcceptedKey { algorithm: KeyAlgorithm::Rsa, min_bits: 1024 }];
    assert_eq!(signer.find_unaccepted(&only_rsa), Some("Ed25519"));
}

/// What a machine is configured with, for indices of both kinds; only where it is asked for.
#[test]
fn a_file_beside_a_signed_index_configures_clients() {
    let Some(gpg) = GpgHome::new() else { return };
    let key = gpg.generate_key("ed25519", "sign", "never");
    let signer = Signer::new(&gpg.export_secret(&key, EXPORT_SECRET), None, NOW).unwrap();
    let url: RepositoryUrl = "https://packages.example.org/a/".parse().unwrap();
    let url = url.join("some 12");
    let fixture = fixture();
    let rpm = Container::Rpm(RpmFormat {
        version: RpmFormatVersion::V4,
        newest_version: RpmFormatVersion::V6,
        compression: Compression::Gzip,
        file_digests: RpmDigestAlgorithm::Sha256,
    });
    for (container, package, file) in [
        (rpm, "x.rpm", "opkg-some-12.repo"),
        (Container::Deb(Compression::Gzip), "x.deb", "opkg-some-12.sources"),
    ] {
        let package = BinaryPackage { file_name: package.into(), ..sample_package(&fixture) };
        let directory = write_single(&fixture, &package, container).unwrap();
        let request = IndexRequest { signer: Some(&signer), ..IndexRequest::unsigned("some 12") };
        write_index(directory.path(), request).unwrap();
        assert!(!directory.path().join(file).exists(), "{file}");
        let written = write_index(directory.path(), IndexRequest { url: Some(&url), ..request }).unwrap();
        assert!(written.files.iter().any(|it| it.path.ends_with(file)), "{file}");
        assert_eq!(written.unsigned, None);
        let text = fs::read_to_string(directory.path().join(file)).unwrap();
        let key: String = signer
            .public_key()
            .trim_end()
            .lines()
            .map(|line| format!(" {}\n", if line.is_empty() { "." } else { line }))
            .collect();
        let expected = match file {
            "opkg-some-12.repo" => {
                "[opkg-some-12]\nname=OPKG some 12\nbaseurl=https://packages.example.org/a/some%2012/\nenabled=1\n\
                 gpgcheck=1\nrepo_gpgcheck=1\n\
                 gpgkey=https://packages.example.org/a/some%2012/repodata/repomd.xml.key\n"
                    .to_owned()
            }
            _ => format!(
                "Types: deb\nURIs: https://packages.example.org/a/some%2012/\nSuites: ./\nSigned-By:\n{key}"
            ),
        };
        assert_eq!(text, expected);
    }
}
