//! Lists of names in brackets.

use opkg_engine::hostlist;

use super::target::Target;

pub const TARGET: Target = Target {
    name: "host_list",
    run,
    seeds,
    dictionary: &[
        "[1-99999]",
        "[001-100]",
        "[",
        "]",
        ",",
        "-",
        "node",
        "[1-9][1-9][1-9]",
        "99999999999999999999",
    ],
};

/// Expands a list, and folds what came out.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(names) = hostlist::expand(text) {
        let _ = hostlist::fold(names.iter().map(String::as_str));
    }
}

fn seeds() -> Vec<Vec<u8>> {
    ["node[1-12,20]", "n[001-100]-ib[0-1]", "login"].map(Into::into).to_vec()
}
