//! Definitions of one test: how its program is run, and what its output is held against.
#![allow(clippy::unwrap_used)]

mod common;

use common::{FakeHost, exited, printed, test};
use insta::assert_snapshot;
use opkg_plugin_hook_apitest::host::{ProcessOutput, Program, Request, SpawnError, TestOutcome};

/// What a definition's program is asked to be.
fn planned_request(definition: &str) -> Request {
    let mut host = FakeHost::default().with_file("apitests.d/x.apt", definition);
    host.run(&["apitests.d/x.apt"]).unwrap();
    host.requests.remove(0)
}

fn command(attributes: &str, line: &str, inputs: &str) -> Request {
    planned_request(&format!(
        "<testDef><test type='cmd'><command {attributes}>{line}</command>{inputs}</test></testDef>"
    ))
}

fn script(attributes: &str, text: &str) -> Request {
    planned_request(&format!(
        "<testDef><test type='script'><command {attributes}>{text}</command></test></testDef>"
    ))
}

fn request(program: Program, arguments: &[&str]) -> Request {
    let arguments = arguments.iter().map(|it| (*it).to_owned()).collect();
    Request { program, arguments, directory: None, user: None }
}

fn with_file(path: &str) -> Program {
    Program::File(path.into())
}

fn text(interpreter: Option<&str>, contents: &str) -> Program {
    Program::Text { interpreter: interpreter.map(str::to_owned), contents: contents.into() }
}

/// The verdict where the program prints this, and ends like that.
fn outcome_of(outputs: &str, output: ProcessOutput) -> TestOutcome {
    let mut host = FakeHost::default()
        .with_file("apitests.d/x.apt", test("/bin/x", outputs))
        .with_program("/bin/x", move |_| Ok(output.clone()));
    host.run(&["apitests.d/x.apt"]).unwrap();
    host.outcomes["x.apt"].clone()
}

fn failure_reason(outputs: &str, output: ProcessOutput) -> String {
    match outcome_of(outputs, output) {
        TestOutcome::Failed(reason) => reason,
        other => panic!("{other:?}"),
    }
}

/// The flaws of a definition.
fn parse_errors(definition: &str) -> String {
    FakeHost::default()
        .with_file("apitests.d/x.apt", definition)
        .run(&["apitests.d/x.apt"])
        .unwrap_err()
        .join("\n")
}

#[test]
fn a_command_is_split_and_run_directly() {
    let inputs = "<input name='argument'>-l 'x</input><input name='argument'> $HOME; ls </input>";
    assert_eq!(
        command("", " tests.d/probe  -v 'a b' ", inputs),
        request(with_file("tests.d/probe"), &["-v", "a b", "-l 'x", "$HOME; ls"])
    );
    let whole = command("wdir='/tmp' uname=\"oscartst\"", "ls", "");
    assert_eq!((whole.directory.as_deref(), whole.user.as_deref()), (Some("/tmp"), Some("oscartst")));
    assert_eq!(command("uid='501' wdir=''", "ls", "").user.as_deref(), Some("501"));
    assert_eq!(command("uid='501' uname='root'", "ls", "").user.as_deref(), Some("root"));
}

#[test]
fn an_interpreter_runs_a_file_of_ours_by_its_whole_path() {
    assert_eq!(
        command("interpreter='/usr/bin/perl -w' wdir='/tmp'", "tests.d/x.pl -v", "<input>a b</input>"),
        Request {
            directory: Some("/tmp".into()),
            ..request(with_file("/usr/bin/perl"), &["-w", "/testing/tests.d/x.pl", "-v", "a b"])
        }
    );
    assert_eq!(
        command("interpreter='sh'", "tests.d/x.sh", ""),
        request(with_file("sh"), &["/testing/tests.d/x.sh"])
    );
    assert_eq!(
        command("interpreter='python'", "/opt/x.py", ""),
        request(with_file("python"), &["/opt/x.py"])
    );
}

