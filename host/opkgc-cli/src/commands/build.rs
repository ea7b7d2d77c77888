//! `opkgc build`: OPKGs × targets → meta-files and packages.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use opkg::diagnostic::{Diagnostic, Severity};
use opkg::{LoadResult, Settings};
use opkg_interface::Target;
use opkg_interface::artefacts::RpmFormatVersion;
use opkg_package::{BuildMode, IndexRequest, OutputDir, RepositoryUrl, StagedPackages, WrittenIndex};
use opkg_parallel::run_in_order;
use opkg_payload::PayloadStore;
use opkg_runtime::DistributionPlugin;
use opkg_shell::{ProgressBar, Shell, UsageError, diagnostics};

use crate::args::{self, BuildArgs, DenyLevel};
use crate::build_plan::BuildPlan;
use crate::build_report::BuildReport;
use crate::errors::{CliError, Context};
use crate::exit::ExitStatus;
use crate::explanations::ShownCodes;
use crate::input_package::{InputPackage, Keeps, PackageReader};
use crate::job::{self, Job, JobOutcome};
use crate::losses::{self, IndexPlan};
use crate::settings::{self, Layer, Origin};
use crate::source_date::{now, source_date};
use crate::{filesystem, interrupt, opkg_names, plugins, signing, supported_dists, targets};

/// How many OPKGs stay in memory between being read and being compiled: as many as somebody usually works on. Of
/// thousands, the others are read again when it is their turn.
const KEPT_IN_MEMORY: usize = 32;

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

    let directories = distinct([arguments.input.as_slice(), arguments.directories.as_slice()].concat());
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
    check_format(arguments, builder)?;
    let signs_nothing = arguments.signing.no_sign;
    let plan = BuildPlan {
        builder,
        signer: signing::load_signer(&effective, signs_nothing)?,
        has_index: arguments.repo,
        effort: effective.compression.value,
        rpm_format: arguments.rpm_format.map(RpmFormatVersion::from),
        documents: arguments.documents(),
        settings: effective.package_settings(),
        threads_per_job: threads.div_ceil(directories.len() * targets.len()),
    };
    signing::check_repository_url(arguments.repo_url.as_ref(), plan.signer.as_ref())?;
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
    let payloads = PayloadStore::from_env(arguments.payload_dir.payload_directories.clone());
    let reader = PackageReader {
        settings: &settings,
        payloads: &payloads,
        known_dists: &registry.ids(),
        denies_warnings: arguments.deny == Some(DenyLevel::Warnings),
    };
    let mut shown = ShownCodes::default();
    let packages = load_packages(shell, &reader, &directories, targets.len(), threads, &mut shown)?;
    let jobs: Vec<Job<'_>> = packages
        .iter()
        .flat_map(|package| targets.iter().map(move |(target, plugin)| Job { package, target, plugin }))
        .collect();
    interrupt::clean_up_on_signals(shell).context("cannot wait for signals")?;
    let progress = ProgressBar::new(shell, jobs.len());
    let mut reports = BuildReport::new(shell, shown);
    run_in_order(
        threads,
        &jobs,
        |job| progress.track(job.title(), || job.run(&reader, &output, &plan)),
        |end| !arguments.keep_going && end.outcome.is_failure(),
        |job, end| {
            reports.record_job(job.package, job.target, end.unwrap_or(JobOutcome::NotTried.into()));
            Ok::<(), CliError>(())
        },
    )?;
    drop(progress);
    drop(jobs);
    drop(packages);
    let publication = Publication {
        shell,
        output: &output,
        plan: &plan,
        signs_nothing,
        url: arguments.repo_url.as_ref(),
        has_filesystem: settings.automatic_relations.require_filesystem(),
        threads: threads.div_ceil(targets.len()),
    };
    let published = opkg_parallel::map(threads, &targets, |(target, plugin)| {
        let staged = reports.staged(target);
        (!staged.is_empty()).then(|| publication.publish(target, plugin, &staged))
    });
    for ((target, _), published) in targets.iter().zip(published) {
        let Some(PublishedTarget { filesystem, output: index }) = published else { continue };
        let directory = job::target_directory(output.path(), target);
        if let Some(staged) = filesystem {
            reports.record_filesystem(&directory, target, staged);
        }
        let unsigned = plan.signer.as_ref().zip(index.as_ref().ok().and_then(|index| index.unsigned));
        let unsigned = unsigned.and_then(|(signer, why)| signing::unsigned_index(signer, why, target));
        reports.record_publication(&directory, target, index.map(|index| index.files), unsigned);
    }
    reports.finish()
}

/// What is done for each target when all jobs have ended.
struct Publication<'a> {
    shell: Shell,
    output: &'a OutputDir,
    plan: &'a BuildPlan,
    /// Because somebody asked for that.
    signs_nothing: bool,
    /// Of the output directory.
    url: Option<&'a RepositoryUrl>,
    /// Whether the package of shared directories is beside the others.
    has_filesystem: bool,
    /// For each target.
    threads: usize,
}

