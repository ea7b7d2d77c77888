//! Names of Debian packages, and what they are made of where an OPKG names something else (format, 3.4).

use opkg_sdk::perl;
use opkg_sdk::word_list::WordList;

/// What a name in an OPKG comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameTranslation {
    /// It is the name of a package as it stands.
    Unchanged,
    /// By a convention of the distribution, or as an exception to it, it is this package.
    Translated(String),
    /// It is a part of this package, which counts its own versions.
    PartOf(&'static str),
    /// By a convention it would be this package, but none of that name is known.
    Guessed(String),
    /// No package can be told from it.
    Unsupported,
}

/// Modules of Perl that are in packages named for something else, with all below them.
const PERL_EXCEPTIONS: [(&str, &str); 33] = [
    ("Apache2", "libapache2-mod-perl2"),
    ("CGI", "libcgi-pm-perl"),
    ("DBD::SQLite", "libdbd-sqlite3-perl"),
    ("Date::Format", "libtimedate-perl"),
    ("Date::Language", "libtimedate-perl"),
    ("Date::Parse", "libtimedate-perl"),
    ("HTML::Element", "libhtml-tree-perl"),
    ("HTML::Entities", "libhtml-parser-perl"),
    ("HTML::HeadParser", "libhtml-parser-perl"),
    ("HTML::LinkExtor", "libhtml-parser-perl"),
    ("HTML::TokeParser", "libhtml-parser-perl"),
    ("HTML::TreeBuilder", "libhtml-tree-perl"),
    ("HTTP::Headers", "libhttp-message-perl"),
    ("HTTP::Request", "libhttp-message-perl"),
    ("HTTP::Response", "libhttp-message-perl"),
    ("HTTP::Status", "libhttp-message-perl"),
    ("IO::Scalar", "libio-stringy-perl"),
    ("Image::Magick", "libimage-magick-perl"),
    ("LWP", "libwww-perl"),
    ("MIME::Entity", "libmime-tools-perl"),
    ("MIME::Parser", "libmime-tools-perl"),
    ("Mail::Address", "libmailtools-perl"),
    ("Mail::Header", "libmailtools-perl"),
    ("Mail::Internet", "libmailtools-perl"),
    ("Mail::Mailer", "libmailtools-perl"),
    ("Mail::Send", "libmailtools-perl"),
    ("PDL", "pdl"),
    ("RRDs", "librrds-perl"),
    ("SNMP", "libsnmp-perl"),
    ("Term::ReadLine::Gnu", "libterm-readline-gnu-perl"),
    ("Tk", "perl-tk"),
    ("URI::Escape", "liburi-perl"),
    ("WWW::RobotRules", "libwww-robotrules-perl"),
];

/// Middle parts of the names of packages that follow the convention.
const PERL_PACKAGES_TEXT: &str = include_str!("perl_packages.txt");

#[allow(long_running_const_eval, reason = "it is long, and ends")]
static PERL_PACKAGES: WordList<{ WordList::size_of(PERL_PACKAGES_TEXT) }> = WordList::new(PERL_PACKAGES_TEXT);

/// Reads the name of a relation.
#[must_use]
pub fn translate(written: &str) -> NameTranslation {
    if is_package_name(written) {
        return NameTranslation::Unchanged;
    }
    if let Some(module) = perl::capability_module(written) {
        return perl_package(module);
    }
    let adapted = normalize(written);
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

/// The package with a module: `lib…-perl`, or that of the distribution that the module is a part of.
fn perl_package(module: &str) -> NameTranslation {
    if perl::is_core_module(module) {
        return NameTranslation::PartOf("perl");
    }
    let mut name = module;
    loop {
        if let Some((_, package)) = PERL_EXCEPTIONS.iter().find(|(exception, _)| *exception == name) {
            return NameTranslation::Translated((*package).to_owned());
        }
        // `XML` and the like are names of areas, not of distributions.
        if (name == module || name.contains("::")) && is_known_perl_package(&perl_words(name)) {
            return NameTranslation::Translated(format!("lib{}-perl", perl_words(name)));
        }
        match name.rsplit_once("::") {
            Some((parent, _)) => name = parent,
            None => return NameTranslation::Guessed(format!("lib{}-perl", perl_words(module))),
        }
    }
}

fn is_known_perl_package(words: &str) -> bool {
    PERL_PACKAGES.contains(words)
}

/// `xml-simple` of `XML::Simple`.
fn perl_words(module: &str) -> String {
    normalize(&module.replace("::", "-"))
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
            ("perl(File::Copy)", NameTranslation::PartOf("perl")),
            ("perl(strict)", NameTranslation::PartOf("perl")),
            ("perl(LWP::UserAgent)", NameTranslation::Translated("libwww-perl".into())),
            ("perl(Date::Parse)", NameTranslation::Translated("libtimedate-perl".into())),
            ("perl(XML::LibXML::Reader)", NameTranslation::Translated("libxml-libxml-perl".into())),
            ("perl(Foo_Bar::Baz)", NameTranslation::Guessed("libfoo-bar-baz-perl".into())),
            ("perl(XML::Nowhere)", NameTranslation::Guessed("libxml-nowhere-perl".into())),
            ("python3dist(PyYAML)", NameTranslation::Unsupported),
            ("python(abi)", NameTranslation::Unsupported),
            ("pkgconfig(zlib)", NameTranslation::Unsupported),
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

    /// Against the lists of packages of the machine, where it has some.
    #[test]
    fn every_exception_is_a_package() {
        let mut apt = std::process::Command::new("apt-cache");
        let listed = apt.arg("pkgnames").output().map(|ended| ended.stdout).unwrap_or_default();
        let listed = String::from_utf8_lossy(&listed);
        let listed: std::collections::BTreeSet<&str> = listed.lines().collect();
        // A machine that has only what is installed knows no list.
        if !listed.contains("libxml-simple-perl") {
            assert!(
                std::env::var_os("OPKG_REQUIRE_TOOLS").is_none(),
                "apt has no lists of Debian's packages"
            );
            return;
        }
        let missing: Vec<&str> = PERL_EXCEPTIONS
            .iter()
            .map(|(_, package)| *package)
            .filter(|name| !listed.contains(name))
            .collect();
        assert_eq!(missing, Vec::<&str>::new());
        for module in ["LWP::Simple", "HTTP::Request::Common", "XML::LibXML::Reader", "Getopt::Long", "DBI"] {
            let name = match translate(&format!("perl({module})")) {
                NameTranslation::Translated(name) => name,
                NameTranslation::PartOf(name) => name.to_owned(),
                other => panic!("{module}: {other:?}"),
            };
            assert!(listed.contains(name.as_str()), "{module}: {name}");
        }
    }
}
