//! What a directory is before and after, and what in it is never touched.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;
#[path = "common/package.rs"]
mod package;

use std::cell::Cell;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use fs_err as fs;
use opkg_interface::artefacts::{
    BinaryPackage, Compression, Container, Output, RpmDigestAlgorithm, RpmFormat, RpmFormatVersion,
    SourcePackage,
};
use opkg_package::{BuildMode, BuildOptions, Error, IndexRequest, OutputDir, write_index, write_packages};
use package::{fixture, output_of, sample_package, write_single};
use rustix::fs::{CWD, FlockOperation, Mode, flock, mkfifoat};

/// Puts something at a path.
type Prepare<'a> = &'a dyn Fn(PathBuf);

const RPM: Container = Container::Rpm(RpmFormat {
    version: RpmFormatVersion::V4,
    newest_version: RpmFormatVersion::V6,
    compression: Compression::Gzip,
    file_digests: RpmDigestAlgorithm::Sha256,
});
const DEB: Container = Container::Deb(Compression::Gzip);

/// A directory `out` for packages, in one that is empty otherwise.
struct Place {
    root: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    fn out(&self) -> PathBuf {
        self.root.path().join("out")
    }

    fn at(&self, path: &str) -> PathBuf {
        self.out().join(path)
    }

    /// Writes a package of that summary, and an index.
    fn build(&self, container: Container, summary: &str) -> Result<(), Error> {
        let fixture = fixture();
        let file_name = if matches!(container, Container::Rpm(_)) { "x.rpm" } else { "x.deb" };
        let package = BinaryPackage {
            file_name: file_name.into(),
            summary: summary.into(),
            ..sample_package(&fixture)
        };
        let output_dir = OutputDir::new(self.root.path());
        let staged = output_dir.stage(
            "out",
            &output_of(&package, container),
            fixture.source(),
            BuildOptions::new(BuildMode::Direct),
        )?;
        let index = Some(IndexRequest::unsigned("x"));
        output_dir.publish("out", &[&staged], index, &|| ()).map(drop)
    }

    fn names(&self) -> Vec<String> {
        names(self.root.path())
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Contents, inode and mode of everything that is a file.
fn snapshot(directory: &Path) -> Vec<(PathBuf, u64, u32, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(snapshot(&entry.path()));
        } else if kind.is_file() {
            let metadata = entry.metadata().unwrap();
            let contents = fs::read(entry.path()).unwrap();
            found.push((entry.path(), metadata.ino(), metadata.mode(), contents));
        } else {
            found.push((entry.path(), entry.metadata().unwrap().ino(), 0, Vec::new()));
        }
    }
    found.sort();
    found
}

#[test]
fn nothing_is_written_through_a_link_or_over_what_is_no_file() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("file"), "mine").unwrap();
    let link_to_outside = |path: PathBuf| symlink(outside.path(), path).unwrap();
    let link_to_file = |path: PathBuf| symlink(outside.path().join("file"), path).unwrap();
    let pipe = |path: PathBuf| mkfifoat(CWD, path, Mode::RWXU).unwrap();
    let cases: [(&str, Container, Prepare<'_>); 9] = [
        ("repodata", RPM, &link_to_outside),
        ("repodata", RPM, &link_to_file),
        ("repodata", RPM, &|path| fs::write(path, "mine").unwrap()),
        ("x.rpm", RPM, &link_to_file),
        ("x.rpm", RPM, &pipe),
        ("x.deb", DEB, &link_to_file),
        ("Packages", DEB, &link_to_file),
        ("Release", DEB, &pipe),
        ("InRelease", DEB, &link_to_file),
    ];
    for (path, container, make) in cases {
        let place = Place::new();
        fs::create_dir(place.out()).unwrap();
        make(place.at(path));
        let before = snapshot(place.root.path());
        let error = place.build(container, "now").unwrap_err();
        assert!(matches!(&error, Error::NotWrittenByUs { .. }), "{path}: {error}");
        assert!(error.to_string().starts_with(&*place.at(path).to_string_lossy()), "{path}: {error}");
        assert_eq!(snapshot(place.root.path()), before, "{path}");
        assert_eq!(place.names(), ["out"], "{path}");
    }
    let place = Place::new();
    link_to_outside(place.out());
    assert!(matches!(place.build(RPM, "now").unwrap_err(), Error::NotWrittenByUs { .. }));
    assert_eq!(names(outside.path()), ["file"]);
    assert_eq!(fs::read_to_string(outside.path().join("file")).unwrap(), "mine");
}

