//! Names of processor architectures. Distributions spell them differently; inside the project each has one
//! canonical name, and the plugins translate it.

/// The canonical names, sorted.
pub const CANONICAL_NAMES: &[&str] = &[
    "aarch64",
    "alpha",
    "arm",
    "hppa",
    "i386",
    "ia64",
    "loongarch64",
    "mips",
    "mips64",
    "mips64el",
    "mipsel",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "x86_64",
];

/// Other spellings in use, in lower case, each with the canonical one.
const ALIASES: &[(&str, &str)] = &[
    ("amd64", "x86_64"),
    ("arm64", "aarch64"),
    ("armhf", "arm"),
    ("armhfp", "arm"),
    ("armv7hl", "arm"),
    ("athlon", "i386"),
    ("i486", "i386"),
    ("i586", "i386"),
    ("i686", "i386"),
    ("ia32", "i386"),
    ("ia32e", "x86_64"),
    ("loong64", "loongarch64"),
    ("parisc", "hppa"),
    ("powerpc", "ppc"),
    ("powerpc64", "ppc64"),
    ("powerpc64le", "ppc64le"),
    ("ppc64el", "ppc64le"),
    ("x64", "x86_64"),
    ("x86", "i386"),
    ("x86-64", "x86_64"),
];

/// The canonical name of an architecture, whichever way and in whichever case it is spelt.
#[must_use]
pub fn canonical_name(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    CANONICAL_NAMES
        .iter()
        .copied()
        .find(|known| *known == name)
        .or_else(|| ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, known)| *known))
}

/// Every spelling that [`canonical_name`] knows.
pub fn all_spellings() -> impl Iterator<Item = &'static str> {
    CANONICAL_NAMES.iter().copied().chain(ALIASES.iter().map(|(alias, _)| *alias))
}

/// The canonical name of the architecture that this program was compiled for.
#[must_use]
pub fn host_arch() -> &'static str {
    // The compiler calls both byte orders of these `powerpc64` and `mips64`.
    match std::env::consts::ARCH {
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        "mips" if cfg!(target_endian = "little") => "mipsel",
        "mips64" if cfg!(target_endian = "little") => "mips64el",
        name => canonical_name(name).unwrap_or(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_architecture_meet() {
        for (written, canonical) in [
            ("amd64", "x86_64"),
            ("X86_64", "x86_64"),
            ("arm64", "aarch64"),
            ("i686", "i386"),
            ("ia32", "i386"),
            ("ppc64el", "ppc64le"),
            ("ia64", "ia64"),
        ] {
            assert_eq!(canonical_name(written), Some(canonical), "{written}");
        }
        assert_eq!(canonical_name("noarch"), None);
        assert_eq!(canonical_name(""), None);
    }

    #[test]
    fn tables_are_sound() {
        assert!(CANONICAL_NAMES.is_sorted());
        for (alias, name) in ALIASES {
            assert!(CANONICAL_NAMES.contains(name), "{name}");
            assert!(!CANONICAL_NAMES.contains(alias), "{alias}");
        }
        assert!(CANONICAL_NAMES.contains(&host_arch()));
    }
}
