//! A run of the suite: what is asked of the plugin, in which order, and which rules look at the answers.

use std::collections::BTreeMap;
use std::convert::Infallible;

use opkg_interface::artefacts::Output;
use opkg_interface::{DistributionDescription, Label, PackageSettings, ReleaseTag, Target};

use crate::checks::{self, archives, calls, description::Probe, manager, output, texts, versions};
use crate::error::SuiteError;
use crate::filter::{self, Verdict};
use crate::ledger::{Ledger, Place};
use crate::opkgs::{Collection, MINIMAL, RISING, TWIN, TestOpkg};
use crate::plugin::{Outcome, PluginUnderTest};
use crate::report::{Report, RuleReport};
use crate::rule::RuleGroup;
use crate::scene::Scene;
use crate::slots::{self, SlotCall};
use crate::targets::{self, TargetChoice};

/// One that is for the first architecture alone.
const ARCH_SPECIFIC: &str = "filter-whole-arch";

/// A tag that no distribution has.
const TAG: &str = "zqtag7";

/// Those of a site.
const VENDOR: [&str; 2] = ["Zqvendor & Söhne", "Zqcollection 7"];

/// What is run, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub targets: TargetChoice,
    /// Rules whose names have this in them; all without one.
    pub filter: Option<String>,
    /// OPKGs of these names alone; all without any.
    pub opkgs: Vec<String>,
    /// How many targets are looked at at a time; 0 is one.
    pub threads: usize,
}

impl Options {
    fn wants_rule(&self, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()))
    }

    fn wants_opkg(&self, name: &str) -> bool {
        self.opkgs.is_empty() || self.opkgs.iter().any(|it| it == name)
    }

    fn wants(&self, group: RuleGroup) -> bool {
        group.rules.iter().any(|rule| self.wants_rule(rule.name))
    }
}

/// Tries a plugin.
///
/// # Errors
/// The suite cannot be run; what is wrong with the plugin is in the report.
pub fn run(plugin: &dyn PluginUnderTest, options: &Options) -> Result<Report, SuiteError> {
    let description = plugin.describe()?;
    let programs = plugin.programs()?;
    let is_needed = |name: &str| {
        let is_rising = name.starts_with(RISING) && options.wants(versions::GROUP);
        options.wants_opkg(name) || is_rising || [MINIMAL, ARCH_SPECIFIC].contains(&name)
    };
    let collection = Collection::build(&description, is_needed)?;
    let of_site = site_settings();
    let run = Run { plugin, description: &description, programs: &programs, options };
    let mut ledger = Ledger::default();

    let settings = PackageSettings::default();
    let (Some(minimal), Some(arch_specific)) = (collection.find(MINIMAL), collection.find(ARCH_SPECIFIC))
    else {
        let reason = "one of the OPKGs that the suite relies on is missing".to_owned();
        return Err(SuiteError::InvalidOpkg { name: MINIMAL.to_owned(), reason });
    };
    let probe = Probe {
        plugin,
        description: &description,
        settings: &settings,
        opkg: &minimal.opkg,
        arch_specific: &arch_specific.opkg,
    };
    if options.wants(checks::description::GROUP) {
        probe.check(&mut ledger);
    }
    let targets = targets::choose(&description, options.targets, |target| probe.knows(target));
    let opkgs: Vec<&TestOpkg> = collection.opkgs.iter().filter(|it| options.wants_opkg(&it.name)).collect();
    let elsewhere = [checks::description::GROUP, calls::GROUP, manager::GROUP];
    let is_in_scenes = |group: &&RuleGroup| elsewhere.iter().all(|it| it.title != group.title);
    if checks::GROUPS.iter().filter(is_in_scenes).any(|group| options.wants(*group)) {
        run.try_targets(&targets, &opkgs, &settings, &mut ledger);
    }
    if options.wants(calls::GROUP)
        && let Some(target) = targets.get(1).or(targets.first())
    {
        run.try_orders(target, &opkgs, &settings, &mut ledger);
    }
    if options.wants(versions::GROUP) {
        run.try_versions(&targets, &collection.rising, &settings, &mut ledger);
        run.try_releases(minimal, &settings, &mut ledger);
        run.try_site(&targets, minimal, &of_site, &mut ledger);
    }
    if options.wants(manager::GROUP) {
        manager::check(plugin, &description, &programs, &mut ledger);
    }
    let rules = checks::rules().filter(|rule| options.wants_rule(rule.name));
    Ok(Report {
        plugin: description.name_and_version(),
        opkgs: opkgs.len(),
        targets: targets.len(),
        rules: rules.map(|rule| RuleReport { rule, entry: ledger.entry(rule) }).collect(),
    })
}

/// Settings of a site that names itself.
fn site_settings() -> PackageSettings {
    let [vendor, distribution] = VENDOR.map(|name| name.parse::<Label>().ok());
    PackageSettings { release_tag: ReleaseTag::Native, vendor, distribution }
}

struct Run<'a> {
    plugin: &'a dyn PluginUnderTest,
    description: &'a DistributionDescription,
    programs: &'a [String],
    options: &'a Options,
}

