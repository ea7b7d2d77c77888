//! What was looked at, and what was found, rule by rule.

use std::collections::BTreeMap;

use crate::rule::Rule;

/// Of one rule, these findings are kept; the others are counted.
pub const MAX_FINDINGS: usize = 20;

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The OPKG, by its name in the suite; none where it is about the plugin as such.
    pub opkg: Option<String>,
    /// `ID-VERSION-ARCH`; likewise.
    pub target: Option<String>,
    /// What was found, in a sentence.
    pub found: String,
}

/// What is known of one rule.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// How often something was looked at.
    pub checks: usize,
    /// The first ones.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub omitted: usize,
}

/// Where something is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place<'a> {
    pub opkg: Option<&'a str>,
    pub target: Option<&'a str>,
}

#[derive(Debug, Clone, Default)]
pub struct Ledger(BTreeMap<&'static str, Entry>);

impl Ledger {
    /// Notes that something was looked at, and what was found where the rule does not hold.
    pub fn check(&mut self, rule: &Rule, place: Place<'_>, holds: bool, found: impl FnOnce() -> String) {
        let entry = self.0.entry(rule.name).or_default();
        entry.checks += 1;
        if holds {
            return;
        }
        if entry.findings.len() >= MAX_FINDINGS {
            entry.omitted += 1;
            return;
        }
        entry.findings.push(Finding {
            opkg: place.opkg.map(str::to_owned),
            target: place.target.map(str::to_owned),
            found: found(),
        });
    }

    /// Takes what another one has, behind its own.
    pub fn append(&mut self, other: Self) {
        for (name, more) in other.0 {
            let entry = self.0.entry(name).or_default();
            entry.checks += more.checks;
            entry.omitted += more.omitted;
            for finding in more.findings {
                if entry.findings.len() < MAX_FINDINGS {
                    entry.findings.push(finding);
                } else {
                    entry.omitted += 1;
                }
            }
        }
    }

    /// What is known of a rule.
    #[must_use]
    pub fn entry(&self, rule: &Rule) -> Entry {
        self.0.get(rule.name).cloned().unwrap_or_default()
    }
}
