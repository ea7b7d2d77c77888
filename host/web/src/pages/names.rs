//! Names that somebody typed into a form: packages and targets, as the command line takes them.

use std::collections::BTreeSet;

use opkg_oda::{Cluster, PackageId, PackageName, TargetId};
use opkg_opm::choice::{self, Choice};

use crate::fields::address;

/// The names of packages, with blanks or commas between.
///
/// # Errors
/// When one cannot be the name of a package.
pub fn package_names(text: &str) -> Result<Vec<PackageName>, String> {
    let names = text.split(|it: char| it == ',' || it.is_whitespace()).filter(|it| !it.is_empty());
    names.map(|it| it.parse().map_err(|error: opkg_oda::Invalid| error.to_string())).collect()
}

/// Packages that are known.
///
/// # Errors
/// When one is not; the text names one that is similar.
pub fn packages(cluster: &Cluster, text: &str) -> Result<Vec<PackageId>, String> {
    let find = |name: PackageName| {
        cluster.package(&name).map(|it| it.id).ok_or_else(|| {
            let known = cluster.packages.values().map(|it| it.name.as_str());
            let near = opkg::nearest(name.as_str(), known);
            let near = near.map_or_else(String::new, |it| format!(" (did you mean {it}?)"));
            format!("no package is called {name}{near}")
        })
    };
    package_names(text)?.into_iter().map(find).collect()
}

/// Targets, as `--on` takes them, with blanks between.
///
/// # Errors
/// When one is none.
pub fn targets(cluster: &Cluster, text: &str) -> Result<BTreeSet<TargetId>, String> {
    let choice = |it: &str| it.parse::<Choice>().map_err(|error| error.to_string());
    let choices: Vec<Choice> = text.split_whitespace().map(choice).collect::<Result<_, _>>()?;
    choice::of_all(&choices, cluster).map_err(|error| error.to_string())
}

/// The page of a package, or of it on some targets.
#[must_use]
pub fn package_address(package: &str, on: &str) -> String {
    let path = format!("/packages/{package}");
    if on.is_empty() { path } else { address(&path, &[("on", on)]) }
}

/// The page of a package on a target.
#[must_use]
pub fn pair_address(package: &str, target: &str) -> String {
    format!("/packages/{package}/on/{target}")
}
