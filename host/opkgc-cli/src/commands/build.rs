//! `opkgc build`: OPKGs × targets → meta-files and packages.

use std::path::{Path, PathBuf};

use fs_err as fs;
use opkg::diagnostic::{Diagnostic, Severity};
use opkg::{LoadResult, Settings};
use opkg_interface::Target;
use opkg_package::{BuildMode, IndexRequest, OutputDir};
use opkg_shell::{ProgressBar, Shell, UsageError, diagnostics};

use crate::args::{self, BuildArgs, DenyLevel};
use crate::build_report::BuildReport;
use crate::errors::{CliError, Context};
use crate::exit::ExitStatus;
use crate::job::{self, BuildPlan, Job, JobOutcome, LoadedPackage};
use crate::losses::{self, IndexPlan};
use crate::schedule::run_in_order;
use crate::settings::{self, Layer, Origin};
use crate::source_date::{now, source_date};
use crate::{
    dists, filesystem, hook_components, interrupt, opkg_names, plugins, signing, supported_dists, targets,
};

/// Runs the command.
///
/// # Errors
/// When nothing could be started: an unknown target, an unusable output directory.
pub fn run(shell: Shell, arguments: &BuildArgs) -> Result<ExitStatus, CliError> {
    let threads = arguments.jobs.map(usize::from);
    let registry = plugins::discover_plugins(shell, &arguments.plugins.files, threads)?;
    let threads = threads.unwrap_or_else(opkg_runtime::parallelism);
    if arguments.supported_dist {
        return supported_dists::print_distributions(shell, &registry);
    }

    let directories = [arguments.input.as_slice(), arguments.directories.as_slice()].concat();
    if directories.is_empty() {
        return Err(
            UsageError::new("no OPKG was named", "name the directory that holds its config.xml").into()
        );
    }
    let effective = settings::load(&arguments.settings.settings_files, Layer::from_arguments(arguments))?;
    if effective.targets.value.is_empty() {
        return Err(UsageError::new(
            "nothing says what to compile for",
            "name it with --dist, as in `--dist rhel-9`, or in the settings; `opkgc --supported-dist` lists what there is",
        )
        .into());
    }
    let place = match &effective.targets.origin {
        Origin::CommandLine => None,
        origin => Some(origin.to_string()),
    };
    let targets = targets::resolve_targets(&registry, &effective.targets.value, place.as_deref())?;
    check_output_outside(&arguments.output, &directories)?;

    let builder = match arguments.builder {
        _ if arguments.source => BuildMode::None,
        args::BuilderChoice::Direct => BuildMode::Direct,
        args::BuilderChoice::Native => BuildMode::Native { verbose: shell.is_verbose() },
    };
    signing::check_builder(&effective, builder)?;
    let signs_nothing = arguments.signing.no_sign;
    let plan = BuildPlan {
        builder,
        signer: signing::load_signer(&effective, signs_nothing)?,
        effort: effective.compression.value,
        settings: effective.package_settings(),
        threads,
        threads_per_job: threads.div_ceil(directories.len() * targets.len()),
    };
    let index_plan = match arguments.repo {
        false => IndexPlan::Untouched,
        true => IndexPlan::of(plan.signer.is_some(), signs_nothing),
    };
    let output = OutputDir::new(&arguments.output);
    for (target, _) in &targets {
        losses::check_index(shell, &job::target_directory(output.path(), target), index_plan)?;
    }
    let settings = Settings {
        automatic_relations: effective.automatic_relations(),
        source_date: source_date()?,
        now: now(),
    };
    let packages = load_packages(shell, arguments, &settings, &directories, &registry.ids(), threads)?;
    let jobs: Vec<Job<'_>> = packages
        .iter()
        .flat_map(|package| targets.iter().map(move |(target, plugin)| Job { package, target, plugin }))
        .collect();
    interrupt::clean_up_on_signals(shell).context("cannot wait for signals")?;
    let progress = ProgressBar::new(shell, jobs.len());
    let mut reports = BuildReport::new(shell);
    run_in_order(
        &jobs,
        threads,
        |job| progress.track(job.title(), || job.run(&output, &plan)),
        |outcome| !arguments.keep_going && outcome.is_failure(),
        |job, outcome| {
            reports.record_job(job.package, job.target, outcome.unwrap_or(JobOutcome::NotTried));
            Ok::<(), CliError>(())
        },
    )?;
    drop(progress);
    for (target, plugin) in &targets {
        if reports.staged(target).is_empty() {
            continue;
        }
        if settings.automatic_relations.require_filesystem() {
            let staged = filesystem::stage(target, plugin, &output, &plan);
            reports.record_filesystem(&job::target_directory(output.path(), target), target, staged);
        }
        publish_target(shell, arguments.repo, &output, target, &plan, &mut reports);
    }
    reports.finish()
}

