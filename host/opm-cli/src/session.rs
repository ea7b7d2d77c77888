//! What every command needs: the database, and which target this machine is.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use fs_err as fs;
use opkg_database::access::Credentials;
use opkg_database::{Database, Location};
use opkg_engine::groups::GroupCatalog;
use opkg_engine::local_target;
use opkg_engine::target_selector::{self, TargetSelector};
use opkg_engine::unseen::{silent_targets, unseen_targets, without_those_that_report};
use opkg_oda::{
    Change, Cluster, Delivered, Error as DatabaseError, Store, TargetAddress, TargetId, TargetKind,
};
use opkg_opm::Config;
use opkg_shell::{Shell, UsageError};

use crate::args::{Cli, DEFAULT_CONF, DEFAULT_DATABASE, DEFAULT_SETTINGS_DIR};
use crate::credentials;
use crate::errors::{CliError, Context};
use crate::identity::command_record;

/// Where to look, and how to speak.
#[derive(Debug, Clone)]
pub struct Session {
    /// Everything printed goes through it.
    pub shell: Shell,
    /// As the command line or the environment name it.
    database: Option<OsString>,
    conf: Option<PathBuf>,
    settings: PathBuf,
}

impl Session {
    /// As the command line says.
    #[must_use]
    pub fn new(cli: &Cli) -> Self {
        Self {
            shell: Shell::new(&cli.common),
            database: cli.database.clone(),
            conf: cli.conf.clone(),
            settings: cli.settings.clone().unwrap_or_else(|| DEFAULT_SETTINGS_DIR.into()),
        }
    }

    /// Where the database is: as it was named, else as the settings say, else at the usual place.
    ///
    /// # Errors
    /// What names it cannot be understood.
    pub fn database(&self) -> Result<Location, CliError> {
        let location = match &self.database {
            Some(named) => Location::parse(named)?,
            None => configured_database(&self.settings)?,
        };
        let Some(open) = location.server().filter(|address| address.is_role_open()) else {
            return Ok(location);
        };
        Ok(match credentials::load(&self.settings, open)? {
            Some(credentials) => location.with_credentials(&credentials),
            None => location,
        })
    }

