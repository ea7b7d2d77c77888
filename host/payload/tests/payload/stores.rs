//! Where sources are, and that they are what was locked.

use fs_err as fs;
use opkg_payload::{Destination, PayloadError, SourceOutcome};

use crate::fixture::{Server, Site, file, files_below, findings, taken, tar};

fn archive(text: &str) -> Vec<u8> {
    tar(&[file("opt/tool", 0o755, text)])
}

fn payload(address: &str) -> String {
    format!("<payload source=\"{address}/v1/tool.tar\" part=\"client\"/>")
}

fn outcomes(done: Result<Vec<opkg_payload::FetchedSource>, PayloadError>) -> Vec<SourceOutcome> {
    done.unwrap().into_iter().map(|it| it.outcome).collect()
}

const TAKEN: &str = "files/client/opt/tool";

#[test]
fn locked_fetched_and_taken_without_the_server() {
    let server = Server::with(&archive("one"));
    let site = Site::new(&payload(&server.address));
    let url = format!("{}/v1/tool.tar", server.address);
    assert_eq!(findings(&site.load()), format!("Error[payload-lock]: `{url}` is not in `payload.lock`\n"));
    assert!(matches!(site.fetch(Destination::Cache), Err(PayloadError::NotLocked(source)) if source == url));

    assert_eq!(outcomes(site.lock(false)), [SourceOutcome::Locked]);
    let text = site.lock_text();
    assert_eq!(outcomes(site.lock(false)), [SourceOutcome::Kept]);
    assert_eq!((server.requests(), site.lock_text()), (1, text.clone()));
    assert_eq!(taken(&site.load()), [(TAKEN.into(), 0o755, "one".into())]);
    assert_eq!(server.requests(), 1, "what is taken asks no server");

    // On another machine.
    fs::remove_dir_all(site.cache()).unwrap();
    assert_eq!(findings(&site.load()), format!("Error[payload-missing]: `{url}` has not been fetched\n"));
    assert_eq!(outcomes(site.fetch(Destination::Cache)), [SourceOutcome::Fetched]);
    assert_eq!(outcomes(site.fetch(Destination::Cache)), [SourceOutcome::Present]);
    assert_eq!((server.requests(), taken(&site.load()).len()), (2, 1));

    // Published anew under the same name.
    server.become_other(&archive("two"));
    fs::remove_dir_all(site.cache()).unwrap();
    let error = site.fetch(Destination::Cache).unwrap_err();
    assert!(matches!(error, PayloadError::Differs { .. }), "{error}");
    assert!(files_below(&site.cache()).is_empty(), "what is refused is not kept");
    assert_eq!(site.lock_text(), text);
    server.become_other(&[archive("two"), vec![0; 512]].concat());
    assert!(
        matches!(site.fetch(Destination::Cache), Err(PayloadError::Fetch(_))),
        "larger than what is locked"
    );
    server.become_other(&archive("two"));
    assert_eq!(outcomes(site.lock(false)), [SourceOutcome::Kept]);
    assert_eq!(outcomes(site.lock(true)), [SourceOutcome::Changed]);
    assert_eq!(taken(&site.load()), [(TAKEN.into(), 0o755, "two".into())]);
}

#[test]
fn a_cache_that_somebody_changed_is_not_believed() {
    let server = Server::with(&archive("one"));
    let site = Site::new(&payload(&server.address));
    site.lock(false).unwrap();
    let [cached] = files_below(&site.cache()).try_into().unwrap();
    let whole = fs::read(&cached).unwrap();
    for (changed, what) in [
        (whole[..whole.len() - 1].to_vec(), "bytes, not"),
        ([&whole[..600], b"X", &whole[601..]].concat(), "its SHA-256 is"),
    ] {
        fs::write(&cached, changed).unwrap();
        let found = findings(&site.load());
        assert!(found.starts_with("Error[payload-missing]") && found.contains(what), "{found}");
        assert_eq!(outcomes(site.fetch(Destination::Cache)), [SourceOutcome::Fetched]);
        assert_eq!(taken(&site.load()).len(), 1);
    }
}

#[test]
fn sources_come_with_the_opkg_or_from_a_directory_of_the_site() {
    let server = Server::with(&archive("one"));
    let site = Site::new(&payload(&server.address));
    site.lock(false).unwrap();
    assert_eq!(outcomes(site.fetch(Destination::Opkg)), [SourceOutcome::Fetched]);
    assert!(site.opkg().join("payloads/tool.tar").is_file());
    assert_eq!(outcomes(site.fetch(Destination::Opkg)), [SourceOutcome::Present]);
    let mirror = tempfile::tempdir().unwrap();
    assert_eq!(outcomes(site.fetch(Destination::Directory(mirror.path().into()))), [SourceOutcome::Fetched]);
    assert_eq!(server.requests(), 1, "what is there already is copied");
    fs::remove_dir_all(site.cache()).unwrap();
    assert_eq!(taken(&site.load()).len(), 1);
    fs::remove_dir_all(site.opkg().join("payloads")).unwrap();
    assert!(site.load().loaded.opkg.is_none());
    let mut store = site.store();
    store.directories.push(mirror.path().into());
    let load = |store| opkg_payload::load(&site.opkg(), &opkg::Settings::default(), store);
    assert_eq!(taken(&load(&store)).len(), 1);
    // A directory that people fill themselves has files under their own names.
    let [kept] = files_below(mirror.path()).try_into().unwrap();
    fs::rename(kept, mirror.path().join("tool.tar")).unwrap();
    assert_eq!(taken(&load(&store)).len(), 1);
    fs::write(mirror.path().join("tool.tar"), "another version").unwrap();
    assert!(findings(&load(&store)).contains("it has 15 bytes, not"), "{}", findings(&load(&store)));
}

