//! Plugins written by hand: small core modules, made components with the project's own interface.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opkg::diagnostic::Location;
use opkg::model;
use opkg_interface::Target;
use opkg_runtime::{
    DistributionPlugin, Limits, LogLevel, LogMessage, LogSink, Registry, RuntimeOptions, Strategy,
};
use tempfile::TempDir;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::layout::Value::{self, List, Record, U8, Variant};
use crate::layout::{GuestMemory, none, str_value};

/// Where a guest's values lie; its heap is above.
const VALUES_OFFSET: usize = 4096;

/// A plugin in the making. Bodies of functions are in the text format; `$description` and `$output` are the
/// addresses of the values,.
pub struct GuestBuilder {
    pub id: &'static str,
    pub aliases: Vec<&'static str>,
    pub describe: String,
    pub generate: String,
    /// `result<output, refusal>`.
    pub output: Value,
    /// Further functions and imports, imports first.
    pub imports: String,
    pub functions: String,
    /// Of 64 KiB.
    pub memory_pages: u32,
    /// What it says it has run, and the programs of the commands that it answers with to `install`.
    pub programs: Vec<&'static str>,
    pub commands: Vec<&'static str>,
    /// Beside `log`, in the world of the plugin.
    pub world_imports: &'static str,
    pub packages: &'static str,
    /// What stands in the copy of the interface that it is built with, in place of what: an altered one.
    pub altered: Option<(&'static str, &'static str)>,
}

impl Default for GuestBuilder {
    fn default() -> Self {
        Self {
            id: "demo",
            aliases: vec!["demo-lts"],
            describe: "global.get $description".into(),
            generate: "global.get $output".into(),
            output: ok_with_files(vec![]),
            imports: String::new(),
            functions: String::new(),
            programs: Vec::new(),
            commands: Vec::new(),
            memory_pages: 4,
            world_imports: "",
            packages: "",
            altered: None,
        }
    }
}

impl GuestBuilder {
    /// The component.
    pub fn build(&self) -> Vec<u8> {
        let mut resolve = Resolve::default();
        let copy = self.copy_interface();
        resolve.push_path(copy.path()).unwrap();
        let world = format!(
            "package test:guest;\n{}\nworld guest {{ include opkg:plugin/distribution@1.0.0; {} }}",
            self.packages, self.world_imports
        );
        let package = resolve.push_str("guest.wit", &world).unwrap();
        let world = resolve.select_world(&[package], Some("guest")).unwrap();
        let mut module = wat::parse_str(self.module()).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
    }

