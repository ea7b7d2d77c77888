//! Mandriva, Mandrake before it, and the two that came after: Mageia and OpenMandriva.

mod release;
mod urpmi;

use opkg_rpm_family::{
    LicenseNames, ReleaseProfile, RpmVersion, WeakDependencies, arch_names, parse_target_version, releases,
};
use opkg_sdk::artefacts::Output;
use opkg_sdk::filter::{DistIdentity, FilterContext, VersionSyntax};
use opkg_sdk::model::{BuildTarget, Opkg};
use opkg_sdk::packaging::{Alias, DistributionInfo, Refusal};
use opkg_sdk::{Distribution, export_distribution};
use release::Product;
use urpmi::Urpmi;

/// Ids by which filters mean any member.
const FAMILY_IDS: &[&str] = &["mdv", "mdk"];

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
const EXTRA_OPENMANDRIVA_ARCHS: &[(&str, &str)] = &[("riscv64", "riscv64")];

const OPENMANDRIVA_ARCHS: &[(&str, &str)] = &[
    ("x86_64", "x86_64"),
    ("aarch64", "aarch64"),
    ("riscv64", "riscv64"),
    ("arm", "armv7hnl"),
    ("i386", "i686"),
];

pub struct Mandriva;

impl Distribution for Mandriva {
    type Manager = Urpmi;

    fn describe() -> DistributionInfo {
        let named = |id: &str, name: &str| Alias { id: id.to_owned(), name: name.to_owned() };
        DistributionInfo {
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
            releases: releases(RELEASES, &release::MAGEIA_DEFAULT.to_string()),
            archs: arch_names(&[ARCHS, EXTRA_OPENMANDRIVA_ARCHS].concat()),
            attributes: Vec::new(),
        }
    }

    fn generate(opkg: &Opkg, target: &BuildTarget) -> Result<Output, Refusal> {
        opkg_rpm_family::generate(opkg, target, &release_profile(target)?)
    }
}

fn release_profile(target: &BuildTarget) -> Result<ReleaseProfile, Refusal> {
    let version = parse_target_version(target, RELEASES)?;
    let system = Product::detect(&target.dist, version.as_ref());
    let decisive = version.clone().unwrap_or_else(|| system.default_version());
    let year = decisive.major();

    let family = FAMILY_IDS.iter().map(|id| DistIdentity {
        id: (*id).to_owned(),
        version: version.as_ref().map(release::family_version),
        default_version: release::family_version(&system.default_version()),
        version_syntax: VersionSyntax::Custom(release::parse_family_version),
    });
    let own = DistIdentity {
        id: target.dist.clone(),
        version: version.clone(),
        default_version: system.default_version(),
        version_syntax: VersionSyntax::numbers(),
    };
    let own = (!FAMILY_IDS.contains(&own.id.as_str())).then_some(own);
    let mut identities: Vec<DistIdentity> = family.collect();
    if let Some(own) = own {
        match own.id.as_str() {
            // These mean all of them, as the short ids do, but only to those who ask for them.
            "mandriva" | "mandrake" => identities.push(DistIdentity { id: own.id, ..identities[0].clone() }),
            _ => identities.push(own),
        }
    }
    Ok(ReleaseProfile {
        filter_context: FilterContext::new(target, identities),
        archs: if system == Product::OpenMandriva { OPENMANDRIVA_ARCHS } else { ARCHS },
        version_expression: release::version_expression,
        weak_dependencies: match (system, year) {
            (Product::Mandriva, ..2008) => WeakDependencies::Never,
            // The others came with RPM 4.12.
            (Product::Mandriva, _) | (Product::Mageia, ..5) => WeakDependencies::SuggestsAlone,
            _ => WeakDependencies::Always,
        },
        documentation_dir: "/usr/share/doc",
        has_versioned_documentation: system == Product::Mandriva && year <= 2006,
        release_tag: system.release_tag(&decisive),
        license_names: match system {
            Product::Mandriva => LicenseNames::Written,
            Product::Mageia | Product::OpenMandriva => LicenseNames::Short,
        },
        account_tools: "shadow-utils",
        has_file_triggers: false,
        merged_directories: &[],
        rpm_version: match (system, year) {
            (Product::Mandriva, ..2009) => RpmVersion(4, 4),
            // What the last releases had in its place, RPM 5, is not counted on for more.
            (Product::Mandriva, _) => RpmVersion(4, 6),
            (Product::Mageia, ..3) => RpmVersion(4, 9),
            (Product::Mageia, 3..5) => RpmVersion(4, 11),
            (Product::Mageia, 5) => RpmVersion(4, 12),
            (Product::Mageia, 6) => RpmVersion(4, 13),
            (Product::Mageia, 7) => RpmVersion(4, 14),
            (Product::Mageia, 8) => RpmVersion(4, 16),
            (Product::Mageia, _) => RpmVersion(4, 18),
            (Product::OpenMandriva, ..5) => RpmVersion(4, 15),
            (Product::OpenMandriva, _) => RpmVersion(4, 18),
        },
        macros: vec![system.macro_value(&decisive)],
    })
}

