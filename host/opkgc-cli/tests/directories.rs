//! What users of `opkgc new` and `opkgc convert` read, and how it ends.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::process::{Command, Output};

use fs_err as fs;

const OLD_CONFIG: &str = "<oscar>
<name>Old_Thing</name>
<version><major>1</major><release>2</release></version>
<summary>A thing</summary>
<license>GPL</license>
<packager><name>Ada</name></packager>
<rpmlist><rpm>a</rpm></rpmlist>
<servicelist><service>d</service></servicelist>
</oscar>
";

fn run_opkgc(dir: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_opkgc"))
        .args(arguments)
        .current_dir(dir)
        .env_clear()
        .env("HOME", dir)
        .env("SOURCE_DATE_EPOCH", "1500000000")
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

fn transcript(output: &Output) -> String {
    format!(
        "{}\n--- stdout\n{}--- stderr\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn a_new_opkg_passes_the_check() {
    let dir = tempfile::tempdir().unwrap();
    let who = ["--maintainer", "Ada Keller <ada@example.org>"];
    let made = run_opkgc(dir.path(), &[&["new", "my-tool"], who.as_slice()].concat(), &[]);
    insta::assert_snapshot!("new", transcript(&made));
    let check = run_opkgc(dir.path(), &["check", "--deny", "warnings", "my-tool"], &[]);
    insta::assert_snapshot!("new_check", transcript(&check));
    let again = run_opkgc(dir.path(), &["new", "my-tool"], &[("DEBEMAIL", "Ada <a@example.org>")]);
    insta::assert_snapshot!("new_again", transcript(&again));
    let nobody = transcript(&run_opkgc(dir.path(), &["new", "x1", "-o", "y"], &[("USER", "ada")]));
    // Where that is, depends on the machine.
    let (before, after) = nobody.split_once("ada@").unwrap();
    let after = after.split_once('>').unwrap().1;
    insta::assert_snapshot!("new_nobody", format!("{before}ada@HOST>{after}"));
    insta::assert_snapshot!("new_bad_name", transcript(&run_opkgc(dir.path(), &["new", "../X"], &[])));
    insta::assert_snapshot!(
        "new_bad_maintainer",
        transcript(&run_opkgc(dir.path(), &["new", "x2", "--maintainer", "Ada"], &[]))
    );
    assert!(!dir.path().join("x2").exists());
}

/// What somebody begins with is right before anything is changed, wherever it goes.
#[test]
fn a_new_service_is_built_for_every_distribution() {
    let dir = tempfile::tempdir().unwrap();
    let who = ["--maintainer", "Ada Keller <ada@example.org>"];
    let new = ["new", "my-tool", "--with-service", "--with-config"];
    assert!(run_opkgc(dir.path(), &[&new, who.as_slice()].concat(), &[]).status.success());
    let files = "my-tool/files/client";
    let shown = [
        "my-tool/config.xml".to_owned(),
        format!("{files}/usr/lib/systemd/system/my-tool.service"),
        format!("{files}/usr/lib/sysusers.d/my-tool.conf"),
        format!("{files}/usr/libexec/my-tool/run"),
        format!("{files}/etc/my-tool/my-tool.conf"),
    ]
    .map(|file| format!("=== {file}\n{}", fs::read_to_string(dir.path().join(&file)).unwrap()));
    insta::assert_snapshot!("new_service", shown.join("\n"));
    let check = run_opkgc(dir.path(), &["check", "--deny", "warnings", "my-tool"], &[]);
    assert!(check.status.success(), "{}", transcript(&check));
    let dists = "debian,fedora,mandriva,rhel-9,suse,ubuntu,ydl";
    let build = run_opkgc(dir.path(), &["--deny", "warnings", "--dist", dists, "my-tool"], &[]);
    assert!(build.status.success(), "{}", transcript(&build));
    let made = String::from_utf8_lossy(&build.stdout).into_owned();
    let clients = made.lines().filter(|line| line.contains("opkg-my-tool-client") && !line.contains(".src."));
    assert_eq!(clients.count(), 7, "{made}");
}

#[test]
fn a_conversion_tells_what_was_done() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("old/scripts")).unwrap();
    fs::write(dir.path().join("old/config.xml"), OLD_CONFIG).unwrap();
    fs::write(dir.path().join("old/scripts/setup"), "#!/bin/sh\n").unwrap();
    insta::assert_snapshot!("convert", transcript(&run_opkgc(dir.path(), &["convert", "old"], &[])));
    assert!(dir.path().join("old-converted/scripts/api-post-install").exists());
    insta::assert_snapshot!("convert_again", transcript(&run_opkgc(dir.path(), &["convert", "old"], &[])));
    let dated = ["convert", "old", "-o", "a/b", "--date", "2014-07-11", "--format", "json"];
    insta::assert_snapshot!("convert_json", transcript(&run_opkgc(dir.path(), &dated, &[])));
    let present = run_opkgc(dir.path(), &["convert", "old-converted", "-o", "c"], &[]);
    insta::assert_snapshot!("convert_present", transcript(&present));
    fs::write(dir.path().join("old/config.xml"), "<oscar>").unwrap();
    let broken = run_opkgc(dir.path(), &["convert", "old", "-o", "c"], &[]);
    insta::assert_snapshot!("convert_broken", transcript(&broken));
    assert!(!dir.path().join("c").exists());
}