    /// The project's own interface, but for what is altered.
    fn copy_interface(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        let mut is_found = self.altered.is_none();
        for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/1.0.0")).unwrap() {
            let file = file.unwrap();
            let text = std::fs::read_to_string(file.path()).unwrap();
            let (from, to) = self.altered.unwrap_or_default();
            is_found |= !from.is_empty() && text.contains(from);
            let text = if from.is_empty() { text } else { text.replace(from, to) };
            std::fs::write(copy.path().join(file.file_name()), text).unwrap();
        }
        assert!(is_found, "there is nothing to alter");
        copy
    }

    fn module(&self) -> String {
        let mut memory = GuestMemory::new(VALUES_OFFSET);
        let description = memory.write_value(&self.description());
        let output = memory.write_value(&self.output);
        let programs = memory.write_value(&List(self.programs.iter().map(|name| str_value(name)).collect()));
        let commands = self.commands.iter().map(|program| {
            let argv = List(vec![str_value(program), str_value("-x")]);
            Record(vec![argv, List(vec![]), U8(0), List(vec![]), List(vec![Value::U32(0)]), List(vec![])])
        });
        let commands = memory.write_value(&Variant(0, Box::new(List(commands.collect())), 8));
        let data: String = memory.bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let heap = (VALUES_OFFSET + memory.bytes.len()).next_multiple_of(65536);
        let manager = "opkg:plugin/package-manager@1.0.0";
        let packaging = "opkg:plugin/packaging@1.0.0";
        let containers = "opkg:plugin/containers@1.0.0";
        let place = "i32 ".repeat(13);
        let Self { describe, generate, imports, functions, memory_pages: pages, .. } = self;
        format!(
            r#"(module
                (import "opkg:plugin/log@1.0.0" "log" (func $log (param i32 i32 i32)))
                {imports}
                (memory (export "memory") {pages})
                (data (i32.const {VALUES_OFFSET}) "{data}")
                (global $description i32 (i32.const {description}))
                (global $output i32 (i32.const {output}))
                (global $heap (mut i32) (i32.const {heap}))
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                    (local $at i32)
                    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
                    (global.set $heap (i32.add (local.get $at) (local.get 3)))
                    (local.get $at))
                {functions}
                (func (export "{packaging}#describe") (result i32) {describe})
                (func (export "{packaging}#generate") (param i32) (result i32) {generate})
                (func (export "{containers}#members") (param i32) (result i32) unreachable)
                (func (export "{containers}#describe-index") (result i32) unreachable)
                (func (export "{containers}#index") (param i32) (result i32) unreachable)
                (func (export "{manager}#programs") (result i32) (i32.const {programs}))
                (func (export "{manager}#install") (param i32 i32 {place}) (result i32) (i32.const {commands}))
                (func (export "{manager}#offers") (param i32 i32 {place}) (result i32) unreachable)
                (func (export "{manager}#parse-offers") (param i32 i32) (result i32) unreachable)
                (func (export "{manager}#remove") (param i32 i32 {place}) (result i32) unreachable)
                (func (export "{manager}#refresh") (param {place}) (result i32) unreachable)
                (func (export "{manager}#reinstall") (param i32 i32 {place}) (result i32) unreachable)
                (func (export "{manager}#simulate") (param i32 i32 {place}) (result i32) unreachable)
                (func (export "{manager}#parse-simulation") (param i32 i32) (result i32) unreachable)
                (func (export "{manager}#repair") (param i32 i32 {place}) (result i32) unreachable)
                (func (export "{manager}#query") (param {place}) (result i32) unreachable)
                (func (export "{manager}#parse-query") (param i32 i32) (result i32) unreachable)
                (func (export "{manager}#explain") (param i32 i32 i32) (result i32) unreachable))"#
        )
    }

    fn description(&self) -> Value {
        let aliases = self.aliases.iter().map(|id| Record(vec![str_value(id), str_value(id)])).collect();
        Record(vec![
            str_value(self.id),
            str_value("Demo Linux"),
            str_value("1.2"),
            List(aliases),
            List(vec![Record(vec![str_value("9"), none(8), U8(1)])]),
            List(vec![Record(vec![str_value("x86_64"), str_value("amd64")])]),
            List(vec![]),
        ])
    }
}

/// Logs a text at level error; it must fit into the first page.
pub fn log_error(message: &str) -> String {
    let stores: String = message
        .bytes()
        .enumerate()
        .map(|(at, byte)| format!("(i32.store8 (i32.const {at}) (i32.const {byte}))"))
        .collect();
    format!("{stores} (call $log (i32.const 0) (i32.const 0) (i32.const {}))", message.len())
}

/// Bytes of the largest payload of `result<output, refusal>`.
const RESULT_SIZE: usize = 96;

/// An answer with these meta-files and nothing else.
pub fn ok_with_files(meta_files: Vec<Value>) -> Value {
    ok_with(List(meta_files))
}

/// An answer with a list of meta-files that is given as it is.
pub fn ok_with(meta_files: Value) -> Value {
    let output = Record(vec![
        meta_files,
        Variant(0, Box::new(Record(vec![str_value("demo.tar.gz"), str_value("demo-1")])), 32),
        Record(vec![List(vec![]), List(vec![])]),
        List(vec![]),
        none(8),
        List(vec![]),
        List(vec![]),
    ]);
    Variant(0, Box::new(output), RESULT_SIZE)
}

