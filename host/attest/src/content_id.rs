//! Names of documents that follow from what is in them: a UUID of version 8 (RFC 9562) made of the SHA-256 of the document
//! with the UUID of zeros in place of its own. Whoever changes a byte has to change the name as well.

use opkg::digest::sha256;
use serde_json::Value;

use crate::document_kind::DocumentKind;

/// What stands for the name while it is not known.
const NIL: &str = "urn:uuid:00000000-0000-0000-0000-000000000000";

/// The text of a document, with the name that follows from it. `write` makes the document with a given name.
pub(crate) fn seal(write: impl Fn(&str) -> Value) -> String {
    let text = |id: &str| format!("{:#}\n", write(id));
    text(&name_of(&text(NIL)))
}

/// Whether a document, read as `value`, has the name that follows from its text.
pub(crate) fn is_sealed(text: &str, value: &Value, kind: DocumentKind) -> bool {
    let Some(id) = value.pointer(kind.id_path()).and_then(Value::as_str) else { return false };
    // Anything shorter could stand in more places than one can tell apart.
    id.len() == NIL.len() && text.matches(id).count() == 1 && name_of(&text.replace(id, NIL)) == id
}

fn name_of(text: &str) -> String {
    let digest = sha256(text.as_bytes());
    // The version, and the variant in the two highest bits.
    let variant = ["8", "9", "a", "b"][usize::from(digest.as_bytes()[16]) % 4];
    let parts = [&digest[..8], &digest[8..12], &digest[13..16], &digest[17..20], &digest[20..32]];
    let [a, b, c, d, e] = parts;
    format!("urn:uuid:{a}-{b}-8{c}-{variant}{d}-{e}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_follows_from_the_contents() {
        // What looks like a name does no harm.
        let write =
            |text: &'static str| move |id: &str| json!({"serialNumber": id, "text": text, "nil": NIL});
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let one = seal(write("one"));
        assert!(is_sealed(&one, &read(&one), DocumentKind::CycloneDx), "{one}");
        assert!(!is_sealed(&one, &read(&one), DocumentKind::Spdx));
        assert_eq!(one, seal(write("one")));
        let forged = one.replace("one", "two");
        assert!(!is_sealed(&forged, &read(&forged), DocumentKind::CycloneDx));
        let name = read(&one)["serialNumber"].as_str().map(str::to_owned).unwrap_or_default();
        assert_eq!((&name[23..24], name.len()), ("8", NIL.len()));
        assert_ne!(seal(write("two")), forged);
    }
}
