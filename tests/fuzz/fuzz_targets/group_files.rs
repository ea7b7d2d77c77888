#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| opkg_tests::fuzz::group_files::run(bytes));
