//! `/etc/opm.conf`: which target this machine is.

use opkg_oda::TargetAddress;

/// What a file must look like.
const FORM: &str = "two lines are needed: `server`, `client` or `image`, then the name";

/// Why a file does not say which target this machine is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {FORM}")]
pub struct LocalTargetError {
    reason: String,
}

/// Reads the two lines. Blank lines, lines that start with `#`, and blanks around a line mean nothing.
///
/// # Errors
/// When it is anything else.
pub fn parse(text: &str) -> Result<TargetAddress, LocalTargetError> {
    let malformed = |reason: String| LocalTargetError { reason };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'));
    let (Some(kind), Some(name), None) = (lines.next(), lines.next(), lines.next()) else {
        return Err(malformed("it does not say which target this machine is".into()));
    };
    let kind = kind.parse().map_err(|error: opkg_oda::ParseError| malformed(error.to_string()))?;
    let name = name.parse().map_err(|error: opkg_oda::ParseError| malformed(error.to_string()))?;
    Ok(TargetAddress { kind, name })
}

/// The file that says that a machine is this target.
#[must_use]
pub fn render(address: &TargetAddress) -> String {
    format!("{}\n{}\n", address.kind, address.name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn two_lines_and_nothing_else() {
        for good in [
            "client\noscarnode1\n",
            "client\r\noscarnode1",
            "\u{feff}# which machine this is\n\n  client \n\n\toscarnode1  \n#\n\n",
        ] {
            assert_eq!(parse(good).unwrap().to_string(), "client:oscarnode1", "{good:?}");
        }
        let address: TargetAddress = "server:head".parse().unwrap();
        assert_eq!(parse(&render(&address)).unwrap(), address);
        for bad in
            ["", "client\n", "oscarnode1\nclient\n", "client oscarnode1\n", "client\na\nb\n", "Client\na\n"]
        {
            let error = parse(bad).unwrap_err().to_string();
            assert!(error.contains("two lines"), "{bad:?}: {error}");
        }
    }
}
