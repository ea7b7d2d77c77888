//! Hooks of an OPKG that are components: whether they are ones that `opm` can run, and ask for nothing that their OPKG
//! does not declare.
//!
//! Two things are declared, and both are files of the OPKG: a form, which a hook needs that asks for configuration
//! values, and beside `scripts/HOOK.wasm` the list `scripts/HOOK.programs` of the programs that it wants to run. What
//! else a hook may ask for, every hook gets. The list grants nothing; it tells administrators what to grant.

use std::path::Path;

use opkg::diagnostic::{Diagnostic, Place};
use opkg::model::{Opkg, SourceFile};
use opkg_opm::system::Program;
use opkg_runtime::{Names, Role};

/// Bytes of a component that is looked at.
const LARGEST: u64 = 64 << 20;

/// What is wrong with the hooks that are components. Errors among these make the OPKG useless.
#[must_use]
pub fn findings(directory: &Path, opkg: &Opkg) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for file in &opkg.files {
        let hook = file.path.strip_prefix("scripts/").filter(|it| !it.contains('/'));
        let Some(hook) = hook.and_then(|it| it.strip_suffix(".wasm")) else { continue };
        let place = Place::File(file.path.clone());
        let mut error = |message: String, help: &str| {
            found.push(Diagnostic::error("hook-component", message).at(place.clone()).help(help));
        };
        let names = match names(directory, file) {
            Ok(names) => names,
            Err((problem, help)) => {
                error(format!("the component {problem}"), &help);
                continue;
            }
        };
        let has = |path: &str| opkg.files.iter().any(|it| it.path == path);
        if names.needs("config-values")
            && !["configurator.html", "configurator_image.html"].into_iter().any(has)
        {
            error(
                "it asks for configuration values, and the OPKG has no form".to_owned(),
                "add `configurator.html`, or have it do without",
            );
        }
        if names.needs("process") {
            let list = format!("scripts/{hook}.programs");
            let listed = has(&list).then(|| fs_err::read_to_string(directory.join(&list)));
            match listed {
                None => error(
                    "it asks to run programs, and the OPKG does not say which".to_owned(),
                    &format!("list them in `{list}`, one on a line"),
                ),
                Some(Err(problem)) => error(problem.to_string(), "check its permissions and encoding"),
                Some(Ok(text)) => {
                    for wrong in programs(&text).filter_map(Result::err) {
                        error(format!("{list}: {wrong}"), "correct the line");
                    }
                }
            }
        }
    }
    found
}

/// The programs of a list, one on a line; blank lines and comments aside.
fn programs(text: &str) -> impl Iterator<Item = Result<Program, String>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::parse)
}

/// The outermost names of a hook.
///
/// # Errors
/// What is wrong with it, as the end of a sentence, and what to do about it.
fn names(directory: &Path, file: &SourceFile) -> Result<Names, (String, String)> {
    let path = directory.join(&file.path);
    let unreadable = |error: String| (format!("cannot be read: {error}"), "check its permissions".to_owned());
    let size = fs_err::metadata(&path).map_err(|error| unreadable(error.to_string()))?.len();
    if size > LARGEST {
        let help = "build it without debug information".to_owned();
        return Err((format!("is larger than {} MiB", LARGEST >> 20), help));
    }
    let bytes = fs_err::read(&path).map_err(|error| unreadable(error.to_string()))?;
    let problem = match Names::read(&bytes).and_then(|names| Ok((names.plugin()?.0, names))) {
        Ok((Role::HookRunner, names)) => return Ok(names),
        Ok((found @ Role::Distribution, _)) => {
            opkg_runtime::Problem::Other { found, wanted: Role::HookRunner }
        }
        Err(problem) => problem,
    };
    let help = problem.help().unwrap_or_default();
    Err((problem.to_string(), help))
}
