//! Packages that are made of archives, as programs that know nothing of us read them, and what archives refuse to hold.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "common/archives.rs"]
#[allow(dead_code)]
mod archives;
mod common;
#[path = "common/package.rs"]
#[allow(dead_code)]
mod package;
#[path = "common/tool.rs"]
#[allow(dead_code)]
mod tool;

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use archives::{concatenation, container, member, nested, rest, tar_archive};
use fs_err as fs;
use opkg::digest::sha256;
use opkg_interface::archive::{
    Archive, ArchiveEntry, ArchiveFormat, DigestAlgorithm, DirectoryEntries, DirectoryMode, ExtendedHeader,
    FileLayout, FileSelection, HeaderValue, Member, MemberContent,
};
use opkg_interface::artefacts::{BinaryPackage, Compression, Container, Content, FileMarks, PackedFile};
use opkg_interface::built::{Built, FileKind, MemberSource};
use opkg_package::{BuildMode, BuildOptions, Error, write_packages};
use package::{fixture, output_of, packed_file, sample_package};
use tool::is_installed;

/// Answers each slot with one text about what it was told.
struct Teller;

impl MemberSource for Teller {
    fn members(&self, slot: &str, built: &Built<'_>) -> Result<Vec<Member>, String> {
        let mut text = format!("size = {}\n", built.installed_size);
        for file in built.files {
            let what = match &file.kind {
                FileKind::Regular(size, digests) => format!("{size} {}", digests.sha256),
                FileKind::Directory => "directory".to_owned(),
                FileKind::Link(to) => format!("-> {to}"),
            };
            text += &format!("{} {:o} {} {what}\n", file.path, file.mode, file.is_configuration);
        }
        for archive in built.archives {
            let digests = &archive.digests;
            text += &format!(
                "{} = {} {} {}\n",
                archive.name, archive.size, archive.unpacked_size, digests.sha256
            );
        }
        match slot {
            "none" => Err("it is not known".into()),
            path => Ok(vec![member(path, MemberContent::Text(text))]),
        }
    }
}

/// The file of a package with these files.
fn write(
    files: Option<Vec<PackedFile>>,
    container: &Container,
) -> Result<(tempfile::TempDir, PathBuf), Error> {
    let fixture = fixture();
    let mut package = sample_package(&fixture);
    package.files = files.unwrap_or(package.files);
    let package = BinaryPackage { container: container.clone(), ..package };
    let directory = tempfile::tempdir().unwrap();
    let options = BuildOptions { members: Some(&Teller), ..BuildOptions::new(BuildMode::Direct) };
    write_packages(&output_of(&package, container), fixture.source(), directory.path(), options)?;
    let file = directory.path().join("x");
    Ok((directory, file))
}

fn run(program: &str, arguments: &[&str], directory: &Path) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn text(path: &str, text: &str) -> ArchiveEntry {
    ArchiveEntry::Member(member(path, MemberContent::Text(text.into())))
}

fn slot(path: &str) -> ArchiveEntry {
    ArchiveEntry::Slot(path.into())
}

/// The members of gzip that a file consists of.
fn gzip_members(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut members, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let mut decoder = flate2::bufread::GzDecoder::new(rest);
        decoder.read_to_end(&mut Vec::new()).unwrap();
        let left = decoder.into_inner().len();
        members.push(&rest[..rest.len() - left]);
        rest = &rest[rest.len() - left..];
    }
    members
}

