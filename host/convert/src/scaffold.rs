//! A new OPKG from the template.

use std::fmt;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::str::FromStr;

use askama::Template;
use opkg::diagnostic::{Diagnostic, Location};
use opkg::digest::{hex, sha256};
use opkg::is_unsafe_control;
use opkg::model::{Opkg, SourceFile, Timestamp};
use opkg::rules::{EmailError, check_email, is_name};

use crate::Error;
use crate::authors::split_address;
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

    /// Whoever looks after the machine: stands where nobody can be told.
    #[must_use]
    pub fn root() -> Self {
        Self { name: "root".into(), email: "root@localhost".into() }
    }
}

impl fmt::Display for Maintainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <{}>", self.name, self.email)
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

/// Texts of the template that are to be replaced.
const SUMMARY: &str = "Says in one line what the package does for the cluster";
const DESCRIPTION: &str = "Says the same in a few sentences. An empty line begins a new paragraph.";

/// Notes about texts of the template that nobody has replaced. `config` is the text of `config.xml`.
#[must_use]
pub fn find_template_texts(opkg: &Opkg, config: &str) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let is_description = |text: &str| opkg.description.first().is_some_and(|paragraph| paragraph == text);
    for (what, text, is_unedited) in [
        ("summary", SUMMARY, opkg.summary == SUMMARY),
        ("description", DESCRIPTION, is_description(DESCRIPTION)),
    ] {
        if !is_unedited {
            continue;
        }
        let place = match config.find(text) {
            Some(at) => Location::Config(at..at + text.len()),
            None => Location::File("config.xml".into()),
        };
        let diagnostic =
            Diagnostic::note("template-text", format!("the {what} is still that of the template"));
        found
            .push(diagnostic.at(place).help("say what your package does: users read it in package managers"));
    }
    let readme = Readme { name: &opkg.name }.render().map(|text| sha256(with_line_end(text).as_bytes()));
    let is_readme = |file: &SourceFile| {
        file.path == README && readme.as_ref().is_ok_and(|digest| *digest == hex(&file.sha256))
    };
    if opkg.files.iter().any(is_readme) {
        let diagnostic = Diagnostic::note("template-text", "the file is still that of the template");
        let help =
            "write what users of the package should know, or remove it: it is installed as documentation";
        found.push(diagnostic.at(Location::File(README.into())).help(help));
    }
    found
}

const README: &str = "README.md";

/// With a line end at its end.
fn with_line_end(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// What a new OPKG has besides scripts and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extras {
    /// A service for compute nodes: its unit, its user, and a program.
    pub service: bool,
    /// A file of configuration below `/etc`.
    pub configuration: bool,
}

/// Defines the templates: they differ in nothing but the text and what they have to know.
macro_rules! templates {
    ($($name:ident: $path:literal, $escape:literal $(, $field:ident: $kind:ty)*;)*) => {$(
        #[derive(Template)]
        #[template(path = $path, escape = $escape)]
        struct $name<'a> { name: &'a str $(, $field: $kind)* }
    )*};
}

templates! {
    Readme: "README.md", "none";
    ServerPostInstall: "server-post-install", "none";
    ClientPostInstall: "client-post-install", "none";
    InstalledScript: "installed.sh", "none";
    InstalledTest: "installed.apt", "html";
    Service: "service", "none", unit: &'a str, user: &'a str;
    ServiceUser: "sysusers.conf", "none", unit: &'a str, user: &'a str;
    ServiceProgram: "run", "none", unit: &'a str, user: &'a str, has_configuration: bool;
    Configuration: "package.conf", "none", has_service: bool;
}

#[derive(Template)]
#[template(path = "config.xml", escape = "html")]
struct Config<'a> {
    name: &'a str,
    summary: &'a str,
    description: &'a str,
    maintainer: &'a str,
    email: &'a str,
    year: &'a str,
    date: &'a str,
    extras: Extras,
}

/// What a unit can be called: systemd knows no `+`.
fn unit_name(name: &str) -> String {
    name.replace('+', "_")
}

/// A user that no distribution has, as Debian's policy advises: the underscore is before names of packages' own users.
fn user_name(name: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    std::iter::once('_').chain(name.chars().map(allowed)).take(MAX_USER_NAME).collect()
}

/// What useradd takes on every distribution.
const MAX_USER_NAME: usize = 31;

/// Writes a complete OPKG of the given name, with some extras, into the directory `target`, which must not exist. `date` is
/// that of its first version.
///
/// # Errors
/// When no package can have the name, or the directory cannot be written. Nothing is left behind.
pub fn create_opkg(
    name: &str,
    target: &Path,
    maintainer: &Maintainer,
    date: Timestamp,
    extras: Extras,
) -> Result<(), Error> {
    if !is_name(name) {
        return Err(Error::InvalidName(name.to_owned()));
    }
    let date = date.to_string();
    let (unit, user) = (unit_name(name), user_name(name));
    let (unit, user) = (unit.as_str(), user.as_str());
    let config = Config {
        name,
        summary: SUMMARY,
        description: DESCRIPTION,
        maintainer: &maintainer.name,
        email: &maintainer.email,
        year: date.split('-').next().unwrap_or_default(),
        date: &date,
        extras,
    };
    let mut files = vec![
        ("config.xml".to_owned(), 0o644, config.render()),
        (README.to_owned(), 0o644, Readme { name }.render()),
        ("scripts/server-post-install".to_owned(), 0o755, ServerPostInstall { name }.render()),
        ("scripts/client-post-install".to_owned(), 0o755, ClientPostInstall { name }.render()),
        (format!("testing/apitests.d/{name}_installed.apt"), 0o644, InstalledTest { name }.render()),
        (format!("testing/tests.d/{name}_installed.sh"), 0o755, InstalledScript { name }.render()),
    ];
    if extras.service {
        let program = ServiceProgram { name, unit, user, has_configuration: extras.configuration };
        files.extend([
            (
                format!("files/client/usr/lib/systemd/system/{unit}.service"),
                0o644,
                Service { name, unit, user }.render(),
            ),
            (
                format!("files/client/usr/lib/sysusers.d/{unit}.conf"),
                0o644,
                ServiceUser { name, unit, user }.render(),
            ),
            (format!("files/client/usr/libexec/{name}/run"), 0o755, program.render()),
        ]);
    }
    if extras.configuration {
        let configuration = Configuration { name, has_service: extras.service };
        files.push((format!("files/client/etc/{name}/{name}.conf"), 0o644, configuration.render()));
    }
    let staging = StagingDir::new(target)?;
    let root = staging.path();
    for (path, mode, text) in files {
        let text = with_line_end(text.map_err(|error| Error::Template(path.clone(), error))?);
        let file = root.join(&path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).map_err(Error::io(parent))?;
        }
        fs::write(&file, text).map_err(Error::io(&file))?;
        fs::set_permissions(&file, Permissions::from_mode(mode)).map_err(Error::io(&file))?;
    }
    staging.publish()
}
