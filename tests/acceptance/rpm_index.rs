//! The index of a directory of RPMs says what `createrepo_c` would.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::{corpus, generated, parallel, process, require_tools, scratch};
use roxmltree::{Document, Node};

use crate::builds;

#[test]
fn indices_are_those_of_createrepo() {
    require_tools!("createrepo_c");
    let real = corpus::samples().into_iter().map(|sample| sample.write_to_scratch());
    let made: Vec<PathBuf> = (0..20).map(|seed| generated::generate(seed).write_to_scratch()).collect();
    let directories: Vec<PathBuf> = builds::example_directories().into_iter().chain(real).collect();
    let targets = ["rhel-9", "fedora", "suse", "mandriva", "rhel-6"].map(|target| (target, "4"));
    parallel::map(&[&targets[..], &[("fedora", "6")]].concat(), |(target, format)| {
        let output = scratch::create_directory("repo");
        let mut arguments: Vec<OsString> = vec!["--dist".into(), target.into(), "--repo".into(), "-o".into()];
        arguments.push(output.clone().into());
        arguments.extend(["--rpm-format".into(), format.into()]);
        arguments.extend(directories.iter().map(OsString::from));
        // Its RPM cannot order pre-releases, of which there are some.
        arguments.extend(made.iter().filter(|_| *target != "rhel-6").map(OsString::from));
        // Filters exclude some of them.
        let ended = OpkgcEnvironment::new().run(arguments);
        assert!(matches!(ended.code, Some(0 | 4)), "{}", ended.combined_output());
        let ours = output.join(target);
        let theirs = scratch::create_directory("createrepo");
        process::run_successfully(
            Command::new("createrepo_c").arg("--quiet").arg("--outputdir").args([&theirs, &ours]),
        );
        for kind in ["primary", "filelists", "other"] {
            // Its library does not know where format 6 has the size of the archive.
            let [ours, theirs] = [&ours, &theirs].map(|it| packages(it, kind, *format == "6"));
            assert!(!ours.is_empty());
            assert_eq!(ours.len(), theirs.len(), "{target}: {kind}");
            for (id, package) in &ours {
                assert_eq!(Some(package), theirs.get(id), "{target}: {kind}");
            }
        }
    });
}

/// What a list says of packages, by their checksums, perhaps without the size of their archives. Files have in our list the time
/// of their package.
fn packages(directory: &Path, kind: &str, without_archive: bool) -> BTreeMap<String, Vec<String>> {
    let repository = fs_err::read_to_string(directory.join("repodata/repomd.xml")).unwrap();
    let repository = Document::parse(&repository).unwrap();
    let data = repository.descendants().find(|it| it.attribute("type") == Some(kind)).unwrap();
    let location =
        data.children().find(|it| it.has_tag_name(("http://linux.duke.edu/metadata/repo", "location")));
    let file = fs_err::File::open(directory.join(location.unwrap().attribute("href").unwrap())).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let document = Document::parse(&text).unwrap();
    let root = document.root_element();
    let listed: Vec<Node<'_, '_>> = root.children().filter(|it| it.tag_name().name() == "package").collect();
    assert_eq!(root.attribute("packages"), Some(listed.len().to_string().as_str()));
    let pairs = listed.into_iter().map(|package| {
        let checksum = package.children().find(|it| it.tag_name().name() == "checksum");
        let id = checksum.and_then(|it| it.text()).or(package.attribute("pkgid")).unwrap();
        let lines = package.descendants().filter(Node::is_element).map(|node| line(node, without_archive));
        (id.to_owned(), lines.collect())
    });
    pairs.collect()
}

/// An element with its attributes and text.
fn line(node: Node<'_, '_>, without_archive: bool) -> String {
    let kind = node.tag_name();
    let skipped = |name: &str| match kind.name() {
        "time" => name == "file",
        "size" => name == "archive" && without_archive,
        _ => false,
    };
    let mut attributes: Vec<String> = node
        .attributes()
        .filter(|it| !skipped(it.name()))
        .map(|it| format!("{}={:?}", it.name(), it.value()))
        .collect();
    attributes.sort();
    let text = node.text().unwrap_or_default().trim();
    format!("{} {} {attributes:?} {text:?}", kind.namespace().unwrap_or_default(), kind.name())
}
