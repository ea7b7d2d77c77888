//! Signatures, held against OpenSSL: what is signed here it verifies, and what it signs is verified here.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::PathBuf;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fs_err as fs;
use opkg_fetch::{Fetcher, Timeouts};
use opkg_oci::{
    AuthFile, Client, Digest, Evidence, PrivateKey, PublicKey, Reference, Scheme, SignatureError, Verdict,
    sign_bundle, signatures, verify,
};
use opkg_tests::process::{run_successfully, stdout_bytes};
use opkg_tests::registry::{self, FakeRegistry};
use opkg_tests::require_tools;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A directory with a key, made by OpenSSL.
struct Keys(TempDir);

impl Keys {
    fn new() -> Self {
        let keys = Self(tempfile::tempdir().unwrap());
        for name in ["site", "other"] {
            let file = format!("{name}.key");
            keys.openssl(&[
                "genpkey",
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-out",
                &file,
            ]);
            keys.openssl(&["pkey", "-in", &file, "-pubout", "-out", &format!("{name}.pub")]);
        }
        keys
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, words: &[&str]) {
        run_successfully(Command::new("openssl").args(words).current_dir(self.0.path()));
    }

    fn private(&self, name: &str) -> PrivateKey {
        PrivateKey::parse(&fs::read_to_string(self.path(&format!("{name}.key"))).unwrap()).unwrap()
    }

    fn public(&self, name: &str) -> PublicKey {
        PublicKey::parse(name, &fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap()).unwrap()
    }

    /// What OpenSSL signs with a key, in base 64.
    fn sign(&self, name: &str, message: &[u8]) -> String {
        fs::write(self.path("message"), message).unwrap();
        let mut openssl = Command::new("openssl");
        openssl
            .args(["dgst", "-sha256", "-sign"])
            .arg(self.path(&format!("{name}.key")))
            .arg(self.path("message"));
        STANDARD.encode(stdout_bytes(&mut openssl))
    }

    /// What names a key in bundles, worked out by OpenSSL.
    fn hint(&self, name: &str) -> String {
        let public = self.path(&format!("{name}.pub"));
        let der = stdout_bytes(
            Command::new("openssl").args(["pkey", "-pubin", "-outform", "DER", "-in"]).arg(public),
        );
        fs::write(self.path("der"), der).unwrap();
        let mut openssl = Command::new("openssl");
        STANDARD.encode(stdout_bytes(openssl.args(["dgst", "-sha256", "-binary"]).arg(self.path("der"))))
    }
}

fn check(evidence: Evidence, digest: &Digest, keys: &[PublicKey]) -> Verdict {
    verify(&[evidence], digest, keys, &|_| false)
}

fn bundle(value: &Value) -> Evidence {
    Evidence::Bundle(value.to_string().into_bytes())
}

#[test]
fn what_is_signed_here_openssl_verifies() {
    require_tools!("openssl");
    let keys = Keys::new();
    let digest = Digest::of(b"a manifest");
    let signed = sign_bundle(&digest, &keys.private("site")).unwrap();
    assert_eq!(signed, sign_bundle(&digest, &keys.private("site")).unwrap(), "always the same");
    let read: Value = serde_json::from_slice(&signed).unwrap();
    assert_eq!(read["mediaType"], "application/vnd.dev.sigstore.bundle.v0.3+json");
    assert_eq!(read["verificationMaterial"]["publicKey"]["hint"], keys.hint("site"));
    let envelope = &read["dsseEnvelope"];
    let decode = |value: &Value| STANDARD.decode(value.as_str().unwrap()).unwrap();
    let payload = decode(&envelope["payload"]);
    let statement: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(
        statement,
        json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"digest": {"sha256": digest.hex()}}],
            "predicateType": "https://sigstore.dev/cosign/sign/v1",
            "predicate": {},
        })
    );
    let kind = "application/vnd.in-toto+json";
    assert_eq!(envelope["payloadType"], kind);
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    fs::write(keys.path("message"), [head.as_bytes(), &payload].concat()).unwrap();
    fs::write(keys.path("signature"), decode(&envelope["signatures"][0]["sig"])).unwrap();
    keys.openssl(&["dgst", "-sha256", "-verify", "site.pub", "-signature", "signature", "message"]);
    let verdict = check(Evidence::Bundle(signed), &digest, &[keys.public("other"), keys.public("site")]);
    assert_eq!(verdict, Verdict::Verified("site".into()));
}

