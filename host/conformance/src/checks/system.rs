//! Units, users, alternatives, triggers.

use opkg::account::Account;
use opkg::model::{Destination, Part, ScriptTime};
use opkg_interface::archive::ArchiveMetadata;
use opkg_interface::artefacts::BinaryPackage;

use crate::filter::Verdict;
use crate::ledger::Ledger;
use crate::rule::{Rule, RuleGroup};
use crate::scene::{PARTS, Scene, active_text, excerpt};

pub const GROUP: RuleGroup =
    RuleGroup { title: "The system", rules: &[SERVICE_RULES, ACCOUNTS, ALTERNATIVES, TRIGGERS] };

const SERVICE_RULES: Rule = Rule {
    name: "service-rules-heeded",
    sentence: "Where scripts of a package see to its units, they see to each that the OPKG has a rule for, or the author is told.",
    reason: "A service that the OPKG wants to be started is started by the package, as the distribution does it. A release \
             without systemd does nothing about any unit.",
    advice: "Use `opkg_sdk::units::of_part`.",
};
const ACCOUNTS: Rule = Rule {
    name: "accounts-made",
    sentence: "Users and groups that a part describes are made by its package.",
    reason: "Files are given to them when the package is unpacked or set up: by a script of the package, or by a relation or \
             capability that names them, where the package manager makes them. Of archives this is not known.",
    advice: "Use `opkg_sdk::accounts`.",
};
const ALTERNATIVES: Rule = Rule {
    name: "alternatives-registered",
    sentence: "An alternative is registered by the package that has its file, where its filter matches, and only there.",
    reason: "Otherwise there is no command of the common name, or one that leads nowhere.",
    advice: "Use `opkg_sdk::alternatives`, for the alternatives of the plan.",
};
const TRIGGERS: Rule = Rule {
    name: "triggers-registered",
    sentence: "A directory that a part has a trigger for is named to the package manager, where its filter matches, and only there.",
    reason: "Otherwise its script runs for nothing, or never. Where the package manager has no triggers, the author is told.",
    advice: "Use `PartPlan::triggers`.",
};

pub fn check(scene: &Scene<'_>, ledger: &mut Ledger) {
    check_services(scene, ledger);
    check_accounts(scene, ledger);
    check_alternatives(scene, ledger);
    check_triggers(scene, ledger);
}

fn check_services(scene: &Scene<'_>, ledger: &mut Ledger) {
    let opkg = &scene.test.opkg;
    for part in PARTS {
        let Some(package) = scene.package(part) else { continue };
        let text = active_text(package);
        let units: Vec<(&str, _)> = opkg
            .files
            .iter()
            .filter(|file| file.part == part && file.unit.is_some())
            .filter_map(|file| Some((file.path.rsplit('/').next()?, file.at)))
            .collect();
        if !text.contains("systemctl") && !units.iter().any(|(name, _)| text.contains(name)) {
            continue;
        }
        for rule in opkg.service_rules.iter().filter(|rule| scene.decide(&rule.filter) == Verdict::Matches) {
            let template = rule.name.split_once('@').map(|(stem, rest)| {
                let suffix = rest.rsplit_once('.').map_or("", |(_, suffix)| suffix);
                format!("{stem}@.{suffix}")
            });
            let is_of = |name: &str| name == rule.name || Some(name) == template.as_deref();
            let Some((_, file)) = units.iter().find(|(name, _)| is_of(name)) else { continue };
            // Of a distribution that does nothing about units, the file is told of.
            let is_seen_to = text.contains(&rule.name) || scene.is_told(&[rule.at, *file]);
            scene.check(ledger, &SERVICE_RULES, is_seen_to, || {
                format!("no script of {} names {}", package.name, excerpt(&rule.name))
            });
        }
    }
}

