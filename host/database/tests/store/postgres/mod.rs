//! What only a database on a server has: claims and their leases, connections that break, and what a server refuses.

mod addresses;
mod away;
mod claims;
mod killed;
mod listeners;
mod migration;
mod pooled;
mod reconnect;
mod restored;
mod roles;

use opkg_database::Location;
use opkg_oda::{Change, Stage};

use crate::common::{self, Backend, Scratch, state_key};

/// A database with the sample cluster on the server of the tests; absent where there is no server.
fn filled() -> Option<Scratch> {
    Backend::Postgres.is_there().then(|| {
        let scratch = Backend::Postgres.scratch();
        let mut store = scratch.create();
        store.commit(&common::sample_cluster()).unwrap();
        let request = Change::Request { key: state_key(1, 1), stage: Stage::Finished, requested_at: 1 };
        store.commit(&[request]).unwrap();
        scratch
    })
}

/// The same database under another address: of the role, over the network, with further parameters.
fn over_network(scratch: &Scratch, role: &str, host: &str, parameters: &str) -> Location {
    Location::parse(scratch.server().network_address(role, host, parameters).as_ref()).unwrap()
}
