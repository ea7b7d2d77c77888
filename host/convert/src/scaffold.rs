//! A new OPKG from the template.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::str::FromStr;

use askama::Template;
use opkg::is_unsafe_control;
use opkg::model::Timestamp;
use opkg::rules::{EmailError, check_email, is_name};

use crate::Error;
use crate::authors::{PLACEHOLDER_EMAIL, split_address};
use crate::staging::StagingDir;

/// Who looks after a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maintainer {
    name: String,
    email: String,
}

/// Why a text does not name a maintainer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MaintainerError {
    /// It has another form.
    #[error("write the maintainer as `Name <name@example.org>`")]
    InvalidFormat,
    /// The address cannot be used.
    #[error("{0}")]
    InvalidEmail(#[from] EmailError),
    /// The name cannot be written into a package.
    #[error("the maintainer's name holds a control character")]
    ControlCharacter,
}

impl Maintainer {
    /// Somebody with this name and e-mail address.
    ///
    /// # Errors
    /// When one of them cannot stand in a package.
    pub fn new(name: &str, email: &str) -> Result<Self, MaintainerError> {
        let (name, email) = (name.trim(), email.trim());
        if name.is_empty() || name.contains(['<', '>']) {
            return Err(MaintainerError::InvalidFormat);
        }
        if name.chars().any(is_unsafe_control) {
            return Err(MaintainerError::ControlCharacter);
        }
        check_email(email)?;
        Ok(Self { name: name.into(), email: email.into() })
    }

    /// Stands where nobody is known. `opkgc check` reports the address as an error.
    #[must_use]
    pub fn placeholder() -> Self {
        Self { name: "Your Name".into(), email: PLACEHOLDER_EMAIL.into() }
    }
}

impl FromStr for Maintainer {
    type Err = MaintainerError;

    /// `Name <address>`
    fn from_str(text: &str) -> Result<Self, MaintainerError> {
        match split_address(text) {
            (name, Some(address)) if text.trim_end().ends_with('>') => Self::new(&name, &address),
            _ => Err(MaintainerError::InvalidFormat),
        }
    }
}

/// Defines the templates: they differ in nothing but the text.
macro_rules! templates {
    ($($name:ident: $path:literal, $escape:literal;)*) => {$(
        #[derive(Template)]
        #[template(path = $path, escape = $escape)]
        struct $name<'a> { name: &'a str }
    )*};
}

templates! {
    Readme: "README.md", "none";
    ServerPostInstall: "server-post-install", "none";
    ClientPostInstall: "client-post-install", "none";
    InstalledScript: "installed.sh", "none";
    InstalledTest: "installed.apt", "html";
}

#[derive(Template)]
#[template(path = "config.xml", escape = "html")]
struct Config<'a> {
    name: &'a str,
    maintainer: &'a str,
    email: &'a str,
    year: &'a str,
    date: &'a str,
}

/// Writes a complete OPKG of the given name into the directory `target`, which must not exist. `date` is that of
/// its first version.
///
/// # Errors
/// When no package can have the name, or the directory cannot be written. Nothing is left behind.
pub fn create_opkg(name: &str, target: &Path, maintainer: &Maintainer, date: Timestamp) -> Result<(), Error> {
    if !is_name(name) {
        return Err(Error::InvalidName(name.to_owned()));
    }
    let date = date.to_string();
    let config = Config {
        name,
        maintainer: &maintainer.name,
        email: &maintainer.email,
        year: date.split('-').next().unwrap_or_default(),
        date: &date,
    };
    let staging = StagingDir::new(target)?;
    let root = staging.path();
    for (path, mode, text) in [
        ("config.xml".to_owned(), 0o644, config.render()),
        ("README.md".to_owned(), 0o644, Readme { name }.render()),
        ("scripts/server-post-install".to_owned(), 0o755, ServerPostInstall { name }.render()),
        ("scripts/client-post-install".to_owned(), 0o755, ClientPostInstall { name }.render()),
        (format!("testing/apitests.d/{name}_installed.apt"), 0o644, InstalledTest { name }.render()),
        (format!("testing/tests.d/{name}_installed.sh"), 0o755, InstalledScript { name }.render()),
    ] {
        let mut text = text.map_err(|error| Error::Template(path.clone(), error))?;
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let file = root.join(&path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).map_err(Error::io(parent))?;
        }
        fs::write(&file, text).map_err(Error::io(&file))?;
        fs::set_permissions(&file, Permissions::from_mode(mode)).map_err(Error::io(&file))?;
    }
    staging.publish()
}
