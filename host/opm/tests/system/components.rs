//! Hooks that are components: what they can do, and all that they cannot.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use opkg_oda::{Key, RunId, Stage};
use opkg_opm::effects::{Effects, Report};
use opkg_opm::machine::{Hook, Outcome, Work};
use opkg_opm::system::{Config, System};

use crate::bench::{Bench, IMAGE, OTHER, SERVER};
use crate::guest::{Guest, HOME, IMAGE as IN_IMAGE};

const RUN: RunId = RunId(7);

/// Puts a component into the home of `demo`, as its package does.
fn put(bench: &Bench, name: &str, component: &[u8]) {
    let path = bench.server().hook(name, "");
    fs::write(&path, component).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
}

/// What comes of a component as `api-post-image`, and what its log says without the first line.
fn run(bench: &Bench, guest: Guest) -> (Report, String) {
    put(bench, "api-post-image.wasm", &guest.build());
    let report = perform(bench, &mut bench.system(), Hook::PostImage);
    let log = fs::read_to_string(report.log.as_ref().unwrap()).unwrap();
    let (first, rest) = log.split_once('\n').unwrap();
    let title = "$ /usr/lib/oscar/packages/demo/api-post-image.wasm (component guest 1.0)";
    assert_eq!(first, title);
    (report, rest.to_owned())
}

fn perform(bench: &Bench, system: &mut System, hook: Hook) -> Report {
    let work = bench.hook(hook);
    assert!(system.concerns(&bench.cluster, &work));
    system.perform(&bench.cluster, &work, RUN)
}

fn failure(report: &Report) -> &str {
    let Outcome::Failed(reason) = &report.outcome else { panic!("{report:?}") };
    reason
}

