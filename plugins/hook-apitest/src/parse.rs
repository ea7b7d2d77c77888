//! Definitions, read from their XML.
//!
//! What a definition says beyond what is known here is a finding; what cannot be done as it says is a flaw, so that a
//! test never passes for less than it asks.

use roxmltree::Node;

use crate::definition::{Batch, Body, Command, Condition, Definition, Expected, Match, Member, Stream, Test};
use crate::pattern::Pattern;
use crate::text::{decode, show, squeeze};
use crate::words::split;
use crate::xml::{self, Flaw, attribute, attributes, content, elements, line};

/// Bytes of a file.
pub const MOST_BYTES: usize = 1 << 20;

/// Characters of a description.
const DESCRIPTION: usize = 200;

/// The program that runs a text which does not say what runs it.
const SHELL: &str = "/bin/sh";

/// Reads a definition.
///
/// # Errors
/// All that is wrong with it.
pub fn parse(bytes: &[u8]) -> Result<Definition, Vec<Flaw>> {
    let whole = |message: String| vec![Flaw { line: None, message }];
    if bytes.len() > MOST_BYTES {
        return Err(whole(format!("the file is larger than {} KiB", MOST_BYTES >> 10)));
    }
    let text = xml::without_comments(&decode(bytes).map_err(whole)?);
    let document = xml::parse(text.trim_start()).map_err(|flaw| vec![flaw])?;
    let root = document.root_element();
    let mut reader = Reader::default();
    let body = match root.tag_name().name() {
        "testDef" => reader.definition(root).map(|it| Body::Test(Box::new(it))),
        "testBatch" => Some(Body::Batch(reader.batch(root))),
        name => {
            reader.flaw(root, format!("<{}> is neither a testDef nor a testBatch", show(name)));
            None
        }
    };
    match body {
        Some(body) if reader.flaws.is_empty() => {
            Ok(Definition { description: description(root), body, findings: reader.findings })
        }
        _ => Err(reader.flaws),
    }
}

/// The short description; where there is none, the beginning of what is said about it.
fn description(root: Node<'_, '_>) -> String {
    let text = |name: &str| {
        let of = root.children().find(|it| it.tag_name().name() == name);
        of.map(|it| squeeze(&content(it))).filter(|it| !it.is_empty())
    };
    let text = text("shortDescription").or_else(|| text("info")).unwrap_or_default();
    match text.char_indices().nth(DESCRIPTION) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text,
    }
}

#[derive(Default)]
struct Reader {
    flaws: Vec<Flaw>,
    findings: Vec<String>,
}

impl Reader {
    fn flaw(&mut self, node: Node<'_, '_>, message: String) {
        self.flaws.push(Flaw::at(node, message));
    }

    fn finding(&mut self, node: Node<'_, '_>, message: &str) {
        self.findings.push(format!("line {}: {message}", line(node)));
    }

    fn definition(&mut self, root: Node<'_, '_>) -> Option<Test> {
        attributes(root, &[], &mut self.findings);
        let inside = elements(root, &["info", "shortDescription", "test"], &mut self.findings);
        let tests: Vec<_> = inside.into_iter().filter(|it| it.has_tag_name("test")).collect();
        match tests.as_slice() {
            [test] => self.test(*test),
            [] => {
                self.flaw(root, "it has no <test>".into());
                None
            }
            [_, second, ..] => {
                self.flaw(*second, "a definition has one <test>; several belong into a batch".into());
                None
            }
        }
    }

    fn test(&mut self, test: Node<'_, '_>) -> Option<Test> {
        attributes(test, &["type", "name", "match"], &mut self.findings);
        let inside = elements(test, &["command", "input", "output"], &mut self.findings);
        let of = |name: &'static str| inside.iter().copied().filter(move |it| it.has_tag_name(name));
        let arguments: Vec<String> = of("input").filter_map(|it| self.argument(it)).collect();
        let expected: Vec<Expected> = of("output").filter_map(|it| self.output(it)).collect();
        let must_match = self.boolean(test, "match", true);
        let kind = attribute(test, "type").unwrap_or_default();
        let is_script = match kind.to_ascii_lowercase().as_str() {
            "cmd" => false,
            "script" => true,
            "" => {
                self.flaw(test, "the test has no type: `cmd` or `script`".into());
                return None;
            }
            _ => {
                self.flaw(test, format!("`{}` is no type of a test: `cmd` or `script` is", show(kind)));
                return None;
            }
        };
        let commands: Vec<_> = of("command").collect();
        let &[command] = commands.as_slice() else {
            self.flaw(test, format!("a test has one <command>, this one has {}", commands.len()));
            return None;
        };
        attributes(command, &["interpreter", "wdir", "uname", "uid"], &mut self.findings);
        Some(Test {
            user: self.user(command),
            directory: attribute(command, "wdir").map(str::to_owned),
            command: match is_script {
                true => self.script(command, arguments),
                false => self.line(command, arguments),
            }?,
            expected,
            must_match,
        })
    }

