//! Ubuntu: Debian's packages, other releases. What a package says of Debian holds here as well, where it knows
//! no Ubuntu.

use opkg_deb_family::debian_releases::UNKNOWN_SUITE;
use opkg_deb_family::keys::Verifier;
use opkg_deb_family::{Apt, ReleaseProfile, arch, debian_releases};
use opkg_sdk::artefacts::{Compression, Output};
use opkg_sdk::filter::{DistIdentity, FilterContext, VersionSyntax};
use opkg_sdk::model::{BuildTarget, Filter, Opkg};
use opkg_sdk::packaging::{DistributionInfo, DistributionRelease, Refusal};
use opkg_sdk::version::ReleaseNumber;
use opkg_sdk::{Distribution, export_distribution};

/// Number, name, and the Debian release that it was made from or is nearest to, newest first.
const RELEASES: [(&str, &str, u64); 6] = [
    ("26.04", "resolute", 14),
    ("24.04", "noble", 13),
    ("22.04", "jammy", 12),
    ("20.04", "focal", 11),
    ("18.04", "bionic", 10),
    ("16.04", "xenial", 9),
];

/// Names of releases that are not listed, but taken as well.
const OTHER_CODENAMES: [(&str, &str); 9] = [
    ("25.10", "questing"),
    ("25.04", "plucky"),
    ("24.10", "oracular"),
    ("23.10", "mantic"),
    ("23.04", "lunar"),
    ("22.10", "kinetic"),
    ("21.10", "impish"),
    ("20.10", "groovy"),
    ("14.04", "trusty"),
];

/// The release with long support that clusters commonly run.
const DEFAULT_RELEASE: &str = "24.04";

/// From here on dpkg reads zstd as a matter of course.
const ZSTD_SINCE: [u64; 2] = [21, 10];
/// From here on systemd itself looks out for files of sysctl.d.
const SYSCTL_TRIGGER_SINCE: [u64; 2] = [25, 4];

/// Those it is made for, or was in the releases above.
const ARCHS: [&str; 7] = ["x86_64", "aarch64", "i386", "ppc64le", "riscv64", "s390x", "arm"];

pub struct Ubuntu;

impl Distribution for Ubuntu {
    type Manager = Apt;

    fn describe() -> DistributionInfo {
        DistributionInfo {
            id: "ubuntu".into(),
            name: "Ubuntu".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            aliases: Vec::new(),
            releases: RELEASES
                .iter()
                .map(|&(version, name, _)| DistributionRelease {
                    version: version.into(),
                    name: Some(name.into()),
                    is_default: version == DEFAULT_RELEASE,
                })
                .collect(),
            archs: arch::to_arch_names(&ARCHS),
            attributes: Vec::new(),
        }
    }

    fn generate(opkg: &Opkg, target: &BuildTarget) -> Result<Output, Refusal> {
        let profile = release_profile(opkg, target)?;
        arch::check_supported(&profile.filter_context, &ARCHS)?;
        opkg_deb_family::generate(opkg, target, &profile)
    }
}

export_distribution!(Ubuntu);

/// # Errors
/// [`Refusal::UnknownTarget`].
fn release_profile(opkg: &Opkg, target: &BuildTarget) -> Result<ReleaseProfile, Refusal> {
    let asked = target.version.as_deref().unwrap_or(DEFAULT_RELEASE);
    let version = parse_release(asked).ok_or_else(|| unknown_release(asked))?;
    let identity = |id: &str, version: &ReleaseNumber, read| DistIdentity {
        id: id.into(),
        version: Some(version.clone()),
        default_version: version.clone(),
        version_syntax: VersionSyntax::Custom(read),
    };
    let stand_ins = match mentions_ubuntu(opkg) {
        true => Vec::new(),
        false => vec![identity("debian", &debian_base_release(&version), debian_releases::parse_release)],
    };
    Ok(ReleaseProfile {
        accepted_keys: match version.major() {
            ..18 => Verifier::Gpgv1,
            18..24 => Verifier::Gpgv2,
            _ => Verifier::Strict,
        }
        .accepted_keys(),
        release_tag: format!("ubuntu{}", written_version(&version)),
        suite: suite(&version).into(),
        has_sysctl_trigger: version.components() >= SYSCTL_TRIGGER_SINCE.as_slice(),
        compression: match version.components() >= ZSTD_SINCE.as_slice() {
            true => Compression::Zstd,
            false => Compression::Xz,
        },
        filter_context: FilterContext {
            fallback_identities: stand_ins,
            ..FilterContext::new(target, vec![identity("ubuntu", &version, parse_release)])
        },
    })
}

/// `debian` means Ubuntu too, but not in a package that knows Ubuntu anywhere (format, 3.1).
fn mentions_ubuntu(opkg: &Opkg) -> bool {
    let names = |filter: &Filter| filter.dists.iter().any(|dist| dist.id == "ubuntu");
    let others = (opkg.relations.iter().map(|it| &it.filter))
        .chain(opkg.file_rules.iter().map(|it| &it.filter))
        .chain(opkg.service_rules.iter().map(|it| &it.filter));
    others.chain([&opkg.filter]).any(names)
}

