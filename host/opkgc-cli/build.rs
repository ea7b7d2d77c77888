//! Lists what authors of plugins get with the program: the interface, and the crates that plugins in Rust depend on.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Crates of the SDK, by their directories below `plugins/`; plugins name them by their own names.
const CRATES: [&str; 3] = ["sdk", "rpm-family", "deb-family"];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let root = fs::canonicalize("../..")?;
    let mut sdk = String::new();
    for name in CRATES {
        let directory = root.join("plugins").join(name);
        add_files(&directory, Path::new(&format!("opkg-{name}")), &mut sdk)?;
    }
    let mut wit = String::new();
    add_files(&root.join("wit/1.0.0"), Path::new(""), &mut wit)?;
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    fs::write(Path::new(&out).join("sdk.rs"), format!("&[\n{sdk}]\n"))?;
    fs::write(Path::new(&out).join("wit.rs"), format!("&[\n{wit}]\n"))
}

/// A line of the table for each file at and below a directory, by name. Tests stay here: they compare with what is beside
/// them in the sources.
fn add_files(directory: &Path, place: &Path, table: &mut String) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", directory.display());
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(directory)? {
        paths.push(entry?.path());
    }
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Links lead to what crates share with the rest of the sources.
        let target = fs::canonicalize(&path)?;
        if target.is_dir() {
            if !["tests", "target", "snapshots"].contains(&name.as_str()) {
                add_files(&target, &place.join(&name), table)?;
            }
        } else {
            println!("cargo::rerun-if-changed={}", target.display());
            let place = place.join(&name);
            let line = writeln!(table, "    ({place:?}, include_str!({target:?})),");
            line.map_err(io::Error::other)?;
        }
    }
    Ok(())
}
