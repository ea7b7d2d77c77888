//! In what language a directory holds a plugin, and what it takes to build it there.

use std::path::{Path, PathBuf};

/// A language that plugins are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// A crate: the only one that [`crate::build_component`] builds.
    Rust,
    /// For componentize-py.
    Python,
    /// For componentize-js.
    JavaScript,
    /// For clang.
    C,
}

/// A program that is not on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingTool {
    /// What it is called.
    pub name: &'static str,
    /// How to get it.
    pub remedy: &'static str,
}

/// Brings the compiler, its linker and the C library.
const CLANG_REMEDY: &str = "the distribution has clang, lld and wasi-libc; or set WASI_SDK_PATH to the directory of WASI SDK, \
                            which has all of them";

impl Language {
    /// The language of a directory, by what lies in it.
    #[must_use]
    pub fn detect(directory: &Path) -> Option<Self> {
        let has = |name: &str| directory.join(name).is_file();
        let has_kind = |extension: &str| {
            let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
            let mut paths = entries.map(|entry| entry.path());
            paths.any(|path| path.extension().is_some_and(|it| it == extension))
        };
        if has("Cargo.toml") {
            Some(Self::Rust)
        } else if has("package.json") {
            Some(Self::JavaScript)
        } else if has("pyproject.toml") || has("requirements.txt") || has_kind("py") {
            Some(Self::Python)
        } else if has_kind("c") {
            Some(Self::C)
        } else {
            None
        }
    }

    /// As people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
            Self::C => "C",
        }
    }

    /// What builds the component in a directory of that language, as the templates have it.
    #[must_use]
    pub const fn command(self) -> &'static str {
        match self {
            Self::Rust => "opkgc plugin build .",
            Self::Python => "componentize-py -d wit -w distribution componentize plugin -o plugin.wasm",
            Self::JavaScript => "npm install && npm run build",
            Self::C => "make",
        }
    }

    /// What it takes and is not in the directories of programs.
    #[must_use]
    pub fn missing_tools(self, path: &[PathBuf]) -> Vec<MissingTool> {
        let tools: &[(&str, &str)] = match self {
            Self::Rust => &[("cargo", "rustup, or the distribution's package, brings it")],
            Self::Python => {
                &[("componentize-py", "`pip install componentize-py` in a virtual environment brings it")]
            }
            Self::JavaScript => {
                &[("npm", "it comes with Node.js, which the distribution has, or nodejs.org")]
            }
            Self::C => {
                &[("make", "the distribution has it"), ("clang", CLANG_REMEDY), ("wasm-ld", CLANG_REMEDY)]
            }
        };
        let is_missing = |name: &str| !path.iter().any(|directory| directory.join(name).is_file());
        let missing = tools.iter().filter(|(name, _)| is_missing(name));
        missing.map(|&(name, remedy)| MissingTool { name, remedy }).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_tells_its_language() {
        for (files, language) in [
            (&["Cargo.toml", "x.c"][..], Some(Language::Rust)),
            (&["package.json", "x.js"], Some(Language::JavaScript)),
            (&["plugin.py"], Some(Language::Python)),
            (&["pyproject.toml"], Some(Language::Python)),
            (&["plugin.c", "Makefile"], Some(Language::C)),
            (&["README.md"], None),
        ] {
            let directory = tempfile::tempdir().unwrap();
            for file in files {
                std::fs::write(directory.path().join(file), "").unwrap();
            }
            assert_eq!(Language::detect(directory.path()), language, "{files:?}");
        }
        assert_eq!(Language::detect(Path::new("no/such/directory")), None);
    }

    #[test]
    fn only_what_is_not_there_is_missing() {
        let directory = tempfile::tempdir().unwrap();
        let path = [directory.path().to_owned()];
        let missing = |language: Language| {
            language.missing_tools(&path).iter().map(|tool| tool.name).collect::<Vec<_>>()
        };
        assert_eq!(missing(Language::C), ["make", "clang", "wasm-ld"]);
        std::fs::write(directory.path().join("clang"), "").unwrap();
        assert_eq!(missing(Language::C), ["make", "wasm-ld"]);
        assert_eq!(missing(Language::Python), ["componentize-py"]);
    }
}
