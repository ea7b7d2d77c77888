//! Whether a call depends on anything but its arguments.

use opkg_interface::artefacts::Output;

use crate::ledger::{Ledger, Place};
use crate::plugin::Outcome;
use crate::rule::{Rule, RuleGroup};
use crate::scene::excerpt;

pub const GROUP: RuleGroup = RuleGroup { title: "Calls", rules: &[DETERMINISTIC, INDEPENDENT] };

const DETERMINISTIC: Rule = Rule {
    name: "deterministic",
    sentence: "The same OPKG for the same target gives the same output, to the byte.",
    reason: "Packages are compared, signed and vouched for by their checksums.",
    advice: "Sort what comes out of hash maps; take the time from `opkg.source-date`.",
};
const INDEPENDENT: Rule = Rule {
    name: "independent-of-order",
    sentence: "The output does not depend on what the plugin was asked before.",
    reason: "OPKGs are compiled in any order and on several threads. The suite asks once more, in the reverse order.",
    advice: "Keep nothing between calls.",
};

/// Of the same call twice in a row.
pub fn check_repetition(place: Place<'_>, first: &Outcome, second: &Outcome, ledger: &mut Ledger) {
    ledger.check(&DETERMINISTIC, place, first == second, || difference(first, second));
}

/// Of the same call among others in another order.
pub fn check_order(place: Place<'_>, first: &Outcome, later: &Outcome, ledger: &mut Ledger) {
    ledger.check(&INDEPENDENT, place, first == later, || difference(first, later));
}

/// What differs first.
fn difference(one: &Outcome, other: &Outcome) -> String {
    match (one, other) {
        (Outcome::Generated(one), Outcome::Generated(other)) => output_difference(&one.output, &other.output),
        _ => "once there is an output, and once another answer".to_owned(),
    }
}

/// What differs first in two outputs.
pub(super) fn output_difference(one: &Output, other: &Output) -> String {
    let file = one.meta_files.iter().zip(&other.meta_files).find(|(one, other)| one != other);
    if let Some((one, other)) = file {
        let mut lines = one.contents.lines().zip(other.contents.lines());
        let (line, other_line) = lines.find(|(one, other)| one != other).unwrap_or_default();
        return format!("{}: once {}, once {}", one.path, excerpt(line), excerpt(other_line));
    }
    match one.packages.iter().zip(&other.packages).find(|(one, other)| one != other) {
        Some((one, other)) if one.name == other.name => format!("the package {} differs", one.name),
        Some((one, other)) => format!("once there is {}, once {} in its place", one.name, other.name),
        None => "something other than packages and meta-files differs".to_owned(),
    }
}