/// As Alpine has it: three members of gzip, of which the first two are tars without an end; the second has the sum of the
/// third, and headers have those of files.
#[test]
fn stretches_of_gzip_are_one_tar() {
    let cut =
        |name: &str, entries| Archive { end_marker: false, ..tar_archive(name, Compression::Gzip, entries) };
    let digest = HeaderValue::Digest(DigestAlgorithm::Sha1);
    let headers = vec![ExtendedHeader { keyword: "APK-TOOLS.checksum.SHA1".into(), value: digest }];
    let files = ArchiveEntry::Files(FileLayout { headers, ..rest("") });
    let (_directory, file) = write(
        None,
        &container(vec![
            tar_archive("data", Compression::Gzip, vec![files]),
            cut("control", vec![slot(".PKGINFO")]),
            cut("signature", vec![text(".SIGN.RSA.key", "signature")]),
            concatenation("package", &["signature", "control", "data"]),
        ]),
    )
    .unwrap();
    let bytes = fs::read(&file).unwrap();
    let members = gzip_members(&bytes);
    assert_eq!(members.len(), 3);
    let unpack = |packed: &[u8]| {
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(packed).read_to_end(&mut unpacked).unwrap();
        unpacked
    };
    // A header, and a block of contents; no zeros behind.
    assert_eq!(unpack(members[0]).len(), 1024);
    let info = String::from_utf8(unpack(members[1])).unwrap();
    let data = unpack(members[2]);
    let told = format!("data = {} {} {}\n", members[2].len(), data.len(), sha256(members[2]));
    assert!(info.contains(&told), "{told} in {info}");
    let data_sum = sha256(b"from the OPKG\n");
    assert!(info.contains(&format!("/usr/data 644 false 14 {data_sum}\n")), "{info}");
    assert!(info.contains("/usr/link 777 false -> data\n"), "{info}");
    assert!(data.ends_with(&[0; 1024]));

    let mut sums = BTreeMap::new();
    let mut archive = tar::Archive::new(&data[..]);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let records = entry.pax_extensions().unwrap();
        let sum = records.into_iter().flatten().map(Result::unwrap).map(|it| it.value().unwrap().to_owned());
        sums.insert(path, sum.collect::<Vec<_>>());
    }
    let sha1 = |text: &str| vec![text.to_owned()];
    assert_eq!(sums["usr/data"], sha1("d2aa6d113574f8c551e0a736bd45b87383386026"), "of contents");
    assert_eq!(sums["usr/link"], sha1("a17c9aaa61e80a1bf71d0d850af4e5baa9800bbd"), "of the target");
    assert!(sums["usr/"].is_empty());

    let listed = run("tar", &["--warning=no-unknown-keyword", "-tzf", "x"], file.parent().unwrap());
    assert_eq!(listed, ".SIGN.RSA.key\n.PKGINFO\netc/\netc/x\nusr/\nusr/data\nusr/link\n");
}

/// As OpenWrt has it: a tar with gzip of two others.
#[test]
fn archives_are_in_an_archive() {
    if !is_installed("bsdtar") {
        return;
    }
    for (format, list) in [(ArchiveFormat::Tar, "-tzf"), (ArchiveFormat::Ar, "-tf")] {
        let compression = if format == ArchiveFormat::Ar { Compression::None } else { Compression::Gzip };
        let prefix = if format == ArchiveFormat::Ar { "" } else { "./" };
        let entries = vec![
            text(&format!("{prefix}debian-binary"), "2.0\n"),
            nested("data", &format!("{prefix}data.tar.gz")),
            nested("control", &format!("{prefix}control.tar.gz")),
        ];
        let (directory, _file) = write(
            None,
            &container(vec![
                tar_archive("data", Compression::Gzip, vec![ArchiveEntry::Files(rest("./"))]),
                tar_archive("control", Compression::Gzip, vec![slot("./control")]),
                Archive { format, ..tar_archive("package", compression, entries) },
            ]),
        )
        .unwrap();
        let listed = run("bsdtar", &[list, "x"], directory.path());
        assert_eq!(listed.replace("./", ""), "debian-binary\ndata.tar.gz\ncontrol.tar.gz\n");
        run("bsdtar", &["-xf", "x"], directory.path());
        let data = run("bsdtar", &["-tf", "data.tar.gz"], directory.path());
        assert_eq!(data, "./\n./etc/\n./etc/x\n./usr/\n./usr/data\n./usr/link\n");
        let control = run("bsdtar", &["-xOf", "control.tar.gz"], directory.path());
        let sum = sha256(&fs::read(directory.path().join("data.tar.gz")).unwrap());
        assert!(control.starts_with("size = 16\n") && control.contains(&sum), "{control}");
    }
}

