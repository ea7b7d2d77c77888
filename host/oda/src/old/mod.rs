//! The database of the suite's older releases, from a dump that MySQL's own tool made.
//!
//! Packages, what they need of each other, images, nodes, stages, answers to configurators. The cluster's phase is
//! not among it: it is never inferred.

mod sql;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use sql::{Dump, Record};

use crate::export::Values;
use crate::{
    Address, Change, Class, Cluster, Failure, Key, Kind, Origin, Package, PackageId, PackageName, Row, Stage,
    State, Target, TargetId, TargetName, Value,
};

/// The status of a stage that failed.
const ERROR: i64 = 8;
/// The name of the head node, and of the group that it is in.
const SERVER: &str = "oscar_server";

/// What a dump says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// To be committed.
    pub changes: Vec<Change>,
    /// What could not be taken over.
    pub findings: Vec<Finding>,
}

/// Something of a dump that could not be taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Finding {
    /// Where, counted from 1.
    pub line: usize,
    /// Why.
    pub reason: String,
}

/// Reads a dump. Targets, packages and states that the cluster has already stay as they are there; the
/// configuration of a package in a context becomes that of the dump, where it has one. `now` is in seconds since
/// 1970.
#[must_use]
pub fn import(dump: &[u8], cluster: &Cluster, now: i64) -> Imported {
    let text = sql::decode(dump);
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
    let mut dump = sql::read(&text, &tables);
    let flaws = std::mem::take(&mut dump.flaws);
    let mut import = Import {
        dump: &dump,
        after: cluster.clone(),
        now,
        addresses: cluster.targets.values().map(|it| (it.address.clone(), it.id)).collect(),
        names: cluster.packages.values().map(|it| (it.name.clone(), it.id)).collect(),
        packages: BTreeMap::new(),
        images: BTreeMap::new(),
        nodes: BTreeMap::new(),
        done: Imported::default(),
    };
    import.done.findings.extend(flaws.into_iter().map(|(line, reason)| Finding { line, reason }));
    if !["packages", "nodes", "images"].iter().any(|it| dump.has(it)) {
        let reason = "no table of an old database: neither Packages nor Nodes nor Images".to_owned();
        import.done.findings.push(Finding { line: 1, reason });
    }
    import.packages();
    import.needs();
    import.images();
    import.nodes();
    import.states("image_package_status", "image_id");
    import.states("node_package_status", "node_id");
    import.values();
    import.done
}

struct Import<'a> {
    dump: &'a Dump,
    /// The cluster as it is going to be.
    after: Cluster,
    now: i64,
    addresses: BTreeMap<Address, TargetId>,
    names: BTreeMap<PackageName, PackageId>,
    /// Their keys in the dump and here.
    packages: BTreeMap<i64, PackageId>,
    images: BTreeMap<i64, TargetId>,
    nodes: BTreeMap<i64, TargetId>,
    done: Imported,
}

