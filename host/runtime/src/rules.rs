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

/// Ids by which a target answers, names of releases of one, and commands for scripts. Time that rules take is the host's own, and
/// these multiply it.
const MAX_IDENTITIES: usize = 100;
const MAX_NAMED_RELEASES: usize = 1000;
const MAX_ACTIONS: usize = 100;

/// Refuses what no distribution has.
fn check_context(context: &wit::FilterContext) -> wasmtime::Result<()> {
    let identities = || context.identities.iter().chain(&context.fallback_identities);
    if identities().count() > MAX_IDENTITIES {
        return Err(wasmtime::Error::msg(format!("more than {MAX_IDENTITIES} identities of a target")));
    }
    match identities().any(|identity| identity.names.len() > MAX_NAMED_RELEASES) {
        true => Err(wasmtime::Error::msg(format!("more than {MAX_NAMED_RELEASES} names of releases"))),
        false => Ok(()),
    }
}

impl wit::Host for HostState {
    fn plan(
        &mut self,
        context: wit::FilterContext,
        documentation: String,
        actions: Vec<wit::ActionCommands>,
    ) -> wasmtime::Result<Result<wit::OpkgPlan, model::Diagnostic>> {
        check_context(&context)?;
        if actions.len() > MAX_ACTIONS {
            return Err(wasmtime::Error::msg(format!(
                "commands for more than {MAX_ACTIONS} times of scripts"
            )));
        }
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
        check_context(&context)?;
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

    fn widen_bound(
        &mut self,
        _: model::RelationKind,
        bound: model::Bound,
        _: String,
        _: wit::TagSyntax,
    ) -> wasmtime::Result<Vec<model::Bound>> {
        Ok(vec![bound])
    }

    fn is_core_perl_module(&mut self, module: String) -> wasmtime::Result<bool> {
        Ok(opkg_sdk::perl::is_core_module(&module))
    }

    fn attribute_commands(
        &mut self,
        _: Vec<crate::bindings::v1::opkg::plugin::artefacts::PackedFile>,
        _: wit::Unkept,
    ) -> wasmtime::Result<String> {
        Ok(String::new())
    }

    fn ghost_commands(
        &mut self,
        _: Vec<crate::bindings::v1::opkg::plugin::artefacts::PackedFile>,
    ) -> wasmtime::Result<String> {
        Ok(String::new())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_distribution_has_is_refused() {
        let identity = |names: usize| wit::DistIdentity {
            id: "demo".into(),
            number: None,
            default_number: vec![1],
            names: vec![wit::NamedRelease { name: "one".into(), number: vec![1] }; names],
        };
        let context = |identities: usize, names: usize| wit::FilterContext {
            name: "demo".into(),
            identities: vec![identity(names); identities],
            fallback_identities: vec![identity(0); 50],
            arch: None,
            machine: "x86_64".into(),
        };
        assert!(check_context(&context(50, 1000)).is_ok());
        assert!(check_context(&context(51, 0)).is_err());
        assert!(check_context(&context(1, 1001)).is_err());
    }
}
