//! Definitions, read from their XML.
//!
//! Unknown elements and attributes are warnings; what cannot be done as it says is an error, so that a test never
//! passes for less than it asks.

use roxmltree::Node;

use crate::definition::{
    Batch, BatchMember, Command, Definition, DefinitionBody, Expectation, ParentCondition, Stream,
    StreamMatch, TestDefinition,
};
use crate::pattern::Pattern;
use crate::shell_words::split;
use crate::text::{collapse_whitespace, decode, escape_for_display};
use crate::xml::{self, ParseError, attribute, check_attributes, known_elements, line_of, text_content};

/// Bytes of a file.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// Characters of a description.
const MAX_DESCRIPTION_CHARS: usize = 200;

/// The program that runs a text which does not say what runs it.
const DEFAULT_SHELL: &str = "/bin/sh";

/// Reads a definition.
///
/// # Errors
/// All that is wrong with it.
pub fn parse(bytes: &[u8]) -> Result<Definition, Vec<ParseError>> {
    let whole = |message: String| vec![ParseError { line: None, message }];
    if bytes.len() > MAX_FILE_BYTES {
        return Err(whole(format!("the file is larger than {} KiB", MAX_FILE_BYTES >> 10)));
    }
    let text = xml::blank_comments(&decode(bytes).map_err(|error| whole(error.to_string()))?);
    let document = xml::parse(text.trim_start()).map_err(|error| vec![error])?;
    let root = document.root_element();
    let mut reader = DefinitionParser::default();
    let body = match root.tag_name().name() {
        "testDef" => reader.parse_definition(root).map(|test| DefinitionBody::Test(Box::new(test))),
        "testBatch" => Some(DefinitionBody::Batch(reader.parse_batch(root))),
        name => {
            reader.report_error(
                root,
                format!("<{}> is neither a testDef nor a testBatch", escape_for_display(name)),
            );
            None
        }
    };
    match body {
        Some(body) if reader.errors.is_empty() => {
            Ok(Definition { description: description(root), body, warnings: reader.warnings })
        }
        _ => Err(reader.errors),
    }
}

/// The short description; where there is none, the beginning of what is said about it.
fn description(root: Node<'_, '_>) -> String {
    let text = |name: &str| {
        let element = root.children().find(|child| child.tag_name().name() == name);
        element.map(|element| collapse_whitespace(&text_content(element))).filter(|text| !text.is_empty())
    };
    let text = text("shortDescription").or_else(|| text("info")).unwrap_or_default();
    match text.char_indices().nth(MAX_DESCRIPTION_CHARS) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text,
    }
}

#[derive(Default)]
struct DefinitionParser {
    errors: Vec<ParseError>,
    warnings: Vec<String>,
}

impl DefinitionParser {
    fn report_error(&mut self, node: Node<'_, '_>, message: String) {
        self.errors.push(ParseError::at(node, message));
    }

    fn report_warning(&mut self, node: Node<'_, '_>, message: &str) {
        self.warnings.push(format!("line {}: {message}", line_of(node)));
    }

    fn parse_definition(&mut self, root: Node<'_, '_>) -> Option<TestDefinition> {
        check_attributes(root, &[], &mut self.warnings);
        let inside = known_elements(root, &["info", "shortDescription", "test"], &mut self.warnings);
        let tests: Vec<_> = inside.into_iter().filter(|element| element.has_tag_name("test")).collect();
        match tests.as_slice() {
            [test] => self.parse_test(*test),
            [] => {
                self.report_error(root, "it has no <test>".into());
                None
            }
            [_, second, ..] => {
                self.report_error(*second, "a definition has one <test>; several belong into a batch".into());
                None
            }
        }
    }

    fn parse_test(&mut self, test: Node<'_, '_>) -> Option<TestDefinition> {
        check_attributes(test, &["type", "name", "match"], &mut self.warnings);
        let inside = known_elements(test, &["command", "input", "output"], &mut self.warnings);
        let named =
            |name: &'static str| inside.iter().copied().filter(move |element| element.has_tag_name(name));
        let arguments: Vec<String> = named("input").filter_map(|input| self.parse_argument(input)).collect();
        let expected: Vec<Expectation> =
            named("output").filter_map(|output| self.parse_output(output)).collect();
        let must_match = self.parse_bool(test, "match", true);
        let kind = attribute(test, "type").unwrap_or_default();
        let is_script = match kind.to_ascii_lowercase().as_str() {
            "cmd" => false,
            "script" => true,
            "" => {
                self.report_error(test, "the test has no type; expected `cmd` or `script`".into());
                return None;
            }
            _ => {
                self.report_error(
                    test,
                    format!(
                        "unknown type of a test `{}`; expected `cmd` or `script`",
                        escape_for_display(kind)
                    ),
                );
                return None;
            }
        };
        let commands: Vec<_> = named("command").collect();
        let &[command] = commands.as_slice() else {
            self.report_error(test, format!("a test has one <command>, this one has {}", commands.len()));
            return None;
        };
        check_attributes(command, &["interpreter", "wdir", "uname", "uid"], &mut self.warnings);
        Some(TestDefinition {
            user: self.parse_user(command),
            directory: attribute(command, "wdir").map(str::to_owned),
            command: match is_script {
                true => self.parse_script(command, arguments),
                false => self.parse_command_line(command, arguments),
            }?,
            expected,
            must_match,
        })
    }

