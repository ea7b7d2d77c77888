//! Components of other languages, which import WASI without being asked.

use opkg_interface::PackageSettings;
use opkg_runtime::{GenerateError, LogLevel, inspect};

use crate::guest::{GuestBuilder, PluginFixture, opkg, target};

const WIT_PACKAGES: &str = "
    package wasi:io@0.2.3 {
        interface error { resource error { to-debug-string: func() -> string; } }
        interface streams {
            use error.{error};
            variant stream-error { last-operation-failed(error), closed }
            use poll.{pollable};
            resource output-stream {
                check-write: func() -> result<u64, stream-error>;
                blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
                blocking-flush: func() -> result<_, stream-error>;
                subscribe: func() -> pollable;
            }
        }
        interface poll {
            resource pollable { ready: func() -> bool; block: func(); }
            poll: func(in: list<borrow<pollable>>) -> list<u32>;
        }
    }
    package wasi:cli@0.2.3 {
        interface environment {
            get-environment: func() -> list<tuple<string, string>>;
            initial-cwd: func() -> option<string>;
        }
        interface stdout { use wasi:io/streams@0.2.3.{output-stream}; get-stdout: func() -> output-stream; }
        interface stderr { use wasi:io/streams@0.2.3.{output-stream}; get-stderr: func() -> output-stream; }
        interface exit { exit: func(status: result); }
    }
    package wasi:clocks@0.2.3 {
        interface monotonic-clock {
            use wasi:io/poll@0.2.3.{pollable};
            now: func() -> u64;
            subscribe-instant: func(when: u64) -> pollable;
            subscribe-duration: func(when: u64) -> pollable;
        }
        interface wall-clock { record datetime { seconds: u64, nanoseconds: u32 } now: func() -> datetime; }
    }
    package wasi:random@0.2.3 {
        interface random { get-random-u64: func() -> u64; get-random-bytes: func(len: u64) -> list<u8>; }
    }
    package wasi:sockets@0.2.3 {
        interface network { resource network; }
        interface instance-network { use network.{network}; instance-network: func() -> network; }
    }";

const WORLD_IMPORTS: &str = "
    import wasi:cli/environment@0.2.3; import wasi:cli/stderr@0.2.3; import wasi:cli/exit@0.2.3;
    import wasi:cli/stdout@0.2.3; import wasi:io/streams@0.2.3; import wasi:io/poll@0.2.3;
    import wasi:clocks/monotonic-clock@0.2.3; import wasi:clocks/wall-clock@0.2.3; import wasi:random/random@0.2.3;
    import wasi:sockets/instance-network@0.2.3;";

const IMPORTS: &str = r#"
    (import "wasi:cli/environment@0.2.3" "get-environment" (func $environment (param i32)))
    (import "wasi:cli/environment@0.2.3" "initial-cwd" (func $cwd (param i32)))
    (import "wasi:cli/stderr@0.2.3" "get-stderr" (func $stderr (result i32)))
    (import "wasi:cli/exit@0.2.3" "exit" (func $exit (param i32)))
    (import "wasi:io/streams@0.2.3" "[method]output-stream.blocking-write-and-flush"
        (func $write (param i32 i32 i32 i32)))
    (import "wasi:io/streams@0.2.3" "[resource-drop]output-stream" (func $drop (param i32)))
    (import "wasi:cli/stdout@0.2.3" "get-stdout" (func $stdout (result i32)))
    (import "wasi:io/streams@0.2.3" "[method]output-stream.check-write" (func $check_write (param i32 i32)))
    (import "wasi:io/streams@0.2.3" "[method]output-stream.blocking-flush" (func $flush (param i32 i32)))
    (import "wasi:io/streams@0.2.3" "[method]output-stream.subscribe" (func $subscribe (param i32) (result i32)))
    (import "wasi:io/poll@0.2.3" "[method]pollable.ready" (func $ready (param i32) (result i32)))
    (import "wasi:io/poll@0.2.3" "[method]pollable.block" (func $block (param i32)))
    (import "wasi:io/poll@0.2.3" "poll" (func $poll (param i32 i32 i32)))
    (import "wasi:io/poll@0.2.3" "[resource-drop]pollable" (func $drop_pollable (param i32)))
    (import "wasi:clocks/monotonic-clock@0.2.3" "now" (func $clock (result i64)))
    (import "wasi:clocks/monotonic-clock@0.2.3" "subscribe-instant" (func $at (param i64) (result i32)))
    (import "wasi:clocks/monotonic-clock@0.2.3" "subscribe-duration" (func $after (param i64) (result i32)))
    (import "wasi:clocks/wall-clock@0.2.3" "now" (func $now (param i32)))
    (import "wasi:random/random@0.2.3" "get-random-u64" (func $random (result i64)))
    (import "wasi:random/random@0.2.3" "get-random-bytes" (func $bytes (param i64 i32)))
    (import "wasi:sockets/instance-network@0.2.3" "instance-network" (func $network (result i32)))"#;

