//! Hooks of an OPKG that are components: whether they are ones that `opm` can run, and ask for nothing that their OPKG
//! does not declare.
//!
//! Two things are declared, and both are files of the OPKG: a form, which a hook needs that asks for configuration
//! values, and next to `scripts/HOOK.wasm` the list `scripts/HOOK.programs` of the programs that it wants to run. What
//! else a hook may ask for, every hook gets. The list grants nothing; it tells administrators what to grant.

use std::io;
use std::path::Path;
use std::str::FromStr;

use opkg::diagnostic::{Diagnostic, Location};
use opkg::model::{Opkg, SourceFile};
use opkg_opm::ProgramPattern;
use opkg_runtime::{ComponentInterface, LoadErrorKind, PluginKind};

/// Bytes of a component that is looked at.
const MAX_COMPONENT_BYTES: u64 = 64 << 20;

/// What is wrong with the hooks that are components. Errors among these make the OPKG useless.
#[must_use]
pub fn check_components(directory: &Path, opkg: &Opkg) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for file in &opkg.files {
        let hook = file.path.strip_prefix("scripts/").filter(|it| !it.contains('/'));
        let Some(hook) = hook.and_then(|it| it.strip_suffix(".wasm")) else { continue };
        let place = Location::File(file.path.clone());
        let mut error = |message: String, help: &str| {
            found.push(Diagnostic::error("hook-component", message).at(place.clone()).help(help));
        };
        let names = match read_names(directory, file) {
            Ok(names) => names,
            Err(problem) => {
                error(format!("the component {problem}"), &problem.help());
                continue;
            }
        };
        let has = |path: &str| opkg.files.iter().any(|it| it.path == path);
        if names.imports_interface("config-values")
            && !["configurator.html", "configurator_image.html"].into_iter().any(has)
        {
            error(
                "it asks for configuration values, and the OPKG has no form".to_owned(),
                "add `configurator.html`, or have it do without",
            );
        }
        if names.imports_interface("process") {
            let list = format!("scripts/{hook}.programs");
            let listed = has(&list).then(|| fs_err::read_to_string(directory.join(&list)));
            match listed {
                None => error(
                    "it asks to run programs, and the OPKG does not say which".to_owned(),
                    &format!("list them in `{list}`, one on a line"),
                ),
                Some(Err(problem)) => error(problem.to_string(), "check its permissions and encoding"),
                Some(Ok(text)) => {
                    for wrong in parse_programs(&text).filter_map(Result::err) {
                        error(format!("{list}: {wrong}"), "correct the line");
                    }
                }
            }
        }
    }
    found
}

/// The programs of a list, one on a line; blank lines and comments aside.
fn parse_programs(
    text: &str,
) -> impl Iterator<Item = Result<ProgramPattern, <ProgramPattern as FromStr>::Err>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::parse)
}

/// Why a file is no hook. Reads as the end of a sentence that the component begins.
#[derive(Debug, thiserror::Error)]
enum HookComponentError {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("is larger than {} MiB", MAX_COMPONENT_BYTES >> 20)]
    TooLarge,
    #[error(transparent)]
    Invalid(#[from] LoadErrorKind),
}

impl HookComponentError {
    /// What to do about it.
    fn help(&self) -> String {
        match self {
            Self::Unreadable(_) => "check its permissions".to_owned(),
            Self::TooLarge => "build it without debug information".to_owned(),
            Self::Invalid(problem) => problem.help().unwrap_or_default(),
        }
    }
}

/// The outermost names of a hook.
fn read_names(directory: &Path, file: &SourceFile) -> Result<ComponentInterface, HookComponentError> {
    let path = directory.join(&file.path);
    if fs_err::metadata(&path)?.len() > MAX_COMPONENT_BYTES {
        return Err(HookComponentError::TooLarge);
    }
    let names = ComponentInterface::read(&fs_err::read(&path)?)?;
    match names.classify()?.0 {
        PluginKind::HookRunner => Ok(names),
        found @ PluginKind::Distribution => {
            Err(LoadErrorKind::WrongKind { found, wanted: PluginKind::HookRunner }.into())
        }
    }
}
