//! The database of a cluster with packages in every state, and the logs and forms that belong to it.

use std::fs;
use std::path::Path;

use Stage::{Finished, InstallBinPkgs, PostImage, RunConfigurator, ShouldBeInstalled, ShouldNotBeInstalled};
use opkg_oda::{
    Change, Event, EventId, Package, PackageClass, PackageId, PackageState, Phase, Run, RunId, RunStatus,
    Stage, StageFailure, StateKey, StepKind, StepResult, Store, Target, TargetId, WorkState,
};
use opkg_opm::{GroupDefinitions, GroupFiles, GroupSettings, SourcePath};
use opkg_sqlite::OpenOptions;

/// Milliseconds since 1970, UTC.
pub const NOW: i64 = 1_767_323_045_000;

/// Text that would do harm in a page that did not escape it.
pub const HOSTILE: &str = "<script>alert(1)</script> & \"quotes' <img src=x onerror=alert(2)>";

/// A rack, and a group that is not what it should be; nothing of the machine that the test runs on.
pub fn groups() -> GroupSettings {
    let definitions = [("rack1", "oscarnode[01-32]"), ("broken", "@broken")];
    let definitions = definitions.map(|(name, members)| (name.to_owned(), vec![members.to_owned()]));
    let off = || SourcePath::Off;
    GroupSettings {
        path: "/etc/opm/opm.toml".into(),
        definitions: GroupDefinitions(definitions.into()),
        files: GroupFiles { clustershell: off(), genders: off(), slurm: off(), topology: off() },
    }
}

/// Makes the database, and the logs that it names.
pub fn create_database(database: &Path, logs: &Path) {
    let mut store =
        OpenOptions { allow_network_fs: true, ..OpenOptions::default() }.create(database).unwrap();
    let mut changes = vec![Change::SetPhase(Phase::BuildImage)];
    let nodes = (1..=96).map(|number| format!("client:oscarnode{number:02}"));
    let others = ["server:head", "image:compute", "image:login"].map(str::to_owned);
    for (id, address) in (1..).zip(others.into_iter().chain(nodes)) {
        let root = match address.split(':').next() {
            Some("server") => Some(logs.with_file_name("head")),
            Some("image") => Some("/images".into()),
            _ => None,
        };
        changes.push(Change::PutTarget(Target {
            id: TargetId(id),
            address: address.parse().unwrap(),
            root,
            image: None,
        }));
    }
    for (id, name) in (1..).zip(["munge", "ganglia", "slurm", "maui", "sis"]) {
        changes.push(Change::PutPackage(Package {
            id: PackageId(id),
            name: name.parse().unwrap(),
            class: if name == "sis" { PackageClass::Core } else { PackageClass::Base },
            version: (name != "maui").then(|| "1.0-1".into()),
            dependencies: if name == "maui" { vec![PackageId(3)] } else { Vec::new() },
            waiting_for: (name == "ganglia").then(|| format!("cluster_name {HOSTILE}")),
        }));
    }
    for client in 4..=99 {
        let (package, client) = (PackageId(1), TargetId(client));
        changes.push(Change::Assign { package, client, handed_over_at: Some(1) });
        push_state(&mut changes, client.0, 1, package_state(Finished, Finished));
        push_state(&mut changes, client.0, 5, package_state(Finished, PostImage));
    }
    for client in [6, 10, 11, 12] {
        let text = "opkg-munge-client is not there after its installation";
        push_state(&mut changes, client, 1, failed_state(InstallBinPkgs, RunConfigurator, text));
    }
    push_state(
        &mut changes,
        13,
        1,
        failed_state(InstallBinPkgs, RunConfigurator, &format!("{HOSTILE}\nsecond line")),
    );
    push_state(&mut changes, 1, 1, package_state(Finished, PostImage));
    push_state(&mut changes, 1, 2, package_state(Finished, ShouldBeInstalled));
    push_state(
        &mut changes,
        1,
        3,
        failed_state(RunConfigurator, ShouldBeInstalled, "api-pre-configure ended with status 3"),
    );
    push_state(&mut changes, 1, 4, package_state(Finished, ShouldBeInstalled));
    push_state(
        &mut changes,
        1,
        5,
        PackageState {
            work_state: WorkState::Running,
            attempts: 1,
            ..package_state(Finished, RunConfigurator)
        },
    );
    push_state(&mut changes, 2, 1, package_state(ShouldNotBeInstalled, Finished));
    push_state(&mut changes, 2, 2, package_state(ShouldNotBeInstalled, ShouldNotBeInstalled));
    push_state(&mut changes, 3, 1, package_state(Finished, Finished));
    push_state(&mut changes, 2, 5, package_state(InstallBinPkgs, InstallBinPkgs));
    store.commit(&changes).unwrap();
    write_forms(&logs.with_file_name("head"));
    write_journal(&mut store, logs);
}

/// The forms of the packages on the head node.
fn write_forms(head: &Path) {
    let write = |package: &str, file: &str, html: &str| {
        let home = head.join("usr/lib/oscar/packages").join(package);
        fs::create_dir_all(&home).unwrap();
        fs::write(home.join(file), html).unwrap();
    };
    write("slurm", "configurator.html", ALL_FIELDS_FORM);
    write(
        "munge",
        "configurator_image.html",
        "<form>Key of @IMAGENAME@: <input name=key value=@IMAGENAME@></form>",
    );
    write("sis", "configurator.html", "<form><input name='no name'></form>");
}

