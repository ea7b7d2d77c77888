//! Plugins that say the same in words of different versions of the interface make the same packages.

use std::path::Path;

use opkg_tests::opkgc::{self, OpkgcEnvironment};
use opkg_tests::{corpus, file_tree, parallel, scratch};

use crate::builds;

/// Plugins that are kept in every version of the interface, each built of the same rules of its distribution. Those of today may
/// have better ones.
const KEPT: [(&str, &str); 2] = [("rhel", "rhel-9-x86_64"), ("debian", "debian-12-x86_64")];

#[test]
fn plugins_of_every_version_make_the_same_packages() {
    let mut directories = builds::example_directories();
    directories.extend(corpus::samples().iter().map(corpus::CorpusPackage::write_to_scratch));
    let work: Vec<_> = KEPT.iter().flat_map(|it| directories.iter().map(move |of| (it, of))).collect();
    let made = parallel::map(&work, |((plugin, target), directory)| {
        let [earlier, later] = ["0.1.0", "1.0.0"].map(|version| {
            let path = format!("host/runtime/tests/released/{version}/{plugin}.wasm");
            build(directory, target, &opkgc::workspace().join(path))
        });
        assert_eq!(earlier.0, later.0, "{target}: {}", directory.display());
        assert!(earlier.1 == later.1, "{target}: {}", directory.display());
        later.1.len()
    });
    assert!(made.iter().sum::<usize>() > 5 * KEPT.len(), "hardly anything was made: {made:?}");
}

/// The exit status, and every file with its contents.
fn build(directory: &Path, target: &str, plugin: &Path) -> (Option<i32>, Vec<(String, Vec<u8>)>) {
    let output = scratch::create_directory("released");
    let mut command = OpkgcEnvironment::new().command(["--dist", target, "-o"]);
    command.arg(&output).arg(directory).arg("--plugin").arg(plugin);
    let ended = opkg_tests::process::run(&mut command);
    (ended.code, file_tree::read_tree(&output))
}
