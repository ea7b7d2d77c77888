//! Modules of Perl, which OPKGs name by the capability that RPM has for them: `perl(XML::Simple)`.

use crate::word_list::WordList;

const CORE_MODULES_TEXT: &str = include_str!("perl_core_modules.txt");

static CORE_MODULES: WordList<{ WordList::size_of(CORE_MODULES_TEXT) }> = WordList::new(CORE_MODULES_TEXT);

/// `A::B` of `perl(A::B)`. Nothing if it is another capability, or no name of a module.
#[must_use]
pub fn capability_module(capability: &str) -> Option<&str> {
    let module = capability.strip_prefix("perl(")?.strip_suffix(')')?;
    let is_word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    module.split("::").all(is_word).then_some(module)
}

/// Whether a module comes with Perl itself, in all versions that are still in use, so that no package of its own has it.
#[must_use]
pub fn is_core_module(module: &str) -> bool {
    CORE_MODULES.contains(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_of_perl_itself() {
        for core in
            ["strict", "POSIX", "File::Copy", "Getopt::Long", "IO::Socket::INET", "Sys::Syslog", "JSON::PP"]
        {
            assert!(is_core_module(core), "{core}");
        }
        // Some were, once.
        for other in ["CGI", "Switch", "Module::Build", "XML::Simple", "LWP", "File", "", "#"] {
            assert!(!is_core_module(other), "{other}");
        }
    }

    #[test]
    fn capabilities() {
        assert_eq!(capability_module("perl(XML::Simple)"), Some("XML::Simple"));
        for other in ["perl()", "perl(A:::B)", "perl(A", "perl", "perl(a b)", "perl(:MODULE_COMPAT_5.8.8)"] {
            assert_eq!(capability_module(other), None, "{other}");
        }
    }
}
