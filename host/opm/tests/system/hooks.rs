use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use opkg_engine::effects::Effects;
use opkg_engine::machine::Hook;
use opkg_oda::RunId;

use crate::fixture::{Fixture, IMAGE, SERVER, StepReport, failure_reason};

const RUN: RunId = RunId(7);

fn run_hook(fixture: &Fixture, hook: Hook) -> StepReport {
    let system = fixture.system();
    let step = fixture.hook_step(hook);
    assert!(system.has_hook(&fixture.cluster, &step));
    system.run_hook(&fixture.cluster, &step, RUN)
}

#[test]
fn a_hook_gets_what_the_specification_says() {
    let mut fixture = Fixture::new();
    fixture.config.verbose = true;
    fixture.config.environment = vec![("SGE_ROOT".into(), "/opt/sge".into())];
    fixture.server().write_hook("api-post-deploy", "#!/bin/sh\nenv | grep -v '^_=\\|^HOSTNAME=\\|^SHLVL='\necho \"$# $0\"\nreadlink /proc/self/cwd\ncat\n");
    let report = run_hook(&fixture, Hook::PostDeploy);
    assert_eq!((report.outcome, report.trace.exit_code, report.trace.timed_out), (Ok(()), Some(0), false));
    let log = fs::read_to_string(report.trace.log.unwrap()).unwrap();
    let mut lines: Vec<&str> = log.lines().skip(1).filter(|it| !it.starts_with("OPM_SESSION=")).collect();
    let nodes_file =
        lines.iter().position(|it| it.starts_with("OPM_NODES_FILE=/tmp/opm-") && it.ends_with("/nodes"));
    lines.remove(nodes_file.unwrap());
    let variables = lines.len() - 2;
    lines[..variables].sort_unstable();
    insta::assert_snapshot!(lines.join("\n").replace(&fixture.database(), "DATABASE"), @r"
    HOME=/root
    LANG=C.UTF-8
    OPM_CONFIG_VALUES=/usr/lib/oscar/packages/demo/.configurator.values
    OPM_DATABASE=DATABASE
    OPM_DUTY=script
    OPM_IMAGE=
    OPM_IMAGE_DIR=
    OPM_NODES=node1
    OPM_PACKAGE=demo
    OPM_RUN_ID=7
    OPM_STAGE=post-install
    OPM_TARGET_KIND=server
    OPM_TARGET_NAME=head
    OSCAR_HOME=/usr/lib/oscar
    OSCAR_PACKAGE_HOME=/usr/lib/oscar/packages/demo
    OSCAR_UI=cli
    OSCAR_VERBOSE=1
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    PWD=/usr/lib/oscar/packages/demo
    SGE_ROOT=/opt/sge
    0 /usr/lib/oscar/packages/demo/api-post-deploy
    /usr/lib/oscar/packages/demo
    ");
}

#[test]
fn the_image_is_told_twice_and_seen_in_the_root() {
    let fixture = Fixture::new();
    fixture.server().write_hook(
        "post_rpm_nochroot",
        "#!/bin/sh\necho \"$@\"; echo $OPM_IMAGE $OPM_IMAGE_DIR; touch \"$1/touched\"\n",
    );
    let before = fixture.server().entries();
    let report = run_hook(&fixture, Hook::PostImage);
    assert_eq!(report.outcome, Ok(()), "{}", report.trace.tail);
    let image = fixture.root(IMAGE).0;
    let image = image.display();
    assert_eq!(report.trace.tail, format!("{image} {image}\ncompute {image}"));
    assert!(fixture.root(IMAGE).0.join("touched").exists());
    assert_eq!(fixture.server().entries(), before, "what was made for showing the image is gone again");
}

#[test]
fn exactly_one_of_the_names_is_run_and_none_is_no_work() {
    let fixture = Fixture::new();
    let system = fixture.system();
    assert!(!system.has_hook(&fixture.cluster, &fixture.hook_step(Hook::PostClientdef)));
    let report = system.run_hook(&fixture.cluster, &fixture.hook_step(Hook::PostClientdef), RUN);
    assert_eq!((report.outcome, report.trace.log), (Ok(()), None));
    for name in ["post_clients", "api-post-clients", "api-post-clientdef"] {
        fixture.server().write_hook(name, "#!/bin/sh\necho ${0##*/}\n");
        let report = run_hook(&fixture, Hook::PostClientdef);
        assert_eq!(report.trace.tail, name);
    }
    assert_eq!(fs::read_dir(fixture.config.log_directory.join("run-000007")).unwrap().count(), 3);
}

#[test]
fn failures_name_the_hook_and_what_it_said_last() {
    let mut fixture = Fixture::new();
    let limit = fixture.config.limits.hook;
    let mut said = Vec::new();
    for script in [
        "#!/bin/sh\necho 'no such switch'\nexit 3\n",
        "#!/bin/sh\nkill -TERM $$\n",
        "#!/bin/sh\nsleep 100\n",
        "#!/usr/bin/perl\n",
        "echo nobody's script\n",
        "#!/bin/sh\necho 'opm: not from us'; exit 4\n",
    ] {
        fixture.server().write_hook("api-post-deploy", script);
        // Whoever is to end by itself gets the time for it.
        let hangs = script.contains("sleep");
        fixture.config.limits.hook = if hangs { std::time::Duration::from_secs(1) } else { limit };
        let report = run_hook(&fixture, Hook::PostDeploy);
        let reason = failure_reason(&report);
        said.push(format!(
            "{reason} | {:?} {:?} {}",
            report.trace.exit_code, report.trace.signal, report.trace.timed_out
        ));
    }
    let path = fixture.server().write_hook("api-post-deploy", "#!/bin/sh\n");
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    said.push(failure_reason(&run_hook(&fixture, Hook::PostDeploy)).to_owned());
    insta::assert_snapshot!(said.join("\n"), @r#"
    api-post-deploy ended with exit status 3: no such switch | Some(3) None false
    api-post-deploy was killed by signal 15 (SIGTERM) | None Some(15) false
    api-post-deploy timed out after 1 s | None None true
    api-post-deploy did not start: /usr/lib/oscar/packages/demo/api-post-deploy asks for the interpreter /usr/bin/perl, which is not there | None None false
    api-post-deploy did not start: /usr/lib/oscar/packages/demo/api-post-deploy is no program, and has no `#!` line that names its interpreter | None None false
    api-post-deploy ended with exit status 4: opm: not from us | Some(4) None false
    api-post-deploy did not start: /usr/lib/oscar/packages/demo/api-post-deploy is not executable: `chmod +x` it
    "#);
}

#[test]
fn the_running_system_is_no_image() {
    let mut fixture = Fixture::new();
    fixture.server().write_hook("api-post-image", "#!/bin/sh\ntouch /touched\n");
    for root in [None, Some("/"), Some("/usr/.."), Some("/proc/self/root")] {
        fixture.cluster.targets.get_mut(&IMAGE).unwrap().root = root.map(Into::into);
        let report = run_hook(&fixture, Hook::PostImage);
        let reason = failure_reason(&report);
        assert!(reason.contains("is that of the running system"), "{reason}");
    }
    assert!(!fixture.server().0.join("touched").exists());
    fixture.cluster.targets.get_mut(&SERVER).unwrap().root = Some("/no/such/root".into());
    let report = run_hook(&fixture, Hook::PostDeploy);
    let reason = failure_reason(&report);
    assert!(reason.contains("/no/such/root of server:head cannot be used"), "{reason}");
}

#[test]
fn links_of_a_root_lead_nowhere_outside() {
    let fixture = Fixture::new();
    let server = fixture.server();
    server.write_hook("api-post-deploy", "#!/bin/sh\nls /run /srv\n");
    let outside = fixture.path().join("outside");
    fs::create_dir(&outside).unwrap();
    for name in ["run", "sys"] {
        fs::remove_dir(server.0.join(name)).unwrap();
        symlink(&outside, server.0.join(name)).unwrap();
    }
    let mounts = || fs::read_to_string("/proc/self/mountinfo").unwrap();
    let before = mounts();
    let report = run_hook(&fixture, Hook::PostDeploy);
    assert_eq!(report.trace.exit_code, Some(2), "{}", report.trace.tail);
    assert!(fs::read_dir(&outside).unwrap().next().is_none());
    assert_eq!(mounts(), before);
    // A home that is a link is that of the root.
    let home = server.0.join("usr/lib/oscar/packages/demo");
    fs::rename(&home, server.0.join("moved")).unwrap();
    symlink("/moved", &home).unwrap();
    fs::write(server.0.join("moved/api-post-deploy"), "#!/bin/sh\nreadlink /proc/self/cwd\n").unwrap();
    assert_eq!(run_hook(&fixture, Hook::PostDeploy).trace.tail, "/moved");
    assert!(!Path::new("/moved").exists());
}

#[test]
fn no_log_no_hook() {
    let mut fixture = Fixture::new();
    fixture.server().write_hook("api-post-deploy", "#!/bin/sh\ntouch /ran\n");
    let file = fixture.path().join("file");
    fs::write(&file, "").unwrap();
    fixture.config.log_directory = file.join("log");
    let report = run_hook(&fixture, Hook::PostDeploy);
    let reason = failure_reason(&report);
    assert!(reason.contains("cannot be written"), "{reason}");
    assert!(!fixture.server().0.join("ran").exists());
}
