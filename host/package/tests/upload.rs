//! What goes with packages into an archive, whatever a plugin says of them.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::collections::BTreeMap;

use common::Fixture;
use fs_err as fs;
use opkg_interface::artefacts::{
    BinaryPackage, Compression, Container, Field, NativeBuild, Output, QuiltSource, SourcePackage, TextFile,
};
use opkg_package::{BuildMode, BuildOptions, Error, OutputKind, write_packages};

const CHANGELOG: &str = "x (1:1.0-2) stable; urgency=low\n\n  * Made. Closes: #7\n\n -- A <a@b>  Tue, 13 May 2014 16:53:20 +0000\n";
const CONTROL: &str = "Source: x\nSection: net\nPriority: extra\n# More to come.\n\nPackage: x-api\nXC-Note: one\n\n\
                       Package: x-more\nXC-note: two\nXB-Other: three\n";

fn sample_package(name: &str, arch: &str) -> BinaryPackage {
    BinaryPackage {
        part: None,
        name: name.into(),
        epoch: 1,
        version: "1.0".into(),
        release: "2".into(),
        arch: arch.into(),
        summary: "It is x, and as long as a summary can be before anybody has to cut it short".into(),
        description: String::new(),
        license: String::new(),
        section: if arch == "all" { "doc".into() } else { String::new() },
        url: None,
        maintainer: "A <a@b>".into(),
        container: Container::Deb(Compression::Gzip),
        relations: Vec::new(),
        files: Vec::new(),
        scriptlets: Vec::new(),
        file_triggers: Vec::new(),
        interests: Vec::new(),
        changelog: Vec::new(),
        fields: Vec::new(),
        file_name: format!("{name}_1.0-2_{arch}.deb"),
    }
}

fn output(changelog: &str, control: &str) -> Output {
    let text = |name: &str, contents: &str| TextFile {
        path: format!("x-1.0/debian/{name}"),
        contents: contents.into(),
        executable: false,
    };
    Output {
        meta_files: vec![text("changelog", changelog), text("control", control)],
        source: SourcePackage::Quilt(QuiltSource {
            name: "x".into(),
            version: "1:1.0-2".into(),
            directory: "x-1.0".into(),
            fields: vec![Field { name: "Maintainer".into(), value: "B <b@c>".into() }],
        }),
        native_build: NativeBuild { commands: Vec::new(), results: Vec::new() },
        packages: vec![sample_package("x-api", "all"), sample_package("x-more", "arm64")],
        accepted_keys: None,
        diagnostics: Vec::new(),
    }
}

fn write_records(output: &Output) -> Result<BTreeMap<String, String>, Error> {
    let fixture = Fixture::new(&[("data", "x\n", 0o644)], &[]);
    let directory = tempfile::tempdir().unwrap();
    let written =
        write_packages(output, fixture.source(), directory.path(), BuildOptions::new(BuildMode::Direct));
    if written.is_err() {
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
    let records = written?.into_iter().filter(|it| it.kind == OutputKind::BuildRecord);
    let name = |it: &std::path::Path| it.file_name().unwrap().to_string_lossy().into_owned();
    Ok(records.map(|it| (name(&it.path), fs::read_to_string(&it.path).unwrap())).collect())
}

#[test]
fn everything_is_listed() {
    let records = write_records(&output(CHANGELOG, CONTROL)).unwrap();
    let names: Vec<&String> = records.keys().collect();
    assert_eq!(names, ["x_1.0-2_arm64.buildinfo", "x_1.0-2_arm64.changes"]);
    let changes = &records["x_1.0-2_arm64.changes"];
    for line in [
        "Source: x",
        "Binary: x-api x-more",
        "Architecture: source all arm64",
        "Version: 1:1.0-2",
        "Distribution: stable",
        "Urgency: low",
        "Maintainer: B <b@c>",
        "Changed-By: A <a@b>",
        " x-api      - It is x, and as long as a summary can be before anybody has to cu",
        "Closes: 7",
        "   * Made. Closes: #7",
        "Note: two",
    ] {
        assert!(changes.lines().any(|it| it == line), "{line}: {changes}");
    }
    assert!(!changes.contains("Other"), "{changes}");
    let listed = |end: &str| changes.lines().filter(|line| line.ends_with(end)).count();
    assert_eq!(listed(" net extra x_1.0-2.dsc"), 1, "{changes}");
    assert_eq!(listed(" doc extra x-api_1.0-2_all.deb"), 1, "{changes}");
    assert_eq!(listed(" net extra x-more_1.0-2_arm64.deb"), 1, "{changes}");
    assert_eq!(listed(" x_1.0-2_arm64.buildinfo"), 3, "{changes}");
    let record = &records["x_1.0-2_arm64.buildinfo"];
    assert!(record.contains("\nBuild-Architecture: arm64\nInstalled-Build-Depends:\n"), "{record}");
    assert!(!record.contains(".tar."), "{record}");
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let cases = [
        (CHANGELOG.replace("1:1.0-2", "1.0-2"), CONTROL.to_owned(), "the changelog is of x 1.0-2"),
        (CHANGELOG.replace("x (", "y ("), CONTROL.to_owned(), "the changelog is of y"),
        (String::new(), CONTROL.to_owned(), "the changelog is empty"),
        (CHANGELOG.replace(" -- ", "  "), CONTROL.to_owned(), "does not end"),
        (CHANGELOG.replace("* Made.", "* Made.\0"), CONTROL.to_owned(), "`Changes`"),
        (CHANGELOG.to_owned(), "Source: x\nSource: y\n".to_owned(), "twice"),
        (CHANGELOG.to_owned(), "Source\n".to_owned(), "no field"),
    ];
    for (changelog, control, expected) in cases {
        let error = write_records(&output(&changelog, &control)).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected:?}: {error}");
    }
    let mut without = output(CHANGELOG, CONTROL);
    without.meta_files.pop();
    let error = write_records(&without).unwrap_err().to_string();
    assert!(error.contains("there is no x-1.0/debian/control"), "{error}");
}