fn check_accounts(scene: &Scene<'_>, ledger: &mut Ledger) {
    // What its package manager does about files of sysusers.d is not told by an archive.
    if scene.is_archive() {
        return;
    }
    for file in &scene.test.opkg.files {
        let Some(package) = scene.package(file.part) else { continue };
        let (text, related) = (active_text(package), related_names(package));
        for account in &file.accounts {
            let name = match account {
                Account::User(user) => &user.name,
                Account::Group(group) => &group.name,
                Account::Member { user, .. } => user,
            };
            let is_made =
                text.contains(name.as_str()) || related.contains(name.as_str()) || scene.is_told(&[file.at]);
            scene.check(ledger, &ACCOUNTS, is_made, || {
                format!("nothing of {} makes {}", package.name, excerpt(name))
            });
        }
    }
}

fn related_names(package: &BinaryPackage) -> String {
    package.relations.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join("\n")
}

fn check_alternatives(scene: &Scene<'_>, ledger: &mut Ledger) {
    let opkg = &scene.test.opkg;
    for alternative in &opkg.alternatives {
        let main = &alternative.main;
        let brings = |path: &str| {
            let is_it = |destination: &Destination| *destination == Destination::Path(path.to_owned());
            opkg.files.iter().find(|file| is_it(&file.destination)).map(|file| file.part)
        };
        let Some(part) = brings(&main.path) else { continue };
        for of in PARTS {
            let Some(package) = scene.package(of) else { continue };
            let text = active_text(package);
            let links = [main].into_iter().chain(&alternative.slaves);
            let missing = links.into_iter().find(|link| {
                // Names are those of update-alternatives; others know links alone.
                let line = |line: &str| [&link.link, &link.path].iter().all(|it| line.contains(it.as_str()));
                !text.lines().any(line)
            });
            match scene.decide(&alternative.filter) {
                Verdict::Matches if of == part => {
                    let holds = missing.is_none() || scene.is_told(&[main.at]);
                    scene.check(ledger, &ALTERNATIVES, holds, || {
                        let name = missing.map_or("", |link| link.name.as_str());
                        format!("no script of {} registers {}", package.name, excerpt(name))
                    });
                }
                Verdict::Open => {}
                Verdict::Matches | Verdict::Excludes => {
                    scene.check(ledger, &ALTERNATIVES, !text.contains(&main.link), || {
                        format!("{} registers {}, which is not for it", package.name, excerpt(&main.name))
                    });
                }
            }
        }
    }
}

fn check_triggers(scene: &Scene<'_>, ledger: &mut Ledger) {
    let opkg = &scene.test.opkg;
    let has_script = |part: Part| {
        opkg.files.iter().any(|file| {
            file.part == part && file.scriptlet.as_ref().is_some_and(|it| it.time == ScriptTime::Triggered)
        })
    };
    for trigger in &opkg.triggers {
        for part in PARTS {
            let Some(package) = scene.package(part) else { continue };
            let is_named =
                names_directory(package, &trigger.path, scene.leaves_open(ArchiveMetadata::TRIGGERS));
            let is_for = trigger.part.is_none_or(|of| of == part) && has_script(part);
            match scene.decide(&trigger.filter) {
                Verdict::Open => {}
                Verdict::Matches if is_for => {
                    let scripts: Vec<_> =
                        opkg.files.iter().filter(|file| file.part == part).map(|it| it.at).collect();
                    let is_told = scene.is_told(&[trigger.at]) || scene.is_told(&scripts);
                    scene.check(ledger, &TRIGGERS, is_named || is_told, || {
                        format!("{} does not name {}", package.name, excerpt(&trigger.path))
                    });
                }
                Verdict::Matches | Verdict::Excludes => {
                    scene.check(ledger, &TRIGGERS, !is_named, || {
                        format!("{} names {}, which is not for it", package.name, excerpt(&trigger.path))
                    });
                }
            }
        }
    }
}

fn names_directory(package: &BinaryPackage, path: &str, is_open: bool) -> bool {
    let prefix = format!("{path}/");
    package.interests.iter().any(|it| it == path)
        || package.file_triggers.iter().any(|it| it.prefixes.contains(&prefix))
        || (is_open && active_text(package).contains(path))
}
