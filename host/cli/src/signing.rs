//! The key to sign with, from the command line and the environment.

use std::io::Read;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use fs_err as fs;
use opkg_package::Signer;

use crate::args::{Build, Builder};
use crate::failure::UsageError;

/// Where the passphrase is, unless a file is named.
const PASSPHRASE: &str = "OPKG_SIGN_PASSPHRASE";

/// Bytes of a key file or a passphrase: more than any has.
const LARGEST: u64 = 1 << 20;

/// What `--sign` asks for.
///
/// # Errors
/// When the key cannot be read or cannot sign, or there is nothing that it could sign.
pub fn signer(arguments: &Build) -> Result<Option<Signer>> {
    let Some(file) = &arguments.sign else { return Ok(None) };
    if arguments.builder == Builder::Native && !arguments.source {
        bail!(UsageError::new(
            "--sign signs the packages that opkgc makes itself, not those of --builder native",
            "leave out --builder: opkgc makes the same packages itself",
        ));
    }
    let passphrase = match &arguments.passphrase_file {
        Some(file) => {
            let text = String::from_utf8(read(file)?).ok().with_context(|| {
                UsageError::new(
                    format!("the passphrase in {} is not UTF-8", file.display()),
                    "write it anew, in UTF-8",
                )
            })?;
            let line = text.strip_suffix('\n').unwrap_or(&text);
            Some(line.strip_suffix('\r').unwrap_or(line).to_owned())
        }
        None => match std::env::var(PASSPHRASE) {
            Ok(passphrase) => Some(passphrase),
            Err(std::env::VarError::NotPresent) => None,
            Err(std::env::VarError::NotUnicode(_)) => {
                bail!(UsageError::new(format!("${PASSPHRASE} is not UTF-8"), "write it in UTF-8"))
            }
        },
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
    let signer = Signer::new(&read(file)?, passphrase.as_deref(), u32::try_from(now).unwrap_or(u32::MAX))
        .with_context(|| format!("cannot sign with {}", file.display()))?;
    Ok(Some(signer))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(file)
        .and_then(|it| it.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| UsageError::new(error.to_string(), "name a file that you may read"))?;
    if bytes.len() as u64 > LARGEST {
        bail!(UsageError::new(
            format!("{} is larger than any key or passphrase", file.display()),
            "look whether it is the file that you mean",
        ));
    }
    Ok(bytes)
}
