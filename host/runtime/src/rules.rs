//! The rules of OPKGs, as the host decides them for plugins that ask.

use opkg::model::Opkg;

use crate::bindings::v1::opkg::plugin::{model, rules as wit};
use crate::host::HostState;

/// The OPKG that a call is about.
pub(crate) struct RulesContext;

impl RulesContext {
    pub(crate) fn new(_: &Opkg) -> Self {
        Self
    }
}

impl wit::Host for HostState {
    fn plan(
        &mut self,
        _: wit::FilterContext,
        _: String,
        _: Vec<wit::ActionCommands>,
    ) -> wasmtime::Result<Result<wit::OpkgPlan, model::Diagnostic>> {
        todo!()
    }
    fn decide(
        &mut self,
        _: wit::FilterContext,
        _: model::Filter,
    ) -> wasmtime::Result<(wit::FilterMatch, Vec<model::Diagnostic>)> {
        todo!()
    }
    fn split_version(&mut self, _: String, _: bool) -> wasmtime::Result<Option<wit::VersionParts>> {
        todo!()
    }
    fn order_prereleases(&mut self, _: String) -> wasmtime::Result<String> {
        todo!()
    }
    fn shell_quote(&mut self, _: String) -> wasmtime::Result<String> {
        todo!()
    }
    fn digest(
        &mut self,
        _: crate::bindings::v1::opkg::plugin::artefacts::DigestAlgorithm,
        _: Vec<u8>,
    ) -> wasmtime::Result<String> {
        todo!()
    }
}