/// `24.04`, whose month has two digits.
fn written_version(version: &ReleaseNumber) -> String {
    match version.components() {
        [year, month, ..] => format!("{year}.{month:02}"),
        _ => version.to_string(),
    }
}

/// What the archive calls a release.
fn suite(version: &ReleaseNumber) -> &'static str {
    let known = RELEASES.iter().map(|&(number, name, _)| (number, name)).chain(OTHER_CODENAMES);
    let written = written_version(version);
    known.into_iter().find(|(number, _)| *number == written).map_or(UNKNOWN_SUITE, |(_, name)| name)
}

/// The release of Debian that a release of Ubuntu counts as.
fn debian_base_release(ubuntu: &ReleaseNumber) -> ReleaseNumber {
    let base = RELEASES
        .iter()
        .filter_map(|&(number, _, base)| Some((ReleaseNumber::parse(number)?, base)))
        .find(|(number, _)| number.components() <= ubuntu.components())
        .map_or(8, |(_, base)| base);
    ReleaseNumber::new([base])
}

/// A number of any release, or the name of a known one.
fn parse_release(text: &str) -> Option<ReleaseNumber> {
    let text = text.to_ascii_lowercase();
    let number =
        RELEASES.iter().find(|(_, name, _)| *name == text).map_or(text.as_str(), |(number, ..)| number);
    ReleaseNumber::parse(number)
}

fn unknown_release(asked: &str) -> Refusal {
    let known: Vec<String> = RELEASES.iter().map(|(number, name, _)| format!("{number} ({name})")).collect();
    Refusal::UnknownTarget(format!(
        "unknown Ubuntu release `{asked}`; use a number or one of {}",
        known.join(", ")
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use opkg_sdk::model::{Comparison, DistFilter, Part, RelationKind, Scope};
    use opkg_sdk::testing::{sample_opkg, sample_relation, sample_target, some_bound};

    #[test]
    fn exactly_one_release_is_the_default() {
        assert_eq!(Ubuntu::describe().releases.iter().filter(|release| release.is_default).count(), 1);
        assert_eq!(Ubuntu::describe().archs.len(), ARCHS.len());
    }

    #[test]
    fn releases_have_numbers_and_names() {
        assert_eq!(parse_release("Jammy"), parse_release("22.04"));
        assert_eq!(parse_release("sid"), None);
        let refused = |target: &BuildTarget| match Ubuntu::generate(&sample_opkg("x"), target) {
            Err(Refusal::UnknownTarget(message)) => message,
            other => panic!("{other:?}"),
        };
        assert!(refused(&sample_target("ubuntu", Some("sid"), None)).contains("24.04 (noble)"));
        assert!(
            refused(&sample_target("ubuntu", None, Some("ia64")))
                .contains("does not support the architecture `ia64`")
        );
    }

    #[test]
    fn it_counts_as_a_release_of_debian() {
        for (ubuntu, debian) in
            [("24.04", 13), ("23.10", 12), ("22.04", 12), ("20.10", 11), ("16.10", 9), ("14.04", 8)]
        {
            assert_eq!(
                debian_base_release(&ReleaseNumber::parse(ubuntu).unwrap()),
                ReleaseNumber::new([debian]),
                "{ubuntu}"
            );
        }
    }

    #[test]
    fn packages_are_compressed_as_the_release_can_read() {
        let of = |version| {
            release_profile(&sample_opkg("x"), &sample_target("ubuntu", version, None)).unwrap().compression
        };
        assert_eq!(of(None), Compression::Zstd);
        assert_eq!(of(Some("21.04")), Compression::Xz);
        assert_eq!(of(Some("focal")), Compression::Xz);
    }

    /// The dependencies of the server package on Ubuntu 22.04.
    fn depends(opkg: &Opkg) -> Vec<String> {
        let output = Ubuntu::generate(opkg, &sample_target("ubuntu", Some("jammy"), None)).unwrap();
        let server = &output.packages[1];
        let names = server.relations.iter().map(|relation| relation.name.clone());
        names.filter(|name| !name.starts_with("opkg-")).collect()
    }

    #[test]
    fn debian_is_meant_by_a_package_that_knows_no_ubuntu() {
        let mut opkg = sample_opkg("x");
        let filtered = |at, name, id: &str, version| {
            let mut relation = sample_relation(at, Scope::Part(Part::Server), RelationKind::Requires, name);
            relation.filter.dists =
                vec![DistFilter { at, id: id.into(), bound: some_bound(Comparison::Ge, version) }];
            relation
        };
        opkg.relations =
            vec![filtered(7, "for-debian", "debian", "bookworm"), filtered(8, "newer", "debian", "13")];
        assert_eq!(depends(&opkg), ["for-debian"]);
        opkg.relations.push(filtered(9, "for-ubuntu", "ubuntu", "20.10"));
        assert_eq!(depends(&opkg), ["for-ubuntu"]);
    }
}
