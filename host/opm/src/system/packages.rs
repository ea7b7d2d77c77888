//! Installing and removing the native packages of OPKGs. What a package manager says of its work is not believed: it is
//! asked what is there, before and after.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use opkg_oda::{Cluster, Kind, Package, PackageId, Stage, Target};
use opkg_runtime::package_manager::Installed;

use super::hooks::{self, Call, Circumstances};
use super::learn::learn;
use super::log::Log;
use super::manager::{Failure, Manager, Tools};
use super::marks::{Duty, Marks};
use super::process::How;
use super::root::Additions;
use super::runners::{Ran, Runners};
use super::scripts::{Part, keep, kept};
use super::service::Unheard;
use crate::machine::Outcome;

/// How the names of all native packages of OPKGs begin.
const PREFIX: &str = "opkg-";

/// Work on the packages of one target.
#[derive(Debug)]
pub(super) struct Packages<'a> {
    pub(super) manager: &'a Manager,
    pub(super) tools: Tools<'a>,
    pub(super) cluster: &'a Cluster,
    pub(super) target: &'a Target,
    pub(super) runners: Runners<'a>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) outcome: Outcome,
    /// How the program ended that decided, where one did.
    pub(super) how: Option<How>,
    pub(super) learned: Vec<Package>,
}

impl Done {
    fn new(outcome: Outcome) -> Self {
        Self { outcome, how: None, learned: Vec::new() }
    }

    fn failed(failure: Failure, as_what: fn(String) -> Outcome) -> Self {
        let outcome =
            if failure.how == Some(How::Stopped) { Outcome::Stopped } else { as_what(failure.reason) };
        Self { outcome, how: failure.how, learned: Vec::new() }
    }
}

