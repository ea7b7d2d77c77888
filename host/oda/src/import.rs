//! Requests and configuration from a document of [`crate::export`], or one that a person wrote.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::str::FromStr;

use serde::Deserialize;
use toml::Spanned;

use crate::config::ConfigValues;
use crate::{
    Change, Cluster, ConfigValue, Package, PackageClass, PackageId, PackageName, ParseError, Phase, Stage,
    StateKey, Target, TargetAddress, TargetId, TargetKind, TargetName, ValueOrigin,
};

/// What is wrong with a document. Nothing of it was imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}{}: {reason}", .key.as_ref().map(|key| format!(", `{key}`")).unwrap_or_default())]
pub struct ImportError {
    /// Counted from 1.
    pub line: usize,
    /// Absent where the text is not TOML.
    pub key: Option<String>,
    pub reason: String,
}

/// What must change so that the cluster is as the document says. Targets and packages that it does not name stay
/// as they are; those that it names become what it says of them. A value that was left out since it is secret stays what
/// it is in `values`. `now` is in seconds since 1970.
///
/// # Errors
/// When anything in the document is wrong.
pub fn import(
    text: &str,
    cluster: &Cluster,
    values: &ConfigValues,
    now: i64,
) -> Result<Vec<Change>, ImportError> {
    let document: Document = toml::from_str(text).map_err(|error| ImportError {
        line: line_number(text, error.span().map_or(0, |span| span.start)),
        key: None,
        reason: error.message().to_owned(),
    })?;
    let mut import = Importer {
        text,
        cluster: cluster.clone(),
        seen: BTreeSet::new(),
        target_ids: BTreeMap::new(),
        package_ids: cluster.packages.values().map(|package| (package.name.clone(), package.id)).collect(),
        changes: Vec::new(),
    };
    for target in cluster.targets.values() {
        import.insert_target_id(target.address.clone(), target.id);
    }
    if let Some(phase) = &document.phase {
        let phase: Phase = import.parse("phase", phase)?;
        if phase != cluster.phase {
            import.push_change(Change::SetPhase(phase));
        }
    }
    // Clients refer to images, packages to each other: ids of all first, then their contents.
    import.allocate_ids(&document)?;
    for kind in TargetKind::ALL {
        import.import_targets(&document.target, kind)?;
    }
    for package in &document.package {
        import.import_package(package)?;
    }
    import.import_requests(&document.request, now)?;
    import.import_assignments(&document.assignment)?;
    import.import_values(&document.value, values)?;
    Ok(import.changes)
}

