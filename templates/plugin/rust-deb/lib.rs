//! @NAME@: a distribution with Debian packages and apt.

use opkg_deb_family::keys::Verifier;
use opkg_deb_family::{Apt, ReleaseProfile, arch};
use opkg_sdk::Distribution;
use opkg_sdk::artefacts::{Compression, Output};
use opkg_sdk::filter::{DistIdentity, FilterContext, VersionSyntax};
use opkg_sdk::model::{BuildTarget, Opkg};
use opkg_sdk::packaging::{DistributionInfo, DistributionRelease, Refusal};
use opkg_sdk::version::ReleaseNumber;

/// What `--dist` names.
const ID: &str = "@NAME@";

/// CHANGE: numbers and names of the releases, newest first.
const RELEASES: [(&str, &str); 1] = [("1", "first")];

/// The release of which packages are where nobody names one.
const DEFAULT_RELEASE: &str = "1";

/// CHANGE: architectures, by the names that OPKGs use.
const ARCHS: [&str; 2] = ["x86_64", "aarch64"];

pub struct Plugin;

impl Distribution for Plugin {
    /// CHANGE: another package manager than apt is a type of your own that implements `PackageManager`.
    type Manager = Apt;

    fn describe() -> DistributionInfo {
        let release = |(version, name): (&str, &str)| DistributionRelease {
            version: version.to_owned(),
            name: Some(name.to_owned()),
            is_default: version == DEFAULT_RELEASE,
        };
        DistributionInfo {
            id: ID.to_owned(),
            name: ID.to_owned(), // CHANGE: as people write it
            version: env!("CARGO_PKG_VERSION").to_owned(),
            aliases: Vec::new(),
            releases: RELEASES.map(release).to_vec(),
            archs: arch::to_arch_names(&ARCHS),
            attributes: Vec::new(),
        }
    }

    fn generate(opkg: &Opkg, target: &BuildTarget) -> Result<Output, Refusal> {
        let profile = release_profile(target)?;
        arch::check_supported(&profile.filter_context, &ARCHS)?;
        opkg_deb_family::generate(opkg, target, &profile)
    }
}

opkg_sdk::export_distribution!(Plugin);

/// A release by its number or its name.
fn parse_release(text: &str) -> Option<ReleaseNumber> {
    let (number, _) = RELEASES
        .iter()
        .find(|(number, name)| *number == text || *name == text)?;
    ReleaseNumber::parse(number)
}

fn release_profile(target: &BuildTarget) -> Result<ReleaseProfile, Refusal> {
    let asked = target.version.as_deref().unwrap_or(DEFAULT_RELEASE);
    let Some(version) = parse_release(asked) else {
        let known = RELEASES
            .map(|(number, name)| format!("{number} ({name})"))
            .join(", ");
        return Err(Refusal::UnknownTarget(format!(
            "`{asked}` is no release of {ID}: there is {known}"
        )));
    };
    let identity = |id: &str| DistIdentity {
        id: id.to_owned(),
        version: Some(version.clone()),
        default_version: version.clone(),
        version_syntax: VersionSyntax::Custom(parse_release),
    };
    let suite = RELEASES
        .iter()
        .find(|(number, _)| ReleaseNumber::parse(number).as_ref() == Some(&version));
    Ok(ReleaseProfile {
        // CHANGE: `fallback_identities` are for a derivative, which counts as another distribution where an OPKG does not
        // know it.
        filter_context: FilterContext::new(target, vec![identity(ID)]),
        // CHANGE: what the release's dpkg can read, and whose signatures its apt accepts.
        compression: Compression::Xz,
        accepted_keys: Verifier::Strict.accepted_keys(),
        has_sysctl_trigger: false,
        // CHANGE: what packages for the release have behind their own release; it has to sort as the releases do.
        release_tag: format!("@MACRO@{version}"),
        suite: suite.map_or("unstable", |(_, name)| name).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use opkg_sdk::model::{DistFilter, Part, RelationKind, Scope};
    use opkg_sdk::testing::{sample_opkg, sample_relation, sample_tagged_target, sample_target};

    #[test]
    fn exactly_one_release_is_the_default() {
        let releases = Plugin::describe().releases;
        assert_eq!(
            releases.iter().filter(|release| release.is_default).count(),
            1
        );
    }

    #[test]
    fn an_opkg_becomes_three_packages() {
        let output =
            Plugin::generate(&sample_opkg("demo"), &sample_tagged_target(ID, None)).expect("made");
        let names: Vec<&str> = output
            .packages
            .iter()
            .map(|package| package.file_name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "opkg-demo_1.0-1+@MACRO@1_all.deb",
                "opkg-demo-server_1.0-1+@MACRO@1_all.deb",
                "opkg-demo-client_1.0-1+@MACRO@1_all.deb"
            ]
        );
    }

    #[test]
    fn filters_mean_this_distribution() {
        let mut opkg = sample_opkg("demo");
        opkg.relations = [("here", ID), ("elsewhere", "other")]
            .map(|(name, id)| {
                let mut relation =
                    sample_relation(7, Scope::Part(Part::Server), RelationKind::Requires, name);
                relation.filter.dists = vec![DistFilter {
                    at: 7,
                    id: id.to_owned(),
                    bound: None,
                }];
                relation
            })
            .to_vec();
        let output = Plugin::generate(&opkg, &sample_target(ID, None, None)).expect("made");
        let names: Vec<&str> = output.packages[1]
            .relations
            .iter()
            .map(|it| it.name.as_str())
            .collect();
        assert!(
            names.contains(&"here") && !names.contains(&"elsewhere"),
            "{names:?}"
        );
    }
}
