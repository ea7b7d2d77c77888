//! OPKGs whose files have owners, modes and the like.

use std::fmt::Write;

use super::random::Rng;
use super::tree::UNUSUAL_FILE_NAMES;
use crate::file_tree::{self, TreeEntry};

const DIRECTORIES: [(&str, &str); 4] = [
    ("files/client", "/etc/made up"),
    ("files/client", "/usr/lib/made-up"),
    ("files/server", "/var/lib/made-up/deeper %d"),
    ("files/server", "/etc/other"),
];

/// Everything in the directory of the OPKG `name`.
pub fn items(random: &mut Rng, name: &str) -> Vec<TreeEntry> {
    let mut items = Vec::new();
    let mut rules = String::from("<files>\n<file path=\"/usr/lib/sysusers.d/\" mode=\"0644\"/>\n");
    for part in ["client", "server"] {
        let path = format!("files/{part}/usr/lib/sysusers.d/{name}-{part}.conf");
        items.push(TreeEntry::file(path, 0o644, "u made-up -\ng made_group 431\n"));
    }
    for (root, directory) in DIRECTORIES {
        let names = random.subset(&UNUSUAL_FILE_NAMES);
        for file in &names {
            items.push(TreeEntry::file(format!("{root}{directory}/{file}"), 0o644, format!("of {file}\n")));
        }
        if names.is_empty() {
            continue;
        }
        // RPM does not see a link to nowhere by a pattern of its directory.
        if !directory.contains(' ') && random.one_in(2) {
            items.push(TreeEntry::link(format!("{root}{directory}/link"), "/nowhere"));
            rule(random, &mut rules, &format!("{directory}/link"), &["owner", "group"]);
        }
        if random.one_in(2) {
            rule(random, &mut rules, &format!("{directory}/"), &["owner", "group", "mode", "config"]);
        }
        if random.one_in(2) {
            rule(random, &mut rules, directory, &["owner", "group", "mode"]);
        }
        if random.one_in(3) {
            rules.push_str("</files>\n<files>\n<filters><dist>rhel</dist><dist>debian</dist></filters>\n");
        }
        // White space in attributes is folded.
        for file in random.subset(&names).into_iter().filter(|file| !file.contains("  ")) {
            let all = ["owner", "group", "mode", "config", "ghost", "capabilities"];
            rule(random, &mut rules, &format!("{directory}/{file}"), &all);
        }
        rules.push_str("</files>\n<files>\n<file path=\"/usr/lib/sysusers.d/\" owner=\"root\"/>\n");
    }
    rules.push_str("</files>\n");
    items.push(TreeEntry::file("config.xml", 0o644, file_tree::minimal_config(name, &rules)));
    items
}

/// One `file` with some of these attributes.
fn rule(random: &mut Rng, rules: &mut String, path: &str, attributes: &[&str]) {
    let path = path.replace('&', "&amp;").replace('"', "&quot;");
    let _ = write!(rules, "<file path=\"{path}\"");
    for attribute in random.subset(attributes) {
        let value = match attribute {
            "owner" => random.choose(&["made-up", "root"]),
            "group" => random.choose(&["made-up", "made_group", "root"]),
            "mode" => random.choose(&["0640", "600", "0750", "4755", "2755", "1777", "0444"]),
            "config" => random.choose(&["keep", "replace", "no"]),
            "ghost" => random.choose(&["yes", "no", "no"]),
            _ => random.choose(&["cap_net_raw=ep", "cap_net_raw,cap_chown+eip", "CAP_SYS_TIME=p"]),
        };
        let _ = write!(rules, " {attribute}=\"{value}\"");
    }
    rules.push_str("/>\n");
}
