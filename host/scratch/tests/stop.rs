//! In a process of its own: after the program was told to stop, nothing new begins.
#![allow(clippy::unwrap_used)]

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use opkg_scratch::{ScratchDir, block_cleanup, remove_all_on_exit};

#[test]
fn what_is_unfinished_goes_and_nothing_new_begins() {
    let parent = std::env::temp_dir();
    let scratch = ScratchDir::new("opkg-stop-", Some(&parent)).unwrap();
    let path = scratch.path().to_owned();
    std::fs::create_dir(path.join("tree")).unwrap();
    std::fs::write(path.join("tree/file"), "half").unwrap();

    let whole = block_cleanup();
    let stopped = thread::spawn(remove_all_on_exit);
    thread::sleep(Duration::from_millis(50));
    assert!(path.join("tree/file").exists(), "it waits");
    drop(whole);
    stopped.join().unwrap();
    assert!(!path.exists());

    let (sender, receiver) = channel();
    thread::spawn(move || sender.send(ScratchDir::new("opkg-stop-", None).is_ok()));
    assert_eq!(receiver.recv_timeout(Duration::from_millis(100)), Err(RecvTimeoutError::Timeout));
    // Its end would wait as well.
    std::mem::forget(scratch);
}
