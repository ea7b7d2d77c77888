//! Which rights people have: as the database on a server grants them, else as the settings say.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use opkg_database::Address;
use opkg_database::access::AccessControl;
use opkg_oda::{Error, Rights};
use opkg_opm::WebSettings;

/// How long what the database grants is taken for granted.
const GRANTS_LIFETIME: Duration = Duration::from_secs(10);

/// All people of a site.
#[derive(Debug)]
pub struct People {
    settings: WebSettings,
    /// Absent where the database is a file, which grants nothing.
    server: Option<Address>,
    granted: Mutex<Option<Granted>>,
}

#[derive(Debug)]
struct Granted {
    read_at: Instant,
    rights: BTreeMap<String, Rights>,
}

impl People {
    #[must_use]
    pub fn new(settings: WebSettings, server: Option<Address>) -> Self {
        Self { settings, server, granted: Mutex::default() }
    }

    /// What somebody may do; nothing if absent.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn rights_of(&self, person: &str, groups: &[&str]) -> Result<Option<Rights>, Error> {
        let granted = self.granted_to(person)?;
        Ok(granted.or_else(|| self.settings.rights_of(person, groups)))
    }

    fn granted_to(&self, person: &str) -> Result<Option<Rights>, Error> {
        let Some(server) = &self.server else { return Ok(None) };
        let mut granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        let known = granted.take().filter(|known| known.read_at.elapsed() < GRANTS_LIFETIME);
        let known = match known {
            Some(known) => known,
            None => {
                let mut rights = BTreeMap::new();
                for (name, its) in AccessControl::open(server.clone())?.people()? {
                    let most = rights.entry(name).or_insert(its);
                    *most = its.max(*most);
                }
                Granted { read_at: Instant::now(), rights }
            }
        };
        Ok(granted.insert(known).rights.get(person).copied())
    }
}