/// A refusal: the number of its case and what it holds.
pub fn err(case: u8, payload: Value) -> Value {
    Variant(1, Box::new(Variant(case, Box::new(payload), 32)), RESULT_SIZE)
}

/// A diagnostic about a node.
pub fn diagnostic(severity: u8, node: u32, message: &str) -> Value {
    let at = Variant(1, Box::new(Value::U32(node)), 4);
    Record(vec![U8(severity), at, str_value(message), none(8)])
}

/// A meta-file.
pub fn file(path: &str) -> Value {
    Record(vec![str_value(path), str_value("contents\n"), U8(0)])
}

/// A place for plugins, and what they log.
pub struct PluginFixture {
    pub root: TempDir,
    pub messages: Arc<Mutex<Vec<LogMessage>>>,
    /// What compiles them, unless that is the program's decision.
    pub strategy: Option<Strategy>,
}

impl PluginFixture {
    pub fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), messages: Arc::default(), strategy: None }
    }

    /// Where everything is compiled by one of the engine's compilers.
    pub fn with_strategy(strategy: Strategy) -> Self {
        Self { strategy: Some(strategy), ..Self::new() }
    }

    pub fn write_file(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Nothing of the machine itself, and a deadline that even a busy machine keeps.
    pub fn options(&self) -> RuntimeOptions {
        let said = self.messages.clone();
        RuntimeOptions {
            limits: Limits { timeout: Duration::from_secs(60), ..Limits::default() },
            log: LogSink::new(move |message| said.lock().unwrap().push(message.clone())),
            strategy: self.strategy,
            ..RuntimeOptions::default()
        }
    }

    /// With a directory of the user's own.
    pub fn options_with_user(&self) -> RuntimeOptions {
        RuntimeOptions { user_directory: Some(self.root.path().join("user")), ..self.options() }
    }

    pub fn options_with_file(&self, path: &Path) -> RuntimeOptions {
        RuntimeOptions { plugin_files: vec![path.to_owned()], ..self.options() }
    }

    pub fn load(&self, guest: &GuestBuilder) -> DistributionPlugin {
        let path = self.write_file("guest.wasm", &guest.build());
        self.load_with(self.options_with_file(&path))
    }

    pub fn load_with(&self, options: RuntimeOptions) -> DistributionPlugin {
        let registry = Registry::discover(options);
        let entry = &registry.entries()[0];
        assert!(entry.error().is_none(), "{}", entry.error().unwrap());
        registry.plugin(entry).unwrap()
    }

    pub fn messages_at(&self, from: LogLevel) -> Vec<String> {
        let said = self.messages.lock().unwrap();
        said.iter().filter(|it| it.level <= from).map(|it| format!("{}: {}", it.origin, it.text)).collect()
    }
}

/// An OPKG with nothing in it.
pub fn opkg() -> Arc<model::Opkg> {
    let version = model::Version { epoch: 0, upstream: "1".into(), release: "1".into() };
    Arc::new(model::Opkg {
        at: model::NodeId(0),
        name: "demo".into(),
        class: model::Class::ThirdParty,
        summary: "A demo".into(),
        description: vec!["A demo".into()],
        license: "GPL".into(),
        groups: vec!["Applications/System".into()],
        uri: None,
        authors: Vec::new(),
        filter: model::Filter::default(),
        relations: Vec::new(),
        payloads: Vec::new(),
        file_rules: Vec::new(),
        service_rules: Vec::new(),
        alternatives: Vec::new(),
        triggers: Vec::new(),
        history: vec![model::Release { version, changes: Vec::new() }],
        home: "/usr/lib/oscar/packages/demo".into(),
        files: Vec::new(),
        directories: Vec::new(),
        tells_action: false,
        source_date: model::Timestamp { seconds: 0, offset: 0 },
        locations: vec![Location::Config(3..7)],
    })
}

pub fn target() -> Target {
    Target { dist: "demo".into(), version: None, arch: None, default_arch: "x86_64".into() }
}
