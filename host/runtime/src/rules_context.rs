//! What a plugin may ask for the rules of.

use std::cell::OnceCell;
use std::sync::Arc;

use opkg::model::Opkg;
use opkg_sdk::model;

use crate::convert::rules::to_sdk;

/// The OPKG that a call is about.
pub(crate) struct RulesContext {
    opkg: Arc<Opkg>,
    /// In the records that the rules are about, once the plugin asks for one.
    records: OnceCell<Box<model::Opkg>>,
}

impl RulesContext {
    pub(crate) fn new(opkg: &Arc<Opkg>) -> Self {
        Self { opkg: Arc::clone(opkg), records: OnceCell::new() }
    }

    /// Converted when it is asked for first.
    pub(crate) fn opkg(&self) -> &model::Opkg {
        self.records.get_or_init(|| Box::new(to_sdk::opkg(&self.opkg)))
    }
}
