//! Names of Debian packages, and what they are made of where an OPKG names something else (format, 3.4).

/// What a name in an OPKG comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// It is the name of a package as it stands.
    Same,
    /// By a convention of the distribution, it is this package.
    Adapted(String),
    /// No package can be told from it.
    Impossible,
}

/// Reads the name of a relation.
#[must_use]
pub fn read(written: &str) -> Name {
    if is_package(written) {
        return Name::Same;
    }
    let adapted = match perl_module(written) {
        Some(module) => format!("lib{}-perl", plain(&module.replace("::", "-"))),
        None => plain(written),
    };
    if is_package(&adapted) { Name::Adapted(adapted) } else { Name::Impossible }
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

fn plain(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

/// deb-control(5): at least two of lower-case letters, digits, `+`, `-` and `.`, the first of them a letter
/// or digit.
fn is_package(name: &str) -> bool {
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
            ("ganglia-monitor", Name::Same),
            ("g++", Name::Same),
            ("libc6.1", Name::Same),
            ("mpich-ch_p4-gcc-oscar", Name::Adapted("mpich-ch-p4-gcc-oscar".into())),
            ("MySQL-python", Name::Adapted("mysql-python".into())),
            ("perl(XML::Simple)", Name::Adapted("libxml-simple-perl".into())),
            ("perl(DBI)", Name::Adapted("libdbi-perl".into())),
            ("perl(Foo_Bar::Baz)", Name::Adapted("libfoo-bar-baz-perl".into())),
            ("perl()", Name::Impossible),
            ("perl(A:::B)", Name::Impossible),
            ("perl(A", Name::Impossible),
            ("/usr/bin/foo", Name::Impossible),
            ("libfoo.so.1()(64bit)", Name::Impossible),
            ("config(x)", Name::Impossible),
            ("R", Name::Impossible),
            ("a, b", Name::Impossible),
            ("a | b", Name::Impossible),
            ("${misc:Depends}", Name::Impossible),
            ("größe", Name::Impossible),
            ("-x", Name::Impossible),
            ("", Name::Impossible),
        ] {
            assert_eq!(read(written), expected, "{written}");
        }
    }
}
