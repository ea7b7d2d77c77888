//! What the component between the engine and a script costs: a hook through `hook-script`, whose host does nothing,
//! held against starting the program `true`, which a hook costs at least.
//! `cargo bench -p opkg-opm --bench hook` runs it.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::process::Command;
use std::time::{Duration, Instant};

use opkg_runtime::hook::{
    Call, FileError, HostFunctions, PartOutcome, ProgramResult, Request, Root, SpawnError, Target, TargetKind,
};
use opkg_runtime::{LogLevel, Registry, RuntimeOptions};

const ITERATIONS: usize = 500;

fn main() {
    let registry = Registry::discover(RuntimeOptions { embedded: true, ..RuntimeOptions::default() });
    let (entry, _) = registry.runners().find(|(_, it)| it.id == "hook-script").unwrap();
    let began = Instant::now();
    let runner = registry.runner(entry).unwrap();
    let loaded = began.elapsed();
    let call = call();
    let component = median_duration(|| {
        assert!(runner.run(&call, Duration::from_secs(60), &mut NullHost).unwrap().is_ok())
    });
    let program = median_duration(|| assert!(Command::new("true").status().unwrap().success()));
    println!("compiling the runner, once for each release: {loaded:?}");
    println!("a hook through the runner: {component:?}; starting `true`: {program:?}");
    println!("ratio {:.2}", component.as_secs_f64() / program.as_secs_f64());
    assert!(component < Duration::from_millis(1), "more than its budget");
}

fn median_duration(mut once: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ITERATIONS)
        .map(|_| {
            let began = Instant::now();
            once();
            began.elapsed()
        })
        .collect();
    times.sort();
    times[ITERATIONS / 2]
}

fn call() -> Call {
    Call {
        opkg: "demo".into(),
        version: "1.0-1".into(),
        name: "api-post-image".into(),
        stage: "post-image".into(),
        run: "1".into(),
        target: Target { kind: TargetKind::Server, name: "head".into() },
        image: Some("compute".into()),
        home: "/usr/lib/oscar/packages/demo".into(),
        candidates: vec!["api-post-image".into()],
        arguments: vec!["/var/lib/images/compute".into(); 2],
        timeout: 60,
        attributes: Vec::new(),
    }
}

/// A host that does nothing.
struct NullHost;

impl HostFunctions for NullHost {
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
        call().target
    }

    fn read_file(&mut self, _: Root, _: &str) -> Result<Vec<u8>, FileError> {
        Err(FileError::NotFound)
    }

    fn write_file(&mut self, _: Root, _: &str, _: &[u8], _: u32) -> Result<(), FileError> {
        Ok(())
    }

    fn remove_file(&mut self, _: Root, _: &str) -> Result<(), FileError> {
        Ok(())
    }

    fn list_directory(&mut self, _: Root, _: &str) -> Result<Vec<String>, FileError> {
        Ok(Vec::new())
    }

    fn run_program(&mut self, _: &Request) -> Result<ProgramResult, SpawnError> {
        Ok(ProgramResult {
            how: "ended with exit status 0".into(),
            exit_code: Some(0),
            signal: None,
            timed_out: false,
            last_lines: Vec::new(),
            stdout: Vec::new(),
            stderr: Vec::new(),
            cut: false,
        })
    }

    fn begin_part(&mut self, _: &str, _: &str) {}

    fn end_part(&mut self, _: &PartOutcome) {}
}
