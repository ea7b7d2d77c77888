//! What root compiled for everybody is used, believed no more than it deserves, and never an obstacle.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use opkg_runtime::{LogLevel, Registry, RuntimeOptions, warm_system_cache};
use tempfile::TempDir;

use crate::guest::PluginFixture;

/// A cache that was warmed, for this test alone; nothing where nobody may write one.
fn warm_cache(house: &PluginFixture) -> Option<PathBuf> {
    static WARM: OnceLock<Option<TempDir>> = OnceLock::new();
    let warm = WARM.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        if fs::metadata(directory.path()).unwrap().uid() != 0 {
            println!("skipped: only root writes the cache of the system");
            return None;
        }
        let ids = warm_system_cache(&directory.path().join("components"), &house.options()).unwrap();
        assert!(ids.iter().any(|id| id == "rhel") && ids.iter().any(|id| id == "hook-script"), "{ids:?}");
        Some(directory)
    });
    let from = warm.as_ref()?.path().join("components");
    let to = house.root.path().join("components");
    fs::create_dir(&to).unwrap();
    for file in fs::read_dir(&from).unwrap().map(|entry| entry.unwrap().path()) {
        fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
    fs::set_permissions(&to, fs::metadata(from).unwrap().permissions()).unwrap();
    Some(to)
}

/// Uses every plugin that is built in; returns how many of them had to be compiled, and what the cache said.
fn compiled(house: &PluginFixture, system: &Path) -> (usize, Vec<String>) {
    house.messages.lock().unwrap().clear();
    let own = house.root.path().join("own");
    let registry = Registry::discover(RuntimeOptions {
        embedded: true,
        system_cache: Some(system.to_owned()),
        cache: Some(own.clone()),
        ..house.options()
    });
    for entry in registry.entries() {
        match entry.distribution() {
            Some(_) => drop(registry.plugin(entry).unwrap()),
            None => drop(registry.runner(entry).unwrap()),
        }
    }
    // What is compiled is kept.
    let count = fs::read_dir(&own).map_or(0, Iterator::count) / 2;
    let _ = fs::remove_dir_all(own);
    (count, house.messages_at(LogLevel::Debug))
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn nobody_compiles_what_root_has_compiled() {
    let house = PluginFixture::new();
    let Some(system) = warm_cache(&house) else { return };
    assert_eq!(compiled(&house, &system), (0, vec![]));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&system), 0o755);
    assert!(files(&system).iter().all(|file| mode(file) == 0o644));
}

#[test]
fn without_one_everything_is_compiled() {
    let house = PluginFixture::new();
    let (all, said) = compiled(&house, &house.root.path().join("nowhere"));
    assert!(all >= 9 && said.is_empty(), "{all} {said:?}");
    // Nor is a file a directory.
    let file = house.write_file("file", b"");
    assert_eq!(compiled(&house, &file), (all, vec![]));
}

#[test]
fn what_others_can_have_written_is_not_run() {
    let house = PluginFixture::new();
    let Some(system) = warm_cache(&house) else { return };
    let all = files(&system).len() / 2;
    let code =
        files(&system).into_iter().find(|file| file.extension().is_some_and(|it| it == "cwasm")).unwrap();
    for (path, count) in [(&system, all), (&code, 1), (&code.with_extension("json"), 1)] {
        let mode = fs::metadata(path).unwrap().permissions().mode();
        for open in [0o020, 0o002] {
            chmod(path, mode | open);
            let (found, said) = compiled(&house, &system);
            assert_eq!(found, count, "{}", path.display());
            assert!(said[0].ends_with("others may write to it"), "{said:?}");
        }
        chmod(path, mode);
        chown(path, Some(1), None).unwrap();
        let (found, said) = compiled(&house, &system);
        assert_eq!(found, count, "{}", path.display());
        assert!(said[0].ends_with("belongs to another user"), "{said:?}");
        chown(path, Some(0), None).unwrap();
    }
    assert_eq!(compiled(&house, &system).0, 0);
}

#[test]
fn what_is_broken_is_not_used_and_left_to_root() {
    let house = PluginFixture::new();
    let Some(system) = warm_cache(&house) else { return };
    let broken: Vec<PathBuf> = files(&system);
    let code = broken.iter().filter(|file| file.extension().is_some_and(|it| it == "cwasm"));
    let [flipped, cut, empty, gone, link] = code.take(5).collect::<Vec<_>>()[..] else { panic!() };
    let mut bytes = fs::read(flipped).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(flipped, &bytes).unwrap();
    let whole = fs::read(cut).unwrap();
    fs::write(cut, &whole[..whole.len() / 2]).unwrap();
    fs::write(empty, "").unwrap();
    fs::remove_file(gone).unwrap();
    let elsewhere = house.root.path().join("elsewhere");
    fs::rename(link, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, link).unwrap();
    let others = broken.iter().filter(|file| file.extension().is_some_and(|it| it == "json"));
    let [notes, .., nonsense] = others.collect::<Vec<_>>()[5..] else { panic!() };
    fs::write(notes, "{").unwrap();
    fs::write(nonsense, "[]").unwrap();
    let before: Vec<_> = files(&system).iter().map(|file| fs::read(file).unwrap()).collect();
    assert_eq!(compiled(&house, &system).0, 7);
    let after: Vec<_> = files(&system).iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(before == after, "nobody but root writes there");
    // And root mends it.
    warm_system_cache(&system, &house.options()).unwrap();
    assert_eq!(compiled(&house, &system), (0, vec![]));
}

#[test]
fn warming_anew_removes_what_other_releases_left() {
    let house = PluginFixture::new();
    let Some(system) = warm_cache(&house) else { return };
    let current = files(&system);
    for name in ["a".repeat(64) + ".cwasm", "a".repeat(64) + ".json", ".new-killed".to_owned()] {
        fs::write(system.join(name), "old").unwrap();
    }
    let foreign = system.join("README");
    fs::write(&foreign, "").unwrap();
    warm_system_cache(&system, &house.options()).unwrap();
    let mut expected = current;
    expected.push(foreign);
    expected.sort();
    assert_eq!(files(&system), expected);
}

#[test]
fn a_directory_that_cannot_be_trusted_is_not_warmed() {
    let house = PluginFixture::new();
    let directory = house.root.path().join("open");
    fs::create_dir(&directory).unwrap();
    chmod(&directory, 0o777);
    let file = house.write_file("file", b"");
    for directory in [&directory, &file.join("below")] {
        let error = warm_system_cache(directory, &house.options()).unwrap_err();
        assert!(error.to_string().contains("cannot be written to"), "{error}");
        assert!(error.help().is_some());
    }
    assert!(files(&directory).is_empty());
}