#[test]
fn nothing_is_written_through_a_link_of_the_opkg() {
    let server = Server::with(&archive("one"));
    let site = Site::new(&payload(&server.address));
    site.lock(false).unwrap();
    let outside = tempfile::tempdir().unwrap();
    for link in ["payloads", "payloads/sha256"] {
        let place = site.opkg().join(link);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs_err::os::unix::fs::symlink(outside.path(), &place).unwrap();
        let error = site.fetch(Destination::Opkg).unwrap_err();
        assert!(error.to_string().contains("a link is not followed"), "{error}");
        fs::remove_file(place).unwrap();
    }
    // The lock is a file of its own, whatever is in its place.
    let lock = site.opkg().join("payload.lock");
    let text = fs::read(&lock).unwrap();
    fs::rename(&lock, outside.path().join("lock")).unwrap();
    fs_err::os::unix::fs::symlink(outside.path().join("lock"), &lock).unwrap();
    assert!(site.lock(true).is_err() && site.load().loaded.opkg.is_none());
    assert_eq!(files_below(outside.path()), [outside.path().join("lock")]);
    assert_eq!(fs::read(outside.path().join("lock")).unwrap(), text);
}

#[test]
fn two_sources_of_one_name_do_not_take_each_others_place() {
    let (one, two) = (Server::with(&archive("one")), Server::with(&archive("two")));
    let site = Site::new(&format!(
        "{}<payload source=\"{}/v2/tool.tar\" part=\"server\"><take path=\"opt/tool\" to=\"/opt/other\"/></payload>",
        payload(&one.address),
        two.address
    ));
    site.lock(false).unwrap();
    site.fetch(Destination::Opkg).unwrap();
    fs::remove_dir_all(site.cache()).unwrap();
    let texts: Vec<_> = taken(&site.load()).into_iter().map(|it| (it.0, it.2)).collect();
    assert_eq!(
        texts,
        [(TAKEN.to_owned(), "one".to_owned()), ("files/server/opt/other".to_owned(), "two".to_owned())]
    );
}

#[test]
fn what_is_in_the_opkg_is_locked_as_well() {
    let site = Site::new("<payload source=\"tool.tar\" part=\"client\"/>");
    site.write("tool.tar", &archive("one"));
    assert_eq!(taken(&site.take()).len(), 1);
    site.write("tool.tar", &archive("two"));
    let found = findings(&site.load());
    assert!(
        found.starts_with("Error[payload-missing]: `") && found.contains("when it was locked"),
        "{found}"
    );
    assert_eq!(outcomes(site.lock(true)), [SourceOutcome::Changed]);
    assert_eq!(taken(&site.load()), [(TAKEN.into(), 0o755, "two".into())]);
    // Nothing comes from there any more.
    site.write("other.tar", &archive("other"));
    site.write_config("<payload source=\"other.tar\" part=\"client\"/>");
    let found = findings(&site.load());
    assert!(found.contains("Error[payload-lock]") && found.contains("Warning[payload-lock]"), "{found}");
    assert_eq!(outcomes(site.lock(false)), [SourceOutcome::Locked, SourceOutcome::Dropped]);
    assert_eq!(taken(&site.load())[0].2, "other");
    // A lock that nobody can read is an error with its line.
    site.write("payload.lock", b"version = 1\nsource = 2\n");
    let found = findings(&site.load());
    assert!(found.contains("`payload.lock` cannot be used: line 2: "), "{found}");
    assert!(matches!(site.lock(false), Err(PayloadError::Lock(_))));
}

#[test]
fn files_of_this_machine_have_addresses() {
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("a tool.tar");
    fs::write(&path, archive("one")).unwrap();
    let url = format!("file://{}", path.display()).replace(' ', "%20");
    let site = Site::new(&format!("<payload source=\"{url}\" part=\"client\"/>"));
    assert_eq!(outcomes(site.lock(false)), [SourceOutcome::Locked]);
    fs::remove_file(path).unwrap();
    assert_eq!(taken(&site.load()).len(), 1);
    let error = site.lock(true).unwrap_err();
    assert!(error.to_string().contains("a tool.tar"), "{error}");
}
