//! Plugins as the program finds them, and what it does without its cache.

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
