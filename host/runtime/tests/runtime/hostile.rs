//! Plugins that do what they should not. Each ends with one clear message, and the host lives on.

use opkg_interface::PackageSettings;
use std::path::Path;
use std::time::Duration;

use opkg_runtime::{ExecutionErrorKind, LoadErrorKind, LogLevel, Registry, RuntimeOptions, Strategy};

use crate::guest::{
    GuestBuilder, PluginFixture, diagnostic, err, file, log_error, ok_with, ok_with_files, opkg, target,
};
use crate::layout::Value::{List, RawSlice, Record};
use crate::layout::{Value, str_value};

/// What the user reads when the plugin does this in `generate`, whatever compiled it.
fn error_of(guest: &GuestBuilder) -> String {
    same_with_all(|house| {
        let plugin = house.load(guest);
        let error = plugin.generate(&opkg(), &target(), &PackageSettings::default()).unwrap_err();
        error.to_string()
    })
}

/// What happens, which is the same with every compiler of the engine.
fn same_with_all(act: impl Fn(&PluginFixture) -> String) -> String {
    let [first, second] = Strategy::ALL.map(|strategy| act(&PluginFixture::with_strategy(strategy)));
    assert_eq!(first, second, "{:?}", Strategy::ALL);
    first
}

fn error_of_code(generate: &str) -> String {
    error_of(&GuestBuilder { generate: generate.into(), ..GuestBuilder::default() })
}

fn error_of_output(output: Value) -> String {
    error_of(&GuestBuilder { output, ..GuestBuilder::default() })
}

