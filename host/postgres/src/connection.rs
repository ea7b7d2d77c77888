//! A connection that is made when it is needed, and made again when it broke.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio_postgres::{AsyncMessage, Client};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::address::Address;
use crate::error::{PostgresError, Result, describe};
use crate::{schema, tls};

/// How often what met a conflict is tried again.
const MAX_CONFLICTS: u32 = 20;

/// A connection to a server.
pub(crate) struct Connection {
    runtime: Runtime,
    connector: MakeRustlsConnect,
    address: Address,
    client: Option<Client>,
    /// Told of every notification, and of the end of a connection.
    notified: Arc<Notify>,
    /// Whether the session has a place among the listeners, which belongs to it alone.
    pub(crate) is_listener: bool,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Connection {
    /// Nothing is connected yet.
    pub(crate) fn new(address: Address) -> Result<Self> {
        let connector = tls::connector(&address.tls).map_err(PostgresError::Unreachable)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| PostgresError::Unreachable(error.to_string()))?;
        Ok(Self { runtime, connector, address, client: None, notified: Arc::default(), is_listener: false })
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Connects, whatever the database holds.
    pub(crate) fn connect_unchecked(&mut self) -> Result<()> {
        let connecting = self.address.config.connect(self.connector.clone());
        let (client, mut connection) = self.runtime.block_on(connecting).map_err(connect_error)?;
        let notified = Arc::clone(&self.notified);
        self.runtime.spawn(async move {
            while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
                match message {
                    Ok(AsyncMessage::Notification(_)) => notified.notify_one(),
                    Ok(AsyncMessage::Notice(notice)) => {
                        tracing::debug!(message = notice.message(), "the server says");
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!(reason = describe(&error), "the connection broke");
                        break;
                    }
                }
            }
            // Whoever waits looks for itself.
            notified.notify_one();
        });
        self.client = Some(client);
        self.is_listener = false;
        Ok(())
    }

    /// Connects unless that is so already, and checks that the database is one of this program.
    pub(crate) fn connect(&mut self) -> Result<()> {
        if self.client.as_ref().is_some_and(|client| !client.is_closed()) {
            return Ok(());
        }
        self.client = None;
        self.connect_unchecked()?;
        self.once(async |client| schema::check(client).await).inspect_err(|_| self.client = None)
    }

    /// Waits for a notification, at most so long.
    pub(crate) fn wait_for_notification(&self, timeout: Duration) -> bool {
        let waiting = async { tokio::time::timeout(timeout, self.notified.notified()).await.is_ok() };
        self.runtime.block_on(waiting)
    }

    /// Does something that may have happened or not when the connection breaks.
    pub(crate) fn once<T>(&mut self, work: impl AsyncFn(&Client) -> Result<T>) -> Result<T> {
        let Some(client) = &self.client else {
            return Err(PostgresError::Unreachable("it is not connected".into()));
        };
        for attempt in 0.. {
            let done = self.runtime.block_on(work(client));
            match done {
                Err(error) if error.is_conflict() && attempt < MAX_CONFLICTS => {
                    // Differently long in different processes, so that they do not meet again.
                    let pause =
                        Duration::from_millis(1 + u64::from(std::process::id() % 7) * u64::from(attempt));
                    self.runtime.block_on(tokio::time::sleep(pause));
                    self.runtime.block_on(roll_back(client))?;
                }
                Err(error) => {
                    if error.is_connection_lost() {
                        self.client = None;
                    } else {
                        self.runtime.block_on(roll_back(client))?;
                    }
                    return Err(error);
                }
                done => return done,
            }
        }
        unreachable!("the last attempt returns")
    }

    /// Does something that may be done twice: once more over a new connection where one broke.
    pub(crate) fn repeatedly<T>(&mut self, work: impl AsyncFn(&Client) -> Result<T>) -> Result<T> {
        let was_connected = self.client.is_some();
        self.connect()?;
        match self.once(&work) {
            Err(error) if error.is_connection_lost() && was_connected => {
                self.connect()?;
                self.once(&work)
            }
            done => done,
        }
    }
}

/// Ends a transaction that failed. Costs nothing where there is none.
async fn roll_back(client: &Client) -> Result<()> {
    match client.is_closed() {
        true => Ok(()),
        false => Ok(client.batch_execute("ROLLBACK").await?),
    }
}

/// A server that says why it cannot be used is believed; what went wrong before that is about the network.
fn connect_error(error: tokio_postgres::Error) -> PostgresError {
    match error.code() {
        Some(_) => PostgresError::Sql(error),
        None => PostgresError::Unreachable(describe(&error)),
    }
}