#[test]
fn other_names_of_a_file_keep_what_is_in_it() {
    let place = Place::new();
    for (container, files) in
        [(RPM, &["x.rpm", "repodata/repomd.xml"][..]), (DEB, &["x.deb", "Packages", "Release"])]
    {
        place.build(container.clone(), "before").unwrap();
        let kept = tempfile::tempdir_in(place.root.path()).unwrap();
        let second = |file: &str| kept.path().join(file.replace('/', "-"));
        let before: Vec<Vec<u8>> = files
            .iter()
            .map(|file| {
                fs::hard_link(place.at(file), second(file)).unwrap();
                fs::read(place.at(file)).unwrap()
            })
            .collect();
        place.build(container, "now").unwrap();
        for (file, before) in files.iter().zip(before) {
            assert_eq!(fs::read(second(file)).unwrap(), before, "{file}");
            assert_ne!(fs::read(place.at(file)).unwrap(), before, "{file}");
        }
    }
}

#[test]
fn what_others_keep_there_stays_as_it_is() {
    let place = Place::new();
    place.build(RPM, "before").unwrap();
    place.build(DEB, "before").unwrap();
    fs::create_dir_all(place.at("notes/deep")).unwrap();
    for (path, mode) in [
        ("notes/deep/file", 0o600),
        ("repodata/comps.xml", 0o640),
        ("repodata/0123-primary.xml.gz", 0o644),
        ("key.asc", 0o444),
    ] {
        fs::write(place.at(path), "mine").unwrap();
        fs::set_permissions(place.at(path), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    symlink("nowhere", place.at("link")).unwrap();
    mkfifoat(CWD, place.at("notes/pipe"), Mode::RWXU).unwrap();
    fs::set_permissions(place.at("notes"), std::fs::Permissions::from_mode(0o2750)).unwrap();
    fs::set_permissions(place.out(), std::fs::Permissions::from_mode(0o2775)).unwrap();
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::open(place.at("notes")).unwrap().set_modified(time).unwrap();
    let is_mine = |file: &(PathBuf, u64, u32, Vec<u8>)| file.3 == b"mine" || file.2 == 0;
    let mine = |place: &Place| snapshot(&place.out()).into_iter().filter(is_mine).collect::<Vec<_>>();
    let before = mine(&place);
    assert_eq!(before.len(), 6);
    let lists = names(&place.at("repodata"));
    place.build(RPM, "now").unwrap();
    place.build(DEB, "now").unwrap();
    assert_eq!(mine(&place), before);
    assert_eq!(names(&place.at("repodata")).len(), lists.len(), "the lists of before are gone");
    let mode = |path: PathBuf| fs::metadata(path).unwrap().mode() & 0o7777;
    assert_eq!((mode(place.at("notes")), mode(place.out())), (0o2750, 0o2775));
    assert_eq!(fs::metadata(place.at("notes")).unwrap().modified().unwrap(), time);
    assert_eq!(place.names(), ["out"]);
}

#[test]
fn an_index_of_another_program_is_not_replaced() {
    let repomd = |kind: &str| {
        format!(
            "<repomd xmlns=\"http://linux.duke.edu/metadata/repo\"><data type=\"primary\"/>\
             <data type=\"{kind}\"/></repomd>"
        )
    };
    let cases = [
        (RPM, "repodata/repomd.xml", repomd("group"), Some("it has a list `group`")),
        (RPM, "repodata/repomd.xml", repomd("primary_db"), Some("it has a list `primary_db`")),
        (RPM, "repodata/repomd.xml", repomd("filelists"), None),
        (RPM, "repodata/repomd.xml", "torn".into(), None),
        (DEB, "Release", "Origin: Debian\nSuite: x\n".into(), Some("its `Origin` is not `OPKG`")),
        (DEB, "Release", "Suite: x\n".into(), Some("its `Origin` is not `OPKG`")),
        (DEB, "Release", "Origin: OPKG\nSuite: x\n".into(), None),
        (DEB, "Release", "\0\0\0".into(), None),
    ];
    for (container, path, contents, refused) in cases {
        let place = Place::new();
        fs::create_dir_all(place.at(path).parent().unwrap()).unwrap();
        fs::write(place.at(path), &contents).unwrap();
        let before = snapshot(&place.out());
        match (place.build(container, "now"), refused) {
            (Ok(()), None) => assert_ne!(fs::read(place.at(path)).unwrap(), contents.as_bytes()),
            (Err(Error::ForeignIndex { file, reason }), Some(expected)) => {
                assert_eq!((file, reason.as_str()), (place.at(path), expected));
                assert_eq!(snapshot(&place.out()), before);
            }
            (other, _) => panic!("{contents}: {other:?}"),
        }
    }
}

#[test]
fn what_a_killed_run_left_goes_and_nothing_else() {
    let place = Place::new();
    let root = place.root.path();
    fs::create_dir_all(root.join(".opkgc-foreign/deep")).unwrap();
    fs::write(root.join(".opkgc-foreign/deep/file"), "mine").unwrap();
    fs::write(root.join(".opkgc-file"), "mine").unwrap();
    let left = root.join(".opkgc-left");
    fs::create_dir_all(left.join("0/next")).unwrap();
    fs::write(left.join("0/next/x.rpm"), "half").unwrap();
    let mark = opkg_scratch::ScratchDir::new("mark-", Some(root)).unwrap();
    fs::copy(mark.path().join(opkg_scratch::ScratchDir::MARK), left.join(opkg_scratch::ScratchDir::MARK))
        .unwrap();
    drop(mark);
    place.build(RPM, "now").unwrap();
    assert_eq!(place.names(), [".opkgc-file", ".opkgc-foreign", "out"]);
    assert_eq!(fs::read_to_string(root.join(".opkgc-foreign/deep/file")).unwrap(), "mine");
}

#[test]
fn two_at_a_time_come_one_after_the_other() {
    let place = Place::new();
    let lock = fs::File::open(place.root.path()).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let (sender, waiting) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            let fixture = fixture();
            let package = BinaryPackage { file_name: "x.rpm".into(), ..sample_package(&fixture) };
            let output_dir = OutputDir::new(place.root.path());
            let staged = output_dir
                .stage(
                    "out",
                    &output_of(&package, RPM),
                    fixture.source(),
                    BuildOptions::new(BuildMode::Direct),
                )
                .unwrap();
            let wait = move || sender.send(()).unwrap();
            output_dir.publish("out", &[&staged], None, &wait).unwrap();
        });
        waiting.recv().unwrap();
        assert!(!place.out().exists());
        drop(lock);
    });
    assert!(place.at("x.rpm").exists());
}

