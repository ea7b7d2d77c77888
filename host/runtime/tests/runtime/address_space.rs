//! Login nodes of clusters limit virtual memory.

use opkg_interface::PackageSettings;
use std::env;
use std::path::Path;
use std::process::Command;

use opkg_runtime::{Registry, RuntimeOptions, Strategy};

use crate::guest::{GuestBuilder, PluginFixture, file, ok_with_files, opkg, target};

/// Kilobytes, as `ulimit -v` counts.
const LIMIT_KIB: u32 = 400_000;

const CHILD_ENV: &str = "OPKG_TEST_ADDRESS_SPACE";

#[test]
fn little_is_enough() {
    ["cranelift", "winch", "default"].into_iter().for_each(manage_with_little);
}

/// Whatever compiles, which is the program's decision where `strategy` names none.
fn manage_with_little(strategy: &str) {
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -v {LIMIT_KIB}; exec \"$0\" \"$@\"")])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "address_space::child", "--test-threads", "1", "--nocapture"])
        .env(CHILD_ENV, strategy)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("used what it got"), "{said}{complained}");
}

#[test]
fn too_little_is_said() {
    let house = PluginFixture::new();
    let path = house.write_file(
        "a.wasm",
        &GuestBuilder {
            output: ok_with_files(vec![file("a")]),
            memory_pages: 1600,
            ..GuestBuilder::default()
        }
        .build(),
    );
    let output = Command::new("sh")
        .args(["-c", "ulimit -v 150000; exec \"$0\" \"$@\""])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "address_space::starving", "--test-threads", "1", "--nocapture"])
        .env(CHILD_ENV, path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cannot be started: "), "{said}{complained}");
}

/// What `too_little_is_said` runs in another process: a plugin of 100 MiB.
#[test]
fn starving() {
    let Some(path) = env::var_os(CHILD_ENV).filter(|path| Path::new(path).is_absolute()) else { return };
    let registry = Registry::discover(PluginFixture::new().options_with_file(path.as_ref()));
    println!("{}", registry.entries()[0].error().unwrap());
}

/// What `little_is_enough` runs in another process: finds, compiles, keeps, and calls plugins from several threads,
/// among them one that takes all the memory that it can get.
#[test]
fn child() {
    let Some(word) = env::var_os(CHILD_ENV).filter(|word| !Path::new(word).is_absolute()) else { return };
    let strategy = Strategy::ALL.into_iter().find(|strategy| word == strategy.name());
    let house = PluginFixture { strategy, ..PluginFixture::new() };
    let path = house.write_file(
        "a.wasm",
        &GuestBuilder { output: ok_with_files(vec![file("a")]), ..GuestBuilder::default() }.build(),
    );
    let greedy =
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    let other =
        GuestBuilder { id: "greedy", aliases: vec![], generate: greedy.into(), ..GuestBuilder::default() };
    let other = house.write_file("b.wasm", &other.build());
    let options = RuntimeOptions {
        plugin_files: vec![path, other],
        cache: Some(house.root.path().join("cache")),
        embedded: true,
        ..house.options()
    };
    for _ in 0..2 {
        let registry = Registry::discover(options.clone());
        registry.runners().for_each(|(entry, _)| drop(registry.runner(entry).unwrap()));
        let distributions = registry.entries().iter().filter(|it| it.distribution().is_some());
        let plugins: Vec<_> = distributions.map(|entry| registry.plugin(entry).unwrap()).collect();
        let error =
            plugins[1].generate(&opkg(), &target(), &PackageSettings::default()).unwrap_err().to_string();
        assert!(error.contains("asked for more memory"), "{error}");
        std::thread::scope(|scope| {
            for _ in 0..opkg_runtime::parallelism() {
                scope.spawn(|| plugins[0].generate(&opkg(), &target(), &PackageSettings::default()).unwrap());
            }
        });
    }
    println!("used what it got");
}
