//! A new database on a disk that is nearly full: all of it, or nothing.

use crate::common;
use crate::common::Fixture;
use opkg_oda::{Error, Store};
use opkg_sqlite::SqliteStore;

#[test]
#[ignore = "on a small disk, for the test below"]
fn makes() {
    let path = common::file_from_env();
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(path.parent().unwrap()).unwrap();
        entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
    };
    match SqliteStore::create_with(&path, &common::sample_cluster()) {
        Ok(mut store) => {
            assert_eq!(store.load().unwrap().targets.len(), 3);
            println!("made");
        }
        Err(Error::DiskFull(_)) => {
            assert_eq!(names(), Vec::<String>::new(), "nothing is left");
            println!("full");
        }
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn there_is_a_database_or_nothing() {
    let (mut made, mut full) = (0, 0);
    for kilobytes in (8..1000).step_by(36) {
        let scratch = Fixture::new();
        let mount = format!("mount -t tmpfs -o size={kilobytes}k none \"$DIRECTORY\"");
        let Some(output) = common::run_in_mount_namespace("small_disk::makes", &scratch, &mount) else {
            return;
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{kilobytes} KiB: {text}{errors}");
        made += usize::from(text.contains("made"));
        full += usize::from(text.contains("full"));
    }
    assert!(made > 3 && full > 3, "{made} {full}");
}