/// Directories of several targets are published at a time, and other processes are waited for once.
#[test]
fn directories_of_one_run_do_not_wait_for_each_other() {
    let place = Place::new();
    let lock = fs::File::open(place.root.path()).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let (sender, waiting) = mpsc::channel();
    let output_dir = OutputDir::new(place.root.path());
    let targets = ["a", "b", "c", "d"];
    let stage = |name: &str| {
        let fixture = fixture();
        let package = BinaryPackage { file_name: format!("{name}.deb"), ..sample_package(&fixture) };
        let options = BuildOptions::new(BuildMode::Direct);
        output_dir.stage(name, &output_of(&package, DEB), fixture.source(), options).unwrap()
    };
    let staged = targets.map(stage);
    // Nothing may be published over a file, and that is nothing to the others.
    fs::write(place.root.path().join("b"), "mine").unwrap();
    let published = thread::scope(|scope| {
        let begun: Vec<_> = targets
            .iter()
            .zip(&staged)
            .map(|(name, staged)| {
                let (sender, output_dir) = (sender.clone(), &output_dir);
                scope.spawn(move || {
                    let index = Some(IndexRequest::unsigned(name));
                    output_dir.publish(name, &[staged], index, &|| sender.send(()).unwrap())
                })
            })
            .collect();
        drop(sender);
        waiting.recv().unwrap();
        assert_eq!(fs::read_to_string(place.root.path().join("b")).unwrap(), "mine");
        assert!(!place.root.path().join("a").exists());
        drop(lock);
        begun.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    for (name, published) in targets.iter().zip(published) {
        assert_eq!(published.is_ok(), *name != "b", "{name}: {published:?}");
    }
    for name in ["a", "c", "d"] {
        let packages = fs::read_to_string(place.root.path().join(name).join("Packages")).unwrap();
        assert!(packages.contains(&format!("\nFilename: ./{name}.deb\n")), "{packages}");
    }
    assert_eq!(waiting.try_iter().count(), 0, "one of them waited for all");
    // The lock is free again.
    let lock = fs::File::open(place.root.path()).unwrap();
    flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
}

/// All that several of them write is there in the end, and in the index.
#[test]
fn many_at_a_time_lose_nothing() {
    let place = Place::new();
    thread::scope(|scope| {
        for number in 0..6 {
            let place = &place;
            scope.spawn(move || {
                let fixture = fixture();
                let sample = sample_package(&fixture);
                let package = BinaryPackage {
                    file_name: format!("x{number}.deb"),
                    name: format!("opkg-x{number}"),
                    ..sample
                };
                let waited = Cell::new(0);
                let output_dir = OutputDir::new(place.root.path());
                let staged = output_dir
                    .stage(
                        "out",
                        &output_of(&package, DEB),
                        fixture.source(),
                        BuildOptions::new(BuildMode::Direct),
                    )
                    .unwrap();
                let index = Some(IndexRequest::unsigned("x"));
                output_dir.publish("out", &[&staged], index, &|| waited.set(1)).unwrap();
            });
        }
    });
    let packages = fs::read_to_string(place.at("Packages")).unwrap();
    assert_eq!(packages.matches("\nFilename: ").count(), 6, "{packages}");
    assert_eq!(place.names(), ["out"]);
}

#[test]
fn an_index_is_of_regular_files_that_are_packages() {
    let cases: [(&str, Prepare<'_>, &str); 6] = [
        ("y.rpm", &|path| mkfifoat(CWD, path, Mode::RWXU).unwrap(), "not a regular file"),
        ("y.rpm", &|path| fs::create_dir(path).unwrap(), "not a regular file"),
        ("y.rpm", &|path| symlink("x.rpm", path).unwrap(), "not a regular file"),
        ("y.deb", &|path| drop(std::os::unix::net::UnixListener::bind(path).unwrap()), "not a regular file"),
        // However large they are.
        ("y.rpm", &|path| fs::File::create(path).unwrap().set_len(1 << 40).unwrap(), "not an RPM"),
        (
            "y.deb",
            &|path| fs::File::create(path).unwrap().set_len(1 << 40).unwrap(),
            "it is no package of this format",
        ),
    ];
    for (name, make, expected) in cases {
        let place = Place::new();
        place.build(RPM, "before").unwrap();
        make(place.at(name));
        let error = write_index(&place.out(), IndexRequest::unsigned("x")).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(expected), "{error}");
        let error = place.build(RPM, "now").unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(expected), "{error}");
    }
}

#[test]
fn a_directory_is_made_or_refused() {
    let fixture = fixture();
    let made = write_single(&fixture, &sample_package(&fixture), RPM).unwrap();
    assert_eq!(names(made.path()), ["tree", "x"]);
    let output = output_of(&sample_package(&fixture), RPM);
    assert!(
        write_packages(&output, fixture.source(), Path::new("/"), BuildOptions::new(BuildMode::Direct))
            .is_err()
    );
}

#[test]
fn what_is_staged_beside_others_does_not_replace_their_files() {
    let place = Place::new();
    let fixture = fixture();
    let output_dir = OutputDir::new(place.root.path());
    let stage = |names: &[&str], directory: &str| {
        let sample = BinaryPackage { container: RPM, ..sample_package(&fixture) };
        let packages = names.iter().map(|name| BinaryPackage { file_name: (*name).into(), ..sample.clone() });
        let output = Output { packages: packages.collect(), ..output_of(&sample, RPM) };
        let output = with_tree(output, directory);
        output_dir.stage("out", &output, fixture.source(), BuildOptions::new(BuildMode::Direct))
    };
    let first = stage(&["a.rpm"], "one").unwrap();
    let error = stage(&["b.rpm", "a.rpm"], "two").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the plugin returned something that cannot be packed: two files are called a.rpm"
    );
    let third = stage(&["c.rpm"], "three").unwrap();
    output_dir.publish("out", &[&first, &third], None, &|| ()).unwrap();
    assert_eq!(names(&place.out()), ["a.rpm", "c.rpm", "one", "three"]);
}