    fn user(&mut self, command: Node<'_, '_>) -> Option<String> {
        let (name, number) = (attribute(command, "uname"), attribute(command, "uid"));
        if name.is_some() && number.is_some() {
            self.finding(command, "`uid` is not looked at beside `uname`");
        }
        if name.is_none() && number.is_some_and(|it| it.parse::<u32>().is_err()) {
            self.flaw(command, format!("the uid `{}` is no number", show(number.unwrap_or_default())));
        }
        name.or(number).map(str::to_owned)
    }

    fn interpreter(&mut self, command: Node<'_, '_>) -> Option<Vec<String>> {
        let text = attribute(command, "interpreter")?;
        match split(text) {
            Ok(line) if !line.words.is_empty() => Some(line.words),
            Ok(_) => None,
            Err(reason) => {
                self.flaw(command, format!("the interpreter: {reason}"));
                None
            }
        }
    }

    fn script(&mut self, command: Node<'_, '_>, arguments: Vec<String>) -> Option<Command> {
        let text = content(command);
        // A `#!` must be the first that is there.
        let program = text.trim_start();
        if program.is_empty() {
            self.flaw(command, "the script is empty".into());
            return None;
        }
        let interpreter = self.interpreter(command);
        self.text(command, interpreter, program.trim_end(), arguments)
    }

    /// The text as a program of an interpreter. Further words of that go where the kernel takes one of them from.
    fn text(
        &mut self,
        command: Node<'_, '_>,
        interpreter: Option<Vec<String>>,
        program: &str,
        arguments: Vec<String>,
    ) -> Option<Command> {
        let (interpreter, contents) = match interpreter.as_deref() {
            None if program.starts_with("#!") => (None, format!("{program}\n")),
            None => (Some(SHELL.to_owned()), format!("{program}\n")),
            Some([interpreter]) => (Some(interpreter.clone()), format!("{program}\n")),
            Some([interpreter, option]) if interpreter.starts_with('/') && !option.contains('\n') => {
                (None, format!("#!{interpreter} {option}\n{program}\n"))
            }
            Some(_) => {
                let message = "an interpreter is a program, or its absolute path with one argument";
                self.flaw(command, message.into());
                return None;
            }
        };
        Some(Command::Text { interpreter, contents, arguments })
    }

    fn line(&mut self, command: Node<'_, '_>, arguments: Vec<String>) -> Option<Command> {
        let text = content(command);
        let text = text.trim();
        if text.is_empty() {
            self.flaw(command, "the command is empty".into());
            return None;
        }
        let interpreter = self.interpreter(command);
        let given = interpreter.as_deref().and_then(<[String]>::first).and_then(|it| given(it));
        let line = match split(text) {
            Ok(line) => line,
            // It is the shell's own.
            Err(_) if given.is_some() => {
                return self.shell_line(command, interpreter, text, given, arguments);
            }
            Err(reason) => {
                self.flaw(command, reason);
                return None;
            }
        };
        let Some(program) = line.words.first() else {
            self.flaw(command, "the command is empty".into());
            return None;
        };
        let is_ours = program.contains('/') && !program.starts_with('/');
        match (interpreter, given) {
            (Some(interpreter), Some(_)) if !is_ours => {
                self.shell_line(command, Some(interpreter), text, given, arguments)
            }
            (interpreter, _) => {
                if line.has_wildcards {
                    self.finding(command, "`*`, `?` and `[` stand for themselves, since there is no shell");
                }
                let words = [line.words, arguments].concat();
                Some(match interpreter {
                    Some(interpreter) => Command::Interpreted { interpreter, words },
                    None => Command::Words(words),
                })
            }
        }
    }

    /// A line of a shell's language; arguments reach it as such, whatever is in them.
    fn shell_line(
        &mut self,
        command: Node<'_, '_>,
        interpreter: Option<Vec<String>>,
        line: &str,
        given: Option<&str>,
        arguments: Vec<String>,
    ) -> Option<Command> {
        let program = match given {
            Some(given) if !arguments.is_empty() => format!("{line} {given}"),
            _ => line.to_owned(),
        };
        self.text(command, interpreter, &program, arguments)
    }

    fn argument(&mut self, input: Node<'_, '_>) -> Option<String> {
        attributes(input, &["name", "format"], &mut self.findings);
        match attribute(input, "name").unwrap_or("argument") {
            "argument" => Some(content(input).trim().to_owned()),
            name => {
                self.flaw(input, format!("`{}` is no input of a test: `argument` is", show(name)));
                None
            }
        }
    }

