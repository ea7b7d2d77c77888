//! Architectures by Debian's names.

use opkg_sdk::filter::FilterContext;
use opkg_sdk::packaging::{ArchName, Refusal};

/// Canonical and Debian's own names.
const ARCHS: [(&str, &str); 18] = [
    ("x86_64", "amd64"),
    ("aarch64", "arm64"),
    ("i386", "i386"),
    ("ppc64le", "ppc64el"),
    ("riscv64", "riscv64"),
    ("s390x", "s390x"),
    ("arm", "armhf"),
    ("loongarch64", "loong64"),
    ("mips64el", "mips64el"),
    ("mips64", "mips64"),
    ("mipsel", "mipsel"),
    ("mips", "mips"),
    ("ppc64", "ppc64"),
    ("ppc", "powerpc"),
    ("ia64", "ia64"),
    ("sparc64", "sparc64"),
    ("hppa", "hppa"),
    ("alpha", "alpha"),
];

/// All that Debian has or had, by their canonical names.
#[must_use]
pub fn all_archs() -> Vec<&'static str> {
    ARCHS.iter().map(|&(canonical, _)| canonical).collect()
}

/// Debian's name of an architecture.
#[must_use]
pub fn native_arch(canonical: &str) -> Option<&'static str> {
    ARCHS.iter().find(|(name, _)| *name == canonical).map(|&(_, native)| native)
}

/// Canonical names with Debian's, without those that Debian does not have.
#[must_use]
pub fn to_arch_names(canonical: &[&str]) -> Vec<ArchName> {
    let named = |name: &&str| {
        native_arch(name).map(|native| ArchName { canonical: (*name).to_owned(), native: native.to_owned() })
    };
    canonical.iter().filter_map(named).collect()
}

/// The architecture that packages are built for must be one of the distribution's.
///
/// # Errors
/// [`Refusal::UnknownTarget`] names those there are.
pub fn check_supported(context: &FilterContext, known: &[&str]) -> Result<(), Refusal> {
    let arch = context.build_arch();
    if known.contains(&arch) {
        return Ok(());
    }
    Err(Refusal::UnknownTarget(format!(
        "{} does not support the architecture `{arch}`, only {}",
        context.name,
        known.join(", ")
    )))
}
