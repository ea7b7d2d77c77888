//! Targets that an engine has claimed, for as long as this is there.

use std::sync::{Arc, Mutex, PoisonError};

use opkg_oda::Lock;

use crate::writer::Writer;

/// Targets that an engine has claimed.
#[derive(Debug)]
pub(crate) struct Claim {
    writer: Arc<Mutex<Writer>>,
    engine: i64,
}

impl Claim {
    /// Of the engine with this id, which ends with it.
    pub(crate) fn new(writer: Arc<Mutex<Writer>>, engine: i64) -> Self {
        Self { writer, engine }
    }
}

impl Lock for Claim {}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.engine.take_if(|engine| engine.id() == self.engine).is_none() {
            return;
        }
        // What is kept may be delivered by anybody from now on.
        if writer.spool.take().is_some() {
            return;
        }
        // Should it fail, the lease runs out.
        if let Err(error) = writer.end_engine(self.engine) {
            tracing::debug!(
                ?error,
                engine = self.engine,
                "what it claimed stays claimed until its lease runs out"
            );
        }
    }
}
