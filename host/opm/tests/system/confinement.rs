//! What programs get and see, whoever started `opm` and whatever a root holds.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use opkg_engine::effects::Effects;
use opkg_engine::machine::{Hook, Install};
use opkg_oda::{RunId, Stage, Target, TargetId};
use opkg_tests::{process, tools};

use crate::fixture::{DEMO, Fixture, IMAGE, StepReport};

/// What a program gets beside its environment, in words that depend on nothing.
const SHOW_ATTRIBUTES: &str = "#!/bin/sh
umask
grep -E '^Sig(Blk|Ign):' /proc/self/status
echo files: $(ls /proc/self/fd)
read pid name state parent group session terminal rest < /proc/self/stat
echo terminal: $terminal
(: < /dev/tty) 2> /dev/null && echo it can be opened
if read line; then echo input: $line; fi
";

/// The fourth file is the directory that is listed.
const ATTRIBUTES: &str = "0022
SigBlk: 0000000000000000
SigIgn: 0000000000000000
files: 0 1 2 3
terminal: 0";

fn run_hook(fixture: &Fixture, script: &str) -> StepReport {
    fixture.server().write_hook("api-post-deploy", script);
    fixture.system().run_hook(&fixture.cluster, &fixture.hook_step(Hook::PostDeploy), RunId(7))
}

/// What a package manager of the image does: it is a script.
fn run_manager(fixture: &Fixture, script: &str) -> String {
    let image = fixture.root(IMAGE);
    fs::write(image.0.join("etc/os-release"), "ID=debian\nVERSION_ID=\"12\"\n").unwrap();
    let tells = "#!/bin/sh\nprintf 'opkg-demo-client\\t1.0-1\\tall\\tinstalled\\tpostinst\\n'\n".to_owned();
    let does = script.replacen("#!/bin/sh\n", "#!/bin/sh\nexec > /seen 2>&1\n", 1);
    for (name, script) in [("apt-get", does), ("dpkg", "#!/bin/sh\n".to_owned()), ("dpkg-query", tells)] {
        let path = image.0.join("usr/bin").join(name);
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let step = Install { target: IMAGE, stage: Stage::InstallBinPkgs, packages: vec![DEMO] };
    let report = fixture.system().install(&fixture.cluster, &step, RunId(7));
    fs::read_to_string(image.0.join("seen")).unwrap_or_else(|error| panic!("{error}: {report:?}"))
}

#[test]
fn hooks_and_package_managers_get_the_same() {
    // Two signals are glibc's own, which ignores them in what it starts.
    let plain = |text: &str| text.replace('\t', " ").replace("0000000180000000", "0000000000000000");
    let fixture = Fixture::new();
    let report = run_hook(&fixture, SHOW_ATTRIBUTES);
    assert_eq!((report.outcome, plain(&report.trace.tail).as_str()), (Ok(()), ATTRIBUTES));
    assert_eq!(plain(run_manager(&fixture, SHOW_ATTRIBUTES).trim_end()), ATTRIBUTES);
}

/// Runs that test again, started by somebody who has everything otherwise.
#[test]
fn whoever_starts_it_makes_no_difference() {
    let hostile = "umask 077; trap '' HUP INT QUIT USR1 USR2 PIPE ALRM CHLD TSTP; exec 7< /dev/zero 8> /dev/null; \
                   exec \"$0\" \"$@\"";
    let mut again = Command::new("/bin/sh");
    again.args(["-c", hostile]).arg(std::env::current_exe().unwrap());
    again.args(["--exact", "confinement::hooks_and_package_managers_get_the_same"]);
    let ended = process::run(&mut again);
    assert!(ended.code == Some(0) && ended.stdout.contains("1 passed"), "{}", ended.combined_output());
}

#[test]
fn a_root_is_a_world_of_its_own() {
    if !tools::is_root() {
        return;
    }
    let fixture = Fixture::new();
    let root = fixture.server();
    let device = rustix::fs::makedev(1, 5);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.0.join("zero"),
        rustix::fs::FileType::CharacterDevice,
        rustix::fs::Mode::from_raw_mode(0o666),
        device,
    )
    .unwrap();
    let secret = fixture.path().join("secret");
    fs::write(&secret, "of the head node").unwrap();
    let script = format!(
        "#!/bin/sh
secret={secret}
cd /proc; for it in [0-9]*; do [ $it -gt 40 ] && echo process $it; done; cd /
for way in /proc/1/root /proc/*/root /proc/*/cwd / /..; do
  for up in '' /.. /../.. /../../../../..; do [ -e $way$up$secret ] && cat $way$up$secret; done
done
head -c 1 /zero > /dev/null 2>&1 && echo the device of the root was opened
head -c 1 /dev/zero > /dev/null && echo /dev/zero is there
for it in domainname core_pattern; do
  (echo x > /proc/sys/kernel/$it) 2> /dev/null && echo $it can be written
done
(echo h > /proc/sysrq-trigger) 2> /dev/null && echo sysrq can be written
[ -w /sys/kernel/uevent_seqnum ] && echo sysfs can be written
echo dev: $(ls /dev)
echo run: $(ls /run)
cd /tmp; for it in *; do case $it in opm-* | '*') ;; *) echo tmp: $it;; esac; done
kill -0 {pid} 2> /dev/null && echo the test can be killed
grep -E '^Cap(Bnd|Eff|Amb):' /proc/self/status
",
        secret = secret.display(),
        pid = std::process::id(),
    );
    let outside = tempfile::Builder::new().prefix("not-for-roots-").tempdir_in("/tmp").unwrap();
    let report = run_hook(&fixture, &script);
    insta::assert_snapshot!(report.trace.tail, @r"
    /dev/zero is there
    dev: fd full null ptmx pts random shm stderr stdin stdout tty urandom zero
    run:
    CapEff: 00000000a80407fb
    CapBnd: 00000000a80407fb
    CapAmb: 0000000000000000
    ");
    drop(outside);
    let seen = run_manager(&fixture, &script.replace("-c 1 /zero", "-c 1 /none"));
    assert_eq!(seen.trim_end().replace('\t', " "), report.trace.tail);
}

