//! The MySQL database of older releases of OSCAR, from a dump of `mysqldump`.
//!
//! Packages, what they need of each other, images, nodes, stages, answers to configurators. The cluster's phase is
//! not among it: it is never inferred.

mod dump_text;
mod sql;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub use dump_text::NotADump;
use sql::{Record, SqlDump};

use crate::config::ConfigValues;
use crate::{
    Change, Cluster, ConfigValue, Package, PackageClass, PackageId, PackageName, PackageState, Stage,
    StageFailure, StateKey, Target, TargetAddress, TargetId, TargetKind, TargetName, ValueOrigin, WorkState,
};

/// The status of a stage that failed.
const STATUS_FAILED: i64 = 8;
/// The name of the head node, and of the group that it is in.
const SERVER_NAME: &str = "oscar_server";

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    pub changes: Vec<Change>,
    pub warnings: Vec<ImportWarning>,
    /// Where a dump ends that was cut off, counted from 1: what would follow is missing.
    pub cut_off_at: Option<usize>,
}

/// A part of a dump that could not be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ImportWarning {
    /// Counted from 1.
    pub line: usize,
    pub reason: String,
}

/// Reads a dump. Targets, packages and states that the cluster has already stay as they are; the
/// configuration of a package in a context becomes that of the dump, where it has one. `now` is in seconds since
/// 1970.
///
/// # Errors
/// It is no dump of such a database.
pub fn import(dump: &[u8], cluster: &Cluster, now: i64) -> Result<ImportReport, NotADump> {
    let text = dump_text::decode(dump)?;
    let tables = [
        "packages",
        "packages_requires",
        "packages_config",
        "images",
        "nodes",
        "group_nodes",
        "node_package_status",
        "image_package_status",
    ];
    let mut dump = sql::parse(&text, &tables);
    if !["packages", "nodes", "images"].iter().any(|table| dump.has_table(table)) {
        return Err(NotADump::NoTables);
    }
    let errors = std::mem::take(&mut dump.errors);
    let is_cut_off = dump.ends_early || dump_text::lacks_end(&text);
    let mut import = Importer {
        dump: &dump,
        cluster: cluster.clone(),
        now,
        target_ids: cluster.targets.values().map(|target| (target.address.clone(), target.id)).collect(),
        package_ids: cluster.packages.values().map(|package| (package.name.clone(), package.id)).collect(),
        packages_by_dump_id: BTreeMap::new(),
        images_by_dump_id: BTreeMap::new(),
        nodes_by_dump_id: BTreeMap::new(),
        report: ImportReport {
            cut_off_at: is_cut_off.then(|| text.lines().count().max(1)),
            ..ImportReport::default()
        },
    };
    import.report.warnings.extend(
        errors.into_iter().map(|error| ImportWarning { line: error.line, reason: error.kind.to_string() }),
    );
    import.import_packages();
    import.import_dependencies();
    import.import_images();
    import.import_nodes();
    import.import_states("image_package_status", "image_id");
    import.import_states("node_package_status", "node_id");
    import.import_values();
    Ok(import.report)
}

struct Importer<'a> {
    dump: &'a SqlDump,
    /// The cluster as it is going to be.
    cluster: Cluster,
    now: i64,
    target_ids: BTreeMap<TargetAddress, TargetId>,
    package_ids: BTreeMap<PackageName, PackageId>,
    /// By their id in the dump.
    packages_by_dump_id: BTreeMap<i64, PackageId>,
    images_by_dump_id: BTreeMap<i64, TargetId>,
    nodes_by_dump_id: BTreeMap<i64, TargetId>,
    report: ImportReport,
}

