//! RPMs behave: installed from a directory of packages by `dnf` and `rpm` into a root of their own, upgraded, refused
//! as a downgrade, removed. Scriptlets leave a line each in a proof file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::roots::rpm::{self, RpmRoot};
use opkg_tests::{corpus, generated, inspect, parallel, scratch};

use crate::builds;

/// One of each family.
const TARGETS: [&str; 4] = ["rhel-9", "fedora", "suse", "mandriva"];

/// What follows the release of their packages.
const TAGS: [&str; 4] = [".el9", ".fc44", ".lp156", ".mga9"];

/// The scripts that become scriptlets, of one part.
const SCRIPTLETS: [&str; 4] = ["pre-install", "post-install", "pre-uninstall", "post-uninstall"];

/// Lays an OPKG of this version whose scripts all prove that they ran; the one named fails.
fn write_proof_opkg(name: &str, version: &str, failing: Option<&str>) -> PathBuf {
    let config = file_tree::minimal_config(name, "").replace("1.0-1", version);
    let mut items =
        vec![TreeEntry::file("config.xml", 0o644, config), TreeEntry::file("README", 0o644, "Read me.\n")];
    for script in
        ["api", "server", "client"].iter().flat_map(|part| SCRIPTLETS.map(|time| format!("{part}-{time}")))
    {
        let end = if failing == Some(&script) { "exit 1\n" } else { "" };
        let text = format!("#!/bin/sh\necho \"{script} $* of {version}\" >> \"$PROOF\"\n{end}");
        items.push(TreeEntry::file(format!("scripts/{script}"), 0o755, text));
    }
    let directory = scratch::create_directory("opkg").join(name);
    file_tree::write_tree(&directory, &items);
    directory
}

/// Compiles into a directory of packages; returns that.
fn compile(opkg: &Path, target: &str, output: &Path) -> PathBuf {
    let arguments: [OsString; 6] =
        ["--dist".into(), target.into(), "--repo".into(), "-o".into(), output.into(), opkg.into()];
    OpkgcEnvironment::new().run_successfully(arguments);
    output.join(target)
}

/// The binary packages in a directory.
fn packages(directory: &Path) -> Vec<PathBuf> {
    let files = inspect::package_files(directory).into_iter();
    files.filter(|file| file.extension().is_some_and(|it| it == "rpm")).collect()
}

