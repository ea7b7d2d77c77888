//! Components of other languages, which import WASI without being asked.

use opkg_interface::PackageSettings;
use opkg_runtime::{LogLevel, inspect};

use crate::guest::{GuestBuilder, PluginFixture, opkg, target};

const WIT_PACKAGES: &str = "
    package wasi:io@0.2.3 {
        interface error { resource error { to-debug-string: func() -> string; } }
        interface streams {
            use error.{error};
            variant stream-error { last-operation-failed(error), closed }
            resource output-stream {
                blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
            }
        }
    }
    package wasi:cli@0.2.3 {
        interface environment {
            get-environment: func() -> list<tuple<string, string>>;
            initial-cwd: func() -> option<string>;
        }
        interface stderr { use wasi:io/streams@0.2.3.{output-stream}; get-stderr: func() -> output-stream; }
        interface exit { exit: func(status: result); }
    }
    package wasi:clocks@0.2.3 {
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
    import wasi:io/streams@0.2.3; import wasi:clocks/wall-clock@0.2.3; import wasi:random/random@0.2.3;
    import wasi:sockets/instance-network@0.2.3;";

const IMPORTS: &str = r#"
    (import "wasi:cli/environment@0.2.3" "get-environment" (func $environment (param i32)))
    (import "wasi:cli/environment@0.2.3" "initial-cwd" (func $cwd (param i32)))
    (import "wasi:cli/stderr@0.2.3" "get-stderr" (func $stderr (result i32)))
    (import "wasi:cli/exit@0.2.3" "exit" (func $exit (param i32)))
    (import "wasi:io/streams@0.2.3" "[method]output-stream.blocking-write-and-flush"
        (func $write (param i32 i32 i32 i32)))
    (import "wasi:io/streams@0.2.3" "[resource-drop]output-stream" (func $drop (param i32)))
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

/// Writes the first bytes of memory, which the text is stored to, to standard error.
fn print_code(text: &str) -> String {
    let stores: String = text
        .bytes()
        .enumerate()
        .map(|(at, byte)| format!("(i32.store8 (i32.const {at}) (i32.const {byte}))"))
        .collect();
    format!(
        "{stores} (local.set $stream (call $stderr))
         (call $write (local.get $stream) (i32.const 0) (i32.const {}) (i32.const 1024))
         (call $drop (local.get $stream))",
        text.len()
    )
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
