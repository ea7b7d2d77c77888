//! The rules of OPKGs, as the host decides them for plugins that ask.

use opkg_sdk::rules;

use crate::bindings::v1::opkg::plugin::artefacts::{DigestAlgorithm, PackedFile};
use crate::bindings::v1::opkg::plugin::{model, rules as wit};
use crate::convert::rules as convert;
use crate::host::HostState;
use crate::rules_context::RulesContext;
use crate::wasi::WasiError;

/// Ids by which a target answers, names of releases of one, and commands for scripts. What multiplies the time that rules take is
/// limited, since nothing stops the host.
const MAX_IDENTITIES: usize = 100;
const MAX_NAMED_RELEASES: usize = 1000;
const MAX_ACTIONS: usize = 100;
/// Files that commands are written for, and bytes of all that these repeat and quote of them.
const MAX_FILES: usize = 100_000;
const MAX_FILE_TEXT: usize = 32 << 20;

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

/// Refuses more files than a package has.
fn check_files(files: &[PackedFile]) -> wasmtime::Result<()> {
    if files.len() > MAX_FILES {
        return Err(wasmtime::Error::msg(format!("commands for more than {MAX_FILES} files")));
    }
    let text = |file: &PackedFile| {
        let capabilities = file.capabilities.as_ref().map_or(0, String::len);
        file.path.len() + file.owner.len() + file.group.len() + capabilities
    };
    match files.iter().map(text).sum::<usize>() > MAX_FILE_TEXT {
        true => {
            let limit = MAX_FILE_TEXT >> 20;
            Err(wasmtime::Error::msg(format!("commands for files whose names take more than {limit} MiB")))
        }
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
        let opkg = self.rules().map(RulesContext::opkg).ok_or_else(unsupported)?;
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
        kind: model::RelationKind,
        bound: model::Bound,
        tag: String,
        syntax: wit::TagSyntax,
    ) -> wasmtime::Result<Vec<model::Bound>> {
        let syntax = rules::TagSyntax { separator: syntax.separator, after_all: syntax.after_all };
        let bound = convert::sdk_bound(bound);
        let widened = rules::widen_bound(convert::sdk_relation_kind(kind), &bound, &tag, &syntax);
        Ok(widened.into_iter().map(convert::bound).collect())
    }

    fn is_core_perl_module(&mut self, module: String) -> wasmtime::Result<bool> {
        Ok(rules::is_core_perl_module(&module))
    }

    fn attribute_commands(
        &mut self,
        files: Vec<PackedFile>,
        unkept: wit::Unkept,
    ) -> wasmtime::Result<String> {
        check_files(&files)?;
        Ok(rules::attribute_commands(&convert::packed_files(files), convert::unkept(unkept)))
    }

    fn ghost_commands(&mut self, files: Vec<PackedFile>) -> wasmtime::Result<String> {
        check_files(&files)?;
        Ok(rules::ghost_commands(&convert::packed_files(files)))
    }

    fn shell_quote(&mut self, word: String) -> wasmtime::Result<String> {
        Ok(rules::shell_quote(&word))
    }

    fn digest(&mut self, algorithm: DigestAlgorithm, contents: Vec<u8>) -> wasmtime::Result<String> {
        Ok(rules::digest(convert::digest_algorithm(algorithm), &contents))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::bindings::v1::opkg::plugin::artefacts::{Content, FileMarks};
    use crate::host::HostContext;
    use crate::limits::Limits;
    use crate::log::CallLog;
    use crate::log_message::LogSink;
    use wit::Host as _;

    /// The host as a plugin meets it whose call is about nothing.
    fn host() -> HostState {
        let limits = Limits::default();
        let log = CallLog::new((LogSink::default(), "demo".into()), &limits);
        HostState::new(&limits, log, HostContext::None)
    }

    fn file(path: String) -> PackedFile {
        PackedFile {
            path,
            content: Content::Directory,
            mode: 0o755,
            owner: "root".into(),
            group: "root".into(),
            capabilities: None,
            marks: FileMarks::empty(),
        }
    }

    #[test]
    fn a_plugin_gets_what_the_sdk_says() {
        let mut host = host();
        let bound = |comparison, version: &str| model::Bound { comparison, version: version.to_owned() };
        let syntax = || wit::TagSyntax { separator: ".".into(), after_all: ".0".into() };
        let widened = |host: &mut HostState, kind, comparison| {
            let bounds = host.widen_bound(kind, bound(comparison, "1-1"), "el9".into(), syntax()).unwrap();
            bounds.into_iter().map(|it| (it.comparison, it.version)).collect::<Vec<_>>()
        };
        let owned =
            |bounds: [(model::Comparison, &str); 2]| bounds.map(|(it, version)| (it, version.to_owned()));
        assert_eq!(
            widened(&mut host, model::RelationKind::Requires, model::Comparison::Eq),
            owned([(model::Comparison::Ge, "1-1"), (model::Comparison::Lt, "1-1.0")])
        );
        assert_eq!(
            widened(&mut host, model::RelationKind::Conflicts, model::Comparison::Eq),
            owned([(model::Comparison::Eq, "1-1"), (model::Comparison::Eq, "1-1.el9")])
        );
        assert!(host.is_core_perl_module("File::Copy".into()).unwrap());
        let digest = host.digest(DigestAlgorithm::Sha1, b"abc".to_vec()).unwrap();
        assert_eq!(digest, "a9993e364706816aba3e25717850c26c9cd0d89d");

        let own = PackedFile { mode: 0o700, owner: "site".into(), ..file("/srv/site".into()) };
        let capable = PackedFile {
            content: Content::Text(String::new()),
            capabilities: Some("cap_chown=ep".into()),
            ..file("/srv/tool".into())
        };
        let ghost =
            PackedFile { marks: FileMarks::GHOST, content: Content::Source(1), ..file("/srv/log".into()) };
        let mut given =
            |unkept| host.attribute_commands(vec![own.clone(), capable.clone(), ghost.clone()], unkept);
        assert_eq!(given(wit::Unkept::OWNERS).unwrap(), "chown -h 'site:root' '/srv/site'\n");
        assert_eq!(given(wit::Unkept::CAPABILITIES).unwrap(), "setcap 'cap_chown=ep' '/srv/tool'\n");
        assert!(given(wit::Unkept::DIRECTORIES).unwrap().starts_with("mkdir -p '/srv/site'\n"));
        assert_eq!(host.ghost_commands(vec![own.clone(), ghost.clone()]).unwrap(), "rm -f '/srv/log'\n");
    }

    #[test]
    fn a_plan_is_of_the_opkg_that_a_call_is_about() {
        let context = || wit::FilterContext {
            name: "demo".into(),
            identities: Vec::new(),
            fallback_identities: Vec::new(),
            arch: None,
            machine: "x86_64".into(),
        };
        let plan = |context_of_call| {
            let limits = Limits::default();
            let log = CallLog::new((LogSink::default(), "demo".into()), &limits);
            let mut host = HostState::new(&limits, log, context_of_call);
            host.plan(context(), "/usr/share/doc/x".into(), Vec::new())
        };
        assert!(plan(HostContext::None).is_err());
        let opkg = std::sync::Arc::new(opkg::filesystem::opkg());
        let made = plan(HostContext::Opkg(RulesContext::new(&opkg))).unwrap().unwrap();
        assert_eq!(made.parts[0].name, "opkg-filesystem");
    }

    #[test]
    fn commands_are_for_as_many_files_as_a_package_has() {
        let files = |count: usize, length: usize| vec![file("a".repeat(length)); count];
        assert!(check_files(&files(MAX_FILES, 300)).is_ok());
        assert!(check_files(&files(MAX_FILES + 1, 1)).is_err());
        assert!(check_files(&files(MAX_FILES, 400)).is_err());
    }

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
