//! The key to sign with, from the command line and the environment.

use std::io::Read;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use fs_err as fs;
use opkg::diagnostic::Diagnostic;
use opkg_interface::Target;
use opkg_interface::artefacts::{AcceptedKey, Container, KeyAlgorithm, Output};
use opkg_package::{BuildMode, RepositoryUrl, Signer, UnsignedReason};
use opkg_shell::UsageError;

use crate::errors::{CliError, Context};
use crate::settings::EffectiveSettings;

/// The code of what is said of a key and a target.
pub const UNACCEPTED_KEY: &str = "key-not-accepted";

/// Where the passphrase is, unless a file is named.
const PASSPHRASE_VARIABLE: &str = "OPKG_SIGN_PASSPHRASE";

/// Bytes of a key file or a passphrase: more than any has.
const MAX_KEY_BYTES: u64 = 1 << 20;

/// What only opkgc itself can do with a key.
///
/// # Errors
/// When there is a key, and the packages are made by somebody else.
pub fn check_builder(settings: &EffectiveSettings, builder: BuildMode) -> Result<(), UsageError> {
    let key = &settings.sign_key;
    match (&key.value, builder) {
        (Some(file), BuildMode::Native { .. }) => Err(UsageError::new(
            format!(
                "the key {} ({}) signs the packages that opkgc makes itself, not those of --builder native",
                file.display(),
                key.origin
            ),
            "leave out --builder, opkgc makes the same packages itself; or sign nothing, with --no-sign",
        )),
        _ => Ok(()),
    }
}

/// That clients are to be configured, which only a signed index is for.
///
/// # Errors
/// When there is no key.
pub fn check_repository_url(url: Option<&RepositoryUrl>, signer: Option<&Signer>) -> Result<(), UsageError> {
    match (url, signer) {
        (Some(url), None) => Err(UsageError::new(
            format!(
                "clients of {} would take packages that nobody vouches for: there is no key",
                url.as_str()
            ),
            "name the key with --sign, or leave out --repo-url",
        )),
        _ => Ok(()),
    }
}

