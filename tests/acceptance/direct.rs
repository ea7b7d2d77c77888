//! The packages that `opkgc` writes itself are those that the distributions' own tools make of its
//! meta-files: tag by tag, relation by relation, file by file. What may differ is listed here, with the
//! reason, and nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::{corpus, expect, generated, inspect, parallel, process, require_tools, scratch, tools};

use crate::{builds, site_examples};

/// Tags of an RPM that say something about the machine or tool that made it, not about the package.
const VARIABLE_TAGS: [(&str, &str); 16] = [
    ("Sigsize", "of the header and the compressed payload, which differ"),
    ("Sigmd5", "likewise"),
    ("Sha1header", "of the header, in which the tags below differ"),
    ("Sha256header", "likewise"),
    ("Payloadcompressor", "ours is what the target's RPM can read, rpmbuild's what this machine prefers"),
    ("Payloadflags", "likewise"),
    ("Payloaddigest", "of the compressed payload; that of the payload itself must be the same"),
    ("Rpmversion", "no RPM made it"),
    ("Optflags", "nothing is compiled"),
    ("Platform", "names the machine that built it"),
    ("Cookie", "names the machine that built it"),
    ("Buildhost", "of a rebuild only"),
    ("Filecolors", "of compiled programs, which there are none of"),
    ("Fileclass", "what libmagic on the building machine takes a file for"),
    ("Classdict", "likewise"),
    ("Spec", "the spec with all macros expanded as on this machine"),
];

/// Named without a version, and one that needs no decision at all.
const TARGETS: [&str; 4] = ["rhel", "rhel-8-x86_64", "mandriva", "debian"];

pub const TOOLS: [&str; 4] = ["rpm", "rpmbuild", "dpkg-buildpackage", "dpkg-deb"];

#[test]
fn examples_agree() {
    if !tools::all_installed(&TOOLS) {
        return;
    }
    parallel::map(&builds::example_directories(), |directory| {
        let [native, direct] = ["native", "direct"].map(|builder| compile(directory, &TARGETS, builder));
        assert_eq!(assert_packages_agree(&native, &direct), 4 * 4);
        assert_sources_agree(&direct);
    });
}

#[test]
fn generated_opkgs_agree() {
    if !tools::all_installed(&TOOLS) {
        return;
    }
    let seeds: Vec<u64> = (0..6).collect();
    parallel::map(&seeds, |seed| {
        let directory = generated::generate(*seed).write_to_scratch();
        let targets = expect::VERSIONED_TARGETS.map(|target| target.dist);
        let [native, direct] = ["native", "direct"].map(|builder| compile(&directory, &targets, builder));
        assert_packages_agree(&native, &direct);
        assert_sources_agree(&direct);
    });
}

/// Of every family, newer releases and older ones, which cannot say all of what newer ones can.
pub const FAMILIES: [&str; 7] = [
    "rhel-9-x86_64",
    "fedora-43-x86_64",
    "leap-15.6-x86_64",
    "mageia-9-x86_64",
    "ydl",
    "debian-13-amd64",
    "ubuntu-24.04-amd64",
];

#[test]
fn packages_of_a_site_agree() {
    if !tools::all_installed(&TOOLS) {
        return;
    }
    parallel::map(&site_examples::directories(), |directory| {
        let [native, direct] = ["native", "direct"].map(|builder| compile(directory, &FAMILIES, builder));
        assert!(assert_packages_agree(&native, &direct) >= FAMILIES.len());
        assert_sources_agree(&direct);
    });
}

/// Families and releases that the corpus is not compiled for elsewhere in these tests.
const OTHER_TARGETS: [&str; 10] = [
    "rhel-6-x86_64",
    "rhel-10",
    "fedora",
    "suse",
    "suse-11",
    "sles-15.6",
    "mandriva-2008.0",
    "mageia-9",
    "ydl",
    "ubuntu",
];

#[test]
fn the_corpus_agrees_for_all_distributions() {
    if !tools::all_installed(&TOOLS) {
        return;
    }
    let compared = parallel::map(&corpus::samples(), |sample| {
        let directory = sample.write_to_scratch();
        let [native, direct] =
            ["native", "direct"].map(|builder| compile(&directory, &OTHER_TARGETS, builder));
        assert_packages_agree(&native, &direct)
    });
    let compared: usize = compared.iter().sum();
    assert!(corpus::samples().is_empty() || compared > 400, "only {compared} packages");
}

#[test]
fn the_corpus_agrees() {
    let targets = expect::UNVERSIONED_TARGETS.map(|target| target.dist);
    let compared = parallel::map(builds::compiled_corpus(), |one| {
        assert_packages_agree(&one.output, &compile(&one.directory, &targets, "direct"))
    });
    let compared: usize = compared.iter().sum();
    assert!(builds::compiled_corpus().is_empty() || compared > 150, "only {compared} packages");
}

