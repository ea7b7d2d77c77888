//! What every command needs: the database, and which target this machine is.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fs_err as fs;
use opkg_oda::{Address, Change, Cluster, Kind, PackageId, PackageName, Sqlite, Store, TargetId};
use opkg_opm::ask;
use opkg_opm::choice::{self, Choice};
use opkg_opm::conf;

use crate::failure::UsageError;
use crate::opm::args::{CONF, Cli, DATABASE, SETTINGS};
use crate::shell::Shell;

/// Where to look, and how to speak.
#[derive(Debug, Clone)]
pub struct Session {
    /// Everything printed goes through it.
    pub shell: Shell,
    database: PathBuf,
    /// Whether somebody named the database.
    is_named: bool,
    conf: Option<PathBuf>,
    settings: PathBuf,
}

impl Session {
    /// As the command line says.
    #[must_use]
    pub fn new(cli: &Cli) -> Self {
        Self {
            shell: Shell::new(&cli.common),
            database: cli.database.clone().unwrap_or_else(|| DATABASE.into()),
            is_named: cli.database.is_some(),
            conf: cli.conf.clone(),
            settings: cli.settings.clone().unwrap_or_else(|| SETTINGS.into()),
        }
    }

    /// Where the database is.
    #[must_use]
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// The directory of what the administrator decides.
    #[must_use]
    pub fn settings(&self) -> &Path {
        &self.settings
    }

    /// The options with which another `opm` looks at the same places.
    #[must_use]
    pub fn options(&self) -> Vec<OsString> {
        let database = self.is_named.then_some(("--database", self.database.as_path()));
        let conf = self.conf.as_deref().map(|it| ("--conf", it));
        let settings = Some(("--settings", self.settings.as_path()));
        let named = [database, conf, settings].into_iter().flatten();
        named.flat_map(|(option, path)| [option.into(), path.into()]).collect()
    }

    /// Opens the database.
    ///
    /// # Errors
    /// When there is none, or it cannot be used.
    pub fn open(&self) -> Result<Sqlite> {
        Ok(Sqlite::open(&self.database)?)
    }

    /// The file that says which target this machine is.
    #[must_use]
    pub fn conf(&self) -> &Path {
        self.conf.as_deref().unwrap_or(Path::new(CONF))
    }

    /// Whether somebody named that file.
    #[must_use]
    pub fn is_conf_named(&self) -> bool {
        self.conf.is_some()
    }

    /// Which target this machine is, as the file says; nothing where there is no file.
    ///
    /// # Errors
    /// When the file says nothing of the kind.
    pub fn address(&self) -> Result<Option<Address>> {
        let path = self.conf();
        match fs::read_to_string(path) {
            Ok(text) => {
                let help = "two lines say which target this machine is, for example:\n    server\n    head";
                let wrong =
                    |error: conf::Malformed| UsageError::new(format!("{}: {error}", path.display()), help);
                Ok(Some(conf::parse(&text).map_err(wrong)?))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context("cannot find out which target this machine is"),
        }
    }

    /// Nobody says which target this machine is.
    #[must_use]
    pub fn unknown(&self) -> UsageError {
        UsageError::new(
            format!("nobody says which target this machine is: there is no {}", self.conf().display()),
            "`opm init --name NAME` makes it the head node; or write two lines into the file: `server`, `client` \
             or `image`, then the name",
        )
    }

    /// The target that this machine is. A database that was named is for trying things out: where no file says
    /// anything else, its head node is meant.
    ///
    /// # Errors
    /// When nobody says, or the database does not know the target.
    pub fn own(&self, cluster: &Cluster) -> Result<TargetId> {
        let Some(address) = self.address()? else {
            let is_trial = self.is_named && !self.is_conf_named();
            let head = cluster.of_kind(Kind::Server).next().filter(|_| is_trial);
            return Ok(head.map(|it| it.id).ok_or_else(|| self.unknown())?);
        };
        let unknown = || {
            let conf = self.conf().display();
            UsageError::new(
                format!("this machine is {address}, as {conf} says, and the database has no such target"),
                format!(
                    "`opm target add {address}` makes it known; or correct {conf}, or name another with --conf FILE"
                ),
            )
        };
        Ok(cluster.target(&address).map(|it| it.id).ok_or_else(unknown)?)
    }

    /// The targets that are meant where none are named: on the head node all, elsewhere the machine itself.
    ///
    /// # Errors
    /// When one that is named does not exist, or nobody says which target this machine is.
    pub fn targets(&self, cluster: &Cluster, named: &[Choice]) -> Result<BTreeSet<TargetId>> {
        if !named.is_empty() {
            return Ok(choice::of_all(named, cluster)?);
        }
        let own = self.own(cluster)?;
        let is_head = cluster.targets.get(&own).is_some_and(|it| it.kind() == Kind::Server);
        Ok(if is_head { cluster.targets.keys().copied().collect() } else { [own].into() })
    }
}

/// The packages of these names; one that nobody knows is an error that names the most similar one.
///
/// # Errors
/// When one is not known.
pub fn packages(cluster: &Cluster, names: &[PackageName]) -> Result<Vec<PackageId>> {
    let find = |name: &PackageName| {
        cluster.package(name).map(|it| it.id).ok_or_else(|| {
            let known = cluster.packages.values().map(|it| it.name.as_str());
            let help = opkg::nearest(name.as_str(), known).map_or_else(
                || "`opm package list` lists those that are known".to_owned(),
                |near| format!("did you mean `{near}`? `opm package list` lists those that are known"),
            );
            UsageError::new(format!("no package is called {name}"), help).into()
        })
    };
    names.iter().map(find).collect()
}

/// Reads, decides and writes while nobody else can write; what `decide` answers besides is handed on.
///
/// # Errors
/// When the database fails, or `decide` refuses; then nothing is written.
pub fn change<T>(
    store: &mut dyn Store,
    decide: impl FnOnce(&Cluster) -> Result<(Vec<Change>, T)>,
) -> Result<T> {
    ask::change(store, decide)
}
