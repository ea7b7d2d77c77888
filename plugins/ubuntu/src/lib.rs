//! Ubuntu: Debian's packages, other releases. What a package says of Debian holds here as well, where it knows
//! no Ubuntu.

use opkg_deb_family::{Apt, Flavour, arch, debian};
use opkg_plugin::artefacts::{Compression, Output};
use opkg_plugin::filter::{Identity, Subject};
use opkg_plugin::opkg::{Filter, Opkg, Target};
use opkg_plugin::packaging::{Description, Refusal, Release};
use opkg_plugin::version::Version;
use opkg_plugin::{Distribution, export_distribution};

/// Number, name, and the Debian release that it was made from or is nearest to, newest first.
const RELEASES: [(&str, &str, u64); 6] = [
    ("26.04", "resolute", 14),
    ("24.04", "noble", 13),
    ("22.04", "jammy", 12),
    ("20.04", "focal", 11),
    ("18.04", "bionic", 10),
    ("16.04", "xenial", 9),
];

/// The release with long support that clusters commonly run.
const DEFAULT: &str = "24.04";

/// From here on dpkg reads zstd as a matter of course.
const ZSTD_SINCE: [u64; 2] = [21, 10];

/// Those it is made for, or was in the releases above.
const ARCHS: [&str; 7] = ["x86_64", "aarch64", "i386", "ppc64le", "riscv64", "s390x", "arm"];

/// Ubuntu, as a plugin.
pub struct Ubuntu;

impl Distribution for Ubuntu {
    type Manager = Apt;

    fn describe() -> Description {
        Description {
            id: "ubuntu".into(),
            name: "Ubuntu".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            aliases: Vec::new(),
            releases: RELEASES
                .iter()
                .map(|&(version, name, _)| Release {
                    version: version.into(),
                    name: Some(name.into()),
                    is_default: version == DEFAULT,
                })
                .collect(),
            archs: arch::described(&ARCHS),
        }
    }

    fn generate(opkg: &Opkg, target: &Target) -> Result<Output, Refusal> {
        let flavour = flavour(opkg, target)?;
        arch::check(&flavour.subject, &ARCHS)?;
        opkg_deb_family::generate(opkg, &flavour)
    }
}

export_distribution!(Ubuntu);

/// # Errors
/// [`Refusal::UnknownTarget`].
fn flavour(opkg: &Opkg, target: &Target) -> Result<Flavour, Refusal> {
    let asked = target.version.as_deref().unwrap_or(DEFAULT);
    let version = read(asked).ok_or_else(|| unknown_release(asked))?;
    let identity = |id: &str, version: &Version, read| Identity {
        id: id.into(),
        version: Some(version.clone()),
        default: version.clone(),
        read,
    };
    let stand_ins = match names_ubuntu(opkg) {
        true => Vec::new(),
        false => vec![identity("debian", &debian_below(&version), debian::read)],
    };
    Ok(Flavour {
        compression: match version.components() >= ZSTD_SINCE.as_slice() {
            true => Compression::Zstd,
            false => Compression::Xz,
        },
        subject: Subject { stand_ins, ..Subject::of(target, vec![identity("ubuntu", &version, read)]) },
    })
}

/// `debian` means Ubuntu too, but not in a package that knows Ubuntu anywhere (format, 3.1).
fn names_ubuntu(opkg: &Opkg) -> bool {
    let names = |filter: &Filter| filter.dists.iter().any(|dist| dist.id == "ubuntu");
    names(&opkg.filter) || opkg.relations.iter().any(|relation| names(&relation.filter))
}

/// The release of Debian that a release of Ubuntu counts as.
fn debian_below(ubuntu: &Version) -> Version {
    let base = RELEASES
        .iter()
        .filter_map(|&(number, _, base)| Some((Version::parse(number)?, base)))
        .find(|(number, _)| number.components() <= ubuntu.components())
        .map_or(8, |(_, base)| base);
    Version::new([base])
}

/// A number of any release, or the name of a known one.
fn read(text: &str) -> Option<Version> {
    let text = text.to_ascii_lowercase();
    let number =
        RELEASES.iter().find(|(_, name, _)| *name == text).map_or(text.as_str(), |(number, ..)| number);
    Version::parse(number)
}

fn unknown_release(asked: &str) -> Refusal {
    let known: Vec<String> = RELEASES.iter().map(|(number, name, _)| format!("{number} ({name})")).collect();
    Refusal::UnknownTarget(format!(
        "`{asked}` is no release of Ubuntu; a number is, and so is any of {}",
        known.join(", ")
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use opkg_plugin::opkg::{Comparison, DistFilter, Kind, Part, Scope};
    use opkg_plugin::testing::{bound, opkg, relation, target};

    #[test]
    fn exactly_one_release_is_the_default() {
        assert_eq!(Ubuntu::describe().releases.iter().filter(|release| release.is_default).count(), 1);
        assert_eq!(Ubuntu::describe().archs.len(), ARCHS.len());
    }

    #[test]
    fn releases_have_numbers_and_names() {
        assert_eq!(read("Jammy"), read("22.04"));
        assert_eq!(read("sid"), None);
        let refused = |target: &Target| match Ubuntu::generate(&opkg("x"), target) {
            Err(Refusal::UnknownTarget(message)) => message,
            other => panic!("{other:?}"),
        };
        assert!(refused(&target("ubuntu", Some("sid"), None)).contains("24.04 (noble)"));
        assert!(refused(&target("ubuntu", None, Some("ia64"))).contains("knows no architecture `ia64`"));
    }

    #[test]
    fn it_counts_as_a_release_of_debian() {
        for (ubuntu, debian) in
            [("24.04", 13), ("23.10", 12), ("22.04", 12), ("20.10", 11), ("16.10", 9), ("14.04", 8)]
        {
            assert_eq!(debian_below(&Version::parse(ubuntu).unwrap()), Version::new([debian]), "{ubuntu}");
        }
    }

    #[test]
    fn packages_are_compressed_as_the_release_can_read() {
        let of = |version| flavour(&opkg("x"), &target("ubuntu", version, None)).unwrap().compression;
        assert_eq!(of(None), Compression::Zstd);
        assert_eq!(of(Some("21.04")), Compression::Xz);
        assert_eq!(of(Some("focal")), Compression::Xz);
    }

    /// The dependencies of the server package on Ubuntu 22.04.
    fn depends(opkg: &Opkg) -> Vec<String> {
        let output = Ubuntu::generate(opkg, &target("ubuntu", Some("jammy"), None)).unwrap();
        let server = &output.packages[1];
        let names = server.relations.iter().map(|relation| relation.name.clone());
        names.filter(|name| !name.starts_with("opkg-")).collect()
    }

    #[test]
    fn debian_is_meant_by_a_package_that_knows_no_ubuntu() {
        let mut opkg = opkg("x");
        let filtered = |at, name, id: &str, version| {
            let mut relation = relation(at, Scope::Part(Part::Server), Kind::Requires, name);
            relation.filter.dists =
                vec![DistFilter { at, id: id.into(), bound: bound(Comparison::Ge, version) }];
            relation
        };
        opkg.relations =
            vec![filtered(7, "for-debian", "debian", "bookworm"), filtered(8, "newer", "debian", "13")];
        assert_eq!(depends(&opkg), ["for-debian"]);
        opkg.relations.push(filtered(9, "for-ubuntu", "ubuntu", "20.10"));
        assert_eq!(depends(&opkg), ["for-ubuntu"]);
    }
}
