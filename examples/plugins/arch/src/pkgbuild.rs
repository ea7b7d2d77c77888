//! The texts that makepkg and pacman read. A `PKGBUILD` is run by bash: every text in it is quoted.

use std::fmt::Write as _;

use opkg_sdk::artefacts::Content;
use opkg_sdk::model::{Opkg, ScriptTime};
use opkg_sdk::scriptlet::Scriptlet;
use opkg_sdk::text::shell_quote as quote;

use crate::name::PacmanVersion;
use crate::package::{Package, RELATION_FIELDS, packager};

/// The `PKGBUILD`. `tree` is the directory that the source archive unpacks to.
#[must_use]
pub fn render_pkgbuild(
    opkg: &Opkg,
    base: &str,
    version: &PacmanVersion,
    packages: &[Package],
    tree: &str,
) -> String {
    let mut lines = vec![
        format!("# Maintainer: {}", packager(opkg)),
        format!("pkgbase={}", quote(base)),
        bash_array("pkgname", packages.iter().map(|package| package.name.as_str())),
        format!("pkgver={}", quote(&version.upstream)),
        format!("pkgrel={}", quote(&version.release)),
        format!("epoch={}", version.epoch),
        // Each package says its own; makepkg wants one here as well.
        bash_array("arch", architectures(packages)),
        bash_array("license", [opkg.license.as_str()]),
        bash_array("source", [format!("{tree}.tar.gz").as_str()]),
        // The archive is made together with this file, by the same program.
        bash_array("sha256sums", ["SKIP"]),
        bash_array("options", ["!strip", "emptydirs"]),
    ];
    lines.extend(opkg.uri.iter().map(|uri| format!("url={}", quote(uri))));
    for package in packages {
        lines.push(String::new());
        lines.push(format!("package_{}() {{", package.name));
        lines.push(format!("  pkgdesc={}", quote(&package.summary)));
        lines.push(format!("  {}", bash_array("arch", [package.arch.as_str()])));
        lines.extend(
            RELATION_FIELDS
                .iter()
                .map(|(name, _, kind)| format!("  {}", bash_array(name, package.relations_of(*kind)))),
        );
        lines.push(format!("  {}", bash_array("backup", package.backup.iter().map(String::as_str))));
        if !package.scriptlets.is_empty() {
            lines.push(format!("  install={}", quote(&format!("{}.install", package.name))));
        }
        lines.push(format!("  cd \"$srcdir\"/{}", quote(tree)));
        lines.extend(install_commands(package).map(|command| format!("  {command}")));
        lines.push("}".into());
    }
    lines.join("\n") + "\n"
}

/// Commands that put the files of a package into `$pkgdir`.
fn install_commands(package: &Package) -> impl Iterator<Item = String> {
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
fn bash_array<'a>(name: &str, words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(quote).collect();
    format!("{name}=({})", words.join(" "))
}

/// The functions that pacman calls, in bash. It knows upgrades as a case of their own; native scripts of an
/// OPKG run then as well, as they do elsewhere.
#[must_use]
pub fn render_install_script(scriptlets: &[Scriptlet]) -> String {
    let mut text = String::new();
    for scriptlet in scriptlets {
        let (aliases, function): (&[&str], _) = match scriptlet.time {
            ScriptTime::PreInstall => (&["pre_upgrade"], "pre_install"),
            ScriptTime::PostInstall => (&["post_upgrade"], "post_install"),
            ScriptTime::PreUninstall => (&[], "pre_remove"),
            ScriptTime::PostUninstall => (&[], "post_remove"),
            // pacman knows no such function.
            _ => continue,
        };
        // A subshell, since the body may end with `exec` and set traps.
        let _ = writeln!(text, "{function}() (\n{})", scriptlet.body);
        for alias in aliases {
            let _ = writeln!(
                text,
                "{alias}() {{
  {function} \"$@\"\n}}"
            );
        }
    }
    text
}

/// `.PKGINFO`: a field in each line.
#[must_use]
pub fn render_pkginfo(opkg: &Opkg, package: &Package, base: &str, version: &PacmanVersion) -> String {
    let mut fields = vec![
        ("pkgname", package.name.clone()),
        ("pkgbase", base.to_owned()),
        ("pkgver", version.to_full_string()),
        ("pkgdesc", package.summary.clone()),
        ("builddate", opkg.source_date.seconds.to_string()),
        ("packager", packager(opkg)),
        ("size", package.size.to_string()),
        ("arch", package.arch.clone()),
        ("license", opkg.license.clone()),
    ];
    fields.extend(opkg.uri.iter().map(|uri| ("url", uri.clone())));
    fields.extend(package.backup.iter().map(|path| ("backup", path.clone())));
    for (_, field, kind) in RELATION_FIELDS {
        fields.extend(package.relations_of(kind).map(|text| (field, text.to_owned())));
    }
    fields.iter().map(|(name, value)| format!("{name} = {value}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_bash_stay_words() {
        assert_eq!(bash_array("depends", []), "depends=()");
        assert_eq!(bash_array("license", ["it's $(x)"]), r#"license=('it'\''s $(x)')"#);
    }

    #[test]
    fn a_scriptlet_that_installs_also_upgrades() {
        let body = "exec '/usr/lib/oscar/packages/x/api-post-install' \"$@\"\n".to_owned();
        let scriptlet = Scriptlet { time: ScriptTime::PostInstall, body, required_programs: Vec::new() };
        let text = render_install_script(&[scriptlet]);
        assert_eq!(
            text,
            "post_install() (\nexec '/usr/lib/oscar/packages/x/api-post-install' \"$@\"\n)\n\
             post_upgrade() {\n  post_install \"$@\"\n}\n"
        );
    }
}