#[test]
fn a_shell_gets_the_line_as_its_own_and_the_arguments_as_such() {
    let input = "<input name='argument'>; rm -rf $HOME</input>";
    assert_eq!(
        command("interpreter='/bin/sh'", "/bin/ls", input),
        request(text(Some("/bin/sh"), "/bin/ls \"$@\"\n"), &["; rm -rf $HOME"])
    );
    assert_eq!(
        command("interpreter='/bin/csh'", "env", input),
        request(text(Some("/bin/csh"), "env $argv:q\n"), &["; rm -rf $HOME"])
    );
    assert_eq!(
        command("interpreter='/bin/bash'", "munge -n | unmunge", ""),
        request(text(Some("/bin/bash"), "munge -n | unmunge\n"), &[])
    );
    assert_eq!(
        command("interpreter='/bin/bash -e'", "a &amp;&amp; b", ""),
        request(text(None, "#!/bin/bash -e\na && b\n"), &[])
    );
}

#[test]
fn a_script_begins_with_its_first_line() {
    assert_eq!(
        script("", "\n  #!/usr/bin/perl -w\nprint 1;\n"),
        request(text(None, "#!/usr/bin/perl -w\nprint 1;\n"), &[])
    );
    assert_eq!(script("", "\nexit 0\n  "), request(text(Some("/bin/sh"), "exit 0\n"), &[]));
    assert_eq!(
        script("interpreter='perl'", "<![CDATA[#!/usr/bin/perl\nprint 1 && 2 < 3;]]>"),
        request(text(Some("perl"), "#!/usr/bin/perl\nprint 1 && 2 < 3;\n"), &[])
    );
}

#[test]
fn what_must_come() {
    use TestOutcome::Passed;
    assert_eq!(outcome_of("", exited(3)), Passed, "nothing is asked");
    assert_eq!(outcome_of("<output name='status'>0</output>", exited(0)), Passed);
    assert_eq!(outcome_of("<output name='status' format='literal'> 03 </output>", exited(3)), Passed);
    assert_eq!(outcome_of("<output name='status' format='regexp'>[12]</output>", exited(2)), Passed);
    assert_eq!(outcome_of("<output name='stdout'>a\nb</output>", printed("a\nb\n", "x")), Passed);
    assert_eq!(outcome_of("<output name='stdout'>a\nb\n</output>", printed("a\nb", "")), Passed);
    assert_eq!(outcome_of("<output name='stderr'/>", printed("x", "")), Passed);
    assert_eq!(outcome_of("<output name='stderr' format='regexp'></output>", printed("x", "")), Passed);
    let two = "<output name='stdout' format='regexp'>.*a.*</output><output name='stdout' format='regexp'>.*b.*</output>";
    assert_eq!(outcome_of(two, printed("a\nb\n", "")), Passed);
    assert!(failure_reason(two, printed("a\n", "")).contains("b"));
    let latin = ProcessOutput { stdout: b"gr\xfc\xdfe\n".into(), ..exited(0) };
    assert_eq!(outcome_of("<output name='stdout' format='regexp'>gr..e</output>", latin), Passed);
}

#[test]
fn a_match_that_must_not_be() {
    let definition = |outputs: &str| {
        let text =
            format!("<testDef><test type='cmd' match='NO'><command>x</command>{outputs}</test></testDef>");
        let mut host = FakeHost::default().with_file("apitests.d/x.apt", text);
        host.run(&["apitests.d/x.apt"]).unwrap();
        host.outcomes["x.apt"].clone()
    };
    assert_eq!(definition("<output name='status'>1</output>"), TestOutcome::Passed);
    assert!(matches!(definition("<output name='status'>0</output>"), TestOutcome::Failed(_)));
}

#[test]
fn differences_as_people_read_them() {
    let flood = ProcessOutput { stdout: vec![b'x'; 1 << 20], truncated: true, ..exited(0) };
    let long: String = (1..30).map(|it| format!("line {it}\n")).collect();
    let cases = [
        (
            "<output name='status'>0</output>",
            ProcessOutput { stderr: b"a\nno node answers\n".into(), ..exited(1) },
        ),
        ("<output name='status' format='regexp'>[12]</output>", exited(127)),
        ("<output name='stdout'>0 errors</output>", printed("1 errors\n", "")),
        ("<output name='stdout'>a\nb\nc</output>", printed("a\nB\nc\n", "")),
        ("<output name='stdout'>a\nb</output>", printed("a\n", "")),
        ("<output name='stdout'>a</output>", printed("a\n\n\u{1b}[31mb", "")),
        ("<output name='stdout'>ok</output>", printed("", "")),
        ("<output name='stderr'/>", printed("", "warning: old\n")),
        ("<output name='stdout' format='regexp'>ok\\n</output>", printed(&long, "")),
        ("<output name='stdout' format='regexp'>x+</output>", flood.clone()),
        ("<output name='stdout'/><output name='stderr'/>", flood),
        (
            "<output name='status'>0</output>",
            ProcessOutput {
                termination: "was killed by signal 11 (SIGSEGV)".into(),
                exit_code: None,
                ..exited(0)
            },
        ),
        ("", ProcessOutput { termination: "was stopped after 30 min".into(), exit_code: None, ..exited(0) }),
    ];
    let told: Vec<String> =
        cases.into_iter().map(|(outputs, output)| failure_reason(outputs, output)).collect();
    assert_snapshot!(told.join("\n--\n"));
}

