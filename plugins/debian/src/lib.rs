//! Debian.

use opkg_deb_family::debian_releases::{RELEASES, parse_release};
use opkg_deb_family::keys::Verifier;
use opkg_deb_family::{Apt, ReleaseProfile, arch, debian_releases};
use opkg_sdk::artefacts::{Compression, Output};
use opkg_sdk::filter::{DistIdentity, FilterContext, VersionSyntax};
use opkg_sdk::model::{BuildTarget, Opkg};
use opkg_sdk::packaging::{DistributionInfo, DistributionRelease, Refusal};
use opkg_sdk::version::ReleaseNumber;
use opkg_sdk::{Distribution, export_distribution};

/// What Debian called stable when this was written.
const DEFAULT_RELEASE: &str = "13";

pub struct Debian;

impl Distribution for Debian {
    type Manager = Apt;

    fn describe() -> DistributionInfo {
        DistributionInfo {
            id: "debian".into(),
            name: "Debian".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            aliases: Vec::new(),
            releases: RELEASES
                .iter()
                .map(|&(version, name)| DistributionRelease {
                    version: version.into(),
                    name: Some(name.into()),
                    is_default: version == DEFAULT_RELEASE,
                })
                .collect(),
            archs: arch::to_arch_names(&arch::all_archs()),
            attributes: Vec::new(),
        }
    }

    fn generate(opkg: &Opkg, target: &BuildTarget) -> Result<Output, Refusal> {
        let release = release(target)?;
        let verifier = match release.major() {
            ..9 => Verifier::Gpgv1,
            9..13 => Verifier::Gpgv2,
            _ => Verifier::Strict,
        };
        let profile = ReleaseProfile {
            compression: Compression::Xz,
            accepted_keys: verifier.accepted_keys(),
            release_tag: debian_releases::release_tag(&release),
            suite: debian_releases::suite(&release).into(),
            has_sysctl_trigger: release.major() >= 13,
            filter_context: filter_context(target, release),
        };
        arch::check_supported(&profile.filter_context, &arch::all_archs())?;
        opkg_deb_family::generate(opkg, target, &profile)
    }
}

export_distribution!(Debian);

/// # Errors
/// [`Refusal::UnknownTarget`].
fn release(target: &BuildTarget) -> Result<ReleaseNumber, Refusal> {
    let asked = target.version.as_deref().unwrap_or(DEFAULT_RELEASE);
    parse_release(asked).ok_or_else(|| unknown_release(asked))
}

fn filter_context(target: &BuildTarget, version: ReleaseNumber) -> FilterContext {
    let identity = DistIdentity {
        id: "debian".into(),
        version: Some(version.clone()),
        default_version: version,
        version_syntax: VersionSyntax::Custom(parse_release),
    };
    FilterContext::new(target, vec![identity])
}

fn unknown_release(asked: &str) -> Refusal {
    let known: Vec<String> = RELEASES.iter().map(|(number, name)| format!("{number} ({name})")).collect();
    Refusal::UnknownTarget(format!(
        "unknown Debian release `{asked}`; use a number or one of {}",
        known.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_release_is_the_default() {
        assert_eq!(Debian::describe().releases.iter().filter(|release| release.is_default).count(), 1);
    }
}