/// What `--sign` or the settings ask for.
///
/// # Errors
/// When the key cannot be read or cannot sign.
pub fn load_signer(settings: &EffectiveSettings, signs_nothing: bool) -> Result<Option<Signer>, CliError> {
    let (key, passphrase_file) = (&settings.sign_key, &settings.passphrase_file);
    let Some(file) = &key.value else {
        return match (&passphrase_file.value, signs_nothing) {
            (Some(file), false) => Err(UsageError::new(
                format!(
                    "there is no key for the passphrase in {} ({})",
                    file.display(),
                    passphrase_file.origin
                ),
                "name the key with --sign, or leave out the passphrase",
            )
            .into()),
            _ => Ok(None),
        };
    };
    let passphrase = match &passphrase_file.value {
        Some(file) => {
            let text = String::from_utf8(read_limited(file)?).map_err(|_| {
                UsageError::new(
                    format!("the passphrase in {} is not UTF-8", file.display()),
                    "write it anew, in UTF-8",
                )
            })?;
            let line = text.strip_suffix('\n').unwrap_or(&text);
            Some(line.strip_suffix('\r').unwrap_or(line).to_owned())
        }
        None => match std::env::var(PASSPHRASE_VARIABLE) {
            Ok(passphrase) => Some(passphrase),
            Err(std::env::VarError::NotPresent) => None,
            Err(std::env::VarError::NotUnicode(_)) => {
                return Err(UsageError::new(
                    format!("${PASSPHRASE_VARIABLE} is not UTF-8"),
                    "write it in UTF-8",
                )
                .into());
            }
        },
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
    let signer =
        Signer::new(&read_limited(file)?, passphrase.as_deref(), u32::try_from(now).unwrap_or(u32::MAX))
            .context(format_args!("cannot sign with {}", file.display()))?;
    Ok(Some(signer))
}

/// That a target does not accept the signatures of this key, or that its packages get none. `has_index` tells whether they get an
/// index, which may be signed although they are not.
#[must_use]
pub fn unaccepted_key(
    signer: &Signer,
    output: &Output,
    target: &Target,
    has_index: bool,
) -> Option<Diagnostic> {
    let accepted = output.accepted_keys.as_deref();
    let is_signed_elsewhere = has_index && accepted.is_some();
    match unsigned_packages(signer, output) {
        Some(UnsignedReason::OtherKey) => Some(other_key(signer, target)),
        // That it accepts none says the same.
        Some(UnsignedReason::NoPlace) if !is_signed_elsewhere && accepted != Some(&[]) => {
            let message =
                format!("the packages for {target} are not signed: there is no place for signatures of them");
            let help = "with --provenance, a signed statement vouches for each; `opkgc verify` checks it";
            Some(Diagnostic::warning(UNACCEPTED_KEY, message).help(help))
        }
        _ => unaccepted_algorithm(signer, accepted?, target),
    }
}

/// Why none of the packages is signed; nothing where some are, or what they are made of is.
fn unsigned_packages(signer: &Signer, output: &Output) -> Option<UnsignedReason> {
    let mut schemes = Vec::new();
    for package in &output.packages {
        let Container::Archives(container) = &package.container else { return None };
        schemes.extend(container.signature_schemes());
    }
    match schemes.as_slice() {
        _ if output.packages.is_empty() => None,
        [] => Some(UnsignedReason::NoPlace),
        schemes if schemes.iter().any(|scheme| signer.can_sign(*scheme)) => None,
        _ => Some(UnsignedReason::OtherKey),
    }
}

/// That the index of a target is not signed, though there is a key.
#[must_use]
pub fn unsigned_index(signer: &Signer, why: UnsignedReason, target: &Target) -> Option<Diagnostic> {
    match why {
        UnsignedReason::OtherKey => Some(other_key(signer, target)),
        // Its packages are what is signed, or it was said of them.
        UnsignedReason::NoPlace => None,
    }
}

/// The same of an index that is made of what is there, in a line of its own.
#[must_use]
pub fn unsigned_index_note(signer: &Signer, why: UnsignedReason, directory: &Path) -> String {
    let place = directory.display();
    match why {
        UnsignedReason::OtherKey => format!(
            "warning: the index in {place} is not signed: it takes signatures of RSA keys alone, and the algorithm of \
             this key is {}\n  help: {RSA_HELP}",
            signer.kind()
        ),
        UnsignedReason::NoPlace => {
            format!("note: the index in {place} is not signed: it has no place for a signature")
        }
    }
}

const RSA_HELP: &str = "sign with a key of RSA; `gpg --quick-generate-key NAME rsa3072 sign` makes one";

fn other_key(signer: &Signer, target: &Target) -> Diagnostic {
    let kind = signer.kind();
    let message = format!(
        "{target} takes signatures of RSA keys alone: this key, whose algorithm is {kind}, signs nothing for it"
    );
    Diagnostic::warning(UNACCEPTED_KEY, message).help(RSA_HELP)
}

fn unaccepted_algorithm(signer: &Signer, accepted: &[AcceptedKey], target: &Target) -> Option<Diagnostic> {
    let kind = signer.find_unaccepted(accepted)?;
    let taken: Vec<String> = accepted
        .iter()
        .map(|key| match key.algorithm {
            KeyAlgorithm::Rsa => format!("RSA of {} bits or more", key.min_bits),
            KeyAlgorithm::Dsa => "DSA".to_owned(),
            KeyAlgorithm::Ecdsa => "ECDSA".to_owned(),
            KeyAlgorithm::Ed25519 => "Ed25519".to_owned(),
        })
        .collect();
    let (message, help) = match taken.as_slice() {
        [] => (
            format!("{target} accepts no signature that opkgc can make"),
            "install the packages there without a check of signatures".to_owned(),
        ),
        taken => (
            format!("{target} does not accept signatures of this key: its algorithm is {kind}"),
            format!(
                "sign with a key that {target} accepts ({}); `gpg --quick-generate-key NAME rsa3072 sign` makes one \
                 that all accept",
                taken.join(", ")
            ),
        ),
    };
    Some(Diagnostic::warning(UNACCEPTED_KEY, message).help(help))
}

fn read_limited(file: &Path) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    fs::File::open(file)
        .and_then(|it| it.take(MAX_KEY_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| UsageError::new(error.to_string(), "name a file that you may read"))?;
    if bytes.len() as u64 > MAX_KEY_BYTES {
        return Err(UsageError::new(
            format!("{} is larger than any key or passphrase", file.display()),
            "look whether it is the file that you mean",
        )
        .into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::process::Command;

    use opkg_interface::archive::{ArchiveContainer, ArchiveMetadata, DetachedSignature, SignatureScheme};
    use opkg_interface::archive::{Compression, DigestAlgorithm};
    use opkg_interface::artefacts::{BinaryPackage, NativeBuild, SourcePackage};

    use super::*;

    /// Nothing, saying so, where there is no `gpg`.
    fn signer(algorithm: &str) -> Option<Signer> {
        let home = tempfile::Builder::new().prefix("gpg").tempdir().unwrap();
        let run = |arguments: &[&str]| {
            let mut gpg = Command::new("gpg");
            gpg.env("GNUPGHOME", home.path()).args([
                "--batch",
                "--pinentry-mode",
                "loopback",
                "--passphrase",
                "",
            ]);
            let output = gpg.args(arguments).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            output.stdout
        };
        if Command::new("gpg").arg("--version").output().is_err() {
            assert!(std::env::var_os("OPKG_REQUIRE_TOOLS").is_none(), "gpg is not installed");
            eprintln!("skipped: gpg is not installed");
            return None;
        }
        run(&["--quick-generate-key", "Test <test@example.org>", algorithm, "sign", "never"]);
        let secret = run(&["--export-secret-keys"]);
        let _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", home.path()).output();
        Some(Signer::new(&secret, None, u32::MAX).unwrap())
    }

    fn archives(signature: Option<SignatureScheme>) -> Container {
        let signature = signature.map(|scheme| DetachedSignature { suffix: ".sig".into(), scheme });
        Container::Archives(ArchiveContainer {
            archives: Vec::new(),
            metadata: ArchiveMetadata::all(),
            signature,
        })
    }

    fn output(container: Container, accepted_keys: Option<Vec<AcceptedKey>>) -> Output {
        let package = BinaryPackage {
            part: None,
            name: String::new(),
            epoch: 0,
            version: String::new(),
            release: String::new(),
            arch: String::new(),
            summary: String::new(),
            description: String::new(),
            license: String::new(),
            section: String::new(),
            url: None,
            maintainer: String::new(),
            container,
            relations: Vec::new(),
            files: Vec::new(),
            scriptlets: Vec::new(),
            file_triggers: Vec::new(),
            interests: Vec::new(),
            changelog: Vec::new(),
            fields: Vec::new(),
            file_name: String::new(),
        };
        Output {
            meta_files: Vec::new(),
            source: SourcePackage::Tree(String::new()),
            native_build: NativeBuild { commands: Vec::new(), results: Vec::new() },
            packages: vec![package],
            accepted_keys,
            diagnostics: Vec::new(),
        }
    }

    #[test]
    fn what_is_said_of_a_key_is_what_becomes_of_its_signatures() {
        let (Some(rsa), Some(other)) = (signer("rsa2048"), signer("ed25519")) else { return };
        let target = Target { dist: "site".into(), version: None, arch: None, default_arch: "x86_64".into() };
        let plain = SignatureScheme::Rsa(DigestAlgorithm::Sha1);
        let accepted = || Some(vec![AcceptedKey { algorithm: KeyAlgorithm::Ed25519, min_bits: 256 }]);
        let say = |signer: &Signer, output: &Output, has_index| {
            let found = unaccepted_key(signer, output, &target, has_index);
            found.map_or_else(|| "nothing".into(), |found| format!("{}: {}", found.code, found.message))
        };
        let said = [
            say(&rsa, &output(archives(Some(plain)), None), false),
            say(&other, &output(archives(Some(plain)), None), false),
            say(&other, &output(archives(Some(SignatureScheme::Openpgp)), None), false),
            say(&other, &output(archives(None), None), true),
            say(&other, &output(archives(None), accepted()), false),
            say(&other, &output(archives(None), accepted()), true),
            say(&rsa, &output(archives(None), accepted()), true),
            say(&rsa, &output(archives(None), Some(Vec::new())), true),
            say(&rsa, &output(Container::Deb(Compression::Xz), None), false),
        ];
        insta::assert_snapshot!(said.join("\n"), @"
        nothing
        key-not-accepted: site takes signatures of RSA keys alone: this key, whose algorithm is Ed25519, signs nothing for it
        nothing
        key-not-accepted: the packages for site are not signed: there is no place for signatures of them
        key-not-accepted: the packages for site are not signed: there is no place for signatures of them
        nothing
        key-not-accepted: site does not accept signatures of this key: its algorithm is RSA of 2048 bits
        key-not-accepted: site accepts no signature that opkgc can make
        nothing
        ");
    }
}
