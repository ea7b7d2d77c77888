//! Whether the filter of an OPKG lets a target pass, as far as that can be told without knowing the distribution.

use std::cmp::Ordering;

use opkg::model::{Comparison, DistFilter, Filter};
use opkg_interface::{DistributionDescription, Target};

/// What a filter says of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Matches,
    Excludes,
    /// Only the plugin knows: how a member of its family counts its versions, say.
    Open,
}

/// The architecture that binary packages are made for.
#[must_use]
pub fn build_arch(target: &Target) -> &str {
    target.arch.as_deref().unwrap_or(&target.default_arch)
}

/// Decides a filter (format, section 3) as binary packages have it: where the target names no version or architecture,
/// the default ones count.
#[must_use]
pub fn decide(filter: &Filter, target: &Target, description: &DistributionDescription) -> Verdict {
    let is_other_arch = !filter.archs.is_empty() && !filter.archs.iter().any(|it| it == build_arch(target));
    if is_other_arch {
        return Verdict::Excludes;
    }
    if filter.dists.is_empty() {
        return Verdict::Matches;
    }
    let verdicts: Vec<Verdict> =
        filter.dists.iter().map(|dist| decide_dist(dist, target, description)).collect();
    [Verdict::Matches, Verdict::Open]
        .into_iter()
        .find(|it| verdicts.contains(it))
        .unwrap_or(Verdict::Excludes)
}

fn decide_dist(dist: &DistFilter, target: &Target, description: &DistributionDescription) -> Verdict {
    if dist.id != target.dist {
        // A member of a family answers to the ids of others as well.
        let is_related = description.ids().any(|id| id == dist.id);
        return if is_related { Verdict::Open } else { Verdict::Excludes };
    }
    let Some(bound) = &dist.bound else { return Verdict::Matches };
    // Another id may count its releases otherwise.
    let version = match (&target.version, target.dist == description.id) {
        (_, false) => None,
        (Some(version), true) => Some(version),
        (None, true) => description.default_release().map(|release| &release.version),
    };
    let Some(text) = version else { return Verdict::Open };
    let numbers = numbers(text).zip(numbers(&bound.version));
    let Some((version, wanted)) = numbers.filter(|(version, wanted)| version.len() >= wanted.len()) else {
        return Verdict::Open;
    };
    // `5` is every 5.x.
    let order = version[..wanted.len()].cmp(&wanted[..]);
    // Where releases are older although their numbers are higher, only the plugin knows what is meant.
    if order.is_ne() && described_order(description, text, &bound.version).is_some_and(|it| it != order) {
        return Verdict::Open;
    }
    let holds = match bound.comparison {
        Comparison::Lt => order == Ordering::Less,
        Comparison::Le => order != Ordering::Greater,
        Comparison::Eq => order == Ordering::Equal,
        Comparison::Ge => order != Ordering::Less,
        Comparison::Gt => order == Ordering::Greater,
    };
    if holds { Verdict::Matches } else { Verdict::Excludes }
}

/// The parts of a version of nothing but numbers.
fn numbers(version: &str) -> Option<Vec<u64>> {
    version.split('.').map(|part| part.parse().ok()).collect()
}

/// Which of two releases is the later one by the plugin's description, which has the newest first.
fn described_order(description: &DistributionDescription, one: &str, other: &str) -> Option<Ordering> {
    let index = |version: &str| description.releases.iter().position(|release| release.version == version);
    Some(index(other)?.cmp(&index(one)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use opkg::model::{Bound, NodeId};
    use opkg_interface::{Alias, ArchName, DistributionRelease};

    fn description() -> DistributionDescription {
        DistributionDescription {
            id: "demo".into(),
            name: "Demo".into(),
            version: "1".into(),
            aliases: vec![Alias { id: "other".into(), name: "Other".into() }],
            releases: ["15.1", "15.0", "42.3", "rolling"]
                .map(|version| DistributionRelease {
                    version: version.into(),
                    name: None,
                    is_default: version == "15.0",
                })
                .to_vec(),
            archs: vec![ArchName { canonical: "x86_64".into(), native: "amd64".into() }],
        }
    }

    fn decide_one(id: &str, comparison: Comparison, version: &str, target: Option<&str>) -> Verdict {
        let description = description();
        let bound = (!version.is_empty()).then(|| Bound { comparison, version: version.into() });
        let dists = vec![DistFilter { at: NodeId(0), id: id.into(), bound }];
        let target = crate::targets::target(&description, "demo", target, None);
        decide(&Filter { dists, archs: Vec::new() }, &target, &description)
    }

    #[test]
    fn filters_are_decided_as_far_as_they_can_be() {
        for (id, comparison, version, target, expected) in [
            ("demo", Comparison::Eq, "", None, Verdict::Matches),
            ("nowhere", Comparison::Eq, "", None, Verdict::Excludes),
            ("other", Comparison::Eq, "", None, Verdict::Open),
            ("demo", Comparison::Eq, "15", Some("15.1"), Verdict::Matches),
            ("demo", Comparison::Gt, "15", Some("15.1"), Verdict::Excludes),
            ("demo", Comparison::Ge, "15.1", None, Verdict::Excludes),
            ("demo", Comparison::Ge, "15.0.1", Some("15.0"), Verdict::Open),
            ("demo", Comparison::Ge, "42.3", Some("15.0"), Verdict::Open),
            ("demo", Comparison::Ge, "15.0", Some("rolling"), Verdict::Open),
        ] {
            assert_eq!(decide_one(id, comparison, version, target), expected, "{id} {version} {target:?}");
        }
    }

    #[test]
    fn an_architecture_that_is_not_named_is_the_default_one() {
        let description = description();
        let filter = |arch: &str| Filter { dists: Vec::new(), archs: vec![arch.into()] };
        let open = crate::targets::target(&description, "demo", None, None);
        let named = crate::targets::target(&description, "demo", None, Some("ppc"));
        assert_eq!(decide(&filter("x86_64"), &open, &description), Verdict::Matches);
        assert_eq!(decide(&filter("x86_64"), &named, &description), Verdict::Excludes);
        assert_eq!(decide(&filter("ppc"), &named, &description), Verdict::Matches);
    }
}