impl Packages<'_> {
    /// Installs the part of packages that belongs to a stage here, in one transaction. `stale` says what went wrong
    /// when the package sources were read, if anything did.
    pub(super) fn install(
        &self,
        stage: Stage,
        packages: &[PackageId],
        stale: Option<&str>,
        log: &mut Log,
    ) -> Done {
        let part = part(stage, self.target.kind());
        let names: Vec<(PackageId, String)> = packages
            .iter()
            .filter_map(|id| {
                let name = self.cluster.packages.get(id)?.name.as_str();
                Some((*id, part.package(name)))
            })
            .collect();
        let natives: Vec<String> = names.iter().map(|(_, native)| native.clone()).collect();
        if let Err(mut failure) = self.manager.install(&natives, &self.tools, log) {
            if let Some(stale) = stale {
                failure.reason =
                    format!("{} (the package sources could not be read: {stale})", failure.reason);
            }
            return Done::failed(failure, Outcome::Together);
        }
        let installed = match self.manager.query(&natives, &self.tools, log) {
            Ok(installed) => installed,
            Err(failure) => return Done::failed(failure, Outcome::Together),
        };
        let mut failed = BTreeMap::new();
        let mut done = Done::new(Outcome::Done);
        for (id, native) in &names {
            let result = match installed.get(native) {
                None => Err((
                    format!(
                        "{native} is not installed, although its installation was said to have succeeded"
                    ),
                    None,
                )),
                Some(found) => self.after_install(*id, part, found, stage, log),
            };
            match result {
                Err((_, Some(How::Stopped))) => {
                    return Done { how: Some(How::Stopped), ..Done::new(Outcome::Stopped) };
                }
                Err((reason, how)) => {
                    failed.insert(*id, reason);
                    done.how = how;
                }
                Ok(()) if part == Part::Api => {
                    match learn(self.tools.root, self.cluster, *id, self.manager.distribution()) {
                        Ok(learned) => done.learned.extend(learned),
                        Err(reason) => log.note(&reason),
                    }
                }
                Ok(()) => {}
            }
        }
        if !failed.is_empty() {
            done.outcome = Outcome::Partly(failed);
        }
        done
    }

    /// Removes the parts of a package that it must not have at a stage.
    pub(super) fn remove(&self, id: PackageId, to: Stage, log: &mut Log) -> Done {
        let Some(package) = self.cluster.packages.get(&id) else { return Done::new(Outcome::Done) };
        let name = package.name.as_str();
        let before = match self.manager.query(&[], &self.tools, log) {
            Ok(installed) => installed,
            Err(failure) => return Done::failed(failure, Outcome::Failed),
        };
        let parts = parts_above(to, self.target.kind());
        let mut leaving = BTreeSet::new();
        for part in parts {
            let native = part.package(name);
            let removed = match before.get(&native) {
                Some(found) => {
                    leaving.insert(native);
                    self.remove_part(id, name, *part, found, to, log)
                }
                None => self.run_kept(id, name, *part, to, log),
            };
            if let Err((reason, how)) = removed {
                return Done::failed(Failure { reason, how }, Outcome::Failed);
            }
        }
        if leaving.is_empty() {
            return Done::new(Outcome::Done);
        }
        let after = match self.manager.query(&[], &self.tools, log) {
            Ok(installed) => installed,
            Err(failure) => return Done::failed(failure, Outcome::Failed),
        };
        let still: Vec<&str> =
            leaving.iter().filter(|it| after.contains_key(*it)).map(String::as_str).collect();
        if !still.is_empty() {
            let are = if still.len() == 1 { "is" } else { "are" };
            return Done::new(Outcome::Failed(format!(
                "{} {are} still installed, although the removal was said to have succeeded",
                still.join(", ")
            )));
        }
        let gone =
            |it: &&String| it.starts_with(PREFIX) && !after.contains_key(*it) && !leaving.contains(*it);
        let more: Vec<&str> = before.keys().filter(gone).map(String::as_str).collect();
        if !more.is_empty() {
            return Done::new(Outcome::Failed(format!(
                "the removal took {} as well, which needed it: `opm audit` shows what is missing now",
                more.join(", ")
            )));
        }
        Done::new(Outcome::Done)
    }

    /// Which of these packages are there with the part that belongs to this target.
    pub(super) fn confirm(&self, packages: &[PackageId], log: &mut Log) -> Done {
        let part = part(Stage::InstallBinPkgs, self.target.kind());
        let native = |id: &PackageId| Some(part.package(self.cluster.packages.get(id)?.name.as_str()));
        let natives: Vec<String> = packages.iter().filter_map(native).collect();
        match self.manager.query(&natives, &self.tools, log) {
            Ok(installed) => {
                let there = |id: &&PackageId| native(id).is_some_and(|it| installed.contains_key(&it));
                Done::new(Outcome::Present(packages.iter().filter(there).copied().collect()))
            }
            Err(failure) => Done::failed(failure, Outcome::Failed),
        }
    }

    fn after_install(
        &self,
        id: PackageId,
        part: Part,
        found: &Installed,
        stage: Stage,
        log: &mut Log,
    ) -> Result<(), (String, Option<How>)> {
        let candidates = self.ours(id, found, part.post_install()).map_err(|it| (it, None))?;
        self.script(id, part.post_install()[0], stage, &candidates, log)
    }

    fn remove_part(
        &self,
        id: PackageId,
        name: &str,
        part: Part,
        found: &Installed,
        to: Stage,
        log: &mut Log,
    ) -> Result<(), (String, Option<How>)> {
        let native = part.package(name);
        let ours = |names| self.ours(id, found, names).map_err(|it| (it, None));
        self.script(id, part.pre_uninstall()[0], to, &ours(part.pre_uninstall())?, log)?;
        let last = ours(part.post_uninstall())?;
        keep(self.tools.root, &native, &last).map_err(|it| (it, None))?;
        self.manager.remove(&[native], &self.tools, log).map_err(|it| (it.reason, it.how))?;
        self.run_kept(id, name, part, to, log)
    }

    /// Runs the script that was kept over the removal of its package, now or by a run that died.
    fn run_kept(
        &self,
        id: PackageId,
        name: &str,
        part: Part,
        to: Stage,
        log: &mut Log,
    ) -> Result<(), (String, Option<How>)> {
        let (root, native) = (self.tools.root, part.package(name));
        let candidates =
            hooks::candidates(root, &kept(&native), part.post_uninstall()).map_err(|it| (it, None))?;
        let (Some(home), Some(script)) = (self.home(id), candidates.first()) else { return Ok(()) };
        let cannot = |error: std::io::Error| (format!("{} cannot be run: {error}", script.display()), None);
        // It starts in its home, which may be gone.
        let mut place = Additions::new(root);
        place.directory(&home).map_err(cannot)?;
        self.script(id, part.post_uninstall()[0], to, &candidates, log)?;
        drop(place);
        root.forget(script).map_err(cannot)
    }

    fn home(&self, id: PackageId) -> Option<PathBuf> {
        self.cluster.packages.get(&id).map(|it| hooks::home(&it.name))
    }

    /// The files that serve a script which the package manager does not run: none, where it has run the package's own.
    fn ours(&self, id: PackageId, found: &Installed, names: &[&str]) -> Result<Vec<PathBuf>, String> {
        let Some(home) = self.home(id) else { return Ok(Vec::new()) };
        let mut candidates = hooks::candidates(self.tools.root, &home, names)?;
        let first = candidates.first().is_some_and(|it| hooks::is_component(it));
        if found.has_scriptlets && !first {
            candidates.clear();
        }
        Ok(candidates)
    }

    /// Runs the first of these files, if there is any, as the script of this name.
    fn script(
        &self,
        id: PackageId,
        name: &str,
        stage: Stage,
        candidates: &[PathBuf],
        log: &mut Log,
    ) -> Result<(), (String, Option<How>)> {
        let (Some(script), Some(package)) = (candidates.first(), self.cluster.packages.get(&id)) else {
            return Ok(());
        };
        let circumstances = Circumstances {
            cluster: self.cluster,
            package: Some(package),
            stage,
            target: &self.target.address,
            image: None,
            marks: Marks { duty: Duty::Script, ..self.tools.marks.clone() },
        };
        let file = script.file_name().unwrap_or_default().to_string_lossy();
        let call = Call {
            name,
            title: format!("{file} of {}", package.name),
            about: &circumstances,
            root: self.tools.root,
            home: hooks::home(&package.name),
            candidates: candidates.to_vec(),
            arguments: Vec::new(),
            environment: hooks::environment(self.tools.config, &circumstances),
            shared: Vec::new(),
            patience: self.tools.config.limits.of_hooks(),
        };
        match self.runners.run(&call, log, &mut Unheard) {
            Ran::Done => Ok(()),
            Ran::Stopped => Err((format!("{} was stopped", call.title), Some(How::Stopped))),
            Ran::Failed { reason, how } => Err((reason, Some(how))),
        }
    }
}

/// The part that a stage brings to a target.
fn part(stage: Stage, kind: Kind) -> Part {
    match (stage, kind) {
        (Stage::ShouldBeInstalled, _) => Part::Api,
        (_, Kind::Server) => Part::Server,
        (_, Kind::Image | Kind::Client) => Part::Client,
    }
}

/// The parts that must not be there at a stage, in the order in which they go.
fn parts_above(to: Stage, kind: Kind) -> &'static [Part] {
    match (to, kind) {
        (Stage::ShouldNotBeInstalled, Kind::Server) => &[Part::Server, Part::Api],
        (_, Kind::Server) => &[Part::Server],
        (_, Kind::Image | Kind::Client) => &[Part::Client],
    }
}
