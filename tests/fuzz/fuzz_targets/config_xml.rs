#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| opkg_tests::fuzz::config_xml::run(bytes));