#[test]
fn files_of_the_home_and_the_image() {
    let bench = Bench::new();
    fs::write(bench.server().hook("data", "").with_file_name("data"), "1").unwrap();
    let guest = Guest::default()
        .say("at work\u{1b}[31m")
        .write(IN_IMAGE, "etc/demo/demo.conf", "port 1\n", 0o640)
        .write(HOME, "state", "x", 0o600)
        .read(HOME, "state")
        .read(HOME, "missing")
        .entries(IN_IMAGE, "etc/demo")
        .remove(HOME, "state");
    let (report, log) = run(&bench, guest);
    assert_eq!(report.outcome, Outcome::Done);
    insta::assert_snapshot!(log, @r"
    at work [31m
    [write 7 bytes to image: etc/demo/demo.conf]
    [write 1 bytes to home: state]
    [read home: state]
    [read home: missing: there is none]
    [list image: etc/demo]
    [remove from home: state]
    [1 files read, 2 files written, 1 files removed, 1 directories listed]
    ");
    assert!(report.tail.ends_with("[1 files read, 2 files written, 1 files removed, 1 directories listed]"));
    assert_eq!(bench.root(IMAGE).read("/etc/demo/demo.conf"), "port 1\n");
    let mode = fs::metadata(bench.root(IMAGE).0.join("etc/demo/demo.conf")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
}

/// The example, with what the configurator wrote and the nodes of the cluster.
#[test]
fn the_example_writes_its_list() {
    let bench = Bench::new();
    let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/image-hosts/scripts");
    put(&bench, "api-post-image.wasm", &fs::read(component.join("api-post-image.wasm")).unwrap());
    put(&bench, "api-post-clientdef.wasm", &fs::read(component.join("api-post-clientdef.wasm")).unwrap());
    let values = "<config><domain>example.org</domain><roles>login</roles><roles>compute</roles></config>";
    bench.server().hook(".configurator.values", values);
    let mut system = bench.system();
    for hook in [Hook::PostImage, Hook::PostClientdef] {
        let report = perform(&bench, &mut system, hook);
        assert_eq!(report.outcome, Outcome::Done, "{report:?}");
        assert!(report.tail.contains("1 nodes are listed"), "{}", report.tail);
    }
    let list = "# roles: login compute\nnode1.example.org\n";
    assert_eq!(bench.root(IMAGE).read("/etc/image-hosts.conf"), list);
    assert_eq!(bench.server().read("/usr/lib/oscar/packages/demo/image-hosts.conf"), list);
    // What it cannot make sense of is a failure that it explains.
    bench.server().hook(".configurator.values", "<config><domain>a b</domain></config>");
    let report = perform(&bench, &mut system, Hook::PostImage);
    assert_eq!(failure(&report), "api-post-image.wasm failed: `a b` is no domain");
}

#[test]
fn nothing_leads_out() {
    let bench = Bench::new();
    let outside = bench.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    let home = bench.server().hook("x", "").parent().unwrap().to_owned();
    symlink(&outside, home.join("absolute")).unwrap();
    symlink("../../../../../../outside", home.join("relative")).unwrap();
    symlink(&outside, bench.root(IMAGE).0.join("srv")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, home.join("fifo"), rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    fs::write(home.join("one"), "").unwrap();
    fs::hard_link(home.join("one"), home.join("two")).unwrap();
    let guest = Guest::default()
        .read(HOME, "../../../../../etc/passwd")
        .read(HOME, "/etc/passwd")
        .read(HOME, "absolute/secret")
        .write(HOME, "relative/new", "x", 0o644)
        .write(IN_IMAGE, "srv/new", "x", 0o644)
        .remove(IN_IMAGE, "srv/secret")
        .entries(IN_IMAGE, "..")
        .read(HOME, &["d"; 70].join("/"))
        .read(HOME, "fifo")
        .read(HOME, "two")
        .write(HOME, "new", "x", 0o4755)
        .write(HOME, "new", "x", 0o755)
        .write(HOME, "x", "#!/bin/sh\n", 0o644)
        .write_much(IN_IMAGE, "huge", (16 << 20) + 1);
    let before = (bench.server().entries(), bench.root(IMAGE).entries());
    let (report, log) = run(&bench, guest);
    assert_eq!(report.outcome, Outcome::Done, "the hook may live with it");
    let log = log.replace(&["d"; 70].join("/"), "DEEP");
    insta::assert_snapshot!(log, @r"
    [read home: ../../../../../etc/passwd: refused: it leads out of there]
    [read home: /etc/passwd: refused: it leads out of there]
    [read home: absolute/secret: refused: it leads out of there]
    [write 1 bytes to home: relative/new: refused: it leads out of there]
    [write 1 bytes to image: srv/new: refused: it leads out of there]
    [remove from image: srv/secret: refused: it leads out of there]
    [list image: ..: refused: it leads out of there]
    [read home: DEEP: refused: its path is longer than 4000 bytes or 64 names]
    [read home: fifo: refused: it is no regular file]
    [read home: two: refused: it has another name (a hard link)]
    [write 1 bytes to home: new: refused: no file gets the permissions 4755]
    [write 1 bytes to home: new: refused: what hooks write there cannot be run: leave out the permission to execute]
    [write 10 bytes to home: x: refused: it is a program of the package]
    [write 16777217 bytes to image: huge: refused: it is too large]
    [14 refused]
    ");
    let mut after = (bench.server().entries(), bench.root(IMAGE).entries());
    after.0.remove(Path::new("usr/lib/oscar/packages/demo/api-post-image.wasm"));
    assert_eq!(after, before);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

#[test]
fn an_image_is_for_hooks_about_one() {
    let bench = Bench::new();
    put(&bench, "api-post-deploy.wasm", &Guest::default().write(IN_IMAGE, "x", "x", 0o644).build());
    let report = perform(&bench, &mut bench.system(), Hook::PostDeploy);
    let log = fs::read_to_string(report.log.unwrap()).unwrap();
    assert!(log.contains("[write 1 bytes to image: x: not granted: this hook is about no image]"), "{log}");
}

/// Each of these ends by itself, is named, and the engine goes on with the next hook.
#[test]
fn running_wild() {
    let mut bench = Bench::new();
    let greedy =
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    let limit = bench.config.limits.component;
    let mut ended = |guest: Guest, limit: Duration| {
        bench.config.limits.component = limit;
        let (report, _) = run(&bench, guest);
        let work = Work::Hook {
            key: Key { target: SERVER, package: OTHER },
            stage: Stage::PostInstall,
            hook: Hook::PostDeploy,
            image: None,
        };
        bench.server().script("other", "api-post-deploy", "#!/bin/sh\necho next\n");
        bench.config.limits.component = Duration::from_secs(60);
        assert_eq!(bench.system().perform(&bench.cluster, &work, RUN).tail, "next");
        format!("{} | timed out: {}", failure(&report), report.timed_out)
    };
    let mut said = vec![
        ended(Guest::default().body(greedy), limit),
        ended(Guest::default().body("unreachable"), limit),
        ended(Guest::default().panic("panicked at src/lib.rs:7: no node"), limit),
        ended(Guest::default().body("(drop (i32.load (i32.const -4)))"), limit),
    ];
    let endless = || Guest::default().body("(loop $forever (br $forever))");
    let limit = Duration::from_millis(700);
    said.push(ended(endless(), limit));
    // Asking for refused things all the time is no way to live longer.
    said.push(ended(Guest::default().run("/bin/false", "x").repeated(1_000_000_000), limit));
    said.push(ended(Guest::default().read(HOME, "../x").repeated(1_000_000_000), limit));
    insta::assert_snapshot!(said.join("\n"), @r"
    api-post-image.wasm asked for more memory than the 256 MiB that a plugin gets | timed out: false
    api-post-image.wasm failed inside | timed out: false
    api-post-image.wasm failed inside: panicked at src/lib.rs:7: no node | timed out: false
    api-post-image.wasm did something forbidden: out of bounds memory access | timed out: false
    api-post-image.wasm ran longer than 0.7 s and was stopped | timed out: true
    api-post-image.wasm ran longer than 0.7 s and was stopped | timed out: true
    api-post-image.wasm ran longer than 0.7 s and was stopped | timed out: true
    ");
}

#[test]
fn too_many_words_are_dropped() {
    let bench = Bench::new();
    let (report, log) = run(&bench, Guest::default().say("again and again").repeated(20_000));
    assert_eq!(report.outcome, Outcome::Done);
    assert_eq!(log.lines().filter(|it| *it == "again and again").count(), 9999);
    assert!(log.ends_with("\nwarning: says too much; the rest is dropped\n"), "{}", report.tail);
}

#[test]
fn programs_are_granted_by_name() {
    let mut bench = Bench::new();
    bench.server().hook("helper", "#!/bin/sh\necho helper $1 $OPM_STAGE $PWD\n");
    bench.server().hook("late", "#!/bin/sh\nsleep 4\n");
    let guest = || {
        Guest::default()
            .run("/usr/bin/env", "-0")
            .run("helper", "a;b")
            .run("../demo/helper", "")
            .run("/usr/lib/oscar/packages/demo/late", "")
    };
    let (report, log) = run(&bench, guest());
    assert_eq!(report.outcome, Outcome::Done);
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
    let settings = bench.path().join("settings");
    fs::create_dir(&settings).unwrap();
    fs::write(settings.join("opm.toml"), granted).unwrap();
    let granted = Config::load(&settings).unwrap();
    bench.config.grants = granted.grants;
    // What a program takes is not the time of the component.
    bench.config.limits.component = Duration::from_secs(3);
    let (report, log) = run(&bench, guest());
    assert_eq!(report.outcome, Outcome::Done, "{log}");
    let home = "/usr/lib/oscar/packages/demo";
    let helper = format!(" {home}/helper \"a;b\"\nhelper a;b post-install {home}\n");
    assert!(log.contains(&helper), "{log}");
    assert!(log.ends_with("[2 programs run, 2 refused]\n"), "{log}");
}

/// The time of a hook is for all programs that it runs together. Its end decides the outcome, whatever the component
/// makes of it: this one asks for further programs, then says that it is done.
#[test]
fn a_hook_whose_time_is_over_has_failed() {
    let mut bench = Bench::new();
    let (first, second) = ("[ ! -e begun ] || exec sleep 100; touch begun", "touch too-late");
    bench.server().hook("first", &format!("#!/bin/sh\ncd /usr/lib/oscar/packages/demo && {first}\n"));
    bench.server().hook("second", &format!("#!/bin/sh\ncd /usr/lib/oscar/packages/demo && {second}\n"));
    let settings = bench.path().join("settings");
    fs::create_dir(&settings).unwrap();
    let granted = "[[grant]]\npackage = \"demo\"\nprograms = [\"first\", \"second\"]\n";
    fs::write(settings.join("opm.toml"), granted).unwrap();
    bench.config.grants = Config::load(&settings).unwrap().grants;
    bench.config.limits.hook = Duration::from_secs(3);
    let (report, log) = run(&bench, Guest::default().run("first", "").run("first", "").run("second", ""));
    assert!(report.timed_out, "{report:?}");
    assert_eq!(failure(&report), "api-post-image.wasm was stopped after 3 s");
    assert!(log.contains("[run second: the hook's time of 3 s is over]\n"), "{log}");
    assert!(log.contains("[2 programs run, 1 refused]\n"), "{log}");
    let home = bench.server().hook("x", "");
    assert!(!home.with_file_name("too-late").exists(), "nothing begins when the time is over");
}

#[test]
fn what_is_no_hook() {
    let bench = Bench::new();
    let mut said = Vec::new();
    let distribution = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/prebuilt/ydl.wasm");
    for component in [wat::parse_str("(module)").unwrap(), b"\0asm".to_vec(), fs::read(distribution).unwrap()]
    {
        put(&bench, "api-post-image.wasm", &component);
        said.push(failure(&perform(&bench, &mut bench.system(), Hook::PostImage)).to_owned());
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    api-post-image.wasm did not start: /usr/lib/oscar/packages/demo/api-post-image.wasm is a core module of WebAssembly, not a component; `opkgc plugin build DIR` makes a component of a crate
    api-post-image.wasm did not start: /usr/lib/oscar/packages/demo/api-post-image.wasm is not a valid WebAssembly component: unexpected end-of-file; build it again; the file may be damaged
    api-post-image.wasm did not start: /usr/lib/oscar/packages/demo/api-post-image.wasm is a distribution plugin, where a hook is meant; `opkgc hook build DIR` makes a hook of a crate
    ");
}

#[test]
fn a_runner_that_is_configured_and_not_there() {
    let mut bench = Bench::new();
    bench.server().hook("api-post-deploy", "#!/bin/sh\necho ran\n");
    let settings = bench.path().join("settings");
    fs::create_dir(&settings).unwrap();
    let choice = "[[runner]]\nname = \"hook-special\"\nhooks = [\"api-post-deploy\"]\n";
    fs::write(settings.join("opm.toml"), choice).unwrap();
    bench.config.runners = Config::load(&settings).unwrap().runners;
    let report = perform(&bench, &mut bench.system(), Hook::PostDeploy);
    assert_eq!(
        failure(&report),
        "api-post-deploy did not start: there is no hook runner hook-special, which opm.toml wants for it: see `opm \
         plugin list`"
    );
}

/// A script comes before a component of the same name, that before older names.
#[test]
fn exactly_one_of_all_names_is_run() {
    let bench = Bench::new();
    bench.server().hook("post_install", "#!/bin/sh\necho old\n");
    put(&bench, "api-post-deploy.wasm", &Guest::default().say("component").build());
    let mut system = bench.system();
    assert_eq!(perform(&bench, &mut system, Hook::PostDeploy).tail, "component");
    bench.server().hook("api-post-deploy", "#!/bin/sh\necho script\n");
    assert_eq!(perform(&bench, &mut system, Hook::PostDeploy).tail, "script");
}
