//! How the distribution's own tools make the packages: `debian/rules`, and the plan of what it installs.

use askama::Template;
use opkg_sdk::artefacts::{BuildCommand, FileMarks, NativeBuild};
use opkg_sdk::filter::FilterContext;
use opkg_sdk::text::shell_quote;

use crate::arch::native_arch;
use crate::package::{Architecture, EntryKind, InstalledEntry, Package};
use crate::version::DebVersion;

#[derive(Template)]
#[template(path = "rules", escape = "none")]
struct Rules {
    indep: String,
    arch: String,
}

#[derive(Template)]
#[template(path = "install", escape = "none")]
struct Install<'a> {
    packages: Vec<PackageCommands<'a>>,
    /// Whether any of them says so of a directory.
    has_directory_modes: bool,
    /// Whether any of them has triggers.
    has_triggers: bool,
}

struct PackageCommands<'a> {
    name: &'a str,
    /// Commands of the script's own, one per line, every word of which is quoted.
    commands: Vec<String>,
    /// Likewise, for the end, of directories that not everybody can enter.
    directory_modes: Vec<String>,
}

/// `debian/rules`.
///
/// # Errors
/// Those of the template, which has none of its own.
pub fn render_rules(packages: &[Package]) -> Result<String, askama::Error> {
    let names = |independent: bool| {
        let of_this_kind = |package: &&Package| (package.architecture == Architecture::All) == independent;
        packages.iter().filter(of_this_kind).map(|it| it.name.as_str()).collect::<Vec<_>>().join(" ")
    };
    // The last line end of a template is not rendered.
    Ok(Rules { indep: names(true), arch: names(false) }.render()? + "\n")
}

/// `debian/install`.
///
/// # Errors
/// Those of the template, which has none of its own.
pub fn render_install(packages: &[Package]) -> Result<String, askama::Error> {
    let has_triggers = packages.iter().any(|package| !package.interests.is_empty());
    let packages: Vec<PackageCommands<'_>> = packages
        .iter()
        .map(|package| PackageCommands {
            name: &package.name,
            commands: package.entries.iter().map(install_command).collect(),
            directory_modes: package.entries.iter().filter_map(directory_mode).collect(),
        })
        .collect();
    let has_directory_modes = packages.iter().any(|package| !package.directory_modes.is_empty());
    Install { packages, has_directory_modes, has_triggers }.render()
}

fn install_command(installed: &InstalledEntry) -> String {
    let path = shell_quote(&installed.path);
    match &installed.kind {
        EntryKind::Directory(_) => format!("directory {path}"),
        EntryKind::Link(target) => format!("link {} {path}", shell_quote(target)),
        EntryKind::File { source, mode, marks, .. } => {
            let command = if marks.contains(FileMarks::CONFIGURATION) { "configuration" } else { "file" };
            format!("{command} {mode:04o} {} {path}", shell_quote(source))
        }
    }
}

/// The command that gives a directory its mode, where it is not that of most.
fn directory_mode(installed: &InstalledEntry) -> Option<String> {
    match installed.kind {
        EntryKind::Directory(mode) if mode != 0o755 => {
            Some(format!("chmod {mode:04o} \"$root\"{}", shell_quote(&installed.path)))
        }
        _ => None,
    }
}

/// The program that builds packages of an unpacked source package.
pub(crate) const BUILD_PROGRAM: &str = "dpkg-buildpackage";

/// The command that builds the packages in the unpacked tree, beside which it leaves them.
#[must_use]
pub fn native_build(
    packages: &[Package],
    context: &FilterContext,
    version: &DebVersion,
    directory: &str,
) -> NativeBuild {
    // Nothing is needed of the compilers that the tool takes for granted.
    let mut argv: Vec<String> =
        [BUILD_PROGRAM, "-b", "-us", "-uc", "-d"].into_iter().map(str::to_owned).collect();
    let foreign = context.build_arch() != context.host_arch;
    if foreign && packages.iter().any(|package| package.architecture != Architecture::All) {
        argv.extend(native_arch(context.build_arch()).map(|arch| format!("-a{arch}")));
    }
    NativeBuild {
        commands: vec![BuildCommand { argv, env: Vec::new(), directory: directory.into() }],
        results: packages.iter().map(|package| package.file_name(version)).collect(),
    }
}
