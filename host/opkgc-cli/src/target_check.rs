//! What plugins have to say about an OPKG, found without writing anything.

use std::sync::Arc;

use opkg::diagnostic::{Diagnostic, Severity};
use opkg::model::Opkg;
use opkg_interface::artefacts::Output;
use opkg_interface::{PackageSettings, Target};
use opkg_parallel::run_in_order;
use opkg_runtime::{DistributionPlugin, GenerateError, parallelism};
use opkg_shell::UsageError;

use crate::errors::CliError;

/// A finding, and the targets that it holds for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFinding {
    pub diagnostic: Diagnostic,
    /// As they are named, in the order in which they were asked for.
    pub targets: Vec<String>,
}

/// What plugins make of an OPKG.
#[derive(Debug, Default)]
pub struct TargetCheck {
    pub findings: Vec<TargetFinding>,
    /// What the packages call the licence, each with its targets: those that packages can be made for.
    pub licenses: Vec<(String, Vec<String>)>,
}

/// Runs the plugins as a build would, and collects what they say. What several say is one finding.
///
/// # Errors
/// When a plugin fails, or knows no such version or architecture.
pub fn check_targets(
    opkg: &Arc<Opkg>,
    targets: &[(Target, DistributionPlugin)],
) -> Result<TargetCheck, CliError> {
    let mut check = TargetCheck::default();
    let settings = PackageSettings::default();
    let mut excluded = 0;
    run_in_order(
        parallelism(),
        targets,
        |(target, plugin)| plugin.generate(opkg, target, &settings).map_err(Box::new),
        |_| false,
        |(target, _), outcome| {
            let name = target.to_string();
            let error = match outcome {
                None => return Ok(()),
                Some(Ok(generated)) => {
                    check.add_findings(generated.diagnostics, &name);
                    check.add_license(&generated.output, &name);
                    return Ok(());
                }
                Some(Err(error)) => *error,
            };
            match error {
                GenerateError::Diagnostics(diagnostics) => check.add_findings(diagnostics, &name),
                GenerateError::TargetExcluded(_) => excluded += 1,
                GenerateError::UnknownTarget(message) => {
                    return Err(
                        UsageError::new(message, "`opkgc --supported-dist` lists what there is").into()
                    );
                }
                error => return Err(CliError::from(error).context(format!("cannot check for {name}"))),
            }
            Ok(())
        },
    )?;
    if excluded > 0 && excluded == targets.len() {
        let message = "the filters of the package exclude all targets that were checked";
        let diagnostic = Diagnostic::warning("no-target", message)
            .help("`--dist` names others; `opkgc --supported-dist` lists what there is");
        let names = targets.iter().map(|(target, _)| target.to_string()).collect();
        check.findings.push(TargetFinding { diagnostic, targets: names });
    }
    Ok(check)
}

impl TargetCheck {
    /// Where nobody asked for the targets, one that packages cannot be made for is worth a warning, as long as there are
    /// others.
    pub fn tolerate_single_targets(&mut self) {
        if !self.is_packaged_anywhere() {
            return;
        }
        for finding in self.findings.iter_mut().filter(|found| found.diagnostic.severity == Severity::Error) {
            finding.diagnostic.severity = Severity::Warning;
        }
    }

    /// Whether there is a target that packages can be made for.
    fn is_packaged_anywhere(&self) -> bool {
        !self.licenses.is_empty()
    }

    fn add_findings(&mut self, diagnostics: Vec<Diagnostic>, target: &str) {
        diagnostics.into_iter().for_each(|diagnostic| merge(&mut self.findings, diagnostic, target));
    }

    fn add_license(&mut self, output: &Output, target: &str) {
        let Some(license) = output.packages.first().map(|package| &package.license) else { return };
        match self.licenses.iter_mut().find(|(known, _)| known == license) {
            Some((_, targets)) => targets.push(target.to_owned()),
            None => self.licenses.push((license.clone(), vec![target.to_owned()])),
        }
    }

    /// What the packages call the licence, in words; nothing where no package could be made.
    #[must_use]
    pub fn describe_licenses(&self) -> Option<String> {
        match self.licenses.as_slice() {
            [] => None,
            [(license, _)] => Some(format!("`{license}`")),
            several => {
                let named =
                    several.iter().map(|(license, targets)| format!("`{license}` ({})", targets.join(", ")));
                Some(named.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Adds a finding, or its target to one that says the same of the same place.
fn merge(found: &mut Vec<TargetFinding>, diagnostic: Diagnostic, target: &str) {
    let is_same = |known: &TargetFinding| {
        // The code is the plugin's id, and plugins of a family say the same.
        Diagnostic { code: diagnostic.code.clone(), ..known.diagnostic.clone() } == diagnostic
    };
    match found.iter_mut().find(|known| is_same(known)) {
        Some(known) if known.targets.iter().any(|known| known == target) => {}
        Some(known) => known.targets.push(target.to_owned()),
        None => found.push(TargetFinding { diagnostic, targets: vec![target.to_owned()] }),
    }
}

impl TargetFinding {
    /// As people read it: with its targets, unless it holds for all of so many.
    #[must_use]
    pub fn with_targets(&self, checked: usize) -> Diagnostic {
        let mut diagnostic = self.diagnostic.clone();
        if self.targets.len() < checked {
            diagnostic.message = format!("{} ({})", diagnostic.message, self.targets.join(", "));
        }
        diagnostic
    }
}

#[cfg(test)]
mod tests {
    use opkg::diagnostic::Location;

    use super::*;

    #[test]
    fn what_several_say_is_said_once() {
        let mut found = Vec::new();
        let say = |code: &str, message: &str, at: usize| {
            Diagnostic::warning(code, message).at(Location::Config(at..at + 1))
        };
        for (diagnostic, target) in [
            (say("one", "a", 1), "one"),
            (say("one", "b", 1), "one"),
            (say("one", "a", 1), "one"),
            (say("two", "a", 1), "two-7"),
            (say("two", "a", 2), "two-7"),
        ] {
            merge(&mut found, diagnostic, target);
        }
        let said: Vec<String> = found.iter().map(|finding| finding.with_targets(2).message).collect();
        assert_eq!(said, ["a", "b (one)", "a (two-7)"]);
    }
}