/// A form with a field of each kind.
pub const ALL_FIELDS_FORM: &str = r#"<title>Slurm &lt;script>alert(1)&lt;/script></title>
<h2 onclick="x">Where</h2><script>alert(2)</script><p>One line<br>&lt;img src=x onerror=alert(3)></p>
<form action="http://evil.example/">
Server: <input name="server" maxlength="8" required>
<input type="checkbox" name="compute" value="YES" checked>Compute on the head node</input><br>
<input type="checkbox" name="parts" value="a" checked>Part A</input> <input type="checkbox" name="parts" value="b">Part B</input><br>
<input type="radio" name="level" value="1">quiet</input> <input type="radio" name="level" value="2" checked>loud</input><br>
Kind: <select name="kind"><option value="a&quot;>">Kind A<option value="b" selected>Kind B</select><br>
Several: <select name="several" multiple><option selected>x<option>y</select><br>
Text: <textarea name="text" required>

&lt;/textarea>two</textarea><br>
Password: <input type="password" name="word" value="preset"><br>
Fixed: <input name="fixed" value="as it is" readonly><br>
Twice: <input name="twice" value="1"><input name="twice" value="2">
<input type="hidden" name="form" value="hidden"><input type="submit" onclick="alert(4)">
</form>"#;

fn push_state(changes: &mut Vec<Change>, target: i64, package: i64, row: PackageState) {
    let key = StateKey { target: TargetId(target), package: PackageId(package) };
    changes.push(Change::Request { key, stage: row.requested, requested_at: NOW / 1000 });
    changes.push(Change::UpdateState(key, row));
}

fn package_state(requested: Stage, current: Stage) -> PackageState {
    PackageState { current, ..PackageState::new(requested, NOW / 1000) }
}

fn failed_state(stage: Stage, current: Stage, message: &str) -> PackageState {
    let failure = Some(Box::new(StageFailure { stage, message: message.into() }));
    PackageState { work_state: WorkState::Failed, failure, attempts: 1, ..package_state(Finished, current) }
}

/// Two runs, the second of which is still running.
fn write_journal(store: &mut dyn Store, logs: &Path) {
    fs::create_dir_all(logs.join("run-000001")).unwrap();
    let log = |name: &str, text: &str| {
        let path = logs.join("run-000001").join(name);
        fs::write(&path, text).unwrap();
        Some(path.to_str().unwrap().to_owned())
    };
    let outside = logs.parent().unwrap().join("secret");
    fs::write(&outside, "the secret").unwrap();
    std::os::unix::fs::symlink(&outside, logs.join("run-000001/link.log")).unwrap();
    let printed = format!("$ api-pre-configure\n\u{1b}[31mred\u{1b}[0m {HOSTILE}\nlast line\n");
    let link = Some(logs.join("run-000001/link.log").to_str().unwrap().to_owned());
    let run = store.start_run(&sample_run(0)).unwrap();
    let mut events = vec![
        sample_event(
            run,
            1,
            1,
            3,
            StepKind::Hook,
            "api-pre-configure",
            RunStatus::Failed,
            log("0001-hook.log", &printed),
        ),
        sample_event(
            run,
            2,
            6,
            1,
            StepKind::Install,
            "install",
            RunStatus::Failed,
            Some(outside.to_str().unwrap().into()),
        ),
        sample_event(run, 3, 10, 1, StepKind::Install, "install", RunStatus::Failed, link),
        sample_event(
            run,
            4,
            1,
            1,
            StepKind::Hook,
            "api-post-image compute",
            RunStatus::Done,
            log("0004-hook.log", ""),
        ),
    ];
    if let Some(result) = &mut events[1].result {
        (result.exit_code, result.signal) = (None, Some(9));
    }
    store
        .commit(&events.into_iter().map(|event| Change::StartEvent(Box::new(event))).collect::<Vec<_>>())
        .unwrap();
    store.commit(&[Change::EndRun { run, ended_at: NOW + 9_000, status: RunStatus::Failed }]).unwrap();
    let run = store.start_run(&sample_run(60_000)).unwrap();
    let mut running = sample_event(run, 1, 1, 5, StepKind::Configure, "configurator", RunStatus::Done, None);
    running.result = None;
    store.commit(&[Change::StartEvent(Box::new(running))]).unwrap();
}

fn sample_run(later: i64) -> Run {
    Run {
        id: RunId(0),
        started_at: NOW + later,
        ended_at: None,
        status: None,
        host: "head".into(),
        pid: 4711,
        process: None,
        command: "opm run --package <b>".into(),
    }
}

#[allow(clippy::too_many_arguments)]
fn sample_event(
    run: RunId,
    number: u32,
    target: i64,
    package: i64,
    step: StepKind,
    name: &str,
    status: RunStatus,
    log: Option<String>,
) -> Event {
    Event {
        id: EventId { run, number },
        started_at: NOW + i64::from(number) * 1000,
        target: TargetId(target),
        packages: vec![PackageId(package)],
        stage: InstallBinPkgs,
        kind: step,
        name: name.into(),
        log_path: None,
        result: Some(StepResult {
            ended_at: NOW + i64::from(number) * 1000 + 500,
            status,
            message: (status == RunStatus::Failed).then(|| format!("it failed: {HOSTILE}")),
            exit_code: Some(if status == RunStatus::Done { 0 } else { 3 }),
            signal: None,
            timed_out: false,
            log_path: log,
            log_tail: format!("{HOSTILE}\nlast line"),
        }),
    }
}
