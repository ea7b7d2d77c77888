//! `.changes` and `.buildinfo` say what the distribution's own tools say of the same files. What may differ is
//! listed here, with the reason, and nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::{generated, parallel, process, require_tools, scratch};

use crate::builds;

/// Fields of `.buildinfo` that tell of a machine with the distribution's tools, which ours is not.
const MACHINE_FIELDS: [(&str, &str); 5] = [
    ("Build-Origin", "whose tools they are"),
    ("Build-Date", "what the clock said"),
    ("Build-Tainted-By", "what is unusual about the machine"),
    ("Installed-Build-Depends", "none of them had a part in it"),
    ("Environment", "nothing in it has a part but the time that everything is stamped with"),
];

#[test]
fn examples_and_generated_packages() {
    require_tools!("dpkg-genchanges", "dpkg-genbuildinfo", "dpkg-deb");
    let generated = (0..6).map(|seed| generated::generate(seed).write_to_scratch());
    let directories: Vec<PathBuf> = builds::example_directories().into_iter().chain(generated).collect();
    let compared = parallel::map(&directories, |directory| {
        let output = scratch::create_directory("upload");
        let target = output.join("debian-12");
        let arguments = ["--dist", "debian-12", "-o", output.to_str().unwrap(), directory.to_str().unwrap()];
        let ended = OpkgcEnvironment::new().run(arguments);
        if ended.code == Some(4) {
            return 0;
        }
        assert_eq!(ended.code, Some(0), "{}", ended.combined_output());
        assert_tools_agree(&target);
        1
    });
    assert!(compared.iter().sum::<i32>() > 4, "{compared:?}");
}

/// Has the tools describe the files in a directory, which has one upload.
fn assert_tools_agree(directory: &Path) {
    let [changes, record] = ["changes", "buildinfo"].map(|extension| {
        let files = fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let found: Vec<PathBuf> =
            files.filter(|file| file.extension().is_some_and(|it| it == extension)).collect();
        let [file] = found.as_slice() else { panic!("{found:?}") };
        file.clone()
    });
    let ours = parse_fields(&fs_err::read_to_string(&changes).unwrap());
    // What a build leaves for the tools: the packages that it made, and what to say of them.
    let listed = ours["Files"].lines().filter(|line| line.ends_with(".deb") || line.ends_with(".buildinfo"));
    let listed: String = listed
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            format!("{} {} {}\n", words[4], words[2], words[3])
        })
        .collect();
    let entries = fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let tree = entries.into_iter().find(|path| path.join("debian/control").is_file()).unwrap();
    fs_err::write(tree.join("debian/files"), listed).unwrap();

    let theirs = process::run_successfully(
        Command::new("dpkg-genchanges").args(["-q", "-sa", "--build=full"]).current_dir(&tree),
    );
    assert_same(&changes, &parse_fields(&theirs), &ours, &[]);

    let other = scratch::create_directory("buildinfo").join("x.buildinfo");
    let mut genbuildinfo = Command::new("dpkg-genbuildinfo");
    genbuildinfo.arg(format!("-O{}", other.display())).arg("--build=full").current_dir(&tree);
    process::run_successfully(&mut genbuildinfo);
    let mut theirs = parse_fields(&fs_err::read_to_string(other).unwrap());
    // It lists everything that was made before it, hence ours as well.
    let own = format!(" {}", record.file_name().unwrap().to_str().unwrap());
    for list in theirs.values_mut() {
        *list = list.lines().filter(|line| !line.ends_with(&own)).collect::<Vec<_>>().join("\n");
    }
    let ours = parse_fields(&fs_err::read_to_string(&record).unwrap());
    if ours["Build-Architecture"] == "all" {
        // Theirs is the machine's; ours are made for one machine only if a package is.
        theirs.insert("Build-Architecture".to_owned(), "all".to_owned());
    }
    assert_same(&record, &theirs, &ours, &MACHINE_FIELDS);
}

fn parse_fields(text: &str) -> BTreeMap<String, String> {
    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    let mut last = String::new();
    for line in text.lines() {
        if line.starts_with(' ') {
            let value = fields.get_mut(&last).unwrap();
            value.push('\n');
            value.push_str(line.trim_end());
        } else {
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("{line:?}"));
            last = name.to_owned();
            assert!(fields.insert(last.clone(), value.trim().to_owned()).is_none(), "{name} twice");
        }
    }
    fields
}

fn assert_same(
    file: &Path,
    theirs: &BTreeMap<String, String>,
    ours: &BTreeMap<String, String>,
    free: &[(&str, &str)],
) {
    let names: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    for name in names.into_iter().filter(|name| !free.iter().any(|(listed, _)| listed == name)) {
        let value = |fields: &BTreeMap<String, String>| -> Vec<String> {
            let value = fields.get(name).cloned().unwrap_or_default();
            // The order of files and architectures means nothing.
            let mut parts: Vec<String> = match name.as_str() {
                "Architecture" => value.split(' ').map(str::to_owned).collect(),
                _ => value.lines().map(str::to_owned).collect(),
            };
            if name != "Changes" {
                parts.sort();
            }
            parts
        };
        assert_eq!(value(theirs), value(ours), "{name} of {}", file.display());
    }
}
