//! Which machines a program is for.

/// The beginning of every ELF file.
const MAGIC: &[u8] = b"\x7fELF";

/// Whether a file is a program, or a part of one, in the form of Unix.
pub(super) fn is_elf(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// The canonical name of the architecture that a program is for; nothing where it is no program, or for one that
/// the format has no name for. See elf(5).
pub(super) fn architecture(head: &[u8]) -> Option<&'static str> {
    let head = head.strip_prefix(MAGIC)?;
    let is_little = *head.get(1)? == 1;
    let machine = [*head.get(14)?, *head.get(15)?];
    let machine = if is_little { u16::from_le_bytes(machine) } else { u16::from_be_bytes(machine) };
    Some(match (machine, is_little) {
        (3, _) => "i386",
        (20, _) => "ppc",
        (21, false) => "ppc64",
        (21, true) => "ppc64le",
        (22, _) => "s390x",
        (50, _) => "ia64",
        (62, _) => "x86_64",
        (183, true) => "aarch64",
        (243, _) => "riscv64",
        _ => return None,
    })
}

#[cfg(test)]
pub(super) fn program_for(machine: u16) -> Vec<u8> {
    let mut head = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0".to_vec();
    head.extend(machine.to_le_bytes());
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines() {
        for (machine, expected) in [
            (62, Some("x86_64")),
            (183, Some("aarch64")),
            (21, Some("ppc64le")),
            (3, Some("i386")),
            (0, None),
        ] {
            assert_eq!(architecture(&program_for(machine)), expected, "{machine}");
        }
        let mut big = program_for(0);
        (big[5], big[18], big[19]) = (2, 0, 21);
        assert_eq!(architecture(&big), Some("ppc64"));
        for none in [&b""[..], b"\x7fELF", b"\x7fELF\0", b"#!/bin/sh\n"] {
            assert_eq!(architecture(none), None);
        }
    }

    #[test]
    fn all_have_names_in_the_format() {
        for machine in [3, 20, 21, 22, 50, 62, 183, 243] {
            let name = architecture(&program_for(machine));
            assert_eq!(name.and_then(crate::arch::canonical_name), name, "{machine}");
        }
    }
}
