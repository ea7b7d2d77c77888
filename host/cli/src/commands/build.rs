//! `opkgc build`: OPKGs × targets → meta-files and packages.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use fs_err as fs;
use opkg::diagnostic::{Diagnostic, Severity};
use opkg::model::Part;
use opkg::{Loaded, Settings};
use opkg_package::Builder;
use opkg_runtime::{Plugin, Registry, Target};

use crate::args::{self, Build, Deny};
use crate::exit::Exit;
use crate::failure::UsageError;
use crate::job::{self, Job, Outcome, Package};
use crate::progress::Progress;
use crate::schedule::each_in_order;
use crate::shell::Shell;
use crate::{components, dists, interrupt, plugins, render, report, signing};

/// Runs the command.
///
/// # Errors
/// When nothing could be started: an unknown target, an unusable output directory.
pub fn run(shell: Shell, arguments: Build) -> Result<Exit> {
    let threads = arguments.jobs.map(usize::from);
    let registry = plugins::discover(shell, &arguments.plugins.files, threads)?;
    if arguments.supported_dist {
        return report::supported(shell, &registry);
    }

    let directories = [arguments.input.as_slice(), arguments.directories.as_slice()].concat();
    if directories.is_empty() {
        bail!(UsageError::new("no OPKG was named", "name the directory that holds its config.xml"));
    }
    let targets = targets(&registry, &arguments.dist)?;
    outside(&arguments.output, &directories)?;

    let signer = signing::signer(&arguments)?;
    let settings = settings(&arguments)?;
    let packages = load(shell, &arguments, &settings, directories, &registry.ids());
    let jobs: Vec<Job<'_>> = packages
        .iter()
        .flat_map(|package| targets.iter().map(move |(target, plugin)| Job { package, target, plugin }))
        .collect();
    let builder = match arguments.builder {
        _ if arguments.source => Builder::None,
        args::Builder::Direct => Builder::Direct,
        args::Builder::Native => Builder::Native { verbose: shell.verbose() },
    };

    interrupt::clean_up_on_signals(shell).context("cannot wait for signals")?;
    let progress = Progress::new(shell, jobs.len());
    let mut reports = report::Reports::new(shell, targets.len());
    let mut built: Vec<&Target> = Vec::new();
    each_in_order(
        &jobs,
        threads.unwrap_or_else(opkg_runtime::parallelism),
        |job| progress.during(job.title(), || job.run(&arguments.output, builder, signer.as_ref())),
        |outcome| !arguments.keep_going && outcome.is_failure(),
        |job, outcome| {
            if matches!(outcome, Some(Outcome::Built(..))) && !built.contains(&job.target) {
                built.push(job.target);
            }
            reports.add(job.package, job.target, outcome.unwrap_or(Outcome::NotTried))
        },
    )?;
    drop(progress);
    if arguments.repo {
        for target in built {
            let directory = job::directory(&arguments.output, target);
            let indexed = opkg_package::index(&directory, &target.to_string(), signer.as_ref());
            reports.index(&directory, target, indexed.map_err(anyhow::Error::new))?;
        }
    }
    reports.finish()
}

fn targets(registry: &Registry, names: &[String]) -> Result<Vec<(Target, Plugin)>> {
    let mut targets: Vec<(Target, Plugin)> = Vec::new();
    for name in names {
        let target = registry
            .target(name)
            .map_err(|error| UsageError::new(error.to_string(), known(registry, name)))?;
        if targets.iter().all(|(known, _)| *known != target) {
            let plugin = registry.load(&target)?;
            targets.push((target, plugin));
        }
    }
    Ok(targets)
}

/// What to say about an unknown distribution.
fn known(registry: &Registry, name: &str) -> String {
    let ids = registry.ids();
    let ids = ids.iter().map(String::as_str);
    let asked = name.split('-').next().unwrap_or(name);
    match opkg::nearest(asked, ids) {
        Some(near) => format!("did you mean `{near}`? `opkgc --supported-dist` lists all"),
        None => "`opkgc --supported-dist` lists what there is; `opkgc plugin install` adds more".into(),
    }
}

