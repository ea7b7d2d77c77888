//! The shell text that a package manager runs for a native script (format, section 4.1).

use crate::model::{Opkg, ScriptTime, SourceFile};
use crate::parts::InstalledFile;
use crate::text::shell_quote;

/// A native script's scriptlet, for `/bin/sh`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scriptlet {
    /// When it runs.
    pub time: ScriptTime,
    /// Shell commands, each line ended. What the package manager passes is in `"$@"`, and the script's exit
    /// status is that of the whole. No line begins with a character of the script itself, so that none of
    /// them can be taken for something of the format that carries it.
    pub body: String,
    /// The script's interpreter where the package manager must be told of it: an absolute path, and not
    /// `/bin/sh`, which runs the body itself.
    pub required_programs: Vec<String>,
}

impl Scriptlet {
    /// Whether the body holds the script itself. It uses `mktemp` and `rm` then.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        !is_file_installed(self.time)
    }
}

/// The scriptlet of a file, if it is a native script.
///
/// `action` gives commands, each line ended, that set `OPKG_ACTION` and `OPKG_OLD_VERSION` at a time, from what the package
/// manager passes; they are there where the OPKG's scripts mention one of the two. The action is `install`, `upgrade`,
/// `remove`, `purge`, at the end of a transaction `transaction`, or `triggered`; the old version is the one that was there
/// before, as the package manager writes it: at `install`, `transaction` and `triggered` empty, at `upgrade` the replaced one, at `remove` and `purge`
/// the one that goes.
#[must_use]
pub fn for_file(
    file: &InstalledFile<'_>,
    opkg: &Opkg,
    action: impl FnOnce(ScriptTime) -> String,
) -> Option<Scriptlet> {
    let native = file.source.script.as_ref()?;
    let mut environment =
        format!("OSCAR_PACKAGE_HOME={}\nexport OSCAR_PACKAGE_HOME\n", shell_quote(&opkg.home));
    if opkg.tells_action {
        environment += &action(native.time);
        environment += "export OPKG_ACTION OPKG_OLD_VERSION\n";
    }
    let run = match &native.text {
        Some(text) if !is_file_installed(native.time) => embed_script(text, &file.source.interpreter),
        _ => exec_file(native.time, &file.path),
    };
    let body = environment + &run;
    Some(Scriptlet { time: native.time, body, required_programs: required_programs(file.source) })
}

/// Whether the script's file is on disk at that time.
fn is_file_installed(time: ScriptTime) -> bool {
    match time {
        ScriptTime::PostInstall
        | ScriptTime::PostUpgrade
        | ScriptTime::PreUninstall
        | ScriptTime::PostTransaction
        | ScriptTime::PreRemovalTransaction
        | ScriptTime::Triggered => true,
        ScriptTime::PreInstall
        | ScriptTime::PreUpgrade
        | ScriptTime::PostUninstall
        | ScriptTime::PreTransaction
        | ScriptTime::PostRemovalTransaction => false,
    }
}

/// Runs the file. A removal that was cut off has taken it away already, and run it before that: it must not be in the way
/// of ending the removal.
fn exec_file(time: ScriptTime, path: &str) -> String {
    let path = shell_quote(path);
    let exec = format!("exec {path} \"$@\"\n");
    match time {
        ScriptTime::PreUninstall | ScriptTime::PreRemovalTransaction => {
            format!(
                "if [ ! -e {path} ]; then echo {path} is gone already, and not run >&2; exit 0; fi\n{exec}"
            )
        }
        ScriptTime::PreInstall
        | ScriptTime::PostInstall
        | ScriptTime::PreUpgrade
        | ScriptTime::PostUpgrade
        | ScriptTime::PostUninstall
        | ScriptTime::PreTransaction
        | ScriptTime::PostTransaction
        | ScriptTime::PostRemovalTransaction
        | ScriptTime::Triggered => exec,
    }
}

