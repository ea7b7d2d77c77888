//! Hooks in every language, in every place where opm runs one, on every kind of target.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use opkg_engine::effects::{Effects, Report};
use opkg_engine::machine::{FinishedStep, Hook, Install, Remove, Step, StepStatus};
use opkg_oda::{RunId, Stage, TargetId};
use opkg_opm::System;
use opkg_tests::require_tools;

use crate::component_builder::ComponentBuilder;
use crate::fixture::{CLIENT, DEMO, Fixture, IMAGE, SERVER, TestRoot};

const RUN: RunId = RunId(7);

/// A place: what runs there, and the name of the file that does.
struct HookCase {
    name: &'static str,
    legacy_name: Option<&'static str>,
    target: TargetId,
    step: Step,
    arguments: String,
    stage: &'static str,
}

fn hook_cases(fixture: &Fixture) -> Vec<HookCase> {
    let mut places = Vec::new();
    for (hook, old) in [
        (Hook::PreConfigure, "pre_configure"),
        (Hook::PostConfigure, "post_configure"),
        (Hook::PostImage, "post_rpm_nochroot"),
        (Hook::PostClientdef, "post_clients"),
        (Hook::PostDeploy, "post_install"),
    ] {
        let image = fixture.root(IMAGE).0.display().to_string();
        let arguments = if hook == Hook::PostImage { format!("{image} {image}") } else { String::new() };
        let step = Step::Hook(fixture.hook_step(hook));
        places.push(HookCase {
            name: hook.name(),
            legacy_name: Some(old),
            target: SERVER,
            step,
            arguments,
            stage: "post-install",
        });
    }
    let install = |target, stage| Step::Install(Install { target, stage, packages: vec![DEMO] });
    let remove = |target, down_to| Step::Remove(Remove { target, packages: vec![DEMO], down_to });
    let (api, bin) = (Stage::ShouldBeInstalled, Stage::InstallBinPkgs);
    let nothing = Stage::ShouldNotBeInstalled;
    for (name, old, target, step, stage) in [
        ("api-post-install", Some("setup"), SERVER, install(SERVER, api), api),
        ("api-pre-uninstall", None, SERVER, remove(SERVER, nothing), nothing),
        ("api-post-uninstall", None, SERVER, remove(SERVER, nothing), nothing),
        ("server-post-install", Some("post_server_rpm_install"), SERVER, install(SERVER, bin), bin),
        ("server-pre-uninstall", None, SERVER, remove(SERVER, api), api),
        ("server-post-uninstall", Some("post_server_rpm_uninstall"), SERVER, remove(SERVER, api), api),
        ("client-post-install", Some("post_client_rpm_install"), IMAGE, install(IMAGE, bin), bin),
        ("client-pre-uninstall", None, IMAGE, remove(IMAGE, api), api),
        ("client-post-uninstall", Some("post_client_rpm_uninstall"), IMAGE, remove(IMAGE, api), api),
        ("client-post-install", Some("post_client_rpm_install"), CLIENT, install(CLIENT, bin), bin),
        ("client-pre-uninstall", None, CLIENT, remove(CLIENT, api), api),
        ("client-post-uninstall", Some("post_client_rpm_uninstall"), CLIENT, remove(CLIENT, api), api),
    ] {
        places.push(HookCase {
            name,
            legacy_name: old,
            target,
            step,
            arguments: String::new(),
            stage: stage.name(),
        });
    }
    places
}

/// What a script is to say.
const SH_SCRIPT: &str = "#!/bin/sh\necho \"sh $# $* | $OPM_STAGE $OPM_TARGET_KIND $OPM_PACKAGE $PWD\"\n";
const PERL_SCRIPT: &str = "#!/usr/bin/perl\nprint 'perl ', scalar(@ARGV), \" @ARGV | $ENV{OPM_STAGE} $ENV{OPM_TARGET_KIND} \
                    $ENV{OPM_PACKAGE} $ENV{OSCAR_PACKAGE_HOME}\\n\";\n";
const PYTHON_SCRIPT: &str = "#!PYTHON\nimport os, sys\ne = os.environ\nprint('python', len(sys.argv) - 1, ' '.join(sys.argv[1:]), \
                      '|', e['OPM_STAGE'], e['OPM_TARGET_KIND'], e['OPM_PACKAGE'], os.getcwd())\n";