    fn parse_user(&mut self, command: Node<'_, '_>) -> Option<String> {
        let (name, number) = (attribute(command, "uname"), attribute(command, "uid"));
        if name.is_some() && number.is_some() {
            self.report_warning(command, "`uid` is ignored, since there is `uname`");
        }
        if name.is_none() && number.is_some_and(|uid| uid.parse::<u32>().is_err()) {
            self.report_error(
                command,
                format!("the uid `{}` is not a number", escape_for_display(number.unwrap_or_default())),
            );
        }
        name.or(number).map(str::to_owned)
    }

    fn parse_interpreter(&mut self, command: Node<'_, '_>) -> Option<Vec<String>> {
        let text = attribute(command, "interpreter")?;
        match split(text) {
            Ok(line) if !line.words.is_empty() => Some(line.words),
            Ok(_) => None,
            Err(reason) => {
                self.report_error(command, format!("the interpreter: {reason}"));
                None
            }
        }
    }

    fn parse_script(&mut self, command: Node<'_, '_>, arguments: Vec<String>) -> Option<Command> {
        let text = text_content(command);
        // A `#!` must be the first that is there.
        let program = text.trim_start();
        if program.is_empty() {
            self.report_error(command, "the script is empty".into());
            return None;
        }
        let interpreter = self.parse_interpreter(command);
        self.script_command(command, interpreter, program.trim_end(), arguments)
    }

    /// The text as a program of an interpreter. Further words of that go where the kernel takes one of them from.
    fn script_command(
        &mut self,
        command: Node<'_, '_>,
        interpreter: Option<Vec<String>>,
        program: &str,
        arguments: Vec<String>,
    ) -> Option<Command> {
        let (interpreter, contents) = match interpreter.as_deref() {
            None if program.starts_with("#!") => (None, format!("{program}\n")),
            None => (Some(DEFAULT_SHELL.to_owned()), format!("{program}\n")),
            Some([interpreter]) => (Some(interpreter.clone()), format!("{program}\n")),
            Some([interpreter, option]) if interpreter.starts_with('/') && !option.contains('\n') => {
                (None, format!("#!{interpreter} {option}\n{program}\n"))
            }
            Some(_) => {
                let message = "an interpreter is a program, or its absolute path with one argument";
                self.report_error(command, message.into());
                return None;
            }
        };
        Some(Command::Text { interpreter, contents, arguments })
    }

