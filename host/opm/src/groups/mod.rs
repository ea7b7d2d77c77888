//! Groups of nodes: those of `opm.toml`, and those that files of other programs define. Nothing of another program is run.

mod clustershell;
mod files;
mod genders;
mod slurm;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use opkg_engine::groups::{
    GroupCatalog, GroupPart, GroupSource, GroupSourceError, GroupTable, Members, Place,
};

use crate::config::{GroupDefinitions, GroupFiles, GroupSettings};

/// As deep do files include each other.
const MAX_INCLUDE_DEPTH: usize = 8;
/// As many files belong to one source.
const MAX_FILES: usize = 1000;

/// Readers of the files of other programs, as text.
pub mod parsers {
    pub use super::clustershell::{parse_lines as clustershell_lines, parse_yaml as clustershell_yaml};
    pub use super::genders::parse as genders;
    pub use super::slurm::{Record, Statement, parse as slurm, partitions, switches};
}

/// Reads all groups that there are. What cannot be read matters to those who ask for it, and is told in its place.
#[must_use]
pub fn load(settings: &GroupSettings) -> GroupCatalog {
    let mut catalog = GroupCatalog::default();
    let mut add = |name: &str, groups| catalog.add(GroupSource { name: name.to_owned(), groups });
    add("opm", define(&settings.definitions, &settings.path));
    let files = &settings.files;
    for (name, groups) in load_clustershell(files) {
        add(&name, groups);
    }
    let single = [
        ("genders", files.genders.resolve(Path::new("/etc/genders")), load_genders as fn(&Path) -> _),
        ("slurm", files.slurm.resolve(Path::new(SLURM_CONF)), load_partitions),
        ("topology", topology_path(files), load_switches),
    ];
    for (name, path, load) in single {
        let Some((path, is_named)) = path else { continue };
        if is_named || path.exists() {
            add(name, load(&path));
        }
    }
    catalog
}

const SLURM_CONF: &str = "/etc/slurm/slurm.conf";

/// Beside `slurm.conf`, unless it is named; nowhere, where nothing of Slurm is read.
fn topology_path(files: &GroupFiles) -> Option<(PathBuf, bool)> {
    let (slurm, _) = files.slurm.resolve(Path::new(SLURM_CONF)).unzip();
    let usual = slurm.map(|path| path.with_file_name("topology.conf"));
    files.topology.resolve(usual.as_deref().unwrap_or(Path::new(""))).filter(|(path, _)| path.is_absolute())
}

fn define(definitions: &GroupDefinitions, path: &Path) -> Result<GroupTable, GroupSourceError> {
    let mut table = GroupTable::default();
    let place = Place { file: path.display().to_string(), line: None };
    for (name, members) in &definitions.0 {
        let located = |message| GroupSourceError::invalid(&place, message);
        table.declare(name).map_err(located)?;
        for text in members {
            let part = GroupPart { members: Members::Targets(text.as_str().into()), place: place.clone() };
            table.add(name, part).map_err(located)?;
        }
    }
    Ok(table)
}

/// The sources in `groups.d`: those that files of YAML name, and for lines `group: nodes` the name of their file.
fn load_clustershell(files: &GroupFiles) -> Vec<(String, Result<GroupTable, GroupSourceError>)> {
    let Some((directory, is_named)) = files.clustershell.resolve(Path::new("/etc/clustershell")) else {
        return Vec::new();
    };
    let directory = directory.join("groups.d");
    if !is_named && !directory.exists() {
        return Vec::new();
    }
    let paths = match files::list(&directory, &["yaml", "cfg"], MAX_FILES) {
        Ok(paths) => paths,
        Err(error) => return vec![("clustershell".into(), Err(error))],
    };
    let mut sources = Vec::new();
    for path in paths {
        let name = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let file = path.display().to_string();
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml");
        match files::read(&path) {
            Ok(text) if is_yaml => match clustershell::parse_yaml(&text, &file) {
                Ok(found) => sources.extend(found.into_iter().map(|(name, table)| (name, Ok(table)))),
                Err(error) => sources.push((name(path.file_name()), Err(error))),
            },
            Ok(text) => sources.push((name(path.file_stem()), clustershell::parse_lines(&text, &file))),
            Err(error) => sources.push((name(path.file_name()), Err(error))),
        }
    }
    sources
}

fn load_genders(path: &Path) -> Result<GroupTable, GroupSourceError> {
    genders::parse(&files::read(path)?, &path.display().to_string())
}

fn load_partitions(path: &Path) -> Result<GroupTable, GroupSourceError> {
    slurm::partitions(&load_slurm(path)?)
}

fn load_switches(path: &Path) -> Result<GroupTable, GroupSourceError> {
    slurm::switches(&load_slurm(path)?)
}

/// A file of Slurm with those that it includes. These are looked for beside the first one.
fn load_slurm(path: &Path) -> Result<Vec<slurm::Record>, GroupSourceError> {
    let mut records = Vec::new();
    let mut file_count = 0;
    read_slurm(path, path.parent().unwrap_or(Path::new("/")), 0, &mut file_count, &mut records)?;
    Ok(records)
}

fn read_slurm(
    path: &Path,
    directory: &Path,
    depth: usize,
    file_count: &mut usize,
    records: &mut Vec<slurm::Record>,
) -> Result<(), GroupSourceError> {
    let text = files::read(path)?;
    for statement in slurm::parse(&text, &path.display().to_string())? {
        match statement {
            slurm::Statement::Record(record) => records.push(record),
            slurm::Statement::Include { path, place } => {
                *file_count += 1;
                if depth == MAX_INCLUDE_DEPTH || *file_count > MAX_FILES {
                    return Err(GroupSourceError::invalid(&place, "files include each other too often"));
                }
                read_slurm(&directory.join(path), directory, depth + 1, file_count, records)?;
            }
        }
    }
    Ok(())
}
