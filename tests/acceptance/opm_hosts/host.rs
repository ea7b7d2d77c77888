//! A machine with a network, processes and a system of its own.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use opkg_tests::roots::chroot::SystemRoot;
use opkg_tests::{opm, process};

use super::system::System;

/// Nothing here takes so long, unless something is wrong.
const TIMEOUT: Duration = Duration::from_secs(240);

/// Stands in for `dpkg`, tells when it installs or removes something, and waits until it may go on.
const HELD_DPKG: &str = r#"#!/bin/sh
case "$*" in
  *--unpack* | *--remove* | *--purge*)
    echo "$*" >> /begun
    while [ -e /hold ]; do sleep 0.1; done ;;
esac
exec /usr/bin/dpkg.real "$@"
"#;

/// A machine: its network has one cable, to the machine of the server.
pub struct Host {
    pub name: &'static str,
    namespace: String,
    /// Its end of the cable, on the machine of the server.
    link: String,
    pub system: System,
    watch: Option<Child>,
}

impl Host {
    /// A machine of that kind. `database` says where that is, to a machine that reaches the server under the given address.
    pub fn new(name: &'static str, kind: &str, system: System, database: &dyn Fn(&str) -> String) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let id = std::process::id();
        let (namespace, link) = (format!("opm-{id}-{number}"), format!("op{id}-{number}"));
        let host = Self { name, namespace, link, system, watch: None };
        // Another one than those of tests that were killed.
        let network = id % 25 * 10 + number;
        assert!(number <= 10, "no more networks");
        let (near, far) = (format!("10.213.{network}.1"), format!("10.213.{network}.2/24"));
        ip(&format!("netns add {}", host.namespace));
        ip(&format!("link add {} type veth peer name eth0 netns {}", host.link, host.namespace));
        ip(&format!("addr add {near}/24 dev {}", host.link));
        ip(&format!("link set {} up", host.link));
        host.ip(&format!("addr add {far} dev eth0"));
        host.ip("link set lo up");
        host.set_link("up");
        let root = host.root();
        fs_err::copy(opm::program(), root.resolve("/usr/bin/opm")).unwrap();
        root.write("/etc/opm.conf", &format!("{kind}\n{name}\n"));
        let (address, packages) = (database(&near), host.system.packages());
        root.write(
            "/etc/opm/opm.toml",
            &format!("database = \"{address}\"\n[[repository]]\nlocation = \"{packages}\"\nunauthenticated = true\n"),
        );
        host
    }

    pub fn root(&self) -> &SystemRoot {
        self.system.root()
    }

    fn ip(&self, arguments: &str) {
        ip(&format!("-n {} {arguments}", self.namespace));
    }

    /// From now on the clocks of its programs are an hour ahead.
    pub fn set_clock_wrong(&self) {
        let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
        fs_err::copy(library, self.root().resolve("/libfaketime.so")).unwrap();
    }

    /// Plugs the cable in, or pulls it.
    pub fn set_link(&self, state: &str) {
        self.ip(&format!("link set eth0 {state}"));
    }

    /// A command on this machine.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace, "unshare", "--mount", "--pid", "--uts", "--fork"]);
        command.args(["--kill-child", "sh", "-ec"]);
        command.arg(
            "hostname \"$1\"; root=$2; clock=; shift 2
            mount --rbind \"$root\" \"$root\"
            mount -t proc proc \"$root/proc\"
            [ -c \"$root/dev/null\" ] || mount --rbind /dev \"$root/dev\"
            [ ! -e \"$root/libfaketime.so\" ] || clock='LD_PRELOAD=/libfaketime.so FAKETIME=+1h'
            exec env -i PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin chroot \"$root\" env $clock \"$@\"",
        );
        command.args(["sh", self.name]).arg(self.root().path()).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    pub fn opm(&self, arguments: &[&str]) -> String {
        process::run_successfully(&mut self.command(&[&["opm"], arguments].concat()))
    }

    /// What a command says that is to fail.
    pub fn opm_fails(&self, arguments: &[&str]) -> String {
        let ended = process::run(&mut self.command(&[&["opm"], arguments].concat()));
        assert_ne!(ended.code, Some(0), "{arguments:?}: {}", ended.combined_output());
        ended.stderr
    }

    pub fn start_watch(&mut self) {
        let mut watch = self.command(&["opm", "watch", "--interval", "5s"]);
        let log = fs_err::File::create(self.root().resolve("/watch.log")).unwrap();
        watch.stdout(Stdio::null()).stderr(log.into_parts().0);
        self.watch = Some(watch.spawn().unwrap());
    }

    /// Ends all of its processes, as a machine that loses its power does.
    pub fn kill(&mut self) {
        // Nothing that could panic: it is called while a test fails as well.
        for process in
            process::run(Command::new("ip").args(["netns", "pids", &self.namespace])).stdout.lines()
        {
            let _ = Command::new("kill").args(["-9", process]).stderr(Stdio::null()).status();
        }
        if let Some(mut watch) = self.watch.take() {
            let _ = watch.wait();
        }
    }

    /// Has `dpkg` wait from now on, until [`Host::go_on`].
    pub fn hold(&self) {
        self.root().write("/hold", "");
        let (usual, real) = ("/usr/bin/dpkg", "/usr/bin/dpkg.real");
        if !self.root().resolve(real).exists() {
            fs_err::rename(self.root().resolve(usual), self.root().resolve(real)).unwrap();
            self.root().write(usual, HELD_DPKG);
            self.root().run_successfully(["chmod", "755", usual]);
        }
    }

    pub fn go_on(&self) {
        fs_err::remove_file(self.root().resolve("/hold")).unwrap();
    }

    /// What `opm watch` has said.
    pub fn watch_log(&self) -> String {
        fs_err::read_to_string(self.root().resolve("/watch.log")).unwrap_or_default()
    }

    /// How often `dpkg` began to install or remove something since it was put on hold first.
    pub fn begun(&self) -> usize {
        fs_err::read_to_string(self.root().resolve("/begun")).unwrap_or_default().lines().count()
    }

    /// The version of the client part of the example, where that is there.
    pub fn version(&self) -> Option<String> {
        self.system.installed_version("opkg-hello-cluster-client")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: {}", self.name, self.watch_log());
        }
        self.kill();
        let _ = Command::new("ip").args(["netns", "del", &self.namespace]).status();
        let _ = Command::new("ip").args(["link", "del", &self.link]).stderr(Stdio::null()).status();
    }
}

fn ip(arguments: &str) {
    process::run_successfully(Command::new("ip").args(arguments.split(' ')));
}

pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < TIMEOUT, "{what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
