//! The cache saves work, and is never believed more than it deserves.

use opkg_interface::PackageSettings;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use opkg_runtime::{LogLevel, Registry, RuntimeOptions};

use crate::guest::{GuestBuilder, PluginFixture, log_error, opkg, target};

struct CacheFixture {
    fixture: PluginFixture,
    plugin: PathBuf,
    directory: PathBuf,
}

impl CacheFixture {
    /// A plugin that says when it is asked what it is, and a cache that knows it.
    fn new() -> Self {
        let house = PluginFixture::new();
        let describe = format!("{} global.get $description", log_error("asked"));
        let plugin =
            house.write_file("guest.wasm", &GuestBuilder { describe, ..GuestBuilder::default() }.build());
        let directory = house.root.path().join("home/.cache/opkg");
        let cached = Self { fixture: house, plugin, directory };
        assert_eq!(cached.run_and_log(), ["guest: asked"]);
        cached
    }

    /// Finds and uses the plugin, and returns what was said on the way.
    fn run_and_log(&self) -> Vec<String> {
        self.fixture.messages.lock().unwrap().clear();
        let registry = Registry::discover(self.options());
        let plugin = registry.plugin(&registry.entries()[0]).unwrap();
        plugin.generate(&opkg(), &target(), &PackageSettings::default()).unwrap();
        let root = self.directory.display().to_string();
        self.fixture.messages_at(LogLevel::Trace).iter().map(|line| line.replace(&root, "CACHE")).collect()
    }

    fn options(&self) -> RuntimeOptions {
        RuntimeOptions { cache: Some(self.directory.clone()), ..self.fixture.options_with_file(&self.plugin) }
    }

    fn cache_file(&self, extension: &str) -> PathBuf {
        let files = fs::read_dir(&self.directory).unwrap().map(|entry| entry.unwrap().path());
        files.into_iter().find(|path| path.extension().is_some_and(|it| it == extension)).unwrap()
    }
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_known_plugin_is_neither_asked_nor_compiled() {
    let cached = CacheFixture::new();
    assert!(cached.run_and_log().is_empty());
    let registry = Registry::discover(cached.options());
    // What would be compiled has gone.
    fs::remove_file(&cached.plugin).unwrap();
    let plugin = registry.plugin(&registry.entries()[0]).unwrap();
    plugin.generate(&opkg(), &target(), &PackageSettings::default()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&cached.directory), 0o700);
    assert_eq!(mode(&cached.cache_file("cwasm")), 0o600);
}

#[test]
fn a_plugin_that_changes_after_it_was_found_is_not_run() {
    let cached = CacheFixture::new();
    let registry = Registry::discover(cached.options());
    fs::remove_file(cached.cache_file("cwasm")).unwrap();
    fs::write(&cached.plugin, GuestBuilder { id: "evil", ..GuestBuilder::default() }.build()).unwrap();
    let error = registry.plugin(&registry.entries()[0]).unwrap_err();
    assert!(error.to_string().contains("changed since it was found"), "{error}");
}

#[test]
fn damage_is_repaired() {
    let cached = CacheFixture::new();
    let code = cached.cache_file("cwasm");
    let good = fs::read(&code).unwrap();

    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    for bytes in [bad.as_slice(), &[], &good[..good.len() / 2]] {
        fs::write(&code, bytes).unwrap();
        let said = cached.run_and_log();
        assert!(said[0].ends_with("the checksum is not the one that was noted"), "{said:?}");
        assert_eq!(fs::read(&code).unwrap(), good, "written again");
        assert!(cached.run_and_log().is_empty());
    }

    fs::write(cached.cache_file("json"), "{").unwrap();
    assert!(cached.run_and_log().contains(&"guest: asked".to_owned()));
    assert!(cached.run_and_log().is_empty());
}

#[test]
fn what_others_may_write_is_not_run() {
    let cached = CacheFixture::new();
    for path in [cached.cache_file("cwasm"), cached.cache_file("json"), cached.directory.clone()] {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        for open in [0o020, 0o002] {
            chmod(&path, mode | open);
            let said = cached.run_and_log();
            assert!(said[0].ends_with("others may write to it"), "{said:?}");
            chmod(&path, mode);
        }
    }
}

#[test]
fn what_belongs_to_others_is_not_run() {
    let cached = CacheFixture::new();
    for path in [cached.cache_file("cwasm"), cached.cache_file("json"), cached.directory.clone()] {
        let owner = fs::metadata(&path).unwrap().uid();
        if let Err(error) = chown(&path, Some(owner + 1), None) {
            println!("skipped: only root can give files away ({error})");
            return;
        }
        let said = cached.run_and_log();
        assert!(said[0].ends_with("belongs to another user"), "{said:?}");
        chown(&path, Some(owner), None).unwrap();
    }
}

#[test]
fn links_are_not_followed() {
    let cached = CacheFixture::new();
    let code = cached.cache_file("cwasm");
    let elsewhere = cached.fixture.root.path().join("elsewhere");
    fs::rename(&code, &elsewhere).unwrap();
    symlink(&elsewhere, &code).unwrap();
    assert!(!cached.run_and_log().is_empty());
    assert!(!fs::symlink_metadata(&code).unwrap().is_symlink(), "replaced by a file");
}

#[test]
fn the_oldest_entries_go() {
    let cached = CacheFixture::new();
    let code = cached.cache_file("cwasm");
    let entry = |number: u32, extension: &str| cached.directory.join(format!("{number:064x}.{extension}"));
    let old = |path: &Path, age: u64| {
        let file = fs::File::create(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    };
    for number in 0..100 {
        old(&entry(number, "cwasm"), 1000 + u64::from(number));
        old(&entry(number, "json"), 1000 + u64::from(number));
    }
    old(&cached.directory.join(".new-killed"), 100_000);
    let foreign = cached.directory.join("README");
    old(&foreign, 200_000);
    fs::remove_file(&code).unwrap();
    cached.run_and_log();
    assert!(code.exists(), "compiled again");
    assert_eq!(fs::read_dir(&cached.directory).unwrap().count(), 128 + 1);
    assert!(foreign.exists() && entry(0, "cwasm").exists() && entry(0, "json").exists());
    assert!(!entry(99, "cwasm").exists() && !cached.directory.join(".new-killed").exists());
    assert!(cached.run_and_log().is_empty(), "the newest is there");
}

#[test]
fn a_cache_that_cannot_be_is_no_obstacle() {
    let house = PluginFixture::new();
    let plugin = house.write_file("guest.wasm", &GuestBuilder::default().build());
    let file = house.write_file("file", b"");
    for cache in [file.join("cache"), "/proc/self/none/opkg".into()] {
        let registry =
            Registry::discover(RuntimeOptions { cache: Some(cache), ..house.options_with_file(&plugin) });
        let plugin = registry.plugin(&registry.entries()[0]).unwrap();
        plugin.generate(&opkg(), &target(), &PackageSettings::default()).unwrap();
    }
    let said = house.messages_at(LogLevel::Trace);
    assert!(said.iter().all(|line| line.starts_with("cache: ")) && !said.is_empty(), "{said:?}");
}
