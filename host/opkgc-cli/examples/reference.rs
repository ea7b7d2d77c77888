//! Writes `docs/config.xml.md` anew from the schema, or checks with `--check` that it is what the schema says.

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
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/config.xml.md");
    match write_or_check(&page, is_check) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("docs/config.xml.md is not what the schema says: run this without --check");
            ExitCode::FAILURE
        }
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether the page is as it should be.
fn write_or_check(page: &Path, is_check: bool) -> Result<bool, Box<dyn std::error::Error>> {
    let text = opkgc_cli::reference::markdown()?;
    if is_check {
        return Ok(fs_err::read_to_string(page)? == text);
    }
    fs_err::write(page, text)?;
    Ok(true)
}
