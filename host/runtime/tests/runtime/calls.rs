//! Plugins that do what they should.

use opkg::diagnostic::{Location, Severity};
use opkg_interface::PackageSettings;
use opkg_runtime::GenerateError;

use crate::guest::{GuestBuilder, PluginFixture, diagnostic, err, file, ok_with_files, opkg, target};
use crate::layout::{Value, str_value};

#[test]
fn output_arrives() {
    let house = PluginFixture::new();
    let plugin = house.load(&GuestBuilder {
        output: ok_with_files(vec![file("SPECS/demo.spec")]),
        ..GuestBuilder::default()
    });
    assert_eq!(plugin.description().name_and_version(), "demo 1.2");
    assert_eq!(plugin.describe().unwrap(), *plugin.description());
    for _ in 0..3 {
        let generated = plugin.generate(&opkg(), &target(), &PackageSettings::default()).unwrap();
        assert_eq!(generated.output.meta_files[0].path, "SPECS/demo.spec");
        assert_eq!(generated.output.meta_files[0].contents, "contents\n");
        assert!(generated.diagnostics.is_empty());
    }
}

#[test]
fn refusals_are_told_apart() {
    let house = PluginFixture::new();
    let ask = |answer: Value| {
        let plugin = house.load(&GuestBuilder { output: answer, ..GuestBuilder::default() });
        plugin.generate(&opkg(), &target(), &PackageSettings::default()).unwrap_err()
    };
    match ask(err(0, str_value("there is no\x1b[0m 7"))) {
        GenerateError::UnknownTarget(reason) => assert_eq!(reason, "there is no [0m 7"),
        other => panic!("{other}"),
    }
    match ask(err(1, diagnostic(2, 0, "only for others"))) {
        GenerateError::TargetExcluded(found) => {
            assert_eq!((found.severity, found.code.as_str()), (Severity::Note, "demo"));
            assert_eq!(found.location, Some(Location::Config(3..7)));
        }
        other => panic!("{other}"),
    }
    match ask(err(2, Value::List(vec![diagnostic(0, 0, "no such name")]))) {
        GenerateError::Diagnostics(found) => assert_eq!(found[0].message, "no such name"),
        other => panic!("{other}"),
    }
}

#[test]
fn calls_share_nothing() {
    // Grows its memory on every call: the second would fail, were it the same instance.
    let house = PluginFixture::new();
    let plugin = house.load(&GuestBuilder {
        generate: "(if (i32.ne (memory.size) (i32.const 4)) (then unreachable))
                   (drop (memory.grow (i32.const 1))) global.get $output"
            .into(),
        ..GuestBuilder::default()
    });
    for _ in 0..3 {
        plugin.generate(&opkg(), &target(), &PackageSettings::default()).unwrap();
    }
}

#[test]
fn threads_share_a_plugin() {
    let house = PluginFixture::new();
    let plugin =
        house.load(&GuestBuilder { output: ok_with_files(vec![file("a")]), ..GuestBuilder::default() });
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                (0..20).for_each(|_| {
                    drop(plugin.generate(&opkg(), &target(), &PackageSettings::default()).unwrap())
                })
            });
        }
    });
}
