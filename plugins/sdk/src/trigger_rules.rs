//! What an OPKG says of files of other packages, decided for one target.

use crate::filter::FilterContext;
use crate::model::{Diagnostic, Opkg, Part, ScriptTime, SourceFile, Trigger};

/// The triggers of an OPKG with what was decided. Where the target leaves its version open, they are those of the default
/// release.
pub(crate) struct TriggerRules<'a> {
    opkg: &'a Opkg,
    triggers: Vec<Decided<'a>>,
}

struct Decided<'a> {
    trigger: &'a Trigger,
    matches: bool,
    /// Whether it is for some architectures alone, so that packages for others differ.
    depends_on_arch: bool,
}

impl<'a> TriggerRules<'a> {
    /// Notes in `diagnostics` what the target leaves open.
    pub(crate) fn new(opkg: &'a Opkg, context: &FilterContext, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut decide = |trigger: &'a Trigger| Decided {
            trigger,
            matches: context.decide(&trigger.filter, trigger.at, "triggers", diagnostics),
            depends_on_arch: !trigger.filter.archs.is_empty() && context.may_match(&trigger.filter),
        };
        Self { opkg, triggers: opkg.triggers.iter().map(&mut decide).collect() }
    }

    /// Those of a part that count on the target, in their order, each directory once; none where it has no script for them.
    pub(crate) fn of_part(&self, part: &Part) -> Vec<&'a Trigger> {
        let mut found: Vec<&'a Trigger> = Vec::new();
        for decided in self.about(part).filter(|it| it.matches) {
            if found.iter().all(|other| other.path != decided.trigger.path) {
                found.push(decided.trigger);
            }
        }
        found
    }

    /// Whether packages of the part differ between architectures.
    pub(crate) fn depend_on_arch(&self, part: &Part) -> bool {
        self.about(part).any(|it| it.depends_on_arch)
    }

    fn about<'p>(&'p self, part: &'p Part) -> impl Iterator<Item = &'p Decided<'a>> {
        let has_script = self.opkg.files.iter().any(|file| file.part == *part && is_script(file));
        self.triggers
            .iter()
            .filter(move |it| has_script && it.trigger.part.as_ref().is_none_or(|of| of == part))
    }
}

/// Whether something runs a file when files of other packages change, and nothing else does.
pub(crate) fn is_script(file: &SourceFile) -> bool {
    file.script.as_ref().is_some_and(|it| it.time == ScriptTime::Triggered)
}
