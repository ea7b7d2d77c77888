//! What an OPKG says of units that its parts bring, decided for one target.

use crate::filter::FilterContext;
use crate::model::{Diagnostic, Opkg, Part, ServiceRule};

/// The rules of an OPKG with what was decided. Where the target leaves its version open, they are those of the default release.
pub(crate) struct ServiceRules<'a> {
    opkg: &'a Opkg,
    rules: Vec<Decided<'a>>,
}

struct Decided<'a> {
    rule: &'a ServiceRule,
    matches: bool,
    /// Whether it is for some architectures alone, so that packages for others differ.
    depends_on_arch: bool,
}

impl<'a> ServiceRules<'a> {
    /// Notes in `diagnostics` what the target leaves open.
    pub(crate) fn new(opkg: &'a Opkg, context: &FilterContext, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut decide = |rule: &'a ServiceRule| Decided {
            rule,
            matches: context.decide(&rule.filter, rule.at, "services", diagnostics),
            depends_on_arch: !rule.filter.archs.is_empty() && context.may_match(&rule.filter),
        };
        Self { opkg, rules: opkg.service_rules.iter().map(&mut decide).collect() }
    }

    /// Those about units of a part that count on the target, in their order.
    pub(crate) fn of_part(&self, part: &Part) -> Vec<&'a ServiceRule> {
        self.about(part).filter(|it| it.matches).map(|it| it.rule).collect()
    }

    /// Whether packages of the part differ between architectures.
    pub(crate) fn depend_on_arch(&self, part: &Part) -> bool {
        self.about(part).any(|it| it.depends_on_arch)
    }

    fn about(&self, part: &Part) -> impl Iterator<Item = &Decided<'a>> {
        let units = self.opkg.files.iter().filter(|file| file.part == *part && file.unit.is_some());
        let names: Vec<&str> = units.filter_map(|file| file.path.rsplit('/').next()).collect();
        self.rules.iter().filter(move |it| {
            let name = it.rule.name.as_str();
            names.contains(&name) || template(name).is_some_and(|template| names.contains(&template.as_str()))
        })
    }
}

/// The template of which a unit is an instance: `tunnel@.service` of `tunnel@one.service`.
pub(crate) fn template(name: &str) -> Option<String> {
    let (stem, kind) = name.rsplit_once('.')?;
    let (template, instance) = stem.split_once('@')?;
    (!instance.is_empty()).then(|| format!("{template}@.{kind}"))
}