/// Puts everything that was made for a target into its directory, with the index if one is wanted.
fn publish_target(
    shell: Shell,
    is_repository: bool,
    output: &OutputDir,
    target: &Target,
    plan: &BuildPlan,
    reports: &mut BuildReport,
) {
    let name = target.to_string();
    let directory = job::target_directory(output.path(), target);
    let staged = reports.staged(target);
    let wait = || {
        let place = output.path().display();
        shell.status(&format!("waiting for another opkgc, which is putting its files into {place}"));
    };
    let index = is_repository.then_some(IndexRequest {
        name: &name,
        signer: plan.signer.as_ref(),
        threads: plan.threads,
    });
    let clash = index.and_then(|_| {
        opkg_names::clash_in_repository(&directory, staged.iter().flat_map(|packages| packages.paths()))
    });
    let published = match clash {
        Some((one, other)) => {
            let message = format!(
                "{} would hold packages of the OPKGs {one} and {other}, which exclude each other: both make \
                 opkg-{other}",
                directory.display()
            );
            let help =
                "remove those of one of them, or write the packages of each into a directory of its own";
            Err(UsageError::new(message, help).into())
        }
        None => output.publish(&name, &staged, index, &wait).map_err(CliError::from),
    };
    reports.record_publication(&directory, target, published);
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

/// Reads OPKGs on so many threads, and says what is wrong with them, in their order.
fn load_packages(
    shell: Shell,
    arguments: &BuildArgs,
    settings: &Settings,
    directories: &[PathBuf],
    known_dists: &[String],
    threads: usize,
) -> Result<Vec<LoadedPackage>, CliError> {
    let load = |directory: &PathBuf| {
        let mut loaded = opkg::load(directory, settings);
        if let Some(opkg) = &loaded.opkg {
            loaded.diagnostics.extend(dists::misspelled_dists(opkg, known_dists));
            let found = hook_components::check_components(directory, opkg);
            if found.iter().any(|finding| finding.severity == Severity::Error) {
                loaded.opkg = None;
            }
            loaded.diagnostics.extend(found);
        }
        loaded
    };
    let mut packages: Vec<LoadedPackage> = Vec::new();
    let mut names = opkg_names::Directories::new();
    run_in_order(
        directories,
        threads,
        load,
        |_| false,
        |directory, loaded| {
            let Some(mut loaded) = loaded else { return Ok(()) };
            if let Some(opkg) = &loaded.opkg {
                let name = opkg.name.clone();
                if let Some(clash) = opkg_names::name_clash(&name, &names) {
                    loaded.diagnostics.push(clash);
                    loaded.opkg = None;
                } else {
                    names.insert(name, directory.clone());
                }
            }
            show_findings(shell, directory, &loaded);
            let is_denied = arguments.deny == Some(DenyLevel::Warnings)
                && loaded.diagnostics.iter().any(|finding| finding.severity <= Severity::Warning);
            let is_compilable = loaded.opkg.is_some() && !is_denied;
            packages.push(LoadedPackage { directory: directory.clone(), loaded, is_compilable });
            Ok::<(), CliError>(())
        },
    )?;
    Ok(packages)
}

fn show_findings(shell: Shell, directory: &Path, loaded: &LoadResult) {
    if shell.is_json() {
        return;
    }
    let shown: Vec<Diagnostic> = loaded
        .diagnostics
        .iter()
        .filter(|finding| {
            finding.severity == Severity::Error
                || finding.severity == Severity::Warning && !shell.is_quiet()
                || shell.is_verbose()
        })
        .cloned()
        .collect();
    let renderer = shell.renderer(false);
    let text = diagnostics::render_diagnostics(&renderer, directory, loaded.source.as_ref(), &shown);
    if !text.is_empty() {
        shell.eprint(text.trim_end_matches('\n'));
    }
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
