//! What to sign with, of whichever command writes something to sign.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Options about signatures.
#[derive(Debug, Args)]
pub struct SigningArgs {
    /// Sign packages and the index with an OpenPGP secret key, as `gpg --export-secret-keys` prints it
    ///
    /// RPMs and SRPMs get a signature of their own, and so do `.dsc`, `.buildinfo` and `.changes`; other packages have it where
    /// their package manager reads it. An index is signed, with the public key next to it.
    #[arg(long, value_name = "KEYFILE", value_hint = ValueHint::FilePath)]
    pub sign: Option<PathBuf>,

    /// Sign nothing, whatever the settings say, not even an index that was signed before
    #[arg(long, conflicts_with_all = ["sign", "passphrase_file"])]
    pub no_sign: bool,

    /// The file that holds the passphrase of the key [default: $OPKG_SIGN_PASSPHRASE]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub passphrase_file: Option<PathBuf>,
}
