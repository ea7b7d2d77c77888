//! Hooks that are components, written by hand: small core modules that ask for one thing after the other, made
//! components with the project's own interface.

use std::collections::BTreeSet;
use std::fmt::Write;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Where texts begin; below is room for answers.
const DATA_OFFSET: usize = 4096;

/// Where a result lies that is all zeros: the hook is done.
const OK_RESULT_OFFSET: usize = 1024;

/// What comes of a request; nobody reads it.
const RESULT_OFFSET: usize = 64;

pub const HOME_ROOT: u32 = 0;
pub const IMAGE_ROOT: u32 = 1;

/// A hook in the making.
#[derive(Default)]
pub struct ComponentBuilder {
    data: Vec<u8>,
    body: String,
    imports: BTreeSet<&'static str>,
}

impl ComponentBuilder {
    fn add_data(&mut self, text: &[u8]) -> (usize, usize) {
        let at = DATA_OFFSET + self.data.len();
        self.data.extend_from_slice(text);
        (at, text.len())
    }

    fn call_import(mut self, function: &'static str, arguments: &[usize]) -> Self {
        self.imports.insert(function);
        let arguments: String = arguments.iter().map(|it| format!("(i32.const {it}) ")).collect();
        writeln!(self.body, "(call ${function} {arguments})").unwrap();
        self
    }

    /// Says a line.
    pub fn log_line(mut self, line: &str) -> Self {
        let (at, length) = self.add_data(line.as_bytes());
        self.call_import("log", &[2, at, length])
    }

    /// Says why, and traps, as a panic does.
    pub fn panic(mut self, message: &str) -> Self {
        let (at, length) = self.add_data(message.as_bytes());
        self.call_import("log", &[0, at, length]).append_body("unreachable")
    }

    pub fn read(mut self, root: u32, path: &str) -> Self {
        let (at, length) = self.add_data(path.as_bytes());
        self.call_import("read", &[root as usize, at, length, RESULT_OFFSET])
    }

    pub fn remove(mut self, root: u32, path: &str) -> Self {
        let (at, length) = self.add_data(path.as_bytes());
        self.call_import("remove", &[root as usize, at, length, RESULT_OFFSET])
    }

    pub fn entries(mut self, root: u32, path: &str) -> Self {
        let (at, length) = self.add_data(path.as_bytes());
        self.call_import("entries", &[root as usize, at, length, RESULT_OFFSET])
    }

    pub fn write(mut self, root: u32, path: &str, contents: &str, mode: usize) -> Self {
        let (at, length) = self.add_data(path.as_bytes());
        let (from, size) = self.add_data(contents.as_bytes());
        self.call_import("write", &[root as usize, at, length, from, size, mode, RESULT_OFFSET])
    }

    /// Writes so many bytes, whatever they are.
    pub fn write_sized(mut self, root: u32, path: &str, size: usize) -> Self {
        let (at, length) = self.add_data(path.as_bytes());
        self.call_import("write", &[root as usize, at, length, 0, size, 0o644, RESULT_OFFSET])
    }

    /// Runs a program with one argument, in the home.
    pub fn run(mut self, program: &str, argument: &str) -> Self {
        let (at, length) = self.add_data(program.as_bytes());
        let (from, size) = self.add_data(argument.as_bytes());
        let words = |words: &[usize]| {
            words.iter().flat_map(|it| u32::try_from(*it).unwrap().to_le_bytes()).collect::<Vec<_>>()
        };
        self.data.resize(self.data.len().next_multiple_of(8), 0);
        let (argument, _) = self.add_data(&words(&[from, size]));
        // A file; its path, and room for the other case; one argument, no variables, no directory, no user.
        let request = [&[0, at, length, 0, 0, 0][..], &[argument, 1, 0, 0], &[0; 7]].concat();
        let (request, _) = self.add_data(&words(&request));
        self.call_import("run", &[request, RESULT_OFFSET])
    }

    /// Anything else.
    pub fn append_body(mut self, text: &str) -> Self {
        self.body += text;
        self
    }

    /// The same again, so many times.
    pub fn repeat_body(mut self, times: usize) -> Self {
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
        let (name, length) = self.add_data(b"guest");
        let (version, size) = self.add_data(b"1.0");
        self.data.resize(self.data.len().next_multiple_of(8), 0);
        let words = [name, length, version, size, 0, 0].map(|it| u32::try_from(it).unwrap().to_le_bytes());
        let (description, _) = self.add_data(&words.concat());
        let data: String = self.data.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let imports: String = self.imports.iter().map(|it| import_module(it)).collect();
        let hook = "opkg:plugin/hook@0.1.0";
        let heap = (DATA_OFFSET + self.data.len()).next_multiple_of(65536);
        let module = format!(
            r#"(module
                {imports}
                (memory (export "memory") 300)
                (data (i32.const {DATA_OFFSET}) "{data}")
                (global $heap (mut i32) (i32.const {heap}))
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                    (local $at i32)
                    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
                    (global.set $heap (i32.add (local.get $at) (local.get 3)))
                    (local.get $at))
                (func (export "{hook}#describe") (result i32) (i32.const {description}))
                (func (export "{hook}#run") (param i32) (result i32) (local $left i32)
                    {}
                    (i32.const {OK_RESULT_OFFSET})))"#,
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

fn import_module(function: &str) -> String {
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
