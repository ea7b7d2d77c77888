//! What lands in the output directory, and that nothing does when something fails.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fs_err as fs;
use opkg_interface::artefacts::{
    BuildCommand, Field, NativeBuild, Output, QuiltSource, SourcePackage, Tarball, TextFile,
};
use opkg_package::{BuildMode, BuildOptions, Error, OutputKind, write_packages};
use sha2::{Digest, Sha256};

mod common;

use common::{Fixture, TIME};

fn text(path: &str, contents: &str, executable: bool) -> TextFile {
    TextFile { path: path.into(), contents: contents.into(), executable }
}

fn output(meta_files: Vec<TextFile>, source: SourcePackage) -> Output {
    Output {
        meta_files,
        source,
        native_build: NativeBuild { commands: Vec::new(), results: Vec::new() },
        packages: Vec::new(),
        accepted_keys: None,
        diagnostics: Vec::new(),
    }
}

fn with_tarball() -> Output {
    output(
        vec![text("SPECS/x.spec", "Name: x\n", false)],
        SourcePackage::Tarball(Tarball { path: "SOURCES/x-1.0.tar.gz".into(), prefix: "x-1.0".into() }),
    )
}

fn with_quilt() -> Output {
    output(
        vec![
            text("x-1.0/debian/rules", "#!/bin/sh\n", true),
            text("x-1.0/debian/control", "Source: x\n", false),
        ],
        SourcePackage::Quilt(QuiltSource {
            name: "x".into(),
            version: "1:1.0-2".into(),
            directory: "x-1.0".into(),
            fields: vec![Field { name: "Architecture".into(), value: "all".into() }],
        }),
    )
}

/// Everything below a directory: path → mode and contents.
fn listing(root: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let contents = if meta.is_dir() {
                open.push(path.clone());
                Vec::new()
            } else if meta.is_symlink() {
                fs::read_link(&path).unwrap().to_string_lossy().into_owned().into_bytes()
            } else {
                fs::read(&path).unwrap()
            };
            found.insert(name, (meta.permissions().mode() & 0o7777, contents));
        }
    }
    found
}

fn fixture() -> Fixture {
    Fixture::new(
        &[("config.xml", "<oscar/>", 0o644), ("scripts/a b%", "#!/bin/sh\n", 0o755)],
        &[("scripts/link", "a b%")],
    )
}

#[test]
fn a_tarball_holds_exactly_the_checked_files() {
    let fixture = fixture();
    fs::write(fixture.directory.path().join("not-checked"), "x").unwrap();
    let out = tempfile::tempdir().unwrap();
    let written =
        write_packages(&with_tarball(), fixture.source(), out.path(), BuildOptions::new(BuildMode::None))
            .unwrap();
    let roles: Vec<OutputKind> = written.iter().map(|it| it.kind).collect();
    assert_eq!(roles, [OutputKind::MetaFile, OutputKind::SourcePackage]);

    let archive = fs::read(out.path().join("SOURCES/x-1.0.tar.gz")).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&archive[..]));
    let mut entries = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut contents = String::new();
        entry.read_to_string(&mut contents).unwrap();
        let header = entry.header();
        assert_eq!(header.mtime().unwrap(), TIME as u64);
        assert_eq!((header.uid().unwrap(), header.username().unwrap()), (0, Some("root")));
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let link = entry.link_name().unwrap().map(|it| it.to_string_lossy().into_owned());
        entries.push((path, header.mode().unwrap(), contents, link));
    }
    let expected = [
        ("x-1.0/", 0o755, "", None),
        ("x-1.0/config.xml", 0o644, "<oscar/>", None),
        ("x-1.0/scripts/", 0o755, "", None),
        ("x-1.0/scripts/a b%", 0o755, "#!/bin/sh\n", None),
        ("x-1.0/scripts/link", 0o777, "", Some("a b%")),
    ]
    .map(|(path, mode, contents, link): (&str, u32, &str, Option<&str>)| {
        (path.to_owned(), mode, contents.to_owned(), link.map(str::to_owned))
    });
    assert_eq!(entries, expected);
}

