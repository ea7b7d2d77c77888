//! The recipe of which makepkg makes the same packages. A `PKGBUILD` is run by bash: every text in it is quoted.

use opkg_sdk::artefacts::{BinaryPackage, Content, PackedFile};
use opkg_sdk::model::{Node, Opkg};
use opkg_sdk::text::shell_quote as quote;

use crate::container::PARENT_MODES;
use crate::hooks::{self, TextMember};
use crate::members;
use crate::name::PacmanVersion;
use crate::package::{backup_path, is_ghost};
use crate::relations::LISTS;
use crate::scripts::render_install;

/// What a `PKGBUILD` is written from.
pub struct Recipe<'a> {
    pub opkg: &'a Opkg,
    /// Of the three packages together.
    pub base: &'a str,
    pub version: &'a PacmanVersion,
    pub packages: &'a [BinaryPackage],
    /// The directory that the source archive unpacks to.
    pub tree: &'a str,
}

impl Recipe<'_> {
    #[must_use]
    pub fn render(&self) -> String {
        let Self { opkg, base, version, packages, tree } = self;
        let maintainer = packages.first().map(|package| package.maintainer.as_str()).unwrap_or_default();
        let archive = format!("{tree}.tar.gz");
        let hooks: Vec<TextMember> = packages.iter().flat_map(hooks::files).collect();
        let sources: Vec<&str> =
            [archive.as_str()].into_iter().chain(hooks.iter().map(|hook| base_name(&hook.path))).collect();
        let mut lines = vec![
            format!("# Maintainer: {maintainer}"),
            format!("pkgbase={}", quote(base)),
            bash_array("pkgname", packages.iter().map(|package| package.name.as_str())),
            format!("pkgver={}", quote(&version.upstream)),
            format!("pkgrel={}", quote(&version.release)),
            format!("epoch={}", version.epoch),
            // Each package says its own; makepkg wants one here as well.
            bash_array("arch", architectures(packages)),
            bash_array("license", [opkg.license.as_str()]),
            bash_array("source", sources.iter().copied()),
            // They are made together with this file, by the same program.
            bash_array("sha256sums", sources.iter().map(|_| "SKIP")),
            bash_array("options", ["!strip", "emptydirs"]),
        ];
        lines.extend(opkg.uri.iter().map(|uri| format!("url={}", quote(uri))));
        lines.extend(packages.iter().map(|package| self.package_function(package)));
        lines.join("\n") + "\n"
    }

    fn package_function(&self, package: &BinaryPackage) -> String {
        let mut lines =
            vec![format!("pkgdesc={}", quote(&package.summary)), bash_array("arch", [package.arch.as_str()])];
        lines.extend(LISTS.iter().map(|list| {
            let words = list.of(&package.relations);
            bash_array(list.array, words.iter().map(String::as_str))
        }));
        lines.push(bash_array("backup", package.files.iter().filter_map(backup_path)));
        if render_install(&package.scriptlets).is_some() {
            lines.push(format!("install={}", quote(&install_name(package))));
        }
        lines.push(format!("changelog={}", quote(&self.changelog_name())));
        lines.push(format!("cd \"$srcdir\"/{}", quote(self.tree)));
        let brought = || package.files.iter().filter(|file| !is_ghost(file));
        let is_above = |directory: &str| {
            brought().any(|file| file.path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/')))
        };
        let parents = PARENT_MODES.iter().filter(|(path, _)| is_above(path));
        lines.extend(parents.map(|(path, mode)| format!("install -d -m {mode:o} -- \"$pkgdir\"{path}")));
        lines.extend(brought().map(|file| self.install_command(file)));
        lines.extend(hooks::files(package).iter().map(|hook| {
            let (source, path) = (quote(base_name(&hook.path)), quote(&hook.path));
            format!("install -D -m {:o} -- \"$srcdir\"/{source} \"$pkgdir\"/{path}", hook.mode)
        }));
        let body: String = lines.iter().map(|line| format!("  {line}\n")).collect();
        format!("\npackage_{}() {{\n{body}}}", package.name)
    }

    /// A command that puts a file into `$pkgdir`.
    fn install_command(&self, file: &PackedFile) -> String {
        let path = format!("\"$pkgdir\"{}", quote(&file.path));
        match &file.content {
            Content::Link(target) => {
                format!("mkdir -p \"$(dirname {path})\" && ln -s -- {} {path}", quote(target))
            }
            Content::Directory => format!("install -d -m {:o} -- {path}", file.mode),
            Content::Source(at) => {
                let source = quote(self.source_path(*at));
                format!("install -D -m {:o} -- {source} {path}", file.mode)
            }
            // The plugin has no texts of its own among the files.
            Content::Text(_) | Content::GzipText(_) => String::new(),
        }
    }

    fn source_path(&self, at: Node) -> &str {
        let file = self.opkg.files.iter().find(|file| file.at == at);
        file.map(|file| file.path.as_str()).unwrap_or_default()
    }

    fn changelog_name(&self) -> String {
        format!("{}.changelog", self.base)
    }

    /// What lies beside the `PKGBUILD`: name and text.
    #[must_use]
    pub fn companions(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for package in self.packages {
            found.extend(render_install(&package.scriptlets).map(|text| (install_name(package), text)));
            found.extend(
                hooks::files(package).into_iter().map(|hook| (base_name(&hook.path).to_owned(), hook.text)),
            );
        }
        let changelog = self.packages.first().map(members::changelog).unwrap_or_default();
        found.push((self.changelog_name(), changelog));
        found
    }
}

fn install_name(package: &BinaryPackage) -> String {
    format!("{}.install", package.name)
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn architectures(packages: &[BinaryPackage]) -> Vec<&str> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_bash_stay_words() {
        assert_eq!(bash_array("depends", []), "depends=()");
        assert_eq!(bash_array("license", ["it's $(x)"]), r#"license=('it'\''s $(x)')"#);
    }
}
