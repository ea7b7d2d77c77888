//! Compiling in a process of its own, which takes no more than it may.

use std::fmt::Write;
use std::time::Duration;

use opkg_interface::PackageSettings;
use opkg_runtime::{Limits, Registry, RuntimeOptions, Strategy};

use crate::guest::{GuestBuilder, PluginFixture, opkg, target};

fn options(fixture: &PluginFixture, guest: &GuestBuilder, limits: Limits) -> RuntimeOptions {
    let path = fixture.write_file("guest.wasm", &guest.build());
    RuntimeOptions {
        compiler: Some(vec![env!("CARGO_BIN_EXE_component-compiler").into()]),
        threads: Some(1),
        limits: Limits { timeout: Duration::from_secs(60), ..limits },
        ..fixture.options_with_file(&path)
    }
}

fn error_of(guest: &GuestBuilder, limits: Limits) -> String {
    let fixture = PluginFixture::new();
    let registry = Registry::discover(options(&fixture, guest, limits));
    let error = registry.entries()[0].error().map(ToString::to_string).unwrap();
    let path = fixture.root.path().join("guest.wasm");
    error.replace(&path.display().to_string(), "PLUGIN")
}

/// One function that says little and makes the engine think a lot.
fn exploding_guest() -> GuestBuilder {
    let mut body = String::new();
    for number in 0..300_000 {
        writeln!(body, "(local.set 0 (i32.add (i32.load (local.get 0)) (i32.const {number})))").unwrap();
    }
    GuestBuilder { functions: format!("(func $explodes (param i32) {body})"), ..GuestBuilder::default() }
}

#[test]
fn what_is_compiled_apart_is_the_same() {
    Strategy::ALL.into_iter().for_each(compile_apart_and_here);
}

fn compile_apart_and_here(strategy: Strategy) {
    let fixture = PluginFixture::with_strategy(strategy);
    let cache = Some(fixture.root.path().join("cache"));
    let options = RuntimeOptions { cache, ..options(&fixture, &GuestBuilder::default(), Limits::default()) };
    let plugin = fixture.load_with(options.clone());
    let generated = plugin.generate(&opkg(), &target(), &PackageSettings::default()).unwrap();
    let here = fixture.load_with(RuntimeOptions { compiler: None, cache: None, ..options.clone() });
    assert_eq!(here.generate(&opkg(), &target(), &PackageSettings::default()).unwrap(), generated);
    // Compiled once: the second time no compiler is needed.
    let cached = RuntimeOptions { compiler: Some(vec!["/no/such/compiler".into()]), ..options };
    assert_eq!(
        fixture.load_with(cached).generate(&opkg(), &target(), &PackageSettings::default()).unwrap(),
        generated
    );
}

#[test]
fn a_component_that_takes_too_much_says_so_and_disturbs_nobody() {
    let roomy = Limits::default();
    let small = Limits { compile_memory_bytes: 512 << 20, ..roomy.clone() };
    let short = Limits { compile_timeout: Duration::from_millis(1), ..roomy.clone() };
    let tiny = Limits { compile_memory_bytes: 1 << 20, ..roomy.clone() };
    let broken = GuestBuilder { functions: "(func (param i32))".into(), ..GuestBuilder::default() };
    let errors = [
        error_of(&exploding_guest(), small.clone()),
        error_of(&GuestBuilder::default(), short.clone()),
        error_of(&exploding_guest(), short),
        error_of(&broken, tiny),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r"
    the plugin PLUGIN takes more than 512 MiB of memory to be compiled
    the plugin PLUGIN takes longer than 0.001 s to be compiled
    the plugin PLUGIN takes longer than 0.001 s to be compiled
    the plugin PLUGIN takes more than 1 MiB of memory to be compiled
    ");
    // With the limit that is too small for the other, and in this same process.
    let fixture = PluginFixture::new();
    let plugin = fixture.load_with(options(&fixture, &GuestBuilder::default(), small));
    plugin.generate(&opkg(), &target(), &PackageSettings::default()).unwrap();
}