#[test]
fn packages_are_installed_upgraded_and_removed() {
    if !rpm::is_supported() {
        return;
    }
    let targets: Vec<_> = TARGETS.into_iter().zip(TAGS).collect();
    parallel::map(&targets, |(target, tag)| {
        let output = scratch::create_directory("repo");
        compile(&write_proof_opkg("life", "1.0-1", None), target, &output);
        let source = compile(&write_proof_opkg("life", "2.0-1", None), target, &output);
        let files = packages(&source);
        let root = RpmRoot::new();
        root.install_stub(&files);
        let before = root.paths();

        let old = ["install", "opkg-life-server-1.0-1*", "opkg-life-client-1.0-1*", "opkg-life-1.0-1*"];
        let ended = root.dnf(&[&source], old);
        assert_eq!(ended.code, Some(0), "{target}: {}", ended.combined_output());
        assert_eq!(versions(&root), vec![format!("1.0-1{tag}"); 3], "{target}");
        let proof = root.take_proof();
        for part in ["api", "server", "client"] {
            assert_eq!(
                lines_of_part(part, &proof),
                expected_steps(part, [("pre-install", 1, "1.0-1"), ("post-install", 1, "1.0-1")])
            );
        }
        let place = |line: &str| proof.iter().position(|it| it.starts_with(line)).unwrap();
        assert!(place("api-post-install") < place("server-pre-install"), "{proof:#?}");
        assert_verified(&root);

        let ended = root.dnf(&[&source], ["upgrade"]);
        assert_eq!(ended.code, Some(0), "{target}: {}", ended.combined_output());
        assert_eq!(versions(&root), vec![format!("2.0-1{tag}"); 3], "{target}");
        let proof = root.take_proof();
        for part in ["api", "server", "client"] {
            // The old package's script is gone when it would run from its file: the new one's runs, which is why
            // the rules want scripts that can run any number of times.
            let expected = [
                ("pre-install", 2, "2.0-1"),
                ("post-install", 2, "2.0-1"),
                ("pre-uninstall", 1, "2.0-1"),
                ("post-uninstall", 1, "1.0-1"),
            ];
            assert_eq!(lines_of_part(part, &proof), expected_steps(part, expected), "{target}");
        }
        assert_verified(&root);

        let old = files.iter().filter(|file| file.to_string_lossy().contains("-1.0-1."));
        let ended = root.rpm([OsString::from("-U")].into_iter().chain(old.map(OsString::from)));
        assert_ne!(ended.code, Some(0), "{target}: a downgrade");
        assert!(ended.stderr.contains("newer than"), "{}", ended.combined_output());
        assert_eq!(versions(&root), vec![format!("2.0-1{tag}"); 3], "{target}");
        assert_eq!(root.take_proof(), [""; 0]);

        let ended = root.dnf(&[&source], ["remove", "opkg-life", "opkg-life-client"]);
        assert_eq!(ended.code, Some(0), "{target}: {}", ended.combined_output());
        assert!(versions(&root).is_empty(), "{target}");
        let proof = root.take_proof();
        for part in ["api", "server", "client"] {
            let expected = [("pre-uninstall", 0, "2.0-1"), ("post-uninstall", 0, "2.0-1")];
            assert_eq!(lines_of_part(part, &proof), expected_steps(part, expected), "{target}");
        }
        // What the packages shared goes with the package that owns it.
        let ended = root.rpm(["-e", inspect::FILESYSTEM_PACKAGE]);
        assert!(
            ended.code == Some(0) || !root.path().join("usr/lib/oscar").exists(),
            "{target}: {}",
            ended.combined_output()
        );
        let left: Vec<_> = root.paths().difference(&before).cloned().collect();
        assert!(left.is_empty(), "{target}: {left:?}");
    });
}

/// Those of the packages that were made of OPKGs.
fn versions(root: &RpmRoot) -> Vec<String> {
    let installed = root.installed().into_iter();
    installed.filter(|(name, _)| name != inspect::FILESYSTEM_PACKAGE).map(|(_, version)| version).collect()
}

/// The lines of a part, in their order.
fn lines_of_part(part: &str, proof: &[String]) -> Vec<String> {
    proof.iter().filter(|line| line.starts_with(part)).cloned().collect()
}

fn expected_steps<const N: usize>(part: &str, steps: [(&str, u32, &str); N]) -> Vec<String> {
    steps.iter().map(|(time, count, version)| format!("{part}-{time} {count} of {version}")).collect()
}

/// `rpm -V` finds what it should, and what somebody changed.
fn assert_verified(root: &RpmRoot) {
    let names: Vec<String> = root.installed().into_keys().collect();
    let ended = root.rpm([&["-V".to_owned(), "--nodeps".to_owned()], names.as_slice()].concat());
    assert!(ended.code == Some(0) && ended.stdout.is_empty(), "{}", ended.combined_output());
}

#[test]
fn a_changed_file_is_found_by_verification() {
    if !rpm::is_supported() {
        return;
    }
    let source =
        compile(&write_proof_opkg("changed", "1.0-1", None), "rhel-9", &scratch::create_directory("repo"));
    let root = RpmRoot::new();
    root.install_stub(&packages(&source));
    let ended = root.dnf(&[&source], ["install", "opkg-changed"]);
    assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
    let script = "usr/lib/oscar/packages/changed/api-post-install";
    fs_err::write(root.path().join(script), "#!/bin/sh\n").unwrap();
    let ended = root.rpm(["-V", "opkg-changed"]);
    assert!(ended.stdout.starts_with("S.5") && ended.stdout.contains(script), "{}", ended.combined_output());
}

