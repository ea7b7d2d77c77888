//! What of Perl every system has: the package perl-base.

/// The modules and pragmas in it, as of Debian 12.
const BASE_MODULES: &str = "\
    AutoLoader Carp Carp::Heavy Config Cwd DynaLoader Errno Exporter Exporter::Heavy Fcntl File::Basename File::Glob File::Path \
    File::Spec File::Spec::Unix File::Temp FileHandle Getopt::Long Hash::Util IO IO::File IO::Handle IO::Pipe IO::Seekable IO::Select \
    IO::Socket IO::Socket::INET IO::Socket::IP IO::Socket::UNIX IPC::Open2 IPC::Open3 List::Util POSIX Scalar::Util SelectSaver Socket \
    Symbol Text::ParseWords Text::Tabs Text::Wrap Tie::Hash XSLoader \
    attributes base builtin bytes constant feature fields integer lib locale overload overloading parent re strict utf8 vars version \
    warnings warnings::register";

/// Whether a script runs with it alone, as far as one can see without running it: all that it loads by name is there.
pub fn is_base_enough(text: &str) -> bool {
    text.split(['\n', ';', '{']).filter_map(loaded_name).all(|name| {
        let is_version = name.trim_start_matches('v').starts_with(|first: char| first.is_ascii_digit());
        is_version || BASE_MODULES.split_whitespace().any(|known| known == name)
    })
}

/// What a statement loads.
fn loaded_name(statement: &str) -> Option<&str> {
    let statement = statement.trim_start();
    let rest = ["use", "no", "require"].into_iter().find_map(|word| statement.strip_prefix(word))?;
    let name = rest.strip_prefix(char::is_whitespace)?.trim_start();
    let end = name
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.')))
        .unwrap_or(name.len());
    Some(name.get(..end).unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_system_has_is_enough() {
        for text in [
            "",
            "#!/usr/bin/perl\nuse strict;\nuse warnings; no warnings 'once';\nprint 'use JSON::PP';\n",
            "use v5.10;\nuse 5.010;\nrequire 5.8.0;\n  use POSIX qw(strftime);\n",
            "# use Sys::Hostname;\nunused Foo;\nrequired();\n",
        ] {
            assert!(is_base_enough(text), "{text}");
        }
        for text in [
            "use Sys::Hostname;",
            "use strict; use JSON::PP ();",
            "\tuse\tFile::Copy qw(copy);",
            "BEGIN { require Storable }",
            "require 'site.pl';",
            "use threads;",
        ] {
            assert!(!is_base_enough(text), "{text}");
        }
    }
}