#[test]
fn running_wild() {
    let recursion = error_of(&GuestBuilder {
        functions: "(func $deeper (param i32) (result i32)
            (i32.add (i32.const 1) (call $deeper (i32.add (local.get 0) (i32.const 1)))))"
            .into(),
        generate: "(call $deeper (i32.const 0))".into(),
        ..GuestBuilder::default()
    });
    let panic = log_error("panicked at src/lib.rs:7:\n\x1b[31mindex out of bounds");
    let messages = [
        error_of_code(
            "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable",
        ),
        recursion,
        error_of_code(&format!("{panic} unreachable")),
        error_of_code("unreachable"),
        error_of_code("(i32.div_u (i32.const 1) (i32.const 0))"),
        error_of_code("(i32.load (i32.const -4))"),
    ];
    insta::assert_snapshot!(messages.join("\n"), @r#"
    the plugin demo 1.2 asked for more memory than the 512 MiB that a plugin gets
    the plugin demo 1.2 used up its stack
    the plugin demo 1.2 failed inside: panicked at src/lib.rs:7: [31mindex out of bounds
    the plugin demo 1.2 gave up inside, and said nothing on standard error
    the plugin demo 1.2 did something forbidden: integer divide by zero
    the plugin demo 1.2 did something forbidden: out of bounds memory access
    "#);
}

#[test]
fn running_forever() {
    Strategy::ALL.into_iter().for_each(run_forever);
}

fn run_forever(strategy: Strategy) {
    let house = PluginFixture::with_strategy(strategy);
    let forever = "(loop $forever (br $forever)) unreachable";
    let soon = |path: &Path| {
        let mut options = house.options_with_file(path);
        options.limits.timeout = Duration::from_millis(200);
        options
    };
    let path = house
        .write_file("a.wasm", &GuestBuilder { generate: forever.into(), ..GuestBuilder::default() }.build());
    let mut slow = house.options_with_file(&path);
    slow.cache = Some(house.root.path().join("cache"));
    drop(Registry::discover(slow.clone()));
    // Known from the cache, so that only the call itself has to meet the short deadline.
    let plugin = house.load_with(RuntimeOptions { cache: slow.cache, ..soon(&path) });
    let call = plugin.generate(&opkg(), &target(), &PackageSettings::default()).unwrap_err().to_string();
    assert_eq!(call, "the plugin demo 1.2 ran longer than 0.2 s and was stopped");

    let path = house
        .write_file("b.wasm", &GuestBuilder { describe: forever.into(), ..GuestBuilder::default() }.build());
    let registry = Registry::discover(soon(&path));
    let error = registry.entries()[0].error().unwrap();
    let LoadErrorKind::Execution(failure) = &error.kind else { panic!("{error}") };
    assert!(matches!(failure.kind, ExecutionErrorKind::Timeout(_)), "{error}");
}

#[test]
fn returning_nonsense() {
    // Two hundred files, all of them with the same megabyte as their contents.
    let megabyte = RawSlice(1 << 20, 1 << 20);
    let same = Record(vec![str_value("a"), megabyte, Value::U8(0)]);
    let multiplied = error_of(&GuestBuilder {
        output: ok_with_files(vec![same; 200]),
        memory_pages: 32,
        ..GuestBuilder::default()
    });
    let million = RawSlice(1 << 20, 1_000_000);
    let many =
        error_of(&GuestBuilder { output: ok_with(million), memory_pages: 400, ..GuestBuilder::default() });
    let messages = [
        error_of_output(ok_with_files(vec![file("../x")])),
        error_of_output(ok_with_files(vec![file("/etc/passwd")])),
        error_of_output(ok_with_files(vec![file("a"), file("a")])),
        many,
        multiplied,
        error_of_output(ok_with(RawSlice(0, u32::MAX))),
        error_of_output(ok_with(RawSlice(u32::MAX, 1))),
        error_of_output(ok_with_files(vec![Record(vec![RawSlice(0, 1 << 30), str_value(""), Value::U8(0)])])),
        error_of_output(Value::U8(7)),
        error_of_code("(i32.const -4)"),
        error_of_output(err(2, List(vec![]))),
        error_of_output(err(1, diagnostic(0, 77, "where?"))),
    ];
    insta::assert_snapshot!(messages.join("\n"), @r#"
    the plugin demo 1.2 returned something invalid: the path `../x`, which is not relative and clean
    the plugin demo 1.2 returned something invalid: the path `/etc/passwd`, which is not relative and clean
    the plugin demo 1.2 returned something invalid: the path `a` twice
    the plugin demo 1.2 returned something invalid: 1000000 files, where 100000 are the limit
    the plugin demo 1.2 returned something invalid: more than 128 MiB of data
    the plugin demo 1.2 returned something invalid: list pointer/length out of bounds of memory
    the plugin demo 1.2 returned something invalid: list pointer/length out of bounds of memory
    the plugin demo 1.2 returned something invalid: string pointer/length out of bounds of memory
    the plugin demo 1.2 returned something invalid: invalid expected discriminant
    the plugin demo 1.2 returned something invalid: pointer out of bounds of memory
    the plugin demo 1.2 returned something invalid: a failure without an error
    the plugin demo 1.2 returned something invalid: a diagnostic about node 77, which does not exist
    "#);
}

#[test]
fn a_failure_says_what_to_do() {
    let house = PluginFixture::new();
    let path = house.write_file(
        "a.wasm",
        &GuestBuilder { describe: "unreachable".into(), ..GuestBuilder::default() }.build(),
    );
    let registry = Registry::discover(house.options_with_file(&path));
    let error = registry.entries()[0].error().unwrap();
    let message = error.to_string().replace(&path.display().to_string(), "FILE");
    insta::assert_snapshot!(format!("{message}\n{}", error.help().unwrap()), @r#"
    the plugin FILE gave up inside, and said nothing on standard error
    this is a mistake in the plugin; report it to its author
    "#);
}

#[test]
fn descriptions_are_not_believed() {
    let message = |guest: GuestBuilder| {
        same_with_all(|house| {
            let path = house.write_file("a.wasm", &guest.build());
            let registry = Registry::discover(house.options_with_file(&path));
            let message = registry.entries()[0].error().unwrap().to_string();
            message.replace(&path.display().to_string(), "FILE")
        })
    };
    let messages = [
        message(GuestBuilder { id: "../x", ..GuestBuilder::default() }),
        message(GuestBuilder { aliases: vec!["demo"], ..GuestBuilder::default() }),
        message(GuestBuilder { memory_pages: 10000, ..GuestBuilder::default() }),
    ];
    insta::assert_snapshot!(messages.join("\n"), @r#"
    the plugin FILE returned something invalid: the id `../x`, which is not made of a-z, 0-9, `.`, `_`, `+` and `-` with a letter or digit at both ends
    the plugin FILE returned something invalid: the id `demo` twice
    the plugin FILE asked for more memory than the 512 MiB that a plugin gets
    "#);
}

#[test]
fn a_flood_of_messages_dries_up() {
    Strategy::ALL.into_iter().for_each(flood);
}

fn flood(strategy: Strategy) {
    let house = PluginFixture::with_strategy(strategy);
    let generate = format!(
        "(local $left i32) (local.set $left (i32.const 5000))
         (loop $again {} (local.set $left (i32.sub (local.get $left) (i32.const 1)))
            (br_if $again (local.get $left)))
         global.get $output",
        log_error("again")
    );
    let plugin = house.load(&GuestBuilder { generate, ..GuestBuilder::default() });
    plugin.generate(&opkg(), &target(), &PackageSettings::default()).unwrap();
    let said = house.messages_at(LogLevel::Warn);
    assert_eq!(said.len(), 1000);
    assert_eq!(said[999], "guest: says too much; the rest is dropped");
}