type SpannedString = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    phase: Option<SpannedString>,
    #[serde(default)]
    target: Vec<TargetEntry>,
    #[serde(default)]
    package: Vec<PackageEntry>,
    #[serde(default)]
    request: Vec<RequestEntry>,
    #[serde(default)]
    assignment: Vec<AssignmentEntry>,
    #[serde(default)]
    value: Vec<ValueEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetEntry {
    name: SpannedString,
    root: Option<SpannedString>,
    image: Option<SpannedString>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackageEntry {
    name: SpannedString,
    class: Option<SpannedString>,
    version: Option<SpannedString>,
    #[serde(default)]
    needs: Vec<SpannedString>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestEntry {
    package: SpannedString,
    stage: SpannedString,
    on: Vec<SpannedString>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssignmentEntry {
    package: SpannedString,
    clients: Vec<SpannedString>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ValueEntry {
    package: SpannedString,
    image: Option<SpannedString>,
    name: SpannedString,
    value: Option<SpannedString>,
    origin: Option<SpannedString>,
    /// Its value was left out.
    #[serde(default)]
    secret: bool,
}

/// Counted from 1.
fn line_number(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

struct Importer<'a> {
    text: &'a str,
    /// The cluster as it is going to be.
    cluster: Cluster,
    /// Entries that may be listed only once.
    seen: BTreeSet<String>,
    target_ids: BTreeMap<TargetKind, HashMap<TargetName, TargetId>>,
    package_ids: BTreeMap<PackageName, PackageId>,
    changes: Vec<Change>,
}

impl Importer<'_> {
    fn push_change(&mut self, change: Change) {
        self.cluster.apply(&change);
        self.changes.push(change);
    }

    fn error_at(&self, key: &str, at: &SpannedString, reason: impl Into<String>) -> ImportError {
        ImportError {
            line: line_number(self.text, at.span().start),
            key: Some(key.to_owned()),
            reason: reason.into(),
        }
    }

    fn parse<T: FromStr<Err = ParseError>>(&self, key: &str, text: &SpannedString) -> Result<T, ImportError> {
        text.get_ref().parse().map_err(|error: ParseError| self.error_at(key, text, error.to_string()))
    }

    fn check_unique(&mut self, what: String, key: &str, at: &SpannedString) -> Result<(), ImportError> {
        let reason = format!("{what} is listed twice");
        if self.seen.insert(what) { Ok(()) } else { Err(self.error_at(key, at, reason)) }
    }

    fn next_id(&self, last: i64, key: &str, at: &SpannedString) -> Result<i64, ImportError> {
        let next = last + 1;
        if next <= i64::from(i32::MAX) {
            Ok(next)
        } else {
            Err(self.error_at(key, at, "the database has no free id"))
        }
    }

    /// New targets and packages get ids.
    fn allocate_ids(&mut self, document: &Document) -> Result<(), ImportError> {
        let mut last = self.cluster.last_target_id;
        for entry in &document.target {
            let address: TargetAddress = self.parse("target.name", &entry.name)?;
            self.check_unique(format!("the target {address}"), "target.name", &entry.name)?;
            if self.find_target(address.kind, address.name.as_str()).is_none() {
                last = self.next_id(last, "target.name", &entry.name)?;
                self.insert_target_id(address, TargetId(last));
            }
        }
        let mut last = self.cluster.last_package_id;
        for entry in &document.package {
            let name: PackageName = self.parse("package.name", &entry.name)?;
            self.check_unique(format!("the package {name}"), "package.name", &entry.name)?;
            if !self.package_ids.contains_key(&name) {
                last = self.next_id(last, "package.name", &entry.name)?;
                self.package_ids.insert(name, PackageId(last));
            }
        }
        Ok(())
    }

    fn insert_target_id(&mut self, address: TargetAddress, id: TargetId) {
        self.target_ids.entry(address.kind).or_default().insert(address.name, id);
    }

    /// Found by the text as it is, since a document names targets by the hundred thousand.
    fn find_target(&self, kind: TargetKind, name: &str) -> Option<TargetId> {
        self.target_ids.get(&kind)?.get(name).copied()
    }

    fn resolve_address(&self, key: &str, text: &SpannedString) -> Result<TargetId, ImportError> {
        let found = text
            .get_ref()
            .split_once(':')
            .and_then(|(kind, name)| self.find_target(kind.parse().ok()?, name));
        match found {
            Some(id) => Ok(id),
            None => Err(self.no_target(key, text, &self.parse::<TargetAddress>(key, text)?)),
        }
    }

    fn resolve_target(
        &self,
        kind: TargetKind,
        key: &str,
        text: &SpannedString,
    ) -> Result<TargetId, ImportError> {
        match self.find_target(kind, text.get_ref()) {
            Some(id) => Ok(id),
            None => {
                let name = self.parse(key, text)?;
                Err(self.no_target(key, text, &TargetAddress { kind, name }))
            }
        }
    }

    fn no_target(&self, key: &str, text: &SpannedString, address: &TargetAddress) -> ImportError {
        self.error_at(key, text, format!("there is no target {address}"))
    }

    fn resolve_package(&self, key: &str, text: &SpannedString) -> Result<PackageId, ImportError> {
        let name: PackageName = self.parse(key, text)?;
        let id = self.package_ids.get(&name);
        id.copied().ok_or_else(|| self.error_at(key, text, format!("there is no package {name}")))
    }

    fn import_targets(&mut self, entries: &[TargetEntry], kind: TargetKind) -> Result<(), ImportError> {
        for entry in entries {
            let address: TargetAddress = self.parse("target.name", &entry.name)?;
            if address.kind != kind {
                continue;
            }
            let id = self.resolve_address("target.name", &entry.name)?;
            if let Some(root) = &entry.root
                && (!root.get_ref().starts_with('/') || root.get_ref().chars().any(char::is_control))
            {
                let reason =
                    "expected the absolute path of a directory, for example `/var/lib/images/compute`";
                return Err(self.error_at("target.root", root, reason));
            }
            let image = match &entry.image {
                Some(image) if kind != TargetKind::Client => {
                    return Err(self.error_at("target.image", image, "only clients are cloned from images"));
                }
                Some(image) => Some(self.resolve_target(TargetKind::Image, "target.image", image)?),
                None => None,
            };
            let root = entry.root.as_ref().map(|root| root.get_ref().into());
            let target = Target { id, address, root, image };
            if self.cluster.targets.get(&id) != Some(&target) {
                self.push_change(Change::PutTarget(target));
            }
        }
        Ok(())
    }

    fn import_package(&mut self, entry: &PackageEntry) -> Result<(), ImportError> {
        let id = self.resolve_package("package.name", &entry.name)?;
        let mut dependencies = Vec::new();
        for text in &entry.needs {
            let needed = self.resolve_package("package.needs", text)?;
            if needed == id {
                return Err(self.error_at("package.needs", text, "a package cannot need itself"));
            }
            if dependencies.contains(&needed) {
                return Err(self.error_at("package.needs", text, "is listed twice"));
            }
            dependencies.push(needed);
        }
        let class = entry.class.as_ref().map(|class| self.parse("package.class", class)).transpose()?;
        let known = self.cluster.packages.get(&id);
        // Their order has no meaning.
        if let Some(known) = known
            && known.dependencies.iter().collect::<BTreeSet<_>>() == dependencies.iter().collect()
        {
            dependencies.clone_from(&known.dependencies);
        }
        let package = Package {
            id,
            name: self.parse("package.name", &entry.name)?,
            class: class.unwrap_or(PackageClass::default()),
            version: entry.version.as_ref().map(|version| version.get_ref().clone()),
            dependencies,
            waiting_for: known.and_then(|package| package.waiting_for.clone()),
        };
        if known != Some(&package) {
            self.push_change(Change::PutPackage(package));
        }
        Ok(())
    }

    /// Target by target, as the database keeps them; a document has them package by package.
    fn import_requests(&mut self, entries: &[RequestEntry], now: i64) -> Result<(), ImportError> {
        let mut seen = HashSet::new();
        let mut requests = Vec::new();
        for entry in entries {
            let package = self.resolve_package("request.package", &entry.package)?;
            let stage: Stage = self.parse("request.stage", &entry.stage)?;
            for text in &entry.on {
                let key = StateKey { target: self.resolve_address("request.on", text)?, package };
                if !seen.insert(key) {
                    let what = format!("{} on {} is listed twice", entry.package.get_ref(), text.get_ref());
                    return Err(self.error_at("request.on", text, what));
                }
                if self.cluster.state(key).map(|state| state.requested) != Some(stage) {
                    requests.push((key, stage));
                }
            }
        }
        requests.sort_unstable();
        let change = |(key, stage)| Change::Request { key, stage, requested_at: now };
        self.changes.extend(requests.into_iter().map(change));
        Ok(())
    }

    fn import_assignments(&mut self, entries: &[AssignmentEntry]) -> Result<(), ImportError> {
        let mut assignments = Vec::new();
        for entry in entries {
            let package = self.resolve_package("assignment.package", &entry.package)?;
            for text in &entry.clients {
                let client = self.resolve_target(TargetKind::Client, "assignment.clients", text)?;
                // An existing assignment keeps its time of hand-over.
                if self.cluster.assignment(StateKey { target: client, package }).is_none() {
                    assignments.push((client, package));
                }
            }
        }
        assignments.sort_unstable();
        assignments.dedup();
        let change = |(client, package)| Change::Assign { package, client, handed_over_at: None };
        self.changes.extend(assignments.into_iter().map(change));
        Ok(())
    }

    fn import_values(&mut self, entries: &[ValueEntry], known: &ConfigValues) -> Result<(), ImportError> {
        let mut all = ConfigValues::new();
        for entry in entries {
            let package = self.resolve_package("value.package", &entry.package)?;
            let image = entry.image.as_ref();
            let image =
                image.map(|name| self.resolve_target(TargetKind::Image, "value.image", name)).transpose()?;
            let name = entry.name.get_ref().clone();
            if name.is_empty() || name.chars().any(char::is_control) {
                return Err(self.error_at("value.name", &entry.name, "is not a valid field name"));
            }
            let all = all.entry((package, image)).or_default();
            let Some(value) = &entry.value else {
                if !entry.secret {
                    let reason = "it has neither `value` nor `secret = true`";
                    return Err(self.error_at("value.name", &entry.name, reason));
                }
                // Of a field with several values, each is left out, and one entry brings all of them back.
                if all.iter().all(|value: &ConfigValue| value.name != name) {
                    let known = known.get(&(package, image)).into_iter().flatten();
                    all.extend(known.filter(|value| value.name == name).cloned());
                }
                continue;
            };
            if value.get_ref().contains('\0') {
                return Err(self.error_at("value.value", value, "a value cannot contain the character NUL"));
            }
            let origin =
                entry.origin.as_ref().map(|origin| self.parse("value.origin", origin)).transpose()?;
            let (value, origin) = (value.get_ref().clone(), origin.unwrap_or(ValueOrigin::Administrator));
            all.push(ConfigValue { name, value, origin });
        }
        for ((package, image), values) in all {
            self.push_change(Change::SetValues { package, image, values, expected: None });
            // The new values may be what it waited for; the next run checks.
            let waiting =
                self.cluster.packages.get(&package).filter(|package| package.waiting_for.is_some()).cloned();
            if let Some(package) = waiting {
                self.push_change(Change::PutPackage(Package { waiting_for: None, ..package }));
            }
        }
        Ok(())
    }
}
