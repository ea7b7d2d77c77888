//! Requests and configuration as a text that a person can read, keep and edit: TOML, the same for the same
//! contents, whatever their keys in the database.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::{Address, Cluster, Error, Kind, PackageId, Stage, Store, Target, TargetId, Value};

/// The values of all packages, each for the whole cluster or for an image.
pub type Values = BTreeMap<(PackageId, Option<TargetId>), Vec<Value>>;

/// Reads the configuration of all packages of a cluster.
///
/// # Errors
/// When the database fails.
pub fn values(store: &mut dyn Store, cluster: &Cluster) -> Result<Values, Error> {
    let images: Vec<TargetId> = cluster.of_kind(Kind::Image).map(|it| it.id).collect();
    let mut all = Values::new();
    for package in cluster.packages.keys() {
        for context in std::iter::once(None).chain(images.iter().copied().map(Some)) {
            let values = store.values(*package, context)?;
            if !values.is_empty() {
                all.insert((*package, context), values);
            }
        }
    }
    Ok(all)
}

/// The document. What is current is not part of it, nor what was handed over: it tells what is wanted, and can be
/// given to another cluster.
#[must_use]
pub fn export(cluster: &Cluster, values: &Values) -> String {
    let mut document = Document { text: String::new(), cluster };
    document.line("phase", &quoted(cluster.phase.name()));
    document.targets();
    document.packages();
    document.requests();
    document.assignments();
    document.values(values);
    document.text
}

struct Document<'a> {
    text: String,
    cluster: &'a Cluster,
}

impl Document<'_> {
    fn line(&mut self, key: &str, value: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{key} = {value}");
    }

    fn optional(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.line(key, &quoted(value));
        }
    }

    fn entry(&mut self, kind: &str) {
        let _ = write!(self.text, "\n[[{kind}]]\n");
    }

    fn address(&self, id: TargetId) -> Option<&Address> {
        self.cluster.targets.get(&id).map(|it| &it.address)
    }

    fn package_name(&self, id: PackageId) -> Option<&str> {
        self.cluster.packages.get(&id).map(|it| it.name.as_str())
    }

    fn targets(&mut self) {
        let sorted: BTreeMap<&Address, &Target> =
            self.cluster.targets.values().map(|it| (&it.address, it)).collect();
        for (address, target) in sorted {
            self.entry("target");
            self.line("name", &quoted(&address.to_string()));
            self.optional("root", target.root.as_deref().and_then(|it| it.to_str()));
            let image = target.image.and_then(|it| self.address(it)).map(|it| it.name.to_string());
            self.optional("image", image.as_deref());
        }
    }

    fn packages(&mut self) {
        let sorted: BTreeMap<_, _> = self.cluster.packages.values().map(|it| (&it.name, it)).collect();
        for (name, package) in sorted {
            self.entry("package");
            self.line("name", &quoted(name.as_str()));
            self.line("class", &quoted(package.class.name()));
            self.optional("version", package.version.as_deref());
            let needs: BTreeSet<&str> =
                package.needs.iter().filter_map(|it| self.package_name(*it)).collect();
            if !needs.is_empty() {
                self.line("needs", &list(needs));
            }
        }
    }

    fn requests(&mut self) {
        let mut alike: BTreeMap<(&str, Stage), BTreeSet<&Address>> = BTreeMap::new();
        for (key, row) in self.cluster.all_rows() {
            let place = self.cluster.targets.get(&key.target).map(|it| &it.address);
            let package = self.cluster.packages.get(&key.package).map(|it| it.name.as_str());
            if let (Some(address), Some(package)) = (place, package) {
                alike.entry((package, row.requested)).or_default().insert(address);
            }
        }
        for ((package, stage), targets) in alike {
            self.entry("request");
            self.line("package", &quoted(package));
            self.line("stage", &quoted(stage.name()));
            self.line("on", &list(targets));
        }
    }

    fn assignments(&mut self) {
        let mut sorted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (package, clients) in &self.cluster.assignments {
            let Some(package) = self.cluster.packages.get(package) else { continue };
            let names = clients.keys().filter_map(|it| self.cluster.targets.get(it));
            sorted.insert(package.name.as_str(), names.map(|it| it.address.name.as_str()).collect());
        }
        for (package, clients) in sorted {
            self.entry("assignment");
            self.line("package", &quoted(package));
            self.line("clients", &list(clients));
        }
    }

    fn values(&mut self, values: &Values) {
        let mut sorted: BTreeMap<(&str, Option<&str>), &[Value]> = BTreeMap::new();
        for ((package, image), values) in values {
            let image = image.map(|it| self.cluster.targets.get(&it).map(|it| it.address.name.as_str()));
            if let (Some(package), None | Some(Some(_))) = (self.cluster.packages.get(package), image) {
                sorted.insert((package.name.as_str(), image.flatten()), values);
            }
        }
        for ((package, image), values) in sorted {
            for value in values {
                self.entry("value");
                self.line("package", &quoted(package));
                self.optional("image", image);
                self.line("name", &quoted(&value.name));
                self.line("value", &quoted(&value.value));
                self.line("origin", &quoted(value.origin.name()));
            }
        }
    }
}

/// One element a line, so that documents can be compared line by line.
fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let mut text = String::from("[\n");
    for item in items {
        let _ = writeln!(text, "    {},", quoted(&item.to_string()));
    }
    text + "]"
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted += "\\\"",
            '\\' => quoted += "\\\\",
            '\n' => quoted += "\\n",
            '\t' => quoted += "\\t",
            it if it.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(it));
            }
            it => quoted.push(it),
        }
    }
    quoted + "\""
}