impl Importer<'_> {
    fn push_change(&mut self, change: Change) {
        self.cluster.apply(&change);
        self.report.changes.push(change);
    }

    fn warn(&mut self, record: Record<'_>, reason: impl ToString) {
        self.report.warnings.push(ImportWarning { line: record.line, reason: reason.to_string() });
    }

    fn import_packages(&mut self) {
        let dump = self.dump;
        for record in dump.records("packages") {
            let name = record.text("package").or_else(|| record.text("name")).unwrap_or_default();
            let name: PackageName = match name.parse() {
                Ok(name) => name,
                Err(error) => {
                    self.warn(record, error);
                    continue;
                }
            };
            let Some(dump_id) = record.number("id") else {
                self.warn(record, format!("the package {name} has no id"));
                continue;
            };
            let known = self.package_ids.get(&name).copied();
            let id = known.unwrap_or(PackageId(self.cluster.last_package_id + 1));
            self.packages_by_dump_id.insert(dump_id, id);
            if known.is_none() {
                let class = record.text("__class").or_else(|| record.text("class"));
                let class = class.and_then(|class| class.parse().ok()).unwrap_or(PackageClass::ThirdParty);
                let version = record.text("version").map(str::to_owned);
                self.package_ids.insert(name.clone(), id);
                let package =
                    Package { id, name, class, version, dependencies: Vec::new(), waiting_for: None };
                self.push_change(Change::PutPackage(package));
            }
        }
    }

    /// Requirements that are no packages of the suite are left to the package manager.
    fn import_dependencies(&mut self) {
        let mut needs: BTreeMap<PackageId, BTreeSet<PackageId>> = BTreeMap::new();
        for record in self.dump.records("packages_requires") {
            let package = record.number("p1_id").and_then(|dump_id| self.packages_by_dump_id.get(&dump_id));
            let needed = record.text("p2_name").and_then(|name| name.parse().ok());
            let needed = needed.and_then(|name: PackageName| self.package_ids.get(&name));
            if let (Some(package), Some(needed)) = (package, needed)
                && package != needed
            {
                needs.entry(*package).or_default().insert(*needed);
            }
        }
        for (id, needs) in needs {
            let Some(mut package) = self.cluster.packages.get(&id).cloned() else { continue };
            let mut new: Vec<PackageId> = needs.into_iter().collect();
            new.retain(|needed| !package.dependencies.contains(needed));
            if !new.is_empty() {
                package.dependencies.extend(new);
                self.push_change(Change::PutPackage(package));
            }
        }
    }

    fn import_images(&mut self) {
        let dump = self.dump;
        for record in dump.records("images") {
            let root = record.text("path").filter(|path| path.starts_with('/')).map(PathBuf::from);
            let id = self.find_or_create_target(record, TargetKind::Image, root, None);
            if let (Some(dump_id), Some(id)) = (record.number("id"), id) {
                self.images_by_dump_id.insert(dump_id, id);
            }
        }
    }

    fn import_nodes(&mut self) {
        let dump = self.dump;
        let is_member = |record: &Record<'_>| record.text("group_name") == Some(SERVER_NAME);
        let servers: BTreeSet<i64> = dump
            .records("group_nodes")
            .filter(is_member)
            .filter_map(|record| record.number("node_id"))
            .collect();
        for record in dump.records("nodes") {
            let Some(dump_id) = record.number("id") else {
                self.warn(record, "a node has no id");
                continue;
            };
            let is_server = servers.contains(&dump_id) || record.text("name") == Some(SERVER_NAME);
            let kind = if is_server { TargetKind::Server } else { TargetKind::Client };
            let image = record.number("image_id").filter(|image| *image != 0 && !is_server);
            let known = image.and_then(|image| self.images_by_dump_id.get(&image)).copied();
            if let (Some(image), None) = (image, known) {
                self.warn(record, format!("the node's image {image} is not in the dump"));
            }
            if let Some(id) = self.find_or_create_target(record, kind, None, known) {
                self.nodes_by_dump_id.insert(dump_id, id);
            }
        }
    }

    /// The target that a record names; a new one where the cluster has none of that name.
    fn find_or_create_target(
        &mut self,
        record: Record<'_>,
        kind: TargetKind,
        root: Option<PathBuf>,
        image: Option<TargetId>,
    ) -> Option<TargetId> {
        let name = record.text("name").or_else(|| record.text("hostname")).unwrap_or_default();
        let name: TargetName = match name.parse() {
            Ok(name) => name,
            Err(error) => {
                self.warn(record, error);
                return None;
            }
        };
        let address = TargetAddress { kind, name };
        if let Some(known) = self.target_ids.get(&address) {
            return Some(*known);
        }
        let id = TargetId(self.cluster.last_target_id + 1);
        self.target_ids.insert(address.clone(), id);
        self.push_change(Change::PutTarget(Target { id, address, root, image }));
        Some(id)
    }

    fn find_target(&self, kind: TargetKind, name: &str) -> Option<TargetId> {
        let address = TargetAddress { kind, name: name.parse().ok()? };
        self.target_ids.get(&address).copied()
    }

    /// Of several records for one package on one target, the one with the latest requested stage counts.
    fn import_states(&mut self, table: &str, id_column: &str) {
        let dump = self.dump;
        let targets = if id_column == "image_id" { &self.images_by_dump_id } else { &self.nodes_by_dump_id };
        let mut found: BTreeMap<StateKey, (Record<'_>, Stage)> = BTreeMap::new();
        let mut rejected = Vec::new();
        for record in dump.records(table) {
            let target = record.number(id_column).and_then(|dump_id| targets.get(&dump_id)).copied();
            let package = record
                .number("package_id")
                .and_then(|dump_id| self.packages_by_dump_id.get(&dump_id))
                .copied();
            let requested = record.number("requested").unwrap_or(1);
            let (target, package) = match (target, package) {
                (Some(target), Some(package)) => (target, package),
                _ => {
                    rejected
                        .push((record, "the state of a package or target that is not in the dump".into()));
                    continue;
                }
            };
            let Some(requested) = Stage::from_id(requested.max(1)) else {
                rejected.push((record, format!("there is no stage {requested}")));
                continue;
            };
            let key = StateKey { target, package };
            if self.cluster.state(key).is_some() {
                rejected.push((record, "the database has a state of this package there already".into()));
            } else if found.get(&key).is_none_or(|(_, other)| *other < requested) {
                found.insert(key, (record, requested));
            }
        }
        for (record, reason) in rejected {
            self.warn(record, reason);
        }
        for (key, (record, requested)) in found {
            self.import_state(key, record, requested);
        }
    }

    fn import_state(&mut self, key: StateKey, record: Record<'_>, requested: Stage) {
        let current = record.number("curr").unwrap_or(1).max(1);
        let Some(current) = Stage::from_id(current) else {
            self.warn(record, format!("there is no stage {current}"));
            return;
        };
        let mut state = PackageState { current, ..PackageState::new(requested, self.now) };
        if record.number("status") == Some(STATUS_FAILED) {
            // The failed stage was recorded as reached.
            state.current =
                Stage::from_id(i64::from(current.id()) - 1).unwrap_or(Stage::ShouldNotBeInstalled);
            let stage = state.current.next().unwrap_or(Stage::Finished);
            let message = record.text("errormsg").or_else(|| record.text("error"));
            let message = one_line(message.unwrap_or("failed; the imported database gives no reason"));
            state = PackageState {
                work_state: WorkState::Failed,
                failure: Some(Box::new(StageFailure { stage, message })),
                attempts: 1,
                ..state
            };
        }
        let handed_over_at = (state.current >= Stage::PostClients).then_some(self.now);
        self.push_change(Change::Request { key, stage: requested, requested_at: self.now });
        self.push_change(Change::UpdateState(key, state));
        let clients = record.text("client_nodes").unwrap_or_default();
        let names = clients.split(|c: char| c.is_whitespace() || ",;".contains(c));
        for name in names.filter(|name| !name.is_empty()) {
            match self.find_target(TargetKind::Client, name) {
                Some(client) => {
                    self.push_change(Change::Assign { package: key.package, client, handed_over_at })
                }
                None => self.warn(record, format!("there is no client `{}`", name.escape_debug())),
            }
        }
    }

    fn import_values(&mut self) {
        let dump = self.dump;
        let mut records: Vec<Record<'_>> = dump.records("packages_config").collect();
        records.sort_by_key(|record| record.number("config_id"));
        let mut all = ConfigValues::new();
        for record in records {
            let package = record
                .number("package_id")
                .and_then(|dump_id| self.packages_by_dump_id.get(&dump_id))
                .copied();
            let (Some(package), Some(name)) = (package, record.text("name")) else {
                self.warn(record, "a value without a package or without a name");
                continue;
            };
            let image = match record.text("context").filter(|context| *context != "global") {
                None => None,
                Some(context) => {
                    let name = context.strip_prefix("image:").unwrap_or(context);
                    let image = self.find_target(TargetKind::Image, name);
                    if image.is_none() {
                        self.warn(record, format!("there is no image `{}`", name.escape_debug()));
                        continue;
                    }
                    image
                }
            };
            let value = record.raw("value").unwrap_or_default().to_owned();
            if name.chars().any(char::is_control) || value.contains('\0') {
                self.warn(record, format!("the value of `{}` is not text", name.escape_debug()));
                continue;
            }
            let value = ConfigValue { name: name.to_owned(), value, origin: ValueOrigin::Administrator };
            all.entry((package, image)).or_default().push(value);
        }
        for ((package, image), values) in all {
            self.push_change(Change::SetValues { package, image, values, expected: None });
        }
    }
}

fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}
