//! `opkgc plugin new`: a directory that builds to a plugin.

use std::path::{Path, PathBuf};

use fs_err as fs;
use opkg_shell::{Shell, UsageError};

use super::hook::{check_crate_name, escape_toml};
use super::plugin_kit::c_bindings;
use crate::args::{PluginFamily, PluginLanguage, PluginNewArgs};
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::new_tree::{NewFile, write_new_tree};
use crate::plugin_kit::{KitFile, WIT, sdk};

/// A text of `templates/plugin`.
macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../../../templates/plugin/", $path))
    };
}

const RUST: [KitFile; 2] =
    [("Cargo.toml", template!("rust/Cargo.toml")), (".gitignore", "/target\n*.wasm\n")];
const RUST_ARCHIVE: [KitFile; 8] = [
    ("src/lib.rs", template!("rust-archive/lib.rs")),
    ("src/target.rs", template!("rust-archive/target.rs")),
    ("src/package.rs", template!("rust-archive/package.rs")),
    ("src/relations.rs", template!("rust-archive/relations.rs")),
    ("src/unsupported.rs", template!("rust-archive/unsupported.rs")),
    ("src/manifest.rs", template!("rust-archive/manifest.rs")),
    ("src/manager.rs", template!("rust-archive/manager.rs")),
    ("src/tests.rs", template!("rust-archive/tests.rs")),
];
const RUST_RPM: [KitFile; 1] = [("src/lib.rs", template!("rust-rpm/lib.rs"))];
const RUST_DEB: [KitFile; 1] = [("src/lib.rs", template!("rust-deb/lib.rs"))];
const PYTHON: [KitFile; 6] = [
    ("README.md", template!("python/README.md")),
    ("requirements.txt", template!("python/requirements.txt")),
    ("plugin.py", template!("python/plugin.py")),
    ("archive.py", template!("python/archive.py")),
    ("test_plugin.py", template!("python/test_plugin.py")),
    (".gitignore", template!("python/gitignore")),
];
const JAVASCRIPT: [KitFile; 7] = [
    ("README.md", template!("javascript/README.md")),
    ("package.json", template!("javascript/package.json")),
    ("plugin.js", template!("javascript/plugin.js")),
    ("distribution.js", template!("javascript/distribution.js")),
    ("archive.js", template!("javascript/archive.js")),
    ("plugin.test.js", template!("javascript/plugin.test.js")),
    (".gitignore", template!("javascript/gitignore")),
];
const C: [KitFile; 10] = [
    ("README.md", template!("c/README.md")),
    ("Makefile", template!("c/Makefile")),
    ("plugin.c", template!("c/plugin.c")),
    ("archive.c", template!("c/archive.c")),
    ("archive.h", template!("c/archive.h")),
    ("manifest.c", template!("c/manifest.c")),
    ("text.c", template!("c/text.c")),
    ("text.h", template!("c/text.h")),
    ("test.c", template!("c/test.c")),
    (".gitignore", template!("c/gitignore")),
];

/// What names of plugins there are no letters for in names of macros and of C.
const SEPARATOR: char = '-';

pub fn run(shell: Shell, arguments: &PluginNewArgs) -> Result<ExitStatus, CliError> {
    let name = &arguments.name;
    check_crate_name(name)?;
    let files = match (arguments.lang, arguments.family) {
        (PluginLanguage::Rust, family) => rust_files(name, family, arguments.sdk.as_deref())?,
        (_, PluginFamily::Rpm | PluginFamily::Deb) => {
            let message = "for packages of RPM and of Debian's kind there is a template in Rust alone";
            let help = "use --lang rust, which has most of it written already, or --family archive";
            return Err(UsageError::new(message, help).into());
        }
        _ if arguments.sdk.is_some() => {
            let help = "leave out --sdk: other languages have bindings, which their tools make of wit/";
            return Err(UsageError::new("the SDK is for plugins in Rust", help).into());
        }
        (PluginLanguage::Python, _) => with_wit(&PYTHON, name),
        (PluginLanguage::Javascript, _) => with_wit(&JAVASCRIPT, name),
        (PluginLanguage::C, _) => {
            let mut files = with_wit(&C, name);
            files.extend(c_bindings("bindings/")?);
            files
        }
    };
    let target = arguments.output.clone().unwrap_or_else(|| PathBuf::from(name));
    write_new_tree(&target, &files)?;
    shell.print(&format!("{}\n", target.display()))?;
    shell.status(&format!("{} says how to build and try it", target.join("README.md").display()));
    Ok(ExitStatus::Success)
}

/// The files of a template.
fn fill(template: &[KitFile], name: &str) -> Vec<NewFile> {
    template.iter().map(|(path, text)| NewFile::new(*path, fill_text(text, name))).collect()
}

fn fill_text(text: &str, name: &str) -> String {
    text.replace("@NAME@", name).replace("@MACRO@", &name.replace(SEPARATOR, ""))
}

/// The files of a template, and the interface, of which the language's tools make bindings.
fn with_wit(template: &[KitFile], name: &str) -> Vec<NewFile> {
    let mut files = fill(template, name);
    files.extend(WIT.iter().map(|(path, text)| NewFile::new(format!("wit/{path}"), *text)));
    files
}

fn rust_files(name: &str, family: PluginFamily, named: Option<&Path>) -> Result<Vec<NewFile>, CliError> {
    let (sources, about, dependency): (&[KitFile], _, _) = match family {
        PluginFamily::Archive => (&RUST_ARCHIVE, template!("rust-archive/ABOUT.md"), None),
        PluginFamily::Rpm => (&RUST_RPM, template!("rust-rpm/ABOUT.md"), Some("opkg-rpm-family")),
        PluginFamily::Deb => (&RUST_DEB, template!("rust-deb/ABOUT.md"), Some("opkg-deb-family")),
    };
    let place = match named {
        Some(directory) => named_sdk(directory)?,
        None => "sdk".to_owned(),
    };
    let dependency = dependency
        .map(|dependency| format!("{dependency} = {{ path = \"{place}/{dependency}\" }}\n"))
        .unwrap_or_default();
    let fill_crate = |text: &str| {
        let text = fill_text(text, name).replace("@ABOUT@\n", &fill_text(about, name));
        // The last, since a path may hold anything.
        text.replace("@FAMILY@\n", &format!("{dependency}\n")).replace("@SDK@", &place)
    };
    let mut files = vec![NewFile::new("README.md", fill_crate(template!("rust/README.md")))];
    files.extend(RUST.iter().map(|(path, text)| NewFile::new(*path, fill_crate(text))));
    files.extend(fill(sources, name));
    if named.is_none() {
        files.extend(sdk().map(|(path, text)| NewFile::new(format!("sdk/{path}"), text)));
    }
    Ok(files)
}

/// The path of the SDK as a string of TOML.
fn named_sdk(directory: &Path) -> Result<String, CliError> {
    if !directory.join("opkg-sdk/Cargo.toml").is_file() {
        let message = format!("{} is not a directory that `opkgc plugin sdk` wrote", directory.display());
        return Err(UsageError::new(message, "leave out --sdk: the new directory has its own then").into());
    }
    let directory = fs::canonicalize(directory)?;
    let path = directory.to_str().ok_or_else(|| CliError::new("the path of the SDK is not UTF-8"))?;
    Ok(path.chars().flat_map(escape_toml).collect())
}
