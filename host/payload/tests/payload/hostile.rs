//! Sources that somebody made to do harm, and damaged ones.

use std::os::unix::fs::PermissionsExt;

use fs_err as fs;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use tar::EntryType;

use crate::fixture::{Item, Site, directory, file, files_below, findings, gzip, link, taken, tar};

fn said_of(items: &[Item<'_>]) -> String {
    let site = Site::new(r#"<payload source="x.tar" part="client"/>"#);
    site.write("x.tar", &tar(items));
    let loaded = site.take();
    let found = findings(&loaded);
    if found.contains("Error") {
        assert!(loaded.loaded.opkg.is_none() && loaded.unpacked().is_none(), "{found}");
    }
    found
}

#[test]
fn nothing_leads_out_of_where_it_belongs() {
    for path in ["../../evil", "opt/../../evil", "opt/..", "opt/a\nb", "opt/\u{202e}x"] {
        let found = said_of(&[file(path, 0o644, "x")]);
        assert!(
            found.contains("[payload-contents]") && found.contains("no path that can be installed"),
            "{found}"
        );
    }
    // An absolute name is read as programs that unpack do it: from the root of what is unpacked.
    let site = Site::new(r#"<payload source="x.tar" part="client"/>"#);
    site.write("x.tar", &tar(&[file("/opt/x", 0o644, "x"), file("././opt//./y", 0o644, "y")]));
    let paths: Vec<_> = taken(&site.take()).into_iter().map(|it| it.0).collect();
    assert_eq!(paths, ["files/client/opt/x", "files/client/opt/y"]);
}

#[test]
fn nothing_is_written_through_a_link() {
    let target = tempfile::tempdir().unwrap();
    let outside = target.path().to_str().unwrap();
    for items in [
        [link("opt/d", EntryType::Symlink, outside), file("opt/d/evil", 0o644, "x")],
        [file("opt/d/evil", 0o644, "x"), link("opt/d", EntryType::Symlink, outside)],
        [link("opt/d", EntryType::Symlink, outside), directory("opt/d/")],
        [file("opt/d", 0o644, "x"), file("opt/d/e", 0o644, "y")],
        [file("opt/d/e", 0o644, "x"), file("opt/d", 0o644, "y")],
    ] {
        let found = said_of(&items);
        assert!(found.starts_with("Error[payload-contents]"), "{found}");
    }
    assert!(files_below(target.path()).is_empty());
    // Links themselves are what they are, as below `files/`.
    assert_eq!(said_of(&[link("opt/d", EntryType::Symlink, outside)]), "");
    let long = "x".repeat(99);
    let found = said_of(&[
        link("opt/secret", EntryType::Link, "/etc/shadow"),
        link("opt/y", EntryType::Symlink, &long),
    ]);
    assert!(found.contains("is a hard link to `etc/shadow`, which is not in `x.tar`"), "{found}");
}

#[test]
fn devices_and_setuid_are_refused() {
    for kind in [EntryType::Char, EntryType::Block, EntryType::Fifo] {
        let found = said_of(&[Item { path: "dev/x", kind, mode: 0o600, text: "" }]);
        assert!(found.contains("is a device, a pipe or a socket"), "{found}");
    }
    let items = [file("usr/bin/su", 0o4755, "program")];
    assert!(said_of(&items).contains("sets the user or group that runs it"));
    let site =
        Site::new(r#"<payload source="x.tar" part="client"><take path="usr/bin/su" mode="0755"/></payload>"#);
    site.write("x.tar", &tar(&items));
    assert_eq!(taken(&site.take()), [("files/client/usr/bin/su".into(), 0o755, "program".into())]);
    // In a directory of the build as well.
    let site = Site::new(r#"<payload source="stage/" part="client"/>"#);
    site.write("stage/usr/bin/su", b"program");
    fs::set_permissions(site.opkg().join("stage/usr/bin/su"), PermissionsExt::from_mode(0o2755)).unwrap();
    assert!(site.findings().contains("sets the user or group that runs it"));
}

/// As others would be installed that nobody has heard of.
#[test]
fn names_that_are_not_utf8_are_refused_where_they_are_taken() {
    let of = |path: &'static str, target: &'static str| {
        [file(path, 0o644, "x"), link("opt/link", EntryType::Symlink, target)]
    };
    assert_eq!(said_of(&of("opt/a?", "a")), "Error[payload-contents]: the name `opt/a\\xfc` is not UTF-8\n");
    assert_eq!(
        said_of(&of("opt/a", "a?")),
        "Error[payload-contents]: the link `opt/link` holds a name that is not UTF-8\n"
    );
    let site = Site::new(
        r#"<payload source="x.tar" part="client"><omit path="opt/a\xfc"/><omit path="opt/link"/></payload>"#,
    );
    site.write("x.tar", &tar(&[&of("opt/a?", "a?")[..], &[file("opt/b", 0o644, "x")]].concat()));
    assert_eq!(taken(&site.take()).len(), 1);
}

#[test]
fn what_is_left_out_may_be_anything() {
    let site = Site::new(r#"<payload source="x.tar" part="client"><take path="opt/tool"/></payload>"#);
    let items = [
        file("../evil", 0o644, "x"),
        Item { path: "dev/x", kind: EntryType::Char, mode: 0o600, text: "" },
        file("opt/tool", 0o755, "program"),
        file("opt/tool2", 0o4755, "x"),
    ];
    site.write("x.tar", &tar(&items));
    assert_eq!(taken(&site.take()), [("files/client/opt/tool".into(), 0o755, "program".into())]);
    // Sparse files as well, which are no contents of files.
    let items = [
        Item { path: "opt/disk", kind: EntryType::GNUSparse, mode: 0o644, text: "x" },
        file("opt/tool", 0o755, "x"),
    ];
    assert_eq!(said_of(&items), "Error[payload-contents]: `opt/disk` cannot be read: it is sparse\n");
    let site = Site::new(r#"<payload source="x.tar" part="client"><omit path="opt/disk"/></payload>"#);
    site.write("x.tar", &tar(&items));
    assert_eq!(taken(&site.take()), [("files/client/opt/tool".into(), 0o755, "x".into())]);
}

#[test]
fn what_is_no_archive_is_told() {
    let site = Site::new(r#"<payload source="x.tar.gz" part="client"/>"#);
    let whole = gzip(&tar(&[file("opt/tool", 0o755, &"program ".repeat(10_000))]));
    for (bytes, expected) in [
        (&b"not an archive, but long enough to be read as one ......................................................".repeat(9)[..], "cannot be read"),
        (&whole[..whole.len() / 2], "cannot be read"),
        (&whole[..whole.len() - 1], "cannot be read"),
        (&b"BZh91AY&SY"[..], "compressed with bzip2, which is not read"),
    ] {
        site.write("x.tar.gz", bytes);
        let refused = site.lock(true).unwrap_err().to_string();
        assert!(refused.starts_with("`x.tar.gz` cannot be read: ") && refused.contains(expected), "{refused}");
        site.note("x.tar.gz");
        let found = findings(&site.load());
        assert!(found.starts_with("Error[payload-contents]: `") && found.contains(expected), "{found}");
    }
    for name in ["x.rpm", "x.deb"] {
        let site = Site::new(&format!(r#"<payload source="{name}" part="client"/>"#));
        site.write(name, &whole);
        site.note(name);
        let found = findings(&site.load());
        assert!(found.starts_with(&format!("Error[payload-contents]: `{name}` cannot be read")), "{found}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    /// Damaged anywhere, an archive is refused or gives files; nothing else is written, and nothing panics.
    #[test]
    fn damaged_archives(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = tar(&[
            directory("opt/"),
            file("opt/tool", 0o755, "program"),
            link("opt/link", EntryType::Symlink, "tool"),
            link("opt/hard", EntryType::Link, "opt/tool"),
        ]);
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        let site = Site::new(r#"<payload source="x.tar" part="client"/>"#);
        site.write("x.tar", &bytes);
        site.note("x.tar");
        let loaded = site.load();
        if loaded.loaded.opkg.is_some() {
            taken(&loaded);
        }
        // Nothing beside the OPKG itself: no cache, no file that leads elsewhere.
        prop_assert!(!site.cache().exists());
        let mut files: Vec<_> = files_below(&site.opkg())
            .into_iter()
            .map(|it| it.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        files.sort();
        prop_assert_eq!(files, ["config.xml", "payload.lock", "x.tar"]);
    }
}