/// The script goes into a private file, since interpreters differ in what they can read from elsewhere.
/// Every line of it is marked, so that none ends the here-document; the shell itself takes the marks
/// away again. A last line without an end gets one. Where the disk is full, nothing of the script runs.
fn embed_script(text: &str, interpreter: &[String]) -> String {
    let mut body = String::from(
        "script=$(mktemp) || exit 1\n\
         trap 'rm -f \"$script\"' EXIT\n\
         while IFS= read -r line; do printf '%s\\n' \"${line#?}\" || exit 1; done > \"$script\" \
         <<'END_OF_SCRIPT' || exit 1\n",
    );
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        body.push('|');
        body.push_str(line);
        body.push('\n');
    }
    body.push_str("END_OF_SCRIPT\n");
    if interpreter.is_empty() {
        body.push_str("/bin/sh ");
    }
    for word in interpreter {
        body.push_str(&shell_quote(word));
        body.push(' ');
    }
    body.push_str("\"$script\" \"$@\"\n");
    body
}

fn required_programs(file: &SourceFile) -> Vec<String> {
    // Of `/usr/bin/env perl` only `env` has a path that is known; where `perl` lies is what it looks for.
    file.interpreter
        .first()
        .filter(|program| program.starts_with('/') && *program != "/bin/sh")
        .cloned()
        .into_iter()
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::file_attributes::FileAttributes;
    use crate::model::{Destination, NativeScript, Part};
    use crate::testing::sample_opkg;
    use proptest::prelude::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    fn file(time: ScriptTime, text: Option<&str>, interpreter: &[&str]) -> SourceFile {
        SourceFile {
            at: 0,
            path: "scripts/x".into(),
            part: Part::Api,
            destination: Destination::Path("/usr/lib/oscar/packages/it's/x y".into()),
            mode: 0o755,
            size: 0,
            sha256: Vec::new(),
            interpreter: interpreter.iter().map(ToString::to_string).collect(),
            link: None,
            configuration: false,
            arch: None,
            only_arch: None,
            rules: Vec::new(),
            unit: None,
            accounts: Vec::new(),
            script: Some(NativeScript { time, text: text.map(str::to_owned) }),
            attributes: Vec::new(),
        }
    }

    fn scriptlet(source: &SourceFile) -> Scriptlet {
        let opkg = Opkg { home: "/usr/lib/oscar/packages/it's".into(), ..sample_opkg("x") };
        scriptlet_of(source, &opkg)
    }

    fn scriptlet_of(source: &SourceFile, opkg: &Opkg) -> Scriptlet {
        let Destination::Path(path) = source.destination.clone() else { panic!("a path was given") };
        for_file(
            &InstalledFile {
                path,
                is_documentation: false,
                attributes: FileAttributes::of_root(0o755),
                source,
            },
            opkg,
            |time| format!("OPKG_ACTION={time:?}\nOPKG_OLD_VERSION=$1\n"),
        )
        .unwrap()
    }

    fn run(body: &str, arguments: &[&str]) -> (String, Option<i32>) {
        let mut shell = tempfile::NamedTempFile::new().unwrap();
        shell.write_all(body.as_bytes()).unwrap();
        let out =
            Command::new("/bin/sh").arg(shell.path()).args(arguments).stdin(Stdio::null()).output().unwrap();
        (String::from_utf8_lossy(&out.stdout).into_owned(), out.status.code())
    }

    #[test]
    fn a_script_on_disk_is_run_with_its_arguments() {
        let source = file(ScriptTime::PostInstall, None, &["/usr/bin/perl"]);
        let scriptlet = scriptlet(&source);
        assert_eq!(
            scriptlet.body,
            "OSCAR_PACKAGE_HOME='/usr/lib/oscar/packages/it'\\''s'\nexport OSCAR_PACKAGE_HOME\n\
             exec '/usr/lib/oscar/packages/it'\\''s/x y' \"$@\"\n"
        );
        assert_eq!(scriptlet.required_programs, ["/usr/bin/perl"]);
        assert!(!scriptlet.is_embedded());
    }

    #[test]
    fn a_carried_script_gets_its_arguments_and_home_and_its_status_counts() {
        let text = "#!/bin/sh\nEND_OF_SCRIPT\necho \"$OSCAR_PACKAGE_HOME $1 $#\"\nexit 3";
        let source = file(ScriptTime::PreInstall, Some(text), &["/bin/sh"]);
        let (printed, status) = run(&scriptlet(&source).body, &["a b", "c"]);
        assert_eq!(printed, "/usr/lib/oscar/packages/it's a b 2\n");
        assert_eq!(status, Some(3));
    }

    #[test]
    fn a_script_is_told_why_it_runs_where_that_is_asked_for() {
        let text = "echo \"${OPKG_ACTION-none} ${OPKG_OLD_VERSION-none}\"\n";
        let source = file(ScriptTime::PreInstall, Some(text), &["/bin/sh"]);
        for (tells_action, expected) in [(true, "ScriptTime::PreInstall 1 2\n"), (false, "none none\n")] {
            let opkg = Opkg { tells_action, ..sample_opkg("x") };
            assert_eq!(run(&scriptlet_of(&source, &opkg).body, &["1 2"]), (expected.to_owned(), Some(0)));
        }
    }

    #[test]
    fn without_an_interpreter_the_shell_runs_it() {
        let source = file(ScriptTime::PostUninstall, Some("echo hello\n"), &[]);
        assert_eq!(run(&scriptlet(&source).body, &[]), ("hello\n".into(), Some(0)));
        assert!(scriptlet(&source).required_programs.is_empty());
    }

    #[test]
    fn half_of_a_script_is_not_run() {
        let lines = "# what is a comment takes its place as well\n".repeat(200);
        let text = format!("#!/bin/sh\necho first\n{lines}echo last\n");
        let body = scriptlet(&file(ScriptTime::PreInstall, Some(&text), &["/bin/sh"])).body;
        // Blocks of 512 or 1024 bytes; without the signal, as on a disk that is full, writing is an error.
        for (limit, expected) in [("2", ("", Some(1))), ("unlimited", ("first\nlast\n", Some(0)))] {
            let limited = format!("trap '' XFSZ\nulimit -f {limit}\n{body}");
            assert_eq!(run(&limited, &[]), (expected.0.to_owned(), expected.1), "{limit}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_arrives_as_it_was(text in "[^\0]{0,200}", extra in "(%post\n|%if 1\n|END_OF_SCRIPT\n|\\\\\n|\r\n| \n|){1,6}") {
            let text = format!("{text}\n{extra}");
            let source = file(ScriptTime::PreInstall, Some(&text), &["/bin/cat"]);
            let scriptlet = scriptlet(&source);
            let inside = scriptlet.body.lines().skip_while(|line| !line.contains("<<'END_OF_SCRIPT'")).skip(1);
            for line in inside.take_while(|line| *line != "END_OF_SCRIPT") {
                prop_assert!(line.starts_with('|'));
            }
            let ended = format!("{}\n", text.strip_suffix('\n').unwrap_or(&text));
            prop_assert_eq!(run(&scriptlet.body, &[]), (ended, Some(0)));
        }
    }

    /// What a removal took away before it was cut off must not keep it from its end; otherwise a missing script is a failure.
    #[test]
    fn a_script_that_is_gone_is_run_no_more_by_a_removal() {
        for (time, succeeds) in [(ScriptTime::PreUninstall, true), (ScriptTime::PostInstall, false)] {
            let mut source = file(time, None, &[]);
            source.destination = Destination::Path("/nowhere/it's/gone".into());
            let output = Command::new("/bin/sh").arg("-c").arg(scriptlet(&source).body).output().unwrap();
            assert_eq!(output.status.success(), succeeds, "{time:?}: {output:?}");
            assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/it's/gone"), "it is said");
        }
        let mut source = file(ScriptTime::PreUninstall, None, &[]);
        source.destination = Destination::Path("/bin/false".into());
        let status = Command::new("/bin/sh").arg("-c").arg(scriptlet(&source).body).status().unwrap();
        assert!(!status.success(), "one that is there has its say");
    }
}