impl Run<'_> {
    /// All OPKGs for all targets.
    fn try_targets(
        &self,
        targets: &[Target],
        opkgs: &[&TestOpkg],
        settings: &PackageSettings,
        ledger: &mut Ledger,
    ) {
        let work = |target: &Target| self.try_target(target, opkgs, settings);
        let take = |_: &Target, found: Option<Ledger>| {
            ledger.append(found.unwrap_or_default());
            Ok::<(), Infallible>(())
        };
        // Nothing stops it, and taking cannot fail.
        let _ = opkg_parallel::run_in_order(self.options.threads.max(1), targets, work, |_| false, take);
    }

    fn try_target(&self, target: &Target, opkgs: &[&TestOpkg], settings: &PackageSettings) -> Ledger {
        let mut ledger = Ledger::default();
        let target_name = target.to_string();
        let mut twins: BTreeMap<&str, Output> = BTreeMap::new();
        for test in opkgs {
            let place = Place { opkg: Some(&test.name), target: Some(&target_name) };
            let outcome = self.plugin.generate(&test.opkg, target, settings);
            let verdict = filter::decide(&test.opkg.filter, target, self.description);
            output::check_outcome(place, &test.opkg, test.must_compile, verdict, &outcome, &mut ledger);
            let Outcome::Generated(mut generated) = outcome else { continue };
            let call = SlotCall { plugin: self.plugin, opkg: &test.opkg, target, settings };
            let answers = slots::fill(call, &mut generated.output);
            archives::check_slots(place, &answers, &mut ledger);
            let scene = self.scene(test, target, &target_name, &generated);
            // Where only the plugin can tell whether the filter lets the target pass, nothing is expected.
            if verdict == Verdict::Matches {
                checks::check_scene(&scene, &mut ledger);
            }
            if let Some(first) = test.name.strip_suffix(TWIN).and_then(|name| twins.get(name)) {
                texts::compare_twins(place, first, &generated.output, &mut ledger);
            }
            twins.insert(&test.name, generated.output);
        }
        ledger
    }

    fn scene<'s>(
        &'s self,
        test: &'s TestOpkg,
        target: &'s Target,
        target_name: &'s str,
        generated: &'s opkg_runtime::GeneratedOutput,
    ) -> Scene<'s> {
        Scene {
            description: self.description,
            programs: self.programs,
            test,
            target,
            target_name,
            output: &generated.output,
            diagnostics: &generated.diagnostics,
        }
    }

    /// The same calls twice in a row, then in the reverse order.
    fn try_orders(
        &self,
        target: &Target,
        opkgs: &[&TestOpkg],
        settings: &PackageSettings,
        ledger: &mut Ledger,
    ) {
        let target_name = target.to_string();
        let generate = |test: &TestOpkg| self.plugin.generate(&test.opkg, target, settings);
        let mut outcomes: Vec<Outcome> = Vec::new();
        for test in opkgs {
            let (first, second) = (generate(test), generate(test));
            let place = Place { opkg: Some(&test.name), target: Some(&target_name) };
            calls::check_repetition(place, &first, &second, ledger);
            outcomes.push(second);
        }
        for (test, outcome) in opkgs.iter().zip(&outcomes).rev() {
            let place = Place { opkg: Some(&test.name), target: Some(&target_name) };
            calls::check_order(place, outcome, &generate(test), ledger);
        }
    }

    /// A row of versions, on the releases.
    fn try_versions(
        &self,
        targets: &[Target],
        rising: &[TestOpkg],
        settings: &PackageSettings,
        ledger: &mut Ledger,
    ) {
        let mut releases: Vec<(&str, Option<&str>)> = Vec::new();
        for target in targets {
            let release = (target.dist.as_str(), target.version.as_deref());
            if releases.contains(&release) {
                continue;
            }
            releases.push(release);
            let target_name = target.to_string();
            let mut older: Option<Output> = None;
            for test in rising {
                // What the target cannot express is refused, and left out of the row.
                let Outcome::Generated(newer) = self.plugin.generate(&test.opkg, target, settings) else {
                    continue;
                };
                if let Some(older) = &older {
                    let place = Place { opkg: Some(&test.name), target: Some(&target_name) };
                    versions::check_order(place, older, &newer.output, ledger);
                }
                older = Some(newer.output);
            }
        }
    }

    /// One OPKG on all releases that the plugin's own id knows, the oldest first.
    fn try_releases(&self, test: &TestOpkg, settings: &PackageSettings, ledger: &mut Ledger) {
        let mut older: Option<Output> = None;
        for release in self.description.releases.iter().rev() {
            let target =
                targets::target(self.description, &self.description.id, Some(&release.version), None);
            let Outcome::Generated(newer) = self.plugin.generate(&test.opkg, &target, settings) else {
                continue;
            };
            if let Some(older) = &older {
                let target_name = target.to_string();
                let place = Place { opkg: Some(&test.name), target: Some(&target_name) };
                versions::check_releases(place, older, &newer.output, ledger);
            }
            older = Some(newer.output);
        }
    }

    /// What a site wants of all packages.
    fn try_site(&self, targets: &[Target], test: &TestOpkg, of_site: &PackageSettings, ledger: &mut Ledger) {
        for target in targets {
            let target_name = target.to_string();
            for tag in [None, Some(TAG)] {
                let release_tag = tag.map_or(ReleaseTag::None, |tag| ReleaseTag::Custom(tag.to_owned()));
                let settings = PackageSettings { release_tag, ..PackageSettings::default() };
                if let Outcome::Generated(generated) = self.plugin.generate(&test.opkg, target, &settings) {
                    versions::check_tag(&self.scene(test, target, &target_name, &generated), tag, ledger);
                }
            }
            if let Outcome::Generated(generated) = self.plugin.generate(&test.opkg, target, of_site) {
                versions::check_vendor(&self.scene(test, target, &target_name, &generated), VENDOR, ledger);
            }
        }
    }
}