#[test]
fn of_a_flood_only_what_is_looked_at_must_be_whole() {
    let flood = ProcessOutput { stdout: vec![b'x'; 1 << 20], truncated: true, ..exited(0) };
    assert_eq!(
        outcome_of("<output name='stderr'/><output name='status'>0</output>", flood.clone()),
        TestOutcome::Passed
    );
    assert_eq!(outcome_of("<output name='stdout' format='regexp'>.*</output>", flood), TestOutcome::Passed);
}

#[test]
fn programs_that_are_not_run() {
    let transcript = |refusal: SpawnError| {
        FakeHost::default()
            .with_file("apitests.d/x.apt", test("/opt/x", "<output name='status'>0</output>"))
            .with_program("/opt/x", move |_| Err(refusal.clone()))
            .transcript_of(&["apitests.d/x.apt"])
    };
    assert_snapshot!(
        [
            transcript(SpawnError::NotStarted("does not exist".into())),
            transcript(SpawnError::NotGranted("only root runs programs as oscartst: run opm as root".into())),
        ]
        .join("\n--\n")
    );
}

#[test]
fn flaws_name_the_line_and_what_is_right() {
    let around = |inside: &str| format!("<testDef>\n<test type='cmd'>\n{inside}\n</test></testDef>");
    let cases = [
        "<tests/>".to_owned(),
        "<testDef/>".to_owned(),
        "<testDef><test type='cmd'><command>x</command></test>\n<test type='cmd'/></testDef>".to_owned(),
        "<testDef>\n<test><command>x</command></test></testDef>".to_owned(),
        "<testDef>\n<test type='shell'><command>x</command></test></testDef>".to_owned(),
        around(""),
        around("<command/>"),
        around("<command> # only a comment</command>"),
        around("<command>a | b</command>"),
        around("<command>'a</command>"),
        around("<command uid='root'>a</command>"),
        around("<command>a</command>\n<input name='stdin'>x</input>"),
        around("<command>a</command>\n<output name='log'>x</output>"),
        around("<command>a</command>\n<output name='stdout' format='glob'>*</output>"),
        around("<command>a</command>\n<output name='stdout' format='regexp'>(</output>"),
        around("<command>a</command>\n<output name='status'>none</output>"),
        around("<command>a && b</command>"),
        "<testDef><test type='script' match='maybe'><command/></test></testDef>".to_owned(),
        "<testDef><test type='script'><command interpreter='perl -w'>x</command></test></testDef>".to_owned(),
    ];
    let told: Vec<String> = cases.iter().map(|it| parse_errors(it)).collect();
    assert_snapshot!(told.join("\n"));
}

#[test]
fn what_is_odd_is_said_and_changes_nothing() {
    let definition = "<?xml version='1.0' encoding='latin1'?>
<!-- -- untidy -->
<testDef version='2'>
  <author>somebody</author> loose
  <shortDescription>  gr\u{fc}n  &amp;
    gut </shortDescription>
  <test type='CMD' timeout='8'>
    <command shell='yes'>/bin/ls *.c</command>
    <output name='status'/>
  </test>
</testDef>
<!-- EOF -->
";
    let latin: Vec<u8> = definition.chars().map(|it| u8::try_from(u32::from(it)).unwrap()).collect();
    assert_snapshot!(
        FakeHost::default().with_file("apitests.d/x.apt", latin).transcript_of(&["apitests.d/x.apt"])
    );
}
