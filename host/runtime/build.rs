//! Lists the prebuilt components that become part of the program.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let directory = Path::new("../../plugins/prebuilt");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", directory.display());
    let mut components: Vec<PathBuf> = Vec::new();
    if env::var_os("CARGO_FEATURE_EMBEDDED").is_some() && directory.is_dir() {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "wasm") {
                components.push(fs::canonicalize(path)?);
            }
        }
    }
    components.sort();

    let mut table = "&[\n".to_owned();
    for component in components {
        let provenance = component.with_extension("json");
        println!("cargo::rerun-if-changed={}", component.display());
        println!("cargo::rerun-if-changed={}", provenance.display());
        let line = format!(
            "    Embedded {{ component: include_bytes!({component:?}), provenance: include_str!({provenance:?}) }},\n"
        );
        table.push_str(&line);
    }
    table.push_str("]\n");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    fs::write(Path::new(&out).join("embedded.rs"), table)
}
