//! Plugins that were made for earlier versions of the interface make the same packages as those of today.

use std::path::Path;

use opkg_tests::opkgc::{self, OpkgcEnvironment};
use opkg_tests::{corpus, file_tree, parallel, scratch};

use crate::builds;

/// Versions of the interface, with plugins that are kept of them.
const RELEASED: [(&str, &str, &str); 2] =
    [("0.1.0", "rhel", "rhel-9-x86_64"), ("0.1.0", "debian", "debian-12-x86_64")];

#[test]
fn earlier_plugins_make_the_same_packages() {
    let mut directories = builds::example_directories();
    directories.extend(corpus::samples().iter().map(corpus::CorpusPackage::write_to_scratch));
    let work: Vec<_> = RELEASED.iter().flat_map(|it| directories.iter().map(move |of| (it, of))).collect();
    let made = parallel::map(&work, |((version, plugin, target), directory)| {
        let path = format!("host/runtime/tests/released/{version}/{plugin}.wasm");
        let earlier = build(directory, target, Some(&opkgc::workspace().join(path)));
        let present = build(directory, target, None);
        assert_eq!(earlier.0, present.0, "{target}: {}", directory.display());
        assert!(earlier.1 == present.1, "{target}: {}", directory.display());
        present.1.len()
    });
    assert!(made.iter().sum::<usize>() > 5 * RELEASED.len(), "hardly anything was made: {made:?}");
}

/// The exit status, and every file with its contents.
fn build(directory: &Path, target: &str, plugin: Option<&Path>) -> (Option<i32>, Vec<(String, Vec<u8>)>) {
    let output = scratch::create_directory("released");
    let mut command = OpkgcEnvironment::new().command(["--dist", target, "-o"]);
    command.arg(&output).arg(directory);
    if let Some(plugin) = plugin {
        command.arg("--plugin").arg(plugin);
    }
    let ended = opkg_tests::process::run(&mut command);
    (ended.code, file_tree::read_tree(&output))
}
