//! What all runs at a site have in common: files of settings, each over the one before, and the command line over all.
//!
//! | file | holds |
//! |---|---|
//! | `setting` | a value, and who said it |
//! | `layer` | what one file or the command line says |
//! | `file` | reads a file |
//! | `effective` | what is in force, and where it comes from |

mod effective;
mod file;
mod layer;
mod setting;

use std::path::PathBuf;

use opkg_shell::UsageError;

pub use effective::EffectiveSettings;
pub use layer::Layer;
pub use setting::Origin;

/// Where a site's settings are.
const SITE_FILE: &str = "/etc/opkg/opkgc.toml";
/// Where a user's are, within the directory for such.
const USER_FILE: &str = "opkg/opkgc.toml";

/// What is in force: what is usual, then the site's file, the user's, those named, the command line.
///
/// # Errors
/// When a file cannot be read, is not to be trusted, or says something that cannot be.
pub fn load(files: &[PathBuf], command_line: Layer) -> Result<EffectiveSettings, UsageError> {
    let mut effective = EffectiveSettings::default();
    for path in [Some(PathBuf::from(SITE_FILE)), user_file()].into_iter().flatten() {
        if let Some(layer) = file::read_if_there(&path)? {
            effective.apply(layer);
        }
    }
    for path in files {
        effective.apply(file::read(path)?);
    }
    effective.apply(command_line);
    Ok(effective)
}

/// `$XDG_CONFIG_HOME/opkg/opkgc.toml`; relative directories are to be ignored, says the specification of the variable.
fn user_file() -> Option<PathBuf> {
    let directory =
        |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = directory("XDG_CONFIG_HOME").or_else(|| Some(directory("HOME")?.join(".config")))?;
    Some(config.join(USER_FILE))
}
