//! Compiling in a process of its own, which takes no more than it may.

use std::env;
use std::ffi::OsString;
use std::fmt::Write;
use std::process::Command;
use std::time::Duration;

use opkg_interface::PackageSettings;
use opkg_runtime::{InstallRequest, Limits, Registry, RuntimeOptions, Strategy, install};

use crate::guest::{GuestBuilder, PluginFixture, opkg, target};

fn options(fixture: &PluginFixture, guest: &GuestBuilder, limits: Limits) -> RuntimeOptions {
    let path = fixture.write_file("guest.wasm", &guest.build());
    RuntimeOptions {
        compiler: compiler(),
        threads: Some(1),
        limits: Limits { timeout: Duration::from_secs(60), ..limits },
        ..fixture.options_with_file(&path)
    }
}

fn compiler() -> Option<Vec<OsString>> {
    Some(vec![env!("CARGO_BIN_EXE_component-compiler").into()])
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

/// A component that takes seconds to be compiled.
fn large_guest() -> GuestBuilder {
    let data = "x".repeat(5 << 20);
    GuestBuilder {
        functions: format!("(data (i32.const 131072) \"{data}\")"),
        memory_pages: 100,
        ..GuestBuilder::default()
    }
}

/// What whoever waits reads.
fn progress(fixture: &PluginFixture) -> Vec<String> {
    let mut said = fixture.messages.lock().unwrap();
    let said = std::mem::take(&mut *said);
    said.into_iter().filter(|message| message.is_progress).map(|message| message.text).collect()
}

#[test]
fn who_waits_for_a_compiler_is_told_of_it_once() {
    let fixture = PluginFixture::new();
    let cached = RuntimeOptions {
        cache: Some(fixture.root.path().join("cache")),
        ..options(&fixture, &large_guest(), Limits::default())
    };
    fixture.load_with(cached.clone());
    assert_eq!(progress(&fixture), ["compiling the plugin guest for this machine, once"]);
    fixture.load_with(cached.clone());
    assert_eq!(progress(&fixture), <[&str; 0]>::default());
    fixture.load_with(RuntimeOptions { cache: None, ..cached.clone() });
    assert_eq!(progress(&fixture), ["compiling the plugin guest for this machine"]);
    fixture.load_with(options(&fixture, &GuestBuilder::default(), Limits::default()));
    assert_eq!(progress(&fixture), <[&str; 0]>::default(), "of one that takes a moment");
}

#[test]
fn what_is_installed_is_compiled_already() {
    let fixture = PluginFixture::new();
    let options = RuntimeOptions {
        cache: Some(fixture.root.path().join("cache")),
        user_directory: Some(fixture.root.path().join("user")),
        plugin_files: Vec::new(),
        ..options(&fixture, &GuestBuilder::default(), Limits::default())
    };
    install(&InstallRequest::of_file(&fixture.root.path().join("guest.wasm")), &options).unwrap();
    let plugin =
        fixture.load_with(RuntimeOptions { compiler: Some(vec!["/no/such/compiler".into()]), ..options });
    plugin.generate(&opkg(), &target(), &PackageSettings::default()).unwrap();
}

const CHILD_ENV: &str = "OPKG_TEST_COMPILING";

/// The process itself has enough; the one that it starts to compile has no more than that.
#[test]
fn too_little_address_space_for_compiling_is_said() {
    let fixture = PluginFixture::new();
    let path = fixture.write_file("guest.wasm", &exploding_guest().build());
    let output = Command::new("sh")
        .args(["-c", "ulimit -v 300000; exec \"$0\" \"$@\""])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "compiling::starving", "--test-threads", "1", "--nocapture"])
        .env(CHILD_ENV, path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success()
            && said.contains(
                "guest.wasm takes more than the 292 MiB of virtual memory that are allowed here to be \
                 compiled"
            ),
        "{said}{complained}"
    );
}

/// What the test above runs in another process.
#[test]
fn starving() {
    let Some(path) = env::var_os(CHILD_ENV) else { return };
    let registry = Registry::discover(RuntimeOptions {
        compiler: compiler(),
        ..PluginFixture::new().options_with_file(path.as_ref())
    });
    println!("{}", registry.entries()[0].error().unwrap());
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
