//! Relations as an RPM states them: those of the package's record, and those that follow from the package
//! itself.

use std::collections::BTreeSet;

use opkg_runtime::artefacts::{BinaryPackage, Bound, Comparison, HookTime, NativeKind};

use super::header::Header;
use super::tag;
use crate::Error;

/// Name, version and flags. Ordered and each once, as a header has them.
type Set = BTreeSet<(String, String, u32)>;

/// What every package asks of the RPM that reads it: feature, and the version that brought it.
const BASE_FEATURES: [(&str, &str); 2] = [("CompressedFileNames", "3.0.4-1"), ("FileDigests", "4.6.0-1")];

/// Of a binary package.
pub(super) fn of_binary(header: &mut Header, package: &BinaryPackage, compressor: &str) -> Result<(), Error> {
    let mut provides = Set::from([itself(package)]);
    if let Some(isa) = isa(&package.arch) {
        let (name, version, flags) = itself(package);
        provides.insert((format!("{name}({isa})"), version, flags));
    }
    let [mut requires, mut conflicts, mut obsoletes, mut recommends, mut suggests] =
        [const { Set::new() }; 5];
    for scriptlet in &package.scriptlets {
        if let Some(program) = scriptlet.interpreter.first().filter(|it| !super::is_built_in(it)) {
            let flags = tag::INTERPRETER | tag::SCRIPT_PRE_INSTALL << time(scriptlet.time);
            requires.insert((program.clone(), String::new(), flags));
        }
    }
    for relation in &package.relations {
        let (list, extra) = match relation.kind {
            NativeKind::Requires => (&mut requires, 0),
            NativeKind::PreRequires(at) => (&mut requires, tag::SCRIPT_PRE_INSTALL << time(at)),
            NativeKind::Provides => (&mut provides, 0),
            NativeKind::Conflicts => (&mut conflicts, 0),
            NativeKind::Obsoletes => (&mut obsoletes, 0),
            NativeKind::Recommends => (&mut recommends, 0),
            NativeKind::Suggests => (&mut suggests, 0),
        };
        let (version, flags) = relation.bound.as_ref().map_or((String::new(), 0), bound);
        let unsound = |text: &str| text.contains(char::is_control);
        if relation.name.is_empty() || unsound(&relation.name) || unsound(&version) {
            return Err(Error::Unpackable(format!("a relation to {:?} {version:?}", relation.name)));
        }
        list.insert((relation.name.clone(), version, flags | extra));
    }
    let weak = [&recommends, &suggests];
    let all = [&provides, &requires, &conflicts, &obsoletes].into_iter().chain(weak);
    let mut features = features(all.flatten());
    features.push(("PayloadFilesHavePrefix", "4.0-1"));
    for scriptlet in &package.scriptlets {
        match scriptlet.interpreter.as_slice() {
            [program] if super::is_built_in(program) => features.push(("BuiltinLuaScripts", "4.2.2-1")),
            [_] => {}
            _ => features.push(("ScriptletInterpreterArgs", "4.0.3-1")),
        }
    }
    requires.extend(features.into_iter().chain(payload_feature(compressor)).map(feature));
    put(header, tag::PROVIDES, provides);
    put(header, tag::REQUIRES, requires);
    put(header, tag::CONFLICTS, conflicts);
    put(header, tag::OBSOLETES, obsoletes);
    put(header, tag::RECOMMENDS, recommends);
    put(header, tag::SUGGESTS, suggests);
    Ok(())
}

/// Of the source package of these: it provides what they are called, in their order.
pub(super) fn of_source(header: &mut Header, packages: &[BinaryPackage], compressor: &str) {
    put(header, tag::PROVIDES, packages.iter().map(itself));
    // Whatever the versions: a spec needs nobody to compare them.
    let features = BASE_FEATURES.into_iter().chain(payload_feature(compressor));
    let requires: Set = features.map(feature).collect();
    put(header, tag::REQUIRES, requires);
}

fn put(header: &mut Header, tags: tag::Relations, list: impl IntoIterator<Item = (String, String, u32)>) {
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

fn itself(package: &BinaryPackage) -> (String, String, u32) {
    (package.name.clone(), super::evr(package), tag::EQUAL)
}

/// What the format, with these relations in it, asks of the RPM that reads the package: feature and the
/// version that brought it.
fn features<'a>(
    relations: impl IntoIterator<Item = &'a (String, String, u32)>,
) -> Vec<(&'static str, &'static str)> {
    let mut features = BASE_FEATURES.to_vec();
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

fn payload_feature(compressor: &str) -> Option<(&'static str, &'static str)> {
    match compressor {
        "xz" => Some(("PayloadIsXz", "5.2-1")),
        "zstd" => Some(("PayloadIsZstd", "5.4.18-1")),
        _ => None,
    }
}

fn feature((name, since): (&str, &str)) -> (String, String, u32) {
    (format!("rpmlib({name})"), since.to_owned(), tag::RPMLIB | tag::LESS | tag::EQUAL)
}

fn bound(bound: &Bound) -> (String, u32) {
    let flags = match bound.comparison {
        Comparison::Lt => tag::LESS,
        Comparison::Le => tag::LESS | tag::EQUAL,
        Comparison::Eq => tag::EQUAL,
        Comparison::Ge => tag::GREATER | tag::EQUAL,
        Comparison::Gt => tag::GREATER,
    };
    (bound.version.clone(), flags)
}

/// Position among tags and flags of the four times.
pub(super) fn time(time: HookTime) -> u32 {
    match time {
        HookTime::PreInstall => 0,
        HookTime::PostInstall => 1,
        HookTime::PreUninstall => 2,
        HookTime::PostUninstall => 3,
    }
}

/// The name of an instruction set in provides such as `foo(x86-64)`, from RPM's macro `_isa`. A package of
/// any other architecture, `noarch` above all, does without.
fn isa(arch: &str) -> Option<&'static str> {
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
