//! `opkgc build`: OPKGs × targets → meta-files and packages.

use std::path::{Path, PathBuf};

use fs_err as fs;
use opkg::diagnostic::{Diagnostic, Severity};
use opkg::model::Part;
use opkg::{LoadResult, Settings};
use opkg_interface::Target;
use opkg_package::BuildMode;
use opkg_runtime::{DistributionPlugin, Registry};
use opkg_shell::{ProgressBar, Shell, UsageError, diagnostics};

use crate::args::{self, BuildArgs, DenyLevel};
use crate::errors::{CliError, Context};
use crate::exit::ExitStatus;
use crate::job::{self, Job, JobOutcome, LoadedPackage};
use crate::schedule::run_in_order;
use crate::source_date::{now, source_date};
use crate::{build_report, dists, hook_components, interrupt, plugins, signing};

/// Runs the command.
///
/// # Errors
/// When nothing could be started: an unknown target, an unusable output directory.
pub fn run(shell: Shell, arguments: BuildArgs) -> Result<ExitStatus, CliError> {
    let threads = arguments.jobs.map(usize::from);
    let registry = plugins::discover_plugins(shell, &arguments.plugins.files, threads)?;
    if arguments.supported_dist {
        return build_report::print_distributions(shell, &registry);
    }

    let directories = [arguments.input.as_slice(), arguments.directories.as_slice()].concat();
    if directories.is_empty() {
        return Err(
            UsageError::new("no OPKG was named", "name the directory that holds its config.xml").into()
        );
    }
    let targets = resolve_targets(&registry, &arguments.dist)?;
    check_output_outside(&arguments.output, &directories)?;

    let signer = signing::load_signer(&arguments)?;
    let settings = compile_settings(&arguments)?;
    let packages = load_packages(shell, &arguments, &settings, directories, &registry.ids());
    let jobs: Vec<Job<'_>> = packages
        .iter()
        .flat_map(|package| targets.iter().map(move |(target, plugin)| Job { package, target, plugin }))
        .collect();
    let builder = match arguments.builder {
        _ if arguments.source => BuildMode::None,
        args::BuilderChoice::Direct => BuildMode::Direct,
        args::BuilderChoice::Native => BuildMode::Native { verbose: shell.is_verbose() },
    };

    interrupt::clean_up_on_signals(shell).context("cannot wait for signals")?;
    let progress = ProgressBar::new(shell, jobs.len());
    let mut reports = build_report::BuildReport::new(shell, targets.len());
    let mut built: Vec<&Target> = Vec::new();
    run_in_order(
        &jobs,
        threads.unwrap_or_else(opkg_runtime::parallelism),
        |job| progress.track(job.title(), || job.run(&arguments.output, builder, signer.as_ref())),
        |outcome| !arguments.keep_going && outcome.is_failure(),
        |job, outcome| {
            if matches!(outcome, Some(JobOutcome::Built(..))) && !built.contains(&job.target) {
                built.push(job.target);
            }
            reports.record_job(job.package, job.target, outcome.unwrap_or(JobOutcome::NotTried))
        },
    )?;
    drop(progress);
    if arguments.repo {
        for target in built {
            let directory = job::target_directory(&arguments.output, target);
            let indexed = opkg_package::write_index(&directory, &target.to_string(), signer.as_ref());
            reports.record_index(&directory, target, indexed.map_err(CliError::from))?;
        }
    }
    reports.finish()
}

fn resolve_targets(
    registry: &Registry,
    names: &[String],
) -> Result<Vec<(Target, DistributionPlugin)>, CliError> {
    let mut targets: Vec<(Target, DistributionPlugin)> = Vec::new();
    for name in names {
        let target = registry
            .parse_target(name)
            .map_err(|error| UsageError::new(error.to_string(), unknown_dist_help(registry, name)))?;
        if targets.iter().all(|(known, _)| *known != target) {
            let plugin = registry.load(&target)?;
            targets.push((target, plugin));
        }
    }
    Ok(targets)
}

/// What to say about an unknown distribution.
fn unknown_dist_help(registry: &Registry, name: &str) -> String {
    let ids = registry.ids();
    let ids = ids.iter().map(String::as_str);
    let asked = name.split('-').next().unwrap_or(name);
    match opkg::closest_match(asked, ids) {
        Some(near) => format!("did you mean `{near}`? `opkgc --supported-dist` lists all"),
        None => "`opkgc --supported-dist` lists what there is; `opkgc plugin install` adds more".into(),
    }
}