/// What became of a target.
struct PublishedTarget {
    /// The package of shared directories, if there is to be one.
    filesystem: Option<Result<StagedPackages, CliError>>,
    output: Result<WrittenIndex, CliError>,
}

impl Publication<'_> {
    /// Puts everything that was made for a target into its directory, with the index if one is wanted.
    fn publish(
        &self,
        target: &Target,
        plugin: &DistributionPlugin,
        of_jobs: &[&StagedPackages],
    ) -> PublishedTarget {
        let filesystem =
            self.has_filesystem.then(|| filesystem::stage(target, plugin, self.output, self.plan));
        let staged: Vec<&StagedPackages> =
            of_jobs.iter().copied().chain(filesystem.iter().flatten()).collect();
        let output = self.publish_packages(target, plugin, &staged);
        PublishedTarget { filesystem, output }
    }

    fn publish_packages(
        &self,
        target: &Target,
        plugin: &DistributionPlugin,
        staged: &[&StagedPackages],
    ) -> Result<WrittenIndex, CliError> {
        let name = target.to_string();
        let directory = job::target_directory(self.output.path(), target);
        let wait = || {
            let place = self.output.path().display();
            let text = format!("waiting for another opkgc, which is putting its files into {place}");
            self.shell.status(&text);
        };
        let url = self.url.map(|url| url.join(&name));
        let index = self.plan.has_index.then_some(IndexRequest {
            name: &name,
            archs: std::slice::from_ref(target.arch.as_ref().unwrap_or(&target.default_arch)),
            signer: self.plan.signer.as_ref(),
            drops_signature: self.signs_nothing,
            url: url.as_ref(),
            maker: Some(plugin),
            threads: self.threads,
        });
        let clash = index.and_then(|_| {
            opkg_names::clash_in_repository(&directory, staged.iter().flat_map(|packages| packages.paths()))
        });
        if let Some((one, other)) = clash {
            let message = format!(
                "{} would hold packages of the OPKGs {one} and {other}, which exclude each other: both make \
                 opkg-{other}",
                directory.display()
            );
            let help =
                "remove those of one of them, or write the packages of each into a directory of its own";
            return Err(UsageError::new(message, help).into());
        }
        Ok(self.output.publish(&name, staged, index, &wait)?)
    }
}

/// The distribution's own tools decide on the format of what they make.
fn check_format(arguments: &BuildArgs, builder: BuildMode) -> Result<(), UsageError> {
    match (arguments.rpm_format, builder) {
        (Some(_), BuildMode::Native { .. }) => Err(UsageError::new(
            "--rpm-format is about packages that opkgc makes itself, not those of --builder native",
            "leave out --builder, opkgc makes the same packages itself; or leave out --rpm-format",
        )),
        _ => Ok(()),
    }
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

/// Each directory once, however often and by whatever path it is named.
fn distinct(mut directories: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = BTreeSet::new();
    directories.retain(|directory| {
        // What is not there is told where it is read.
        fs::metadata(directory).map_or(true, |metadata| seen.insert((metadata.dev(), metadata.ino())))
    });
    directories
}

/// Reads OPKGs on so many threads, to be compiled for so many targets, and says what is wrong with them, in their order.
fn load_packages(
    shell: Shell,
    reader: &PackageReader<'_>,
    directories: &[PathBuf],
    targets: usize,
    threads: usize,
    shown: &mut ShownCodes,
) -> Result<Vec<InputPackage>, CliError> {
    let mut packages: Vec<InputPackage> = Vec::with_capacity(directories.len());
    let mut names = opkg_names::Directories::new();
    run_in_order(
        threads,
        directories,
        |directory| reader.read(directory),
        |_| false,
        |directory, read| {
            let Some(mut read) = read else { return Ok(()) };
            let loaded = &mut read.loaded;
            if let Some(opkg) = &loaded.opkg {
                let name = opkg.name.clone();
                if let Some(clash) = opkg_names::name_clash(&name, &names) {
                    loaded.diagnostics.push(clash);
                    loaded.opkg = None;
                } else {
                    names.insert(name, directory.clone());
                }
            }
            show_findings(shell, directory, loaded, shown);
            let keeps = Keeps { findings: shell.is_json(), content: packages.len() < KEPT_IN_MEMORY };
            packages.push(InputPackage::new(directory, read, reader, targets, keeps));
            Ok::<(), CliError>(())
        },
    )?;
    Ok(packages)
}

fn show_findings(shell: Shell, directory: &Path, loaded: &LoadResult, shown_codes: &mut ShownCodes) {
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
    shown_codes.add(&shown);
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