#[test]
fn every_language_in_every_place() {
    require_tools!("perl", "python3");
    let fixture = Fixture::new();
    let python = python_files();
    for target in [SERVER, IMAGE, CLIENT] {
        let root = fixture.root(target);
        install_fake_package_manager(&root);
        copy_with_libraries(&root, Path::new("/usr/bin/perl"));
        python.iter().for_each(|file| copy_with_libraries(&root, file));
    }
    let component = ComponentBuilder::default().log_line("component at work").build();
    let interpreter = python[0].display().to_string();
    let languages: [(&str, Vec<u8>); 4] = [
        ("sh", SH_SCRIPT.into()),
        ("perl", PERL_SCRIPT.into()),
        ("python", PYTHON_SCRIPT.replace("PYTHON", &interpreter).into()),
        ("component", component),
    ];
    let mut system = fixture.system();
    for place in hook_cases(&fixture) {
        let root = fixture.root(place.target);
        let kind = fixture.cluster.targets[&place.target].kind().name();
        let HookCase { name, arguments, stage, .. } = &place;
        let home = "/usr/lib/oscar/packages/demo";
        let count = arguments.split_whitespace().count();
        for (language, contents) in &languages {
            let names = [Some(*name), place.legacy_name.filter(|_| *language == "sh")];
            for name in names.into_iter().flatten() {
                let report = run_case(&mut system, &fixture, &root, &place, Some((name, language, contents)));
                let what = format!("{name} in {language} on {kind}");
                assert_eq!(report.outcome, StepStatus::Done, "{what}: {report:?}");
                let log = fs::read_to_string(report.trace.log.unwrap()).unwrap();
                let said = match *language {
                    "component" => "component at work".to_owned(),
                    language => format!("{language} {count} {arguments} | {stage} {kind} demo {home}"),
                };
                let times = log.lines().filter(|line| *line == said).count();
                assert_eq!(times, 1, "{what}: `{said}` once in\n{log}");
            }
        }
        // What is missing is done.
        let report = run_case(&mut system, &fixture, &root, &place, None);
        assert_eq!(report.outcome, StepStatus::Done, "{name} missing on {kind}: {report:?}");
        assert!(!report.trace.tail.contains("at work"), "{}", report.trace.tail);
    }
}

/// Does the work of a place with this file in the home, and none else.
fn run_case(
    system: &mut System,
    fixture: &Fixture,
    root: &TestRoot,
    place: &HookCase,
    file: Option<(&str, &str, &[u8])>,
) -> Report<StepStatus> {
    let home = root.0.join("usr/lib/oscar/packages/demo");
    let _ = fs::remove_dir_all(&home);
    let _ = fs::remove_file(root.0.join("gone"));
    fs::create_dir_all(&home).unwrap();
    if let Some((name, language, contents)) = file {
        let (name, mode) =
            if language == "component" { (format!("{name}.wasm"), 0o644) } else { (name.to_owned(), 0o755) };
        fs::write(home.join(&name), contents).unwrap();
        fs::set_permissions(home.join(&name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let (finished, trace) = match &place.step {
        Step::Install(step) => {
            let report = system.install(&fixture.cluster, step, RUN);
            (FinishedStep::Install(step.clone(), report.outcome), report.trace)
        }
        Step::Remove(step) => {
            let report = system.remove(&fixture.cluster, step, RUN);
            (FinishedStep::Remove(step.clone(), report.outcome), report.trace)
        }
        Step::Hook(step) => {
            let report = system.run_hook(&fixture.cluster, step, RUN);
            (FinishedStep::Hook(*step, report.outcome), report.trace)
        }
        other => panic!("{other:?}"),
    };
    Report { outcome: finished.status(), trace }
}

/// A package manager that says what opm wants to hear, of packages without scriptlets.
fn install_fake_package_manager(root: &TestRoot) {
    fs::write(root.0.join("etc/os-release"), "ID=debian\nVERSION_ID=\"12\"\n").unwrap();
    let names = ["opkg-demo", "opkg-demo-server", "opkg-demo-client"];
    let all: String = names.iter().map(|it| format!("echo '{it}\t1.0-1\tall\tinstalled\tok\t'\n")).collect();
    // What was removed is gone.
    let tells = format!(
        "touch /gone\necho 'dpkg\t1.0-1\tall\tinstalled\tok\t'\n{{\n{all}}} | while IFS= read -r line; do grep -qx \"${{line%%\t*}}\" /gone || echo \"$line\"; done"
    );
    let does = "case \" $* \" in *' --purge '*) for name; do echo $name >> /gone; done;; esac";
    for (name, script) in [("apt-get", "exit 0"), ("dpkg", does), ("dpkg-query", tells.as_str())] {
        let path = root.0.join("usr/bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// The interpreter, and all files that it reads before a script begins.
fn python_files() -> Vec<PathBuf> {
    let list = "import sys, os\nprint(os.path.realpath(sys.executable))\nfor m in list(sys.modules.values()):\n  f = \
                getattr(m, '__file__', None)\n  if f: print(f)\nprint(os.__file__)";
    let said = Command::new("python3").args(["-c", list]).output().unwrap();
    String::from_utf8(said.stdout).unwrap().lines().map(PathBuf::from).collect()
}

/// Copies a file with the libraries that it needs, to the same place.
fn copy_with_libraries(root: &TestRoot, file: &Path) {
    let mut files = vec![file.to_owned()];
    let libraries = Command::new("ldd").arg(file).output().unwrap();
    let libraries = String::from_utf8(libraries.stdout).unwrap();
    files.extend(libraries.split_whitespace().filter(|it| it.starts_with('/')).map(PathBuf::from));
    for file in files.iter().filter(|it| it.is_file()) {
        let place = root.0.join(file.strip_prefix("/").unwrap());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(file, place).unwrap();
    }
}
