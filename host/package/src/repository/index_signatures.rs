//! Signatures of the index of packages that are made of archives, beside its files and within them, and the keys that clients need to
//! check them.

use std::path::Path;

use fs_err as fs;
use opkg_interface::archive::{Archive, DetachedSignature, EmbeddedSignature, SignatureScheme};
use opkg_interface::built::{IndexContent, IndexFile};

use super::archive_file;
use super::index_files::{IndexFiles, UnsignedReason};
use crate::index_request::IndexRequest;
use crate::{Error, Signer};

/// Behind the name of what is signed first: a key of OpenPGP.
const OPENPGP_KEY_SUFFIX: &str = ".key";

/// Behind the name of a key of RSA that no path of a signature has.
const RSA_KEY_SUFFIX: &str = ".pem";

/// What vouches for an index.
#[derive(Default)]
struct Signatures {
    /// Those beside its files, by their names.
    files: Vec<(String, Vec<u8>)>,
    /// Public keys, by the names of their files.
    keys: Vec<(String, Vec<u8>)>,
    /// Whether there is a place for one that the key cannot make.
    has_other_scheme: bool,
}

/// Makes the signatures beside the files of an index, which is made, and keys for those within them. An index that is signed does
/// not become one that is not, unless that was asked for.
pub(super) fn sign(
    directory: &Path,
    described: &[IndexFile],
    request: IndexRequest<'_>,
    time: u64,
    index: &mut IndexFiles,
) -> Result<(), Error> {
    let mut made = Signatures::default();
    for file in described {
        let within: Vec<&EmbeddedSignature> = embedded_signatures(file).collect();
        let schemes = within.iter().map(|it| it.scheme).chain(file.signature.as_ref().map(|it| it.scheme));
        // Neither that of an earlier index nor a key is of this one, where it has none.
        if schemes.clone().any(is_openpgp) {
            index.obsolete.push(format!("{}{OPENPGP_KEY_SUFFIX}", file.path));
        }
        let signs = |scheme| request.signer.is_some_and(|signer| signer.can_sign(scheme));
        made.has_other_scheme |= request.signer.is_some() && !schemes.clone().all(signs);
        for signature in within {
            match request.signer {
                Some(signer) if signs(signature.scheme) => {
                    made.add_key(file, signature.scheme, &signature.path_suffix, signer);
                }
                _ => keep_signature(request, directory, &file.path, || {
                    has_signature_within(directory, &file.path, signature)
                })?,
            }
        }
        let Some(DetachedSignature { suffix, scheme }) = &file.signature else { continue };
        let name = format!("{}{suffix}", file.path);
        index.obsolete.push(name.clone());
        match request.signer {
            Some(signer) if signs(*scheme) => {
                let signature = signer.sign(*scheme, signed_contents(file, index)?, time)?;
                made.add_key(file, *scheme, RSA_KEY_SUFFIX, signer);
                made.files.push((name, signature));
            }
            _ => keep_signature(request, directory, &file.path, || {
                fs::symlink_metadata(directory.join(&name)).is_ok()
            })?,
        }
    }
    if request.signer.is_some() && made.keys.is_empty() {
        let why = if made.has_other_scheme { UnsignedReason::OtherKey } else { UnsignedReason::NoPlace };
        index.unsigned = Some(why);
    }
    // Readers begin with the files.
    index.files.splice(0..0, made.keys.into_iter().chain(made.files));
    Ok(())
}

impl Signatures {
    /// Of a signature that was made of this file. `suffix` is that of the name of a key of RSA.
    fn add_key(&mut self, file: &IndexFile, scheme: SignatureScheme, suffix: &str, signer: &Signer) {
        let key = match signer.rsa_key().filter(|_| !is_openpgp(scheme)) {
            Some(key) => (format!("{}{suffix}", key.name), key.pem.as_bytes()),
            // One of them is enough.
            None if self.keys.iter().any(|(name, _)| name.ends_with(OPENPGP_KEY_SUFFIX)) => return,
            None => (format!("{}{OPENPGP_KEY_SUFFIX}", file.path), signer.public_key().as_bytes()),
        };
        if !self.keys.iter().any(|(name, _)| *name == key.0) {
            self.keys.push((key.0, key.1.to_vec()));
        }
    }
}

fn is_openpgp(scheme: SignatureScheme) -> bool {
    !matches!(scheme, SignatureScheme::Rsa(_))
}

fn embedded_signatures(file: &IndexFile) -> impl Iterator<Item = &EmbeddedSignature> {
    let archives = match &file.content {
        IndexContent::Archives(archives) => archives.as_slice(),
        IndexContent::Link(_) => &[],
    };
    archives.iter().flat_map(Archive::signatures)
}

/// What a signature beside a file is over: of a link, what the file holds that it leads to.
fn signed_contents<'a>(file: &IndexFile, index: &'a IndexFiles) -> Result<&'a [u8], Error> {
    let signed = match &file.content {
        IndexContent::Link(to) => to,
        IndexContent::Archives(_) => &file.path,
    };
    let found = index.files.iter().find(|(path, _)| path == signed);
    found.map(|(_, contents)| contents.as_slice()).ok_or_else(|| {
        Error::InvalidOutput(format!(
            "the link {} of an index leads to no file of it, and is signed",
            file.path
        ))
    })
}

/// Refuses to make a file without a signature, where the earlier one has one.
fn keep_signature(
    request: IndexRequest<'_>,
    directory: &Path,
    path: &str,
    is_signed: impl FnOnce() -> bool,
) -> Result<(), Error> {
    match !request.drops_signature && is_signed() {
        true => Err(Error::SignatureLost(directory.join(path))),
        false => Ok(()),
    }
}

/// Whether the file of the earlier index has a signature of anybody within it. What cannot be read has none.
fn has_signature_within(directory: &Path, path: &str, signature: &EmbeddedSignature) -> bool {
    let is_signature = |path: &String| {
        let rest = path.strip_prefix(signature.path_prefix.as_str());
        rest.and_then(|rest| rest.strip_suffix(signature.path_suffix.as_str()))
            .is_some_and(|key| !key.is_empty())
    };
    archive_file::read(directory, path, &[]).is_ok_and(|earlier| earlier.file.paths.iter().any(is_signature))
}
