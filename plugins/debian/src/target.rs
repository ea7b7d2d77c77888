//! Which distributions, releases and architectures the plugin knows, and what filters mean on them.

use opkg_plugin::filter::{Identity, Subject};
use opkg_plugin::opkg::{Filter, Opkg, Target};
use opkg_plugin::packaging::{ArchName, Description, Named, Refusal, Release};
use opkg_plugin::version::Version;

/// Number and name, newest first. The first with a number is what Debian called stable when this was written.
const DEBIAN: [(&str, &str); 5] =
    [("sid", "unstable"), ("13", "trixie"), ("12", "bookworm"), ("11", "bullseye"), ("10", "buster")];
const DEBIAN_DEFAULT: &str = "13";

/// Number, name, and the Debian release that it was made from or is nearest to, newest first.
const UBUNTU: [(&str, &str, u64); 5] = [
    ("26.04", "resolute", 14),
    ("24.04", "noble", 13),
    ("22.04", "jammy", 12),
    ("20.04", "focal", 11),
    ("18.04", "bionic", 10),
];
const UBUNTU_DEFAULT: &str = "24.04";

/// Canonical and Debian's own names.
const ARCHS: [(&str, &str); 18] = [
    ("x86_64", "amd64"),
    ("aarch64", "arm64"),
    ("i386", "i386"),
    ("ppc64le", "ppc64el"),
    ("riscv64", "riscv64"),
    ("s390x", "s390x"),
    ("arm", "armhf"),
    ("loongarch64", "loong64"),
    ("mips64el", "mips64el"),
    ("mips64", "mips64"),
    ("mipsel", "mipsel"),
    ("mips", "mips"),
    ("ppc64", "ppc64"),
    ("ppc", "powerpc"),
    ("ia64", "ia64"),
    ("sparc64", "sparc64"),
    ("hppa", "hppa"),
    ("alpha", "alpha"),
];

/// What the plugin answers to.
#[must_use]
pub fn describe() -> Description {
    let named = |id: &str, name: &str| Named { id: id.into(), name: name.into() };
    Description {
        id: "debian".into(),
        name: "Debian".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        aliases: vec![named("ubuntu", "Ubuntu")],
        releases: DEBIAN
            .iter()
            .map(|&(version, name)| Release {
                version: version.into(),
                name: Some(name.into()),
                is_default: version == DEBIAN_DEFAULT,
            })
            .collect(),
        archs: ARCHS
            .iter()
            .map(|&(canonical, native)| ArchName { canonical: canonical.into(), native: native.into() })
            .collect(),
    }
}

/// Debian's name of an architecture.
#[must_use]
pub fn native_arch(canonical: &str) -> Option<&'static str> {
    ARCHS.iter().find(|(name, _)| *name == canonical).map(|&(_, native)| native)
}

/// What the filters of this OPKG are decided for. A version is always named: neither control files nor
/// packages have conditions on it, so the default release stands in (format, 3.1).
///
/// # Errors
/// [`Refusal::UnknownTarget`].
pub fn subject(opkg: &Opkg, target: &Target) -> Result<Subject, Refusal> {
    let ubuntu = target.dist == "ubuntu";
    let (read, default): (fn(&str) -> Option<Version>, &str) =
        if ubuntu { (read_ubuntu, UBUNTU_DEFAULT) } else { (read_debian, DEBIAN_DEFAULT) };
    let asked = target.version.as_deref().unwrap_or(default);
    let version = read(asked).ok_or_else(|| unknown_release(asked, ubuntu))?;
    let arch = target.arch.as_ref().unwrap_or(&target.machine);
    if native_arch(arch).is_none() {
        let known: Vec<_> = ARCHS.iter().map(|(canonical, _)| *canonical).collect();
        return Err(Refusal::UnknownTarget(format!(
            "{} knows no architecture `{arch}`; it knows {}",
            target.dist,
            known.join(", ")
        )));
    }
    let identity = |id: &str, version: Version, read| Identity {
        id: id.into(),
        version: Some(version.clone()),
        default: version,
        read,
    };
    let debian = |version| identity("debian", version, read_debian);
    let (identities, stand_ins) = if !ubuntu {
        (vec![debian(version)], Vec::new())
    } else if names_ubuntu(opkg) {
        (vec![identity("ubuntu", version, read_ubuntu)], Vec::new())
    } else {
        let base = debian(debian_below(&version));
        (vec![identity("ubuntu", version, read_ubuntu)], vec![base])
    };
    let mut name = target.dist.clone();
    for part in target.version.iter().chain(&target.arch) {
        name.push('-');
        name.push_str(part);
    }
    Ok(Subject { name, identities, stand_ins, arch: target.arch.clone(), machine: target.machine.clone() })
}

/// `debian` means Ubuntu too, but not in a package that knows Ubuntu anywhere (format, 3).
fn names_ubuntu(opkg: &Opkg) -> bool {
    let names = |filter: &Filter| filter.dists.iter().any(|dist| dist.id == "ubuntu");
    names(&opkg.filter) || opkg.relations.iter().any(|relation| names(&relation.filter))
}

/// The release of Debian that a release of Ubuntu counts as.
fn debian_below(ubuntu: &Version) -> Version {
    let base = UBUNTU
        .iter()
        .filter_map(|&(number, _, base)| Some((Version::parse(number)?, base)))
        .find(|(number, _)| number.components() <= ubuntu.components())
        .map_or(9, |(_, base)| base);
    Version::new([base])
}

/// A number of any release, or the name of a known one. What has no number yet is later than all others.
fn read_debian(text: &str) -> Option<Version> {
    let text = text.to_ascii_lowercase();
    if matches!(text.as_str(), "sid" | "unstable") {
        return Some(Version::new([u64::MAX]));
    }
    let number = DEBIAN.iter().find(|(_, name)| *name == text).map_or(text.as_str(), |(number, _)| number);
    Version::parse(number)
}

fn read_ubuntu(text: &str) -> Option<Version> {
    let text = text.to_ascii_lowercase();
    let number =
        UBUNTU.iter().find(|(_, name, _)| *name == text).map_or(text.as_str(), |(number, ..)| number);
    Version::parse(number)
}

fn unknown_release(asked: &str, ubuntu: bool) -> Refusal {
    let (name, known): (&str, Vec<String>) = if ubuntu {
        ("Ubuntu", UBUNTU.iter().map(|(number, name, _)| format!("{number} ({name})")).collect())
    } else {
        ("Debian", DEBIAN.iter().map(|(number, name)| format!("{number} ({name})")).collect())
    };
    Refusal::UnknownTarget(format!(
        "`{asked}` is no release of {name}; a number is, and so is any of {}",
        known.join(", ")
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_release_is_the_default() {
        assert_eq!(describe().releases.iter().filter(|release| release.is_default).count(), 1);
    }

    #[test]
    fn releases_have_numbers_and_names() {
        assert_eq!(read_debian("Bookworm"), read_debian("12"));
        assert!(read_debian("sid").unwrap().components() > read_debian("99").unwrap().components());
        assert_eq!(read_debian("twelve"), None);
        assert_eq!(read_ubuntu("jammy"), read_ubuntu("22.04"));
        assert_eq!(read_ubuntu("sid"), None);
    }

    #[test]
    fn ubuntu_counts_as_a_release_of_debian() {
        for (ubuntu, debian) in [("24.04", 13), ("23.10", 12), ("22.04", 12), ("20.10", 11), ("14.04", 9)] {
            assert_eq!(debian_below(&Version::parse(ubuntu).unwrap()), Version::new([debian]), "{ubuntu}");
        }
    }
}