/// As `cosign sign-blob --bundle` writes it.
fn message_bundle(keys: &Keys, name: &str, message: &[u8]) -> Value {
    let sha256 =
        (0..32).map(|at| u8::from_str_radix(&Digest::of(message).hex()[2 * at..2 * at + 2], 16).unwrap());
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": keys.hint(name)}, "tlogEntries": []},
        "messageSignature": {
            "messageDigest": {"algorithm": "SHA2_256", "digest": STANDARD.encode(sha256.collect::<Vec<_>>())},
            "signature": keys.sign(name, message),
        },
    })
}

/// An envelope of any statement, signed by OpenSSL.
fn envelope_bundle(keys: &Keys, name: &str, kind: &str, statement: &Value) -> Value {
    let payload = statement.to_string();
    let message = format!("DSSEv1 {} {kind} {} {payload}", kind.len(), payload.len());
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": keys.hint(name)}},
        "dsseEnvelope": {
            "payload": STANDARD.encode(&payload),
            "payloadType": kind,
            "signatures": [{"sig": keys.sign(name, message.as_bytes()), "keyid": ""}],
        },
    })
}

#[test]
fn what_openssl_signs_is_verified_and_nothing_else() {
    require_tools!("openssl");
    let keys = Keys::new();
    let (message, digest) = (b"a component", Digest::of(b"a component"));
    let trusted = [keys.public("site")];
    let good = message_bundle(&keys, "site", message);
    assert_eq!(check(bundle(&good), &digest, &trusted), Verdict::Verified("site".into()));
    let other_artifact = Verdict::Failed(SignatureError::OtherArtifact("site".into()));
    assert_eq!(check(bundle(&good), &Digest::of(b"another"), &trusted), other_artifact);
    assert_eq!(
        check(bundle(&message_bundle(&keys, "other", message)), &digest, &trusted),
        Verdict::UnknownKey
    );
    // A hint is no more than that.
    let mut pretended = message_bundle(&keys, "other", message);
    pretended["verificationMaterial"]["publicKey"]["hint"] = keys.hint("site").into();
    let mismatch = Verdict::Failed(SignatureError::Mismatch("site".into()));
    assert_eq!(check(bundle(&pretended), &digest, &trusted), mismatch);
    // One sound signature suffices, whatever else there is.
    let all = [bundle(&pretended), bundle(&good), Evidence::Bundle(b"{".to_vec())];
    assert_eq!(verify(&all, &digest, &trusted, &|_| false), Verdict::Verified("site".into()));
    let revoked = Verdict::Failed(SignatureError::RevokedKey("site".into()));
    assert_eq!(verify(&all, &digest, &trusted, &|name| name == "site"), revoked);
    assert_eq!(verify(&[], &digest, &trusted, &|_| false), Verdict::Unsigned);

    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "", "digest": {"sha256": digest.hex()}, "annotations": {}}],
        "predicateType": "https://sigstore.dev/cosign/sign/v1",
        "predicate": {},
    });
    let kind = "application/vnd.in-toto+json";
    let signed = envelope_bundle(&keys, "site", kind, &statement);
    assert_eq!(check(bundle(&signed), &digest, &trusted), Verdict::Verified("site".into()));
    assert_eq!(check(bundle(&signed), &Digest::of(b"another"), &trusted), other_artifact);
    // What tells something else about the artifact vouches for nothing, whoever signed it.
    let mut provenance = statement.clone();
    provenance["predicateType"] = "https://slsa.dev/provenance/v1".into();
    let provenance = envelope_bundle(&keys, "site", kind, &provenance);
    assert_eq!(check(bundle(&provenance), &digest, &trusted), Verdict::Unsigned);
    // The type is signed as well.
    let mut renamed = envelope_bundle(&keys, "site", "application/json", &statement);
    assert_eq!(check(bundle(&renamed), &digest, &trusted), Verdict::Unsigned);
    renamed["dsseEnvelope"]["payloadType"] = kind.into();
    assert_eq!(check(bundle(&renamed), &digest, &trusted), mismatch);
}

