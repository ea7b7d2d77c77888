//! Requests and configuration as a text that a person can read, keep and edit: TOML, the same for the same
//! contents, whatever their keys in the database.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::config::ConfigValues;
use crate::{Cluster, ConfigValue, PackageId, Stage, Target, TargetAddress, TargetId};

/// A field of a form: of which package, for which image or the whole cluster, and its name.
pub type FieldKey<'a> = (PackageId, Option<TargetId>, &'a str);

/// The document. Current stages and hand-overs are not part of it: it says what is requested, and can be imported
/// into another cluster. The values of fields that are secret are left out; that there are some is said.
#[must_use]
pub fn export(cluster: &Cluster, values: &ConfigValues, is_secret: &dyn Fn(FieldKey<'_>) -> bool) -> String {
    let mut document = TomlWriter { text: String::new(), cluster, is_secret };
    document.write_key("phase", &toml_string(cluster.phase.name()));
    document.write_targets();
    document.write_packages();
    document.write_requests();
    document.write_assignments();
    document.write_values(values);
    document.text
}

struct TomlWriter<'a> {
    text: String,
    cluster: &'a Cluster,
    is_secret: &'a dyn Fn(FieldKey<'_>) -> bool,
}

impl<'a> TomlWriter<'a> {
    fn write_key(&mut self, key: &str, value: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{key} = {value}");
    }

    fn write_optional_key(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.write_key(key, &toml_string(value));
        }
    }

    fn write_table_header(&mut self, kind: &str) {
        let _ = write!(self.text, "\n[[{kind}]]\n");
    }

    fn find_address(&self, id: TargetId) -> Option<&'a TargetAddress> {
        self.cluster.targets.get(&id).map(|target| &target.address)
    }

    fn find_package_name(&self, id: PackageId) -> Option<&'a str> {
        self.cluster.packages.get(&id).map(|package| package.name.as_str())
    }

    fn write_targets(&mut self) {
        let sorted: BTreeMap<&TargetAddress, &Target> =
            self.cluster.targets.values().map(|target| (&target.address, target)).collect();
        for (address, target) in sorted {
            self.write_table_header("target");
            self.write_key("name", &toml_string(&address.to_string()));
            self.write_optional_key("root", target.root.as_deref().and_then(|root| root.to_str()));
            let image = target.image.and_then(|image| self.find_address(image));
            let image = image.map(|address| address.name.to_string());
            self.write_optional_key("image", image.as_deref());
        }
    }

    fn write_packages(&mut self) {
        let sorted: BTreeMap<_, _> =
            self.cluster.packages.values().map(|package| (&package.name, package)).collect();
        for (name, package) in sorted {
            self.write_table_header("package");
            self.write_key("name", &toml_string(name.as_str()));
            self.write_key("class", &toml_string(package.class.name()));
            self.write_optional_key("version", package.version.as_deref());
            let dependencies: BTreeSet<&str> =
                package.dependencies.iter().filter_map(|id| self.find_package_name(*id)).collect();
            if !dependencies.is_empty() {
                self.write_key("needs", &toml_array(dependencies));
            }
        }
    }

    fn write_requests(&mut self) {
        let mut grouped: BTreeMap<(&str, Stage), BTreeSet<&TargetAddress>> = BTreeMap::new();
        for (key, state) in self.cluster.all_states() {
            let address = self.find_address(key.target);
            let package = self.find_package_name(key.package);
            if let (Some(address), Some(package)) = (address, package) {
                grouped.entry((package, state.requested)).or_default().insert(address);
            }
        }
        for ((package, stage), targets) in grouped {
            self.write_table_header("request");
            self.write_key("package", &toml_string(package));
            self.write_key("stage", &toml_string(stage.name()));
            self.write_key("on", &toml_array(targets));
        }
    }

    fn write_assignments(&mut self) {
        let mut sorted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (client, assigned) in &self.cluster.assignments {
            let Some(address) = self.find_address(*client) else { continue };
            for (package, _) in assigned.iter() {
                let Some(name) = self.find_package_name(package) else { continue };
                sorted.entry(name).or_default().insert(address.name.as_str());
            }
        }
        for (package, clients) in sorted {
            self.write_table_header("assignment");
            self.write_key("package", &toml_string(package));
            self.write_key("clients", &toml_array(clients));
        }
    }

    fn write_values(&mut self, values: &ConfigValues) {
        type Context<'v> = (PackageId, Option<TargetId>, &'v [ConfigValue]);
        let mut sorted: BTreeMap<(&str, Option<&str>), Context<'_>> = BTreeMap::new();
        for ((id, image_id), values) in values {
            let image = image_id.map(|id| self.find_address(id).map(|address| address.name.as_str()));
            if let (Some(package), None | Some(Some(_))) = (self.cluster.packages.get(id), image) {
                sorted.insert((package.name.as_str(), image.flatten()), (*id, *image_id, values));
            }
        }
        for ((package, image), (id, image_id, values)) in sorted {
            for value in values {
                self.write_table_header("value");
                self.write_key("package", &toml_string(package));
                self.write_optional_key("image", image);
                self.write_key("name", &toml_string(&value.name));
                if (self.is_secret)((id, image_id, &value.name)) {
                    self.write_key("secret", "true");
                    continue;
                }
                self.write_key("value", &toml_string(&value.value));
                self.write_key("origin", &toml_string(value.origin.name()));
            }
        }
    }
}

/// One element a line, so that documents can be compared line by line.
fn toml_array<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let mut text = String::from("[\n");
    for item in items {
        let _ = writeln!(text, "    {},", toml_string(&item.to_string()));
    }
    text + "]"
}

/// A basic string of TOML.
fn toml_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted += "\\\"",
            '\\' => quoted += "\\\\",
            '\n' => quoted += "\\n",
            '\t' => quoted += "\\t",
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
