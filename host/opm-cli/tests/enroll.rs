//! Nodes with credentials of their own, and people with rights: what `opm enroll` and `opm access` print and do, with roles
//! that are no superusers, over a network that asks for passwords.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use fs_err as fs;
use opkg_tests::postgres::{ServerDatabase, has_server};
use tempfile::TempDir;

/// A head node whose `opm` owns the database, and directories of other machines.
struct Site {
    directory: TempDir,
    server: ServerDatabase,
}

impl Site {
    fn new() -> Option<Self> {
        if !has_server() {
            return None;
        }
        let site = Self { directory: tempfile::tempdir().unwrap(), server: ServerDatabase::new() };
        let name = site.server.name();
        for statement in [
            format!("CREATE ROLE {name}_owner LOGIN CREATEROLE PASSWORD 'of the owner'"),
            format!("ALTER DATABASE {name} OWNER TO {name}_owner"),
            format!("CREATE ROLE {name}_otto LOGIN PASSWORD 'of otto'"),
            format!("CREATE ROLE {name}_vera LOGIN PASSWORD 'of vera'"),
        ] {
            site.server.sql(&statement);
        }
        for machine in ["head", "node1", "node2", "desk"] {
            fs::create_dir_all(site.machine(machine).join("etc")).unwrap();
        }
        site.settings("head", &site.address("owner"));
        for node in ["node1", "node2"] {
            site.settings(
                node,
                &site.server.network_address("", "127.0.0.1", "sslmode=require").replace("//@", "//"),
            );
        }
        let passwords =
            ["owner", "otto", "vera"].map(|role| format!("*:*:*:{name}_{role}:of {role}\n")).concat();
        let passwords = passwords.replace("of owner", "of the owner");
        for machine in ["head", "desk"] {
            let path = site.machine(machine).join(".pgpass");
            fs::write(&path, &passwords).unwrap();
            fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
        }
        site.run_ok("head", &["init", "--name", "head", "--root", "/"]);
        site.run_ok("head", &["target", "add", "client:node[1-3]"]);
        site.run_ok("head", &["request", "--new", "munge", "--on", "clients"]);
        Some(site)
    }

    fn machine(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn address(&self, role: &str) -> String {
        let role = format!("{}_{role}", self.server.name());
        self.server.network_address(&role, "127.0.0.1", "sslmode=require")
    }

    fn settings(&self, machine: &str, database: &str) {
        fs::write(self.machine(machine).join("etc/opm.toml"), format!("database = \"{database}\"\n"))
            .unwrap();
    }

    fn run(&self, machine: &str, arguments: &[&str]) -> Output {
        self.command(machine).args(arguments).output().unwrap()
    }

    fn command(&self, machine: &str) -> Command {
        let directory = self.machine(machine);
        let mut command = Command::new(env!("CARGO_BIN_EXE_opm"));
        command
            .current_dir(&directory)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &directory)
            .env("COLUMNS", "100")
            .env("SUDO_USER", "ada")
            .env("OPM_CONF", directory.join("opm.conf"))
            .env("OPM_SETTINGS", directory.join("etc"))
            .stdin(Stdio::null());
        command
    }

