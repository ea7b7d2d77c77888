//! What the distribution's own tools make of the meta-files, compared with what the plugin says of the
//! packages. Skipped, with a word, where the tools are not installed.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::*;
use opkg_plugin_debian::Debian;
use opkg_sdk::Distribution;
use opkg_sdk::artefacts::{BinaryPackage, Content, NativeKind, Output, SourcePackage};
use opkg_sdk::model::{Bound, Comparison, Opkg, ScriptTime};

/// Builds in a directory of that name.
fn build_in(
    opkg: &Opkg,
    name: &str,
    env: &[(&str, &str)],
    umask: &str,
) -> (Output, tempfile::TempDir, PathBuf) {
    let output = generate(opkg);
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join(name);
    write_source_tree(opkg, &output, &root);
    run_native_build(&output, &root, env, umask);
    (output, scratch, root)
}

fn control_field(deb: &Path, name: &str) -> String {
    stdout_of(Command::new("dpkg-deb").arg("-f").arg(deb).arg(name)).trim_end_matches('\n').to_owned()
}

fn relations(package: &BinaryPackage, wanted: fn(&NativeKind) -> bool) -> String {
    let mut all = Vec::new();
    let text = |name: &str, bound: &Option<Bound>| match bound {
        None => name.to_owned(),
        Some(bound) => {
            let sign = match bound.comparison {
                Comparison::Lt => "<<",
                Comparison::Le => "<=",
                Comparison::Eq => "=",
                Comparison::Ge => ">=",
                Comparison::Gt => ">>",
            };
            format!("{name} ({sign} {})", bound.version)
        }
    };
    for relation in package.relations.iter().filter(|relation| wanted(&relation.kind)) {
        let others = relation.alternatives.iter().map(|it| format!(" | {}", text(&it.name, &it.bound)));
        all.push(format!("{}{}", text(&relation.name, &relation.bound), others.collect::<String>()));
    }
    all.join(", ")
}

fn expected_fields(package: &BinaryPackage) -> BTreeMap<String, String> {
    let mut description = package.summary.clone();
    for line in package.description.split('\n') {
        description.push_str(&format!("\n {}", if line.is_empty() { "." } else { line }));
    }
    let epoch = if package.epoch > 0 { format!("{}:", package.epoch) } else { String::new() };
    let mut fields = BTreeMap::from([
        ("Package".to_owned(), package.name.clone()),
        ("Version".into(), format!("{epoch}{}-{}", package.version, package.release)),
        ("Architecture".into(), package.arch.clone()),
        ("Maintainer".into(), package.maintainer.clone()),
        ("Section".into(), package.section.clone()),
        ("Homepage".into(), package.url.clone().unwrap_or_default()),
        ("Description".into(), description),
        ("Pre-Depends".into(), relations(package, |kind| matches!(kind, NativeKind::PreRequires(_)))),
        ("Depends".into(), relations(package, |kind| matches!(kind, NativeKind::Requires))),
        ("Recommends".into(), relations(package, |kind| matches!(kind, NativeKind::Recommends))),
        ("Suggests".into(), relations(package, |kind| matches!(kind, NativeKind::Suggests))),
        ("Enhances".into(), relations(package, |kind| matches!(kind, NativeKind::Enhances))),
        ("Breaks".into(), relations(package, |kind| matches!(kind, NativeKind::Breaks))),
        ("Replaces".into(), relations(package, |kind| matches!(kind, NativeKind::Obsoletes))),
        ("Conflicts".into(), relations(package, |kind| matches!(kind, NativeKind::Conflicts))),
        ("Provides".into(), relations(package, |kind| matches!(kind, NativeKind::Provides))),
    ]);
    for extra in &package.fields {
        // The source's version is told where it differs from the package's, which it never does.
        fields.insert(extra.name.clone(), extra.value.clone());
    }
    fields
}

