//! Signatures that `gpg` accepts, of every kind of key that it makes, and key files that cannot be signed with.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::Path;
use std::process::{Command, Output};

use fs_err as fs;
use opkg_package::{KeyError, Signer};

/// Later than everything here.
const NOW: u32 = 2_000_000_000;

/// When keys are made: 2020-01-01.
const MADE: u32 = 1_577_836_800;

/// A home of `gpg` with keys in it.
struct Gpg(tempfile::TempDir);

impl Gpg {
    /// Nothing, saying so, where there is no `gpg`.
    fn new() -> Option<Self> {
        if Command::new("gpg").arg("--version").output().is_err() {
            assert!(std::env::var_os("OPKG_REQUIRE_TOOLS").is_none(), "gpg is not installed");
            eprintln!("skipped: gpg is not installed");
            return None;
        }
        Some(Self(tempfile::Builder::new().prefix("gpg").tempdir().unwrap()))
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut gpg = Command::new("gpg");
        gpg.env("GNUPGHOME", self.0.path()).args(["--batch", "--pinentry-mode", "loopback"]);
        gpg.args(arguments).output().unwrap()
    }

    fn succeed(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Makes a key on 2020-01-01 and returns its fingerprint.
    fn key(&self, passphrase: &str, algorithm: &str, usage: &str, expires: &str) -> String {
        let time = format!("{MADE}!");
        let who = format!("Test {algorithm} {usage} <test@example.org>");
        let made = ["--faked-system-time", &time, "--passphrase", passphrase];
        let options = ["--quick-gen-key", &who, algorithm, usage, expires];
        self.succeed(&[&made[..], &options].concat());
        let list = self.succeed(&["--with-colons", "--list-secret-keys", &who]);
        let list = String::from_utf8(list).unwrap();
        let line = list.lines().find(|line| line.starts_with("fpr:")).unwrap();
        line.split(':').nth(9).unwrap().to_owned()
    }

    fn secret(&self, passphrase: &str, key: &str, options: &[&str]) -> Vec<u8> {
        self.succeed(&[&["--passphrase", passphrase][..], options, &[key]].concat())
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let file = self.0.path().join(name);
        fs::write(&file, bytes).unwrap();
        file.to_str().unwrap().to_owned()
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        // The agent would outlive its home.
        let home = self.0.path();
        let _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", home).output();
    }
}

const SECRET: &[&str] = &["--export-secret-keys"];

#[test]
fn gpg_accepts_what_every_kind_of_key_signs() {
    let Some(gpg) = Gpg::new() else { return };
    let verifier = Gpg::new().unwrap();
    let text = "First\n- Dashed\nWith blanks  \n\nFrom here\n";
    let data = gpg.file("data", text);
    for (algorithm, is_rsa) in
        [("rsa2048", true), ("ed25519", false), ("nistp256", false), ("nistp384", false), ("dsa2048", false)]
    {
        let key = gpg.key("", algorithm, "sign", "never");
        let signer = Signer::new(&gpg.secret("", &key, SECRET), None, NOW).unwrap();
        assert_eq!(signer.is_rsa(), is_rsa, "{algorithm}");
        verifier.succeed(&["--import", &gpg.file("public", signer.public_key())]);

        let binary = signer.detached(text.as_bytes(), MADE.into()).unwrap();
        assert_eq!(binary, signer.detached(text.as_bytes(), MADE.into()).unwrap(), "{algorithm}: same bytes");
        assert_ne!(binary, signer.detached(text.as_bytes(), u64::from(MADE) + 1).unwrap());
        verifier.succeed(&["--verify", &gpg.file("binary", binary), &data]);
        let armored = signer.armored(text.as_bytes(), MADE.into()).unwrap();
        verifier.succeed(&["--verify", &gpg.file("armored", &armored), &data]);
        let other = gpg.file("other", format!("{text}!"));
        assert!(!verifier.run(&["--verify", &gpg.file("armored", armored), &other]).status.success());

        let around = signer.clearsigned(text, MADE.into()).unwrap();
        let read = verifier.succeed(&["--decrypt", &gpg.file("around", &around)]);
        assert_eq!(String::from_utf8(read).unwrap(), text.replace("blanks  ", "blanks"));
        let forged = gpg.file("forged", around.replace("First", "Last"));
        assert!(!verifier.run(&["--verify", &forged]).status.success());
    }
}

#[test]
fn nothing_is_signed_before_its_key_was_made() {
    let Some(gpg) = Gpg::new() else { return };
    let key = gpg.key("", "ed25519", "sign", "never");
    let signer = Signer::new(&gpg.secret("", &key, SECRET), None, NOW).unwrap();
    let early = signer.detached(b"x", 1_000_000_000).unwrap();
    assert_eq!(early, signer.detached(b"x", MADE.into()).unwrap());
    gpg.succeed(&["--verify", &gpg.file("early", early), &gpg.file("data", "x")]);
}

#[test]
fn armored_or_binary_locked_or_not_is_the_same_key() {
    let Some(gpg) = Gpg::new() else { return };
    let key = gpg.key("open sésame", "rsa2048", "sign", "never");
    let secret = gpg.secret("open sésame", &key, SECRET);
    let armored = gpg.secret("open sésame", &key, &["--armor", "--export-secret-keys"]);
    let signed = |file: &[u8]| {
        Signer::new(file, Some("open sésame"), NOW).unwrap().detached(b"x", MADE.into()).unwrap()
    };
    assert_eq!(signed(&secret), signed(&armored));
    assert!(matches!(refusal(&secret, None), KeyError::Locked));
    assert!(matches!(refusal(&secret, Some("open sesame")), KeyError::WrongPassphrase));
    assert!(matches!(refusal(&secret, Some("")), KeyError::WrongPassphrase));
}

#[test]
fn a_subkey_signs_where_the_primary_key_does_not() {
    let Some(gpg) = Gpg::new() else { return };
    let key = gpg.key("", "ed25519", "cert", "never");
    assert!(matches!(refusal(&gpg.secret("", &key, SECRET), None), KeyError::CannotSign));
    let add = |algorithm: &str, usage: &str, expires: &str| {
        let time = format!("{}!", MADE + 100);
        let options = ["--faked-system-time", &time, "--passphrase", "", "--quick-add-key"];
        gpg.succeed(&[&options[..], &[&key, algorithm, usage, expires]].concat());
    };
    add("cv25519", "encr", "never");
    assert!(matches!(refusal(&gpg.secret("", &key, SECRET), None), KeyError::CannotSign));
    add("ed25519", "sign", "1d");
    assert!(matches!(refusal(&gpg.secret("", &key, SECRET), None), KeyError::Expired(_)));
    add("rsa2048", "sign", "never");
    // As one has it who keeps the primary key in a safe.
    for options in [SECRET, &["--export-secret-subkeys"]] {
        let signer = Signer::new(&gpg.secret("", &key, options), None, NOW).unwrap();
        assert!(signer.is_rsa());
        let signature = gpg.file("signature", signer.detached(b"x", 0).unwrap());
        gpg.succeed(&["--verify", &signature, &gpg.file("data", "x")]);
    }
}

#[test]
fn keys_that_nobody_would_accept_are_refused() {
    let Some(gpg) = Gpg::new() else { return };
    let expiring = gpg.key("", "ed25519", "sign", "2d");
    let secret = gpg.secret("", &expiring, SECRET);
    assert!(Signer::new(&secret, None, MADE + 3600).is_ok());
    let error = refusal(&secret, None).to_string();
    assert_eq!(error, "the key expired on Fri, 03 Jan 2020 00:00:00 +0000");

    let key = gpg.key("", "nistp256", "sign", "never");
    let both = [secret, gpg.secret("", &key, SECRET)].concat();
    assert!(matches!(refusal(&both, None), KeyError::Several));
    let public = gpg.succeed(&["--export", &key]);
    assert!(matches!(refusal(&public, None), KeyError::PublicOnly));
    let armored = gpg.succeed(&["--armor", "--export", &key]);
    assert!(matches!(refusal(&armored, None), KeyError::PublicOnly));

    let certificate = Path::new(gpg.0.path()).join(format!("openpgp-revocs.d/{key}.rev"));
    let certificate = fs::read_to_string(certificate).unwrap().replace(":-----BEGIN", "-----BEGIN");
    gpg.succeed(&["--import", &gpg.file("revocation", certificate)]);
    assert!(matches!(refusal(&gpg.secret("", &key, SECRET), None), KeyError::Revoked));
}

#[test]
fn what_is_no_key_is_said_to_be_none() {
    for file in
        [&b""[..], b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n", b"hello", &[0x95, 0xff, 0xff, 0, 1], &[0; 99]]
    {
        assert!(matches!(refusal(file, None), KeyError::Unreadable(_)), "{file:?}");
    }
}

#[test]
fn a_damaged_key_file_is_an_error() {
    let Some(gpg) = Gpg::new() else { return };
    let key = gpg.key("", "ed25519", "sign", "never");
    let secret = gpg.secret("", &key, SECRET);
    for place in 0..secret.len() {
        let mut damaged = secret.clone();
        damaged[place] ^= 0x15;
        // Where it is still taken for a key, it signs; what it must not do is stop the program.
        let _ = Signer::new(&damaged, None, NOW).map(|it| it.detached(b"x", 0));
        let _ = Signer::new(&secret[..place], None, NOW);
    }
}

fn refusal(file: &[u8], passphrase: Option<&str>) -> KeyError {
    match Signer::new(file, passphrase, NOW) {
        Ok(_) => panic!("it was taken"),
        Err(error) => error,
    }
}
