#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| opkg_tests::fuzz::documents::run_settings(bytes));
