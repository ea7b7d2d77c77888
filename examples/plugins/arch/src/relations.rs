//! Relations in the words of pacman.

use opkg_sdk::artefacts::{Field, NativeKind, NativeRelation};
use opkg_sdk::diagnostic::{error, note, push_unique, warning};
use opkg_sdk::filter::FilterContext;
use opkg_sdk::model::{Bound, Comparison, Diagnostic, RelationKind};
use opkg_sdk::parts::PartPlan;
use opkg_sdk::perl;
use opkg_sdk::relation::{ResolvedPackage, ResolvedRelation, element_name};
use opkg_sdk::version::operator;

use crate::name::{self, PacmanVersion};

/// Arrays of a `PKGBUILD`, the fields of `.PKGINFO` and of an index that they become, and the kinds that stand there.
pub const LISTS: [RelationList; 5] = [
    RelationList { array: "depends", field: "depend", kinds: &[NativeKind::Requires] },
    RelationList {
        array: "optdepends",
        field: "optdepend",
        kinds: &[NativeKind::Recommends, NativeKind::Suggests],
    },
    RelationList {
        array: "conflicts",
        field: "conflict",
        kinds: &[NativeKind::Conflicts, NativeKind::Breaks],
    },
    RelationList { array: "replaces", field: "replaces", kinds: &[NativeKind::Obsoletes] },
    RelationList { array: "provides", field: "provides", kinds: &[NativeKind::Provides] },
];

/// A list of relations.
pub struct RelationList {
    pub array: &'static str,
    pub field: &'static str,
    kinds: &'static [NativeKind],
}

impl RelationList {
    /// What stands in it: `openmpi>=4`, each once.
    pub fn of(&self, relations: &[NativeRelation]) -> Vec<String> {
        let mut found = Vec::new();
        for relation in relations.iter().filter(|it| self.kinds.contains(&it.kind)) {
            let text = match &relation.bound {
                Some(bound) => format!("{}{}{}", relation.name, operator(bound.comparison), bound.version),
                None => relation.name.clone(),
            };
            if !found.contains(&text) {
                found.push(text);
            }
        }
        found
    }
}

