//! Who may do what: the roles of people, the credentials of nodes, and the windows in which nodes get some.

use std::fmt;
use std::time::Duration;

pub use opkg_oda::Rights;
use opkg_oda::{Error, TargetId};
use opkg_secret::Secret;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::address::Address;
use crate::connection::Connection;
use crate::error::{PostgresError, Result};
use crate::statement::{Value, query};

/// A role and its password. `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub role: String,
    password: String,
}

impl Credentials {
    /// # Errors
    /// The operating system has no random numbers.
    fn new(role: String) -> Result<Self> {
        Ok(Self { role, password: new_password()? })
    }

    /// What a text holds that [`Self::reveal`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (role, password) = text.trim().split_once(':')?;
        let is_whole = !role.is_empty() && !password.is_empty() && !password.contains(char::is_whitespace);
        is_whole.then(|| Self { role: role.to_owned(), password: password.to_owned() })
    }

    /// `ROLE:PASSWORD`
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{}:{}", self.role, self.password)
    }

    /// The same database, as this role.
    #[must_use]
    pub fn apply_to(&self, address: Address) -> Address {
        address.with_role(&self.role, &self.password)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("role", &self.role).finish_non_exhaustive()
    }
}

/// A time in which nodes may enroll with a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrollmentWindow {
    /// By which it is closed; part of the token.
    pub role: String,
    /// In seconds since 1970, by the clock of the server.
    pub ends: i64,
    /// Whether it has ended by that clock.
    pub has_ended: bool,
    /// Whether a node may use the token more than once.
    pub every_boot: bool,
    pub opened_by: String,
    /// The nodes that it is for, and when each used it, in seconds since 1970.
    pub nodes: Vec<(TargetId, Option<i64>)>,
}

/// A node with credentials of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolledNode {
    pub target: TargetId,
    pub role: String,
    /// What its machine said that tells it from others.
    pub machine: String,
    /// In seconds since 1970.
    pub enrolled: i64,
    /// Whether the server has its role, as one of this database. It has not where the database was put back without roles, or
    /// is a copy of another one: the node enrolls anew.
    pub has_role: bool,
}

/// The roles of a database.
#[derive(Debug)]
pub struct AccessControl {
    connection: Connection,
}

impl AccessControl {
    /// Connects to a database.
    ///
    /// # Errors
    /// There is none, or it cannot be used.
    pub fn open(address: Address) -> std::result::Result<Self, Error> {
        let name = address.to_string();
        let open = || -> Result<Self> {
            let mut connection = Connection::new(address)?;
            connection.connect()?;
            Ok(Self { connection })
        };
        open().map_err(|error| error.into_error(name))
    }

    /// Makes the roles of people and of nodes in general, where they are not there yet. Needs the right to make roles.
    ///
    /// # Errors
    /// It may not be done, or the server is away.
    pub fn set_up(&mut self) -> std::result::Result<(), Error> {
        self.run(async |client| {
            let sql = "SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = opm.role_name('enrolling'))";
            match query(client, sql, &[]).await?.first().is_some_and(|row| row.get(0)) {
                true => Ok(()),
                false => query(client, "SELECT opm.set_up_roles()", &[]).await.map(drop),
            }
        })
    }

    /// Opens a window for nodes, and returns its token.
    ///
    /// # Errors
    /// It may not be done, or the server is away.
    pub fn open_window(
        &mut self,
        nodes: &[TargetId],
        duration: Duration,
        every_boot: bool,
    ) -> std::result::Result<Credentials, Error> {
        let nodes: Vec<i64> = nodes.iter().map(|node| node.0).collect();
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        self.run(async |client| {
            let password = new_password()?;
            let verifier = verifier(&password);
            let values: [Value<'_>; 4] = [
                (&nodes, Type::INT8_ARRAY),
                (&seconds, Type::INT8),
                (&every_boot, Type::BOOL),
                (&verifier, Type::TEXT),
            ];
            let rows = query(client, "SELECT opm.open_enrollment($1, $2, $3, $4)", &values).await?;
            Ok(Credentials { role: first_text(&rows)?, password })
        })
    }

    /// All windows, the oldest first.
    ///
    /// # Errors
    /// They may not be read, or the server is away.
    pub fn windows(&mut self) -> std::result::Result<Vec<EnrollmentWindow>, Error> {
        self.run(async |client| {
            let sql = "SELECT role, extract(epoch FROM ends)::bigint, ends < clock_timestamp(), every_boot, opened_by,
                    ARRAY(SELECT target FROM opm.enrollment_node WHERE enrollment_window = opened.id ORDER BY target),
                    ARRAY(SELECT extract(epoch FROM used)::bigint FROM opm.enrollment_node
                        WHERE enrollment_window = opened.id ORDER BY target)
                FROM opm.enrollment_window AS opened ORDER BY opened.id";
            let window = |row: &Row| {
                let (nodes, used): (Vec<i64>, Vec<Option<i64>>) = (row.get(5), row.get(6));
                EnrollmentWindow {
                    role: row.get(0),
                    ends: row.get(1),
                    has_ended: row.get(2),
                    every_boot: row.get(3),
                    opened_by: row.get(4),
                    nodes: nodes.into_iter().map(TargetId).zip(used).collect(),
                }
            };
            Ok(query(client, sql, &[]).await?.iter().map(window).collect())
        })
    }

    /// Closes windows, by their roles; returns how many of them were there.
    ///
    /// # Errors
    /// It may not be done, or the server is away.
    pub fn close_windows(&mut self, roles: &[String]) -> std::result::Result<i64, Error> {
        self.run(async |client| {
            let sql = "SELECT opm.close_enrollments($1::text[]::name[])";
            first_number(&query(client, sql, &[(&roles, Type::TEXT_ARRAY)]).await?)
        })
    }