/// Traps unless the two are equal.
fn assert_eq_code(what: &str, expected: &str, ty: &str) -> String {
    format!("(if ({ty}.ne {what} ({ty}.const {expected})) (then unreachable))")
}

fn wasi_guest(generate: &str) -> GuestBuilder {
    GuestBuilder {
        packages: WIT_PACKAGES,
        world_imports: WORLD_IMPORTS,
        imports: IMPORTS.into(),
        generate: generate.into(),
        ..GuestBuilder::default()
    }
}

/// Writes a text to standard error, and gives its handle back.
fn print_code(text: &str) -> String {
    format!("(local.set $stream (call $stderr)) {} (call $drop (local.get $stream))", write_code(text))
}

/// Writes the first bytes of memory, which the text is stored to, to the stream of the local variable.
fn write_code(text: &str) -> String {
    let stores: String = text
        .bytes()
        .enumerate()
        .map(|(at, byte)| format!("(i32.store8 (i32.const {at}) (i32.const {byte}))"))
        .collect();
    let length = text.len();
    format!("{stores} (call $write (local.get $stream) (i32.const 0) (i32.const {length}) (i32.const 1024))")
}

#[test]
fn the_system_is_empty() {
    let house = PluginFixture::new();
    let generate = [
        "(local $stream i32)".to_owned(),
        "(call $environment (i32.const 1024))".into(),
        assert_eq_code("(i32.load (i32.const 1028))", "0", "i32"),
        "(call $cwd (i32.const 1024))".into(),
        assert_eq_code("(i32.load8_u (i32.const 1024))", "0", "i32"),
        "(call $now (i32.const 1024))".into(),
        assert_eq_code("(i64.load (i32.const 1024))", "946684800", "i64"),
        "(call $bytes (i64.const 5) (i32.const 1024))".into(),
        assert_eq_code("(i32.load (i32.const 1028))", "5", "i32"),
        print_code("two\nlines"),
        "global.get $output".into(),
    ];
    let plugin = house.load(&wasi_guest(&generate.join("\n")));
    plugin.generate(&opkg(), &target(), &PackageSettings::default()).unwrap();
    assert_eq!(house.messages_at(LogLevel::Trace), ["guest: two", "guest: lines"]);
}

/// The run-time library of an interpreter opens its streams once and keeps them; it asks whether they are ready, and flushes
/// them.
#[test]
fn handles_may_be_kept_and_are_lent_in_every_function() {
    let house = PluginFixture::new();
    let generate = [
        "(local $stream i32) (local $pollable i32) (local.set $stream (call $stderr))",
        "(call $check_write (local.get $stream) (i32.const 1024))",
        &write_code("to standard error\n"),
        "(call $flush (local.get $stream) (i32.const 1024))",
        "(local.set $stream (call $stdout))",
        &write_code("  unfinished"),
        "(local.set $stream (call $stderr))",
        &write_code("kept apart\n"),
        "(local.set $pollable (call $subscribe (local.get $stream)))",
        &assert_eq_code("(call $ready (local.get $pollable))", "1", "i32"),
        "(call $block (local.get $pollable))",
        // The same handle twice, in a list.
        "(i32.store (i32.const 1024) (local.get $pollable)) (i32.store (i32.const 1028) (local.get $pollable))",
        "(call $poll (i32.const 1024) (i32.const 2) (i32.const 1032))",
        &assert_eq_code("(i32.load (i32.const 1036))", "2", "i32"),
        // Lent until the call ended, and no longer.
        "(call $drop_pollable (local.get $pollable)) (call $drop (local.get $stream))",
        "global.get $output",
    ];
    let plugin = house.load(&wasi_guest(&generate.join("\n")));
    plugin.generate(&opkg(), &target(), &PackageSettings::default()).unwrap();
    assert_eq!(
        house.messages_at(LogLevel::Trace),
        ["guest: to standard error", "guest: kept apart", "guest:   unfinished"]
    );
    assert_eq!(house.messages_at(LogLevel::Error).len(), 2, "standard output is no error");
}

#[test]
fn time_passes_only_where_it_is_waited_for() {
    let house = PluginFixture::new();
    let generate = [
        "(call $drop_pollable (call $after (i64.const 5000000000)))".to_owned(),
        assert_eq_code("(call $clock)", "5000000000", "i64"),
        "(call $drop_pollable (call $at (i64.const 7000000000)))".into(),
        "(call $drop_pollable (call $at (i64.const 1)))".into(),
        assert_eq_code("(call $clock)", "7000000000", "i64"),
        "(call $drop_pollable (call $after (i64.const -1)))".into(),
        assert_eq_code("(call $clock)", "-1", "i64"),
        "global.get $output".into(),
    ];
    let plugin = house.load(&wasi_guest(&generate.join("\n")));
    plugin.generate(&opkg(), &target(), &PackageSettings::default()).unwrap();
}

