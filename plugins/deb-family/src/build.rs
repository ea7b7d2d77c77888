//! How the distribution's own tools make the packages: `debian/rules`, and the plan of what it installs.

use askama::Template;
use opkg_plugin::artefacts::{BuildCommand, NativeBuild};
use opkg_plugin::filter::Subject;
use opkg_plugin::text::shell_quote;

use crate::arch::native_arch;
use crate::package::{Architecture, Installed, Item, Package};
use crate::version::Version;

#[derive(Template)]
#[template(path = "rules", escape = "none")]
struct Rules {
    indep: String,
    arch: String,
}

#[derive(Template)]
#[template(path = "install", escape = "none")]
struct Install<'a> {
    packages: Vec<Planned<'a>>,
}

struct Planned<'a> {
    name: &'a str,
    /// Commands of the script's own, one per line, every word of which is quoted.
    plan: Vec<String>,
}

/// `debian/rules`.
///
/// # Errors
/// Those of the template, which has none of its own.
pub fn rules(packages: &[Package]) -> Result<String, askama::Error> {
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
pub fn install(packages: &[Package]) -> Result<String, askama::Error> {
    let planned = |package: &Package| -> Vec<String> { package.installed.iter().map(command).collect() };
    let packages = packages.iter().map(|it| Planned { name: &it.name, plan: planned(it) }).collect();
    Install { packages }.render()
}

fn command(installed: &Installed) -> String {
    let path = shell_quote(&installed.path);
    match &installed.item {
        Item::Directory => format!("directory {path}"),
        Item::Link(target) => format!("link {} {path}", shell_quote(target)),
        Item::File { source, mode, .. } => format!("file {mode:04o} {} {path}", shell_quote(source)),
    }
}

/// The command that builds the packages in the unpacked tree, beside which it leaves them.
#[must_use]
pub fn native(packages: &[Package], subject: &Subject, version: &Version, directory: &str) -> NativeBuild {
    // Nothing is needed of the compilers that the tool takes for granted.
    let mut argv: Vec<String> =
        ["dpkg-buildpackage", "-b", "-us", "-uc", "-d"].into_iter().map(str::to_owned).collect();
    let foreign = subject.arch() != subject.machine;
    if foreign && packages.iter().any(|package| package.architecture != Architecture::All) {
        argv.extend(native_arch(subject.arch()).map(|arch| format!("-a{arch}")));
    }
    NativeBuild {
        commands: vec![BuildCommand { argv, env: Vec::new(), directory: directory.into() }],
        results: packages.iter().map(|package| package.file_name(version)).collect(),
    }
}
