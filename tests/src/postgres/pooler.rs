//! A pooler in front of the server of the tests.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::ServerDatabase;
use crate::tools;

/// A pooler in transaction mode, whose connections to the server are fewer than its clients.
#[derive(Debug)]
pub struct Pooler {
    process: Child,
    port: u16,
    database: String,
    _directory: tempfile::TempDir,
}

impl Pooler {
    /// One with that many connections to a database; nothing, saying so, where there is no such program.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(database: &ServerDatabase, connections: usize) -> Option<Self> {
        if !tools::all_installed(&["pgbouncer", "setpriv"]) {
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let socket = database.socket();
        let name = database.name();
        let settings = format!(
            "[databases]\n{name} = host={} port={} user=opm\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n\
             default_pool_size = {connections}\n",
            socket.parent().unwrap().display(),
            socket.to_string_lossy().rsplit('.').next().unwrap(),
        );
        // It refuses to run as root, and is told its settings as its standard input.
        let file = directory.path().join("settings");
        fs_err::write(&file, settings).unwrap();
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid=nobody",
            "--regid=nogroup",
            "--clear-groups",
            "pgbouncer",
            "-q",
            "/dev/stdin",
        ]);
        command.stdin(fs_err::File::open(&file).unwrap().into_parts().0);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap();
        let pooler = Self { process, port, database: name.to_owned(), _directory: directory };
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(pooler);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the pooler does not start");
    }

    /// The address of the database through it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("postgres://opm@127.0.0.1:{}/{}?sslmode=disable", self.port, self.database)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
