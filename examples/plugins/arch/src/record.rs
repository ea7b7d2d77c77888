//! What the host packs and reports where makepkg does not build the package.

use opkg_sdk::artefacts::{BinaryPackage, TextFile};
use opkg_sdk::opkg::Opkg;

use crate::name::PacmanVersion;
use crate::package::{Package, packager};
use crate::pkgbuild;

/// The record for the host. An archive has no relations, fields and scriptlets: pacman reads them from members in front of the
/// files.
#[must_use]
pub fn to_record(package: &Package, opkg: &Opkg, base: &str, version: &PacmanVersion) -> BinaryPackage {
    let info = pkgbuild::render_pkginfo(opkg, package, base, version);
    let text = |path: &str, contents| TextFile { path: path.to_owned(), contents, executable: false };
    let mut members = vec![text(".PKGINFO", info)];
    if !package.scriptlets.is_empty() {
        let script = pkgbuild::render_install_script(&package.scriptlets);
        members.push(text(".INSTALL", script));
    }
    BinaryPackage {
        name: package.name.clone(),
        epoch: version.epoch,
        version: version.upstream.clone(),
        release: version.release.clone(),
        arch: package.arch.clone(),
        summary: package.summary.clone(),
        description: opkg.description.join("\n\n"),
        license: opkg.license.clone(),
        section: String::new(),
        url: opkg.uri.clone(),
        maintainer: packager(opkg),
        relations: Vec::new(),
        files: package.files.clone(),
        scriptlets: Vec::new(),
        file_triggers: Vec::new(),
        interests: Vec::new(),
        changelog: Vec::new(),
        fields: Vec::new(),
        members,
        file_name: format!("{}-{}-{}.pkg.tar.zst", package.name, version.to_full_string(), package.arch),
    }
}
