//! Hooks that are components: what they can do, and all that they cannot.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use opkg_engine::effects::Effects;
use opkg_engine::machine::{Hook, HookStep};
use opkg_oda::{RunId, Stage, StateKey};
use opkg_opm::{Config, System};

use crate::component_builder::{ComponentBuilder, HOME_ROOT, IMAGE_ROOT as IN_IMAGE};
use crate::fixture::{Fixture, IMAGE, OTHER, SERVER, StepReport, failure_reason};

const RUN: RunId = RunId(7);

/// Puts a component into the home of `demo`, as its package does.
fn install_component(fixture: &Fixture, name: &str, component: &[u8]) {
    let path = fixture.server().write_hook(name, "");
    fs::write(&path, component).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
}

/// What comes of a component as `api-post-image`, and what its log says without the first line.
fn run_component(fixture: &Fixture, guest: ComponentBuilder) -> (StepReport, String) {
    install_component(fixture, "api-post-image.wasm", &guest.build());
    let report = run_hook(fixture, &mut fixture.system(), Hook::PostImage);
    let log = fs::read_to_string(report.trace.log.as_ref().unwrap()).unwrap();
    let (first, rest) = log.split_once('\n').unwrap();
    let title = "$ /usr/lib/oscar/packages/demo/api-post-image.wasm (component guest 1.0)";
    assert_eq!(first, title);
    (report, rest.to_owned())
}

fn run_hook(fixture: &Fixture, system: &mut System, hook: Hook) -> StepReport {
    let step = fixture.hook_step(hook);
    assert!(system.has_hook(&fixture.cluster, &step));
    system.run_hook(&fixture.cluster, &step, RUN)
}

