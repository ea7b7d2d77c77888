//! Triggers: a part's script that is run when files of other packages below some directories come, change or go.

use crate::parts::{InstalledFile, PartPlan};
use crate::text::shell_quote;
use crate::trigger_rules::is_script;

/// The script that the triggers of a part run, if there are any.
#[must_use]
pub fn script<'p, 'a>(part: &'p PartPlan<'a>) -> Option<&'p InstalledFile<'a>> {
    part.files.iter().find(|file| is_script(file.source)).filter(|_| !part.triggers.is_empty())
}

/// The directories of a part's triggers as words of a shell, with a blank in front of each.
#[must_use]
pub fn words(part: &PartPlan<'_>) -> String {
    part.triggers.iter().map(|trigger| format!(" {}", shell_quote(&trigger.path))).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::filter::FilterContext;
    use crate::model::{DistFilter, Filter, Part, ScriptTime, Trigger};
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
        add_script(&mut opkg, Part::Server, server, &["/bin/sh"], ScriptTime::Triggered, None);
        opkg.triggers.extend([
            trigger("/etc/all", None, None, None),
            trigger("/etc/all", Some(Part::Server), None, None),
            trigger("/etc/other", None, Some("other"), None),
            trigger("/etc/arm", Some(Part::Server), None, Some("aarch64")),
        ]);
        let context = FilterContext::new(&sample_target("demo", None, Some("x86_64")), Vec::new());
        let planned = parts::plan(&opkg, &context, "/usr/share/doc/x", &mut Vec::new()).unwrap();
        let found = planned.map(|part| (words(&part), script(&part).is_some(), part.is_arch_specific));
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