#[test]
fn a_failing_pre_install_stops_the_installation() {
    if !rpm::is_supported() {
        return;
    }
    parallel::map(&TARGETS, |target| {
        let failing = write_proof_opkg("fails", "1.0-1", Some("api-pre-install"));
        let source = compile(&failing, target, &scratch::create_directory("repo"));
        let root = RpmRoot::new();
        root.install_stub(&packages(&source));
        let before = root.paths();
        let ended = root.dnf(&[&source], ["install", "opkg-fails"]);
        assert_ne!(ended.code, Some(0), "{target}: {}", ended.combined_output());
        assert!(versions(&root).is_empty(), "{target}: {:?}", root.installed());
        assert_eq!(root.take_proof(), ["api-pre-install 1 of 1.0-1"], "{target}");
        // What it needs had come before it.
        let ended = root.rpm(["-e", inspect::FILESYSTEM_PACKAGE]);
        assert_eq!(ended.code, Some(0), "{target}: {}", ended.combined_output());
        let left: Vec<_> = root.paths().difference(&before).cloned().collect();
        assert!(left.is_empty(), "{target}: {left:?}");
    });
}

#[test]
fn generated_packages_are_installed_and_their_scripts_run() {
    if !rpm::is_supported() {
        return;
    }
    let work: Vec<(u64, &str)> = (0..6).zip(TARGETS.into_iter().cycle()).collect();
    let ran = parallel::map(&work, |(seed, target)| {
        let source = compile(
            &generated::generate(*seed).write_to_scratch(),
            target,
            &scratch::create_directory("repo"),
        );
        let files = if source.exists() { packages(&source) } else { return 0 };
        let root = RpmRoot::new();
        // Their relations are made up, and some contradict each other.
        let ended = root
            .rpm(["-i", "--nodeps"].map(OsString::from).into_iter().chain(files.iter().map(OsString::from)));
        assert_eq!(ended.code, Some(0), "seed {seed} for {target}: {}", ended.combined_output());
        assert_eq!(root.installed().len(), files.len());
        assert_verified(&root);
        let installed = root.take_proof();
        for line in &installed {
            assert!(line.contains(" 1 /usr/lib/oscar/packages/"), "seed {seed} for {target}: {line}");
        }
        remove(&root);
        let removed = root.take_proof();
        for line in &removed {
            assert!(line.contains(" 0 /usr/lib/oscar/packages/"), "seed {seed} for {target}: {line}");
        }
        installed.len() + removed.len()
    });
    assert!(ran.iter().sum::<usize>() > 5, "scripts that ran: {ran:?}");
}

/// Their scripts expect a cluster, so they do not run.
#[test]
fn packages_of_the_corpus_and_the_examples_are_installed() {
    if !rpm::is_supported() {
        return;
    }
    let real = corpus::samples().into_iter().step_by(4).map(|sample| sample.write_to_scratch());
    let directories: Vec<PathBuf> = builds::example_directories().into_iter().chain(real).collect();
    let work: Vec<(&PathBuf, &str)> = directories.iter().zip(TARGETS.into_iter().cycle()).collect();
    parallel::map(&work, |(directory, target)| {
        let source = compile(directory, target, &scratch::create_directory("repo"));
        if let Some(root) = install(&source, &["--setopt=tsflags=noscripts"]) {
            assert_eq!(root.take_proof(), [""; 0]);
            // `rpm` has no such setting of its own.
            let names: Vec<String> = root.installed().into_keys().collect();
            let ended = root.rpm([&["-e".to_owned(), "--noscripts".to_owned()], names.as_slice()].concat());
            assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
        }
    });
}

/// Installs everything from a directory of packages into a new root and verifies it; nothing if there are none.
fn install(source: &Path, options: &[&str]) -> Option<RpmRoot> {
    let files = if source.exists() { packages(source) } else { Vec::new() };
    if files.is_empty() {
        return None;
    }
    let root = RpmRoot::new();
    root.install_stub(&files);
    let ended = root.dnf(&[source], [&["install", "opkg-*"], options].concat());
    assert_eq!(ended.code, Some(0), "{}: {}", source.display(), ended.combined_output());
    assert_eq!(root.installed().len(), files.len(), "{}", ended.combined_output());
    assert_verified(&root);
    Some(root)
}

fn remove(root: &RpmRoot) {
    let names: Vec<String> = root.installed().into_keys().collect();
    let ended = root.rpm([&["-e".to_owned()], names.as_slice()].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
    assert!(root.installed().is_empty());
}
