//! The texts that makepkg and pacman read. A `PKGBUILD` is run by bash: every text in it is quoted.

use std::fmt::Write as _;

use opkg_plugin::artefacts::Content;
use opkg_plugin::opkg::{HookTime, Opkg};
use opkg_plugin::scriptlet::Scriptlet;
use opkg_plugin::text::shell_quote as quote;

use crate::name::Version;
use crate::package::{Package, RELATIONS, packager};

/// The `PKGBUILD`. `tree` is the directory that the source archive unpacks to.
#[must_use]
pub fn pkgbuild(opkg: &Opkg, base: &str, version: &Version, packages: &[Package], tree: &str) -> String {
    let mut lines = vec![
        format!("# Maintainer: {}", packager(opkg)),
        format!("pkgbase={}", quote(base)),
        array("pkgname", packages.iter().map(|package| package.name.as_str())),
        format!("pkgver={}", quote(&version.upstream)),
        format!("pkgrel={}", quote(&version.release)),
        format!("epoch={}", version.epoch),
        // Each package says its own; makepkg wants one here as well.
        array("arch", architectures(packages)),
        array("license", [opkg.license.as_str()]),
        array("source", [format!("{tree}.tar.gz").as_str()]),
        // The archive is made together with this file, by the same program.
        array("sha256sums", ["SKIP"]),
        array("options", ["!strip", "emptydirs"]),
    ];
    lines.extend(opkg.uri.iter().map(|uri| format!("url={}", quote(uri))));
    for package in packages {
        lines.push(String::new());
        lines.push(format!("package_{}() {{", package.name));
        lines.push(format!("  pkgdesc={}", quote(&package.summary)));
        lines.push(format!("  {}", array("arch", [package.arch.as_str()])));
        lines.extend(
            RELATIONS.iter().map(|(name, _, kind)| format!("  {}", array(name, package.related(*kind)))),
        );
        if !package.scriptlets.is_empty() {
            lines.push(format!("  install={}", quote(&format!("{}.install", package.name))));
        }
        lines.push(format!("  cd \"$srcdir\"/{}", quote(tree)));
        lines.extend(installing(package).map(|command| format!("  {command}")));
        lines.push("}".into());
    }
    lines.join("\n") + "\n"
}

/// Commands that put the files of a package into `$pkgdir`.
fn installing(package: &Package) -> impl Iterator<Item = String> {
    package.files.iter().zip(&package.sources).map(|(file, source)| {
        let path = format!("\"$pkgdir\"{}", quote(&file.path));
        match (&file.content, source) {
            (Content::Link(target), _) => {
                format!("mkdir -p \"$(dirname {path})\" && ln -s -- {} {path}", quote(target))
            }
            (_, Some(source)) => format!("install -D -m {:o} -- {} {path}", file.mode, quote(source)),
            _ => format!("install -d -m {:o} -- {path}", file.mode),
        }
    })
}

fn architectures(packages: &[Package]) -> Vec<&str> {
    let mut archs: Vec<&str> = packages.iter().map(|package| package.arch.as_str()).collect();
    archs.sort_unstable();
    archs.dedup();
    // `any` and others exclude each other here.
    if archs.len() > 1 {
        archs.retain(|arch| *arch != "any");
    }
    archs
}

/// `name=('a' 'b')`
fn array<'a>(name: &str, words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(quote).collect();
    format!("{name}=({})", words.join(" "))
}

/// The functions that pacman calls, in bash. It knows upgrades as a case of their own; native scripts of an
/// OPKG run then as well, as they do elsewhere.
#[must_use]
pub fn install_functions(scriptlets: &[Scriptlet]) -> String {
    let mut text = String::new();
    for scriptlet in scriptlets {
        let (names, last): (&[&str], _) = match scriptlet.time {
            HookTime::PreInstall => (&["pre_upgrade"], "pre_install"),
            HookTime::PostInstall => (&["post_upgrade"], "post_install"),
            HookTime::PreUninstall => (&[], "pre_remove"),
            HookTime::PostUninstall => (&[], "post_remove"),
        };
        // A subshell, since the body may end with `exec` and set traps.
        let _ = writeln!(text, "{last}() (\n{})", scriptlet.body);
        for name in names {
            let _ = writeln!(text, "{name}() {{\n  {last} \"$@\"\n}}");
        }
    }
    text
}

/// `.PKGINFO`: a field in each line.
#[must_use]
pub fn package_info(opkg: &Opkg, package: &Package, base: &str, version: &Version) -> String {
    let mut fields = vec![
        ("pkgname", package.name.clone()),
        ("pkgbase", base.to_owned()),
        ("pkgver", version.full()),
        ("pkgdesc", package.summary.clone()),
        ("builddate", opkg.source_date.seconds.to_string()),
        ("packager", packager(opkg)),
        ("size", package.size.to_string()),
        ("arch", package.arch.clone()),
        ("license", opkg.license.clone()),
    ];
    fields.extend(opkg.uri.iter().map(|uri| ("url", uri.clone())));
    for (_, field, kind) in RELATIONS {
        fields.extend(package.related(kind).map(|text| (field, text.to_owned())));
    }
    fields.iter().map(|(name, value)| format!("{name} = {value}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_bash_stay_words() {
        assert_eq!(array("depends", []), "depends=()");
        assert_eq!(array("license", ["it's $(x)"]), r#"license=('it'\''s $(x)')"#);
    }

    #[test]
    fn a_scriptlet_that_installs_also_upgrades() {
        let body = "exec '/usr/lib/oscar/packages/x/api-post-install' \"$@\"\n".to_owned();
        let scriptlet = Scriptlet { time: HookTime::PostInstall, body, programs: Vec::new() };
        let text = install_functions(&[scriptlet]);
        assert_eq!(
            text,
            "post_install() (\nexec '/usr/lib/oscar/packages/x/api-post-install' \"$@\"\n)\n\
             post_upgrade() {\n  post_install \"$@\"\n}\n"
        );
    }
}