#[test]
fn they_can_be_installed_and_verified() {
    require_tools!("rpm", "dpkg", "dpkg-deb");
    if !tools::is_root() {
        return;
    }
    for directory in builds::example_directories() {
        let output = compile(&directory, &TARGETS, "direct");
        for target in ["rhel", "rhel-8-x86_64", "mandriva"] {
            let packages = inspect::package_files(&output.join(target));
            let root = scratch::create_directory("rpm-root");
            process::run_successfully(Command::new("rpm").arg("--initdb").arg("--root").arg(&root));
            let checked = process::run_successfully(Command::new("rpm").arg("-Kv").args(&packages));
            let digests: Vec<&str> = checked.lines().filter(|line| line.contains("digest")).collect();
            assert!(digests.len() == 4 * 4 && digests.iter().all(|it| it.ends_with(": OK")), "{checked}");
            let mut install = Command::new("rpm");
            install.arg("--root").arg(&root).args(["-i", "--nodeps", "--noscripts", "--ignorearch"]);
            process::run_successfully(install.args(&packages));
            let mut verify = Command::new("rpm");
            verify.arg("--root").arg(&root).args(["-Va", "--nodeps", "--noscripts"]);
            assert_eq!(process::run_successfully(&mut verify), "");
        }
        let root = scratch::create_directory("dpkg-root");
        for directory in ["info", "updates"] {
            fs_err::create_dir_all(root.join("var/lib/dpkg").join(directory)).unwrap();
        }
        fs_err::write(root.join("var/lib/dpkg/status"), "").unwrap();
        // A script that runs before the package is there needs a whole system.
        let without_script = |file: &&PathBuf| !members(file, "--ctrl-tarfile").contains_key("./preinst");
        let packages = inspect::package_files(&output.join("debian"));
        let mut dpkg = Command::new("dpkg");
        dpkg.arg("--root").arg(&root).args(["--force-depends", "--unpack"]);
        process::run_successfully(dpkg.args(packages.iter().filter(without_script)));
        let verified =
            process::run_successfully(Command::new("dpkg").arg("--root").arg(&root).arg("--verify"));
        assert_eq!(verified, "");
    }
}

/// Targets, and the macro by which a machine says that it is one.
const TARGET_MACROS: [(&str, &str); 4] = [
    ("rhel-9", "rhel 9"),
    ("fedora-43", "fedora 43"),
    ("leap-15.6", "suse_version 1500"),
    ("mageia-9", "mageia 9"),
];

#[test]
fn a_source_package_builds_the_same_packages() {
    require_tools!("rpm", "rpmbuild");
    let targets = TARGET_MACROS.map(|(target, _)| target);
    parallel::map(&builds::example_directories(), |directory| {
        let output = compile(directory, &targets, "direct");
        for (target, machine) in TARGET_MACROS {
            let output = output.join(target);
            let top = scratch::create_directory("rebuild");
            let mut rpmbuild = Command::new("rpmbuild");
            rpmbuild.arg("--define").arg(format!("_topdir {}", top.display())).args(["--define", machine]);
            process::run_successfully(
                rpmbuild.arg("--rebuild").arg(source_package(&output)).env("HOME", &top),
            );
            for direct in inspect::packages_of_opkgs(&output) {
                let name = direct.file_name().unwrap();
                let arch = if name.to_string_lossy().ends_with(".noarch.rpm") { "noarch" } else { "x86_64" };
                let rebuilt = inspect::read(&top.join("RPMS").join(arch).join(name)).package;
                assert_eq!(rebuilt, inspect::read(&direct).package, "{target}");
            }
        }
    });
}

#[test]
fn lintian_says_no_more_than_of_the_native_ones() {
    require_tools!("lintian", "dpkg-buildpackage");
    let direct: Vec<PathBuf> = parallel::map(builds::compiled_examples(), |one| {
        compile(&one.directory, &["debian"], "direct").join("debian")
    });
    let native: Vec<PathBuf> = builds::compiled_examples()
        .iter()
        .map(|one| one.target_directory(&expect::UNVERSIONED_TARGETS[2]))
        .collect();
    let [direct, native] = [direct, native].map(|directories| {
        let packages: Vec<PathBuf> = directories.iter().flat_map(|it| inspect::package_files(it)).collect();
        let mut lintian = Command::new("lintian");
        lintian.args(["--allow-root", "--display-info", "--fail-on", "none"]).args(packages);
        let said = process::run_successfully(lintian.env("LC_ALL", "C.UTF-8"));
        said.lines().map(str::to_owned).collect::<BTreeSet<String>>()
    });
    assert!(direct.is_subset(&native), "{:#?}", direct.difference(&native));
}