    fn output(&mut self, output: Node<'_, '_>) -> Option<Expected> {
        attributes(output, &["name", "format"], &mut self.findings);
        let text = content(output);
        let is_pattern = match attribute(output, "format").unwrap_or("literal") {
            "literal" => false,
            "regexp" => true,
            format => {
                let message =
                    format!("`{}` is no format of an output: `literal` or `regexp` is", show(format));
                self.flaw(output, message);
                return None;
            }
        };
        let is_empty = text.trim().is_empty();
        let pattern = match Pattern::new(&text) {
            Ok(pattern) => pattern,
            Err(_) if !is_pattern => Pattern::new("").ok()?,
            Err(reason) => {
                self.flaw(output, format!("the regular expression cannot be used: {reason}"));
                return None;
            }
        };
        let stream = match attribute(output, "name").unwrap_or_default() {
            "stdout" => Stream::Out,
            "stderr" => Stream::Err,
            "status" if is_empty => {
                self.finding(output, "an empty status says nothing");
                return None;
            }
            "status" if is_pattern => return Some(Expected::StatusLike(pattern)),
            "status" => match text.trim().parse() {
                Ok(status) => return Some(Expected::Status(status)),
                Err(_) => {
                    self.flaw(output, format!("the status `{}` is no number", show(text.trim())));
                    return None;
                }
            },
            name => {
                let message =
                    format!("`{}` is no output of a test: `stdout`, `stderr` or `status` is", show(name));
                self.flaw(output, message);
                return None;
            }
        };
        Some(Expected::Stream(
            stream,
            match (is_empty, is_pattern) {
                (true, _) => Match::Nothing,
                (false, true) => Match::Like(pattern),
                (false, false) => Match::Literal(text),
            },
        ))
    }

    fn boolean(&mut self, node: Node<'_, '_>, name: &str, default: bool) -> bool {
        let Some(text) = attribute(node, name) else { return default };
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => true,
            "false" | "no" | "0" => false,
            _ => {
                self.flaw(node, format!("`{name}` is TRUE or FALSE, and not `{}`", show(text)));
                default
            }
        }
    }

    fn batch(&mut self, root: Node<'_, '_>) -> Batch {
        attributes(root, &[], &mut self.findings);
        let mut batch = Batch::default();
        for element in elements(root, &["info", "shortDescription", "test", "dep"], &mut self.findings) {
            match element.tag_name().name() {
                "test" => self.member(element, &mut batch),
                "dep" => self.dependency(element, &mut batch),
                _ => {}
            }
        }
        if batch.members.is_empty() && self.flaws.is_empty() {
            self.flaw(root, "the batch has no tests".into());
        }
        batch
    }

    fn member(&mut self, test: Node<'_, '_>, batch: &mut Batch) {
        attributes(test, &["name", "mustPass"], &mut self.findings);
        let Some(name) = attribute(test, "name") else {
            return self.flaw(test, "the test has no name: that of its file".into());
        };
        let at = position(batch, name, test);
        if test.has_attribute("mustPass") {
            batch.members[at].must_pass = self.boolean(test, "mustPass", true);
        }
    }

    fn dependency(&mut self, dep: Node<'_, '_>, batch: &mut Batch) {
        attributes(dep, &["parent", "child", "mustPass", "status"], &mut self.findings);
        let (Some(parent), Some(child)) = (attribute(dep, "parent"), attribute(dep, "child")) else {
            return self.flaw(dep, "a dependency names a parent and a child".into());
        };
        let condition = match attribute(dep, "status").unwrap_or("PASS").to_ascii_uppercase().as_str() {
            "PASS" => Condition::Passed,
            "FAIL" => Condition::Failed,
            "ANY" => Condition::Ended,
            status => {
                return self.flaw(dep, format!("the status `{}` is none of PASS, FAIL, ANY", show(status)));
            }
        };
        let parent = position(batch, parent, dep);
        let child = position(batch, child, dep);
        let parents = &mut batch.members[child].parents;
        if !parents.contains(&(parent, condition)) {
            parents.push((parent, condition));
        }
        // Written there as well, about the child.
        if dep.has_attribute("mustPass") {
            batch.members[child].must_pass = self.boolean(dep, "mustPass", true);
        }
    }
}

/// How a shell names all the arguments that it was given, each as it is; nothing where the program is no shell.
fn given(interpreter: &str) -> Option<&'static str> {
    match interpreter.rsplit('/').next().unwrap_or_default() {
        "sh" | "bash" | "dash" | "ash" | "ksh" | "mksh" | "zsh" => Some("\"$@\""),
        "csh" | "tcsh" => Some("$argv:q"),
        _ => None,
    }
}

/// The position of a member, which is added where it is not there.
fn position(batch: &mut Batch, name: &str, mention: Node<'_, '_>) -> usize {
    let name = name.strip_prefix("./").unwrap_or(name);
    batch.members.iter().position(|it| it.name == name).unwrap_or_else(|| {
        batch.members.push(Member {
            name: name.to_owned(),
            line: line(mention),
            must_pass: true,
            parents: Vec::new(),
        });
        batch.members.len() - 1
    })
}