    fn run_ok(&self, machine: &str, arguments: &[&str]) -> String {
        let output = self.run(machine, arguments);
        assert!(
            output.status.success(),
            "{machine} {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a command says, without what differs from run to run, and how it ends.
    fn transcript(&self, machine: &str, arguments: &[&str]) -> String {
        let output = self.run(machine, arguments);
        let said = format!(
            "{machine}$ opm {}\n{}{}[{}]\n",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
            output.status.code().unwrap()
        );
        let (_, port) =
            self.address("x").rsplit_once(":").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let port = port.split('/').next().unwrap().to_owned();
        said.replace(self.server.name(), "site")
            .replace(&port, "PORT")
            .replace(&*self.directory.path().to_string_lossy(), "")
            .lines()
            .map(|line| mask(line) + "\n")
            .collect()
    }
}

/// Hides times, machines and secrets.
fn mask(line: &str) -> String {
    let words = line.split(' ').map(|word| {
        let is_date = word.len() == 10 && word.bytes().filter(|byte| *byte == b'-').count() == 2;
        let is_time = word.len() == 8 && word.bytes().filter(|byte| *byte == b':').count() == 2;
        match word.split_once(':') {
            _ if is_date => "DATE".to_owned(),
            _ if is_time => "TIME".to_owned(),
            Some((role, secret)) if role.starts_with("site_") && secret.len() == 32 => {
                format!("{role}:SECRET")
            }
            _ => word.to_owned(),
        }
    });
    let line = words.collect::<Vec<_>>().join(" ");
    match line.split_once("  machine ") {
        Some((before, _)) => format!("{before}  machine MACHINE"),
        None => line,
    }
}

#[test]
fn a_node_gets_credentials_and_loses_them() {
    let Some(site) = Site::new() else { return };
    let mut told = site.transcript("node1", &["enroll", "node", "--name", "node1"]);
    told += &site.transcript("head", &["enroll", "list"]);
    told += &site.transcript("head", &["enroll", "open", "server:head"]);
    told += &site.transcript("head", &["enroll", "open", "node[1-2]", "--for", "30m"]);
    let token = site.machine("node1").join("etc/enroll-token");
    site.run_ok("head", &["enroll", "open", "node1", "--output", token.to_str().unwrap()]);
    assert_eq!(fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
    fs::copy(&token, site.machine("node2").join("etc/enroll-token")).unwrap();
    told += &site.transcript("node2", &["enroll", "node", "--name", "node2"]);
    told += &site.transcript("node1", &["enroll", "node", "--name", "node1"]);
    told += &site.transcript("node2", &["enroll", "node", "--name", "node1"]);
    told += &site.transcript("head", &["enroll", "list"]);
    told += &site.transcript("node1", &["target", "list"]);
    told += &site.transcript("node1", &["status"]);
    told += &site.transcript("node1", &["request", "munge"]);
    told += &site.transcript("node1", &["target", "remove", "node2"]);
    told += &site.transcript("node1", &["enroll", "renew"]);
    told += &site.transcript("node1", &["target", "list"]);
    told += &site.transcript("head", &["enroll", "revoke", "clients"]);
    told += &site.transcript("node1", &["target", "list"]);
    told += &site.transcript("head", &["enroll", "close"]);
    told += &site.transcript("head", &["enroll", "close", "site_enroll_9"]);
    insta::assert_snapshot!(told);
}

#[test]
fn credentials_that_were_being_renewed_when_the_power_failed() {
    let Some(site) = Site::new() else { return };
    let etc = site.machine("node1").join("etc");
    let token = etc.join("enroll-token");
    site.run_ok("head", &["enroll", "open", "node1", "--output", token.to_str().unwrap()]);
    site.run_ok("node1", &["enroll", "node", "--name", "node1"]);
    let (old, new) = (etc.join("credentials"), etc.join("credentials.new"));
    let first = fs::read_to_string(&old).unwrap();
    // Before the server was told: what it does not know is thrown away.
    fs::write(&new, first.replace(':', ":x")).unwrap();
    fs::set_permissions(&new, PermissionsExt::from_mode(0o600)).unwrap();
    site.run_ok("node1", &["target", "list"]);
    assert!(!new.exists());
    // Afterwards: what it knows counts.
    site.run_ok("node1", &["enroll", "renew"]);
    let second = fs::read_to_string(&old).unwrap();
    assert_ne!(first, second);
    fs::rename(&old, &new).unwrap();
    fs::write(&old, &first).unwrap();
    fs::set_permissions(&old, PermissionsExt::from_mode(0o600)).unwrap();
    site.run_ok("node1", &["target", "list"]);
    assert_eq!(fs::read_to_string(&old).unwrap(), second);
    // Others can read them.
    fs::set_permissions(&old, PermissionsExt::from_mode(0o644)).unwrap();
    let said = site.transcript("node1", &["target", "list"]);
    assert!(said.contains("others can read /node1/etc/credentials, so it is not used"), "{said}");
}

#[test]
fn a_watch_enrolls_by_itself() {
    let Some(site) = Site::new() else { return };
    let token = site.machine("node2").join("etc/enroll-token");
    site.run_ok("head", &["enroll", "open", "node2", "--every-boot", "--output", token.to_str().unwrap()]);
    fs::write(site.machine("node2").join("opm.conf"), "client\nnode2\n").unwrap();
    for boot in 0..2 {
        let credentials = site.machine("node2").join("etc/credentials");
        let mut watch = Command::new(env!("CARGO_BIN_EXE_opm"))
            .args(["watch", "--interval", "1s"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("OPM_CONF", site.machine("node2").join("opm.conf"))
            .env("OPM_SETTINGS", site.machine("node2").join("etc"))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..600 {
            if credentials.exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        watch.kill().unwrap();
        watch.wait().unwrap();
        assert!(site.run_ok("node2", &["target", "list"]).contains("client:node2"), "boot {boot}");
        // It keeps nothing.
        fs::remove_file(&credentials).unwrap();
    }
}

/// Credentials that are void, and a token: the database was put there anew, or the node let in again.
#[test]
fn a_node_comes_up_by_itself_again() {
    let Some(site) = Site::new() else { return };
    let node = site.machine("node1");
    let (token, credentials) = (node.join("etc/enroll-token"), node.join("etc/credentials"));
    let conf = node.join("opm.conf");
    let open = || site.run_ok("head", &["enroll", "open", "node1", "--output", token.to_str().unwrap()]);
    let watch_until = |is_up: &dyn Fn() -> bool| {
        let mut watch = site.command("node1").args(["watch", "--interval", "1s"]).spawn().unwrap();
        for _ in 0..600 {
            if is_up() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        watch.kill().unwrap();
        watch.wait().unwrap();
        assert!(is_up());
    };
    open();
    site.run_ok("node1", &["enroll", "node", "--name", "node1"]);
    let first = fs::read_to_string(&credentials).unwrap();
    site.run_ok("head", &["enroll", "revoke", "node1"]);
    let refused = site.transcript("node1", &["status"]);
    assert!(refused.contains("`opm enroll node` gets new ones for a token"), "{refused}");
    open();
    watch_until(&|| fs::read_to_string(&credentials).unwrap() != first);
    site.run_ok("node1", &["status"]);
    // The server was put there anew, without its roles.
    assert!(!site.run_ok("head", &["enroll", "list"]).contains("its role is missing"));
    let second = fs::read_to_string(&credentials).unwrap();
    let (role, _) = second.split_once(':').unwrap();
    site.server.sql(&format!("DROP ROLE {role}"));
    assert!(site.run_ok("head", &["enroll", "list"]).contains("its role is missing: it has to enroll anew"));
    open();
    watch_until(&|| fs::read_to_string(&credentials).unwrap() != second);
    site.run_ok("node1", &["status"]);
    // The power failed between credentials and the file, or the disk was full.
    for lose in [|conf: &Path| fs::write(conf, "").unwrap(), |conf: &Path| fs::remove_file(conf).unwrap()] {
        lose(&conf);
        watch_until(&|| fs::read_to_string(&conf).is_ok_and(|text| text == "client\nnode1\n"));
    }
    // Where it cannot be written, the token is not used up.
    fs::remove_file(&credentials).unwrap();
    open();
    let nowhere = node.join("nowhere/opm.conf");
    let failed =
        site.run("node1", &["enroll", "node", "--name", "node1", "--conf", nowhere.to_str().unwrap()]);
    assert_eq!(failed.status.code(), Some(2));
    site.run_ok("node1", &["enroll", "node"]);
}

#[test]
fn people_have_rights() {
    let Some(site) = Site::new() else { return };
    let name = site.server.name().to_owned();
    let (otto, vera) = (format!("{name}_otto"), format!("{name}_vera"));
    fs::write(site.machine("desk").join("opm.conf"), "server\nhead\n").unwrap();
    let mut told = site.transcript("head", &["access", "list"]);
    told += &site.transcript("head", &["access", "grant", &otto, "operator"]);
    told += &site.transcript("head", &["access", "grant", &vera, "viewer"]);
    told += &site.transcript("head", &["access", "grant", "nobody-there", "viewer"]);
    told += &site.transcript("head", &["access", "list"]);
    for person in ["vera", "otto"] {
        site.settings("desk", &site.address(person));
        told += &format!("# {person}\n");
        for arguments in [
            &["status"][..],
            &["request", "--new", "torque", "--on", "node1"],
            &["clear", "munge", "--on", "node1"],
            &["rerun", "munge", "--stage", "post-install", "--on", "clients"],
            &["hold", "munge"],
            &["phase", "set", "--force", "build_image"],
            &["target", "remove", "node3"],
            &["export"],
            &["enroll", "open", "node1"],
            &["access", "list"],
            &["access", "grant", &vera, "administrator"],
            &["run"],
        ] {
            told += &site.transcript("desk", arguments);
        }
    }
    told += &site.transcript("head", &["access", "revoke", &otto]);
    told += &site.transcript("desk", &["status"]);
    told += "# all that was asked for, oldest last\n";
    let commands = site.transcript("head", &["history", "--commands"]);
    for line in commands.lines().filter(|line| line.starts_with("DATE")) {
        let (_, rest) = line.split_once("  ").unwrap();
        told += &rest.replace(&host_name(), "HOST");
        told += "\n";
    }
    insta::assert_snapshot!(told);
}

/// A server of pages behind a proxy, which is ended when this is dropped.
struct Pages {
    process: Child,
    socket: PathBuf,
}

impl Pages {
    fn new(site: &Site) -> Self {
        let socket = site.machine("head").join("socket");
        let listen = format!("unix:{}", socket.display());
        let options =
            ["--trust-header", "x-remote-user", "--public-url", "http://pages", "--listen", &listen];
        let mut process =
            site.command("head").arg("web").args(options).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "http://pages\n");
        Self { process, socket }
    }

    /// The status and the text of the answer to somebody.
    fn ask(&self, person: &str, request: &str, form: &str) -> (u16, String) {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        let length = form.len();
        let request = format!(
            "{request} HTTP/1.1\r\nHost: pages\r\nX-Remote-User: {person}\r\nSec-Fetch-Site: same-origin\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_browser_knows_the_same_rights() {
    let Some(site) = Site::new() else { return };
    let name = site.server.name().to_owned();
    let (otto, vera) = (format!("{name}_otto"), format!("{name}_vera"));
    let database = site.address("owner");
    let settings =
        format!("database = \"{database}\"\n[web.people]\n{otto} = \"administrator\"\neve = \"viewer\"\n");
    fs::write(site.machine("head").join("etc/opm.toml"), settings).unwrap();
    for (person, rights) in [(&otto, "operator"), (&vera, "viewer")] {
        site.run_ok("head", &["access", "grant", person, rights]);
    }
    let pages = Pages::new(&site);
    for (person, path, status) in [
        (otto.as_str(), "/requests", 200),
        // The server of the database says less than the settings, and comes first.
        (&otto, "/forms", 403),
        (&vera, "/", 200),
        (&vera, "/requests", 403),
        ("eve", "/", 200),
        ("mallory", "/", 403),
        // The owner is nobody who was given rights.
        (&format!("{name}_owner"), "/", 403),
    ] {
        assert_eq!(pages.ask(person, &format!("GET {path}"), "").0, status, "{person} {path}");
    }
    let (_, html) = pages.ask(&otto, "GET /requests", "");
    let token = html.split("name=\"form\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(pages.ask(&otto, "POST /hold", &format!("form={token}&packages=munge")).0, 303);
    let commands = site.run_ok("head", &["history", "--commands", "--format", "json"]);
    let newest = commands.split('}').next().unwrap();
    for part in
        [format!("\"who\": \"{otto}\""), format!("\"role\": \"{name}_owner\""), "opm web: hold munge".into()]
    {
        assert!(newest.contains(&part), "{part}: {newest}");
    }
}

fn host_name() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned()
}

#[test]
fn a_file_has_no_roles() {
    let directory = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_opm"))
            .args(["--database", "oda.db"])
            .args(arguments)
            .current_dir(directory.path())
            .env_clear()
            .env("OPM_CONF", directory.path().join("opm.conf"))
            .env("OPM_SETTINGS", directory.path().join("etc"))
            .output()
            .unwrap();
        format!("{}[{}]\n", String::from_utf8_lossy(&output.stderr), output.status.code().unwrap())
    };
    run(&["init", "--name", "head", "--root", "."]);
    insta::assert_snapshot!(run(&["enroll", "list"]) + &run(&["access", "list"]), @r"
    error: the database oda.db is a file, for whoever may read and write it
      help: `opm copy` moves a cluster to a server of PostgreSQL, where there are roles
    [2]
    error: the database oda.db is a file, for whoever may read and write it
      help: `opm copy` moves a cluster to a server of PostgreSQL, where there are roles
    [2]
    ");
}