/// Compiles an OPKG for these targets in one call; returns what `--output` named.
pub fn compile(directory: &Path, targets: &[&str], builder: &str) -> PathBuf {
    let output = scratch::create_directory("direct");
    let mut arguments: Vec<OsString> = vec!["--dist".into(), targets.join(",").into()];
    arguments.extend(["--builder".into(), builder.into(), "-o".into(), output.clone().into()]);
    arguments.push(directory.into());
    OpkgcEnvironment::new().run_successfully(arguments);
    output
}

/// Compares all binary packages below two output directories; returns how many there are.
pub fn assert_packages_agree(native: &Path, direct: &Path) -> usize {
    let packages = |output: &Path| -> BTreeMap<PathBuf, PathBuf> {
        let targets = fs_err::read_dir(output).unwrap().map(|entry| entry.unwrap().path());
        let packages = targets.flat_map(|target| inspect::package_files(&target));
        packages.map(|file| (file.strip_prefix(output).unwrap().to_owned(), file)).collect()
    };
    let (native, direct) = (packages(native), packages(direct));
    assert_eq!(native.keys().collect::<Vec<_>>(), direct.keys().collect::<Vec<_>>());
    for (native, direct) in native.values().zip(direct.values()) {
        if native.extension().is_some_and(|it| it == "rpm") {
            assert_rpms_agree(native, direct);
        } else {
            assert_debs_agree(native, direct);
        }
    }
    native.len()
}

fn assert_rpms_agree(native: &Path, direct: &Path) {
    assert_same(direct, &rpm_tags(native), &rpm_tags(direct));
    for question in ["--dump", "--scripts"] {
        let answer = |file| process::run_successfully(Command::new("rpm").args(["-qp", question]).arg(file));
        assert_eq!(answer(native), answer(direct), "{}", direct.display());
    }
}

/// Every tag with its values, relations as one each.
fn rpm_tags(file: &Path) -> BTreeMap<String, Vec<String>> {
    let printed = process::run_successfully(Command::new("rpm").args(["-qp", "--xml"]).arg(file));
    let document = roxmltree::Document::parse(&printed).unwrap();
    let named = document.descendants().filter(|it| it.has_tag_name("rpmTag"));
    let mut tags: BTreeMap<String, Vec<String>> = named
        .map(|tag| {
            let values = tag.children().filter(roxmltree::Node::is_element);
            let values = values.map(|it| it.text().unwrap_or_default().to_owned()).collect();
            (tag.attribute("name").unwrap().to_owned(), values)
        })
        .filter(|(name, _)| !VARIABLE_TAGS.iter().any(|(listed, _)| listed == name))
        .collect();
    for kind in ["Require", "Provide", "Conflict", "Obsolete", "Recommend", "Suggest"] {
        let mut lists = ["name", "flags", "version"]
            .map(|part| tags.remove(&format!("{kind}{part}")).unwrap_or_default());
        let count = lists[0].len();
        assert!(lists.iter().all(|list| list.len() == count), "{kind} in {}", file.display());
        let [names, flags, versions] = &mut lists;
        let relations = names.iter().zip(flags).zip(versions).map(|((n, f), v)| format!("{n} {f} {v}"));
        // Follows from the compression.
        let relations = relations.filter(|it| !it.starts_with("rpmlib(PayloadIs"));
        tags.insert(kind.to_owned(), relations.collect());
    }
    tags
}

/// The source packages below an output directory are those that `rpmbuild -bs` makes.
pub fn assert_sources_agree(output: &Path) {
    for entry in fs_err::read_dir(output).unwrap() {
        let target = entry.unwrap().path();
        if !target.join("SPECS").is_dir() {
            continue;
        }
        let direct = source_package(&target);
        let top = scratch::create_directory("source");
        for directory in ["SPECS", "SOURCES"] {
            fs_err::create_dir(top.join(directory)).unwrap();
            for file in fs_err::read_dir(target.join(directory)).unwrap() {
                let file = file.unwrap();
                fs_err::copy(file.path(), top.join(directory).join(file.file_name())).unwrap();
            }
        }
        let time =
            process::run_successfully(Command::new("rpm").args(["-qp", "--qf", "%{BUILDTIME}"]).arg(&direct));
        let spec = fs_err::read_dir(top.join("SPECS")).unwrap().next().unwrap().unwrap().path();
        let mut rpmbuild = Command::new("rpmbuild");
        rpmbuild.arg("--define").arg(format!("_topdir {}", top.display())).arg("-bs").arg(spec);
        process::run_successfully(rpmbuild.env("SOURCE_DATE_EPOCH", time));
        let native = top.join("SRPMS").join(direct.file_name().unwrap());
        assert_rpms_agree(&native, &direct);
    }
}

