//! What stands in a package in front of its files: `.BUILDINFO`, `.CHANGELOG`, `.INSTALL`, `.MTREE` and `.PKGINFO`, see
//! BUILDINFO(5), PKGINFO(5) and mtree(5).

use opkg_sdk::Distribution as _;
use opkg_sdk::artefacts::{BinaryPackage, Compression, DigestAlgorithm, Member, MemberContent};
use opkg_sdk::containers::Built;
use opkg_sdk::model::Part;
use opkg_sdk::parts;
use opkg_sdk::rules::digest;

use crate::hooks::{self, TextMember};
use crate::mtree;
use crate::name::PacmanVersion;
use crate::package::backup_path;
use crate::relations::LISTS;
use crate::scripts::render_install;

/// In the order of their names. By now the host has read all files.
///
/// # Errors
/// There is no recipe to be told of, which the host has made before.
pub fn metadata(built: &Built) -> Result<Vec<Member>, String> {
    let package = &built.package;
    let text = |path: &str, text| TextMember { path: path.to_owned(), text, mode: 0o644 };
    let mut texts = vec![text(".BUILDINFO", build_info(built)?), text(".CHANGELOG", changelog(package))];
    texts.extend(render_install(&package.scriptlets).map(|install| text(".INSTALL", install)));
    texts.push(text(".PKGINFO", package_info(built)));
    texts.extend(hooks::files(package));
    let mtree = MemberContent::Compressed((mtree::render(built, &texts), Compression::Gzip));
    let mut members = vec![Member::of_root(".MTREE", mtree, 0o644)];
    let member = |it: TextMember| Member::of_root(it.path, MemberContent::Text(it.text), it.mode);
    members.extend(texts.into_iter().map(member));
    members.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(members)
}

fn version(package: &BinaryPackage) -> String {
    let BinaryPackage { epoch, version, release, .. } = package;
    PacmanVersion { epoch: *epoch, upstream: version.clone(), release: release.clone() }.to_full_string()
}

/// The package that the others are named after.
fn base(built: &Built) -> String {
    parts::package_name(&built.opkg, &Part::Api)
}

/// Of what and with what it was built. No packages of a machine were needed for that.
fn build_info(built: &Built) -> Result<String, String> {
    let package = &built.package;
    let Ok(output) = crate::Arch::generate(&built.opkg, &built.target) else {
        return Err(format!("there is no PKGBUILD for {}", package.name));
    };
    let recipe = output.meta_files.iter().find(|file| file.path.ends_with("/PKGBUILD"));
    let recipe = recipe.map(|file| file.contents.as_str()).unwrap_or_default();
    let build_date = built.opkg.source_date.seconds.to_string();
    Ok(lines([
        ("format", "2"),
        ("pkgname", &package.name),
        ("pkgbase", &base(built)),
        ("pkgver", &version(package)),
        ("pkgarch", &package.arch),
        ("pkgbuild_sha256sum", &digest(DigestAlgorithm::Sha256, recipe.as_bytes())),
        ("packager", &package.maintainer),
        ("builddate", &build_date),
        ("builddir", "/build"),
        ("startdir", "/startdir"),
        ("buildtool", "opkgc"),
        ("buildtoolver", env!("CARGO_PKG_VERSION")),
        ("options", "!strip"),
        ("options", "emptydirs"),
    ]))
}

/// What pacman shows of a package, and what it needs.
fn package_info(built: &Built) -> String {
    let package = &built.package;
    let mut fields = vec![("pkgname", package.name.clone()), ("pkgbase", base(built))];
    fields.extend(package.fields.iter().map(|field| (field.name.as_str(), field.value.clone())));
    fields.extend([("pkgver", version(package)), ("pkgdesc", package.summary.clone())]);
    fields.extend(package.url.iter().map(|url| ("url", url.clone())));
    fields.extend([
        ("builddate", built.opkg.source_date.seconds.to_string()),
        ("packager", package.maintainer.clone()),
        ("size", built.installed_size.to_string()),
        ("arch", package.arch.clone()),
        ("license", package.license.clone()),
    ]);
    for list in &LISTS {
        fields.extend(list.of(&package.relations).into_iter().map(|text| (list.field, text)));
    }
    fields.extend(package.files.iter().filter_map(backup_path).map(|path| ("backup", path.to_owned())));
    lines(fields.iter().map(|(name, value)| (*name, value.as_str())))
}

fn lines<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    fields.into_iter().map(|(name, value)| format!("{name} = {value}\n")).collect()
}

