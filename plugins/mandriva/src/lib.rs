//! Mandriva, Mandrake before it, and the two that came after: Mageia and OpenMandriva.

mod release;
mod urpmi;

use opkg_plugin::artefacts::{Compression, Output};
use opkg_plugin::filter::{Identity, Subject};
use opkg_plugin::opkg::{Opkg, Target};
use opkg_plugin::packaging::{Description, Named, Refusal};
use opkg_plugin::version::Version;
use opkg_plugin::{Distribution, export_distribution};
use opkg_rpm_family::{Flavour, LicenseNames, Weak, arch_names, releases, target_version};
use release::System;
use urpmi::Urpmi;

/// Ids by which filters mean any member.
const FAMILY: &[&str] = &["mdv", "mdk"];

/// Releases that are known, newest first; any other number is taken as well. Numbers that are no years are
/// Mageia's, unless OpenMandriva is asked for.
const RELEASES: &[&str] = &[
    "9", "8", "7", "2011.0", "2010.2", "2010.1", "2010.0", "2009.1", "2009.0", "2008.1", "2008.0", "2007.0",
    "2006.0",
];

/// The machines of Mandriva and of Mageia, where the 32-bit PC is an i586.
const ARCHS: &[(&str, &str)] = &[
    ("x86_64", "x86_64"),
    ("aarch64", "aarch64"),
    ("arm", "armv7hl"),
    ("i386", "i586"),
    ("ppc", "ppc"),
    ("ia64", "ia64"),
];

/// Described beside the others', though only one member has it.
const ONLY_OPENMANDRIVA: &[(&str, &str)] = &[("riscv64", "riscv64")];

const OPENMANDRIVA_ARCHS: &[(&str, &str)] = &[
    ("x86_64", "x86_64"),
    ("aarch64", "aarch64"),
    ("riscv64", "riscv64"),
    ("arm", "armv7hnl"),
    ("i386", "i686"),
];

/// The family, as a plugin.
pub struct Mandriva;

impl Distribution for Mandriva {
    type Manager = Urpmi;

    fn describe() -> Description {
        let named = |id: &str, name: &str| Named { id: id.to_owned(), name: name.to_owned() };
        Description {
            id: "mandriva".to_owned(),
            name: "Mandriva".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            aliases: vec![
                named("mdv", "Mandriva"),
                named("mdk", "Mandrake"),
                named("mandrake", "Mandrake"),
                named("mageia", "Mageia"),
                named("openmandriva", "OpenMandriva Lx"),
            ],
            releases: releases(RELEASES, &release::MAGEIA.to_string()),
            archs: arch_names(&[ARCHS, ONLY_OPENMANDRIVA].concat()),
        }
    }

    fn generate(opkg: &Opkg, target: &Target) -> Result<Output, Refusal> {
        opkg_rpm_family::generate(opkg, &flavour(target)?)
    }
}

fn flavour(target: &Target) -> Result<Flavour, Refusal> {
    let version = target_version(target, RELEASES)?;
    let system = System::of(&target.dist, version.as_ref());
    let decisive = version.clone().unwrap_or_else(|| system.default_version());
    let year = decisive.major();

    let family = FAMILY.iter().map(|id| Identity {
        id: (*id).to_owned(),
        version: version.as_ref().map(release::among_all),
        default: release::among_all(&system.default_version()),
        read: release::read_among_all,
    });
    let own = Identity {
        id: target.dist.clone(),
        version: version.clone(),
        default: system.default_version(),
        read: Version::parse,
    };
    let own = (!FAMILY.contains(&own.id.as_str())).then_some(own);
    let mut identities: Vec<Identity> = family.collect();
    if let Some(own) = own {
        match own.id.as_str() {
            // These mean all of them, as the short ids do, but only to those who ask for them.
            "mandriva" | "mandrake" => identities.push(Identity { id: own.id, ..identities[0].clone() }),
            _ => identities.push(own),
        }
    }
    Ok(Flavour {
        subject: Subject::of(target, identities),
        archs: if system == System::OpenMandriva { OPENMANDRIVA_ARCHS } else { ARCHS },
        expression: release::expression,
        weak: if system == System::Mandriva && year < 2008 { Weak::Never } else { Weak::Always },
        documentation: "/usr/share/doc",
        versioned_documentation: system == System::Mandriva && year <= 2006,
        licenses: match system {
            System::Mandriva => LicenseNames::Written,
            System::Mageia | System::OpenMandriva => LicenseNames::Short,
        },
        compression: match system {
            System::OpenMandriva => Compression::Zstd,
            System::Mandriva if year < 2010 => Compression::Gzip,
            _ => Compression::Xz,
        },
        macros: vec![system.macro_value(&decisive)],
    })
}

export_distribution!(Mandriva);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use opkg_plugin::filter::Decision;
    use opkg_plugin::opkg::{Comparison, DistFilter, Filter};
    use opkg_plugin::testing::{bound, opkg, target};

    fn decide(dist: &str, version: Option<&str>, id: &str, wanted: &str) -> Decision {
        let filter = DistFilter { at: 0, id: id.into(), bound: bound(Comparison::Ge, wanted) };
        let filter = Filter { dists: vec![filter], archs: Vec::new() };
        flavour(&target(dist, version, None)).unwrap().subject.decide(&filter, &mut Vec::new())
    }

    #[test]
    fn a_filter_on_mandrivas_years_holds_for_what_came_after() {
        assert_eq!(decide("mageia", Some("9"), "mdv", "2010"), Decision::Yes);
        assert_eq!(decide("mdv", Some("2009.1"), "mdk", "2010"), Decision::No);
        assert_eq!(decide("openmandriva", Some("6"), "mdv", "2010"), Decision::Yes);
        assert!(matches!(decide("mandriva", None, "mdv", "2010"), Decision::Depends(_)));
    }

    #[test]
    fn a_member_is_meant_by_its_own_id_only() {
        assert_eq!(decide("mageia", Some("9"), "mageia", "8"), Decision::Yes);
        assert_eq!(decide("openmandriva", Some("9"), "mageia", "8"), Decision::No);
        assert_eq!(decide("mandriva", Some("9"), "mandriva", "8"), Decision::Yes);
    }

    #[test]
    fn each_member_is_known_to_rpm_by_its_own_macro() {
        for (dist, version, expected) in [
            ("mandriva", None, ("mgaversion", "9")),
            ("mdv", Some("2010.1"), ("mdkversion", "201010")),
            ("openmandriva", Some("4.2"), ("omvver", "4002000")),
        ] {
            let macros = flavour(&target(dist, version, None)).unwrap().macros;
            assert_eq!(macros, [(expected.0, expected.1.to_owned())]);
        }
    }

    #[test]
    fn architectures_are_named_as_the_member_names_them() {
        let arch = |dist| {
            let mut opkg = opkg("x");
            opkg.filter.archs = vec!["i386".into()];
            Mandriva::generate(&opkg, &target(dist, None, Some("i386"))).unwrap().packages[0].arch.clone()
        };
        assert_eq!((arch("mageia"), arch("openmandriva")), ("i586".to_owned(), "i686".to_owned()));
    }

    #[test]
    fn exactly_one_release_is_the_default() {
        assert_eq!(Mandriva::describe().releases.iter().filter(|release| release.is_default).count(), 1);
    }
}