fn source_package(directory: &Path) -> PathBuf {
    let files = fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut sources = files.filter(|path| path.to_string_lossy().ends_with(".src.rpm"));
    let source = sources.next().unwrap_or_else(|| panic!("no source package in {}", directory.display()));
    assert!(sources.next().is_none(), "two source packages in {}", directory.display());
    source
}

/// Relations of a deb that another one implies: dpkg-gencontrol leaves them out, whatever that other one is.
fn is_implied(field: &str, relation: &str, fields: &BTreeMap<String, String>) -> bool {
    let name = |relation: &str| relation.split(' ').next().unwrap_or_default().to_owned();
    let others = relations(fields, field).into_iter().filter(|other| other != relation);
    let provided = if matches!(field, "Pre-Depends" | "Depends" | "Recommends" | "Suggests") {
        relations(fields, "Provides")
    } else {
        BTreeSet::new()
    };
    others.chain(provided).any(|other| name(&other) == name(relation))
}

fn relations(fields: &BTreeMap<String, String>, field: &str) -> BTreeSet<String> {
    let list = fields.get(field).map_or("", String::as_str);
    list.split(", ").filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

fn assert_debs_agree(native: &Path, direct: &Path) {
    let fields = |file: &Path| -> BTreeMap<String, String> {
        let printed = process::run_successfully(Command::new("dpkg-deb").arg("-f").arg(file));
        let joined = printed.replace("\n ", "\x00");
        let fields = joined.lines().map(|line| line.split_once(':').unwrap());
        fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
    };
    let (mut native_fields, mut direct_fields) = (fields(native), fields(direct));
    let told = direct_fields.clone();
    let all = [
        "Pre-Depends",
        "Depends",
        "Recommends",
        "Suggests",
        "Enhances",
        "Conflicts",
        "Breaks",
        "Replaces",
        "Provides",
    ];
    for field in all {
        // Their order means nothing.
        let (wanted, got) = (relations(&native_fields, field), relations(&told, field));
        if got.is_superset(&wanted) && got.difference(&wanted).all(|it| is_implied(field, it, &told)) {
            native_fields.remove(field);
            direct_fields.remove(field);
        }
    }
    assert_same(direct, &native_fields, &direct_fields);
    let controls = [native, direct].map(|file| {
        let mut control = members(file, "--ctrl-tarfile");
        // Compared by its fields.
        control.remove("./control");
        control
    });
    assert_same(direct, &controls[0], &controls[1]);
    assert_same(direct, &members(native, "--fsys-tarfile"), &members(direct, "--fsys-tarfile"));
}

/// Members by name: everything that the archive says of them, and their bytes.
fn members(file: &Path, which: &str) -> BTreeMap<String, String> {
    let archive = process::stdout_bytes(Command::new("dpkg-deb").arg(which).arg(file));
    let mut archive = tar::Archive::new(archive.as_slice());
    let mut found = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if path.ends_with("/changelog.Debian.gz") {
            // Two programs that compress alike may do so in different ways.
            let mut text = Vec::new();
            flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut text).unwrap();
            bytes = text;
        }
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        if path == "./md5sums" {
            text = text.lines().filter(|it| !it.ends_with("/changelog.Debian.gz")).collect();
        }
        let link = entry.link_name_bytes().map(|it| String::from_utf8_lossy(&it).into_owned());
        let header = entry.header();
        let told = format!(
            "{:?} {link:?} {:o} {} {} {:?} {:?} {}\n{text}",
            header.entry_type(),
            header.mode().unwrap() & 0o7777,
            header.uid().unwrap(),
            header.gid().unwrap(),
            header.username(),
            header.groupname(),
            header.mtime().unwrap(),
        );
        assert!(found.insert(path.clone(), told).is_none(), "{path} is in there twice");
    }
    found
}

fn assert_same<V: PartialEq + std::fmt::Debug>(
    file: &Path,
    native: &BTreeMap<String, V>,
    direct: &BTreeMap<String, V>,
) {
    let names: BTreeSet<&String> = native.keys().chain(direct.keys()).collect();
    let differences: Vec<String> = names
        .into_iter()
        .filter(|name| native.get(*name) != direct.get(*name))
        .map(|name| format!("{name}:\n native {:?}\n direct {:?}", native.get(name), direct.get(name)))
        .collect();
    assert!(differences.is_empty(), "{}:\n{}", file.display(), differences.join("\n"));
}