fn compile_settings(arguments: &BuildArgs) -> Result<Settings, CliError> {
    let mut settings = Settings::default();
    for (part, names) in &arguments.auto_requires {
        let list = match part {
            Part::Api => &mut settings.automatic_relations.api,
            Part::Server => &mut settings.automatic_relations.server,
            Part::Client => &mut settings.automatic_relations.client,
        };
        list.clone_from(names);
    }
    settings.source_date = source_date()?;
    settings.now = now();
    Ok(settings)
}

/// An OPKG's directory is never written to.
fn check_output_outside(output: &Path, directories: &[PathBuf]) -> Result<(), CliError> {
    let absolute = std::path::absolute(output).context("cannot find out where the output directory is")?;
    // The directory itself may not exist yet, but what does of its path may be a link.
    let real = absolute.ancestors().find_map(|it| {
        let rest = absolute.strip_prefix(it).ok()?;
        Some(fs::canonicalize(it).ok()?.join(rest))
    });
    for directory in directories {
        let inside = fs::canonicalize(directory)
            .is_ok_and(|source| real.as_ref().is_some_and(|output| output.starts_with(source)));
        if inside {
            return Err(UsageError::new(
                format!(
                    "the output directory {} lies inside the OPKG {}",
                    output.display(),
                    directory.display()
                ),
                "an OPKG's directory is never written to: name another one with --output",
            )
            .into());
        }
    }
    Ok(())
}

fn load_packages(
    shell: Shell,
    arguments: &BuildArgs,
    settings: &Settings,
    directories: Vec<PathBuf>,
    known: &[String],
) -> Vec<LoadedPackage> {
    let renderer = shell.renderer(false);
    let mut packages: Vec<LoadedPackage> = Vec::new();
    for directory in directories {
        let mut loaded = opkg::load(&directory, settings);
        if let Some(opkg) = &loaded.opkg {
            loaded.diagnostics.extend(dists::misspelled_dists(opkg, known));
            let found = hook_components::check_components(&directory, opkg);
            if found.iter().any(|it| it.severity == Severity::Error) {
                loaded.opkg = None;
            }
            loaded.diagnostics.extend(found);
        }
        if let Some(twin) = duplicate_name(&packages, &loaded) {
            loaded.diagnostics.push(twin);
            loaded.opkg = None;
        }
        let findings = &loaded.diagnostics;
        let denied = arguments.deny == Some(DenyLevel::Warnings)
            && findings.iter().any(|it| it.severity <= Severity::Warning);
        if !shell.is_json() {
            let shown: Vec<Diagnostic> = findings
                .iter()
                .filter(|it| {
                    it.severity == Severity::Error
                        || it.severity == Severity::Warning && !shell.is_quiet()
                        || shell.is_verbose()
                })
                .cloned()
                .collect();
            let text = diagnostics::render_diagnostics(&renderer, &directory, loaded.source.as_ref(), &shown);
            if !text.is_empty() {
                shell.eprint(text.trim_end_matches('\n'));
            }
        }
        let usable = loaded.opkg.is_some() && !denied;
        packages.push(LoadedPackage { directory, loaded, is_compilable: usable });
    }
    packages
}

/// Two OPKGs of one name would overwrite each other's packages.
fn duplicate_name(packages: &[LoadedPackage], loaded: &LoadResult) -> Option<Diagnostic> {
    let name = &loaded.opkg.as_ref()?.name;
    let other = packages
        .iter()
        .find(|package| package.loaded.opkg.as_ref().is_some_and(|opkg| opkg.name == *name))?;
    Some(Diagnostic {
        severity: Severity::Error,
        code: "same-name".into(),
        message: format!("the OPKG in {} has the name `{name}` as well", other.directory.display()),
        location: None,
        help: Some("compile them one at a time, into different output directories".into()),
        related: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn output_inside_an_opkg_is_refused_even_through_a_link() {
        let root = tempfile::tempdir().unwrap();
        let opkg = root.path().join("opkg");
        fs::create_dir(&opkg).unwrap();
        fs_err::os::unix::fs::symlink(&opkg, root.path().join("link")).unwrap();
        for inside in ["opkg", "opkg/out", "link/a/b"] {
            assert!(
                check_output_outside(&root.path().join(inside), std::slice::from_ref(&opkg)).is_err(),
                "{inside}"
            );
        }
        assert!(check_output_outside(&root.path().join("out"), &[opkg]).is_ok());
    }
}
