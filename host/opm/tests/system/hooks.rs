use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use opkg_oda::RunId;
use opkg_opm::effects::{Effects, Report};
use opkg_opm::machine::{Hook, Outcome};

use crate::bench::{Bench, IMAGE, SERVER};

const RUN: RunId = RunId(7);

fn perform(bench: &Bench, hook: Hook) -> Report {
    let mut system = bench.system();
    let work = bench.hook(hook);
    assert!(system.concerns(&bench.cluster, &work));
    system.perform(&bench.cluster, &work, RUN)
}

#[test]
fn a_hook_gets_what_the_specification_says() {
    let mut bench = Bench::new();
    bench.config.verbose = true;
    bench.config.environment = vec![("SGE_ROOT".into(), "/opt/sge".into())];
    bench.server().hook("api-post-deploy", "#!/bin/sh\nenv | grep -v '^_=\\|^HOSTNAME=\\|^SHLVL='\necho \"$# $0\"\nreadlink /proc/self/cwd\ncat\n");
    let report = perform(&bench, Hook::PostDeploy);
    assert_eq!((report.outcome, report.exit_code, report.timed_out), (Outcome::Done, Some(0), false));
    let log = fs::read_to_string(report.log.unwrap()).unwrap();
    let mut lines: Vec<&str> = log.lines().skip(1).filter(|it| !it.starts_with("OPM_SESSION=")).collect();
    let variables = lines.len() - 2;
    lines[..variables].sort_unstable();
    insta::assert_snapshot!(lines.join("\n").replace(&bench.database(), "DATABASE"), @r"
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
    let bench = Bench::new();
    bench.server().hook(
        "post_rpm_nochroot",
        "#!/bin/sh\necho \"$@\"; echo $OPM_IMAGE $OPM_IMAGE_DIR; touch \"$1/touched\"\n",
    );
    let before = bench.server().entries();
    let report = perform(&bench, Hook::PostImage);
    assert_eq!(report.outcome, Outcome::Done, "{}", report.tail);
    let image = bench.root(IMAGE).0;
    let image = image.display();
    assert_eq!(report.tail, format!("{image} {image}\ncompute {image}"));
    assert!(bench.root(IMAGE).0.join("touched").exists());
    assert_eq!(bench.server().entries(), before, "what was made for showing the image is gone again");
}

#[test]
fn exactly_one_of_the_names_is_run_and_none_is_no_work() {
    let bench = Bench::new();
    let mut system = bench.system();
    assert!(!system.concerns(&bench.cluster, &bench.hook(Hook::PostClientdef)));
    let report = system.perform(&bench.cluster, &bench.hook(Hook::PostClientdef), RUN);
    assert_eq!((report.outcome, report.log), (Outcome::Done, None));
    for name in ["post_clients", "api-post-clients", "api-post-clientdef"] {
        bench.server().hook(name, "#!/bin/sh\necho ${0##*/}\n");
        let report = perform(&bench, Hook::PostClientdef);
        assert_eq!(report.tail, name);
    }
    assert_eq!(fs::read_dir(bench.config.log_directory.join("run-000007")).unwrap().count(), 3);
}

#[test]
fn failures_name_the_hook_and_what_it_said_last() {
    let mut bench = Bench::new();
    let limit = bench.config.limits.hook;
    let mut said = Vec::new();
    for script in [
        "#!/bin/sh\necho 'no such switch'\nexit 3\n",
        "#!/bin/sh\nkill -TERM $$\n",
        "#!/bin/sh\nsleep 100\n",
        "#!/usr/bin/perl\n",
        "echo nobody's script\n",
        "#!/bin/sh\necho 'opm: not from us'; exit 4\n",
    ] {
        bench.server().hook("api-post-deploy", script);
        // Whoever is to end by itself gets the time for it.
        let hangs = script.contains("sleep");
        bench.config.limits.hook = if hangs { std::time::Duration::from_secs(1) } else { limit };
        let report = perform(&bench, Hook::PostDeploy);
        let Outcome::Failed(reason) = report.outcome else { panic!("{:?}", report.outcome) };
        said.push(format!("{reason} | {:?} {:?} {}", report.exit_code, report.signal, report.timed_out));
    }
    let path = bench.server().hook("api-post-deploy", "#!/bin/sh\n");
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let Outcome::Failed(reason) = perform(&bench, Hook::PostDeploy).outcome else { panic!() };
    said.push(reason);
    insta::assert_snapshot!(said.join("\n"), @r#"
    api-post-deploy ended with exit status 3: no such switch | Some(3) None false
    api-post-deploy was killed by signal 15 (SIGTERM) | None Some(15) false
    api-post-deploy was stopped after 1 s | None None true
    api-post-deploy did not start: /usr/lib/oscar/packages/demo/api-post-deploy asks for the interpreter /usr/bin/perl, which is not there | None None false
    api-post-deploy did not start: /usr/lib/oscar/packages/demo/api-post-deploy is no program, and has no `#!` line that names its interpreter | None None false
    api-post-deploy ended with exit status 4: opm: not from us | Some(4) None false
    api-post-deploy did not start: /usr/lib/oscar/packages/demo/api-post-deploy is not executable: `chmod +x` it
    "#);
}

#[test]
fn the_running_system_is_no_image() {
    let mut bench = Bench::new();
    bench.server().hook("api-post-image", "#!/bin/sh\ntouch /touched\n");
    for root in [None, Some("/"), Some("/usr/.."), Some("/proc/self/root")] {
        bench.cluster.targets.get_mut(&IMAGE).unwrap().root = root.map(Into::into);
        let Outcome::Failed(reason) = perform(&bench, Hook::PostImage).outcome else { panic!("{root:?}") };
        assert!(reason.contains("is that of the running system"), "{reason}");
    }
    assert!(!bench.server().0.join("touched").exists());
    bench.cluster.targets.get_mut(&SERVER).unwrap().root = Some("/no/such/root".into());
    let Outcome::Failed(reason) = perform(&bench, Hook::PostDeploy).outcome else { panic!() };
    assert!(reason.contains("/no/such/root of server:head cannot be used"), "{reason}");
}

#[test]
fn links_of_a_root_lead_nowhere_outside() {
    let bench = Bench::new();
    let server = bench.server();
    server.hook("api-post-deploy", "#!/bin/sh\nls /run /srv\n");
    let outside = bench.path().join("outside");
    fs::create_dir(&outside).unwrap();
    for name in ["run", "sys"] {
        fs::remove_dir(server.0.join(name)).unwrap();
        symlink(&outside, server.0.join(name)).unwrap();
    }
    let mounts = || fs::read_to_string("/proc/self/mountinfo").unwrap();
    let before = mounts();
    let report = perform(&bench, Hook::PostDeploy);
    assert_eq!(report.exit_code, Some(2), "{}", report.tail);
    assert!(fs::read_dir(&outside).unwrap().next().is_none());
    assert_eq!(mounts(), before);
    // A home that is a link is that of the root.
    let home = server.0.join("usr/lib/oscar/packages/demo");
    fs::rename(&home, server.0.join("moved")).unwrap();
    symlink("/moved", &home).unwrap();
    fs::write(server.0.join("moved/api-post-deploy"), "#!/bin/sh\nreadlink /proc/self/cwd\n").unwrap();
    assert_eq!(perform(&bench, Hook::PostDeploy).tail, "/moved");
    assert!(!Path::new("/moved").exists());
}

#[test]
fn no_log_no_hook() {
    let mut bench = Bench::new();
    bench.server().hook("api-post-deploy", "#!/bin/sh\ntouch /ran\n");
    let file = bench.path().join("file");
    fs::write(&file, "").unwrap();
    bench.config.log_directory = file.join("log");
    let Outcome::Failed(reason) = perform(&bench, Hook::PostDeploy).outcome else { panic!() };
    assert!(reason.contains("cannot be written"), "{reason}");
    assert!(!bench.server().0.join("ran").exists());
}