/// As xbps has it: a tar with zstd, its metadata first; as Slackware has it: one with xz, its scripts among the files.
#[test]
fn metadata_stands_before_files_or_among_them() {
    if !is_installed("bsdtar") {
        return;
    }
    let some = FileLayout {
        select: FileSelection::Paths(vec!["/etc/x".into()]),
        directories: DirectoryEntries::Owned,
        ..rest("./")
    };
    let entries = vec![
        slot("./props.plist"),
        ArchiveEntry::Files(some),
        ArchiveEntry::Files(FileLayout { directories: DirectoryEntries::Owned, ..rest("./") }),
    ];
    let (directory, file) =
        write(None, &container(vec![tar_archive("x", Compression::Zstd, entries)])).unwrap();
    assert!(fs::read(&file).unwrap().starts_with(&[0x28, 0xb5, 0x2f, 0xfd]));
    let listed = run("bsdtar", &["-tf", "x"], directory.path());
    assert_eq!(listed, "./props.plist\n./etc/x\n./usr/\n./usr/data\n./usr/link\n");

    let description = MemberContent::Compressed("text\n".into(), Compression::Gzip);
    let entries = vec![
        ArchiveEntry::Member(member("./", MemberContent::Directory)),
        ArchiveEntry::Files(rest("")),
        ArchiveEntry::Member(member("install/", MemberContent::Directory)),
        ArchiveEntry::Member(member("install/slack-desc.gz", description)),
        ArchiveEntry::Member(member("install/link", MemberContent::Link("slack-desc.gz".into()))),
    ];
    let (directory, file) =
        write(None, &container(vec![tar_archive("x", Compression::Xz, entries)])).unwrap();
    assert!(fs::read(&file).unwrap().starts_with(b"\xfd7zXZ\0"));
    let listed = run("tar", &["-tJf", "x"], directory.path());
    let expected =
        "./\netc/\netc/x\nusr/\nusr/data\nusr/link\ninstall/\ninstall/slack-desc.gz\ninstall/link\n";
    assert_eq!(listed, expected);
    run("tar", &["-xJf", "x"], directory.path());
    assert_eq!(run("gzip", &["-dc", "install/link"], directory.path()), "text\n");
}

/// The directories that an archive has: those of the distribution as it has them, those of the package as it owns them, or none.
#[test]
fn directories_stand_in_an_archive_as_the_plugin_says() {
    let owned = PackedFile { mode: 0o700, ..packed_file("/srv/own", Content::Directory, FileMarks::empty()) };
    let file = |path: &str| packed_file(path, Content::Text("x".into()), FileMarks::empty());
    let files = vec![file("/root/a"), owned, file("/srv/own/b"), file("/tmp/c")];
    let modes = [("/root", 0o750), ("/tmp", 0o1777), ("/never", 0o700)];
    let parent_modes = modes.map(|(path, mode)| DirectoryMode { path: path.into(), mode }).to_vec();
    for (directories, expected) in [
        (
            DirectoryEntries::Parents,
            "drwxr-xr-x ./\ndrwxr-x--- ./root/\n-rw-r--r-- ./root/a\ndrwxr-xr-x ./srv/\ndrwx------ ./srv/own/\n\
             -rw-r--r-- ./srv/own/b\ndrwxrwxrwt ./tmp/\n-rw-r--r-- ./tmp/c\n",
        ),
        (
            DirectoryEntries::Owned,
            "-rw-r--r-- ./root/a\ndrwx------ ./srv/own/\n-rw-r--r-- ./srv/own/b\n-rw-r--r-- ./tmp/c\n",
        ),
        (DirectoryEntries::None, "-rw-r--r-- ./root/a\n-rw-r--r-- ./srv/own/b\n-rw-r--r-- ./tmp/c\n"),
    ] {
        let layout = FileLayout { directories, parent_modes: parent_modes.clone(), ..rest("./") };
        let archive = tar_archive("x", Compression::None, vec![ArchiveEntry::Files(layout)]);
        let (directory, _) = write(Some(files.clone()), &container(vec![archive])).unwrap();
        let listed = run("tar", &["-tvf", "x"], directory.path());
        let columns = listed.lines().map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            format!("{} {}\n", words[0], words[words.len() - 1])
        });
        assert_eq!(columns.collect::<String>(), expected, "{directories:?}");
    }
}

/// For opkg, and busybox of old: no block is an extended header, whatever the names are.
#[test]
fn a_tar_of_gnu_has_files_of_any_name() {
    let long = format!("/usr/{}/{}", "d".repeat(120), "é".repeat(80));
    let paths = ["/usr/a b", "/usr/Ünïcödé ☃.txt", long.as_str()];
    let mut files =
        paths.map(|path| packed_file(path, Content::Text(path.into()), FileMarks::empty())).to_vec();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let archive = Archive {
        format: ArchiveFormat::TarGnu,
        ..tar_archive("x", Compression::None, vec![ArchiveEntry::Files(rest("./"))])
    };
    let (directory, file) = write(Some(files), &container(vec![archive])).unwrap();
    let mut blocks = fs::read(&file).unwrap();
    blocks.truncate(blocks.len() - 1024);
    assert!(blocks.chunks(512).filter(|it| it[257..].starts_with(b"ustar")).all(|it| it[156] != b'x'));
    run("tar", &["-xf", "x"], directory.path());
    for path in paths {
        assert_eq!(fs::read_to_string(directory.path().join(&path[1..])).unwrap(), path);
    }
}

