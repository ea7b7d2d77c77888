//! Databases on the server that `scripts/test-postgres` starts for the tests.

mod disk_server;
mod own_server;
mod pooler;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

pub use disk_server::DiskServer;
pub use own_server::OwnServer;
pub use pooler::Pooler;

/// What the script says of the server that it started.
const SERVER: &str = "OPKG_TEST_POSTGRES";

/// Whether there is a server; where there is none, says so aloud.
#[must_use]
pub fn has_server() -> bool {
    if std::env::var_os(SERVER).is_some() {
        return true;
    }
    let required = std::env::var_os("OPKG_REQUIRE_TOOLS").is_some();
    assert!(!required, "no server of PostgreSQL for the tests, and $OPKG_REQUIRE_TOOLS is set");
    eprintln!("skipped: no server of PostgreSQL; `tests/run` starts one");
    false
}

/// The directory of the authority `ca.pem`, and of the certificate and key of the role `certified`.
#[must_use]
pub fn certificates() -> String {
    std::env::var("OPKG_TEST_CERTIFICATES").unwrap()
}

/// A database of a test, with nothing in it; it goes away with this.
#[derive(Debug)]
pub struct ServerDatabase {
    /// Without the name of a database.
    server: String,
    name: String,
}

impl ServerDatabase {
    /// Makes one.
    #[must_use]
    #[allow(clippy::new_without_default)] // it does something
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        let server = std::env::var(SERVER).unwrap();
        run_sql(&server, "postgres", &format!("CREATE DATABASE {name}"));
        Self { server, name }
    }

    /// Its name on the server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address, through the socket of the server.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}/{}", self.server, self.name)
    }

    /// Its address over the network.
    #[must_use]
    pub fn network_address(&self, role: &str, host: &str, parameters: &str) -> String {
        let (_, port) = self.server.rsplit_once(':').unwrap();
        format!("postgres://{role}@{host}:{port}/{}?{parameters}", self.name)
    }

    /// Its address through the socket, as a role that needs no password there.
    #[must_use]
    pub fn address_as(&self, role: &str) -> String {
        let (_, place) = self.server.split_once('@').unwrap();
        format!("postgres://{role}@{place}/{}", self.name)
    }

    /// The socket of the server.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        let (_, place) = self.server.split_once('@').unwrap();
        let (directory, port) = place.split_once(':').unwrap();
        PathBuf::from(directory.replace("%2F", "/")).join(format!(".s.PGSQL.{port}"))
    }

    /// Its address through a socket of the same name in another directory.
    #[must_use]
    pub fn address_through(&self, directory: &Path, role: &str, parameters: &str) -> String {
        let (_, port) = self.server.rsplit_once(':').unwrap();
        let directory = directory.display().to_string().replace('/', "%2F");
        format!("postgres://{role}@{directory}:{port}/{}?{parameters}", self.name)
    }

    /// Runs statements as a role; returns what they print, or what the server says.
    ///
    /// # Errors
    /// One of them failed.
    pub fn try_sql(&self, role: &str, statements: &str) -> Result<String, String> {
        let output = Command::new("psql")
            .args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", &self.address_as(role), "-c", statements])
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout).unwrap()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// Runs statements; returns what they print, a line for each row.
    #[allow(clippy::must_use_candidate)] // most print nothing
    pub fn sql(&self, statements: &str) -> String {
        run_sql(&self.server, &self.name, statements)
    }
}

impl Drop for ServerDatabase {
    fn drop(&mut self) {
        run_sql(&self.server, "postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name));
        // Roles belong to the whole server. Whoever made others goes after them.
        let roles = format!(
            "DO $$ DECLARE one name; BEGIN
                FOR one IN SELECT rolname FROM pg_roles WHERE starts_with(rolname, '{}_')
                    ORDER BY rolcreaterole LOOP
                    EXECUTE format('DROP ROLE %I', one);
                END LOOP;
            END $$",
            self.name
        );
        run_sql(&self.server, "postgres", &roles);
    }
}

fn run_sql(server: &str, database: &str, statements: &str) -> String {
    let output = Command::new("psql")
        .args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", &format!("{server}/{database}"), "-c", statements])
        .output()
        .unwrap();
    assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