/// `.CHANGELOG`, which pacman shows as it is.
#[must_use]
pub fn changelog(package: &BinaryPackage) -> String {
    let entry = |header: &str, text: &str| {
        let text: String = text.lines().map(|line| format!("  {line}\n")).collect();
        format!("{header}\n{text}")
    };
    let entries: Vec<String> = package.changelog.iter().map(|it| entry(&it.header, &it.text)).collect();
    entries.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use opkg_sdk::containers::{BuiltFile, Digests, FileKind};
    use opkg_sdk::model::Opkg;
    use opkg_sdk::testing::{
        add_laid_file, add_script, add_service, sample_opkg, sample_relations, sample_target,
    };

    fn text(members: &[Member], path: &str) -> String {
        match members.iter().find(|member| member.path == path).map(|member| &member.content) {
            Some(MemberContent::Text(text) | MemberContent::Compressed((text, _))) => text.clone(),
            other => panic!("{path}: {other:?}"),
        }
    }

    /// The members of a package whose files are empty.
    fn members(opkg: &Opkg, part: usize) -> Vec<Member> {
        let target = sample_target("arch", None, None);
        let Ok(output) = crate::Arch::generate(opkg, &target) else { panic!("it is not made") };
        let package = output.packages[part].clone();
        let digests =
            Digests { md5: "d41d".into(), sha1: "da39".into(), sha256: "e3b0".into(), sha512: "cf83".into() };
        let files = package.files.iter().map(|file| BuiltFile {
            path: file.path.clone(),
            kind: match &file.content {
                opkg_sdk::artefacts::Content::Directory => FileKind::Directory,
                opkg_sdk::artefacts::Content::Link(to) => FileKind::Link(to.clone()),
                _ => FileKind::Regular((7, digests.clone())),
            },
            mode: file.mode,
            owner: file.owner.clone(),
            group: file.group.clone(),
            is_configuration: backup_path(file).is_some(),
        });
        let files = files.collect();
        let built =
            Built { package, opkg: opkg.clone(), target, files, installed_size: 7, archives: Vec::new() };
        metadata(&built).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn the_package_says_what_it_is() {
        let mut opkg = sample_opkg("x");
        opkg.uri = Some("https://example.org".into());
        opkg.relations = sample_relations();
        add_laid_file(&mut opkg, "/etc/x.conf").configuration = true;
        let server = text(&members(&opkg, 1), ".PKGINFO");
        let head = "pkgname = opkg-x-server\npkgbase = opkg-x\nxdata = pkgtype=split\npkgver = 1.0-1\n\
                    pkgdesc = A sample, server part\nurl = https://example.org\nbuilddate = 1386061212\n\
                    packager = Ann Author <ann@example.org>\nsize = 7\narch = any\nlicense = GPL\n\
                    depend = opkg-x=1.0-1\ndepend = requires-any\n";
        assert!(server.starts_with(head), "{server}");
        assert!(text(&members(&opkg, 2), ".PKGINFO").ends_with("backup = etc/x.conf\n"));
        let api = text(&members(&opkg, 0), ".PKGINFO");
        assert!(api.contains("xdata = opkg-conflicts=rival\n"), "{api}");
    }

    #[test]
    fn what_was_built_can_be_told() {
        let opkg = sample_opkg("x");
        let all = members(&opkg, 0);
        let paths: Vec<&str> = all.iter().map(|member| member.path.as_str()).collect();
        assert_eq!(paths, [".BUILDINFO", ".CHANGELOG", ".MTREE", ".PKGINFO"]);
        let info = text(&all, ".BUILDINFO");
        assert!(info.starts_with("format = 2\npkgname = opkg-x\npkgbase = opkg-x\n"), "{info}");
        assert_eq!(text(&all, ".CHANGELOG"), "Ann Author <ann@example.org> - 1.0-1\n  - First release.\n");
    }

    #[test]
    fn scripts_are_functions() {
        let mut opkg = sample_opkg("x");
        let time = opkg_sdk::model::ScriptTime::PostInstall;
        add_script(&mut opkg, Part::Client, "scripts/client-post-install", &[], time, None);
        let all = members(&opkg, 2);
        let install = text(&all, ".INSTALL");
        assert!(install.starts_with("post_install() (\nOSCAR_PACKAGE_HOME="), "{install}");
        assert!(install.ends_with("\n)\npost_upgrade() {\n  post_install \"$@\"\n}\n"), "{install}");
        let line = format!(
            "./.INSTALL time=1386061212.0 size={} md5digest={} sha256digest={}\n",
            install.len(),
            digest(DigestAlgorithm::Md5, install.as_bytes()),
            digest(DigestAlgorithm::Sha256, install.as_bytes())
        );
        assert!(text(&all, ".MTREE").contains(&line));
    }

    #[test]
    fn all_that_stands_in_a_package_is_listed() {
        let mut opkg = sample_opkg("x");
        add_service(&mut opkg);
        let mtree = text(&members(&opkg, 2), ".MTREE");
        let line = "./usr/lib/systemd/system/site.service time=1386061212.0 size=7 md5digest=d41d sha256digest=e3b0\n";
        assert!(mtree.contains(line), "{mtree}");
        assert!(mtree.contains("./usr/lib time=1386061212.0 mode=755 type=dir\n"), "{mtree}");
    }
}