/// What a program of the head node is left that works on a root, and whoever has come to be it: the image.
#[test]
fn beside_a_root_nothing_else_can_be_changed() {
    if !tools::is_root() {
        return;
    }
    let fixture = Fixture::new();
    let root = fixture.root(IMAGE).0;
    let outside = fixture.path().join("outside");
    fs::write(&outside, "of the head node").unwrap();
    let script = format!(
        "echo x > {outside}; echo x > /etc/opm-was-here; echo x > /usr/opm-was-here; mknod {root}/disk b 254 0
cat {outside} && echo ' is read'
echo x > {root}/written && echo the root is written
echo x > /var/tmp/opm-was-here && echo scratch is written
echo x > /tmp/opm-was-here && echo /tmp is written
head -c 1 {root}/disk > /dev/null && echo the disk was opened
mount -t tmpfs none {root}/tmp && echo something was mounted
mount -o remount,rw / && echo the head node can be written
chroot /proc/1/root /bin/sh -c 'echo x > {outside}' && echo written through the first process
(echo x > /proc/sys/kernel/domainname) && echo the kernel is told
cd /proc; for it in [0-9]*; do [ $it -gt 40 ] && echo process $it; done
echo run: $(ls /run)
",
        outside = outside.display(),
        root = root.display(),
    );
    let mut launcher = Command::new(env!("CARGO_BIN_EXE_launcher"));
    launcher.arg("--beside").arg(&root).args(["--", "/bin/sh", "-c", &script]);
    let ended = process::run(&mut launcher);
    insta::assert_snapshot!(ended.stdout, @r"
    of the head node is read
    the root is written
    scratch is written
    /tmp is written
    run: mount
    ");
    assert_eq!(fs::read_to_string(&outside).unwrap(), "of the head node");
    for path in ["/etc/opm-was-here", "/usr/opm-was-here", "/var/tmp/opm-was-here", "/tmp/opm-was-here"] {
        assert!(!Path::new(path).exists(), "{path}");
    }
    assert!(root.join("written").exists() && root.join("disk").exists());
}

#[test]
fn what_is_compiled_is_compiled_in_the_hooks_time() {
    let mut fixture = Fixture::new();
    fixture.config.limits.hook = std::time::Duration::from_millis(1);
    let component = crate::component_builder::ComponentBuilder::default().log_line("compiled").build();
    let path = fixture.server().write_hook("api-post-deploy.wasm", "");
    fs::write(&path, component).unwrap();
    let mut options = fixture.options();
    options.plugin_options.cache = None;
    options.plugin_options.compiler =
        Some(vec![env!("CARGO_BIN_EXE_launcher").into(), "compile-component".into()]);
    let run = |fixture: &Fixture, options| {
        let system = opkg_opm::System::new(fixture.config.clone(), options);
        system.run_hook(&fixture.cluster, &fixture.hook_step(Hook::PostDeploy), RunId(7))
    };
    let report = run(&fixture, options.clone());
    let reason = crate::fixture::failure_reason(&report);
    assert!(reason.contains("takes longer than 0.001 s to be compiled"), "{reason}");
    fixture.config.limits.hook = std::time::Duration::from_secs(600);
    assert_eq!(run(&fixture, options).trace.tail, "compiled");
}

#[test]
fn nothing_outlives_the_program_in_a_root() {
    let fixture = Fixture::new();
    let seconds = format!("{}.25", 70_000 + std::process::id());
    let report = run_hook(&fixture, &format!("#!/bin/sh\nsleep {seconds} > /dev/null 2>&1 &\n"));
    assert_eq!(report.outcome, Ok(()));
    let is_it = |process: &Path| {
        fs::read(process.join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(&seconds))
    };
    let left = || fs::read_dir("/proc").unwrap().flatten().any(|process| is_it(&process.path()));
    // The kernel kills them with the first process, and takes a moment for it.
    let gone = (0..1000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        !left()
    });
    assert!(gone);
}

