//! Components that were made for versions of the interface which came before this one: they do what they always did.

use std::path::PathBuf;
use std::time::Duration;

use opkg_interface::PackageSettings;
use opkg_interface::artefacts::Output;
use opkg_runtime::hook::{
    Call, FileError, HostFunctions, Outcome, PartOutcome, Program, ProgramResult, Request, Root, SpawnError,
    Target, TargetKind,
};
use opkg_runtime::{LogLevel, Registry};

use crate::guest::{PluginFixture, opkg};

fn released(version: &str, name: &str) -> PathBuf {
    let path = format!("{}/tests/released/{version}/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
    PathBuf::from(path)
}

#[test]
fn distribution_plugins_of_every_version_make_the_same() {
    let house = PluginFixture::new();
    for (name, target) in [("rhel", "rhel-9-x86_64"), ("debian", "debian-12-amd64")] {
        let old = Registry::discover(house.options_with_file(&released("0.1.0", name)));
        let entry = &old.entries()[0];
        assert_eq!(entry.interface(), Some("0.1.0"), "{:?}", entry.error());
        let new = Registry::discover(house.options_with_file(&released("1.0.0", name)));
        assert_eq!(new.entries()[0].interface(), Some("1.0.0"));
        let make = |registry: &Registry| -> Output {
            let target = registry.parse_target(target).unwrap();
            let plugin = registry.load(&target).unwrap();
            let made = plugin.generate(&opkg(), &target, &PackageSettings::default());
            made.unwrap().output
        };
        let (made, mut expected) = (make(&old), make(&new));
        // It had no word for it.
        expected.packages.iter_mut().for_each(|package| package.part = None);
        assert_eq!(made, expected);
        let plugin = old.plugin(entry).unwrap();
        assert!(!plugin.programs().unwrap().is_empty());
        assert_eq!(plugin.explain("all is well\n", true).unwrap(), []);
    }
}

/// A host that runs whatever it is told to, and remembers it.
#[derive(Default)]
struct Host {
    requests: Vec<Request>,
}

impl HostFunctions for Host {
    fn write_log(&mut self, _: LogLevel, _: &str) {}

    fn form_values(&mut self) -> Vec<(String, Vec<String>)> {
        Vec::new()
    }

    fn client_names(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn image_names(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn target(&mut self) -> Target {
        Target { kind: TargetKind::Server, name: "head".into() }
    }

    fn read_file(&mut self, _: Root, _: &str) -> Result<Vec<u8>, FileError> {
        Err(FileError::NotFound)
    }

    fn write_file(&mut self, _: Root, _: &str, _: &[u8], _: u32) -> Result<(), FileError> {
        Err(FileError::NotGranted)
    }

    fn remove_file(&mut self, _: Root, _: &str) -> Result<(), FileError> {
        Err(FileError::NotGranted)
    }

    fn list_directory(&mut self, _: Root, _: &str) -> Result<Vec<String>, FileError> {
        Err(FileError::NotFound)
    }

    fn run_program(&mut self, request: &Request) -> Result<ProgramResult, SpawnError> {
        self.requests.push(request.clone());
        Ok(ProgramResult {
            how: "ended with exit status 3".into(),
            exit_code: Some(3),
            signal: None,
            timed_out: false,
            last_lines: vec!["there is no node".into()],
            stdout: Vec::new(),
            stderr: Vec::new(),
            cut: false,
        })
    }

    fn begin_part(&mut self, _: &str, _: &str) {}

    fn end_part(&mut self, _: &PartOutcome) {}
}

#[test]
fn a_hook_runner_of_0_1_runs_hooks() {
    let house = PluginFixture::new();
    let registry = Registry::discover(house.options_with_file(&released("0.1.0", "hook-script")));
    let entry = &registry.entries()[0];
    assert_eq!(entry.interface(), Some("0.1.0"), "{:?}", entry.error());
    let runner = registry.runner(entry).unwrap();
    assert!(runner.description().accepts("x", b"#!/bin/sh"), "{:?}", runner.description());
    let call = Call {
        opkg: "demo".into(),
        version: "1-1".into(),
        name: "api-post-install".into(),
        stage: "installed".into(),
        run: "1".into(),
        target: Target { kind: TargetKind::Server, name: "head".into() },
        image: None,
        home: "/usr/lib/oscar/packages/demo".into(),
        candidates: vec!["scripts/api-post-install".into()],
        arguments: vec!["a b".into()],
        timeout: 60,
        attributes: Vec::new(),
    };
    let mut host = Host::default();
    let answer = runner.run(&call, Duration::from_secs(60), &mut host).unwrap();
    let failure = answer.map(|outcome| matches!(outcome, Outcome::Done)).unwrap_err();
    assert_eq!(failure.exit_code, Some(3));
    assert!(failure.message.contains("exit status 3"), "{failure:?}");
    assert_eq!(host.requests.len(), 1);
    let request = &host.requests[0];
    assert!(matches!(&request.program, Program::File(path) if path == "scripts/api-post-install"));
    assert_eq!(request.arguments, ["a b"]);
}