fn assert_agree(opkg: &Opkg, package: &BinaryPackage, deb: &Path) {
    for (name, value) in expected_fields(package) {
        assert_eq!(control_field(deb, &name), value, "{name} of {}", package.name);
    }
    let listed = stdout_of(Command::new("dpkg-deb").arg("-f").arg(deb));
    for line in listed.lines().filter(|line| !line.starts_with(' ')) {
        let name = line.split(':').next().unwrap();
        let known = expected_fields(package).contains_key(name) || name == "Installed-Size";
        assert!(known, "{name} of {} is nowhere in the record", package.name);
    }

    let scratch = tempfile::tempdir().unwrap();
    run_checked(Command::new("dpkg-deb").arg("-e").arg(deb).arg(scratch.path().join("control")));
    run_checked(Command::new("dpkg-deb").arg("-x").arg(deb).arg(scratch.path().join("data")));
    let scripts: Vec<_> = ["preinst", "postinst", "prerm", "postrm"]
        .into_iter()
        .filter_map(|name| {
            let text = fs::read_to_string(scratch.path().join("control").join(name)).ok()?;
            Some((name, text))
        })
        .collect();
    let recorded: Vec<_> = package
        .scriptlets
        .iter()
        .map(|scriptlet| {
            let name = match scriptlet.time {
                ScriptTime::PreInstall => "preinst",
                ScriptTime::PostInstall => "postinst",
                ScriptTime::PreUninstall => "prerm",
                ScriptTime::PostUninstall => "postrm",
                _ => panic!("dpkg has no such script"),
            };
            (name, format!("#!{}\n{}", scriptlet.interpreter.join(" "), scriptlet.body))
        })
        .collect();
    assert_eq!(scripts, recorded);
    let triggers = fs::read_to_string(scratch.path().join("control/triggers")).unwrap_or_default();
    let interests = package.interests.iter().map(|path| format!("interest-noawait {path}\n"));
    assert_eq!(triggers, interests.collect::<String>());
    run_checked(
        Command::new("md5sum").args(["-c", "../control/md5sums"]).current_dir(scratch.path().join("data")),
    );

    assert_eq!(list_archive(deb), expected_files(package), "files of {}", package.name);
    for file in &package.files {
        let path = scratch.path().join("data").join(file.path.trim_start_matches('/'));
        match &file.content {
            Content::Text(text) => assert_eq!(fs::read_to_string(path).unwrap(), *text),
            Content::GzipText(text) => {
                let mut unpacked = String::new();
                flate2::read::GzDecoder::new(fs::File::open(path).unwrap())
                    .read_to_string(&mut unpacked)
                    .unwrap();
                assert_eq!(unpacked, *text);
            }
            Content::Source(node) => {
                let source = opkg.files.iter().find(|source| source.at == *node).unwrap();
                assert_eq!(fs::read_to_string(path).unwrap(), file_contents(source));
            }
            Content::Link(target) => assert_eq!(fs::read_link(path).unwrap(), Path::new(target)),
            Content::Directory => {}
        }
    }
}

/// `-rw-r--r-- root/root path`, parents of what is packed left out, sorted.
fn list_archive(deb: &Path) -> Vec<String> {
    let listed = Command::new("sh")
        .args(["-c", "dpkg-deb --fsys-tarfile \"$0\" | tar --quoting-style=literal -tvf -"])
        .arg(deb)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let mut lines: Vec<String> = listed
        .lines()
        .map(|line| {
            let (mode, rest) = line.split_once(' ').unwrap();
            let (owner, rest) = rest.split_once(' ').unwrap();
            let path = &rest[rest.find("./").unwrap() + 1..];
            format!("{mode} {owner} {}", path.trim_end_matches('/'))
        })
        .collect();
    let all = lines.clone();
    // A directory without a record of its own is there because of what lies in it.
    lines.retain(|line| {
        let path = line.splitn(3, ' ').nth(2).unwrap();
        let parent = all.iter().any(|other| other.contains(&format!("root/root {path}/")));
        !line.starts_with('d') || !parent || is_owned_dir(path)
    });
    lines.sort();
    lines
}

fn is_owned_dir(path: &str) -> bool {
    [HOME, "/usr/lib/oscar/testing/data/watch", "/usr/share/doc/opkg-watch"].contains(&path)
}

