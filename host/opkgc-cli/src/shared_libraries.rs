//! Which shared libraries the programs of an OPKG need, where no relation says so.
//!
//! Packages do not get relations for them by themselves: the same OPKG needs the same packages wherever it is built. So the
//! author is told what to write down.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use object::Endianness;
use object::elf::{DT_NEEDED, FileHeader32, FileHeader64};
use object::read::elf::{Dyn, FileHeader};
use object::read::{FileKind, ReadCache, ReadRef};
use opkg::diagnostic::{Diagnostic, Location};
use opkg::escape_for_display;
use opkg::model::{Opkg, Part, RelatedName, Scope, SourceFile};

/// What is read of one program at most: libraries, and versions of the C library's symbols.
const MAX_NAMES: usize = 10_000;
/// As many libraries are named in a finding.
const MAX_SHOWN: usize = 12;

/// Libraries that are a part of the C library, by the beginnings of their names.
const C_LIBRARY: [&str; 12] = [
    "libc.so.",
    "libm.so.",
    "libmvec.so.",
    "libdl.so.",
    "librt.so.",
    "libpthread.so.",
    "libresolv.so.",
    "libutil.so.",
    "libanl.so.",
    "libnsl.so.",
    "ld-linux",
    "ld64.so.",
];
/// Packages and capabilities that stand for it in relations, by the beginnings of their names.
const C_LIBRARY_PACKAGES: [&str; 3] = ["glibc", "libc6", "libc.so."];

/// What programs need.
#[derive(Debug, Default, PartialEq, Eq)]
struct Needs {
    /// Names of libraries, as programs hold them, each with the path of a program.
    libraries: BTreeMap<String, String>,
    /// The newest version of the C library's symbols.
    c_library: Option<(u32, u32)>,
}

/// Notes, for each part, what its programs need and no relation names.
#[must_use]
pub fn check_libraries(directory: &Path, opkg: &Opkg) -> Vec<Diagnostic> {
    [Part::Api, Part::Server, Part::Client]
        .into_iter()
        .filter_map(|part| check_part(directory, opkg, part))
        .collect()
}

fn check_part(directory: &Path, opkg: &Opkg, part: Part) -> Option<Diagnostic> {
    let programs = opkg.files.iter().filter(|file| file.part == part && is_program(file));
    let mut needs = Needs::default();
    for program in programs {
        // One that cannot be read as a program is for its author to know.
        let _ = read_program(&directory.join(&program.path), &program.path, &mut needs);
    }
    let own: BTreeSet<&str> = opkg.files.iter().filter_map(|file| file.path.rsplit('/').next()).collect();
    let named = related_names(opkg, part);
    needs.libraries.retain(|library, _| !own.contains(library.as_str()) && !is_named(library, &named));
    if named.iter().any(|name| C_LIBRARY_PACKAGES.iter().any(|package| name.starts_with(package))) {
        needs.c_library = None;
    }
    describe(&needs)
}

fn is_program(file: &SourceFile) -> bool {
    file.arch.is_some() && file.link.is_none()
}

/// The native names of whatever is required by the packages of a part, in lower case.
fn related_names(opkg: &Opkg, part: Part) -> Vec<String> {
    let relations = opkg.relations.iter().filter(|relation| {
        relation.kind.is_requirement()
            && match relation.scope {
                Scope::Part(its) => its == part,
                Scope::Common | Scope::Whole => true,
            }
    });
    let names = relations.flat_map(|relation| &relation.any_of).filter_map(|package| match &package.name {
        RelatedName::Native(name) => Some(name.to_ascii_lowercase()),
        RelatedName::Opkg { .. } => None,
    });
    names.collect()
}

/// Whether a relation is about a library: distributions make the names of their packages from its name, one way or another
/// (`libssl3`, `openssl-libs`, `zlib1g`, `libssl.so.3()(64bit)`).
fn is_named(library: &str, names: &[String]) -> bool {
    let library = library.to_ascii_lowercase();
    let stem = library.split(".so").next().unwrap_or_default();
    let stem = stem.strip_prefix("lib").unwrap_or(stem);
    let (before, after) = (format!("lib{stem}"), format!("{stem}lib"));
    let is_about = |name: &String| {
        name.contains(&before) || name.contains(&after) || (stem.len() >= 3 && name.contains(stem))
    };
    stem.is_empty() || names.iter().any(is_about)
}

