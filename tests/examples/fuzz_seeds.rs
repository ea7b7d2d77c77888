//! Writes the seeds and dictionaries of all targets for libFuzzer: `DIR/TARGET/…` and `DIR/TARGET.dict`.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::path::PathBuf;

use opkg_tests::fuzz::TARGETS;

fn main() {
    let Some(directory) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: fuzz_seeds DIR");
        std::process::exit(2);
    };
    for target in TARGETS {
        let seeds = directory.join(target.name);
        fs_err::create_dir_all(&seeds).unwrap();
        for (index, seed) in (target.seeds)().iter().enumerate() {
            fs_err::write(seeds.join(format!("seed-{index}")), seed).unwrap();
        }
        let mut dictionary = String::new();
        for token in target.dictionary {
            let bytes = token.bytes().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "\\x{byte:02x}");
                text
            });
            let _ = writeln!(dictionary, "\"{bytes}\"");
        }
        fs_err::write(directory.join(format!("{}.dict", target.name)), dictionary).unwrap();
    }
}
