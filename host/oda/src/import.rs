//! Requests and configuration from a document of [`crate::export`], or one that a person wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use serde::Deserialize;
use toml::Spanned;

use crate::export::Values;
use crate::{
    Address, Change, Class, Cluster, Invalid, Key, Kind, Origin, Package, PackageId, PackageName, Phase,
    Stage, Target, TargetId, TargetName, Value,
};

/// What is wrong with a document. Nothing of it was taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}{}: {reason}", .key.as_ref().map(|it| format!(", `{it}`")).unwrap_or_default())]
pub struct Wrong {
    /// Counted from 1.
    pub line: usize,
    /// Which key, where it is one.
    pub key: Option<String>,
    /// Why.
    pub reason: String,
}

/// What must change so that the cluster is as the document says. Targets and packages that it does not name stay
/// as they are; those that it names become what it says of them. `now` is in seconds since 1970.
///
/// # Errors
/// When anything in the document is wrong.
pub fn import(text: &str, cluster: &Cluster, now: i64) -> Result<Vec<Change>, Wrong> {
    let document: Document = toml::from_str(text).map_err(|error| Wrong {
        line: line(text, error.span().map_or(0, |it| it.start)),
        key: None,
        reason: error.message().to_owned(),
    })?;
    let mut import = Import {
        text,
        after: cluster.clone(),
        named: BTreeSet::new(),
        targets: cluster.targets.values().map(|it| (it.address.clone(), it.id)).collect(),
        packages: cluster.packages.values().map(|it| (it.name.clone(), it.id)).collect(),
        changes: Vec::new(),
    };
    if let Some(phase) = &document.phase {
        let phase: Phase = import.read("phase", phase)?;
        if phase != cluster.phase {
            import.change(Change::Phase(phase));
        }
    }
    // Clients refer to images, packages to each other: names first, then what is said of them.
    import.names(&document)?;
    for kind in Kind::ALL {
        import.targets(&document.target, kind)?;
    }
    for package in &document.package {
        import.package(package)?;
    }
    for request in &document.request {
        import.request(request, now)?;
    }
    for assignment in &document.assignment {
        import.assignment(assignment)?;
    }
    import.values(&document.value)?;
    Ok(import.changes)
}

