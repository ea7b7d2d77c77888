//! What is taken of a source, and where it goes.

use tar::EntryType;

use crate::fixture::{Site, directory, file, findings, gzip, link, taken, tar};

/// As projects publish what they have built.
fn release() -> Vec<u8> {
    gzip(&tar(&[
        directory("tool-1.0/"),
        file("tool-1.0/tool", 0o775, "program"),
        file("tool-1.0/README", 0o664, "read this"),
        directory("tool-1.0/man/"),
        file("tool-1.0/man/tool.1", 0o644, "page"),
        file("tool-1.0/man/tool.conf.5", 0o444, "page of the file"),
        file("tool-1.0/man/tool.html", 0o644, "html"),
        file("tool-1.0/lib/a/b.so", 0o555, "library"),
        link("tool-1.0/lib/b.so", EntryType::Symlink, "a/b.so"),
        link("tool-1.0/lib/c.so", EntryType::Link, "tool-1.0/lib/a/b.so"),
        directory("tool-1.0/lib/empty/"),
    ]))
}

fn site(payload: &str) -> Site {
    let site = Site::new(payload);
    site.write("upstream/tool-1.0.tar.gz", &release());
    site
}

#[test]
fn files_trees_and_patterns() {
    let site = site(
        r#"<payload source="upstream/tool-1.0.tar.gz" part="client" arch="amd64" strip="1">
          <take path="tool" to="/usr/bin/tool" mode="0750"/>
          <take path="tool" to="/usr/bin/tool-1.0"/>
          <take path="man/*.?" to="/usr/share/man/man1/"/>
          <take path="lib/" to="/usr/lib/tool/"/>
          <omit path="man/*.5"/>
        </payload>"#,
    );
    let loaded = site.take();
    assert_eq!(findings(&loaded), "");
    let expected = [
        ("usr/bin/tool", 0o750, "program"),
        ("usr/bin/tool-1.0", 0o755, "program"),
        ("usr/lib/tool/a/b.so", 0o555, "library"),
        ("usr/lib/tool/b.so", 0o644, "-> a/b.so"),
        ("usr/lib/tool/c.so", 0o755, "library"),
        ("usr/share/man/man1/tool.1", 0o644, "page"),
    ];
    let expected =
        expected.map(|(path, mode, text)| (format!("files/client@x86_64/{path}"), mode, text.into()));
    assert_eq!(taken(&loaded), expected);
    let opkg = loaded.loaded.opkg.unwrap();
    let empty = opkg::model::Destination::Path("/usr/lib/tool/empty".into());
    assert!(opkg.directories.iter().any(|it| it.destination == empty && it.only_arch == Some("x86_64")));
}

