//! A cluster in a directory: a head node, images and clients as roots with a fake package manager of shell scripts, for what is about the engine and takes hundreds of runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fs_err as fs;
use opkg_tests::postgres::ServerDatabase;
use opkg_tests::roots::fake;
pub use opkg_tests::roots::fake::write_executable;
use opkg_tests::{opm, process, scratch, tools};

/// Tells when it begins and ends, and whether another one of its name is still at work.
const LOGGING_HOOK: &str = r#"#!/bin/sh
name=${0##*/}
exec 9> "/hooks/$name.lock"
flock --nonblock 9 || echo "$name" >> /hooks/overlap
echo "begin $name $*" >> /hooks/log
sleep 0.02
echo "end $name" >> /hooks/log
"#;

/// A head node, images and clients, with a package that has every hook, requested up to the last stage.
pub struct ClusterFixture(pub PathBuf, Option<ServerDatabase>);

impl ClusterFixture {
    pub fn new() -> Self {
        Self::with_targets(&["image:compute", "client:node1"])
    }

    /// Likewise, with its database on the server of the tests.
    pub fn on_server() -> Self {
        Self::create(&["image:compute", "client:node1"], Some(ServerDatabase::new()))
    }

    /// A head node and these targets.
    pub fn with_targets(targets: &[&str]) -> Self {
        Self::create(targets, None)
    }

    fn create(targets: &[&str], server: Option<ServerDatabase>) -> Self {
        let site = Self(scratch::create_directory("site"), server);
        let name_of = |target: &str| target.split_once(':').unwrap().1.to_owned();
        fake::create(&site.0.join("head"));
        for target in targets {
            fake::create(&site.0.join(name_of(target)));
        }
        fs::create_dir(site.0.join("settings")).unwrap();
        let log = format!("log_directory = \"{}\"\n[limits]\ngrace = \"1s\"\n", site.0.join("log").display());
        fs::write(site.0.join("settings/opm.toml"), log).unwrap();
        let home = site.0.join("head/usr/lib/oscar/packages/demo");
        fs::create_dir_all(&home).unwrap();
        for hook in [
            "api-pre-configure",
            "api-post-configure",
            "api-post-image",
            "api-post-clientdef",
            "api-post-deploy",
        ] {
            write_executable(&home.join(hook), LOGGING_HOOK);
        }
        let root = |name: &str| site.0.join(name).display().to_string();
        site.opm(&["init", "--name", "head", "--root", &root("head")]);
        for target in targets {
            site.opm(&["target", "add", target, "--root", &root(&name_of(target))]);
        }
        site.opm(&["phase", "set", "test_install"]);
        site.opm(&["request", "--new", "demo"]);
        site
    }

    /// The program, on this site.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = opm::command();
        command.args(arguments);
        match &self.1 {
            None => command.env("OPM_DATABASE", self.0.join("oda.db")),
            Some(server) => command.env("OPM_DATABASE", server.address()),
        };
        command.env("OPM_CONF", self.0.join("opm.conf"));
        command.env("OPM_SETTINGS", self.0.join("settings"));
        command.stdin(Stdio::null());
        command
    }

    pub fn opm(&self, arguments: &[&str]) -> String {
        process::run_successfully(&mut self.command(arguments))
    }

    /// Runs to the end, and dies at the point on the way if it is reached. The answer is whether it died.
    pub fn run_with_crash_at(&self, point: &str) -> bool {
        let mut command = self.command(&["run", "--quiet"]);
        let ended = process::run(command.env("OPM_CRASH_AT", point));
        assert!(matches!(ended.code, None | Some(0)), "{point}: {}", ended.combined_output());
        ended.code.is_none()
    }

    /// The points that a run passes, in their order.
    pub fn trace_crash_points(&self) -> Vec<String> {
        let file = self.0.join("trace");
        process::run_successfully(self.command(&["run", "--quiet"]).env("OPM_CRASH_TRACE", &file));
        let text = fs::read_to_string(&file).unwrap();
        fs::remove_file(file).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Everything that must be the same whatever happened on the way.
    pub fn outcome(&self) -> ClusterOutcome {
        self.outcome_of(&|arguments| self.command(arguments))
    }

    /// The same, as the given program tells it.
    pub fn outcome_of(&self, command: &dyn Fn(&[&str]) -> Command) -> ClusterOutcome {
        let opm = |arguments: &[&str]| process::run_successfully(&mut command(arguments));
        // It says by its exit status whether something is in error.
        let status = process::run(&mut command(&["status", "--format", "json"])).stdout;
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        let log = self.0.join("head/hooks/log");
        let hooks = fs::read_to_string(log).unwrap_or_default();
        let ended = hooks.lines().filter(|it| it.starts_with("end")).map(str::to_owned).collect();
        let names = |directory: &Path| -> BTreeSet<String> {
            let entries = fs::read_dir(directory).unwrap();
            entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
        };
        let roots = names(&self.0).into_iter().filter(|name| self.0.join(name).join("db").is_dir());
        let installed = roots.map(|root| (root.clone(), names(&self.0.join(root).join("db")))).collect();
        ClusterOutcome {
            export: opm(&["export"]),
            rows: timeless_values(&status),
            journal: journal(&opm(&["log", "--limit", "1000", "--format", "json"])),
            ended,
            installed,
        }
    }

    pub fn overlapping_hooks(&self) -> Option<String> {
        fs::read_to_string(self.0.join("head/hooks/overlap")).ok()
    }
}

impl Drop for ClusterFixture {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub struct ClusterOutcome {
    pub export: String,
    pub rows: Vec<String>,
    /// The steps that succeeded, in their order.
    pub journal: Vec<String>,
    /// The hooks that came to their end, however often.
    pub ended: BTreeSet<String>,
    /// What is installed in each root.
    pub installed: BTreeMap<String, BTreeSet<String>>,
}

/// Of each step what it did, and nothing of when and how often it was tried.
fn journal(events: &str) -> Vec<String> {
    let events: serde_json::Value = serde_json::from_str(events).unwrap();
    let done = events.as_array().unwrap().iter().rev().filter(|it| it["verdict"] == "done");
    done.map(|it| {
        format!("{} {} {} {} {}", it["target"], it["packages"], it["stage"], it["step"], it["name"])
    })
    .collect()
}

/// Of the status, what is no time and no count: strings only, in their order.
fn timeless_values(status: &serde_json::Value) -> Vec<String> {
    match status {
        serde_json::Value::Object(fields) => {
            let timeless = fields
                .iter()
                .filter(|(name, _)| !["changed", "run", "log", "attempts"].contains(&name.as_str()));
            timeless
                .flat_map(|(name, value)| {
                    timeless_values(value).into_iter().map(move |it| format!("{name}.{it}"))
                })
                .collect()
        }
        serde_json::Value::Array(values) => values.iter().flat_map(timeless_values).collect(),
        other => vec![other.to_string()],
    }
}

pub fn is_supported() -> bool {
    tools::is_root() && tools::all_installed(&["busybox"])
}
