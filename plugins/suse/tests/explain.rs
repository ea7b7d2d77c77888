//! What is made of zypper's output: each file in `printed` and `simulated` is what it really printed.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;

use opkg_plugin_suse::Suse;
use opkg_sdk::package_manager::{Failure, UnaskedChange};
use opkg_sdk::{Distribution, PackageManager};

type Zypper = <Suse as Distribution>::Manager;

fn recorded(name: &str) -> String {
    format!("{}/tests/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn zypper_1_14() {
    let mut files: Vec<_> = std::fs::read_dir(recorded("printed/zypper-1.14"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut text = String::new();
    for file in files {
        writeln!(text, "{}", file.file_stem().unwrap().display()).unwrap();
        for failure in Zypper::explain(&std::fs::read_to_string(file).unwrap(), false) {
            let Failure { cause, packages, transient } = &failure;
            let passes = if *transient { " (passes by itself)" } else { "" };
            let by = if packages.is_empty() { String::new() } else { format!(" [{}]", packages.join(", ")) };
            writeln!(text, "  {cause}{by}{passes}").unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn what_it_would_do_besides() {
    let printed = std::fs::read_to_string(recorded("simulated/zypper-1.14-obsoletes.txt")).unwrap();
    let found = Zypper::parse_simulation(&printed).unwrap();
    let found: Vec<_> = found.iter().map(|effect| (effect.name.as_str(), effect.change)).collect();
    assert_eq!(found, [("demo-good", UnaskedChange::Remove)]);
    let downgraded = "<to-downgrade><solvable type=\"pattern\" name=\"p\"/><solvable type=\"package\" name=\"x\" \
                      edition=\"1\"/></to-downgrade><to-install><solvable type=\"package\" name=\"y\"/></to-install>";
    let found = Zypper::parse_simulation(downgraded).unwrap();
    assert_eq!(found.iter().map(|effect| effect.name.as_str()).collect::<Vec<_>>(), ["x"]);
    for harmless in
        ["", "<stream></stream>", "<to-remove>", "&lt;to-remove&gt;<solvable type=\"package\" name=\"z\"/>"]
    {
        assert!(Zypper::parse_simulation(harmless).unwrap().is_empty(), "{harmless}");
    }
}