impl Import<'_> {
    fn change(&mut self, change: Change) {
        self.after.apply(&change);
        self.done.changes.push(change);
    }

    fn finding(&mut self, record: Record<'_>, reason: impl ToString) {
        self.done.findings.push(Finding { line: record.line, reason: reason.to_string() });
    }

    fn packages(&mut self) {
        let dump = self.dump;
        for record in dump.records("packages") {
            let name = record.text("package").or_else(|| record.text("name")).unwrap_or_default();
            let name: PackageName = match name.parse() {
                Ok(name) => name,
                Err(error) => {
                    self.finding(record, error);
                    continue;
                }
            };
            let Some(old) = record.number("id") else {
                self.finding(record, format!("the package {name} has no id"));
                continue;
            };
            let known = self.names.get(&name).copied();
            let id = known.unwrap_or(PackageId(self.after.last_package + 1));
            self.packages.insert(old, id);
            if known.is_none() {
                let class = record.text("__class").or_else(|| record.text("class"));
                let class = class.and_then(|it| it.parse().ok()).unwrap_or(Class::ThirdParty);
                let version = record.text("version").map(str::to_owned);
                self.names.insert(name.clone(), id);
                let package = Package { id, name, class, version, needs: Vec::new(), awaits: None };
                self.change(Change::Package(package));
            }
        }
    }

    /// Requirements that are no packages of the suite are left to the package manager.
    fn needs(&mut self) {
        let mut needs: BTreeMap<PackageId, BTreeSet<PackageId>> = BTreeMap::new();
        for record in self.dump.records("packages_requires") {
            let package = record.number("p1_id").and_then(|it| self.packages.get(&it));
            let needed = record.text("p2_name").and_then(|it| it.parse().ok());
            let needed = needed.and_then(|it: PackageName| self.names.get(&it));
            if let (Some(package), Some(needed)) = (package, needed)
                && package != needed
            {
                needs.entry(*package).or_default().insert(*needed);
            }
        }
        for (id, needs) in needs {
            let Some(mut package) = self.after.packages.get(&id).cloned() else { continue };
            let more: Vec<PackageId> = needs.into_iter().filter(|it| !package.needs.contains(it)).collect();
            if !more.is_empty() {
                package.needs.extend(more);
                self.change(Change::Package(package));
            }
        }
    }

    fn images(&mut self) {
        let dump = self.dump;
        for record in dump.records("images") {
            let root = record.text("path").filter(|it| it.starts_with('/')).map(PathBuf::from);
            if let (Some(old), Some(id)) = (record.number("id"), self.target(record, Kind::Image, root, None))
            {
                self.images.insert(old, id);
            }
        }
    }

    fn nodes(&mut self) {
        let dump = self.dump;
        let in_group = |it: &Record<'_>| it.text("group_name") == Some(SERVER);
        let servers: BTreeSet<i64> =
            dump.records("group_nodes").filter(in_group).filter_map(|it| it.number("node_id")).collect();
        for record in dump.records("nodes") {
            let Some(old) = record.number("id") else {
                self.finding(record, "a node has no id");
                continue;
            };
            let server = servers.contains(&old) || record.text("name") == Some(SERVER);
            let kind = if server { Kind::Server } else { Kind::Client };
            let image = record.number("image_id").filter(|it| *it != 0 && !server);
            let known = image.and_then(|it| self.images.get(&it)).copied();
            if let (Some(image), None) = (image, known) {
                self.finding(record, format!("the node's image {image} is not in the dump"));
            }
            if let Some(id) = self.target(record, kind, None, known) {
                self.nodes.insert(old, id);
            }
        }
    }

    /// The target that a record names; a new one where the cluster has none of that name.
    fn target(
        &mut self,
        record: Record<'_>,
        kind: Kind,
        root: Option<PathBuf>,
        image: Option<TargetId>,
    ) -> Option<TargetId> {
        let name = record.text("name").or_else(|| record.text("hostname")).unwrap_or_default();
        let name: TargetName = match name.parse() {
            Ok(name) => name,
            Err(error) => {
                self.finding(record, error);
                return None;
            }
        };
        let address = Address { kind, name };
        if let Some(known) = self.addresses.get(&address) {
            return Some(*known);
        }
        let id = TargetId(self.after.last_target + 1);
        self.addresses.insert(address.clone(), id);
        self.change(Change::Target(Target { id, address, root, image }));
        Some(id)
    }

    fn named(&self, kind: Kind, name: &str) -> Option<TargetId> {
        let address = Address { kind, name: name.parse().ok()? };
        self.addresses.get(&address).copied()
    }

    /// There may be several records for one package on one target; the one that asks for most counts.
    fn states(&mut self, table: &str, of: &str) {
        let dump = self.dump;
        let targets = if of == "image_id" { &self.images } else { &self.nodes };
        let mut found: BTreeMap<Key, (Record<'_>, Stage)> = BTreeMap::new();
        let mut findings = Vec::new();
        for record in dump.records(table) {
            let target = record.number(of).and_then(|it| targets.get(&it)).copied();
            let package = record.number("package_id").and_then(|it| self.packages.get(&it)).copied();
            let requested = record.number("requested").unwrap_or(1);
            let (target, package) = match (target, package) {
                (Some(target), Some(package)) => (target, package),
                _ => {
                    findings.push((
                        record,
                        "the state of a package or target that the dump does not hold".into(),
                    ));
                    continue;
                }
            };
            let Some(requested) = Stage::from_id(requested.max(1)) else {
                findings.push((record, format!("there is no stage {requested}")));
                continue;
            };
            let key = Key { target, package };
            if self.after.row(key).is_some() {
                findings.push((record, "the database has a state of this package there already".into()));
            } else if found.get(&key).is_none_or(|it| it.1 < requested) {
                found.insert(key, (record, requested));
            }
        }
        for (record, reason) in findings {
            self.finding(record, reason);
        }
        for (key, (record, requested)) in found {
            self.state(key, record, requested);
        }
    }

    fn state(&mut self, key: Key, record: Record<'_>, requested: Stage) {
        let reached = record.number("curr").unwrap_or(1).max(1);
        let Some(reached) = Stage::from_id(reached) else {
            self.finding(record, format!("there is no stage {reached}"));
            return;
        };
        let mut row = Row { current: reached, ..Row::new(requested, self.now) };
        if record.number("status") == Some(ERROR) {
            // The failed stage was recorded as reached.
            row.current = Stage::from_id(i64::from(reached.id()) - 1).unwrap_or(Stage::ShouldNotBeInstalled);
            let stage = row.current.next().unwrap_or(Stage::Finished);
            let message = record.text("errormsg").or_else(|| record.text("error"));
            let message = one_line(message.unwrap_or("failed, the old database does not say why"));
            row = Row {
                state: State::Error,
                failure: Some(Box::new(Failure { stage, message })),
                attempts: 1,
                ..row
            };
        }
        let handed_over = (row.current >= Stage::PostClients).then_some(self.now);
        self.change(Change::Request { key, stage: requested, at: self.now });
        self.change(Change::Progress(key, row));
        let clients = record.text("client_nodes").unwrap_or_default();
        for name in
            clients.split(|it: char| it.is_whitespace() || ",;".contains(it)).filter(|it| !it.is_empty())
        {
            match self.named(Kind::Client, name) {
                Some(client) => self.change(Change::Assign { package: key.package, client, handed_over }),
                None => self.finding(record, format!("there is no client `{}`", name.escape_debug())),
            }
        }
    }

    fn values(&mut self) {
        let dump = self.dump;
        let mut records: Vec<Record<'_>> = dump.records("packages_config").collect();
        records.sort_by_key(|it| it.number("config_id"));
        let mut all = Values::new();
        for record in records {
            let package = record.number("package_id").and_then(|it| self.packages.get(&it)).copied();
            let (Some(package), Some(name)) = (package, record.text("name")) else {
                self.finding(record, "a value without a package or without a name");
                continue;
            };
            let image = match record.text("context").filter(|it| *it != "global") {
                None => None,
                Some(context) => {
                    let name = context.strip_prefix("image:").unwrap_or(context);
                    let image = self.named(Kind::Image, name);
                    if image.is_none() {
                        self.finding(record, format!("there is no image `{}`", name.escape_debug()));
                        continue;
                    }
                    image
                }
            };
            let value = record.exact("value").unwrap_or_default().to_owned();
            if name.chars().any(char::is_control) || value.contains('\0') {
                self.finding(record, format!("the value of `{}` is not text", name.escape_debug()));
                continue;
            }
            let value = Value { name: name.to_owned(), value, origin: Origin::Administrator };
            all.entry((package, image)).or_default().push(value);
        }
        for ((package, image), values) in all {
            self.change(Change::Configure { package, image, values, instead_of: None });
        }
    }
}

fn one_line(text: &str) -> String {
    let words = text.split(|it: char| it.is_whitespace() || it.is_control()).filter(|it| !it.is_empty());
    words.collect::<Vec<_>>().join(" ")
}