#[test]
fn what_is_no_bundle_says_why() {
    require_tools!("openssl");
    let keys = Keys::new();
    let digest = Digest::of(b"x");
    let good = message_bundle(&keys, "site", b"x");
    let altered = |alter: &dyn Fn(&mut Value)| {
        let mut value = good.clone();
        alter(&mut value);
        value.to_string()
    };
    let texts = [
        "not JSON".to_owned(),
        "{}".to_owned(),
        altered(&|it| it["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into()),
        altered(&|it| it["messageSignature"] = Value::Null),
        altered(&|it| it["messageSignature"]["signature"] = "?".into()),
        altered(&|it| it["messageSignature"]["messageDigest"]["algorithm"] = "SHA2_512".into()),
        altered(&|it| it["messageSignature"]["messageDigest"]["digest"] = "AAAA".into()),
    ];
    let said: Vec<String> = texts
        .into_iter()
        .map(|text| match check(Evidence::Bundle(text.into_bytes()), &digest, &[keys.public("site")]) {
            Verdict::Failed(error) => error.to_string(),
            other => format!("{other:?}"),
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

/// As cosign signed before it had bundles.
#[test]
fn signatures_of_the_older_form_are_found_and_verified() {
    require_tools!("openssl");
    let keys = Keys::new();
    let registry = FakeRegistry::start();
    let reference: Reference = registry.reference("arch:1.0.0").parse().unwrap();
    let manifest = br#"{"schemaVersion":2}"#;
    let digest = Digest::of(manifest);
    let payload = json!({
        "critical": {
            "identity": {"docker-reference": "registry.example.org/arch"},
            "image": {"docker-manifest-digest": digest.to_string()},
            "type": "cosign container image signature",
        },
        "optional": null,
    });
    let payload = payload.to_string().into_bytes();
    let layer = |payload: &[u8], signature: String| {
        json!({
            "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
            "digest": registry::digest(payload),
            "size": payload.len(),
            "annotations": {"dev.cosignproject.cosign/signature": signature},
        })
    };
    let image = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": registry::digest(b"{}"), "size": 2},
        "layers": [layer(&payload, keys.sign("other", &payload)), layer(&payload, keys.sign("site", &payload))],
    });
    {
        let mut state = registry.state();
        state.blobs.insert(registry::digest(&payload), payload.clone());
        let tag = format!("sha256-{}.sig", digest.hex());
        let kind = "application/vnd.oci.image.manifest.v1+json";
        state.put_manifest("arch", &tag, kind, image.to_string().into_bytes());
    }
    let fetcher = Fetcher::new("opkg-test/1", Timeouts::default());
    let client = Client::new(&fetcher, Scheme::Http, &AuthFile::default(), &reference);
    let found = signatures(&client, &digest).unwrap();
    assert_eq!(found.len(), 2);
    let trusted = [keys.public("site")];
    assert_eq!(verify(&found, &digest, &trusted, &|_| false), Verdict::Verified("site".into()));
    let other = Verdict::Failed(SignatureError::OtherArtifact("site".into()));
    assert_eq!(verify(&found, &Digest::of(b"another"), &trusted, &|_| false), other);
    assert_eq!(verify(&found[..1], &digest, &trusted, &|_| false), Verdict::UnknownKey);
}
