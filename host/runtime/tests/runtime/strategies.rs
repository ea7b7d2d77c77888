//! What a plugin answers does not depend on which of the engine's compilers made its code.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use opkg::model::Opkg;
use opkg_interface::PackageSettings;
use opkg_runtime::{DistributionPlugin, Registry, RuntimeOptions, Strategy};

use crate::guest::{GuestBuilder, PluginFixture};

fn examples() -> Vec<PathBuf> {
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples"));
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.join("config.xml").exists()).collect();
    found.sort();
    assert!(found.len() >= 3, "{found:?}");
    found
}

fn built_in(strategy: Option<Strategy>) -> Registry {
    let house = PluginFixture { strategy, ..PluginFixture::new() };
    Registry::discover(RuntimeOptions { embedded: true, ..house.options() })
}

/// Much of what a plugin can be asked, as text.
fn answers(registry: &Registry, plugin: &DistributionPlugin, opkgs: &[Arc<Opkg>]) -> Vec<String> {
    fn text<T: Debug, E: ToString>(answer: Result<T, E>) -> String {
        answer.map_or_else(|error| error.to_string(), |answer| format!("{answer:#?}"))
    }
    let target = registry.parse_target(&plugin.description().id).unwrap();
    let mut answers = vec![
        text(plugin.describe()),
        text(plugin.programs()),
        text(plugin.parse_query(&["bash\t5.2-1\nmake\t(none)\n".to_owned()])),
        text(plugin.parse_offers(&["bash 5.2-1\n".to_owned()])),
        text(plugin.explain("E: Unable to locate package demo\nNo match for argument: demo\n", false)),
    ];
    let generate = |opkg: &Arc<Opkg>| text(plugin.generate(opkg, &target, &PackageSettings::default()));
    answers.extend(opkgs.iter().map(generate));
    answers
}

#[test]
fn every_built_in_plugin_answers_the_same() {
    let opkgs: Vec<Arc<Opkg>> = examples()
        .iter()
        .map(|directory| opkg::load(directory, &opkg::Settings::default()).opkg.unwrap())
        .collect();
    let registries = [Some(Strategy::Cranelift), Some(Strategy::Winch), None].map(built_in);
    let [reference, ..] = &registries;
    let mut asked = 0;
    for (index, entry) in reference.entries().iter().enumerate() {
        if entry.distribution().is_none() {
            continue;
        }
        let [first, others @ ..] = registries.each_ref().map(|registry| {
            let plugin = registry.plugin(&registry.entries()[index]).unwrap();
            answers(registry, &plugin, &opkgs)
        });
        assert!(first.iter().any(|answer| answer.contains("summary")), "{first:?}");
        for other in others {
            assert_eq!(first, other);
        }
        asked += 1;
    }
    assert!(asked >= 7, "{asked}");
}

#[test]
fn every_built_in_runner_is_compiled_by_both() {
    for strategy in Strategy::ALL {
        let registry = built_in(Some(strategy));
        let runners: Vec<_> = registry.runners().collect();
        assert!(runners.len() >= 2);
        for (entry, description) in runners {
            assert_eq!(registry.runner(entry).unwrap().description(), description);
        }
    }
}

#[test]
fn the_code_of_one_compiler_is_not_taken_for_that_of_the_other() {
    let house = PluginFixture::new();
    let path = house.write_file("a.wasm", &GuestBuilder::default().build());
    let cache = house.root.path().join("cache");
    let count = || fs::read_dir(&cache).unwrap().count();
    for (strategy, files) in [
        (Some(Strategy::Winch), 2),
        (Some(Strategy::Cranelift), 4),
        (Some(Strategy::Winch), 4),
        // A plugin that is not built in has the slow compiler.
        (None, 4),
    ] {
        let options = house.options_with_file(&path);
        house.load_with(RuntimeOptions { strategy, cache: Some(cache.clone()), ..options });
        assert_eq!(count(), files, "{strategy:?}");
    }
    fs::remove_dir_all(&cache).unwrap();
    house.load_with(RuntimeOptions { cache: Some(cache.clone()), ..house.options_with_file(&path) });
    house.load_with(RuntimeOptions {
        strategy: Some(Strategy::Cranelift),
        cache: Some(cache.clone()),
        ..house.options_with_file(&path)
    });
    assert_eq!(count(), 2);
}
