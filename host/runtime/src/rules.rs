//! The rules of OPKGs, as the host decides them for plugins that ask.

use opkg::digest::hex;
use opkg_sdk::rules;
use sha2::{Digest, Sha256, Sha512};

use crate::bindings::v1::opkg::plugin::artefacts::DigestAlgorithm;
use crate::bindings::v1::opkg::plugin::{model, rules as wit};
use crate::convert::rules as convert;
use crate::host::HostState;
use crate::rules_context::RulesContext;
use crate::wasi::WasiError;

impl wit::Host for HostState {
    fn plan(
        &mut self,
        context: wit::FilterContext,
        documentation: String,
        actions: Vec<wit::ActionCommands>,
    ) -> wasmtime::Result<Result<wit::OpkgPlan, model::Diagnostic>> {
        // There is one in each call that makes packages.
        let unsupported = || WasiError::UnsupportedFunction("rules.plan, of no OPKG".to_owned());
        let RulesContext(opkg) = self.rules().ok_or_else(unsupported)?;
        let (context, actions) = (convert::context(context), convert::actions(actions));
        let plan = rules::plan(opkg, &context, &documentation, &actions);
        Ok(plan.map(convert::plan).map_err(convert::diagnostic))
    }

    fn decide(
        &mut self,
        context: wit::FilterContext,
        filter: model::Filter,
    ) -> wasmtime::Result<(wit::FilterMatch, Vec<model::Diagnostic>)> {
        let (decision, found) = rules::decide(&convert::context(context), &convert::filter(filter));
        Ok((convert::filter_match(decision), convert::diagnostics(found)))
    }

    fn split_version(
        &mut self,
        version: String,
        is_opkg: bool,
    ) -> wasmtime::Result<Option<wit::VersionParts>> {
        Ok(rules::split_version(&version, is_opkg).map(convert::version_parts))
    }

    fn order_prereleases(&mut self, upstream: String) -> wasmtime::Result<String> {
        Ok(rules::order_prereleases(&upstream))
    }

    fn shell_quote(&mut self, word: String) -> wasmtime::Result<String> {
        Ok(rules::shell_quote(&word))
    }

    fn digest(&mut self, algorithm: DigestAlgorithm, contents: Vec<u8>) -> wasmtime::Result<String> {
        Ok(match algorithm {
            DigestAlgorithm::Md5 => hex(&md5::Md5::digest(&contents)),
            DigestAlgorithm::Sha1 => hex(&sha1::Sha1::digest(&contents)),
            DigestAlgorithm::Sha256 => hex(&Sha256::digest(&contents)),
            DigestAlgorithm::Sha512 => hex(&Sha512::digest(&contents)),
        })
    }
}
