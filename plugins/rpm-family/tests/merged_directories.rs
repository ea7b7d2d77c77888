//! A release on which `/usr/sbin` is a link to `/usr/bin`: nothing is packaged under both names.
#![allow(clippy::unwrap_used)]

mod common;

use common::sample_profile;
use opkg_rpm_family::ReleaseProfile;
use opkg_sdk::artefacts::Output;
use opkg_sdk::model::{Opkg, Severity};
use opkg_sdk::packaging::Refusal;
use opkg_sdk::testing::{add_laid_file, sample_opkg, sample_target};

const MERGED: &[(&str, &str)] = &[("/usr/sbin", "/usr/bin")];

fn generate(opkg: &Opkg, merged_directories: &'static [(&str, &str)]) -> Result<Output, Refusal> {
    let target = sample_target("rhel", Some("9"), None);
    let profile = ReleaseProfile { merged_directories, ..sample_profile(&target) };
    opkg_rpm_family::generate(opkg, &target, &profile)
}

/// Below `/usr`, from all packages, by their order.
fn packaged(output: &Output) -> Vec<&str> {
    let files = output.packages.iter().flat_map(|package| &package.files);
    files.map(|file| file.path.as_str()).filter(|path| path.contains("bin/")).collect()
}

fn notes(output: &Output) -> Vec<&str> {
    let notes = output.diagnostics.iter().filter(|it| it.severity == Severity::Note);
    notes.map(|it| it.message.as_str()).collect()
}

#[test]
fn links_that_would_lead_to_themselves() {
    let mut opkg = sample_opkg("tools");
    add_laid_file(&mut opkg, "/usr/bin/tool");
    add_laid_file(&mut opkg, "/usr/sbin/tool").link = Some("../bin/tool".to_owned());
    add_laid_file(&mut opkg, "/usr/bin/daemon").link = Some("/usr/sbin/daemon".to_owned());
    add_laid_file(&mut opkg, "/usr/sbin/daemon");
    // Of somebody else's.
    add_laid_file(&mut opkg, "/usr/sbin/other").link = Some("../bin/other".to_owned());
    add_laid_file(&mut opkg, "/usr/sbin/alias").link = Some("../bin/tool".to_owned());

    let output = generate(&opkg, MERGED).unwrap();
    assert_eq!(packaged(&output), ["/usr/bin/tool", "/usr/sbin/alias", "/usr/sbin/daemon"]);
    let left_out =
        |path: &str| format!("`{path}` is left out for rhel-9, where it would be a link to itself");
    assert_eq!(notes(&output), ["/usr/bin/daemon", "/usr/sbin/other", "/usr/sbin/tool"].map(left_out));
    assert!(!output.meta_files[0].contents.contains("/usr/sbin/tool"));

    let output = generate(&opkg, &[]).unwrap();
    assert_eq!(packaged(&output).len(), 6);
    assert_eq!(notes(&output), [""; 0]);
}

#[test]
fn files_that_are_there_twice() {
    let mut opkg = sample_opkg("tools");
    add_laid_file(&mut opkg, "/usr/bin/same");
    add_laid_file(&mut opkg, "/usr/sbin/same");
    let at = add_laid_file(&mut opkg, "/usr/sbin/differs").at;
    let output = generate(&opkg, MERGED).unwrap();
    assert_eq!(packaged(&output), ["/usr/bin/same", "/usr/sbin/differs"]);
    assert_eq!(
        notes(&output),
        ["`/usr/sbin/same` is left out for rhel-9, where `/usr/bin/same` is the same file"]
    );

    add_laid_file(&mut opkg, "/usr/bin/differs").sha256 = vec![1; 32];
    let Err(Refusal::Failed(told)) = generate(&opkg, MERGED) else { panic!("must fail") };
    let told = told.into_iter().filter(|it| it.severity == Severity::Error);
    let message = "`/usr/bin/differs` and `/usr/sbin/differs` are one file on rhel-9, and they differ";
    assert_eq!(told.map(|it| (it.at, it.message)).collect::<Vec<_>>(), [(Some(at), message.to_owned())]);
    assert!(generate(&opkg, &[]).is_ok());
}
