//! Which plugin answers, and what is said of those that cannot.

use std::fs;
use std::os::unix::fs::symlink;

use opkg_runtime::{
    Inspection, InstallRequest, LoadErrorKind, Origin, PluginDescription, Registry, RuntimeOptions, inspect,
    install, remove,
};

use rustix::fs::{CWD, Mode, mkfifoat};

use crate::guest::{GuestBuilder, PluginFixture};

#[test]
fn the_first_one_answers() {
    let house = PluginFixture::new();
    let path = house.write_file("named/a.wasm", &GuestBuilder::default().build());
    house.write_file(
        "path/b.wasm",
        &GuestBuilder { id: "other", aliases: vec!["demo"], ..GuestBuilder::default() }.build(),
    );
    house.write_file(
        "system/c.wasm",
        &GuestBuilder { id: "family", aliases: vec!["member"], ..GuestBuilder::default() }.build(),
    );
    house.write_file(
        "system/d.wasm",
        &GuestBuilder { id: "member", aliases: vec![], ..GuestBuilder::default() }.build(),
    );
    house.write_file("system/e.txt", b"no plugin");
    house.write_file("system/broken.wasm", b"no plugin either");
    let registry = Registry::discover(RuntimeOptions {
        search_path: vec![house.root.path().join("missing"), house.root.path().join("path")],
        system_directory: Some(house.root.path().join("system")),
        ..house.options_with_file(&path)
    });
    let found = |id: &str| registry.find(id).map(|it| (it.origin(), it.distribution().unwrap().id.clone()));
    assert_eq!(found("Demo"), Some((Origin::Named, "demo".into())));
    assert_eq!(found("other"), Some((Origin::SearchPath, "other".into())));
    assert_eq!(found("member"), Some((Origin::System, "member".into())), "an id comes before an alias");
    assert_eq!(found("nobody"), None);
    assert_eq!(registry.ids(), ["demo", "demo-lts", "family", "member", "other"]);
    assert_eq!(registry.descriptions().len(), 4);
    let shadowed: Vec<_> = registry.entries().iter().flat_map(|it| it.shadowed()).collect();
    assert_eq!(shadowed, [&("demo".to_owned(), 0), &("member".to_owned(), 4)]);
    let broken: Vec<_> =
        registry.load_errors().map(|(entry, _)| entry.path().unwrap().file_name().unwrap()).collect();
    assert_eq!(broken, ["broken.wasm"]);

    let target = registry.parse_target("member-9-amd64").unwrap();
    assert_eq!(target.to_string(), "member-9-x86_64");
    assert_eq!(registry.load(&target).unwrap().description().id, "member");
}

