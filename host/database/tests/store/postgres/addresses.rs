//! What a server is asked to prove, what it asks of its clients, and what is said where that fails.

use opkg_database::Location;
use opkg_oda::Error;
use opkg_tests::postgres::certificates;

use super::{filled, over_network};
use crate::common::{self, Backend, Scratch};

/// How opening ends: with what it says, without what differs from server to server.
fn outcome(location: &Location, scratch: &Scratch) -> String {
    let name = scratch.location().to_string();
    let (server, database) = name.rsplit_once('/').unwrap();
    let (_, port) = server.rsplit_once(':').unwrap();
    match location.open() {
        Ok(_) => "opened".to_owned(),
        Err(error) => error.to_string().replace(database, "DATABASE").replace(port, "PORT"),
    }
}

#[test]
fn a_server_has_to_prove_what_its_client_wants() {
    let Some(scratch) = filled() else { return };
    let certificates = certificates();
    let authority = format!("sslrootcert={certificates}/ca.pem");
    let cases = [
        ("localhost", "sslmode=disable".to_owned(), true),
        ("localhost", "sslmode=require".to_owned(), true),
        ("localhost", format!("sslmode=verify-full&{authority}"), true),
        // The certificate is for a name.
        ("127.0.0.1", format!("sslmode=verify-full&{authority}"), false),
        ("127.0.0.1", format!("sslmode=verify-ca&{authority}"), true),
        // The authorities of the system do not know the server.
        ("localhost", "sslmode=verify-full&sslrootcert=system".to_owned(), false),
        ("localhost", format!("sslmode=verify-ca&sslrootcert={certificates}/certified.pem"), false),
        ("localhost", "sslmode=verify-full&sslrootcert=/nonexistent".to_owned(), false),
    ];
    for (host, parameters, opens) in cases {
        let outcome = outcome(&over_network(&scratch, "opm", host, &parameters), &scratch);
        assert_eq!(outcome == "opened", opens, "{host} {parameters}: {outcome}");
        assert!(
            opens
                || outcome.starts_with("the database postgres://opm@")
                    && outcome.contains(" cannot be reached: "),
            "{outcome}"
        );
    }
}

#[test]
fn a_client_proves_who_it_is() {
    let Some(scratch) = filled() else { return };
    let certificates = certificates();
    // Roles are of the whole server.
    scratch.sql(
        "DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'certified') THEN CREATE ROLE certified LOGIN; END IF;
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'password') THEN
                CREATE ROLE password LOGIN PASSWORD 'right';
            END IF;
        END $$;
        SELECT opm.set_up_roles()",
    );
    scratch.sql(&format!("GRANT {}_viewer TO certified, password", scratch.server().name()));
    let own =
        format!("sslcert={certificates}/certified.pem&sslkey={certificates}/certified.key&sslmode=require");
    let passfile = scratch.directory().join("passwords");
    std::fs::write(&passfile, "localhost:*:*:password:right\n").unwrap();
    let named = format!("passfile={}", passfile.display());
    let open = |role: &str, parameters: &str| {
        outcome(&over_network(&scratch, role, "localhost", parameters), &scratch)
    };
    assert_eq!(open("certified", &own), "opened");
    assert!(
        open("certified", "sslmode=require").contains(" refuses: "),
        "{}",
        open("certified", "sslmode=require")
    );
    let cases = [
        ("password=right", "opened"),
        (
            "password=wrong",
            "the database postgres://password@localhost:PORT/DATABASE refuses: password authentication failed for user \"password\"",
        ),
        // Others can read it.
        (
            named.as_str(),
            "the database postgres://password@localhost:PORT/DATABASE cannot be reached: invalid configuration: password missing",
        ),
    ];
    for (parameters, expected) in cases {
        assert_eq!(open("password", parameters), expected, "{parameters}");
    }
    std::os::unix::fs::PermissionsExt::set_mode(&mut passfile.metadata().unwrap().permissions(), 0o600);
    std::fs::set_permissions(&passfile, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(open("password", &named), "opened");
    // Who may only read is told.
    let mut reader = over_network(&scratch, "password", "localhost", &named).open().unwrap();
    let error = reader.start_run(&common::sample_run()).unwrap_err();
    assert!(matches!(error, Error::Forbidden { .. }), "{error}");
}

#[test]
fn what_is_wrong_with_a_database_is_said() {
    if !Backend::Postgres.is_there() {
        return;
    }
    let scratch = Backend::Postgres.scratch();
    let said = |location: &Location| outcome(location, &scratch);
    let here = scratch.location();
    assert!(matches!(here.open(), Err(Error::NotADatabase(_))));
    let text = here.as_os_str().to_str().unwrap();
    let missing = Location::parse(format!("{text}_missing").as_ref()).unwrap();
    assert!(matches!(missing.open(), Err(Error::NotFound(_))), "{}", said(&missing));
    let nobody = Location::parse("postgres://opm@127.0.0.1:1/opm".as_ref()).unwrap();
    assert!(matches!(nobody.open(), Err(Error::Unreachable { .. })), "{}", said(&nobody));
    drop(scratch.create());
    assert!(matches!(here.create_with(&[]), Err(Error::AlreadyExists(_))));
    scratch.sql("UPDATE opm.schema SET version = 7");
    assert_eq!(said(here), "opened", "newer, and older programs may go on");
    scratch.sql("UPDATE opm.schema SET oldest = 7");
    assert!(matches!(here.open(), Err(Error::SchemaTooNew { found: 7, .. })), "{}", said(here));
}

#[test]
fn a_standby_is_read_and_not_written() {
    let Some(scratch) = filled() else { return };
    let name = scratch.server().name();
    scratch.sql(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let mut store = scratch.open();
    assert_eq!(store.load().unwrap().targets.len(), 3);
    let error = store.start_run(&common::sample_run()).unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
}

#[test]
fn a_character_that_a_server_cannot_keep_is_replaced() {
    let Some(scratch) = filled() else { return };
    let mut store = scratch.open();
    let run = store.start_run(&opkg_oda::Run { command: "a\0b".into(), ..common::sample_run() }).unwrap();
    assert_eq!(store.runs(1).unwrap()[0].command, "a\u{fffd}b");
    assert_eq!(store.runs(1).unwrap()[0].id, run);
}
