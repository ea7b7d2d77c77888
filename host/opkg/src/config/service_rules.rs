//! `services`: what packages do about units of systemd that they bring.

use roxmltree::Node as XmlNode;

use super::groups::{GroupKind, read_groups};
use super::reader::ElementReader;
use super::values::{self, ANSWERS, read_choice};
use crate::diagnostic::Diagnostic;
use crate::limits::MAX_SERVICE_RULES;
use crate::model::{Enable, Filter, ServiceRule};
use crate::unit_name::{UNIT_KINDS, is_unit_name};

/// Of what is wrong with an element.
const CODE: &str = "service-rule";
const ATTRIBUTES: [&str; 4] = ["name", "enable", "start", "restart-on-upgrade"];
const ENABLE: [(&str, Enable); 3] = [("yes", Enable::Yes), ("no", Enable::No), ("preset", Enable::Preset)];

const GROUPS: GroupKind = GroupKind {
    group: "services",
    element: "service",
    error,
    limit: MAX_SERVICE_RULES,
    limit_help: "an instance of a template needs none: administrators enable those that they want",
};

/// All rules in the order of the file. Whether there are such units is not known here.
pub(super) fn read_service_rules(reader: &mut ElementReader<'_>, root: XmlNode<'_, '_>) -> Vec<ServiceRule> {
    read_groups(reader, root, &GROUPS, |reader, element, filter, _| read_rule(reader, element, filter))
}

/// Nothing where it names no unit, which was reported.
fn read_rule(
    reader: &mut ElementReader<'_>,
    element: XmlNode<'_, '_>,
    filter: &Filter,
) -> Option<ServiceRule> {
    reader.check_leaf(element, &[], &ATTRIBUTES);
    let Some((name, range)) = reader.attribute(element, "name") else {
        let diagnostic = Diagnostic::error(CODE, "the service has no attribute `name`")
            .help("say which unit is meant: `name=\"site.service\"`");
        reader.report(reader.tag_range(element), diagnostic);
        return None;
    };
    if !is_unit_name(&name) {
        let help = match format!("{name}.service") {
            full if is_unit_name(&full) => format!("units have their kind in their names: `{full}`"),
            _ => format!("the name of a unit ends in one of `.{}`", UNIT_KINDS.join("`, `.")),
        };
        values::reject(reader, range, error, "service", "name", &name, &help);
        return None;
    }
    let rule = ServiceRule {
        at: reader.add_node(range),
        name,
        filter: filter.clone(),
        enable: read_choice(reader, element, error, "enable", &ENABLE),
        is_started: read_choice(reader, element, error, "start", &ANSWERS),
        is_restarted: read_choice(reader, element, error, "restart-on-upgrade", &ANSWERS),
    };
    if ATTRIBUTES[1..].iter().all(|name| !element.has_attribute(*name)) {
        let diagnostic = Diagnostic::warning(CODE, "nothing is said of the service")
            .help(format!("add one of `{}`, or remove the element", ATTRIBUTES[1..].join("`, `")));
        reader.report(reader.tag_range(element), diagnostic);
    }
    Some(rule)
}

fn error(message: String) -> Diagnostic {
    Diagnostic::error(CODE, message)
}
