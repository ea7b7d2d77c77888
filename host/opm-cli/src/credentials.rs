//! What this machine connects to the server of the database with, where it has credentials of its own: a file beside
//! the settings, which only root may read; and the token that it gets them for.

use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use fs_err as fs;
use opkg_database::Address;
use opkg_database::access::{self, Credentials};
use opkg_oda::Error as DatabaseError;
use opkg_shell::UsageError;
use tempfile::NamedTempFile;

use crate::errors::{CliError, Context};

const FILE: &str = "credentials";
/// Those that the server was about to be told of.
const NEW_FILE: &str = "credentials.new";
const TOKEN_FILE: &str = "enroll-token";
/// The token itself.
const TOKEN_VARIABLE: &str = "OPM_ENROLL_TOKEN";

/// The credentials of this machine; absent where it has none.
///
/// # Errors
/// The file cannot be read, others can read it as well, or it holds something else.
pub fn load(settings: &Path, address: &Address) -> Result<Option<Credentials>, CliError> {
    let known = read(&settings.join(FILE))?;
    let new_file = settings.join(NEW_FILE);
    let (Some(known), Some(new)) = (&known, read(&new_file)?) else { return Ok(known) };
    // They were being renewed when the power failed: the server knows the one or the other.
    match access::AccessControl::open(new.apply_to(address.clone())) {
        Ok(_) => {
            fs::rename(&new_file, settings.join(FILE))?;
            Ok(Some(new))
        }
        Err(DatabaseError::Refused { .. }) => {
            fs::remove_file(&new_file)?;
            Ok(Some(known.clone()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Keeps credentials, so that they outlast a loss of power.
///
/// # Errors
/// They cannot be written.
pub fn save(settings: &Path, credentials: &Credentials) -> Result<PathBuf, CliError> {
    let path = settings.join(FILE);
    fs::create_dir_all(settings)?;
    write_secret(&path, &credentials.reveal())?;
    Ok(path)
}

/// Gets a new password instead of the one that this machine has.
///
/// # Errors
/// It cannot be kept, or the server does not take it.
pub fn renew(settings: &Path, address: &Address, known: &Credentials) -> Result<(), CliError> {
    let new = access::renew(address, known)?;
    let new_file = settings.join(NEW_FILE);
    write_secret(&new_file, &new.reveal())?;
    access::put_in_force(address.clone(), known, &new)?;
    fs::rename(&new_file, settings.join(FILE))?;
    Ok(())
}

/// The token of this machine: in a file that was named, in the environment, or in the usual file. Absent where there is none.
///
/// # Errors
/// The file cannot be read, others can read it as well, or it holds something else.
pub fn find_token(settings: &Path, named: Option<&Path>) -> Result<Option<Credentials>, CliError> {
    if let Some(path) = named {
        return match read(path)? {
            None => Err(io::Error::from(io::ErrorKind::NotFound))
                .context(format_args!("cannot read the token {}", path.display())),
            found => Ok(found),
        };
    }
    match std::env::var(TOKEN_VARIABLE) {
        Ok(text) => Ok(Some(parse(&text, &format!("${TOKEN_VARIABLE}"))?)),
        Err(_) => read(&settings.join(TOKEN_FILE)),
    }
}

/// Where the token of this machine usually is.
#[must_use]
pub fn token_path(settings: &Path) -> PathBuf {
    settings.join(TOKEN_FILE)
}

/// Writes a text that its owner alone can read, all of it or nothing.
///
/// # Errors
/// It cannot be written.
pub fn write_secret(path: &Path, text: &str) -> Result<(), CliError> {
    let directory = path.parent().filter(|directory| *directory != Path::new("")).unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        let mut draft: NamedTempFile = tempfile::Builder::new().prefix(".secret-").tempfile_in(directory)?;
        writeln!(draft, "{text}")?;
        draft.as_file().set_permissions(PermissionsExt::from_mode(0o600))?;
        draft.as_file().sync_all()?;
        draft.persist(path)?;
        fs::File::open(directory)?.sync_all()
    };
    write().context(format_args!("cannot write {}", path.display()))
}

fn read(path: &Path) -> Result<Option<Credentials>, CliError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if fs::metadata(path)?.mode() & 0o077 != 0 {
        let message = format!("others can read {}, so it is not used", path.display());
        return Err(UsageError::new(message, format!("`chmod 600 {}`", path.display())).into());
    }
    parse(&text, &path.display().to_string()).map(Some)
}

fn parse(text: &str, place: &str) -> Result<Credentials, CliError> {
    Ok(Credentials::parse(text).ok_or_else(|| {
        UsageError::new(
            format!("{place} holds no token and no credentials: they are ROLE:PASSWORD"),
            "`opm enroll open` on the head node prints a token",
        )
    })?)
}