    fn parse_command_line(&mut self, command: Node<'_, '_>, arguments: Vec<String>) -> Option<Command> {
        let text = text_content(command);
        let text = text.trim();
        if text.is_empty() {
            self.report_error(command, "the command is empty".into());
            return None;
        }
        let interpreter = self.parse_interpreter(command);
        let given = interpreter
            .as_deref()
            .and_then(<[String]>::first)
            .and_then(|program| all_arguments_word(program));
        let line = match split(text) {
            Ok(line) => line,
            // It is the shell's own.
            Err(_) if given.is_some() => {
                return self.shell_command(command, interpreter, text, given, arguments);
            }
            Err(reason) => {
                self.report_error(command, reason.to_string());
                return None;
            }
        };
        let Some(program) = line.words.first() else {
            self.report_error(command, "the command is empty".into());
            return None;
        };
        let is_packaged = program.contains('/') && !program.starts_with('/');
        match (interpreter, given) {
            (Some(interpreter), Some(_)) if !is_packaged => {
                self.shell_command(command, Some(interpreter), text, given, arguments)
            }
            (interpreter, _) => {
                if line.has_wildcards {
                    self.report_warning(
                        command,
                        "`*`, `?` and `[` stand for themselves, since there is no shell",
                    );
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
    fn shell_command(
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
        self.script_command(command, interpreter, &program, arguments)
    }

    fn parse_argument(&mut self, input: Node<'_, '_>) -> Option<String> {
        check_attributes(input, &["name", "format"], &mut self.warnings);
        match attribute(input, "name").unwrap_or("argument") {
            "argument" => Some(text_content(input).trim().to_owned()),
            name => {
                self.report_error(
                    input,
                    format!("unknown input `{}`; expected `argument`", escape_for_display(name)),
                );
                None
            }
        }
    }

    fn parse_output(&mut self, output: Node<'_, '_>) -> Option<Expectation> {
        check_attributes(output, &["name", "format"], &mut self.warnings);
        let text = text_content(output);
        let is_pattern = match attribute(output, "format").unwrap_or("literal") {
            "literal" => false,
            "regexp" => true,
            format => {
                let message = format!(
                    "unknown format of an output `{}`; expected `literal` or `regexp`",
                    escape_for_display(format)
                );
                self.report_error(output, message);
                return None;
            }
        };
        let is_empty = text.trim().is_empty();
        let pattern = match Pattern::new(&text) {
            Ok(pattern) => pattern,
            Err(_) if !is_pattern => Pattern::new("").ok()?,
            Err(reason) => {
                self.report_error(output, format!("the regular expression cannot be used: {reason}"));
                return None;
            }
        };
        let stream = match attribute(output, "name").unwrap_or_default() {
            "stdout" => Stream::Stdout,
            "stderr" => Stream::Stderr,
            "status" if is_empty => {
                self.report_warning(output, "an empty status says nothing");
                return None;
            }
            "status" if is_pattern => return Some(Expectation::StatusMatches(pattern)),
            "status" => match text.trim().parse() {
                Ok(status) => return Some(Expectation::Status(status)),
                Err(_) => {
                    self.report_error(
                        output,
                        format!("the status `{}` is not a number", escape_for_display(text.trim())),
                    );
                    return None;
                }
            },
            name => {
                let message = format!(
                    "unknown output `{}`; expected `stdout`, `stderr` or `status`",
                    escape_for_display(name)
                );
                self.report_error(output, message);
                return None;
            }
        };
        Some(Expectation::Stream(
            stream,
            match (is_empty, is_pattern) {
                (true, _) => StreamMatch::Nothing,
                (false, true) => StreamMatch::Matches(pattern),
                (false, false) => StreamMatch::Literal(text),
            },
        ))
    }

    fn parse_bool(&mut self, node: Node<'_, '_>, name: &str, default: bool) -> bool {
        let Some(text) = attribute(node, name) else { return default };
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => true,
            "false" | "no" | "0" => false,
            _ => {
                self.report_error(
                    node,
                    format!(
                        "unknown value `{}` of `{name}`; expected TRUE or FALSE",
                        escape_for_display(text)
                    ),
                );
                default
            }
        }
    }

    fn parse_batch(&mut self, root: Node<'_, '_>) -> Batch {
        check_attributes(root, &[], &mut self.warnings);
        let mut batch = Batch::default();
        for element in known_elements(root, &["info", "shortDescription", "test", "dep"], &mut self.warnings)
        {
            match element.tag_name().name() {
                "test" => self.parse_member(element, &mut batch),
                "dep" => self.parse_dependency(element, &mut batch),
                _ => {}
            }
        }
        if batch.members.is_empty() && self.errors.is_empty() {
            self.report_error(root, "the batch has no tests".into());
        }
        batch
    }

    fn parse_member(&mut self, test: Node<'_, '_>, batch: &mut Batch) {
        check_attributes(test, &["name", "mustPass"], &mut self.warnings);
        let Some(name) = attribute(test, "name") else {
            return self.report_error(test, "the test has no name: that of its file".into());
        };
        let at = member_index(batch, name, test);
        if test.has_attribute("mustPass") {
            batch.members[at].must_pass = self.parse_bool(test, "mustPass", true);
        }
    }

    fn parse_dependency(&mut self, dep: Node<'_, '_>, batch: &mut Batch) {
        check_attributes(dep, &["parent", "child", "mustPass", "status"], &mut self.warnings);
        let (Some(parent), Some(child)) = (attribute(dep, "parent"), attribute(dep, "child")) else {
            return self.report_error(dep, "a dependency names a parent and a child".into());
        };
        let condition = match attribute(dep, "status").unwrap_or("PASS").to_ascii_uppercase().as_str() {
            "PASS" => ParentCondition::Passed,
            "FAIL" => ParentCondition::Failed,
            "ANY" => ParentCondition::Any,
            status => {
                return self.report_error(
                    dep,
                    format!("unknown status `{}`; expected PASS, FAIL or ANY", escape_for_display(status)),
                );
            }
        };
        let parent = member_index(batch, parent, dep);
        let child = member_index(batch, child, dep);
        let parents = &mut batch.members[child].parents;
        if !parents.contains(&(parent, condition)) {
            parents.push((parent, condition));
        }
        // Written there as well, about the child.
        if dep.has_attribute("mustPass") {
            batch.members[child].must_pass = self.parse_bool(dep, "mustPass", true);
        }
    }
}

/// How a shell names all the arguments that it was given, each as it is; nothing where the program is no shell.
fn all_arguments_word(interpreter: &str) -> Option<&'static str> {
    match interpreter.rsplit('/').next().unwrap_or_default() {
        "sh" | "bash" | "dash" | "ash" | "ksh" | "mksh" | "zsh" => Some("\"$@\""),
        "csh" | "tcsh" => Some("$argv:q"),
        _ => None,
    }
}

/// The position of a member, which is added where it is not there.
fn member_index(batch: &mut Batch, name: &str, mention: Node<'_, '_>) -> usize {
    let name = name.strip_prefix("./").unwrap_or(name);
    batch.members.iter().position(|member| member.name == name).unwrap_or_else(|| {
        batch.members.push(BatchMember {
            name: name.to_owned(),
            line: line_of(mention),
            must_pass: true,
            parents: Vec::new(),
        });
        batch.members.len() - 1
    })
}
