//! Relations as an RPM states them: those of the package's record, and those that follow from the package
//! itself.

use std::collections::BTreeSet;

use opkg_interface::artefacts::{
    BinaryPackage, Bound, Comparison, Compression, Condition, ConditionKind, NativeKind, NativeRelation,
    RpmDigestAlgorithm, RpmFormat, RpmFormatVersion, ScriptTime,
};

use super::header::Header;
use super::naming::{format_evr, is_builtin_interpreter};
use super::tag;
use crate::Error;

/// Name, version and flags. Ordered and each once, as a header has them.
type RelationSet = BTreeSet<(String, String, u32)>;

/// What a package of a format asks of the RPM that reads it: feature, and the version that brought it.
fn base_features(
    format: RpmFormat,
    has_files: bool,
    has_large_files: bool,
) -> Vec<(&'static str, &'static str)> {
    let mut features = Vec::new();
    match format.version {
        RpmFormatVersion::V4 => {
            features.push(("CompressedFileNames", "3.0.4-1"));
            if format.file_digests != RpmDigestAlgorithm::Md5 {
                features.push(("FileDigests", "4.6.0-1"));
            }
        }
        RpmFormatVersion::V6 => {}
    }
    // Who knows large files knows all before them, so format 6 asks for that alone.
    if has_large_files || (format.version == RpmFormatVersion::V6 && has_files) {
        features.push(("LargeFiles", "4.12.0-1"));
    }
    match format.compression {
        Compression::None | Compression::Gzip => {}
        Compression::Xz => features.push(("PayloadIsXz", "5.2-1")),
        Compression::Zstd => features.push(("PayloadIsZstd", "5.4.18-1")),
    }
    features
}

/// Of a binary package.
pub(super) fn write_binary_relations(
    header: &mut Header,
    package: &BinaryPackage,
    format: RpmFormat,
    has_large_files: bool,
) -> Result<(), Error> {
    let mut provides = RelationSet::from([self_provide(package)]);
    if let Some(isa) = isa_name(&package.arch) {
        let (name, version, flags) = self_provide(package);
        provides.insert((format!("{name}({isa})"), version, flags));
    }
    let [
        mut requires,
        mut conflicts,
        mut obsoletes,
        mut recommends,
        mut suggests,
        mut supplements,
        mut enhances,
    ] = [const { RelationSet::new() }; 7];
    for scriptlet in &package.scriptlets {
        if let Some(program) = scriptlet.interpreter.first().filter(|it| !is_builtin_interpreter(it)) {
            let flags = tag::INTERPRETER | scriptlet_tags(scriptlet.time)?.flag;
            requires.insert((program.clone(), String::new(), flags));
        }
    }
    // RPM has no mark for the time at which a trigger runs.
    for trigger in &package.file_triggers {
        requires.insert((trigger.interpreter.clone(), String::new(), tag::INTERPRETER));
    }
    for relation in &package.relations {
        let (list, extra) = match relation.kind {
            NativeKind::Requires => (&mut requires, 0),
            NativeKind::PreRequires(at) => (&mut requires, scriptlet_tags(at)?.flag),
            NativeKind::Provides => (&mut provides, 0),
            NativeKind::Conflicts => (&mut conflicts, 0),
            NativeKind::Obsoletes => (&mut obsoletes, 0),
            NativeKind::Recommends => (&mut recommends, 0),
            NativeKind::Suggests => (&mut suggests, 0),
            NativeKind::Supplements => (&mut supplements, 0),
            NativeKind::Enhances => (&mut enhances, 0),
            // RPM knows one kind of conflict.
            NativeKind::Breaks => (&mut conflicts, 0),
        };
        let (name, version, flags) = match (relation.alternatives.as_slice(), &relation.condition) {
            ([], None) => plain_relation(relation)?,
            _ => (rich_dependency(relation)?, String::new(), 0),
        };
        list.insert((name, version, flags | extra));
    }
    let weak = [&recommends, &suggests, &supplements, &enhances];
    let all = [&provides, &requires, &conflicts, &obsoletes].into_iter().chain(weak);
    let mut features = base_features(format, !package.files.is_empty(), has_large_files);
    features.extend(version_features(all.flatten()));
    if package.files.iter().any(|file| file.capabilities.is_some()) {
        features.push(("FileCaps", "4.6.1-1"));
    }
    if format.version == RpmFormatVersion::V4 {
        features.push(("PayloadFilesHavePrefix", "4.0-1"));
    }
    for scriptlet in &package.scriptlets {
        match scriptlet.interpreter.as_slice() {
            [program] if is_builtin_interpreter(program) => features.push(("BuiltinLuaScripts", "4.2.2-1")),
            [_] => {}
            _ => features.push(("ScriptletInterpreterArgs", "4.0.3-1")),
        }
    }
    requires.extend(features.into_iter().map(rpmlib_requirement));
    write_relations(header, tag::PROVIDES, provides);
    write_relations(header, tag::REQUIRES, requires);
    write_relations(header, tag::CONFLICTS, conflicts);
    write_relations(header, tag::OBSOLETES, obsoletes);
    write_relations(header, tag::RECOMMENDS, recommends);
    write_relations(header, tag::SUGGESTS, suggests);
    write_relations(header, tag::SUPPLEMENTS, supplements);
    write_relations(header, tag::ENHANCES, enhances);
    Ok(())
}

