//! Plugins as the program finds them, and what it does without its cache.

use std::process::Command;

use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::{file_tree, process, scratch};

use crate::builds;

#[test]
fn a_file_that_is_no_plugin_is_named_and_stops_nothing_else() {
    let directory = scratch::create_directory("plugins");
    let files = [
        ("text.wasm", b"no component".to_vec()),
        ("empty.wasm", Vec::new()),
        ("module.wasm", b"\0asm\x01\0\0\0".to_vec()),
        ("component.wasm", b"\0asm\x0d\0\x01\0".to_vec()),
        ("zeros.wasm", vec![0; 1 << 20]),
    ];
    let example = builds::example_directories().remove(0);
    for (name, bytes) in files {
        let file = directory.join(name);
        fs_err::write(&file, bytes).unwrap();
        let path = file.to_str().unwrap();
        for arguments in [
            vec!["plugin", "inspect", path],
            vec!["--plugin", path, "--dist", "rhel", "--source", "-o", "out", example.to_str().unwrap()],
        ] {
            let ended = OpkgcEnvironment::new().run(&arguments);
            assert!(matches!(ended.code, Some(1 | 2)), "{arguments:?}: {}", ended.combined_output());
            let said = ended.combined_output();
            assert!(said.contains(name) || said.contains("problem"), "{arguments:?}: {said}");
            assert!(!ended.stderr.contains("panicked"), "{arguments:?}: {}", ended.combined_output());
        }
        // One that nobody asked for is in the list, and no hindrance.
        let opkgc = OpkgcEnvironment::new();
        let mut list = opkgc.command(["plugin", "list"]);
        assert!(process::run(list.env("OPKG_PLUGIN_PATH", &directory)).combined_output().contains(name));
        let mut build = opkgc.command(["--dist", "rhel", "--source", "-o", "out"]);
        process::run_successfully(build.arg(&example).env("OPKG_PLUGIN_PATH", &directory));
        fs_err::remove_file(file).unwrap();
    }
}

#[test]
fn a_cache_that_cannot_be_used_is_no_hindrance() {
    let opkgc = OpkgcEnvironment::new();
    let file = opkgc.home().join("file");
    fs_err::write(&file, "no directory").unwrap();
    let example = builds::example_directories().remove(0);
    let mut outputs = Vec::new();
    for cache in [file.as_path(), "/proc/nowhere".as_ref(), "".as_ref(), "relative".as_ref()] {
        let mut command = opkgc.command(["--dist", "rhel", "--source", "-o", "out"]);
        command.arg(&example).env("XDG_CACHE_HOME", cache);
        process::run_successfully(&mut command);
        outputs.push(file_tree::read_tree(&opkgc.home().join("out")));
        assert_eq!(outputs.first(), outputs.last());
    }
}

/// A plugin from outside, from its crate to its first package.
#[test]
fn a_plugin_has_nothing_run_that_was_not_granted() {
    let opkgc = OpkgcEnvironment::new();
    // A copy, with the SDK that the program writes into it: always in the same place, so that the compiler keeps one result.
    let source = opkg_tests::opkgc::workspace().join("examples/plugins/arch");
    let crate_directory = scratch::target_directory().join("arch-example");
    if crate_directory.exists() {
        fs_err::remove_dir_all(&crate_directory).unwrap();
    }
    process::run_successfully(Command::new("cp").arg("-r").arg(source).arg(&crate_directory));
    let sdk = crate_directory.join("sdk");
    if sdk.exists() {
        fs_err::remove_dir_all(&sdk).unwrap();
    }
    opkgc.run_successfully(["plugin", "sdk", sdk.to_str().unwrap()]);
    let file = opkgc.home().join("arch.wasm");
    let path = file.to_str().unwrap();
    let mut build = opkgc.command(["plugin", "build", crate_directory.to_str().unwrap(), "-o", path]);
    // The toolchain is that of whoever runs the tests.
    for name in ["HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
        build.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    let built = process::run(build.env("CARGO_TARGET_DIR", scratch::target_directory()));
    if built.code != Some(0) && built.stderr.contains("wasm32") {
        return opkg_tests::tools::skip(&format!("no plugin can be built here: {}", built.combined_output()));
    }
    assert_eq!(built.code, Some(0), "{}", built.combined_output());
    // It holds what has to hold for any distribution, and what its examples expect.
    let examples = crate_directory.join("tests");
    let tried = opkgc.run(["plugin", "test", "--quick", path, "--examples", examples.to_str().unwrap()]);
    assert_eq!(tried.code, Some(0), "{}", tried.combined_output());
    let example = builds::example_directories().remove(0);
    let build = || {
        let words = ["--dist", "arch", "--builder", "native", "-o", "out", example.to_str().unwrap()];
        opkgc.run(words).combined_output()
    };
    let inspected = opkgc.run(["plugin", "inspect", path]).stdout;
    assert!(
        inspected.contains("may run     pacman (not granted)\n            makepkg (not granted)"),
        "{inspected}"
    );
    let installed = opkgc.run(["plugin", "install", path]);
    assert!(
        installed.stderr.contains("`opkgc plugin grant arch` allows it"),
        "{}",
        installed.combined_output()
    );
    let said = build();
    assert!(said.contains("may not run `makepkg`: `opkgc plugin grant arch makepkg` allows it"), "{said}");
    for (words, expected) in [
        (["plugin", "grant", "arch", "sh"], "has no `sh` run"),
        (["plugin", "grant", "rhel", "rpmbuild"], "is built in"),
        (["plugin", "grant", "no-such", "sh"], "there is no distribution plugin"),
    ] {
        let ended = opkgc.run(words);
        assert!(ended.code == Some(2) && ended.stderr.contains(expected), "{}", ended.combined_output());
    }
    opkgc.run_successfully(["plugin", "grant", "arch", "makepkg"]);
    // Whether it can is another question.
    let said = build();
    assert!(!said.contains("may not run"), "{said}");
    let inspected = opkgc.run(["plugin", "inspect", path]).stdout;
    assert!(inspected.contains("pacman (not granted)\n            makepkg\n"), "{inspected}");
}
