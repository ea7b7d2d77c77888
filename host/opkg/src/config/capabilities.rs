//! Capabilities of programs, as cap_from_text(3) reads them.

use roxmltree::Node as XmlNode;

use super::reader::ElementReader;
use crate::closest_match;
use crate::diagnostic::Diagnostic;
use crate::text::escape_for_display;

/// Without `cap_`, by their numbers; see capabilities(7).
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// The attribute `capabilities` as cap_to_text(3) writes it: names by their numbers, flags in the order `eip`.
pub(super) fn read_capabilities(reader: &mut ElementReader<'_>, element: XmlNode<'_, '_>) -> Option<String> {
    let (written, range) = reader.attribute(element, "capabilities")?;
    let parsed = parse(&written);
    if let Err(help) = &parsed {
        let message = format!("`{}` cannot be the `capabilities` of a file", escape_for_display(&written));
        reader.report(range, Diagnostic::error("file-rule", message).help(help));
    }
    parsed.ok()
}

/// What is wrong, where it cannot be read.
fn parse(written: &str) -> Result<String, String> {
    let form = || "write names and flags: `cap_net_raw,cap_net_admin=ep`".to_owned();
    let (list, flags) = written.split_once(['=', '+']).ok_or_else(form)?;
    if flags.is_empty() || flags.chars().any(|flag| !"eip".contains(flag)) {
        return Err(form());
    }
    let mut numbers = Vec::new();
    for name in list.split(',') {
        let name = name.trim().to_ascii_lowercase();
        let number = name.strip_prefix("cap_").and_then(|name| NAMES.iter().position(|known| *known == name));
        numbers.push(number.ok_or_else(|| match closest_match(name.trim_start_matches("cap_"), NAMES) {
            Some(meant) => {
                format!("there is no `{}`: did you mean `cap_{meant}`?", escape_for_display(&name))
            }
            None => format!("there is no `{}`; capabilities(7) lists them", escape_for_display(&name)),
        })?);
    }
    numbers.sort_unstable();
    numbers.dedup();
    let names: Vec<String> = numbers.into_iter().map(|number| format!("cap_{}", NAMES[number])).collect();
    let flags: String = "eip".chars().filter(|flag| flags.contains(*flag)).collect();
    Ok(format!("{}={flags}", names.join(",")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_all() {
        for (written, expected) in [
            ("cap_net_raw=ep", "cap_net_raw=ep"),
            ("CAP_NET_RAW,cap_net_bind_service+pe", "cap_net_bind_service,cap_net_raw=ep"),
            ("cap_chown, cap_chown=pie", "cap_chown=eip"),
        ] {
            assert_eq!(parse(written).as_deref(), Ok(expected), "{written}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (written, part) in [
            ("", "names and flags"),
            ("cap_net_raw", "names and flags"),
            ("cap_net_raw=x", "names and flags"),
            ("=ep", "there is no"),
            ("net_raw=ep", "did you mean `cap_net_raw`"),
            ("cap_net_row=ep", "did you mean `cap_net_raw`"),
            ("cap_net_raw=ep cap_chown=ep", "names and flags"),
        ] {
            assert!(parse(written).unwrap_err().contains(part), "{written}: {:?}", parse(written));
        }
    }
}
