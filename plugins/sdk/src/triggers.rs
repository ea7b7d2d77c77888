//! Triggers: a part's script that is run when files of other packages below some directories come, change or go.

use crate::filter::FilterContext;
use crate::opkg::{Diagnostic, HookTime, Opkg, Trigger};
use crate::parts::{InstalledFile, PartPlan};
use crate::text::shell_quote;

/// The script that the triggers of a part run, if there are any.
#[must_use]
pub fn script<'p, 'a>(part: &'p PartPlan<'a>) -> Option<&'p InstalledFile<'a>> {
    part.files.iter().find(|file| is_script(file)).filter(|_| !part.triggers.is_empty())
}

/// Whether something runs a file when files of others change, and nothing else does.
#[must_use]
pub fn is_script(file: &InstalledFile<'_>) -> bool {
    file.source.scriptlet.as_ref().is_some_and(|it| it.time == HookTime::Triggered)
}

/// The directories of a part's triggers as words of a shell, with something at their ends, a blank in front of each.
#[must_use]
pub fn words(part: &PartPlan<'_>, end: &str) -> String {
    part.triggers
        .iter()
        .map(|trigger| format!(" {}", shell_quote(&format!("{}{end}", trigger.path))))
        .collect()
}

/// The triggers of an OPKG that a target has.
pub(crate) fn for_target<'a>(
    opkg: &'a Opkg,
    context: &FilterContext,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<&'a Trigger> {
    let mut is_there =
        |trigger: &&Trigger| context.decide(&trigger.filter, trigger.at, "triggers", diagnostics);
    opkg.triggers.iter().filter(|trigger| is_there(trigger)).collect()
}

/// Gives a part those that are about it.
pub(crate) fn with_triggers<'a>(
    mut part: PartPlan<'a>,
    opkg: &Opkg,
    triggers: &[&'a Trigger],
    context: &FilterContext,
) -> PartPlan<'a> {
    if !part.files.iter().any(is_script) {
        return part;
    }
    let kind = part.kind;
    let is_about = |trigger: &Trigger| trigger.part.is_none_or(|of| of == kind);
    let depends_on_arch = |it: &Trigger| !it.filter.archs.is_empty() && context.may_match(&it.filter);
    // The package differs between architectures even where this one does not get the trigger.
    part.is_arch_specific |= opkg.triggers.iter().any(|it| is_about(it) && depends_on_arch(it));
    for trigger in triggers.iter().copied().filter(|trigger| is_about(trigger)) {
        if part.triggers.iter().all(|other| other.path != trigger.path) {
            part.triggers.push(trigger);
        }
    }
    part
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::opkg::{DistFilter, Filter, Part};
    use crate::parts;
    use crate::testing::{add_script, add_triggers, sample_opkg, sample_target};

    fn trigger(path: &str, part: Option<Part>, dist_id: Option<&str>, arch: Option<&str>) -> Trigger {
        let dist = |id: &str| DistFilter { at: 0, id: id.to_owned(), bound: None };
        let filter = Filter {
            dists: dist_id.map(dist).into_iter().collect(),
            archs: arch.map(str::to_owned).into_iter().collect(),
        };
        Trigger { at: 0, path: path.to_owned(), part, filter }
    }

    #[test]
    fn a_part_has_those_for_it_where_it_has_a_script() {
        let mut opkg = sample_opkg("x");
        add_triggers(&mut opkg);
        let server = "scripts/server-triggered";
        add_script(&mut opkg, Part::Server, server, &["/bin/sh"], HookTime::Triggered, None);
        opkg.triggers.extend([
            trigger("/etc/all", None, None, None),
            trigger("/etc/all", Some(Part::Server), None, None),
            trigger("/etc/other", None, Some("other"), None),
            trigger("/etc/arm", Some(Part::Server), None, Some("aarch64")),
        ]);
        let context = FilterContext::new(&sample_target("demo", None, Some("x86_64")), Vec::new());
        let planned = parts::plan(&opkg, &context, "/usr/share/doc/x", &mut Vec::new()).unwrap();
        let found = planned.map(|part| (words(&part, ""), script(&part).is_some(), part.is_arch_specific));
        assert_eq!(
            found,
            [
                (String::new(), false, false),
                (" '/etc/all'".to_owned(), true, true),
                (" '/usr/share/modulefiles' '/etc/site.d' '/etc/all'".to_owned(), true, false),
            ]
        );
    }
}