#[test]
fn packages_are_the_same_on_any_number_of_threads() {
    let fixture = fixture();
    let sample = BinaryPackage { container: RPM, ..sample_package(&fixture) };
    let packages = (0..9).map(|number| BinaryPackage {
        file_name: format!("x{number}.rpm"),
        name: format!("opkg-x{number}"),
        ..sample.clone()
    });
    let output = Output { packages: packages.collect(), ..output_of(&sample, RPM) };
    let made = [1, 2, 5, 50].map(|threads| {
        let place = Place::new();
        let output_dir = OutputDir::new(place.root.path());
        let options = BuildOptions { threads, ..BuildOptions::new(BuildMode::Direct) };
        let staged = output_dir.stage("out", &output, fixture.source(), options).unwrap();
        assert_eq!(
            staged.paths().skip(1).collect::<Vec<_>>(),
            output.packages.iter().map(|package| &package.file_name).collect::<Vec<_>>()
        );
        output_dir.publish("out", &[&staged], None, &|| ()).unwrap();
        output
            .packages
            .iter()
            .map(|package| fs::read(place.at(&package.file_name)).unwrap())
            .collect::<Vec<_>>()
    });
    assert!(made.iter().all(|files| *files == made[0]));
}

/// With the OPKG's files in that directory.
fn with_tree(output: Output, directory: &str) -> Output {
    Output { source: SourcePackage::Tree(directory.into()), ..output }
}