#[test]
fn files_of_the_home_and_the_image() {
    let fixture = Fixture::new();
    fs::write(fixture.server().write_hook("data", "").with_file_name("data"), "1").unwrap();
    let guest = ComponentBuilder::default()
        .log_line("at work\u{1b}[31m")
        .write(IN_IMAGE, "etc/demo/demo.conf", "port 1\n", 0o640)
        .write(HOME_ROOT, "state", "x", 0o600)
        .read(HOME_ROOT, "state")
        .read(HOME_ROOT, "missing")
        .entries(IN_IMAGE, "etc/demo")
        .remove(HOME_ROOT, "state");
    let (report, log) = run_component(&fixture, guest);
    assert_eq!(report.outcome, Ok(()));
    insta::assert_snapshot!(log, @r"
    at work [31m
    [write 7 bytes to image: etc/demo/demo.conf]
    [write 1 bytes to home: state]
    [read home: state]
    [read home: missing: not found]
    [list image: etc/demo]
    [remove from home: state]
    [1 files read, 2 files written, 1 files removed, 1 directories listed]
    ");
    assert!(
        report.trace.tail.ends_with("[1 files read, 2 files written, 1 files removed, 1 directories listed]")
    );
    assert_eq!(fixture.root(IMAGE).read("/etc/demo/demo.conf"), "port 1\n");
    let mode = fs::metadata(fixture.root(IMAGE).0.join("etc/demo/demo.conf")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
}

/// The example, with what the configurator wrote and the nodes of the cluster.
#[test]
fn the_example_writes_its_list() {
    let fixture = Fixture::new();
    let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/image-hosts/scripts");
    install_component(
        &fixture,
        "api-post-image.wasm",
        &fs::read(component.join("api-post-image.wasm")).unwrap(),
    );
    install_component(
        &fixture,
        "api-post-clientdef.wasm",
        &fs::read(component.join("api-post-clientdef.wasm")).unwrap(),
    );
    let values = "<config><domain>example.org</domain><roles>login</roles><roles>compute</roles></config>";
    fixture.server().write_hook(".configurator.values", values);
    let mut system = fixture.system();
    for hook in [Hook::PostImage, Hook::PostClientdef] {
        let report = run_hook(&fixture, &mut system, hook);
        assert_eq!(report.outcome, Ok(()), "{report:?}");
        assert!(report.trace.tail.contains("1 nodes are listed"), "{}", report.trace.tail);
    }
    let list = "# roles: login compute\nnode1.example.org\n";
    assert_eq!(fixture.root(IMAGE).read("/etc/image-hosts.conf"), list);
    assert_eq!(fixture.server().read("/usr/lib/oscar/packages/demo/image-hosts.conf"), list);
    // What it cannot make sense of is a failure that it explains.
    fixture.server().write_hook(".configurator.values", "<config><domain>a b</domain></config>");
    let report = run_hook(&fixture, &mut system, Hook::PostImage);
    assert_eq!(failure_reason(&report), "api-post-image.wasm failed: `a b` is no domain");
}

#[test]
fn nothing_leads_out() {
    let fixture = Fixture::new();
    let outside = fixture.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    let home = fixture.server().write_hook("x", "").parent().unwrap().to_owned();
    symlink(&outside, home.join("absolute")).unwrap();
    symlink("../../../../../../outside", home.join("relative")).unwrap();
    symlink(&outside, fixture.root(IMAGE).0.join("srv")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, home.join("fifo"), rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    fs::write(home.join("one"), "").unwrap();
    fs::hard_link(home.join("one"), home.join("two")).unwrap();
    let guest = ComponentBuilder::default()
        .read(HOME_ROOT, "../../../../../etc/passwd")
        .read(HOME_ROOT, "/etc/passwd")
        .read(HOME_ROOT, "absolute/secret")
        .write(HOME_ROOT, "relative/new", "x", 0o644)
        .write(IN_IMAGE, "srv/new", "x", 0o644)
        .remove(IN_IMAGE, "srv/secret")
        .entries(IN_IMAGE, "..")
        .read(HOME_ROOT, &["d"; 70].join("/"))
        .read(HOME_ROOT, "fifo")
        .read(HOME_ROOT, "two")
        .write(HOME_ROOT, "new", "x", 0o4755)
        .write(HOME_ROOT, "new", "x", 0o755)
        .write(HOME_ROOT, "x", "#!/bin/sh\n", 0o644)
        .write_sized(IN_IMAGE, "huge", (16 << 20) + 1);
    let before = (fixture.server().entries(), fixture.root(IMAGE).entries());
    let (report, log) = run_component(&fixture, guest);
    assert_eq!(report.outcome, Ok(()), "the hook may live with it");
    let log = log.replace(&["d"; 70].join("/"), "DEEP");
    insta::assert_snapshot!(log, @r"
    [read home: ../../../../../etc/passwd: refused: the path leads outside the directory]
    [read home: /etc/passwd: refused: the path leads outside the directory]
    [read home: absolute/secret: refused: the path leads outside the directory]
    [write 1 bytes to home: relative/new: refused: the path leads outside the directory]
    [write 1 bytes to image: srv/new: refused: the path leads outside the directory]
    [remove from image: srv/secret: refused: the path leads outside the directory]
    [list image: ..: refused: the path leads outside the directory]
    [read home: DEEP: refused: its path is longer than 4000 bytes or 64 names]
    [read home: fifo: refused: it is no regular file]
    [read home: two: refused: it has another name (a hard link)]
    [write 1 bytes to home: new: refused: no file gets the permissions 4755]
    [write 1 bytes to home: new: refused: what hooks write there cannot be run: leave out the permission to execute]
    [write 10 bytes to home: x: refused: it is a program of the package]
    [write 16777217 bytes to image: huge: refused: it is too large]
    [14 refused]
    ");
    let mut after = (fixture.server().entries(), fixture.root(IMAGE).entries());
    after.0.remove(Path::new("usr/lib/oscar/packages/demo/api-post-image.wasm"));
    assert_eq!(after, before);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

#[test]
fn an_image_is_for_hooks_about_one() {
    let fixture = Fixture::new();
    install_component(
        &fixture,
        "api-post-deploy.wasm",
        &ComponentBuilder::default().write(IN_IMAGE, "x", "x", 0o644).build(),
    );
    let report = run_hook(&fixture, &mut fixture.system(), Hook::PostDeploy);
    let log = fs::read_to_string(report.trace.log.unwrap()).unwrap();
    assert!(log.contains("[write 1 bytes to image: x: not granted: this hook is about no image]"), "{log}");
}

/// Each of these ends by itself, is named, and the engine goes on with the next hook.
#[test]
fn running_wild() {
    let mut fixture = Fixture::new();
    let greedy =
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    let limit = fixture.config.limits.component;
    let mut ended = |guest: ComponentBuilder, limit: Duration| {
        fixture.config.limits.component = limit;
        let (report, _) = run_component(&fixture, guest);
        let step = HookStep {
            key: StateKey { target: SERVER, package: OTHER },
            stage: Stage::PostInstall,
            hook: Hook::PostDeploy,
            image: None,
        };
        fixture.server().write_script("other", "api-post-deploy", "#!/bin/sh\necho next\n");
        fixture.config.limits.component = Duration::from_secs(60);
        assert_eq!(fixture.system().run_hook(&fixture.cluster, &step, RUN).trace.tail, "next");
        format!("{} | timed out: {}", failure_reason(&report), report.trace.timed_out)
    };
    let mut said = vec![
        ended(ComponentBuilder::default().append_body(greedy), limit),
        ended(ComponentBuilder::default().append_body("unreachable"), limit),
        ended(ComponentBuilder::default().panic("panicked at src/lib.rs:7: no node"), limit),
        ended(ComponentBuilder::default().append_body("(drop (i32.load (i32.const -4)))"), limit),
    ];
    let endless = || ComponentBuilder::default().append_body("(loop $forever (br $forever))");
    let limit = Duration::from_millis(700);
    said.push(ended(endless(), limit));
    // Asking for refused things all the time is no way to live longer.
    said.push(ended(ComponentBuilder::default().run("/bin/false", "x").repeat_body(1_000_000_000), limit));
    said.push(ended(ComponentBuilder::default().read(HOME_ROOT, "../x").repeat_body(1_000_000_000), limit));
    insta::assert_snapshot!(said.join("\n"), @r"
    api-post-image.wasm asked for more memory than the 512 MiB that a plugin gets | timed out: false
    api-post-image.wasm gave up inside, and said nothing on standard error | timed out: false
    api-post-image.wasm failed inside: panicked at src/lib.rs:7: no node | timed out: false
    api-post-image.wasm did something forbidden: out of bounds memory access | timed out: false
    api-post-image.wasm ran longer than 0.7 s and was stopped | timed out: true
    api-post-image.wasm ran longer than 0.7 s and was stopped | timed out: true
    api-post-image.wasm ran longer than 0.7 s and was stopped | timed out: true
    ");
}

#[test]
fn too_many_words_are_dropped() {
    let fixture = Fixture::new();
    let (report, log) =
        run_component(&fixture, ComponentBuilder::default().log_line("again and again").repeat_body(20_000));
    assert_eq!(report.outcome, Ok(()));
    assert_eq!(log.lines().filter(|it| *it == "again and again").count(), 9999);
    assert!(log.ends_with("\nwarning: says too much; the rest is dropped\n"), "{}", report.trace.tail);
}

#[test]
fn programs_are_granted_by_name() {
    let mut fixture = Fixture::new();
    fixture.server().write_hook("helper", "#!/bin/sh\necho helper $1 $OPM_STAGE $PWD\n");
    fixture.server().write_hook("late", "#!/bin/sh\nsleep 4\n");
    let guest = || {
        ComponentBuilder::default()
            .run("/usr/bin/env", "-0")
            .run("helper", "a;b")
            .run("../demo/helper", "")
            .run("/usr/lib/oscar/packages/demo/late", "")
    };
    let (report, log) = run_component(&fixture, guest());
    assert_eq!(report.outcome, Ok(()));
    insta::assert_snapshot!(log, @r#"
    [run /usr/bin/env: /usr/bin/env is not granted to demo: to grant it, put `[[grant]]`, package = "demo", programs = ["/usr/bin/env"] into opm.toml]
    [run helper: helper is not granted to demo: to grant it, put `[[grant]]`, package = "demo", programs = ["helper"] into opm.toml]
    [run ../demo/helper: ../demo/helper is not granted to demo: to grant it, put `[[grant]]`, package = "demo", programs = ["../demo/helper"] into opm.toml]
    [run /usr/lib/oscar/packages/demo/late: late is not granted to demo: to grant it, put `[[grant]]`, package = "demo", programs = ["late"] into opm.toml]
    [4 refused]
    "#);
    let granted = r#"
        [[grant]]
        package = "demo"
        hooks = ["api-post-image"]
        programs = ["helper", "late"]
        [[grant]]
        package = "other"
        programs = ["/usr/bin/env"]
        [limits]
        component = "1s"
    "#;
    let settings = fixture.path().join("settings");
    fs::create_dir(&settings).unwrap();
    fs::write(settings.join("opm.toml"), granted).unwrap();
    let granted = Config::load(&settings).unwrap();
    fixture.config.grants = granted.grants;
    // What a program takes is not the time of the component.
    fixture.config.limits.component = Duration::from_secs(3);
    let (report, log) = run_component(&fixture, guest());
    assert_eq!(report.outcome, Ok(()), "{log}");
    let home = "/usr/lib/oscar/packages/demo";
    let helper = format!(" {home}/helper \"a;b\"\nhelper a;b post-install {home}\n");
    assert!(log.contains(&helper), "{log}");
    assert!(log.ends_with("[2 programs run, 2 refused]\n"), "{log}");
}

/// The time of a hook is for all programs that it runs together. Its end decides the outcome, whatever the component
/// makes of it: this one asks for further programs, then says that it is done.
#[test]
fn a_hook_whose_time_is_over_has_failed() {
    let mut fixture = Fixture::new();
    let (first, second) = ("[ ! -e begun ] || exec sleep 100; touch begun", "touch too-late");
    fixture.server().write_hook("first", &format!("#!/bin/sh\ncd /usr/lib/oscar/packages/demo && {first}\n"));
    fixture
        .server()
        .write_hook("second", &format!("#!/bin/sh\ncd /usr/lib/oscar/packages/demo && {second}\n"));
    let settings = fixture.path().join("settings");
    fs::create_dir(&settings).unwrap();
    let granted = "[[grant]]\npackage = \"demo\"\nprograms = [\"first\", \"second\"]\n";
    fs::write(settings.join("opm.toml"), granted).unwrap();
    fixture.config.grants = Config::load(&settings).unwrap().grants;
    fixture.config.limits.hook = Duration::from_secs(3);
    let (report, log) = run_component(
        &fixture,
        ComponentBuilder::default().run("first", "").run("first", "").run("second", ""),
    );
    assert!(report.trace.timed_out, "{report:?}");
    assert_eq!(failure_reason(&report), "api-post-image.wasm timed out after 3 s");
    assert!(log.contains("[run second: the hook's time of 3 s is over]\n"), "{log}");
    assert!(log.contains("[2 programs run, 1 refused]\n"), "{log}");
    let home = fixture.server().write_hook("x", "");
    assert!(!home.with_file_name("too-late").exists(), "nothing begins when the time is over");
}

#[test]
fn what_is_no_hook() {
    let fixture = Fixture::new();
    let mut said = Vec::new();
    let distribution = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/prebuilt/ydl.wasm");
    for component in [wat::parse_str("(module)").unwrap(), b"\0asm".to_vec(), fs::read(distribution).unwrap()]
    {
        install_component(&fixture, "api-post-image.wasm", &component);
        said.push(failure_reason(&run_hook(&fixture, &mut fixture.system(), Hook::PostImage)).to_owned());
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    api-post-image.wasm did not start: /usr/lib/oscar/packages/demo/api-post-image.wasm is a core module of WebAssembly, not a component; it is half of the way: `opkgc plugin build DIR` makes a component of a crate, and so do the tools of other languages of what they compile (`wasm-tools component new`)
    api-post-image.wasm did not start: /usr/lib/oscar/packages/demo/api-post-image.wasm is not a valid WebAssembly component: unexpected end-of-file; build it again; the file may be damaged
    api-post-image.wasm did not start: /usr/lib/oscar/packages/demo/api-post-image.wasm is a distribution plugin, where a hook is meant; plugins of distributions belong to `opkgc --plugin`; `opkgc hook build DIR` makes a hook of a crate
    ");
}

#[test]
fn a_runner_that_is_configured_and_not_there() {
    let mut fixture = Fixture::new();
    fixture.server().write_hook("api-post-deploy", "#!/bin/sh\necho ran\n");
    let settings = fixture.path().join("settings");
    fs::create_dir(&settings).unwrap();
    let choice = "[[runner]]\nname = \"hook-special\"\nhooks = [\"api-post-deploy\"]\n";
    fs::write(settings.join("opm.toml"), choice).unwrap();
    fixture.config.runners = Config::load(&settings).unwrap().runners;
    let report = run_hook(&fixture, &mut fixture.system(), Hook::PostDeploy);
    assert_eq!(
        failure_reason(&report),
        "api-post-deploy did not start: there is no hook runner hook-special, which opm.toml names: see `opm \
         plugin list`"
    );
}

/// A script comes before a component of the same name, that before older names.
#[test]
fn exactly_one_of_all_names_is_run() {
    let fixture = Fixture::new();
    fixture.server().write_hook("post_install", "#!/bin/sh\necho old\n");
    install_component(
        &fixture,
        "api-post-deploy.wasm",
        &ComponentBuilder::default().log_line("component").build(),
    );
    let mut system = fixture.system();
    assert_eq!(run_hook(&fixture, &mut system, Hook::PostDeploy).trace.tail, "component");
    fixture.server().write_hook("api-post-deploy", "#!/bin/sh\necho script\n");
    assert_eq!(run_hook(&fixture, &mut system, Hook::PostDeploy).trace.tail, "script");
}
