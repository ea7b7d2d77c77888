//! Plugins that do what they should not. Each ends with one clear message, and the host lives on.

use std::path::Path;
use std::time::Duration;

use opkg_runtime::{Fault, Level, Options, Problem, Registry};

use crate::guest::{Guest, House, answer, diagnostic, done, file, opkg, refused, say, target};
use crate::layout::Value::{Claim, List, Record};
use crate::layout::{Value, text};

/// What the user reads when the plugin does this in `generate`.
fn failure(guest: &Guest) -> String {
    let house = House::new();
    let plugin = house.load(guest);
    let error = plugin.generate(&opkg(), &target()).unwrap_err();
    error.to_string()
}

fn doing(generate: &str) -> String {
    failure(&Guest { generate: generate.into(), ..Guest::default() })
}

fn returning(output: Value) -> String {
    failure(&Guest { output, ..Guest::default() })
}

#[test]
fn running_wild() {
    let recursion = failure(&Guest {
        functions: "(func $deeper (param i32) (result i32)
            (i32.add (i32.const 1) (call $deeper (i32.add (local.get 0) (i32.const 1)))))"
            .into(),
        generate: "(call $deeper (i32.const 0))".into(),
        ..Guest::default()
    });
    let panic = say("panicked at src/lib.rs:7:\n\x1b[31mindex out of bounds");
    let messages = [
        doing("(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable"),
        recursion,
        doing(&format!("{panic} unreachable")),
        doing("unreachable"),
        doing("(i32.div_u (i32.const 1) (i32.const 0))"),
        doing("(i32.load (i32.const -4))"),
    ];
    insta::assert_snapshot!(messages.join("\n"), @r#"
    the plugin demo 1.2 asked for more memory than the 256 MiB that a plugin gets
    the plugin demo 1.2 used up its stack
    the plugin demo 1.2 failed inside: panicked at src/lib.rs:7: [31mindex out of bounds
    the plugin demo 1.2 failed inside
    the plugin demo 1.2 did something forbidden: integer divide by zero
    the plugin demo 1.2 did something forbidden: out of bounds memory access
    "#);
}

#[test]
fn running_forever() {
    let house = House::new();
    let forever = "(loop $forever (br $forever)) unreachable";
    let soon = |path: &Path| {
        let mut options = house.with_file(path);
        options.limits.time = Duration::from_millis(200);
        options
    };
    let path = house.put("a.wasm", &Guest { generate: forever.into(), ..Guest::default() }.build());
    let mut slow = house.with_file(&path);
    slow.cache = Some(house.root.path().join("cache"));
    drop(Registry::discover(slow.clone()));
    // Known from the cache, so that only the call itself has to meet the short deadline.
    let plugin = house.load_with(Options { cache: slow.cache, ..soon(&path) });
    let call = plugin.generate(&opkg(), &target()).unwrap_err().to_string();
    assert_eq!(call, "the plugin demo 1.2 ran longer than 0.2 s and was stopped");

    let path = house.put("b.wasm", &Guest { describe: forever.into(), ..Guest::default() }.build());
    let registry = Registry::discover(soon(&path));
    let error = registry.entries()[0].error().unwrap();
    assert!(matches!(error.problem, Problem::Fault(Fault::TooLong(_))), "{error}");
}

#[test]
fn returning_nonsense() {
    // Two hundred files, all of them with the same megabyte as their contents.
    let megabyte = Claim(1 << 20, 1 << 20);
    let same = Record(vec![text("a"), megabyte, Value::Byte(0)]);
    let multiplied = failure(&Guest { output: done(vec![same; 200]), pages: 32, ..Guest::default() });
    let million = Claim(1 << 20, 1_000_000);
    let many = failure(&Guest { output: answer(million), pages: 400, ..Guest::default() });
    let messages = [
        returning(done(vec![file("../x")])),
        returning(done(vec![file("/etc/passwd")])),
        returning(done(vec![file("a"), file("a")])),
        many,
        multiplied,
        returning(answer(Claim(0, u32::MAX))),
        returning(answer(Claim(u32::MAX, 1))),
        returning(done(vec![Record(vec![Claim(0, 1 << 30), text(""), Value::Byte(0)])])),
        returning(Value::Byte(7)),
        doing("(i32.const -4)"),
        returning(refused(2, List(vec![]))),
        returning(refused(1, diagnostic(0, 77, "where?"))),
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
    let house = House::new();
    let path = house.put("a.wasm", &Guest { describe: "unreachable".into(), ..Guest::default() }.build());
    let registry = Registry::discover(house.with_file(&path));
    let error = registry.entries()[0].error().unwrap();
    let message = error.to_string().replace(&path.display().to_string(), "FILE");
    insta::assert_snapshot!(format!("{message}\n{}", error.help().unwrap()), @r#"
    the plugin FILE failed inside
    this is a mistake in the plugin; report it to its author
    "#);
}

#[test]
fn descriptions_are_not_believed() {
    let house = House::new();
    let message = |guest: Guest| {
        let path = house.put("a.wasm", &guest.build());
        let registry = Registry::discover(house.with_file(&path));
        let message = registry.entries()[0].error().unwrap().to_string();
        message.replace(&path.display().to_string(), "FILE")
    };
    let messages = [
        message(Guest { id: "../x", ..Guest::default() }),
        message(Guest { aliases: vec!["demo"], ..Guest::default() }),
        message(Guest { pages: 5000, ..Guest::default() }),
    ];
    insta::assert_snapshot!(messages.join("\n"), @r#"
    the plugin FILE returned something invalid: the id `../x`, which is not made of a-z, 0-9, `.`, `_`, `+` and `-` with a letter or digit at both ends
    the plugin FILE returned something invalid: the id `demo` twice
    the plugin FILE asked for more memory than the 256 MiB that a plugin gets
    "#);
}

#[test]
fn a_flood_of_messages_dries_up() {
    let house = House::new();
    let generate = format!(
        "(local $left i32) (local.set $left (i32.const 5000))
         (loop $again {} (local.set $left (i32.sub (local.get $left) (i32.const 1)))
            (br_if $again (local.get $left)))
         global.get $output",
        say("again")
    );
    let plugin = house.load(&Guest { generate, ..Guest::default() });
    plugin.generate(&opkg(), &target()).unwrap();
    let said = house.said(Level::Warn);
    assert_eq!(said.len(), 1000);
    assert_eq!(said[999], "guest: says too much; the rest is dropped");
}
