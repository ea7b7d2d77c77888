//! Versions: which one is wanted, and whether it is the one that a package manager says is installed.

use std::collections::BTreeMap;

use opkg_oda::{Cluster, PackageId, Stage, StateKey, Target, TargetKind};

use crate::format;
use crate::machine::{FinishedStep, InstallOutcome, Step};
use crate::perform::PerformedStep;

/// Whether a version as `config.xml` writes it (`[epoch:]upstream-release`) is the one that a package manager calls so.
/// Families of distributions write other characters between the parts of one, and other ones before the first digit; what
/// they leave alone are its letters and digits, in their order. Behind the release may be the tag of the release of the
/// distribution, which begins with a letter.
#[must_use]
pub fn is_same_version(wanted: &str, installed: &str) -> bool {
    if wanted == installed || significant_parts(wanted) == significant_parts(installed) {
        return true;
    }
    let (Some((wanted, wanted_release)), Some((installed, installed_release))) =
        (wanted.rsplit_once('-'), installed.rsplit_once('-'))
    else {
        return false;
    };
    let (release, tagged) = (parts(wanted_release), parts(installed_release));
    let tag = tagged.strip_prefix(release.as_slice()).and_then(<[_]>::first);
    significant_parts(wanted) == significant_parts(installed)
        && tag.is_some_and(|tag| tag.starts_with(|character: char| character.is_ascii_alphabetic()))
}

/// The letters and digits between other characters.
fn parts(text: &str) -> Vec<&str> {
    text.split(|character: char| !character.is_alphanumeric()).filter(|part| !part.is_empty()).collect()
}

/// The letters and digits of a version, without an epoch of 0 and without what stands for a missing digit at its beginning.
fn significant_parts(version: &str) -> Vec<&str> {
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => (epoch, rest),
        _ => ("0", version),
    };
    let mut parts = parts(rest);
    if let Some(first) = parts.first_mut()
        && let Some(number) = first.strip_prefix(['v', 'V'])
        && number.starts_with(|character: char| character.is_ascii_digit())
    {
        *first = number;
    }
    // `0+r123` of a family stands for `r123`.
    if parts.len() > 1 && parts[0] == "0" && parts[1].starts_with(|it: char| it.is_ascii_alphabetic()) {
        parts.remove(0);
    }
    let epoch = epoch.trim_start_matches('0');
    parts.insert(0, epoch);
    parts
}

/// A package whose version an administrator chose is not installed where another one is: a package manager that does not
/// tell which versions there are is asked for the newest, and some take what they like.
pub(crate) fn refuse_other_versions(cluster: &Cluster, performed: &mut PerformedStep) {
    let PerformedStep { finished, trace, .. } = performed;
    let FinishedStep::Install(install, InstallOutcome::Installed { failures, .. }) = finished else { return };
    for package in &install.packages {
        let (Some(pinned), Some(found)) = (cluster.pinned_versions.get(package), trace.versions.get(package))
        else {
            continue;
        };
        if !is_same_version(pinned, found) {
            let name = format::package_name(cluster, *package);
            failures.entry(*package).or_insert_with(|| {
                format!(
                    "version {found} is installed, and {pinned} was asked for: see whether a package source has \
                     it, or take what there is with `opm upgrade {name}`"
                )
            });
        }
    }
}

/// Of packages that were installed again: which are the same as before, a line each.
pub(crate) fn unchanged_by_rerun(
    cluster: &Cluster,
    step: &Step,
    versions: &BTreeMap<PackageId, String>,
) -> Vec<String> {
    let Step::Install(install) = step else { return Vec::new() };
    // On the head node an upgrade begins with the first of two packages, which are always of the same version.
    let is_rerun = |key: &StateKey| {
        let kind = cluster.targets.get(&key.target).map(Target::kind);
        let first = match kind {
            Some(TargetKind::Server) => Stage::ShouldBeInstalled,
            _ => Stage::InstallBinPkgs,
        };
        let queued = cluster.reruns.get(key);
        install.stage == first && queued.is_some_and(|stages| stages.contains(&first))
    };
    let mut lines = Vec::new();
    for key in install.rows().into_iter().filter(is_rerun) {
        let (before, now) = (cluster.installed_version(key), versions.get(&key.package));
        if let (Some(before), Some(now)) = (before, now)
            && before == now
        {
            let (name, target) =
                (format::package_name(cluster, key.package), format::target_list(cluster, &[key.target]));
            lines.push(format!("{name} on {target} is {now}, as before: nothing newer was found"));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_write_the_same_version_differently() {
        for (wanted, installed) in [
            ("1.0-1", "1.0-1"),
            ("2.4.1-1.1", "0:2.4.1-1.1"),
            ("1.0-rc1-1", "1.0~rc1-1"),
            ("1.0-b2-3", "1.0~b2-3"),
            ("v1.2-1", "1.2-1"),
            ("r123-1", "0+r123-1"),
            ("1.0_2-1_el6", "1.0.2-1.el6"),
            ("3:1.0-1", "3:1.0-1"),
            ("0:1.0-1", "1.0-1"),
            ("1.0-1", "1.0-1.el9"),
            ("1.0-rc1-1", "1.0~rc1-1+deb12"),
            ("1:1.0-1.1", "1:1.0-1.1.site.2"),
        ] {
            assert!(is_same_version(wanted, installed), "{wanted} {installed}");
        }
        for (wanted, installed) in [
            ("1.0-1", "1.0-2"),
            ("1.0-1", "1.0-1.1"),
            ("1.0-1", "1:1.0-1"),
            ("1.0-1", "10-1"),
            ("1.0-1", ""),
            ("1.0-rc1-1", "1.0-1"),
            ("1.0-1", "1.0~rc1-1.el9"),
            ("1.0", "1.0~rc1-1"),
            ("1.0-1", "1.0-2.el9"),
            ("1.0-1.el9", "1.0-1.el8"),
            ("1.0-1.el9", "1.0-1"),
            ("1.0-1", "1.0-1.1.el9"),
        ] {
            assert!(!is_same_version(wanted, installed), "{wanted} {installed}");
        }
    }
}
