//! Hooks that are components, written by hand: small core modules that ask for one thing after the other, made
//! components with the project's own interface.

use std::collections::BTreeSet;
use std::fmt::Write;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Where texts begin; below is room for answers.
const TEXTS: usize = 4096;

/// Where a result lies that is all zeros: the hook is done.
const DONE: usize = 1024;

/// What comes of a request; nobody reads it.
const ANSWER: usize = 64;

pub const HOME: u32 = 0;
pub const IMAGE: u32 = 1;

/// A hook in the making.
#[derive(Default)]
pub struct Guest {
    texts: Vec<u8>,
    body: String,
    imports: BTreeSet<&'static str>,
}

impl Guest {
    fn text(&mut self, text: &[u8]) -> (usize, usize) {
        let at = TEXTS + self.texts.len();
        self.texts.extend_from_slice(text);
        (at, text.len())
    }

    fn call(mut self, function: &'static str, arguments: &[usize]) -> Self {
        self.imports.insert(function);
        let arguments: String = arguments.iter().map(|it| format!("(i32.const {it}) ")).collect();
        writeln!(self.body, "(call ${function} {arguments})").unwrap();
        self
    }

    /// Says a line.
    pub fn say(mut self, line: &str) -> Self {
        let (at, length) = self.text(line.as_bytes());
        self.call("log", &[2, at, length])
    }

    /// Says why, and traps, as a panic does.
    pub fn panic(mut self, message: &str) -> Self {
        let (at, length) = self.text(message.as_bytes());
        self.call("log", &[0, at, length]).body("unreachable")
    }

    pub fn read(mut self, root: u32, path: &str) -> Self {
        let (at, length) = self.text(path.as_bytes());
        self.call("read", &[root as usize, at, length, ANSWER])
    }

    pub fn remove(mut self, root: u32, path: &str) -> Self {
        let (at, length) = self.text(path.as_bytes());
        self.call("remove", &[root as usize, at, length, ANSWER])
    }

    pub fn entries(mut self, root: u32, path: &str) -> Self {
        let (at, length) = self.text(path.as_bytes());
        self.call("entries", &[root as usize, at, length, ANSWER])
    }

    pub fn write(mut self, root: u32, path: &str, contents: &str, mode: usize) -> Self {
        let (at, length) = self.text(path.as_bytes());
        let (from, size) = self.text(contents.as_bytes());
        self.call("write", &[root as usize, at, length, from, size, mode, ANSWER])
    }

    /// Writes so many bytes, whatever they are.
    pub fn write_much(mut self, root: u32, path: &str, size: usize) -> Self {
        let (at, length) = self.text(path.as_bytes());
        self.call("write", &[root as usize, at, length, 0, size, 0o644, ANSWER])
    }

    /// Runs a program with one argument, in the home.
    pub fn run(mut self, program: &str, argument: &str) -> Self {
        let (at, length) = self.text(program.as_bytes());
        let (from, size) = self.text(argument.as_bytes());
        let words = |words: &[usize]| {
            words.iter().flat_map(|it| u32::try_from(*it).unwrap().to_le_bytes()).collect::<Vec<_>>()
        };
        self.texts.resize(self.texts.len().next_multiple_of(8), 0);
        let (argument, _) = self.text(&words(&[from, size]));
        // A file; its path, and room for the other case; one argument, no variables, no directory, no user.
        let request = [&[0, at, length, 0, 0, 0][..], &[argument, 1, 0, 0], &[0; 7]].concat();
        let (request, _) = self.text(&words(&request));
        self.call("run", &[request, ANSWER])
    }

    /// Anything else.
    pub fn body(mut self, text: &str) -> Self {
        self.body += text;
        self
    }

    /// The same again, so many times.
    pub fn repeated(mut self, times: usize) -> Self {
        self.body = format!(
            "(local.set $left (i32.const {times}))
             (loop $again {} (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                (br_if $again (local.get $left)))",
            self.body
        );
        self
    }

    /// The component.
    pub fn build(mut self) -> Vec<u8> {
        let (name, length) = self.text(b"guest");
        let (version, size) = self.text(b"1.0");
        self.texts.resize(self.texts.len().next_multiple_of(8), 0);
        let words = [name, length, version, size, 0, 0].map(|it| u32::try_from(it).unwrap().to_le_bytes());
        let (description, _) = self.text(&words.concat());
        let data: String = self.texts.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let imports: String = self.imports.iter().map(|it| import(it)).collect();
        let hook = "opkg:plugin/hook@0.1.0";
        let heap = (TEXTS + self.texts.len()).next_multiple_of(65536);
        let module = format!(
            r#"(module
                {imports}
                (memory (export "memory") 300)
                (data (i32.const {TEXTS}) "{data}")
                (global $heap (mut i32) (i32.const {heap}))
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                    (local $at i32)
                    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
                    (global.set $heap (i32.add (local.get $at) (local.get 3)))
                    (local.get $at))
                (func (export "{hook}#describe") (result i32) (i32.const {description}))
                (func (export "{hook}#run") (param i32) (result i32) (local $left i32)
                    {}
                    (i32.const {DONE})))"#,
            self.body
        );
        let mut resolve = Resolve::default();
        let (package, _) =
            resolve.push_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/0.1.0")).unwrap();
        let world = resolve.select_world(&[package], Some("hook-runner")).unwrap();
        let mut module = wat::parse_str(module).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
    }
}

fn import(function: &str) -> String {
    let (interface, parameters) = match function {
        "log" => ("log", 3),
        "read" | "remove" | "entries" => ("files", 4),
        "write" => ("files", 7),
        _ => ("process", 2),
    };
    let parameters = "i32 ".repeat(parameters);
    format!(
        "(import \"opkg:plugin/{interface}@0.1.0\" \"{function}\" (func ${function} (param {parameters})))\n"
    )
}
