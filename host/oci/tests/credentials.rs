//! Who gets credentials: the registry that they are for, and nobody else.
#![allow(clippy::unwrap_used, missing_docs)]

use fs_err as fs;
use opkg_fetch::{Fetcher, Timeouts};
use opkg_oci::{
    ArtifactFacts, AuthFile, Client, Digest, GivenCredentials, Pulled, Reference, RegistryError, Scheme,
    publish, pull,
};
use opkg_tests::registry::FakeRegistry;

/// me:secret
const BASIC: &str = "bWU6c2VjcmV0";

fn auth_for(registry: &FakeRegistry) -> AuthFile {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("auth.json");
    let text = format!(r#"{{"auths": {{"{}": {{"auth": "{BASIC}"}}}}}}"#, registry.host());
    fs::write(&path, text).unwrap();
    AuthFile::read(&path).unwrap()
}

fn fetcher() -> Fetcher {
    Fetcher::new("opkg-test/1", Timeouts::default())
}

fn pull_all(client: &Client<'_>, reference: &Reference) -> Result<Pulled, RegistryError> {
    pull(client, reference, 1 << 20, |_| Ok::<(), RegistryError>(()))
}

/// Nothing that was asked there says who asked.
fn assert_asked_by_nobody(registry: &FakeRegistry) {
    let requests = registry.state().requests.clone();
    assert!(!requests.is_empty() && requests.iter().all(|it| it.ends_with("HTTP/1.1 ")), "{requests:?}");
}

#[test]
fn other_servers_get_none() {
    let (registry, storage) = (FakeRegistry::start(), FakeRegistry::start());
    registry.state().basic = Some(BASIC.into());
    let reference: Reference = registry.reference("arch:1.0.0").parse().unwrap();
    let fetcher = fetcher();
    let client = Client::new(&fetcher, Scheme::Http, &auth_for(&registry), &reference);
    // What is uploaded goes where the registry says, without a word about who sends it.
    registry.state().uploads_elsewhere = Some(format!("http://{}", storage.host()));
    let facts = ArtifactFacts { title: "arch".into(), version: "1.0.0".into(), ..ArtifactFacts::default() };
    publish(&client, &reference, b"a component", &facts, None).unwrap();
    assert_eq!(storage.state().blobs.len(), 2);
    assert_asked_by_nobody(&storage);

    registry.state().blobs_elsewhere = Some(format!("http://{}", storage.host()));
    let pulled = pull_all(&client, &reference).unwrap();
    assert_eq!(
        (pulled.component.as_slice(), pulled.digest),
        (&b"a component"[..], {
            let (_, digest) = registry.state().manifest("arch", "1.0.0");
            digest.parse::<Digest>().unwrap()
        })
    );
    assert_asked_by_nobody(&storage);

    // It may ask who asks, and name a place for that: nobody goes there.
    storage.state().basic = Some(BASIC.into());
    assert!(pull_all(&client, &reference).is_err());
    assert_asked_by_nobody(&storage);
    let asked_for_token = |it: &String| it.contains("/token");
    assert!(
        !storage.state().requests.iter().any(asked_for_token)
            && registry.state().requests.iter().any(asked_for_token)
    );
}

#[test]
fn a_token_is_asked_for_once() {
    let registry = FakeRegistry::start();
    registry.state().basic = Some(BASIC.into());
    let reference: Reference = registry.reference("arch:1.0.0").parse().unwrap();
    let fetcher = fetcher();
    let client = Client::new(&fetcher, Scheme::Http, &auth_for(&registry), &reference);
    let facts = ArtifactFacts::default();
    publish(&client, &reference, b"a component", &facts, None).unwrap();
    pull_all(&client, &reference).unwrap();
    let tokens = registry.state().requests.iter().filter(|it| it.contains("/token")).count();
    assert_eq!(tokens, 2, "one for reading, one for writing");
    // Somebody else is told what is missing.
    let nobody = Client::new(&fetcher, Scheme::Http, &AuthFile::default(), &reference);
    let error = pull_all(&nobody, &reference).unwrap_err();
    assert!(matches!(&error, RegistryError::Unauthorized { given: GivenCredentials::None, .. }), "{error}");
}
