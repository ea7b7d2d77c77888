//! Names of Debian packages, and what they are made of where an OPKG names something else (format, 3.4).

/// What a name in an OPKG comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameTranslation {
    /// It is the name of a package as it stands.
    Unchanged,
    /// By a convention of the distribution, it is this package.
    Translated(String),
    /// No package can be told from it.
    Unsupported,
}

/// Reads the name of a relation.
#[must_use]
pub fn translate(written: &str) -> NameTranslation {
    if is_package_name(written) {
        return NameTranslation::Unchanged;
    }
    let adapted = match perl_module(written) {
        Some(module) => format!("lib{}-perl", normalize(&module.replace("::", "-"))),
        None => normalize(written),
    };
    if is_package_name(&adapted) {
        NameTranslation::Translated(adapted)
    } else {
        NameTranslation::Unsupported
    }
}

/// Packages that are always there, and which nothing should depend on unless it needs a certain version.
#[must_use]
pub fn is_essential(package: &str) -> bool {
    const ESSENTIAL: [&str; 22] = [
        "base-files",
        "base-passwd",
        "bash",
        "bsdutils",
        "coreutils",
        "dash",
        "debianutils",
        "diffutils",
        "dpkg",
        "findutils",
        "grep",
        "gzip",
        "hostname",
        "init-system-helpers",
        "libc-bin",
        "ncurses-base",
        "ncurses-bin",
        "perl-base",
        "sed",
        "sysvinit-utils",
        "tar",
        "util-linux",
    ];
    ESSENTIAL.contains(&package)
}

/// `A::B` of `perl(A::B)`.
fn perl_module(written: &str) -> Option<&str> {
    let module = written.strip_prefix("perl(")?.strip_suffix(')')?;
    let sound = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    module.split("::").all(sound).then_some(module)
}

fn normalize(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

/// deb-control(5): at least two of lower-case letters, digits, `+`, `-` and `.`, the first of them a letter
/// or digit.
fn is_package_name(name: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() >= 2
        && name.bytes().next().is_some_and(alphanumeric)
        && name.bytes().all(|byte| alphanumeric(byte) || b"+-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (written, expected) in [
            ("ganglia-monitor", NameTranslation::Unchanged),
            ("g++", NameTranslation::Unchanged),
            ("libc6.1", NameTranslation::Unchanged),
            ("mpich-ch_p4-gcc-oscar", NameTranslation::Translated("mpich-ch-p4-gcc-oscar".into())),
            ("MySQL-python", NameTranslation::Translated("mysql-python".into())),
            ("perl(XML::Simple)", NameTranslation::Translated("libxml-simple-perl".into())),
            ("perl(DBI)", NameTranslation::Translated("libdbi-perl".into())),
            ("perl(Foo_Bar::Baz)", NameTranslation::Translated("libfoo-bar-baz-perl".into())),
            ("perl()", NameTranslation::Unsupported),
            ("perl(A:::B)", NameTranslation::Unsupported),
            ("perl(A", NameTranslation::Unsupported),
            ("/usr/bin/foo", NameTranslation::Unsupported),
            ("libfoo.so.1()(64bit)", NameTranslation::Unsupported),
            ("config(x)", NameTranslation::Unsupported),
            ("R", NameTranslation::Unsupported),
            ("a, b", NameTranslation::Unsupported),
            ("a | b", NameTranslation::Unsupported),
            ("${misc:Depends}", NameTranslation::Unsupported),
            ("größe", NameTranslation::Unsupported),
            ("-x", NameTranslation::Unsupported),
            ("", NameTranslation::Unsupported),
        ] {
            assert_eq!(translate(written), expected, "{written}");
        }
    }
}