export_distribution!(Mandriva);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use opkg_sdk::filter::FilterMatch;
    use opkg_sdk::model::{Comparison, DistFilter, Filter};
    use opkg_sdk::testing::{sample_opkg, sample_target, some_bound};

    fn decide(dist: &str, version: Option<&str>, id: &str, wanted: &str) -> FilterMatch {
        let filter = DistFilter { at: 0, id: id.into(), bound: some_bound(Comparison::Ge, wanted) };
        let filter = Filter { dists: vec![filter], archs: Vec::new() };
        release_profile(&sample_target(dist, version, None))
            .unwrap()
            .filter_context
            .evaluate(&filter, &mut Vec::new())
    }

    #[test]
    fn a_filter_on_mandrivas_years_holds_for_what_came_after() {
        assert_eq!(decide("mageia", Some("9"), "mdv", "2010"), FilterMatch::Always);
        assert_eq!(decide("mdv", Some("2009.1"), "mdk", "2010"), FilterMatch::Never);
        assert_eq!(decide("openmandriva", Some("6"), "mdv", "2010"), FilterMatch::Always);
        assert!(matches!(decide("mandriva", None, "mdv", "2010"), FilterMatch::Conditional(_)));
    }

    #[test]
    fn a_member_is_meant_by_its_own_id_only() {
        assert_eq!(decide("mageia", Some("9"), "mageia", "8"), FilterMatch::Always);
        assert_eq!(decide("openmandriva", Some("9"), "mageia", "8"), FilterMatch::Never);
        assert_eq!(decide("mandriva", Some("9"), "mandriva", "8"), FilterMatch::Always);
    }

    #[test]
    fn each_member_is_known_to_rpm_by_its_own_macro() {
        for (dist, version, expected) in [
            ("mandriva", None, ("mgaversion", "9")),
            ("mdv", Some("2010.1"), ("mdkversion", "201010")),
            ("openmandriva", Some("4.2"), ("omvver", "4002000")),
        ] {
            let macros = release_profile(&sample_target(dist, version, None)).unwrap().macros;
            assert_eq!(macros, [(expected.0, expected.1.to_owned())]);
        }
    }

    #[test]
    fn architectures_are_named_as_the_member_names_them() {
        let arch = |dist| {
            let mut opkg = sample_opkg("x");
            opkg.filter.archs = vec!["i386".into()];
            Mandriva::generate(&opkg, &sample_target(dist, None, Some("i386"))).unwrap().packages[0]
                .arch
                .clone()
        };
        assert_eq!((arch("mageia"), arch("openmandriva")), ("i586".to_owned(), "i686".to_owned()));
    }

    #[test]
    fn exactly_one_release_is_the_default() {
        assert_eq!(Mandriva::describe().releases.iter().filter(|release| release.is_default).count(), 1);
    }

    #[test]
    fn release_tags_sort_as_one_is_upgraded_to_the_next() {
        let tags = [
            ("mdk", "2006.0"),
            ("mdv", "2010.1"),
            ("mandriva", "2011.0"),
            ("mageia", "7"),
            ("mageia", "9"),
            ("openmandriva", "6"),
        ]
        .map(|(dist, version)| {
            release_profile(&sample_target(dist, Some(version), None)).unwrap().release_tag
        });
        assert_eq!(tags, ["mdk2006.0", "mdv2010.1", "mdv2011.0", "mga7", "mga9", "omv6"]);
        for pair in tags.windows(2) {
            let [earlier, later] = [&pair[0], &pair[1]].map(|tag| format!("1.0-1.{tag}"));
            assert!(opkg_rpm_family::version_order::compare(&earlier, &later).is_lt(), "{pair:?}");
        }
    }
}