fn expected_files(package: &BinaryPackage) -> Vec<String> {
    let mut lines: Vec<String> = package
        .files
        .iter()
        .map(|file| {
            let (mode, target) = match &file.content {
                Content::Directory => ("drwxr-xr-x", String::new()),
                Content::Link(target) => ("lrwxrwxrwx", format!(" -> {target}")),
                _ if file.mode == 0o755 => ("-rwxr-xr-x", String::new()),
                _ => ("-rw-r--r--", String::new()),
            };
            format!("{mode} root/root {}{target}", file.path)
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn the_native_build_agrees_with_the_records() {
    if !is_installed("dpkg-buildpackage") {
        return;
    }
    let opkg = sample_opkg();
    let (output, _scratch, root) = build_in(&opkg, "with a blank's", &[], "077");
    for package in &output.packages {
        assert_agree(&opkg, package, &root.join(&package.file_name));
    }
}

#[test]
fn relations_of_every_kind() {
    if !is_installed("dpkg-buildpackage") {
        return;
    }
    let mut opkg = sample_opkg();
    opkg.relations = opkg_sdk::testing::sample_relations();
    let (output, _scratch, root) = build_in(&opkg, "related", &[], "022");
    for package in &output.packages {
        assert_agree(&opkg, package, &root.join(&package.file_name));
    }
}

#[test]
fn triggers_of_files() {
    let mut opkg = sample_opkg();
    opkg_sdk::testing::add_triggers(&mut opkg);
    let (output, _scratch, root) = build_in(&opkg, "build", &[], "022");
    for (package, result) in output.packages.iter().zip(&output.native_build.results) {
        assert_agree(&opkg, package, &root.join(result));
    }
    assert_eq!(output.packages.iter().map(|package| package.interests.len()).sum::<usize>(), 2);
}

#[test]
fn two_builds_are_identical() {
    if !is_installed("dpkg-buildpackage") {
        return;
    }
    let opkg = sample_opkg();
    let (output, _a, first) = build_in(&opkg, "a", &[("TZ", "Asia/Tokyo"), ("LC_ALL", "C")], "022");
    let (_, _b, second) = build_in(
        &opkg,
        "b b",
        &[("TZ", "UTC"), ("LC_ALL", "C.UTF-8"), ("DEB_BUILD_OPTIONS", "parallel=2")],
        "002",
    );
    for result in &output.native_build.results {
        assert!(fs::read(first.join(result)).unwrap() == fs::read(second.join(result)).unwrap(), "{result}");
    }
}

#[test]
fn a_foreign_architecture_is_built_for() {
    if !is_installed("dpkg-buildpackage") {
        return;
    }
    let opkg = sample_opkg();
    let output = Debian::generate(&opkg, &target("debian", Some("12"), Some("aarch64"))).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    write_source_tree(&opkg, &output, scratch.path());
    run_native_build(&output, scratch.path(), &[], "022");
    for package in &output.packages {
        assert_agree(&opkg, package, &scratch.path().join(&package.file_name));
    }
}

#[test]
fn cleaning_leaves_the_tree_as_it_was() {
    if !is_installed("dpkg-buildpackage") {
        return;
    }
    let opkg = sample_opkg();
    let (output, _scratch, root) = build_in(&opkg, "x", &[], "022");
    let tree = root.join(source_dir(&output));
    run_checked(Command::new("debian/rules").arg("clean").current_dir(&tree));
    let fresh = root.join("fresh");
    write_source_tree(&opkg, &output, &fresh);
    run_checked(
        Command::new("diff")
            .arg("-r")
            .arg("--no-dereference")
            .arg(&tree)
            .arg(fresh.join(source_dir(&output))),
    );
}

#[test]
fn the_changelog_is_read_without_a_warning() {
    if !is_installed("dpkg-parsechangelog") {
        return;
    }
    let opkg = sample_opkg();
    let output = generate(&opkg);
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("changelog");
    fs::write(&path, meta_file(&output, "changelog")).unwrap();
    let read = |arguments: &[&str]| {
        let out = run_checked(Command::new("dpkg-parsechangelog").arg("-l").arg(&path).args(arguments));
        assert_eq!(String::from_utf8_lossy(&out.stderr), "");
        String::from_utf8(out.stdout).unwrap()
    };
    let all = read(&["--all", "--format", "rfc822"]);
    assert_eq!(all.matches("\nVersion: ").count(), 3, "{all}");
    assert_eq!(read(&["-S", "Closes"]), "12 345\n");
    assert_eq!(read(&["-S", "Maintainer"]), "Noor Haddad <noor@example.org>\n");
    assert_eq!(read(&["-S", "Timestamp"]), "1410344866\n");
}

#[test]
fn the_source_package_is_described_as_its_tool_does() {
    if !is_installed("dpkg-source") {
        return;
    }
    let opkg = sample_opkg();
    let output = generate(&opkg);
    let scratch = tempfile::tempdir().unwrap();
    write_source_tree(&opkg, &output, scratch.path());
    let SourcePackage::Quilt(quilt) = &output.source else { panic!("{output:?}") };
    let version = quilt.version.split_once(':').map_or(quilt.version.as_str(), |(_, rest)| rest);
    let (upstream, _) = version.rsplit_once('-').unwrap();
    let original = format!("{}_{upstream}.orig.tar.gz", quilt.name);
    run_checked(
        Command::new("tar")
            .args(["--exclude=debian", "-czf", &original, &quilt.directory])
            .current_dir(scratch.path()),
    );
    let out =
        run_checked(Command::new("dpkg-source").args(["-b", &quilt.directory]).current_dir(scratch.path()));
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(!said.contains("warning"), "{said}");
    let dsc = fs::read_to_string(scratch.path().join(format!("{}_{version}.dsc", quilt.name))).unwrap();
    for field in &quilt.fields {
        let gap = if field.value.starts_with('\n') { "" } else { " " };
        let expected = format!("\n{}:{gap}{}\n", field.name, field.value);
        assert!(dsc.contains(&expected), "{expected}\nis not in\n{dsc}");
    }
    for line in dsc.lines().filter(|line| !line.starts_with(' ')) {
        let name = line.split(':').next().unwrap();
        let hosts = ["Format", "Source", "Version", "Checksums-Sha1", "Checksums-Sha256", "Files"];
        assert!(hosts.contains(&name) || quilt.fields.iter().any(|field| field.name == name), "{name}");
    }
}

#[test]
fn lintian_finds_no_error() {
    if !is_installed("dpkg-buildpackage") || !is_installed("lintian") {
        return;
    }
    let (output, _scratch, root) = build_in(&sample_opkg(), "x", &[], "022");
    let mut lintian = Command::new("lintian");
    lintian.args(["--allow-root", "--fail-on", "none", "--tag-display-limit", "0"]);
    lintian.args(output.native_build.results.iter().map(|name| root.join(name)));
    lintian.args(
        fs::read_dir(&root)
            .unwrap()
            .map(|it| it.unwrap().path())
            .filter(|it| it.extension().is_some_and(|it| it == "changes")),
    );
    let found = stdout_of(&mut lintian);
    println!("{found}");
    let errors: Vec<_> = found.lines().filter(|line| line.starts_with("E:")).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}