fn plain_relation(relation: &NativeRelation) -> Result<(String, String, u32), Error> {
    let (version, flags) = relation.bound.as_ref().map_or((String::new(), 0), bound_to_flags);
    let unsound = |text: &str| text.contains(char::is_control);
    if relation.name.is_empty() || unsound(&relation.name) || unsound(&version) {
        return Err(Error::InvalidOutput(format!("a relation to {:?} {version:?}", relation.name)));
    }
    Ok((relation.name.clone(), version, flags))
}

/// `(a >= 1 or b)`, `(a if b)`, which RPM takes apart when it decides; it stands in place of a name.
fn rich_dependency(relation: &NativeRelation) -> Result<String, Error> {
    if !relation.alternatives.is_empty() && !relation.kind.has_alternatives() {
        return Err(Error::InvalidOutput(format!("alternatives to {:?}", relation.name)));
    }
    let each = relation.packages().map(|(name, bound)| rich_operand(name, bound));
    let mut text = each.collect::<Result<Vec<_>, _>>()?.join(" or ");
    if let Some(Condition { kind, package }) = &relation.condition {
        if matches!(relation.kind, NativeKind::Provides | NativeKind::Obsoletes) {
            return Err(Error::InvalidOutput(format!(
                "a condition of what is not asked for: {:?}",
                relation.name
            )));
        }
        let word = match kind {
            ConditionKind::OnlyIf => "if",
            ConditionKind::Unless => "unless",
        };
        if !relation.alternatives.is_empty() {
            text = format!("({text})");
        }
        text = format!("{text} {word} {}", rich_operand(&package.name, package.bound.as_ref())?);
    }
    Ok(format!("({text})"))
}

fn rich_operand(name: &str, bound: Option<&Bound>) -> Result<String, Error> {
    let version = bound.map_or("", |bound| bound.version.as_str());
    if !is_word(name) || (bound.is_some() && !is_word(version)) {
        return Err(Error::InvalidOutput(format!("a relation to {name:?} {version:?}")));
    }
    Ok(match bound {
        Some(bound) => format!("{name} {} {version}", comparison_operator(bound.comparison)),
        None => name.to_owned(),
    })
}

/// Whether it is one word to RPM, within parentheses.
fn is_word(text: &str) -> bool {
    let mut depth = 0_u32;
    for c in text.chars() {
        depth = match c {
            '(' => depth + 1,
            ')' if depth == 0 => return false,
            ')' => depth - 1,
            _ if c.is_whitespace() || c.is_control() || c == ',' => return false,
            _ => depth,
        };
    }
    depth == 0 && !text.is_empty() && !text.starts_with('(')
}

fn comparison_operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Lt => "<",
        Comparison::Le => "<=",
        Comparison::Eq => "=",
        Comparison::Ge => ">=",
        Comparison::Gt => ">",
    }
}

