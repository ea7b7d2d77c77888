//! The first line of a script, which says what runs it, and why no system can run a script.

use crate::closest_match;
use crate::diagnostic::{Diagnostic, Severity};
use crate::limits;
use crate::text::{escape_for_display, is_unsafe_control};

/// Bytes of the line that Linux reads (`BINPRM_BUF_SIZE`); before 5.1, which distributions of today still have, 127.
const MAX_LINE_BYTES: usize = 255;
const MAX_OLD_LINE_BYTES: usize = 127;

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where no package of a distribution puts a program.
const FOREIGN_DIRECTORIES: [&str; 5] = ["/usr/local/", "/home/", "/root/", "/tmp/", "/mnt/"];

/// Programs that scripts are written for.
const INTERPRETERS: [&str; 22] = [
    "sh", "bash", "dash", "ksh", "zsh", "csh", "tcsh", "perl", "python", "python2", "python3", "ruby",
    "tclsh", "expect", "awk", "gawk", "sed", "lua", "php", "node", "make", "env",
];

/// The first line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Shebang {
    /// Whether the file begins with `#!`, or was meant to.
    pub is_script: bool,
    /// The program, then its argument if there is one: like the kernel, all the rest of the line. Empty where no
    /// program can be found.
    pub words: Vec<String>,
    pub problems: Vec<ShebangProblem>,
}

/// What is wrong with a first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ShebangProblem {
    #[error("no program can be found by the first line")]
    NoProgram,
    #[error("the lines end with carriage returns, so nothing can run this")]
    CarriageReturn,
    #[error("the file begins with a byte order mark, so no system sees its `#!`")]
    ByteOrderMark,
    #[error("the `#!` is not at the very beginning of the file, so no system sees it")]
    NotFirst,
    #[error("the first line has more than {MAX_LINE_BYTES} bytes, so no system reads all of it")]
    TooLong,
    #[error(
        "the first line has more than {MAX_OLD_LINE_BYTES} bytes, of which kernels before Linux 5.1 read no more"
    )]
    TooLongForOldKernels,
    #[error("the system gives `env` the rest of the line as one word, and there is no such program")]
    EnvArguments,
    #[error("no distribution has a program there, so the script runs on your machine alone")]
    ForeignProgram,
    #[error("no interpreter is called that")]
    UnknownProgram { meant: &'static str },
}

impl ShebangProblem {
    /// The finding about a file that is run by itself, or may be.
    pub fn diagnostic(self, is_hook: bool, words: &[String]) -> Diagnostic {
        let is_fatal =
            !matches!(self, Self::TooLongForOldKernels | Self::ForeignProgram | Self::UnknownProgram { .. });
        let severity = if is_fatal && is_hook { Severity::Error } else { Severity::Warning };
        let code = match self {
            Self::CarriageReturn => "script-line-ends",
            Self::ByteOrderMark => "script-mark",
            _ => "script-interpreter",
        };
        let program = words.first().map(|program| escape_for_display(program)).unwrap_or_default();
        let message = match self {
            Self::ForeignProgram | Self::UnknownProgram { .. } => format!("`{program}`: {self}"),
            _ => self.to_string(),
        };
        Diagnostic::new(severity, code, message).help(self.help(words))
    }

    fn help(self, words: &[String]) -> String {
        match self {
            Self::NoProgram => "write `#!` and the absolute path of a program".to_owned(),
            Self::CarriageReturn => "save it with the line ends of Unix: `sed -i 's/\\r$//' FILE`".to_owned(),
            Self::ByteOrderMark => {
                "save it as UTF-8 without a byte order mark: `sed -i '1s/^\\xEF\\xBB\\xBF//' FILE`".to_owned()
            }
            Self::NotFirst => "remove what is before it".to_owned(),
            Self::TooLong | Self::TooLongForOldKernels => {
                "shorten it: set options inside of the script".to_owned()
            }
            Self::EnvArguments => {
                let rest = words.get(1).map(|rest| escape_for_display(rest)).unwrap_or_default();
                format!("write `env -S {rest}`, or the absolute path of the program")
            }
            Self::ForeignProgram => {
                "name the program of the distribution below `/usr/bin`, or let `/usr/bin/env` find it"
                    .to_owned()
            }
            Self::UnknownProgram { meant } => format!("did you mean `{meant}`?"),
        }
    }
}

/// Reads the first line of a file, of which `head` is the beginning.
pub(super) fn parse_shebang(head: &[u8]) -> Shebang {
    let (text, misplaced) = match head.strip_prefix(UTF8_MARK) {
        Some(rest) if rest.starts_with(b"#!") => (rest, Some(ShebangProblem::ByteOrderMark)),
        _ if head.trim_ascii_start().starts_with(b"#!/") && !head.starts_with(b"#!") => {
            (head.trim_ascii_start(), Some(ShebangProblem::NotFirst))
        }
        _ => (head, None),
    };
    let Some(line) = text.strip_prefix(b"#!") else { return Shebang::default() };
    let mut shebang =
        Shebang { is_script: true, words: Vec::new(), problems: misplaced.into_iter().collect() };
    let end = line.iter().position(|byte| *byte == b'\n');
    let is_endless = end.is_none() && head.len() >= limits::MAX_SHEBANG_BYTES;
    let line = std::str::from_utf8(&line[..end.unwrap_or(line.len())]).unwrap_or_default();
    let has_carriage_return = line.ends_with('\r');
    let trimmed = line.trim_matches([' ', '\t', '\r']);
    let (program, argument) = trimmed.split_once([' ', '\t']).unwrap_or((trimmed, ""));
    if is_endless || !program.starts_with('/') || trimmed.chars().any(|c| c != '\t' && is_unsafe_control(c)) {
        shebang.problems.push(ShebangProblem::NoProgram);
        return shebang;
    }
    let argument = argument.trim_matches([' ', '\t']);
    let words = [program, argument].into_iter().filter(|word| !word.is_empty()).map(str::to_owned);
    shebang.words = words.collect();
    let length = "#!".len() + line.len();
    let problems = [
        has_carriage_return.then_some(ShebangProblem::CarriageReturn),
        (length > MAX_LINE_BYTES).then_some(ShebangProblem::TooLong),
        (length > MAX_OLD_LINE_BYTES && length <= MAX_LINE_BYTES)
            .then_some(ShebangProblem::TooLongForOldKernels),
        program_problem(program, argument),
    ];
    shebang.problems.extend(problems.into_iter().flatten());
    shebang
}

