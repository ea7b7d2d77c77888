//! A cluster of hosts: a head node and nodes with networks, processes and systems of their own, that have nothing in common
//! but a database on a server. Real packages; the network fails, nodes are killed and come back.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use opkg_tests::postgres::{ServerDatabase, has_server};
use opkg_tests::roots::chroot::SystemRoot;
use opkg_tests::{opm, process, scratch, tools};

use crate::debian_system::{DebianSystem, PACKAGES};

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
struct Host {
    name: &'static str,
    namespace: String,
    /// Its end of the cable, on the machine of the server.
    link: String,
    system: DebianSystem,
    watch: Option<Child>,
}

impl Host {
    /// The machine of that number and kind, that finds the database by its settings.
    fn new(name: &'static str, number: u8, kind: &str, database: &ServerDatabase) -> Option<Self> {
        let system = DebianSystem::new()?;
        let id = std::process::id();
        let (namespace, link) = (format!("opm-{id}-{number}"), format!("op{id}-{number}"));
        let host = Self { name, namespace, link, system, watch: None };
        // Another one than those of tests that were killed.
        let network = id % 80 * 3 + u32::from(number);
        let (near, far) = (format!("10.213.{network}.1"), format!("10.213.{network}.2/24"));
        ip(&format!("netns add {}", host.namespace));
        ip(&format!("link add {} type veth peer name eth0 netns {}", host.link, host.namespace));
        ip(&format!("addr add {near}/24 dev {}", host.link));
        ip(&format!("link set {} up", host.link));
        host.ip(&format!("addr add {far} dev eth0"));
        host.ip("link set lo up");
        host.set_link("up");
        let root = &host.system.root;
        fs_err::copy(opm::program(), root.resolve("/usr/bin/opm")).unwrap();
        root.write("/etc/opm.conf", &format!("{kind}\n{name}\n"));
        let owner = format!("{}_owner", database.name());
        let address = database.network_address(&owner, &near, "sslmode=disable&reconnect_timeout=5");
        // Nodes connect with credentials that they get themselves.
        let address = if kind == "server" { address } else { address.replace(&format!("{owner}@"), "") };
        root.write(
            "/etc/opm/opm.toml",
            &format!(
                "database = \"{address}\"\n[[repository]]\nlocation = \"{PACKAGES}\"\nunauthenticated = true\n"
            ),
        );
        Some(host)
    }

    fn root(&self) -> &SystemRoot {
        &self.system.root
    }

    fn ip(&self, arguments: &str) {
        ip(&format!("-n {} {arguments}", self.namespace));
    }

    /// Plugs the cable in, or pulls it.
    fn set_link(&self, state: &str) {
        self.ip(&format!("link set eth0 {state}"));
    }

