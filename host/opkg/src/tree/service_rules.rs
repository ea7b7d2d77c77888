//! Whether what `services` says can be done about the units that there are.

use std::collections::BTreeMap;

use crate::closest_match;
use crate::diagnostic::Diagnostic;
use crate::model::{Enable, NodeId, ServiceRule, SourceFile, Unit};
use crate::unit_name;

/// Reports rules that are about nothing, or say what cannot be.
pub(super) fn check(
    rules: &[ServiceRule],
    files: &[SourceFile],
    report: &mut impl FnMut(Diagnostic, NodeId),
) {
    let units: BTreeMap<&str, Unit> =
        files.iter().filter_map(|file| Some((file.path.rsplit('/').next()?, file.unit?))).collect();
    for rule in rules {
        let name = rule.name.as_str();
        if let Some(unit) = units.get(name) {
            if unit.is_template && (rule.enable.is_some() || rule.is_started.is_some()) {
                let message = format!("the template `{name}` itself is neither enabled nor started");
                let instance = name.replacen('@', "@one", 1);
                let help = format!("name an instance of it, as in `name=\"{instance}\"`");
                report(Diagnostic::error("service-rule", message).help(help), rule.at);
            }
            check_enabling(rule, *unit, report);
            continue;
        }
        let template = unit_name::template(name);
        let Some((template, unit)) = template.and_then(|name| units.get_key_value(name.as_str())) else {
            report(unknown_unit(name, units.keys().copied()), rule.at);
            continue;
        };
        if rule.is_restarted.is_some() {
            let message = format!("`{name}` is started again as all instances of `{template}` are");
            let help = format!("say `restart-on-upgrade` of `{template}`");
            report(Diagnostic::error("service-rule", message).help(help), rule.at);
        }
        check_enabling(rule, *unit, report);
    }
}

fn check_enabling(rule: &ServiceRule, unit: Unit, report: &mut impl FnMut(Diagnostic, NodeId)) {
    let name = &rule.name;
    match rule.enable {
        Some(Enable::Yes | Enable::Preset) if !unit.is_installable => {
            let message = format!("`{name}` has no section `[Install]`, without which nothing is enabled");
            let help =
                "say there what it is started with: `WantedBy=multi-user.target`; or remove the attribute";
            report(Diagnostic::error("service-rule", message).help(help), rule.at);
        }
        Some(Enable::No) if unit.is_installable && rule.is_started == Some(true) => {
            let message = format!("`{name}` is never started by itself: it is not enabled");
            let help = "remove `start`, or have it enabled";
            report(Diagnostic::warning("service-rule", message).help(help), rule.at);
        }
        _ => {}
    }
}

fn unknown_unit<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    let help = match closest_match(name, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!(
            "put it into `files/client/usr/lib/systemd/system/{name}`, or `files/server` and the like"
        ),
    };
    Diagnostic::error("service-unknown", format!("no unit `{name}` is in the package")).help(help)
}