    /// The credentials of this machine, where it has some.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn credentials(&self) -> Result<Option<Credentials>, CliError> {
        let location = self.database()?;
        location.server().map_or(Ok(None), |address| credentials::load(&self.settings, address))
    }

    /// The directory of what the administrator decides.
    #[must_use]
    pub fn settings_dir(&self) -> &Path {
        &self.settings
    }

    /// Whether it is the one of this machine: what the settings name, or the usual place.
    #[must_use]
    pub fn is_database_usual(&self) -> bool {
        self.database.as_ref().is_none_or(|named| named == DEFAULT_DATABASE)
    }

    /// The variables with which another `opm` finds the same database: an address may hold a password, which arguments
    /// would show to everybody.
    #[must_use]
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        self.database.iter().map(|named| ("OPM_DATABASE".into(), named.clone())).collect()
    }

    /// The options with which another `opm` looks at the same places.
    #[must_use]
    pub fn global_args(&self) -> Vec<OsString> {
        let conf = self.conf.as_deref().map(|it| ("--conf", it));
        let settings = Some(("--settings", self.settings.as_path()));
        let named = [conf, settings].into_iter().flatten();
        named.flat_map(|(option, path)| [option.into(), path.into()]).collect()
    }

    /// Opens the database.
    ///
    /// # Errors
    /// When there is none, or it cannot be used.
    pub fn open_store(&self) -> Result<Database, CliError> {
        let mut store = self.database()?.open()?;
        store.record_as(command_record());
        Ok(store)
    }

    /// Opens the database for an engine, which keeps what it did on the disk of this machine while a server is away.
    ///
    /// # Errors
    /// When there is none, or it cannot be used.
    pub fn open_store_for_engine(&self) -> Result<Database, CliError> {
        Ok(self.try_open_for_engine()??)
    }

    /// Likewise, for those that know what to do where the database itself refuses.
    ///
    /// # Errors
    /// Settings or credentials cannot be read.
    pub fn try_open_for_engine(&self) -> Result<Result<Database, DatabaseError>, CliError> {
        let directory = Config::load(&self.settings)?.results_directory;
        Ok(self.database()?.open_for_engine(&directory).map(|mut store| {
            store.record_as(command_record());
            store
        }))
    }

    /// Brings what engines of this machine kept while the database was away into it, and says so.
    ///
    /// # Errors
    /// When the database or the disk fails.
    pub fn deliver_results(&self, store: &mut dyn Store) -> Result<(), CliError> {
        for delivered in store.deliver_results()? {
            self.shell.status(&match delivered {
                Delivered::Steps(steps) => {
                    let steps = format!("{steps} step{}", if steps == 1 { "" } else { "s" });
                    format!("delivered what was kept while the database was away: {steps}")
                }
                Delivered::Refused { path, reason } => {
                    format!(
                        "what was kept while the database was away is now in {}: {reason}",
                        path.display()
                    )
                }
            });
        }
        Ok(())
    }

    /// Writes this command into the journal: for what is no change of a cluster.
    ///
    /// # Errors
    /// When the database fails.
    pub fn record_command(&self) -> Result<(), CliError> {
        Ok(self.open_store()?.commit(&[Change::RecordCommand(Box::new(command_record()))])?)
    }

    /// Opens the database only to read what is in it now: nothing is written, neither to it nor beside it.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open_reader(&self) -> Result<Database, CliError> {
        Ok(self.database()?.open_read_only()?)
    }

    /// Opens the database to follow what others write; where that needs more rights than there are, to read what is in it
    /// now.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open_follower(&self) -> Result<Database, CliError> {
        let database = self.database()?;
        match database.open() {
            Err(DatabaseError::ReadOnly { .. }) => Ok(database.open_read_only()?),
            opened => Ok(opened?),
        }
    }

    /// The targets with packages that cannot be looked at from here, and why.
    pub fn unseen_targets(&self, cluster: &Cluster) -> BTreeMap<TargetId, String> {
        let own = self.local_target(cluster).ok();
        let mut unseen = unseen_targets(cluster, own, |target| {
            opkg_opm::root_id(target).map(drop).map_err(|error| error.to_string())
        });
        if own.is_none() {
            let reason =
                format!("nobody says which target this machine is: see {}", self.conf_path().display());
            unseen.values_mut().for_each(|known| known.clone_from(&reason));
        }
        unseen
    }

    /// The targets with packages of which nobody knows how they are, and why: those that cannot be looked at from here, and do
    /// not write to the database themselves.
    pub fn unknown_targets(&self, cluster: &Cluster) -> BTreeMap<TargetId, String> {
        let unseen = self.unseen_targets(cluster);
        match self.database() {
            Ok(database) if database.file().is_none() => without_those_that_report(unseen, cluster),
            _ => unseen,
        }
    }

    /// The targets that should look for work in the database of a server and have not done so for a while: for how many
    /// seconds; absent for those that never did.
    pub fn silent_targets(
        &self,
        store: &mut dyn Store,
        cluster: &Cluster,
    ) -> BTreeMap<TargetId, Option<i64>> {
        if self.database().is_ok_and(|database| database.file().is_some()) {
            return BTreeMap::new();
        }
        // A copy of the database that can only be read does not know it.
        let Ok(seen) = store.last_seen() else { return BTreeMap::new() };
        silent_targets(cluster, self.local_target(cluster).ok(), &seen)
    }

    /// The file that says which target this machine is.
    #[must_use]
    pub fn conf_path(&self) -> &Path {
        self.conf.as_deref().unwrap_or(Path::new(DEFAULT_CONF))
    }

    /// Whether somebody named that file.
    #[must_use]
    pub fn is_conf_explicit(&self) -> bool {
        self.conf.is_some()
    }

    /// Which target this machine is, as the file says; nothing where there is no file, or an empty one: a disk that was full
    /// may have left it so.
    ///
    /// # Errors
    /// When the file says nothing of the kind.
    pub fn local_address(&self) -> Result<Option<TargetAddress>, CliError> {
        let path = self.conf_path();
        match fs::read_to_string(path) {
            Ok(text) if text.trim().is_empty() => Ok(None),
            Ok(text) => {
                let help = "two lines say which target this machine is, for example:\n    server\n    head";
                let wrong = |error: local_target::LocalTargetError| {
                    UsageError::new(format!("{}: {error}", path.display()), help)
                };
                Ok(Some(local_target::parse(&text).map_err(wrong)?))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context("cannot find out which target this machine is"),
        }
    }

    /// Nobody says which target this machine is.
    #[must_use]
    pub fn unknown_machine_error(&self) -> UsageError {
        let conf = self.conf_path();
        let why = match conf.exists() {
            true => format!("{} is empty", conf.display()),
            false => format!("there is no {}", conf.display()),
        };
        UsageError::new(
            format!("nobody says which target this machine is: {why}"),
            "`opm init --name NAME` makes it the head node; or write two lines into the file: `server`, `client` \
             or `image`, then the name",
        )
    }

    /// The target that this machine is. A database that was named is for trying things out: where no file says
    /// anything else, its head node is meant.
    ///
    /// # Errors
    /// When nobody says, or the database does not know the target.
    pub fn local_target(&self, cluster: &Cluster) -> Result<TargetId, CliError> {
        let Some(address) = self.local_address()? else {
            let is_trial = self.database.is_some() && !self.is_conf_explicit();
            let head = cluster.targets_of_kind(TargetKind::Server).next().filter(|_| is_trial);
            return Ok(head.map(|it| it.id).ok_or_else(|| self.unknown_machine_error())?);
        };
        let unknown = || {
            let conf = self.conf_path().display();
            UsageError::new(
                format!("this machine is {address}, as {conf} says, and the database has no such target"),
                format!(
                    "`opm target add {address}` makes it known; or correct {conf}, or name another with --conf FILE"
                ),
            )
        };
        Ok(cluster.find_target(&address).map(|it| it.id).ok_or_else(unknown)?)
    }

    /// The targets that are meant where none are named: on the head node all, elsewhere the machine itself.
    ///
    /// # Errors
    /// When one that is named does not exist, or nobody says which target this machine is.
    pub fn resolve_targets(
        &self,
        cluster: &Cluster,
        named: &[TargetSelector],
    ) -> Result<BTreeSet<TargetId>, CliError> {
        let otherwise = if named.iter().all(TargetSelector::is_exclusion) {
            let own = self.local_target(cluster)?;
            let is_head = cluster.targets.get(&own).is_some_and(|target| target.kind() == TargetKind::Server);
            if is_head { all_targets(cluster) } else { [own].into() }
        } else {
            BTreeSet::new()
        };
        self.select_targets(cluster, named, &otherwise)
    }

    /// The targets that are named, or `otherwise` where none are.
    ///
    /// # Errors
    /// When a target or group that is named does not exist, or groups cannot be read.
    pub fn select_targets(
        &self,
        cluster: &Cluster,
        named: &[TargetSelector],
        otherwise: &BTreeSet<TargetId>,
    ) -> Result<BTreeSet<TargetId>, CliError> {
        let has_groups = named.iter().any(TargetSelector::has_groups);
        let groups = if has_groups { load_groups(&self.settings)? } else { GroupCatalog::default() };
        Ok(target_selector::select(named, cluster, &groups, otherwise)?)
    }
}

/// The database that the settings of a directory name, else the usual one.
///
/// # Errors
/// They cannot be read, or what they say cannot be understood.
pub fn configured_database(settings: &Path) -> Result<Location, CliError> {
    let named = Config::load(settings)?.database.unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
    Ok(Location::parse(named.as_ref())?)
}

/// All groups that the settings of a directory name.
///
/// # Errors
/// The settings cannot be read.
pub fn load_groups(settings: &Path) -> Result<GroupCatalog, CliError> {
    let config = Config::load(settings)?;
    Ok(opkg_opm::groups::load(&config.group_settings(settings)))
}

/// All that a cluster has.
#[must_use]
pub fn all_targets(cluster: &Cluster) -> BTreeSet<TargetId> {
    cluster.targets.keys().copied().collect()
}

/// A path that begins at the root, without being looked up.
///
/// # Errors
/// When the working directory is gone.
pub fn absolute_path(path: &Path) -> Result<PathBuf, CliError> {
    std::path::absolute(path).context(format_args!("cannot find {}", path.display()))
}
