//! A server whose data directory is on a disk that may lose power.

use std::path::PathBuf;
use std::process::Command;

use super::own_server::{OwnServer, as_user, programs};
use crate::disk::{self, Disk};
use crate::process;

/// Small, so that the disk is; with checkpoints while a test is at work.
const SETTINGS: &str = "listen_addresses = ''\nmax_connections = 20\nshared_buffers = 16MB\nmin_wal_size = 2MB\n\
                        max_wal_size = 2MB\n";

/// Starts a server, does something, and ends; whoever starts this ends the server with it, as a loss of power does.
const AROUND: &str = r#"
place=$1 directory=$2 programs=$3 port=$4
shift 4
rm -f "$place/data/postmaster.pid" "$directory"/.s.PGSQL.* "$directory/log" "$directory/ended"
{
  setpriv --reuid=postgres --regid=postgres --clear-groups "$programs/postgres" -D "$place/data"
  : > "$directory/ended"
} > "$directory/log" 2>&1 &
until "$programs/pg_isready" -q -h "$directory" -p "$port"; do
  if [ -e "$directory/ended" ]; then
    cat "$directory/log" >&2
    exit 3
  fi
  sleep 0.02
done
"$@"
"#;

/// A server of PostgreSQL on a disk. It is there as long as a program needs it.
#[derive(Debug)]
pub struct DiskServer {
    /// Never started. In its directory are the socket and the log of this one, and the place where the disk is mounted.
    own: OwnServer,
}

impl DiskServer {
    /// One with further settings, a line each, and the disk with its data directory on it; nothing, saying so, where the
    /// programs are missing.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn create(disk: Disk, settings: &str) -> Option<(Self, Disk)> {
        let own = OwnServer::create(&["--wal-segsize=1"])?;
        let socket =
            format!("port = {}\nunix_socket_directories = '{}'\n", own.port(), own.directory().display());
        own.write("data/postgresql.auto.conf", &format!("{SETTINGS}{socket}{settings}"));
        let server = Self { own };
        fs_err::create_dir(server.place()).unwrap();
        let data = server.own.directory().join("data");
        let copy = || process::run_successfully(Command::new("cp").arg("-a").arg(data).arg(server.place()));
        let (mut disk, _) = disk::with_mounted(disk, &server.place(), copy);
        disk.sync_all();
        Some((server, disk))
    }

    /// Where the disk is to be mounted.
    #[must_use]
    pub fn place(&self) -> PathBuf {
        self.own.directory().join("disk")
    }

    /// The address of its database, which is there from the beginning.
    #[must_use]
    pub fn address(&self) -> String {
        self.own.address("postgres")
    }

    /// Runs statements, while it is there; returns what they print, a line for each row.
    ///
    /// # Panics
    /// When one fails.
    #[allow(clippy::must_use_candidate)] // some print nothing
    pub fn sql(&self, statements: &str) -> String {
        self.own.sql("postgres", statements)
    }

    /// The same program, with the server started before; for [`disk::run`], which ends both at once. Where the server does not
    /// start, its log is what the program says.
    ///
    /// # Panics
    /// Where the programs of the server are missing.
    #[must_use]
    pub fn around(&self, program: &Command) -> Command {
        let mut around = Command::new("sh");
        around.args(["-c", AROUND, "sh"]).arg(self.place()).arg(self.own.directory());
        around.arg(programs().unwrap()).arg(self.own.port().to_string());
        around.arg(program.get_program()).args(program.get_args());
        around.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        around
    }

    /// Does something while the server is there, which is shut down in order afterwards.
    ///
    /// # Errors
    /// It does not start; what it says.
    pub fn while_running<T>(&self, work: impl FnOnce() -> T) -> Result<T, String> {
        // The number of its process is anybody's by now.
        let _ = fs_err::remove_file(self.place().join("data/postmaster.pid"));
        let log = self.own.directory().join("log");
        let _ = fs_err::remove_file(&log);
        let started = self.control(&["-l", &log.display().to_string(), "-t", "60", "start"]);
        if started.code != Some(0) {
            return Err(fs_err::read_to_string(log).unwrap_or_else(|_| started.combined_output()));
        }
        let _running = Running(self);
        Ok(work())
    }

    fn control(&self, arguments: &[&str]) -> process::ProcessOutput {
        let program = programs().unwrap().join("pg_ctl").display().to_string();
        let data = self.place().join("data").display().to_string();
        process::run(&mut as_user(&[&[&program, "-D", &data, "-w"], arguments].concat()))
    }
}

/// A server that is shut down when this is dropped.
struct Running<'a>(&'a DiskServer);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.control(&["-m", "fast", "stop"]);
    }
}