/// Of the source package of these: it provides what they are called, in their order.
pub(super) fn write_source_relations(
    header: &mut Header,
    packages: &[BinaryPackage],
    format: RpmFormat,
    has_large_files: bool,
) {
    write_relations(header, tag::PROVIDES, packages.iter().map(self_provide));
    // Whatever the versions: a spec needs nobody to compare them.
    let requires: RelationSet =
        base_features(format, true, has_large_files).into_iter().map(rpmlib_requirement).collect();
    write_relations(header, tag::REQUIRES, requires);
}

fn write_relations(
    header: &mut Header,
    tags: tag::RelationTags,
    list: impl IntoIterator<Item = (String, String, u32)>,
) {
    let (mut names, mut versions, mut flags) = (Vec::new(), Vec::new(), Vec::new());
    for (name, version, flag) in list {
        names.push(name);
        versions.push(version);
        flags.push(flag);
    }
    header.strings(tags.names, names);
    header.strings(tags.versions, versions);
    header.numbers(tags.flags, flags);
}

fn self_provide(package: &BinaryPackage) -> (String, String, u32) {
    (package.name.clone(), format_evr(package), tag::EQUAL)
}

/// What these relations ask of it besides.
fn version_features<'a>(
    relations: impl IntoIterator<Item = &'a (String, String, u32)>,
) -> Vec<(&'static str, &'static str)> {
    let mut features = Vec::new();
    for (name, version, _) in relations {
        if version.contains('~') {
            features.push(("TildeInVersions", "4.10.0-1"));
        }
        if version.contains('^') {
            features.push(("CaretInVersions", "4.15.0-1"));
        }
        if name.starts_with('(') {
            features.push(("RichDependencies", "4.12.0-1"));
        }
    }
    features
}

fn rpmlib_requirement((name, since): (&str, &str)) -> (String, String, u32) {
    (format!("rpmlib({name})"), since.to_owned(), tag::RPMLIB | tag::LESS | tag::EQUAL)
}

fn bound_to_flags(bound: &Bound) -> (String, u32) {
    let flags = match bound.comparison {
        Comparison::Lt => tag::LESS,
        Comparison::Le => tag::LESS | tag::EQUAL,
        Comparison::Eq => tag::EQUAL,
        Comparison::Ge => tag::GREATER | tag::EQUAL,
        Comparison::Gt => tag::GREATER,
    };
    (bound.version.clone(), flags)
}

/// Where the scriptlet of a time stands.
///
/// # Errors
/// [`Error::InvalidOutput`] of what is no time of a package, but of a trigger.
pub(super) fn scriptlet_tags(time: ScriptTime) -> Result<tag::ScriptletTags, Error> {
    Ok(match time {
        ScriptTime::PreInstall => tag::PRE_INSTALL,
        ScriptTime::PostInstall => tag::POST_INSTALL,
        ScriptTime::PreUninstall => tag::PRE_UNINSTALL,
        ScriptTime::PostUninstall => tag::POST_UNINSTALL,
        ScriptTime::PreTransaction => tag::PRE_TRANSACTION,
        ScriptTime::PostTransaction => tag::POST_TRANSACTION,
        ScriptTime::PreRemovalTransaction => tag::PRE_REMOVAL_TRANSACTION,
        ScriptTime::PostRemovalTransaction => tag::POST_REMOVAL_TRANSACTION,
        // Its scripts learn of an upgrade by their argument.
        ScriptTime::PreUpgrade | ScriptTime::PostUpgrade => {
            return Err(Error::InvalidOutput("a scriptlet of an RPM for upgrades alone".into()));
        }
        ScriptTime::Triggered => {
            return Err(Error::InvalidOutput("a scriptlet of an RPM for the time of a trigger".into()));
        }
    })
}

/// The name of an instruction set in provides such as `foo(x86-64)`, from RPM's macro `_isa`. A package of
/// any other architecture, `noarch` above all, does without.
fn isa_name(arch: &str) -> Option<&'static str> {
    Some(match arch {
        "x86_64" => "x86-64",
        "i386" | "i486" | "i586" | "i686" => "x86-32",
        "aarch64" => "aarch-64",
        "armv7hl" | "armv7l" => "armv7hl-32",
        "ppc64le" | "ppc64" => "ppc-64",
        "ppc" => "ppc-32",
        "s390x" => "s390-64",
        "s390" => "s390-32",
        "riscv64" => "riscv-64",
        "ia64" => "ia-64",
        _ => return None,
    })
}
