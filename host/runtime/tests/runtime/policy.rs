//! Whose plugins may be used, wherever they lie.

use std::fs;
use std::path::PathBuf;

use opkg::digest::sha256;
use opkg_runtime::{
    InstallRequest, LoadErrorKind, Origin, Registry, RuntimeOptions, SignatureState, install,
};

use crate::guest::{GuestBuilder, PluginFixture};

/// Directories and files of everybody who may have plugins, and a policy.
fn options(house: &PluginFixture, policy: &str) -> RuntimeOptions {
    let root = house.root.path();
    let path = house.write_file("policy.toml", policy.as_bytes());
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    RuntimeOptions {
        plugin_files: vec![root.join("named.wasm")],
        search_path: vec![root.join("path")],
        user_directory: Some(root.join("user")),
        system_directory: Some(root.join("system")),
        system_policy: Some(path),
        ..house.options()
    }
}

/// Of each place, whether its plugin is used, or why not.
fn found(options: RuntimeOptions) -> Vec<(Origin, Option<String>)> {
    let registry = Registry::discover(options);
    let entries = registry.entries().iter();
    entries.map(|it| (it.origin(), it.error().map(|error| error.kind.to_string()))).collect()
}

fn fill(house: &PluginFixture) -> Vec<u8> {
    let plugin = GuestBuilder::default().build();
    for place in ["named.wasm", "path/a.wasm", "system/a.wasm"] {
        house.write_file(place, &plugin);
    }
    install(&InstallRequest::of_file(&house.root.path().join("named.wasm")), &options(house, "")).unwrap();
    plugin
}

#[test]
fn what_is_revoked_is_used_from_nowhere() {
    let house = PluginFixture::new();
    let plugin = fill(&house);
    let all = [Origin::Named, Origin::SearchPath, Origin::User, Origin::System];
    assert_eq!(found(options(&house, "")), all.map(|origin| (origin, None)));
    let digest = format!("sha256:{}", sha256(&plugin));
    let why = format!("is revoked: `{digest}` is not to be used any more");
    let revoked = found(options(&house, &format!("revoked = ['{digest}']")));
    assert_eq!(revoked, all.map(|origin| (origin, Some(why.clone()))));
    // What nobody can read forbids all but what is built in.
    let broken = RuntimeOptions { embedded: true, ..options(&house, "revoked = [") };
    let usable: Vec<Origin> =
        found(broken).into_iter().filter(|(_, error)| error.is_none()).map(|(origin, _)| origin).collect();
    assert!(!usable.is_empty() && usable.iter().all(|it| *it == Origin::Embedded), "{usable:?}");
}

#[test]
fn signatures_are_required_of_what_is_installed() {
    let house = PluginFixture::new();
    fill(&house);
    let required = "signatures = 'required'";
    let refused: Vec<Origin> = found(options(&house, required))
        .into_iter()
        .filter_map(|(origin, error)| error.map(|_| origin))
        .collect();
    assert_eq!(refused, [Origin::User]);
    let file = house.root.path().join("named.wasm");
    let request = |signature| InstallRequest { signature, ..InstallRequest::of_file(&file) };
    let verified = || SignatureState::Verified { key: "site".into() };
    let error = |signature| install(&request(signature), &options(&house, required)).unwrap_err().kind;
    assert!(matches!(error(SignatureState::Unsigned), LoadErrorKind::NotSigned));
    assert!(matches!(error(SignatureState::UnknownKey), LoadErrorKind::UnknownKey));
    install(&request(verified()), &options(&house, required)).unwrap();
    assert!(found(options(&house, required)).iter().all(|(_, error)| error.is_none()));
    // The key is not trusted any more.
    let revoked = found(options(&house, "revoked = ['site']"));
    let refused: Vec<_> = revoked.iter().filter(|(_, error)| error.is_some()).collect();
    assert!(
        matches!(refused[..], [(Origin::User, Some(why))] if why.contains("the key `site`")),
        "{refused:?}"
    );
    // What was signed is not followed by what is not, whatever the policy says.
    let lost = install(&request(SignatureState::Unsigned), &options(&house, "")).unwrap_err().kind;
    assert!(matches!(lost, LoadErrorKind::SignatureLost { .. }));
    let failed = SignatureState::Failed { reason: "it is by nobody".into() };
    let kind = install(&request(failed), &options(&house, "signatures = 'ignored'")).unwrap_err().kind;
    assert_eq!(kind.to_string(), "cannot be trusted: it is by nobody");
}

#[test]
fn what_is_installed_is_what_was_checked() {
    let house = PluginFixture::new();
    fill(&house);
    let file: PathBuf = house.root.path().join("named.wasm");
    let changed = InstallRequest { sha256: Some(sha256(b"another")), ..InstallRequest::of_file(&file) };
    let kind = install(&changed, &options(&house, "")).unwrap_err().kind;
    assert!(matches!(kind, LoadErrorKind::ChangedWhileReading));
    let other = InstallRequest { id: Some("other".into()), ..InstallRequest::of_file(&file) };
    let kind = install(&other, &options(&house, "")).unwrap_err().kind;
    assert!(matches!(kind, LoadErrorKind::OtherPlugin { .. }));
    // A lock that nobody can read says nothing of what lies beside it.
    fs::write(house.root.path().join("user/plugins.lock"), "version = 7").unwrap();
    let refused = found(options(&house, ""));
    assert!(
        refused.iter().all(|(origin, error)| error.is_some() == (*origin == Origin::User)),
        "{refused:?}"
    );
    let kind = install(&InstallRequest::of_file(&file), &options(&house, "")).unwrap_err().kind;
    assert!(matches!(kind, LoadErrorKind::LockUnusable(_)));
}