fn describe(needs: &Needs) -> Option<Diagnostic> {
    let shown = needs.libraries.iter().take(MAX_SHOWN);
    let mut missing: Vec<String> = shown
        .map(|(library, program)| {
            format!("`{}` ({})", escape_for_display(library), escape_for_display(program))
        })
        .collect();
    if let Some(more) = needs.libraries.len().checked_sub(MAX_SHOWN).filter(|more| *more > 0) {
        missing.push(format!("{more} more"));
    }
    missing.extend(needs.c_library.map(|(major, minor)| format!("the C library {major}.{minor} or newer")));
    let at = needs.libraries.values().next().cloned();
    let message = format!("programs need what no relation names: {}", missing.join(", "));
    let note = Diagnostic::note("shared-libraries", message)
        .help("name the packages that bring it in `requires`, with filters where distributions call them differently");
    match (missing.is_empty(), at) {
        (true, _) => None,
        (false, Some(program)) => Some(note.at(Location::File(program))),
        (false, None) => Some(note),
    }
}

/// Adds what a program needs, as far as it can be read.
fn read_program(path: &Path, shown: &str, needs: &mut Needs) -> Result<(), Box<dyn std::error::Error>> {
    let file = ReadCache::new(fs_err::File::open(path)?);
    match FileKind::parse(&file)? {
        FileKind::Elf32 => read_elf::<FileHeader32<Endianness>, _>(&file, shown, needs)?,
        FileKind::Elf64 => read_elf::<FileHeader64<Endianness>, _>(&file, shown, needs)?,
        _ => {}
    }
    Ok(())
}

fn read_elf<'data, Header, Data>(data: Data, shown: &str, needs: &mut Needs) -> object::read::Result<()>
where
    Header: FileHeader<Endian = Endianness>,
    Data: ReadRef<'data>,
{
    let header = Header::parse(data)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, data)?;
    if let Some((entries, link)) = sections.dynamic(endian, data)? {
        let strings = sections.strings(endian, data, link)?;
        for entry in entries.iter().filter(|entry| entry.tag(endian) == DT_NEEDED).take(MAX_NAMES) {
            let name = String::from_utf8_lossy(entry.string(endian, strings)?).into_owned();
            if !C_LIBRARY.iter().any(|own| name.starts_with(own)) {
                needs.libraries.entry(name).or_insert_with(|| shown.to_owned());
            }
        }
    }
    if let Some((mut libraries, link)) = sections.gnu_verneed(endian, data)? {
        let strings = sections.strings(endian, data, link)?;
        let mut left = MAX_NAMES;
        while let Some((_, mut versions)) = libraries.next()? {
            while let Some(version) = versions.next()? {
                let Some(rest) = left.checked_sub(1) else { return Ok(()) };
                left = rest;
                let symbols = version.name(endian, strings)?;
                needs.c_library = needs.c_library.max(c_library_version(symbols));
            }
        }
    }
    Ok(())
}

/// The version of the C library that symbols came with: `GLIBC_2.34`.
fn c_library_version(symbols: &[u8]) -> Option<(u32, u32)> {
    let version = std::str::from_utf8(symbols).ok()?.strip_prefix("GLIBC_")?;
    let mut numbers = version.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_of_packages_that_bring_a_library() {
        for (library, name, expected) in [
            ("libssl.so.3", "libssl3", true),
            ("libssl.so.3", "openssl-libs", true),
            ("libssl.so.3", "libssl.so.3()(64bit)", true),
            ("libz.so.1", "zlib1g", true),
            ("libz.so.1", "zstd", false),
            ("libhwloc.so.15", "munge", false),
            ("libpmix.so.2", "pmix", true),
            // It has no name of its own.
            (".so.1", "munge", true),
        ] {
            assert_eq!(is_named(library, &[name.to_owned()]), expected, "{library} {name}");
        }
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        let version = |symbols: &str| c_library_version(symbols.as_bytes());
        assert_eq!(version("GLIBC_2.34"), Some((2, 34)));
        assert!(version("GLIBC_2.4") < version("GLIBC_2.34"));
        for other in ["GLIBC_PRIVATE", "GLIBC_2", "OPENSSL_3.0.0", ""] {
            assert_eq!(version(other), None, "{other}");
        }
    }

    /// This very program is linked with the C library, and with the one that unwinds its stack.
    #[test]
    fn a_program_says_what_it_needs() {
        let mut needs = Needs::default();
        read_program(&std::env::current_exe().unwrap(), "usr/bin/this", &mut needs).unwrap();
        assert!(needs.c_library >= Some((2, 17)), "{needs:?}");
        assert!(needs.libraries.keys().all(|library| !library.starts_with("libc.so")), "{needs:?}");
    }

    #[test]
    fn what_is_broken_ends_in_an_error() {
        let scratch = tempfile::tempdir().unwrap();
        let program = fs_err::read(std::env::current_exe().unwrap()).unwrap();
        let file = scratch.path().join("broken");
        for kept in [0, 3, 20, 64, 4096] {
            fs_err::write(&file, &program[..kept]).unwrap();
            let mut needs = Needs::default();
            assert!(read_program(&file, "broken", &mut needs).is_err(), "{kept} bytes");
            assert_eq!(needs, Needs::default());
        }
    }
}