#[test]
fn a_quilt_source_package_has_a_tree_two_archives_and_their_sums() {
    let fixture = fixture();
    let out = tempfile::tempdir().unwrap();
    let written =
        write_packages(&with_quilt(), fixture.source(), out.path(), BuildOptions::new(BuildMode::None))
            .unwrap();
    let names: Vec<_> = written.iter().map(|it| it.path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["x-1.0", "x_1.0.orig.tar.gz", "x_1.0-2.debian.tar.xz", "x_1.0-2.dsc"]);
    let listing = listing(out.path());
    assert_eq!(listing["x-1.0/debian/rules"].0, 0o755);
    assert_eq!(listing["x-1.0/scripts/link"].1, b"a b%");
    let control = String::from_utf8(listing["x_1.0-2.dsc"].1.clone()).unwrap();
    assert!(control.starts_with("Format: 3.0 (quilt)\nSource: x\nVersion: 1:1.0-2\nArchitecture: all\n"));
    for name in &names[1..3] {
        let contents = &listing[*name].1;
        let sum: String = Sha256::digest(contents).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(control.contains(&format!("\n {sum} {} {name}\n", contents.len())), "{control}");
    }
}

#[test]
fn the_same_input_gives_the_same_bytes_and_leftovers_go() {
    for output in [with_tarball(), with_quilt()] {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write_packages(&output, fixture().source(), one.path(), BuildOptions::new(BuildMode::None)).unwrap();
        fs::create_dir_all(two.path().join("x-1.0/debian")).unwrap();
        if matches!(output.source, SourcePackage::Quilt(_)) {
            fs::write(two.path().join("x-1.0/debian/leftover"), "").unwrap();
        } else {
            fs::remove_dir_all(two.path().join("x-1.0")).unwrap();
        }
        write_packages(&output, fixture().source(), two.path(), BuildOptions::new(BuildMode::None)).unwrap();
        assert_eq!(listing(one.path()), listing(two.path()));
    }
}

#[test]
fn a_file_that_changed_since_it_was_checked_is_refused() {
    for (contents, what) in [("<OSCAR/>", "other bytes"), ("<oscar/> ", "longer"), ("<oscar/", "shorter")] {
        for output in [with_tarball(), with_quilt()] {
            let fixture = fixture();
            fs::write(fixture.directory.path().join("config.xml"), contents).unwrap();
            let out = tempfile::tempdir().unwrap();
            let error =
                write_packages(&output, fixture.source(), out.path(), BuildOptions::new(BuildMode::None))
                    .unwrap_err();
            assert!(matches!(error, Error::FileChanged(_)), "{what}: {error}");
            assert!(listing(out.path()).is_empty(), "{what}: nothing is left");
        }
    }
}

#[test]
fn a_native_build_runs_in_a_fixed_environment_and_its_results_are_kept() {
    let fixture = fixture();
    let mut output = with_tarball();
    let script = "test -f SOURCES/x-1.0.tar.gz && mkdir RPMS && \
                  echo \"$TZ $LC_ALL $SOURCE_DATE_EPOCH $GIVEN\" > RPMS/x.rpm && echo 'much output'";
    output.native_build = NativeBuild {
        commands: vec![BuildCommand {
            argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
            env: vec![("GIVEN".into(), "yes".into())],
            directory: String::new(),
        }],
        results: vec!["RPMS/x.rpm".into()],
    };
    let out = tempfile::tempdir().unwrap();
    let builder = BuildMode::Native { verbose: false };
    let written = write_packages(&output, fixture.source(), out.path(), BuildOptions::new(builder)).unwrap();
    assert_eq!(written.last().unwrap().kind, OutputKind::BinaryPackage);
    assert_eq!(fs::read_to_string(out.path().join("x.rpm")).unwrap(), format!("UTC C.UTF-8 {TIME} yes\n"));
}

#[test]
fn a_failed_native_build_leaves_nothing_and_says_what_was_printed() {
    let fixture = fixture();
    let command = |argv: &[&str]| BuildCommand {
        argv: argv.iter().map(ToString::to_string).collect(),
        env: Vec::new(),
        directory: String::new(),
    };
    let cases = [
        (command(&["sh", "-c", "echo to be seen; exit 3"]), "`sh` failed"),
        (command(&["no-such-program-at-all"]), "is not installed"),
        (command(&["true"]), "ended without the package"),
    ];
    for (command, expected) in cases {
        let mut output = with_tarball();
        output.native_build = NativeBuild { commands: vec![command], results: vec!["x.rpm".into()] };
        let out = tempfile::tempdir().unwrap();
        let builder = BuildMode::Native { verbose: false };
        let error =
            write_packages(&output, fixture.source(), out.path(), BuildOptions::new(builder)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        if let Error::ProgramFailed { last_lines, .. } = error {
            assert_eq!(last_lines, ["to be seen"]);
        }
        assert!(listing(out.path()).is_empty());
    }
}