fn program_problem(program: &str, argument: &str) -> Option<ShebangProblem> {
    if FOREIGN_DIRECTORIES.iter().any(|directory| program.starts_with(directory)) {
        return Some(ShebangProblem::ForeignProgram);
    }
    let name = program.rsplit('/').next().unwrap_or_default();
    let name = if name == "env" {
        // Its options take what follows apart; an assignment or a second word do not.
        if !argument.starts_with('-') && argument.contains([' ', '\t']) {
            return Some(ShebangProblem::EnvArguments);
        }
        if argument.starts_with('-') { return None } else { argument }
    } else {
        name
    };
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    let is_known = |name: &str| INTERPRETERS.contains(&name);
    // Programs of a package's own have names of any kind; only those of four letters and more can be told from a slip.
    if is_known(name) || is_known(stem) || stem.len() < 4 {
        return None;
    }
    let is_standard = ["/bin/", "/usr/bin/"].iter().any(|directory| program.starts_with(directory));
    let meant = INTERPRETERS.into_iter().find(|known| {
        is_standard && closest_match(stem, [*known]).is_some() && stem.len().abs_diff(known.len()) <= 1
    })?;
    Some(ShebangProblem::UnknownProgram { meant })
}

#[cfg(test)]
mod tests {
    use super::ShebangProblem::{
        ByteOrderMark, CarriageReturn, EnvArguments, ForeignProgram, NoProgram, NotFirst, TooLong,
        TooLongForOldKernels, UnknownProgram,
    };
    use super::*;

    #[test]
    fn what_systems_run() {
        for (head, words) in [
            ("#!/bin/sh\nx", &["/bin/sh"][..]),
            ("#!/bin/sh", &["/bin/sh"]),
            ("#! /usr/bin/perl -w -T \nx", &["/usr/bin/perl", "-w -T"]),
            ("#!\t/bin/bash\n", &["/bin/bash"]),
            ("#!/usr/bin/env\tperl\n", &["/usr/bin/env", "perl"]),
            ("#!/usr/bin/env -S python3 -u\n", &["/usr/bin/env", "-S python3 -u"]),
            ("#!/usr/bin/python3.11\n", &["/usr/bin/python3.11"]),
            ("#!/opt/pbs/bin/pbs_tclsh\n", &["/opt/pbs/bin/pbs_tclsh"]),
            ("#!/usr/bin/wish\n", &["/usr/bin/wish"]),
        ] {
            let shebang = parse_shebang(head.as_bytes());
            assert_eq!((shebang.is_script, &shebang.problems), (true, &Vec::new()), "{head:?}");
            assert_eq!(shebang.words, words, "{head:?}");
        }
        for none in ["", "true\n", "# !/bin/sh\n", "x #!/bin/sh", "\u{feff}true\n"] {
            assert_eq!(parse_shebang(none.as_bytes()), Shebang::default(), "{none:?}");
        }
    }

    #[test]
    fn what_no_system_runs() {
        let long = |length: usize| format!("#!/bin/{}\n", "x".repeat(length - "#!/bin/".len()));
        for (head, problem) in [
            ("#!/bin/sh\r\n".to_owned(), CarriageReturn),
            ("#!/bin/sh -e\r\ntrue\r\n".to_owned(), CarriageReturn),
            ("\u{feff}#!/bin/sh\n".to_owned(), ByteOrderMark),
            (" #!/bin/sh".to_owned(), NotFirst),
            ("\n#!/usr/bin/perl\n".to_owned(), NotFirst),
            ("#!\n".to_owned(), NoProgram),
            ("#!perl\n".to_owned(), NoProgram),
            ("#!/bin/\u{7}sh\n".to_owned(), NoProgram),
            (format!("#!/{}", "x".repeat(2000)), NoProgram),
            (long(256), TooLong),
            (long(128), TooLongForOldKernels),
            ("#!/usr/bin/env python3 -u\n".to_owned(), EnvArguments),
            ("#!/usr/bin/env LANG=C perl\n".to_owned(), EnvArguments),
            ("#!/usr/local/bin/perl\n".to_owned(), ForeignProgram),
            ("#!/home/ada/bin/bash\n".to_owned(), ForeignProgram),
            ("#!/usr/bin/pyhton3\n".to_owned(), UnknownProgram { meant: "python" }),
            ("#!/bin/bsah\n".to_owned(), UnknownProgram { meant: "bash" }),
        ] {
            assert_eq!(parse_shebang(head.as_bytes()).problems, [problem], "{head:?}");
        }
        assert_eq!(parse_shebang(b"#!/bin/\xff\n").problems, [NoProgram]);
        assert!(parse_shebang(long(127).as_bytes()).problems.is_empty());
    }
}