#[test]
fn names_of_hosts_are_the_head_nodes_while_it_works() {
    let head = |file: &str| fs::read_to_string(file).unwrap_or_default();
    if head("/etc/resolv.conf").is_empty() {
        return tools::skip("this machine has no /etc/resolv.conf");
    }
    let script = "#!/bin/sh\ncat /etc/resolv.conf\necho --\n[ -e /etc/hosts ] && cat /etc/hosts\n\
                  (echo x >> /etc/resolv.conf) 2> /dev/null && echo written\n";
    let expected = format!("{}--\n{}", head("/etc/resolv.conf"), head("/etc/hosts"));
    type Prepare = fn(&Path);
    let ways: [(&str, Prepare); 4] = [
        ("missing", |_| {}),
        ("empty", |etc| fs::write(etc.join("resolv.conf"), "").unwrap()),
        ("of its own", |etc| fs::write(etc.join("resolv.conf"), "nameserver 192.0.2.1\n").unwrap()),
        ("a link to what is not there", |etc| {
            symlink("../run/systemd/resolve/stub-resolv.conf", etc.join("resolv.conf")).unwrap();
        }),
    ];
    for (what, make) in ways {
        let fixture = Fixture::new();
        let root = fixture.root(IMAGE);
        make(&root.0.join("etc"));
        let link = fs::read_link(root.0.join("etc/resolv.conf")).ok();
        let before = fs::read(root.0.join("etc/resolv.conf")).ok();
        let seen = run_manager(&fixture, script);
        assert_eq!(seen, expected, "{what}");
        assert_eq!(fs::read(root.0.join("etc/resolv.conf")).ok(), before, "{what}");
        assert_eq!(fs::read_link(root.0.join("etc/resolv.conf")).ok(), link, "{what}");
        assert!(
            !root.0.join("etc/hosts").exists() && fs::read_dir(root.0.join("run")).unwrap().next().is_none()
        );
        // One that a run which was killed has left is taken for what it is.
        if what == "missing" {
            let placeholder = "# opm puts the head node's file here while it works\n";
            fs::write(root.0.join("etc/resolv.conf"), placeholder).unwrap();
            assert_eq!(run_manager(&fixture, script), expected);
            assert!(!root.0.join("etc/resolv.conf").exists());
        }
    }
    let fixture = Fixture::new();
    fs::write(fixture.root(IMAGE).0.join("etc/hosts"), "192.0.2.7 mine\n").unwrap();
    assert!(run_manager(&fixture, script).ends_with("--\n192.0.2.7 mine\n"), "its own hosts stay");
}

#[test]
fn links_in_a_root_take_the_resolver_nowhere_else() {
    let fixture = Fixture::new();
    let etc = fixture.root(IMAGE).0.join("etc");
    for target in
        ["passwd-of-its-own", "../var/lib/nothing", "/dev/../etc/cron", "../../../../../etc/outside"]
    {
        let _ = fs::remove_file(etc.join("resolv.conf"));
        symlink(target, etc.join("resolv.conf")).unwrap();
        let before = fixture.root(IMAGE).entries();
        run_manager(&fixture, "#!/bin/sh\ncat /etc/resolv.conf\n");
        let mut after = fixture.root(IMAGE).entries();
        after.retain(|path| {
            !["seen", "usr/bin/apt-get", "usr/bin/dpkg", "usr/bin/dpkg-query", "etc/os-release"]
                .iter()
                .any(|own| path == Path::new(own))
        });
        assert!(after.is_subset(&before), "{target}: {:?}", after.difference(&before));
    }
}

#[test]
fn a_list_of_nodes_of_any_length() {
    let mut fixture = Fixture::new();
    let script = "#!/bin/sh\necho ${OPM_NODES-unset} $(grep -c '^node' $OPM_NODES_FILE)\n";
    assert_eq!(run_hook(&fixture, script).trace.tail, "node1 1");
    for number in 2..=40_000 {
        let address = format!("client:node{number:05}").parse().unwrap();
        let id = TargetId(100 + number);
        fixture.cluster.targets.insert(id, Target { id, address, root: None, image: None });
    }
    let report = run_hook(&fixture, script);
    assert_eq!((report.outcome, report.trace.tail.as_str()), (Ok(()), "unset 40000"));
}
