//! The packages of the matrix: OPKGs whose scripts do what the root they run in tells them to.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use opkg_tests::file_tree::{self, TreeEntry};
use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::scratch;

/// What is there before an upgrade or a removal.
pub const OLD: &str = "1.0-1";

/// What is asked for.
pub const NEW: &str = "2.0-1";

/// Files of this directory in a root take the place of the end of the script of that name.
pub const FAULT_DIR: &str = "/faults";

/// Where scripts note that they have run to their end.
pub const PROOF: &str = "/proof";

/// A file that packages have from [`NEW`] on, of more than a megabyte.
pub const PAYLOAD: &str = "/usr/lib/oscar/packages/demo/server/payload";

const SCRIPTS: [&str; 4] =
    ["server-pre-install", "server-post-install", "server-pre-uninstall", "server-post-uninstall"];

/// Package sources of one distribution, each a directory.
#[derive(Debug)]
pub struct Sources {
    pub old: PathBuf,
    pub new: PathBuf,
    /// With the new version of `demo`, that requires what is nowhere.
    pub unmet: PathBuf,
}

impl Sources {
    pub fn build(target: &str) -> Self {
        Self {
            old: build_source(target, OLD, ""),
            new: build_source(target, NEW, ""),
            unmet: build_source(
                target,
                NEW,
                "<serverDeps><requires><pkg>site-library</pkg></requires></serverDeps>",
            ),
        }
    }
}

/// `further`: elements for the `config.xml` of `demo`.
fn build_source(target: &str, version: &str, further: &str) -> PathBuf {
    let output = scratch::create_directory("source");
    let directories = [("demo", further), ("other", "")].map(|(name, further)| {
        let directory = scratch::create_directory("opkg").join(name);
        write_opkg(&directory, name, version, further);
        directory
    });
    let mut arguments: Vec<OsString> =
        vec!["--dist".into(), target.into(), "--repo".into(), "-o".into(), output.clone().into()];
    arguments.extend(directories.map(OsString::from));
    OpkgcEnvironment::new().run_successfully(arguments);
    output.join(target)
}

fn write_opkg(directory: &Path, name: &str, version: &str, further: &str) {
    let config = file_tree::minimal_config(name, further).replace(OLD, version);
    let mut items = vec![TreeEntry::file("config.xml", 0o644, config)];
    for script in SCRIPTS {
        let text = format!(
            "#!/bin/sh\nfault={FAULT_DIR}/{name}-{script}\nif [ -e $fault ]; then . $fault; fi\n\
             echo \"{name} {script} of {version}\" >> {PROOF}\n"
        );
        items.push(TreeEntry::file(format!("scripts/{script}"), 0o755, text));
    }
    if name == "demo" && version == NEW {
        // Of what cannot be compressed, or a package that is fetched would not need the space.
        let mut state = 1_u32;
        let lines = (0..200_000).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            format!("{state:08x}")
        });
        let payload = lines.collect::<Vec<_>>().join("\n");
        items.push(TreeEntry::file("scripts/server/payload", 0o644, payload));
    }
    file_tree::write_tree(directory, &items);
}

/// The packages of a source for servers, of both OPKGs and what they need.
pub fn package_files(source: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(source).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        let is_package = path.extension().is_some_and(|extension| extension == "deb" || extension == "rpm");
        is_package && !path.to_string_lossy().contains("-client")
    });
    files.sort();
    files
}