    /// A command on this machine.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace, "unshare", "--mount", "--pid", "--uts", "--fork"]);
        command.args(["--kill-child", "sh", "-ec"]);
        command.arg(
            "hostname \"$1\"; root=$2; shift 2
            mount -t proc proc \"$root/proc\"
            [ -c \"$root/dev/null\" ] || mount --rbind /dev \"$root/dev\"
            exec env -i PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin chroot \"$root\" \"$@\"",
        );
        command.args(["sh", self.name]).arg(self.root().path()).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    fn opm(&self, arguments: &[&str]) -> String {
        process::run_successfully(&mut self.command(&[&["opm"], arguments].concat()))
    }

    /// What a command says that is to fail.
    fn opm_fails(&self, arguments: &[&str]) -> String {
        let ended = process::run(&mut self.command(&[&["opm"], arguments].concat()));
        assert_ne!(ended.code, Some(0), "{arguments:?}: {}", ended.combined_output());
        ended.stderr
    }

    fn start_watch(&mut self) {
        let mut watch = self.command(&["opm", "watch", "--interval", "5s"]);
        let log = fs_err::File::create(self.root().resolve("/watch.log")).unwrap();
        watch.stdout(Stdio::null()).stderr(log.into_parts().0);
        self.watch = Some(watch.spawn().unwrap());
    }

    /// Ends all of its processes, as a machine that loses its power does.
    fn kill(&mut self) {
        for process in
            process::run_successfully(Command::new("ip").args(["netns", "pids", &self.namespace])).lines()
        {
            let _ = Command::new("kill").args(["-9", process]).stderr(Stdio::null()).status();
        }
        if let Some(mut watch) = self.watch.take() {
            let _ = watch.wait();
        }
    }

    /// Has `dpkg` wait from now on, until [`Host::go_on`].
    fn hold(&self) {
        self.root().write("/hold", "");
        let (usual, real) = ("/usr/bin/dpkg", "/usr/bin/dpkg.real");
        if !self.root().resolve(real).exists() {
            fs_err::rename(self.root().resolve(usual), self.root().resolve(real)).unwrap();
            self.root().write(usual, HELD_DPKG);
            self.root().run_successfully(["chmod", "755", usual]);
        }
    }

    fn go_on(&self) {
        fs_err::remove_file(self.root().resolve("/hold")).unwrap();
    }

    /// What `opm watch` has said.
    fn watch_log(&self) -> String {
        fs_err::read_to_string(self.root().resolve("/watch.log")).unwrap_or_default()
    }

    /// How often `dpkg` began to install or remove something since it was put on hold first.
    fn begun(&self) -> usize {
        fs_err::read_to_string(self.root().resolve("/begun")).unwrap_or_default().lines().count()
    }

    /// Whether the client part of the example is there.
    fn has_package(&self) -> bool {
        self.query("${db:Status-Status}") == "installed"
    }

    /// What `dpkg` says of the client part of the example.
    fn query(&self, format: &str) -> String {
        self.root().run(["dpkg-query", "--show", "--showformat", format, "opkg-hello-cluster-client"]).stdout
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

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < TIMEOUT, "{what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// How many steps of a node ended like that: 0 done, 2 interrupted.
fn steps(database: &ServerDatabase, node: &str, verdict: u8) -> usize {
    let count = database.sql(&format!(
        "SELECT count(*) FROM opm.event JOIN opm.target ON target.id = event.target
        WHERE target.name = '{node}' AND verdict = {verdict}"
    ));
    count.trim().parse().unwrap()
}

/// The example, as it is later.
fn example_of_release(example: &Path, release: u32) -> PathBuf {
    let directory = scratch::create_directory("newer").join("hello-cluster");
    process::run_successfully(Command::new("cp").arg("-r").arg(example).arg(&directory));
    let config = directory.join("config.xml");
    let text = fs_err::read_to_string(&config).unwrap();
    assert!(text.contains("version=\"1.1-1\""));
    fs_err::write(&config, text.replacen("version=\"1.1-1\"", &format!("version=\"1.{release}-1\""), 1))
        .unwrap();
    directory
}

/// Whether nothing is left to be done on a node.
fn is_settled(database: &ServerDatabase, node: &str) -> bool {
    let left = database.sql(&format!(
        "SELECT count(*) FROM opm.state JOIN opm.target ON target.id = state.target
        LEFT JOIN opm.rerun ON rerun.target = state.target AND rerun.package = state.package
        WHERE target.name = '{node}' AND (requested <> current OR state <> 0 OR rerun.stage IS NOT NULL)"
    ));
    left.trim() == "0"
}

#[test]
fn nodes_fetch_their_work_whatever_happens_to_the_network_and_to_them() {
    if !has_server() || !tools::all_installed(&["ip", "unshare"]) {
        return;
    }
    let database = ServerDatabase::new();
    let name = database.name();
    database.sql(&format!("CREATE ROLE {name}_owner LOGIN CREATEROLE"));
    database.sql(&format!("ALTER DATABASE {name} OWNER TO {name}_owner"));
    let example = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/hello-cluster");
    let mut hosts = Vec::new();
    for (number, (name, kind)) in (1..).zip([("head", "server"), ("node1", "client"), ("node2", "client")]) {
        let Some(host) = Host::new(name, number, kind, &database) else { return };
        host.system.publish(std::slice::from_ref(&example));
        hosts.push(host);
    }
    let [head, node1, node2] = &mut hosts[..] else { unreachable!() };

    // From a request on the head node to packages on all. The network of a node is cut in the middle of its step for longer
    // than the server is waited for and keeps a claim; the step comes to its end meanwhile, and then the power goes.
    head.opm(&["init", "--name", "head"]);
    head.opm(&["target", "add", "client:node[1-2]"]);
    head.opm(&["phase", "set", "test_install"]);
    let token = head.opm(&["enroll", "open", "node[1-2]"]);
    for node in [&*node1, &*node2] {
        node.root().write("/etc/opm/enroll-token", &token);
        node.root().run_successfully(["chmod", "600", "/etc/opm/enroll-token"]);
    }
    node1.start_watch();
    node2.start_watch();
    node1.hold();
    head.opm(&["request", "hello-cluster"]);
    head.opm(&["run", "--quiet"]);
    wait_until("node1 is at work", || node1.begun() > 0);
    node1.set_link("down");
    let begun = node1.begun();
    node1.go_on();
    wait_until("node2 is done", || is_settled(&database, "node2"));
    wait_until("node1 keeps what it did", || node1.watch_log().contains("the database is away"));
    assert!(node1.has_package() && !is_settled(&database, "node1"), "nobody can know it yet");
    database.sql("UPDATE opm.engine SET seen = seen - interval '2 minutes'");
    node1.kill();
    node1.set_link("up");
    node1.start_watch();
    wait_until("node1 tells how it went", || is_settled(&database, "node1"));
    assert!(node2.has_package());
    let said = node1.watch_log();
    assert!(said.contains("delivered what was kept while the database was away: 1 step"), "{said}");
    assert_eq!([steps(&database, "node1", 0), steps(&database, "node2", 0)], [1, 1]);
    assert_eq!((steps(&database, "node1", 2), node1.begun()), (0, begun), "nothing was done twice");
    wait_until("claims have ended", || database.sql("SELECT count(*) FROM opm.claim") == "0\n");

    // Each is itself, whatever its files say.
    node2.root().write("/other.conf", "client\nnode1\n");
    let said = node2.opm_fails(&["run", "--conf", "/other.conf", "--target", "node1"]);
    assert!(said.contains("the database has no such target"), "{said}");
    let said = node2.opm_fails(&["request", "--new", "another", "--on", "node2"]);
    assert!(said.contains(" does not let this user do that"), "{said}");

    // One node is off during three upgrades; all sessions end in the middle of a step of the other one.
    node2.kill();
    for release in 2..5 {
        let newer = example_of_release(&example, release);
        for host in [&*head, &*node1, &*node2] {
            host.system.publish(std::slice::from_ref(&newer));
        }
        let before = node1.begun();
        node1.hold();
        head.opm(&["upgrade", "hello-cluster"]);
        head.opm(&["run", "--quiet"]);
        wait_until("node1 upgrades", || node1.begun() > before);
        database.sql(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        ));
        node1.go_on();
        wait_until("node1 is done", || is_settled(&database, "node1"));
        assert!(
            node1.query("${Version}").starts_with(&format!("1.{release}-1")),
            "{}",
            node1.query("${Version}")
        );
    }
    assert_eq!((steps(&database, "node1", 0), steps(&database, "node1", 2)), (4, 0), "each step once");
    assert!(node2.query("${Version}").starts_with("1.1-1"));
    let before = steps(&database, "node2", 0);
    node2.start_watch();
    wait_until("node2 has caught up", || is_settled(&database, "node2"));
    assert!(node2.query("${Version}").starts_with("1.4-1"), "{}", node2.query("${Version}"));
    assert_eq!(steps(&database, "node2", 0), before + 1, "straight to the latest");
    let begun = node1.begun();

    // One node is off, and another one loses its power in the middle of a step, and is back.
    node2.kill();
    node1.hold();
    head.opm(&["remove", "hello-cluster"]);
    head.opm(&["run", "--quiet"]);
    wait_until("node1 is at work again", || node1.begun() > begun);
    node1.kill();
    node1.go_on();
    // The lease of what it was runs out.
    database.sql("UPDATE opm.engine SET seen = seen - interval '2 minutes'");
    node1.start_watch();
    wait_until("node1 has removed it", || is_settled(&database, "node1"));
    assert!(!node1.has_package() && node2.has_package());
    assert_eq!(steps(&database, "node1", 2), 1, "the journal tells of the step that did not end");

    // A node that was off gets what came meanwhile when it is back, and the head node's part goes last.
    assert!(!is_settled(&database, "head"));
    node2.start_watch();
    wait_until("node2 has removed it", || is_settled(&database, "node2"));
    assert!(!node2.has_package());
    head.opm(&["run", "--quiet"]);
    assert!(is_settled(&database, "head"), "{}", head.opm(&["log"]));
    assert_eq!(database.sql("SELECT count(*) FROM opm.run WHERE ended IS NULL"), "0\n");
}