/// Its bytes are under a name that is not taken, and before or behind it.
#[test]
fn a_hard_link_to_what_is_not_taken_is_a_copy_of_it() {
    for first in [true, false] {
        let mut items = vec![
            file("a/original", 0o755, "program"),
            link("b/name", EntryType::Link, "a/original"),
            link("b/other", EntryType::Link, "b/name"),
        ];
        if !first {
            items.rotate_left(1);
        }
        let site =
            Site::new(r#"<payload source="x.tar" part="server"><take path="b/" to="/opt/"/></payload>"#);
        site.write("x.tar", &tar(&items));
        let expected =
            ["name", "other"].map(|it| (format!("files/server/opt/{it}"), 0o755, "program".to_owned()));
        assert_eq!(taken(&site.take()), expected, "{first}");
    }
    let site = Site::new(r#"<payload source="x.tar" part="server"/>"#);
    site.write("x.tar", &tar(&[link("opt/name", EntryType::Link, "nowhere")]));
    assert_eq!(
        site.findings(),
        "Error[payload-contents]: `/opt/name` is a hard link to `nowhere`, which is not in `x.tar`\n"
    );
}

/// What comes again is what there is in the end; a hard link is of what was there when it was made.
#[test]
fn of_several_with_one_path_the_last_is_taken() {
    let items = [
        file("opt/tool", 0o755, "one"),
        link("opt/hard", EntryType::Link, "opt/tool"),
        link("opt/link", EntryType::Symlink, "hard"),
        file("opt/tool", 0o700, "two"),
        link("opt/tool", EntryType::Link, "opt/tool"),
        link("opt/tool2", EntryType::Link, "opt//tool"),
        link("opt/./link", EntryType::Symlink, "tool"),
        file("opt/other", 0o644, "x"),
        link("opt/other", EntryType::Symlink, "tool2"),
    ];
    let expected = [
        ("hard", 0o755, "one"),
        ("link", 0o644, "-> tool"),
        ("other", 0o644, "-> tool2"),
        ("tool", 0o700, "two"),
        ("tool2", 0o755, "two"),
    ];
    let site = Site::new(r#"<payload source="x.tar" part="server"/>"#);
    site.write("x.tar", &tar(&items));
    let loaded = site.take();
    let files = |names: &[(&str, u32, &str)]| -> Vec<_> {
        names.iter().map(|it| (format!("files/server/opt/{}", it.0), it.1, it.2.to_owned())).collect()
    };
    assert_eq!(taken(&loaded), files(&expected));
    assert_eq!(
        findings(&loaded),
        "Note[payload-left]: `opt/link` stands several times in `x.tar`, and so do 2 others: the last is taken\n"
    );
    // Where what they lead to is left out.
    let site = Site::new(r#"<payload source="x.tar" part="server"><omit path="opt/tool"/></payload>"#);
    site.write("x.tar", &tar(&items));
    assert_eq!(
        taken(&site.take()),
        files(&[
            ("hard", 0o755, "one"),
            ("link", 0o644, "-> tool"),
            ("other", 0o644, "-> tool2"),
            ("tool2", 0o755, "two")
        ])
    );
}

#[test]
fn a_hard_link_to_a_link_is_one() {
    let items = [
        link("opt/link", EntryType::Symlink, "/usr/bin/tool"),
        link("opt/hard", EntryType::Link, "opt/link"),
        link("opt/again", EntryType::Link, "opt/hard"),
    ];
    for omit in ["", r#"<omit path="opt/link"/>"#] {
        let site = Site::new(&format!(r#"<payload source="x.tar" part="server">{omit}</payload>"#));
        site.write("x.tar", &tar(&items));
        let taken = taken(&site.take());
        let links: Vec<_> = taken.iter().filter(|it| it.2 == "-> /usr/bin/tool").collect();
        assert_eq!(links.len(), if omit.is_empty() { 3 } else { 2 }, "{taken:?}");
    }
}

#[test]
fn what_is_not_there_is_told_with_what_may_be_meant() {
    let help = |payload: &str| {
        let loaded = site(payload).take();
        let found = loaded.loaded.diagnostics.iter();
        found.map(|it| format!("{}; {}", it.message, it.help.as_deref().unwrap())).collect::<Vec<_>>()
    };
    let of = |attributes: &str, inside: &str| {
        format!(
            "<payload source=\"upstream/tool-1.0.tar.gz\" part=\"client\" {attributes}>{inside}</payload>"
        )
    };
    assert_eq!(
        help(&of("", r#"<take path="tool" to="/usr/bin/tool"/>"#)),
        ["nothing in `tool-1.0.tar.gz` is `tool`; all is below `tool-1.0/` in there: add `strip=\"1\"`"]
    );
    assert_eq!(
        help(&of("strip=\"1\"", r#"<take path="man/tool.2" to="/x"/><take path="tool" to="/opt/tool"/>"#)),
        ["nothing in `tool-1.0.tar.gz` is `man/tool.2`; did you mean `man/tool.1`?"]
    );
    let [directory] = help(&of("strip=\"1\"", r#"<take path="lib" to="/opt/lib"/>"#)).try_into().unwrap();
    assert!(directory.ends_with("; it is a directory: write `lib/` for all that is in it"), "{directory}");
    let [omitted] = help(&of("strip=\"1\"", r#"<take path="tool" to="/opt/tool"/><omit path="doc/"/>"#))
        .try_into()
        .unwrap();
    assert!(omitted.starts_with("nothing in `tool-1.0.tar.gz` is `doc/`"), "{omitted}");
}

#[test]
fn a_single_file_and_a_directory_of_the_build() {
    let site = Site::new(
        r#"<payload source="tool-linux-amd64" from="file" part="client" arch="x86_64">
             <take to="/usr/bin/tool" mode="0755"/></payload>
           <payload source="stage/" part="client"><omit path="usr/share/doc/"/></payload>"#,
    );
    site.write("tool-linux-amd64", b"program");
    site.write("stage/etc/tool.conf", b"setting");
    site.write("stage/usr/share/doc/tool/README", b"read");
    site.write("stage/usr/bin/helper", b"#!/bin/sh\n");
    fs_err::os::unix::fs::symlink("/nowhere", site.opkg().join("stage/usr/bin/link")).unwrap();
    let loaded = site.take();
    assert_eq!(findings(&loaded), "");
    let expected = [
        ("files/client/etc/tool.conf", 0o644, "setting"),
        ("files/client/usr/bin/helper", 0o644, "#!/bin/sh\n"),
        ("files/client/usr/bin/link", 0o644, "-> /nowhere"),
        ("files/client@x86_64/usr/bin/tool", 0o755, "program"),
    ];
    assert_eq!(taken(&loaded), expected.map(|(path, mode, text)| (path.to_owned(), mode, text.to_owned())));
    // A directory is what the last build made of it; the file is locked.
    assert_eq!(site.lock_text().matches("[[payload]]").count(), 1);
    fs_err::remove_dir_all(site.opkg().join("stage")).unwrap();
    assert_eq!(findings(&site.load()), "Error[payload-missing]: there is no `stage` in the OPKG\n");
}

#[test]
fn the_same_place_twice_is_refused() {
    let payloads = r#"<payload source="upstream/tool-1.0.tar.gz" part="client" strip="1">
        <take path="tool" to="/usr/bin/tool"/></payload>"#;
    let site = site(&format!("{payloads}{payloads}"));
    site.write("files/client/usr/bin/tool", b"mine");
    let found = site.findings();
    assert_eq!(found.matches("Error[file-clash]").count(), 2, "{found}");
    assert!(
        found.contains("`files/client/usr/bin/tool` and `/usr/bin/tool` of `tool-1.0.tar.gz`"),
        "{found}"
    );
    // Within one source.
    site.write_config(
        r#"<payload source="upstream/tool-1.0.tar.gz" part="client" strip="1">
             <take path="tool" to="/opt/x"/><take path="README" to="/opt/x"/></payload>"#,
    );
    fs_err::remove_dir_all(site.opkg().join("files")).unwrap();
    assert!(site.findings().contains("two things of `tool-1.0.tar.gz` are to be installed as `/opt/x`"));
}
