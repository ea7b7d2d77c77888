//! Writes anew the pages of `docs` that are made from something else, or checks with `--check` that they are what that says:
//! `config.xml.md` from the schema, `plugin-conformance.md` from the rules for plugins, `plugin-interface.md` from `wit/`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let is_check = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => {
            eprintln!("usage: reference [--check]");
            return ExitCode::from(2);
        }
    };
    match write_or_check(is_check) {
        Ok(stale) if stale.is_empty() => ExitCode::SUCCESS,
        Ok(stale) => {
            let pages = stale.join(" and ");
            eprintln!("docs/{pages}: not what it is made from says: run this without --check");
            ExitCode::FAILURE
        }
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the pages that are not as they should be.
fn write_or_check(is_check: bool) -> Result<Vec<&'static str>, Box<dyn std::error::Error>> {
    let pages = [
        ("config.xml.md", opkgc_cli::reference::markdown()?),
        ("plugin-conformance.md", opkg_conformance::render_page()),
        ("plugin-interface.md", opkgc_cli::plugin_interface_page()?),
    ];
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut stale = Vec::new();
    for (name, text) in pages {
        let page = directory.join(name);
        if !is_check {
            fs_err::write(page, text)?;
        } else if fs_err::read_to_string(page)? != text {
            stale.push(name);
        }
    }
    Ok(stale)
}
