//! Compiling the crate to a core module.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;

use crate::error::BuildError;
use crate::options::{BuildOptions, StdLibrary, WASM_TARGET};
use crate::plugin_crate::PluginCrate;
use crate::toolchain::{Toolchain, cargo};

/// How plugins are compiled, whatever the crate's own profiles say: small, and the same everywhere. A panic
/// ends the instance anyway, so nothing is unwound.
pub const PROFILE_SETTINGS: [&str; 10] = [
    "inherits=\"release\"",
    "opt-level=\"z\"",
    "lto=\"fat\"",
    "codegen-units=1",
    "panic=\"abort\"",
    "strip=\"symbols\"",
    "debug=false",
    "debug-assertions=false",
    "overflow-checks=false",
    "incremental=false",
];

/// A module as cargo made it.
#[derive(Debug)]
pub struct ModuleArtifact {
    /// The core module.
    pub module: PathBuf,
}

/// One line of cargo's `--message-format=json`, as far as it matters here.
#[derive(Deserialize)]
struct CargoMessage {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// Compiles, with cargo's progress and the compiler's messages on the standard error stream.
pub fn compile(
    package: &PluginCrate,
    toolchain: &Toolchain,
    std: StdLibrary,
    options: BuildOptions,
) -> Result<ModuleArtifact, BuildError> {
    let mut command = cargo(&package.root);
    command.args(["build", "--lib", "--profile", "component", "--target", WASM_TARGET]);
    command.arg("--message-format=json-render-diagnostics");
    for setting in PROFILE_SETTINGS {
        command.arg("--config").arg(format!("profile.component.{setting}"));
    }
    if std == StdLibrary::Source {
        command
            .arg("-Zbuild-std=std,panic_abort")
            .arg("-Zbuild-std-features=optimize_for_size")
            .env("RUSTC_BOOTSTRAP", "1");
    }
    if options.locked {
        command.arg("--locked");
    }
    if options.quiet {
        command.arg("--quiet");
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", rustc_flags(package, toolchain)).stdout(Stdio::piped());

    let mut running = command.spawn().map_err(|source| BuildError::ProgramNotFound {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })?;
    let manifest = package.root.join("Cargo.toml");
    let mut module = None;
    for line in running.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
        let line = line.map_err(|source| BuildError::Io { file: manifest.clone(), source })?;
        module = parse_module_path(&line, &manifest).or(module);
    }
    let status = running.wait().map_err(|source| BuildError::Io { file: manifest.clone(), source })?;
    match module {
        Some(module) if status.success() => Ok(ModuleArtifact { module }),
        None if status.success() => Err(BuildError::NotLoadable { name: package.name.clone(), manifest }),
        _ => Err(BuildError::CompileFailed { dir: package.root.clone(), status }),
    }
}

/// The module, if this line of cargo's says that the crate has been compiled.
fn parse_module_path(line: &str, manifest: &Path) -> Option<PathBuf> {
    let message: CargoMessage = serde_json::from_str(line).ok()?;
    if message.reason != "compiler-artifact" || message.manifest_path != manifest {
        return None;
    }
    message.filenames.into_iter().find(|file| file.extension() == Some(OsStr::new("wasm")))
}

/// The compiler's flags, in the encoding of `CARGO_ENCODED_RUSTFLAGS`, which keeps blanks in paths apart from
/// blanks between flags. Panic messages hold the paths of sources: these are made the same on every machine.
fn rustc_flags(package: &PluginCrate, toolchain: &Toolchain) -> OsString {
    let std = toolchain.sysroot.join("lib/rustlib/src/rust");
    let outside = package.local_crates.iter().filter(|local| !local.starts_with(&package.workspace));
    // The last one that fits a path wins.
    let mut remapped: Vec<(&Path, OsString)> = vec![
        (&package.target_directory, "/build".into()),
        (&std, format!("/rustc/{}", toolchain.release).into()),
        (&package.workspace, "/plugin".into()),
    ];
    remapped.extend(outside.map(|local| {
        let name = local.file_name().unwrap_or_default();
        (local.as_path(), Path::new("/crates").join(name).into())
    }));
    remapped.extend(package.registries.iter().map(|dir| (dir.as_path(), "/crates".into())));

    let mut flags = OsString::new();
    for (from, to) in remapped {
        if !flags.is_empty() {
            flags.push("\x1f");
        }
        flags.push("--remap-path-prefix=");
        flags.push(from);
        flags.push("=");
        flags.push(to);
    }
    flags
}

/// What the compiler read besides the standard library and the registry, from the rule for `make` that cargo
/// leaves beside the module.
pub fn read_sources(
    artifact: &ModuleArtifact,
    package: &PluginCrate,
    toolchain: &Toolchain,
) -> Result<Vec<PathBuf>, BuildError> {
    let file = artifact.module.with_extension("d");
    let rule =
        std::fs::read_to_string(&file).map_err(|source| BuildError::Io { file: file.clone(), source })?;
    let elsewhere = [&package.target_directory, &toolchain.sysroot];
    let mut sources = Vec::new();
    for source in parse_prerequisites(&rule) {
        let source =
            source.canonicalize().map_err(|problem| BuildError::Io { file: source, source: problem })?;
        let fetched = elsewhere.into_iter().chain(&package.registries).any(|dir| source.starts_with(dir));
        if !fetched && source.is_file() {
            sources.push(source);
        }
    }
    sources.sort();
    sources.dedup();
    Ok(sources)
}

/// The prerequisites of the rules of a makefile. A blank inside a name is written `\ `.
fn parse_prerequisites(rules: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for rule in rules.lines() {
        let Some((_, list)) = rule.split_once(": ") else { continue };
        let mut name = String::new();
        let mut characters = list.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\\' if characters.peek() == Some(&' ') => name.extend(characters.next()),
                ' ' => files.push(std::mem::take(&mut name)),
                other => name.push(other),
            }
        }
        files.push(name);
    }
    files.into_iter().filter(|name| !name.is_empty()).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_make_rule_with_blanks_in_names() {
        let rule = "/t/a\\ b.wasm: /w/a\\ b/src/lib.rs /w/wit/x.wit\n";
        assert_eq!(parse_prerequisites(rule), [Path::new("/w/a b/src/lib.rs"), Path::new("/w/wit/x.wit")]);
        assert_eq!(parse_prerequisites("/t/a.wasm:\n"), Vec::<PathBuf>::new());
    }

    #[test]
    fn only_the_module_of_this_crate_counts() {
        let line = r#"{"reason":"compiler-artifact","manifest_path":"/w/a/Cargo.toml",
            "filenames":["/t/liba.rlib","/t/a.wasm"]}"#;
        assert_eq!(parse_module_path(line, Path::new("/w/a/Cargo.toml")), Some("/t/a.wasm".into()));
        assert_eq!(parse_module_path(line, Path::new("/w/b/Cargo.toml")), None);
        assert_eq!(parse_module_path("{\"reason\":\"build-finished\"}", Path::new("/w/a/Cargo.toml")), None);
    }
}
