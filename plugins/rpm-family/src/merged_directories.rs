//! Directories that are links on a release: what an OPKG installs below both names is one file there.

use std::collections::{BTreeMap, BTreeSet};

use opkg_sdk::diagnostic;
use opkg_sdk::model::{Diagnostic, Opkg};
use opkg_sdk::parts::{InstalledFile, PartPlan, installed_link_target};

use crate::profile::ReleaseProfile;

/// Leaves out, with a note, links that would lead to themselves, and files that are there under their other name.
///
/// Where two differ, that is an error: a package could not be installed beside itself.
pub fn merge(
    opkg: &Opkg,
    parts: &mut [PartPlan<'_>],
    documentation: &str,
    profile: &ReleaseProfile,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut left_out: BTreeSet<String> = BTreeSet::new();
    let mut kept: BTreeMap<String, Placed<'_>> = BTreeMap::new();
    let files = parts.iter().flat_map(|part| &part.files).filter(|file| profile.is_merged(&file.path));
    for file in files {
        let placed = Placed::new(opkg, file, documentation, profile);
        let left_out_as = |path: &str, why: &str| {
            let message = format!("`{path}` is left out for {}, where {why}", profile.filter_context.name);
            diagnostic::note(file.source.at, message)
        };
        if placed.leads_to_itself() {
            diagnostics.push(left_out_as(&file.path, "it would be a link to itself"));
            left_out.insert(file.path.clone());
            continue;
        }
        match kept.get(&placed.real_path) {
            None => drop(kept.insert(placed.real_path.clone(), placed)),
            Some(other) if other.is_same(&placed) => {
                let why = format!("`{}` is the same file", other.file.path);
                diagnostics.push(left_out_as(&file.path, &why));
                left_out.insert(file.path.clone());
            }
            Some(other) => diagnostics.push(diagnostic::error(
                file.source.at,
                format!(
                    "`{}` and `{}` are one file on {}, and they differ",
                    other.file.path, file.path, profile.filter_context.name
                ),
                "leave out one of them, or rename it",
            )),
        }
    }
    for part in parts {
        part.files.retain(|file| !left_out.contains(&file.path));
    }
}

/// A file whose directory has two names.
struct Placed<'a> {
    file: &'a InstalledFile<'a>,
    real_path: String,
    /// Of a link: where it leads, by its real name.
    target: Option<String>,
}

impl<'a> Placed<'a> {
    fn new(opkg: &Opkg, file: &'a InstalledFile<'a>, documentation: &str, profile: &ReleaseProfile) -> Self {
        let target = installed_link_target(opkg, file, documentation);
        Self {
            file,
            real_path: profile.real_path(&file.path),
            target: target.map(|target| profile.real_path(&absolute_target(&file.path, &target))),
        }
    }

    fn leads_to_itself(&self) -> bool {
        self.target.as_ref() == Some(&self.real_path)
    }

    fn is_same(&self, other: &Self) -> bool {
        let [own, others] =
            [self, other].map(|it| (&it.target, &it.file.attributes.owner, &it.file.attributes.group));
        let is_link = self.target.is_some();
        own == others
            && (is_link
                || (&self.file.source.sha256, &self.file.attributes)
                    == (&other.file.source.sha256, &other.file.attributes))
    }
}

/// What a link at a path leads to.
fn absolute_target(path: &str, written: &str) -> String {
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let base = if written.starts_with('/') { "" } else { directory };
    let mut steps: Vec<&str> = Vec::new();
    for step in base.split('/').chain(written.split('/')) {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    format!("/{}", steps.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_from_where_they_are() {
        assert_eq!(absolute_target("/usr/sbin/a", "../bin/./a"), "/usr/bin/a");
        assert_eq!(absolute_target("/usr/sbin/a", "/usr//bin/a"), "/usr/bin/a");
        assert_eq!(absolute_target("/a", "../../b"), "/b");
    }
}