fn settings(arguments: &Build) -> Result<Settings> {
    let mut settings = Settings::default();
    for (part, names) in &arguments.auto_requires {
        let list = match part {
            Part::Api => &mut settings.automatic.api,
            Part::Server => &mut settings.automatic.server,
            Part::Client => &mut settings.automatic.client,
        };
        list.clone_from(names);
    }
    settings.source_date = source_date()?;
    Ok(settings)
}

/// What the environment says stands for "now", in seconds since 1970.
///
/// # Errors
/// When it is no number that a package can carry.
pub fn source_date() -> Result<Option<i64>> {
    let Some(epoch) = std::env::var_os("SOURCE_DATE_EPOCH") else { return Ok(None) };
    let seconds = epoch.to_str().and_then(|it| it.parse::<u32>().ok()).ok_or_else(|| {
        UsageError::new(
            format!("SOURCE_DATE_EPOCH is `{}`", epoch.to_string_lossy()),
            "it must be a number of seconds since 1970; unset it to use the changelog's newest date",
        )
    })?;
    Ok(Some(i64::from(seconds)))
}

/// An OPKG's directory is never written to.
fn outside(output: &Path, directories: &[PathBuf]) -> Result<()> {
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
            bail!(UsageError::new(
                format!(
                    "the output directory {} lies inside the OPKG {}",
                    output.display(),
                    directory.display()
                ),
                "an OPKG's directory is never written to: name another one with --output",
            ));
        }
    }
    Ok(())
}

fn load(
    shell: Shell,
    arguments: &Build,
    settings: &Settings,
    directories: Vec<PathBuf>,
    known: &[String],
) -> Vec<Package> {
    let renderer = shell.renderer(false);
    let mut packages: Vec<Package> = Vec::new();
    for directory in directories {
        let mut loaded = opkg::load(&directory, settings);
        if let Some(opkg) = &loaded.opkg {
            loaded.diagnostics.extend(dists::misspelt(opkg, known));
            let found = components::findings(&directory, opkg);
            if found.iter().any(|it| it.severity == Severity::Error) {
                loaded.opkg = None;
            }
            loaded.diagnostics.extend(found);
        }
        if let Some(twin) = twin(&packages, &loaded) {
            loaded.diagnostics.push(twin);
            loaded.opkg = None;
        }
        let findings = &loaded.diagnostics;
        let denied = arguments.deny == Some(Deny::Warnings)
            && findings.iter().any(|it| it.severity <= Severity::Warning);
        if !shell.json() {
            let shown: Vec<Diagnostic> = findings
                .iter()
                .filter(|it| {
                    it.severity == Severity::Error
                        || it.severity == Severity::Warning && !shell.quiet()
                        || shell.verbose()
                })
                .cloned()
                .collect();
            let text = render::diagnostics(&renderer, &directory, loaded.source.as_ref(), &shown);
            if !text.is_empty() {
                shell.message(text.trim_end_matches('\n'));
            }
        }
        let usable = loaded.opkg.is_some() && !denied;
        packages.push(Package { directory, loaded, usable });
    }
    packages
}

/// Two OPKGs of one name would overwrite each other's packages.
fn twin(packages: &[Package], loaded: &Loaded) -> Option<Diagnostic> {
    let name = &loaded.opkg.as_ref()?.name;
    let other = packages.iter().find(|it| it.loaded.opkg.as_ref().is_some_and(|it| it.name == *name))?;
    Some(Diagnostic {
        severity: Severity::Error,
        code: "same-name".into(),
        message: format!("the OPKG in {} has the name `{name}` as well", other.directory.display()),
        place: None,
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
            assert!(outside(&root.path().join(inside), std::slice::from_ref(&opkg)).is_err(), "{inside}");
        }
        assert!(outside(&root.path().join("out"), &[opkg]).is_ok());
    }
}