#[test]
fn members_have_records_of_their_own() {
    let digest = HeaderValue::Digest(DigestAlgorithm::Sha1);
    let headers = vec![ExtendedHeader { keyword: "APK-TOOLS.checksum.SHA1".into(), value: digest }];
    let with = |member: Member| ArchiveEntry::Member(Member { headers: headers.clone(), ..member });
    let entries = vec![
        with(member("a", MemberContent::Text("abc".into()))),
        with(member("b", MemberContent::Link("abc".into()))),
        with(member("c", MemberContent::Directory)),
        ArchiveEntry::Files(rest("")),
    ];
    let (_directory, file) =
        write(None, &container(vec![tar_archive("x", Compression::None, entries)])).unwrap();
    let mut archive = tar::Archive::new(fs::File::open(&file).unwrap());
    let sums: Vec<Option<String>> = archive
        .entries()
        .unwrap()
        .take(3)
        .map(|entry| {
            let mut entry = entry.unwrap();
            let record = entry.pax_extensions().unwrap()?.next()?.unwrap();
            Some(record.value().unwrap().to_owned())
        })
        .collect();
    // FIPS 180-4's own example.
    let abc = Some("a9993e364706816aba3e25717850c26c9cd0d89d".to_owned());
    assert_eq!(sums, [abc.clone(), abc, None]);
}

#[test]
fn a_cpio_is_unpacked_by_cpio() {
    if !is_installed("cpio") {
        return;
    }
    let files = vec![
        PackedFile {
            mode: 0o4755,
            ..packed_file("/bin/tool", Content::Text("#!/bin/sh\n".into()), FileMarks::empty())
        },
        packed_file("/data", Content::Source(0), FileMarks::empty()),
        PackedFile { mode: 0o750, ..packed_file("/dir", Content::Directory, FileMarks::empty()) },
        packed_file("/link", Content::Link("a-rather-long-target".into()), FileMarks::empty()),
    ];
    let archive = Archive {
        format: ArchiveFormat::Cpio,
        ..tar_archive("x", Compression::None, vec![text("INFO", "abc"), ArchiveEntry::Files(rest("./"))])
    };
    let (directory, file) = write(Some(files), &container(vec![archive])).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().len() % 512, 0);
    let listed = run("sh", &["-c", "mkdir to; cd to; cpio -idmv < ../x 2>&1"], directory.path());
    assert!(listed.starts_with("INFO\n.\n./bin\n./bin/tool\n./data\n./dir\n./link\n"), "{listed}");
    let to = |path: &str| directory.path().join("to").join(path);
    let mode = |path: &str| fs::metadata(to(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("bin/tool"), mode("dir"), mode("bin")), (0o4755, 0o750, 0o755));
    assert_eq!(fs::read_to_string(to("data")).unwrap(), "from the OPKG\n");
    assert_eq!(fs::read_link(to("link")).unwrap(), Path::new("a-rather-long-target"));
    assert_eq!(
        fs::metadata(to("data")).unwrap().modified().unwrap(),
        std::time::UNIX_EPOCH + std::time::Duration::from_secs(common::TIME as u64)
    );
}

#[test]
fn long_names_and_other_letters_are_unpacked_by_other_programs() {
    if !is_installed("bsdtar") {
        return;
    }
    let paths = [
        format!("/{}", "n".repeat(150)),
        format!("/{}/{}", "d".repeat(90), "f".repeat(90)),
        format!("/{}", ["p"; 200].join("/")),
        "/Zürich".to_owned(),
    ];
    let mut files: Vec<PackedFile> =
        paths.iter().map(|path| packed_file(path, Content::Text(path.clone()), FileMarks::empty())).collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let archive = tar_archive("x", Compression::None, vec![ArchiveEntry::Files(rest(""))]);
    let (directory, _file) = write(Some(files), &container(vec![archive])).unwrap();
    for (program, arguments) in [("tar", ["-xf", "x", "-C"]), ("bsdtar", ["-xf", "x", "-C"])] {
        let to = tempfile::tempdir().unwrap();
        // Whatever the locale is, names are of UTF-8.
        let output = Command::new(program)
            .args(arguments)
            .arg(to.path())
            .current_dir(directory.path())
            .env("LC_ALL", "C.UTF-8")
            .output()
            .unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        for path in &paths {
            assert_eq!(fs::read_to_string(to.path().join(&path[1..])).unwrap(), *path, "{program}");
        }
    }
}