#[test]
fn files_that_are_no_plugins() {
    let house = PluginFixture::new();
    let message = |bytes: &[u8]| {
        let path = house.write_file("a.wasm", bytes);
        let options = house.options_with_file(&path);
        let registry = Registry::discover(options);
        let error = registry.entries()[0].error().unwrap();
        let message = format!("{error}\n  {}", error.help().unwrap());
        message.replace(&path.display().to_string(), "FILE")
    };
    let good = GuestBuilder::default().build();
    // As long as the right one, so that the rest of the component stays as it is.
    let newer = replace_bytes(&good, b"opkg:plugin/packaging@1.0.0", b"opkg:plugin/packaging@2.0.0");
    let mut cut = good.clone();
    cut.truncate(good.len() / 2);
    let messages = [
        message(b"#!/bin/sh\n"),
        message(&wat::parse_str("(module)").unwrap()),
        message(&wat::parse_str("(component)").unwrap()),
        message(
            &wat::parse_str(r#"(component (instance $i) (export "test:a/b@1.0.0" (instance $i)))"#).unwrap(),
        ),
        message(
            &wat::parse_str(
                r#"(component (instance $i) (export "opkg:plugin/packaging@1.0.0" (instance $i)))"#,
            )
            .unwrap(),
        ),
        message(&newer),
        message(&cut),
        message(&vec![0; (64 << 20) + 1]),
    ];
    insta::assert_snapshot!(messages.join("\n"), @"
    the plugin FILE is not a WebAssembly file
      `opkgc plugin build DIR` makes a component of a crate
    the plugin FILE is a core module of WebAssembly, not a component
      it is half of the way: `opkgc plugin build DIR` makes a component of a crate, and so do the tools of other languages of what they compile (`wasm-tools component new`)
    the plugin FILE is a WebAssembly component, but neither a distribution plugin nor a hook: it exports nothing
      a distribution plugin implements the world `distribution` of opkg:plugin@1.0.0, a hook the world `hook-runner`
    the plugin FILE is a WebAssembly component, but neither a distribution plugin nor a hook: it exports test:a/b@1.0.0
      a distribution plugin implements the world `distribution` of opkg:plugin@1.0.0, a hook the world `hook-runner`
    the plugin FILE exports opkg:plugin/packaging, but not opkg:plugin/package-manager, which belongs to the same world
      a distribution plugin implements the world `distribution` of opkg:plugin@1.0.0, a hook the world `hook-runner`
    the plugin FILE was made for version 1.0.0 and 2.0.0 of the plugin interface, this program takes 0.1.0 and 1.x
      use a newer release of this program, or an older one of the plugin
    the plugin FILE is not a valid WebAssembly component: unexpected end-of-file
      build it again; the file may be damaged
    the plugin FILE is larger than 64 MiB
      strip it of debug information, or build it for size
    ");
    let missing = Registry::discover(house.options_with_file(&house.root.path().join("missing.wasm")));
    assert!(matches!(missing.entries()[0].error().unwrap().kind, LoadErrorKind::Unreadable(_)));
}

fn replace_bytes(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len().saturating_sub(from.len()) {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
    bytes
}

/// None of these is waited for or read to its end.
#[test]
fn what_is_no_regular_file_is_no_plugin() {
    let house = PluginFixture::new();
    let at = |name: &str| house.root.path().join("path").join(name);
    fs::create_dir_all(at("directory.wasm")).unwrap();
    mkfifoat(CWD, at("pipe.wasm"), Mode::RWXU).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket.wasm")).unwrap();
    symlink("/dev/zero", at("endless.wasm")).unwrap();
    symlink("nowhere", at("broken.wasm")).unwrap();
    fs::File::create(at("sparse.wasm")).unwrap().set_len(1 << 40).unwrap();
    fs::write(at("good.wasm"), GuestBuilder::default().build()).unwrap();
    let registry = Registry::discover(RuntimeOptions { search_path: vec![at("")], ..house.options() });
    let texts: Vec<String> = registry
        .load_errors()
        .map(|(entry, error)| {
            format!("{}: {}", entry.path().unwrap().file_name().unwrap().display(), error.kind)
        })
        .collect();
    insta::assert_snapshot!(texts.join("\n"), @r"
    broken.wasm: cannot be read: No such file or directory (os error 2)
    directory.wasm: is not a regular file
    endless.wasm: is not a regular file
    pipe.wasm: is not a regular file
    socket.wasm: cannot be read: No such device or address (os error 6)
    sparse.wasm: is larger than 64 MiB
    ");
    assert!(registry.find("demo").is_some());
    for name in ["pipe.wasm", "directory.wasm", "endless.wasm"] {
        assert!(matches!(
            install(&InstallRequest::of_file(&at(name)), &house.options_with_user()).unwrap_err().kind,
            LoadErrorKind::NotAFile
        ));
        assert!(matches!(inspect(&at(name), &house.options()).unwrap_err().kind, LoadErrorKind::NotAFile));
    }
}

/// Many files that are no plugins are no matter; many that are called like some are not all looked at.
#[test]
fn a_crowded_directory_is_not_searched_to_its_end() {
    let house = PluginFixture::new();
    for number in 0..1000 {
        house.write_file(&format!("path/{number}.txt"), b"");
        house.write_file(&format!("path/{number}.wasm"), b"");
    }
    let directory = house.root.path().join("path");
    let registry =
        Registry::discover(RuntimeOptions { search_path: vec![directory.clone()], ..house.options() });
    assert_eq!(registry.entries().len(), 101);
    let last = registry.entries().last().unwrap();
    assert_eq!(last.path(), Some(directory.as_path()));
    assert!(matches!(last.error().unwrap().kind, LoadErrorKind::TooManyPlugins { limit: 100 }));
}

/// The record beside an installed plugin is as foreign as the plugin.
#[test]
fn a_record_is_a_small_regular_file() {
    let house = PluginFixture::new();
    let file = house.write_file("x.wasm", &GuestBuilder::default().build());
    let options = house.options_with_user();
    let record = install(&InstallRequest::of_file(&file), &options).unwrap().path.with_extension("json");
    let make: [&dyn Fn(); 3] = [
        &|| mkfifoat(CWD, &record, Mode::RWXU).unwrap(),
        &|| symlink("/dev/zero", &record).unwrap(),
        &|| fs::create_dir(&record).unwrap(),
    ];
    for make in make {
        fs::remove_file(&record).unwrap();
        make();
        let registry = Registry::discover(options.clone());
        assert!(matches!(registry.entries()[0].error().unwrap().kind, LoadErrorKind::InvalidRecord { .. }));
        if record.is_dir() {
            return;
        }
    }
}

#[test]
fn imports_that_nobody_gives() {
    let house = PluginFixture::new();
    let guest = GuestBuilder {
        packages: "package test:other@1.0.0 { interface secrets { read: func() -> u32; } }",
        world_imports: "import test:other/secrets@1.0.0;",
        imports: r#"(import "test:other/secrets@1.0.0" "read" (func $read (result i32)))"#.into(),
        generate: "(call $read)".into(),
        ..GuestBuilder::default()
    };
    let path = house.write_file("a.wasm", &guest.build());
    let registry = Registry::discover(house.options_with_file(&path));
    let message = registry.entries()[0].error().unwrap().to_string();
    insta::assert_snapshot!(message.replace(&path.display().to_string(), "FILE"), @"the plugin FILE does not fit this program: it imports test:other/secrets@1.0.0, which no such plugin gets");
}

/// Each has the names of this program's interface, and something else behind them.
#[test]
fn a_component_of_an_altered_interface_says_so() {
    let house = PluginFixture::new();
    let message = |guest: GuestBuilder| {
        let path = house.write_file("a.wasm", &guest.build());
        let registry = Registry::discover(house.options_with_file(&path));
        let error = registry.entries()[0].error().unwrap();
        let text = format!("{error}\n  {}", error.help().unwrap());
        text.replace(&path.display().to_string(), "FILE")
    };
    let altered = |from, to| GuestBuilder { altered: Some((from, to)), ..GuestBuilder::default() };
    let messages = [
        message(altered(
            "record alias { id: string, name: string }",
            "record alias { id: string, name: string, url: string }",
        )),
        message(GuestBuilder {
            imports: r#"(import "opkg:plugin/log@1.0.0" "flush" (func $flush))"#.into(),
            ..altered(
                "log: func(level: level, message: string);",
                "log: func(level: level, message: string); flush: func();",
            )
        }),
        message(altered(
            "describe: func() -> distribution-info;",
            "describe: func() -> result<distribution-info>;",
        )),
        message(altered(
            "enum level { error, warn, info, debug, trace }",
            "enum level { error, warn, info, debug }",
        )),
    ];
    insta::assert_snapshot!(messages.join("\n"), @"
    the plugin FILE was not built with the plugin interface, but with an altered copy of it: failed to convert function to given type: type mismatch with results: type mismatch for field aliases: expected record of 2 fields, found 3 fields
      build it anew, with the files that `opkgc plugin wit` writes as they are
    the plugin FILE was not built with the plugin interface, but with an altered copy of it: component imports instance `opkg:plugin/log@1.0.0`, but a matching implementation was not found in the linker: instance export `flush` has the wrong type: function implementation is missing
      build it anew, with the files that `opkgc plugin wit` writes as they are
    the plugin FILE was not built with the plugin interface, but with an altered copy of it: failed to convert function to given type: type mismatch with results: expected `record` found `result`
      build it anew, with the files that `opkgc plugin wit` writes as they are
    the plugin FILE was not built with the plugin interface, but with an altered copy of it: component imports instance `opkg:plugin/log@1.0.0`, but a matching implementation was not found in the linker: instance export `log` has the wrong type: type mismatch with parameters: expected enum of 5 names, found 4 names
      build it anew, with the files that `opkgc plugin wit` writes as they are
    ");
    // The engine looks at what is exported when it is there, and at the types when it is started.
    assert!(matches!(
        inspect(&house.root.path().join("a.wasm"), &house.options()).unwrap().problem,
        Some(problem) if problem.contains("altered copy")
    ));
}

#[test]
fn installed_plugins_stay_what_they_are() {
    let house = PluginFixture::new();
    let file = house.write_file("download/x.wasm", &GuestBuilder::default().build());
    let user = house.root.path().join("data/opkg/plugins");
    let options = RuntimeOptions { user_directory: Some(user.clone()), ..house.options() };

    let installed = install(&InstallRequest::of_file(&file), &options).unwrap();
    assert_eq!(installed.path, user.join("demo.wasm"));
    let registry = Registry::discover(options.clone());
    assert_eq!(registry.find("demo-lts").unwrap().origin(), Origin::User);

    // Replaced by a working plugin, but not by `install`.
    fs::write(&installed.path, GuestBuilder { aliases: vec![], ..GuestBuilder::default() }.build()).unwrap();
    let registry = Registry::discover(options.clone());
    assert!(registry.find("demo").is_none());
    assert!(matches!(registry.entries()[0].error().unwrap().kind, LoadErrorKind::ChecksumMismatch { .. }));

    fs::write(user.join("demo.json"), "{").unwrap();
    let registry = Registry::discover(options.clone());
    assert!(matches!(registry.entries()[0].error().unwrap().kind, LoadErrorKind::InvalidRecord { .. }));
    fs::remove_file(user.join("demo.json")).unwrap();
    let registry = Registry::discover(options.clone());
    assert!(matches!(registry.entries()[0].error().unwrap().kind, LoadErrorKind::NoInstallRecord));

    install(&InstallRequest::of_file(&file), &options).unwrap();
    assert!(Registry::discover(options.clone()).find("demo").is_some());
    assert_eq!(remove("demo", &options).unwrap(), installed.path);
    assert_eq!(fs::read_dir(&user).unwrap().count(), 0, "nothing is left behind");
    for id in ["demo", "../../download/x"] {
        assert!(matches!(remove(id, &options).unwrap_err().kind, LoadErrorKind::NotFound));
    }
}

#[test]
fn what_does_not_work_is_not_installed() {
    let house = PluginFixture::new();
    let file = house.write_file(
        "x.wasm",
        &GuestBuilder { describe: "unreachable".into(), ..GuestBuilder::default() }.build(),
    );
    let user = house.root.path().join("user");
    let options = RuntimeOptions { user_directory: Some(user.clone()), ..house.options() };
    assert!(matches!(
        install(&InstallRequest::of_file(&file), &options).unwrap_err().kind,
        LoadErrorKind::Execution(_)
    ));
    assert!(!user.exists());
    let homeless =
        install(&InstallRequest::of_file(&file), &RuntimeOptions { user_directory: None, ..options })
            .unwrap_err();
    assert!(matches!(homeless.kind, LoadErrorKind::NoDataDir));
}

#[test]
fn embedded_plugins_are_what_is_noted() {
    let house = PluginFixture::new();
    let registry = Registry::discover(RuntimeOptions { embedded: true, ..house.options() });
    for entry in registry.entries() {
        assert!(entry.error().is_none(), "{}", entry.error().unwrap());
        match entry.description().unwrap() {
            PluginDescription::Distribution(noted) => {
                assert_eq!(registry.plugin(entry).unwrap().describe().unwrap(), *noted);
            }
            PluginDescription::HookRunner(noted) => {
                assert_eq!(registry.runner(entry).unwrap().describe().unwrap(), *noted);
            }
        }
        assert_eq!(entry.interface(), Some(opkg_runtime::INTERFACE_VERSION));
    }
}

#[test]
fn an_inspection_tells_everything() {
    let house = PluginFixture::new();
    let path = house.write_file("x.wasm", &GuestBuilder::default().build());
    let Inspection { size, sha256, imports, .. } = inspect(&path, &house.options()).unwrap();
    assert_eq!((size, sha256.len()), (fs::metadata(&path).unwrap().len(), 64));
    assert!(imports.contains(&"opkg:plugin/log@1.0.0".to_owned()), "{imports:?}");
    let seen = inspect(&path, &house.options()).unwrap();
    assert_eq!((seen.world, seen.interface.as_deref()), (Some("distribution"), Some("1.0.0")));
    assert_eq!(
        seen.exports,
        ["opkg:plugin/packaging@1.0.0", "opkg:plugin/containers@1.0.0", "opkg:plugin/package-manager@1.0.0"]
    );
    assert_eq!(seen.description.unwrap().id(), "demo");
    assert_eq!((seen.problem, seen.wasi), (None, vec![]));

    let path = house.write_file("y.wasm", &wat::parse_str("(component)").unwrap());
    let seen = inspect(&path, &house.options()).unwrap();
    assert_eq!((seen.world, seen.description), (None, None));
    assert!(seen.problem.unwrap().contains("neither a distribution plugin nor a hook"));
}