/// As an exception of an interpreter ends a program that nobody in it has caught.
#[test]
fn a_traceback_is_part_of_the_error() {
    let house = PluginFixture::new();
    let error = |text: &str, end: &str| {
        let generate = format!("(local $stream i32) {} {end} unreachable", print_code(text));
        let plugin = house.load(&wasi_guest(&generate));
        let error = plugin.generate(&opkg(), &target(), &PackageSettings::default()).unwrap_err();
        let GenerateError::Broken(error) = error else { panic!("{error}") };
        std::iter::once(error.to_string()).chain(error.details()).collect::<Vec<_>>().join("\n  ")
    };
    let traceback = "Traceback (most recent call last):\n  File \"/0/app.py\", line 18, in generate\nKeyError: \x1b[1m'x'\n";
    let long: String = (0..30).map(|number| format!("  line {number}\n")).collect();
    let messages = [
        error(traceback, ""),
        error(traceback, "(drop (i32.div_u (i32.const 1) (i32.const 0)))"),
        error(&format!("{long}bad"), "(call $exit (i32.const 1))"),
        error("bad", "(call $exit (i32.const 1))"),
        error("", "(call $exit (i32.const 0))"),
    ];
    insta::assert_snapshot!(messages.join("\n"), @r#"
    the plugin demo 1.2 failed inside: KeyError:  [1m'x'
      | Traceback (most recent call last):
      |   File "/0/app.py", line 18, in generate
    the plugin demo 1.2 did something forbidden: integer divide by zero
      | Traceback (most recent call last):
      |   File "/0/app.py", line 18, in generate
      | KeyError:  [1m'x'
    the plugin demo 1.2 failed inside: bad
      | … 11 more, which `-v` shows
      |   line 11
      |   line 12
      |   line 13
      |   line 14
      |   line 15
      |   line 16
      |   line 17
      |   line 18
      |   line 19
      |   line 20
      |   line 21
      |   line 22
      |   line 23
      |   line 24
      |   line 25
      |   line 26
      |   line 27
      |   line 28
      |   line 29
    the plugin demo 1.2 failed inside: bad
    the plugin demo 1.2 failed inside: it ended itself
    "#);
}

#[test]
fn random_numbers_are_the_same_every_time() {
    let house = PluginFixture::new();
    let plugin =
        house.load(&wasi_guest("(if (i64.ne (call $random) (i64.const 0)) (then unreachable)) unreachable"));
    let number = |text: &str| {
        plugin
            .generate(&opkg(), &target(), &PackageSettings::default())
            .map_err(|it| it.to_string())
            .unwrap_err()
            + text
    };
    assert_eq!(number(""), number(""));
    let twice = "(local $a i64) (local.set $a (call $random)) \
                 (if (i64.eq (local.get $a) (call $random)) (then unreachable)) global.get $output";
    house.load(&wasi_guest(twice)).generate(&opkg(), &target(), &PackageSettings::default()).unwrap();
}

#[test]
fn what_is_not_given_is_named() {
    let house = PluginFixture::new();
    let message = |generate: &str| {
        let plugin = house.load(&wasi_guest(generate));
        plugin.generate(&opkg(), &target(), &PackageSettings::default()).unwrap_err().to_string()
    };
    let messages = [
        message("(call $network)"),
        message("(call $bytes (i64.const -1) (i32.const 1024)) unreachable"),
        message(&format!(
            "(local $stream i32) {} (call $exit (i32.const 1)) unreachable",
            print_code("ValueError: bad\n")
        )),
    ];
    insta::assert_snapshot!(messages.join("\n"), @r#"
    the plugin demo 1.2 tried to use wasi:sockets/instance-network/instance-network, which plugins do not get
    the plugin demo 1.2 tried to use wasi:random/random/get-random-bytes for 18446744073709551615 bytes at once, which plugins do not get
    the plugin demo 1.2 failed inside: ValueError: bad
    "#);
}

#[test]
fn an_inspection_lists_it() {
    let house = PluginFixture::new();
    let path = house.write_file("x.wasm", &wasi_guest("(call $network)").build());
    let seen = inspect(&path, &house.options()).unwrap();
    assert!(seen.wasi.contains(&"wasi:sockets/instance-network@0.2.3".to_owned()), "{:?}", seen.wasi);
    assert!(seen.imports.iter().all(|name| name.starts_with("opkg:plugin/")), "{:?}", seen.imports);
}
