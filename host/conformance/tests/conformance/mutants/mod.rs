//! Good plugins with one thing spoiled: each breaks the rule that is about it, which the good one holds.

mod archives;
mod contents;
mod mutant;
mod packages;
mod scripts;

use std::sync::atomic::AtomicUsize;

use opkg_conformance::{Options, RuleStatus, TargetChoice, run};
use opkg_runtime::DistributionPlugin;

use self::mutant::{Case, Mutant};
use crate::good_plugins;

fn cases() -> Vec<Case> {
    [packages::cases(), contents::cases(), scripts::cases(), archives::cases()]
        .into_iter()
        .flatten()
        .collect()
}

/// One plugin for each format of packages, told apart by what their families call an architecture.
fn one_of_each_format() -> Vec<&'static DistributionPlugin> {
    let mut chosen: Vec<(&str, &DistributionPlugin)> = Vec::new();
    for plugin in good_plugins::all() {
        let name = plugin
            .description()
            .archs
            .iter()
            .find(|arch| arch.canonical == "x86_64")
            .map(|arch| &arch.native);
        if let Some(name) = name.filter(|name| chosen.iter().all(|(other, _)| other != name)) {
            chosen.push((name, plugin));
        }
    }
    chosen.into_iter().map(|(_, plugin)| plugin).collect()
}

#[test]
fn mutants_break_the_rule_that_is_about_them() {
    let plugins = one_of_each_format();
    assert_eq!(plugins.len(), 2);
    let mut survivors = Vec::new();
    for (rule, opkgs, spoiled) in cases() {
        let options = Options {
            targets: TargetChoice::Few,
            filter: Some(rule.to_owned()),
            opkgs: opkgs.iter().map(ToString::to_string).collect(),
            threads: 1,
        };
        for plugin in plugins.iter().copied() {
            let mutant = Mutant { plugin, spoiled: &spoiled, calls: AtomicUsize::new(0) };
            let report = run(&mutant, &options).unwrap();
            let told = report.rules.iter().find(|it| it.rule.name == rule).unwrap();
            if told.status() != RuleStatus::Failed {
                survivors.push(format!(
                    "{rule} ({}) of {}: {:?}",
                    opkgs.join(" "),
                    report.plugin,
                    told.status()
                ));
            }
        }
    }
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}

/// So that none is there for nothing.
#[test]
fn every_rule_has_a_mutant() {
    let cases = cases();
    for rule in opkg_conformance::rules() {
        assert!(cases.iter().any(|(name, ..)| *name == rule.name), "no mutant breaks {}", rule.name);
    }
}