#[test]
fn what_an_archive_cannot_hold_is_refused_with_its_place() {
    let of = |format, entries| Archive { format, ..tar_archive("inner", Compression::None, entries) };
    let tar = |entries| vec![of(ArchiveFormat::Tar, entries)];
    let files = || ArchiveEntry::Files(rest(""));
    let only_files = |format| vec![of(format, vec![files()])];
    let directory = |path: &str| ArchiveEntry::Member(member(path, MemberContent::Directory));
    let owned = |entries: Vec<ArchiveEntry>, format| {
        let owner = Member { owner: "daemon".into(), ..member("a", MemberContent::Text("x".into())) };
        vec![of(format, [vec![ArchiveEntry::Member(owner)], entries].concat())]
    };
    let leveled = |compression, level| {
        vec![Archive { level: Some(level), ..tar_archive("inner", compression, vec![files()]) }]
    };
    let headers = vec![ExtendedHeader { keyword: "path".into(), value: HeaderValue::Text("y".into()) }];
    let moved = ArchiveEntry::Files(FileLayout { headers, ..rest("") });
    let some = |path: &str| FileLayout { select: FileSelection::Paths(vec![path.into()]), ..rest("") };
    let file = packed_file("/etc/x", Content::Text("x".into()), FileMarks::empty());
    let odd = [packed_file("/é", Content::Text("x".into()), FileMarks::empty())];
    let plain = std::slice::from_ref(&file);
    let ar = |entry| vec![of(ArchiveFormat::Ar, vec![entry])];
    let loose = ArchiveEntry::Files(FileLayout { directories: DirectoryEntries::Owned, ..rest("") });
    let twice = || ArchiveEntry::Files(some("/etc/x"));
    let recorded = |format| {
        let headers = vec![ExtendedHeader { keyword: "x".into(), value: HeaderValue::Text("y".into()) }];
        let member = Member { headers, ..member("a", MemberContent::Text("x".into())) };
        vec![of(format, vec![ArchiveEntry::Member(member), files()])]
    };
    let cases: [(&str, &[PackedFile], Vec<Archive>); 22] = [
        ("only a tar of POSIX has extended headers", plain, recorded(ArchiveFormat::TarGnu)),
        ("only a tar of POSIX has extended headers", plain, recorded(ArchiveFormat::Cpio)),
        ("`inner` cannot hold `sixteen-letters!`: names in an `ar`", &[], ar(text("sixteen-letters!", ""))),
        ("cannot hold `a`: an `ar` has regular files alone", &[], ar(directory("a"))),
        ("everything in an `ar` belongs to root", &[], owned(Vec::new(), ArchiveFormat::Ar)),
        ("only root's is known", plain, owned(vec![files()], ArchiveFormat::Cpio)),
        ("names in a cpio are of ASCII", &odd, only_files(ArchiveFormat::Cpio)),
        ("`./a`: there is another entry", plain, tar(vec![text("a", ""), text("./a", ""), files()])),
        ("`etc/x`: there is another entry", plain, tar(vec![text("etc/x", ""), files()])),
        ("`etc/x`: it lies below `etc`", plain, tar(vec![text("etc", ""), loose])),
        ("`a/../b`: its path has an empty component", plain, tar(vec![slot("a/../b"), files()])),
        ("an entry: it has no name there", plain, tar(vec![slot(""), files()])),
        ("`a`: a concatenation has no place", &[], vec![of(ArchiveFormat::Concatenation, vec![slot("a")])]),
        ("the slot `none`: it is not known", plain, tar(vec![slot("none"), files()])),
        ("`path` in an extended header", plain, tar(vec![moved])),
        ("level 10, where gzip has 1 to 9", plain, leveled(Compression::Gzip, 10)),
        ("level 1 that is not compressed", plain, leveled(Compression::None, 1)),
        ("/etc/x is in none of its archives", plain, tar(vec![text("a", "")])),
        ("/etc/x is in two of its archives", plain, tar(vec![twice(), twice(), files()])),
        ("/no is no file of the package", plain, tar(vec![ArchiveEntry::Files(some("/no")), files()])),
        ("no archive `no`", plain, tar(vec![nested("no", "a"), files()])),
        ("x has no archive", &[], Vec::new()),
    ];
    for (expected, files, archives) in cases {
        let said = write(Some(files.to_vec()), &container(archives)).unwrap_err().to_string();
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let capable = PackedFile { capabilities: Some("cap_chown=ep".into()), ..file };
    assert!(write(Some(vec![capable]), &container(tar(vec![files()]))).is_err());
}
