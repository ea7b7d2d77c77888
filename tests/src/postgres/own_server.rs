//! A server of a test's own, which may be killed, and whose replica may take over.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::{process, tools};

/// Whom the server lets in: everybody here, and the hosts that tests make.
const HBA: &str = "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 trust\n\
                   host all all 10.213.0.0/16 trust\n";

/// A server of PostgreSQL, or a replica of one. It keeps what it was told when it is killed.
#[derive(Debug)]
pub struct OwnServer {
    /// Of this server alone; its socket is there as well.
    directory: PathBuf,
    port: u16,
}

impl OwnServer {
    /// One that runs with further settings, a line each; nothing, saying so, where the programs are missing.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_with(settings: &str) -> Option<Self> {
        let server = Self::create(&[])?;
        server.write("data/postgresql.auto.conf", settings);
        server.start();
        Some(server)
    }

    /// One that runs, and waits for a replica with every commit; nothing, saying so, where the programs are missing.
    ///
    /// # Panics
    /// When one of the two does not start.
    #[must_use]
    pub fn start_with_replica() -> Option<(Self, Self)> {
        let (primary, replica) = (Self::create(&[])?, Self::new());
        let data = primary.data();
        run_as_user(&["cp", "-a", &data, &replica.data()]);
        let follow = format!(
            "primary_conninfo = 'host={} port={} user=opm application_name=replica'\n",
            primary.directory.display(),
            primary.port
        );
        replica.write("data/postgresql.auto.conf", &follow);
        replica.write("data/standby.signal", "");
        primary.write("data/postgresql.auto.conf", "synchronous_standby_names = 'replica'\n");
        primary.start();
        replica.start();
        Some((primary, replica))
    }

    /// Not started yet; `options` are further ones of `initdb`.
    pub(super) fn create(options: &[&str]) -> Option<Self> {
        if !tools::all_installed(&["setpriv", "psql"]) || programs().is_none() {
            return None;
        }
        let server = Self::new();
        let data = server.data();
        let usual = ["-D", &data, "-U", "opm", "-A", "trust", "-E", "UTF8", "--no-sync"];
        server.run("initdb", &[&usual, options].concat());
        server.write("data/pg_hba.conf", HBA);
        Some(server)
    }

    fn new() -> Self {
        let directory = run_as_user(&["mktemp", "-d", "-p", "/tmp", "opkg-server.XXXXXX"]);
        // A port that is free now, and the kernel gives to nobody for a while.
        let listener = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
        Self { directory: directory.trim().into(), port: listener.local_addr().unwrap().port() }
    }

    /// The address of a database, through its socket.
    #[must_use]
    pub fn address(&self, database: &str) -> String {
        let directory = self.directory.display().to_string().replace('/', "%2F");
        format!("postgres://opm@{directory}:{}/{database}", self.port)
    }

    /// Where its data, its socket and its log are.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where it can be reached over the network.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it, again after it was killed.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(&self) {
        let options = format!(
            "-c full_page_writes=off -c listen_addresses='*' -c port={} \
             -c unix_socket_directories={}",
            self.port,
            self.directory.display()
        );
        let log = self.directory.join("log").display().to_string();
        let data = self.data();
        let program = programs().unwrap().join("pg_ctl").display().to_string();
        let start = [&program, "-D", &data, "-l", &log, "-w", "-t", "60", "start", "-o", &options];
        // What is left of one that was killed goes a moment later.
        for _ in 0..20 {
            if process::run(&mut as_user(&start)).code == Some(0) {
                return;
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        panic!("{}", fs_err::read_to_string(log).unwrap_or_default());
    }

    /// Ends all of its processes at once, as a loss of power does.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&self) {
        let pid = fs_err::read_to_string(self.directory.join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap();
        let children = process::run(Command::new("pgrep").args(["-P", pid])).stdout;
        process::run_successfully(Command::new("kill").args(["-9", pid]));
        for child in children.lines() {
            let _ = process::run(Command::new("kill").args(["-9", child]));
        }
    }

    /// Makes a replica the primary.
    ///
    /// # Panics
    /// When it is none.
    pub fn promote(&self) {
        self.run("pg_ctl", &["-D", &self.data(), "-w", "promote"]);
    }

    /// Runs statements in a database; returns what they print, a line for each row.
    ///
    /// # Panics
    /// When one fails.
    #[allow(clippy::must_use_candidate)] // most print nothing
    pub fn sql(&self, database: &str, statements: &str) -> String {
        let port = self.port.to_string();
        let mut psql = Command::new("psql");
        psql.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "opm", "-p", &port, "-h"]).arg(&self.directory);
        process::run_successfully(psql.args(["-d", database, "-c", statements]))
    }

    fn data(&self) -> String {
        self.directory.join("data").display().to_string()
    }

    /// Writes a file of the server's, below its directory.
    pub(super) fn write(&self, path: &str, text: &str) {
        let file = self.directory.join(path);
        run_as_user(&["sh", "-c", "printf %s \"$1\" > \"$2\"", "sh", text, &file.display().to_string()]);
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = programs().unwrap().join(program).display().to_string();
        run_as_user(&[&[program.as_str()], arguments].concat());
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        if self.directory.join("data/postmaster.pid").exists() {
            let program = programs().unwrap().join("pg_ctl").display().to_string();
            let _ = process::run(&mut as_user(&[&program, "-D", &self.data(), "-m", "immediate", "stop"]));
        }
        let _ = fs_err::remove_dir_all(&self.directory);
    }
}

/// A command as the user of servers, which refuse to run as root.
pub(super) fn as_user(command: &[&str]) -> Command {
    let mut program = Command::new("setpriv");
    program.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).args(command);
    program.current_dir("/");
    program
}

fn run_as_user(command: &[&str]) -> String {
    process::run_successfully(&mut as_user(command))
}

/// Where the programs of a server are, as `scripts/test-postgres` says.
pub(super) fn programs() -> Option<PathBuf> {
    std::env::var_os("OPKG_TEST_POSTGRES_PROGRAMS").map(PathBuf::from)
}