type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    phase: Option<Text>,
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
    name: Text,
    root: Option<Text>,
    image: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackageEntry {
    name: Text,
    class: Option<Text>,
    version: Option<Text>,
    #[serde(default)]
    needs: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestEntry {
    package: Text,
    stage: Text,
    on: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssignmentEntry {
    package: Text,
    clients: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ValueEntry {
    package: Text,
    image: Option<Text>,
    name: Text,
    value: Text,
    origin: Option<Text>,
}

/// Counted from 1.
fn line(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|it| *it == b'\n').count()
}

struct Import<'a> {
    text: &'a str,
    /// The cluster as it is going to be.
    after: Cluster,
    /// Everything that was said once and must not be said twice.
    named: BTreeSet<String>,
    targets: BTreeMap<Address, TargetId>,
    packages: BTreeMap<PackageName, PackageId>,
    changes: Vec<Change>,
}

impl Import<'_> {
    fn change(&mut self, change: Change) {
        self.after.apply(&change);
        self.changes.push(change);
    }

    fn wrong(&self, key: &str, at: &Text, reason: impl Into<String>) -> Wrong {
        Wrong { line: line(self.text, at.span().start), key: Some(key.to_owned()), reason: reason.into() }
    }

    fn read<T: FromStr<Err = Invalid>>(&self, key: &str, text: &Text) -> Result<T, Wrong> {
        text.get_ref().parse().map_err(|error: Invalid| self.wrong(key, text, error.to_string()))
    }

    fn once(&mut self, what: String, key: &str, at: &Text) -> Result<(), Wrong> {
        let reason = format!("{what} was named before");
        if self.named.insert(what) { Ok(()) } else { Err(self.wrong(key, at, reason)) }
    }

    fn next(&self, last: i64, key: &str, at: &Text) -> Result<i64, Wrong> {
        let next = last + 1;
        let fits = next <= i64::from(i32::MAX);
        if fits { Ok(next) } else { Err(self.wrong(key, at, "the database has no key left for it")) }
    }

    /// Gives keys to what is new.
    fn names(&mut self, document: &Document) -> Result<(), Wrong> {
        let mut last = self.after.last_target;
        for entry in &document.target {
            let address: Address = self.read("target.name", &entry.name)?;
            self.once(format!("the target {address}"), "target.name", &entry.name)?;
            if !self.targets.contains_key(&address) {
                last = self.next(last, "target.name", &entry.name)?;
                self.targets.insert(address, TargetId(last));
            }
        }
        let mut last = self.after.last_package;
        for entry in &document.package {
            let name: PackageName = self.read("package.name", &entry.name)?;
            self.once(format!("the package {name}"), "package.name", &entry.name)?;
            if !self.packages.contains_key(&name) {
                last = self.next(last, "package.name", &entry.name)?;
                self.packages.insert(name, PackageId(last));
            }
        }
        Ok(())
    }

    fn target_at(&self, key: &str, text: &Text) -> Result<TargetId, Wrong> {
        let address: Address = self.read(key, text)?;
        let id = self.targets.get(&address);
        id.copied().ok_or_else(|| self.wrong(key, text, format!("there is no target {address}")))
    }

    fn target_of(&self, kind: Kind, key: &str, text: &Text) -> Result<TargetId, Wrong> {
        let name: TargetName = self.read(key, text)?;
        let address = Address { kind, name };
        let id = self.targets.get(&address);
        id.copied().ok_or_else(|| self.wrong(key, text, format!("there is no target {address}")))
    }

    fn package_at(&self, key: &str, text: &Text) -> Result<PackageId, Wrong> {
        let name: PackageName = self.read(key, text)?;
        let id = self.packages.get(&name);
        id.copied().ok_or_else(|| self.wrong(key, text, format!("there is no package {name}")))
    }

    fn targets(&mut self, entries: &[TargetEntry], kind: Kind) -> Result<(), Wrong> {
        for entry in entries {
            let address: Address = self.read("target.name", &entry.name)?;
            if address.kind != kind {
                continue;
            }
            let id = self.target_at("target.name", &entry.name)?;
            if let Some(root) = &entry.root
                && (!root.get_ref().starts_with('/') || root.get_ref().chars().any(char::is_control))
            {
                let reason = "write the absolute path of a directory, `/var/lib/images/compute` say";
                return Err(self.wrong("target.root", root, reason));
            }
            let image = match &entry.image {
                Some(image) if kind != Kind::Client => {
                    return Err(self.wrong("target.image", image, "only clients are cloned from images"));
                }
                Some(image) => Some(self.target_of(Kind::Image, "target.image", image)?),
                None => None,
            };
            let root = entry.root.as_ref().map(|it| it.get_ref().into());
            let target = Target { id, address, root, image };
            if self.after.targets.get(&id) != Some(&target) {
                self.change(Change::Target(target));
            }
        }
        Ok(())
    }

    fn package(&mut self, entry: &PackageEntry) -> Result<(), Wrong> {
        let id = self.package_at("package.name", &entry.name)?;
        let mut needs = Vec::new();
        for text in &entry.needs {
            let needed = self.package_at("package.needs", text)?;
            if needed == id || needs.contains(&needed) {
                return Err(self.wrong("package.needs", text, "is the package itself, or was named before"));
            }
            needs.push(needed);
        }
        let class = entry.class.as_ref().map(|it| self.read("package.class", it)).transpose()?;
        let known = self.after.packages.get(&id);
        // The order in which needs are named means nothing.
        if let Some(known) = known
            && known.needs.iter().collect::<BTreeSet<_>>() == needs.iter().collect()
        {
            needs.clone_from(&known.needs);
        }
        let package = Package {
            id,
            name: self.read("package.name", &entry.name)?,
            class: class.unwrap_or(Class::default()),
            version: entry.version.as_ref().map(|it| it.get_ref().clone()),
            needs,
            awaits: known.and_then(|it| it.awaits.clone()),
        };
        if known != Some(&package) {
            self.change(Change::Package(package));
        }
        Ok(())
    }

    fn request(&mut self, entry: &RequestEntry, now: i64) -> Result<(), Wrong> {
        let package = self.package_at("request.package", &entry.package)?;
        let stage: Stage = self.read("request.stage", &entry.stage)?;
        for text in &entry.on {
            let key = Key { target: self.target_at("request.on", text)?, package };
            let what = format!("{} on {}", entry.package.get_ref(), text.get_ref());
            self.once(what, "request.on", text)?;
            if self.after.row(key).map(|it| it.requested) != Some(stage) {
                self.change(Change::Request { key, stage, at: now });
            }
        }
        Ok(())
    }

    fn assignment(&mut self, entry: &AssignmentEntry) -> Result<(), Wrong> {
        let package = self.package_at("assignment.package", &entry.package)?;
        for text in &entry.clients {
            let client = self.target_of(Kind::Client, "assignment.clients", text)?;
            // What was handed over to one that has it already stays so.
            if !self.after.assignments.get(&package).is_some_and(|it| it.contains_key(&client)) {
                self.change(Change::Assign { package, client, handed_over: None });
            }
        }
        Ok(())
    }

    fn values(&mut self, entries: &[ValueEntry]) -> Result<(), Wrong> {
        let mut all = Values::new();
        for entry in entries {
            let package = self.package_at("value.package", &entry.package)?;
            let image = entry.image.as_ref().map(|it| self.target_of(Kind::Image, "value.image", it));
            let (name, value) = (entry.name.get_ref().clone(), entry.value.get_ref().clone());
            if name.is_empty() || name.chars().any(char::is_control) {
                return Err(self.wrong("value.name", &entry.name, "is no name of a field"));
            }
            if value.contains('\0') {
                return Err(self.wrong("value.value", &entry.value, "a value cannot hold the character 0"));
            }
            let origin = entry.origin.as_ref().map(|it| self.read("value.origin", it)).transpose()?;
            let value = Value { name, value, origin: origin.unwrap_or(Origin::Administrator) };
            all.entry((package, image.transpose()?)).or_default().push(value);
        }
        for ((package, image), values) in all {
            self.change(Change::Configure { package, image, values, instead_of: None });
            // What it waited for may be there now; the next run sees.
            let waiting = self.after.packages.get(&package).filter(|it| it.awaits.is_some()).cloned();
            if let Some(package) = waiting {
                self.change(Change::Package(Package { awaits: None, ..package }));
            }
        }
        Ok(())
    }
}
