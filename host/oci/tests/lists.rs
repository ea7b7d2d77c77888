//! Lists of registries: their pages, and what the newest version is.
#![allow(clippy::unwrap_used, missing_docs)]

use opkg_fetch::{Fetcher, Timeouts};
use opkg_oci::{AuthFile, Client, Reference, RegistryError, Scheme, Selector, resolve};
use opkg_tests::registry::FakeRegistry;

#[test]
fn the_newest_version_may_be_on_any_page() {
    let registry = FakeRegistry::start();
    let reference: Reference = registry.reference("arch").parse().unwrap();
    let fetcher = Fetcher::new("opkg-test/1", Timeouts::default());
    let client = Client::new(&fetcher, Scheme::Http, &AuthFile::default(), &reference);
    assert!(matches!(resolve(&client, &reference), Err(RegistryError::NotFound { .. })));
    let tags = ["0.1.0", "0.10.0", "0.2.0", "0.9.0", "1.0.0-rc.1", "latest"];
    for tag in tags {
        registry.state().put_image("arch", tag, "application/x", &[]);
    }
    for (page, requests) in [(None, 1), (Some(1), 6), (Some(4), 2)] {
        registry.state().page = page;
        registry.state().requests.clear();
        assert_eq!(client.tags().unwrap(), tags, "{page:?}");
        assert_eq!(registry.state().requests.len(), requests, "{page:?}");
        let newest = resolve(&client, &reference).unwrap();
        assert_eq!(newest.selector, Selector::Tag("0.10.0".into()), "{page:?}");
    }
    // One that is named is not looked up.
    registry.state().requests.clear();
    let named = reference.with(Selector::Tag("0.2.0".into()));
    assert_eq!(resolve(&client, &named).unwrap(), named);
    assert!(registry.state().requests.is_empty());
}