    /// The nodes that have credentials, by target.
    ///
    /// # Errors
    /// They may not be read, or the server is away.
    pub fn enrolled_nodes(&mut self) -> std::result::Result<Vec<EnrolledNode>, Error> {
        self.run(async |client| {
            // `opm.is_own_role` is not for viewers, who may ask this.
            let sql = "SELECT target, role, machine, extract(epoch FROM enrolled)::bigint,
                    role::text = current_database() || '_node_' || target
                        AND EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role)
                FROM opm.node_role ORDER BY target";
            let node = |row: &Row| EnrolledNode {
                target: TargetId(row.get(0)),
                role: row.get(1),
                machine: row.get(2),
                enrolled: row.get(3),
                has_role: row.get(4),
            };
            Ok(query(client, sql, &[]).await?.iter().map(node).collect())
        })
    }

    /// Takes the credentials of nodes away, ends their sessions, and returns how many had some.
    ///
    /// # Errors
    /// It may not be done, or the server is away.
    pub fn revoke(&mut self, nodes: &[TargetId]) -> std::result::Result<i64, Error> {
        let nodes: Vec<i64> = nodes.iter().map(|node| node.0).collect();
        self.run(async |client| {
            first_number(&query(client, "SELECT opm.revoke_nodes($1)", &[(&nodes, Type::INT8_ARRAY)]).await?)
        })
    }

    /// The people who have rights, and the most that each has, by name.
    ///
    /// # Errors
    /// The server is away.
    pub fn people(&mut self) -> std::result::Result<Vec<(String, Rights)>, Error> {
        self.run(async |client| {
            let sql = "SELECT person.rolname, wanted.rights FROM unnest($1::text[]) AS wanted(rights)
                JOIN pg_roles AS of_rights ON of_rights.rolname = opm.role_name(wanted.rights)
                JOIN pg_auth_members AS membership ON membership.roleid = of_rights.oid
                JOIN pg_roles AS person ON person.oid = membership.member
                WHERE person.rolname <> ALL (SELECT opm.role_name(its) FROM unnest($1::text[]) AS its)
                    AND person.rolname <> (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'opm')
                ORDER BY person.rolname";
            let names = Rights::ALL.map(Rights::name);
            let rows = query(client, sql, &[(&&names[..], Type::TEXT_ARRAY)]).await?;
            let person = |row: &Row| Some((row.get(0), row.get::<_, &str>(1).parse().ok()?));
            Ok(rows.iter().filter_map(person).collect())
        })
    }

    /// Gives a role of the server these rights instead of any others; none takes them away.
    ///
    /// # Errors
    /// There is no such role, it may not be done, or the server is away.
    pub fn grant(&mut self, person: &str, rights: Option<Rights>) -> std::result::Result<(), Error> {
        let rights = rights.map(Rights::name);
        self.run(async |client| {
            let values: [Value<'_>; 2] = [(&person, Type::NAME), (&rights, Type::TEXT)];
            query(client, "SELECT opm.grant_rights($1, $2)", &values).await.map(drop)
        })
    }

    fn run<T>(&mut self, work: impl AsyncFn(&Client) -> Result<T>) -> std::result::Result<T, Error> {
        let done = self.connection.once(work);
        done.map_err(|error| error.into_error(self.connection.address().to_string()))
    }
}

/// A node turns a token into credentials of its own.
///
/// # Errors
/// The token is not valid for that node, or the server is away.
pub fn enroll(
    address: Address,
    token: &Credentials,
    node: &str,
    machine: &str,
) -> std::result::Result<Credentials, Error> {
    let mut access = AccessControl::open(token.apply_to(address))?;
    access.run(async |client| {
        let password = new_password()?;
        let verifier = verifier(&password);
        let values: [Value<'_>; 3] = [(&node, Type::TEXT), (&machine, Type::TEXT), (&verifier, Type::TEXT)];
        let rows = query(client, "SELECT opm.enroll($1, $2, $3)", &values).await?;
        Ok(Credentials { role: first_text(&rows)?, password })
    })
}

/// New credentials instead of those that a node has; [`put_in_force`] makes them valid.
///
/// # Errors
/// The operating system has no random numbers.
pub fn renew(address: &Address, known: &Credentials) -> std::result::Result<Credentials, Error> {
    Credentials::new(known.role.clone()).map_err(|error| error.into_error(address.to_string()))
}

/// Makes the server take new credentials instead of those that a node has.
///
/// # Errors
/// It takes neither, or the server is away.
pub fn put_in_force(
    address: Address,
    known: &Credentials,
    new: &Credentials,
) -> std::result::Result<(), Error> {
    let mut access = AccessControl::open(known.apply_to(address))?;
    let verifier = verifier(&new.password);
    access.run(async |client| {
        query(client, "SELECT opm.renew_password($1)", &[(&verifier, Type::TEXT)]).await.map(drop)
    })
}

fn new_password() -> Result<String> {
    let secret = Secret::new().map_err(|error| PostgresError::Unsupported(error.to_string()))?;
    Ok(secret.reveal().to_owned())
}

/// What the server keeps of a password: computed here, so that the password gets into none of its logs.
fn verifier(password: &str) -> String {
    postgres_protocol::password::scram_sha_256(password.as_bytes())
}

fn first_text(rows: &[Row]) -> Result<String> {
    let text = rows.first().and_then(|row| row.get::<_, Option<String>>(0));
    text.ok_or_else(|| PostgresError::Corrupt("a function returned nothing".into()))
}

fn first_number(rows: &[Row]) -> Result<i64> {
    Ok(rows.first().map_or(0, |row| row.get(0)))
}