/// The relations of a part.
pub fn of_part(
    plan: &PartPlan<'_>,
    context: &FilterContext,
    version: &PacmanVersion,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<NativeRelation> {
    let same_version = plan.same_version_requirement.iter().map(|package| NativeRelation {
        kind: NativeKind::Requires,
        name: package.clone(),
        bound: Some(Bound { comparison: Comparison::Eq, version: version.to_full_string() }),
        alternatives: Vec::new(),
        condition: None,
    });
    let mut relations: Vec<NativeRelation> = same_version.collect();
    for resolved in &plan.relations {
        if context.matches_by_default(&resolved.filter_match) {
            relations.extend(translate(resolved, diagnostics));
        }
    }
    relations
}

/// What a relation becomes: none where pacman has nothing like it, two where it takes two to say it.
fn translate(resolved: &ResolvedRelation<'_>, diagnostics: &mut Vec<Diagnostic>) -> Vec<NativeRelation> {
    let Some(first) = resolved.any_of.first() else {
        return Vec::new();
    };
    let kinds: &[NativeKind] = match resolved.kind {
        // All that a package depends on is there before its scripts run.
        RelationKind::Requires | RelationKind::PreRequires => &[NativeKind::Requires],
        RelationKind::Recommends => &[NativeKind::Recommends],
        RelationKind::Suggests => &[NativeKind::Suggests],
        RelationKind::Provides => &[NativeKind::Provides],
        RelationKind::Conflicts => &[NativeKind::Conflicts],
        RelationKind::Breaks => &[NativeKind::Breaks],
        // What is replaced is offered for replacement by upgrades of the system alone; the conflict makes it go, or stops others.
        RelationKind::Obsoletes => &[NativeKind::Conflicts, NativeKind::Obsoletes],
        RelationKind::Supplements | RelationKind::Enhances => &[],
    };
    report_inexpressible(resolved, first, kinds.is_empty(), diagnostics);
    if kinds.is_empty() {
        return Vec::new();
    }
    let Some((name, bound)) = native_package(first, diagnostics) else {
        return Vec::new();
    };
    let relation = |kind: &NativeKind| NativeRelation {
        kind: *kind,
        name: name.clone(),
        bound: bound.clone(),
        alternatives: Vec::new(),
        condition: None,
    };
    kinds.iter().map(relation).collect()
}

/// Relations of which pacman has no kind, those that mean less there, and alternatives.
fn report_inexpressible(
    resolved: &ResolvedRelation<'_>,
    first: &ResolvedPackage<'_>,
    is_left_out: bool,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let (element, name) = (element_name(resolved.kind), &first.name);
    let help = "leave this distribution out with the `filters` of the group, and say in one of its own what it is to have";
    if is_left_out {
        let message = format!("pacman has nothing like `{element}`, so that to `{name}` is left out");
        push_unique(diagnostics, warning(resolved.at, message, help));
    } else if resolved.any_of.len() > 1 {
        let message = format!("pacman knows no alternatives: of those to `{element}`, only `{name}` counts");
        push_unique(diagnostics, warning(resolved.at, message, help));
    }
    if resolved.kind == RelationKind::Recommends {
        let message =
            format!("pacman installs nothing that is only recommended: it names `{name}` as optional");
        push_unique(diagnostics, note(resolved.at, message));
    }
}

/// Name and bound of a package; nothing, and an error, for what pacman cannot express.
fn native_package(
    package: &ResolvedPackage<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<(String, Option<Bound>)> {
    let Some(name) = name::package_name(&package.name) else {
        let message = format!("`{}` cannot be the name of a package on Arch Linux", package.name);
        let help = "name the package that Arch Linux has instead under `<filters><dist>arch</dist></filters>`, and \
                    keep this one for the others with filters that name them";
        push_unique(diagnostics, error(package.at, message, help));
        return None;
    };
    if name != package.name {
        let message = format!("`{}` is called `{name}` on Arch Linux", package.name);
        push_unique(diagnostics, note(package.at, message));
    }
    let Some(bound) = package.bound else {
        return Some((name, None));
    };
    if perl::capability_module(&package.name).is_some_and(perl::is_core_module) {
        let message = format!(
            "`{}` is part of `{name}`, which counts its versions otherwise, so `{} {}` is left out",
            package.name,
            operator(bound.comparison),
            bound.version
        );
        push_unique(diagnostics, note(package.at, message));
        return Some((name, None));
    }
    let Some(version) = package.version().and_then(|it| name::relation_version(&it)) else {
        let message = format!("`{}` is not a valid version for pacman", bound.version);
        let help = "write letters, digits, `.`, `_`, `+`, `~`, with a release after one `-`";
        push_unique(diagnostics, error(package.at, message, help));
        return None;
    };
    Some((name, Some(Bound { comparison: bound.comparison, version })))
}

/// Conflicts of the OPKG as such, which are recorded and keep no api package from being installed beside another one.
pub fn recorded_conflicts(plan: &PartPlan<'_>, context: &FilterContext) -> Vec<Field> {
    let in_force = plan.opkg_conflicts.iter().filter(|it| context.matches_by_default(&it.filter_match));
    let text = |package: &ResolvedPackage<'_>| match package.bound {
        Some(bound) => {
            format!("opkg-conflicts={} {} {}", package.name, operator(bound.comparison), bound.version)
        }
        None => format!("opkg-conflicts={}", package.name),
    };
    in_force.flat_map(|it| &it.any_of).map(|package| extra_data(text(package))).collect()
}

/// `xdata` of `.PKGINFO`: pacman keeps it, and reads nothing out of it.
pub fn extra_data(value: String) -> Field {
    Field { name: "xdata".to_owned(), value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opkg_sdk::model::{Part, Scope};
    use opkg_sdk::parts;
    use opkg_sdk::testing::{sample_opkg, sample_relation, sample_relations, sample_target, some_bound};

    fn of_server(
        relations: Vec<opkg_sdk::model::Relation>,
    ) -> (Vec<(&'static str, Vec<String>)>, Vec<String>) {
        let mut opkg = sample_opkg("x");
        opkg.relations = relations;
        let context = FilterContext::new(&sample_target("arch", None, None), Vec::new());
        let mut diagnostics = Vec::new();
        let Ok(plans) = parts::plan(&opkg, &context, "/usr/share/doc/x", &mut diagnostics) else {
            panic!("it is not for arch");
        };
        let version = PacmanVersion { epoch: 2, upstream: "1.0".into(), release: "1".into() };
        let found = of_part(&plans[1], &context, &version, &mut diagnostics);
        let lists = LISTS.iter().map(|list| (list.field, list.of(&found))).collect();
        (lists, diagnostics.into_iter().map(|it| it.message).collect())
    }

    #[test]
    fn relations_of_each_kind() {
        let (lists, told) = of_server(sample_relations());
        let list = |field| lists.iter().find(|(name, _)| *name == field).map(|(_, list)| list.join(" "));
        assert_eq!(
            list("depend").as_deref(),
            Some(
                "opkg-x=2:1.0-1 requires-any requires-some>=1.0-2 prerequires-any prerequires-some>=1.0-2 \
                 mail-agent=2.0 setup-a opkg-munge-server=1:2.0-rc1 opkg-slurm>4.0"
            )
        );
        assert_eq!(
            list("optdepend").as_deref(),
            Some("recommends-any recommends-some>=1.0-2 suggests-any suggests-some>=1.0-2 viewer-a")
        );
        assert_eq!(
            list("conflict").as_deref(),
            Some(
                "conflicts-any conflicts-some>=1.0-2 breaks-any breaks-some>=1.0-2 obsoletes-any \
                 obsoletes-some>=1.0-2 opkg-old-name-server<2.0-1 opkg-rival-server"
            )
        );
        assert_eq!(
            list("replaces").as_deref(),
            Some("obsoletes-any obsoletes-some>=1.0-2 opkg-old-name-server<2.0-1")
        );
        assert_eq!(list("provides").as_deref(), Some("provides-any provides-some=1.0-2"));
        for expected in [
            "pacman has nothing like `supplements`, so that to `supplements-any` is left out",
            "pacman knows no alternatives: of those to `requires`, only `mail-agent` counts",
            "pacman installs nothing that is only recommended: it names `viewer-a` as optional",
        ] {
            assert!(told.iter().any(|it| it == expected), "{told:?}");
        }
    }

    #[test]
    fn versions_of_a_module_of_perl_itself_are_no_versions_of_perl() {
        let mut relation =
            sample_relation(7, Scope::Part(Part::Server), RelationKind::Requires, "perl(File::Copy)");
        relation.any_of[0].bound = some_bound(Comparison::Ge, "2.0");
        let (lists, told) = of_server(vec![relation]);
        assert_eq!(lists[0].1, ["opkg-x=2:1.0-1", "perl"]);
        assert!(told.iter().any(|it| it.contains("counts its versions otherwise")), "{told:?}");
    }
}
