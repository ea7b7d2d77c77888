//! A cluster in which everything happens at once.

use std::fs;
use std::path::Path;

use Stage::{Finished, InstallBinPkgs, PostImage, RunConfigurator, ShouldBeInstalled, ShouldNotBeInstalled};
use opkg_oda::{
    Change, Class, Ending, Event, EventId, Failure, Key, Options, Package, PackageId, Phase, Row, Run, RunId,
    Stage, State, Step, Store, Target, TargetId, Verdict,
};

/// The time, in milliseconds since 1970.
pub const NOW: i64 = 1_767_323_045_000;

/// Text that would do harm in a page that did not escape it.
pub const HOSTILE: &str = "<script>alert(1)</script> & \"quotes' <img src=x onerror=alert(2)>";

/// Makes the database, and the logs that it names.
pub fn make(database: &Path, logs: &Path) {
    let mut store = Options { anywhere: true, ..Options::default() }.create(database).unwrap();
    let mut changes = vec![Change::Phase(Phase::BuildImage)];
    let nodes = (1..=96).map(|it| format!("client:oscarnode{it:02}"));
    let others = ["server:head", "image:compute", "image:login"].map(str::to_owned);
    for (id, address) in (1..).zip(others.into_iter().chain(nodes)) {
        let root = match address.split(':').next() {
            Some("server") => Some(logs.with_file_name("head")),
            Some("image") => Some("/images".into()),
            _ => None,
        };
        changes.push(Change::Target(Target {
            id: TargetId(id),
            address: address.parse().unwrap(),
            root,
            image: None,
        }));
    }
    for (id, name) in (1..).zip(["munge", "ganglia", "slurm", "maui", "sis"]) {
        changes.push(Change::Package(Package {
            id: PackageId(id),
            name: name.parse().unwrap(),
            class: if name == "sis" { Class::Core } else { Class::Base },
            version: (name != "maui").then(|| "1.0-1".into()),
            needs: if name == "maui" { vec![PackageId(3)] } else { Vec::new() },
            awaits: (name == "ganglia").then(|| format!("cluster_name {HOSTILE}")),
        }));
    }
    for client in 4..=99 {
        let (package, client) = (PackageId(1), TargetId(client));
        changes.push(Change::Assign { package, client, handed_over: Some(1) });
        set(&mut changes, client.0, 1, row(Finished, Finished));
        set(&mut changes, client.0, 5, row(Finished, PostImage));
    }
    for client in [6, 10, 11, 12] {
        let text = "opkg-munge-client is not there after its installation";
        set(&mut changes, client, 1, failed(InstallBinPkgs, RunConfigurator, text));
    }
    set(&mut changes, 13, 1, failed(InstallBinPkgs, RunConfigurator, &format!("{HOSTILE}\nsecond line")));
    set(&mut changes, 1, 1, row(Finished, PostImage));
    set(&mut changes, 1, 2, row(Finished, ShouldBeInstalled));
    set(
        &mut changes,
        1,
        3,
        failed(RunConfigurator, ShouldBeInstalled, "api-pre-configure ended with status 3"),
    );
    set(&mut changes, 1, 4, row(Finished, ShouldBeInstalled));
    set(&mut changes, 1, 5, Row { state: State::Running, attempts: 1, ..row(Finished, RunConfigurator) });
    set(&mut changes, 2, 1, row(ShouldNotBeInstalled, Finished));
    set(&mut changes, 2, 2, row(ShouldNotBeInstalled, ShouldNotBeInstalled));
    set(&mut changes, 3, 1, row(Finished, Finished));
    set(&mut changes, 2, 5, row(InstallBinPkgs, InstallBinPkgs));
    store.commit(&changes).unwrap();
    forms(&logs.with_file_name("head"));
    journal(&mut store, logs);
}

/// What the packages on the head node ask.
fn forms(head: &Path) {
    let write = |package: &str, file: &str, html: &str| {
        let home = head.join("usr/lib/oscar/packages").join(package);
        fs::create_dir_all(&home).unwrap();
        fs::write(home.join(file), html).unwrap();
    };
    write("slurm", "configurator.html", EVERYTHING);
    write(
        "munge",
        "configurator_image.html",
        "<form>Key of @IMAGENAME@: <input name=key value=@IMAGENAME@></form>",
    );
    write("sis", "configurator.html", "<form><input name='no name'></form>");
}

/// A form with one of each.
pub const EVERYTHING: &str = r#"<title>Slurm &lt;script>alert(1)&lt;/script></title>
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

fn set(changes: &mut Vec<Change>, target: i64, package: i64, row: Row) {
    let key = Key { target: TargetId(target), package: PackageId(package) };
    changes.push(Change::Request { key, stage: row.requested, at: NOW / 1000 });
    changes.push(Change::Progress(key, row));
}

fn row(requested: Stage, current: Stage) -> Row {
    Row { current, ..Row::new(requested, NOW / 1000) }
}

fn failed(stage: Stage, current: Stage, message: &str) -> Row {
    let failure = Some(Box::new(Failure { stage, message: message.into() }));
    Row { state: State::Error, failure, attempts: 1, ..row(Finished, current) }
}

/// Two runs; the second one works still.
fn journal(store: &mut dyn Store, logs: &Path) {
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
    let run = store.start_run(&a_run(0)).unwrap();
    let mut events = vec![
        event(run, 1, 1, 3, Step::Hook, "api-pre-configure", Verdict::Failed, log("0001-hook.log", &printed)),
        event(
            run,
            2,
            6,
            1,
            Step::Install,
            "install",
            Verdict::Failed,
            Some(outside.to_str().unwrap().into()),
        ),
        event(run, 3, 10, 1, Step::Install, "install", Verdict::Failed, link),
        event(run, 4, 1, 1, Step::Hook, "api-post-image compute", Verdict::Done, log("0004-hook.log", "")),
    ];
    if let Some(ending) = &mut events[1].ending {
        (ending.exit_code, ending.signal) = (None, Some(9));
    }
    store.commit(&events.into_iter().map(|it| Change::Event(Box::new(it))).collect::<Vec<_>>()).unwrap();
    store.commit(&[Change::RunEnded { run, ended: NOW + 9_000, verdict: Verdict::Failed }]).unwrap();
    let run = store.start_run(&a_run(60_000)).unwrap();
    let mut works = event(run, 1, 1, 5, Step::Configure, "configurator", Verdict::Done, None);
    works.ending = None;
    store.commit(&[Change::Event(Box::new(works))]).unwrap();
}

fn a_run(later: i64) -> Run {
    Run {
        id: RunId(0),
        started: NOW + later,
        ended: None,
        verdict: None,
        host: "head".into(),
        process: 4711,
        command: "opm run --package <b>".into(),
    }
}

#[allow(clippy::too_many_arguments)]
fn event(
    run: RunId,
    number: u32,
    target: i64,
    package: i64,
    step: Step,
    name: &str,
    verdict: Verdict,
    log: Option<String>,
) -> Event {
    Event {
        id: EventId { run, number },
        started: NOW + i64::from(number) * 1000,
        target: TargetId(target),
        packages: vec![PackageId(package)],
        stage: InstallBinPkgs,
        step,
        name: name.into(),
        ending: Some(Ending {
            ended: NOW + i64::from(number) * 1000 + 500,
            verdict,
            message: (verdict == Verdict::Failed).then(|| format!("it failed: {HOSTILE}")),
            exit_code: Some(if verdict == Verdict::Done { 0 } else { 3 }),
            signal: None,
            timed_out: false,
            log,
            tail: format!("{HOSTILE}\nlast line"),
        }),
    }
}
