//! Every target over its seeds and some hundred mutations of them.
#![allow(clippy::unwrap_used)]

use std::panic::catch_unwind;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, setrlimit};
use opkg_tests::fuzz::mutate::Mutator;
use opkg_tests::fuzz::{TARGETS, Target};
use opkg_tests::scratch;

/// How many mutations of each target's seeds there are, if not 400.
const RUNS_VAR: &str = "OPKG_FUZZ_RUNS";
/// For one input, in a build without optimisations on a busy machine.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// Of the whole process: beyond it, allocations fail and abort it.
const MEMORY_LIMIT: u64 = 4 << 30;

fn check(target: &Target) {
    setrlimit(Resource::RLIMIT_AS, MEMORY_LIMIT, MEMORY_LIMIT).unwrap();
    let seeds = (target.seeds)();
    let mut mutator = Mutator::new(&seeds, target.dictionary);
    let runs: usize = std::env::var(RUNS_VAR).map_or(400, |runs| runs.parse().unwrap());
    let mutations = (0..runs).map(|_| mutator.next_input());
    for input in seeds.clone().into_iter().chain(mutations) {
        let start = Instant::now();
        let panicked = catch_unwind(|| (target.run)(&input)).is_err();
        if panicked || start.elapsed() > TIME_LIMIT {
            let file = scratch::create_directory("fuzz").join(target.name);
            std::fs::write(&file, &input).unwrap();
            panic!(
                "{} {} with {}",
                target.name,
                if panicked { "panics" } else { "takes too long" },
                file.display()
            );
        }
    }
}

macro_rules! tests {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(TARGETS.iter().find(|target| target.name == stringify!($name)).unwrap());
        })*

        #[test]
        fn every_target_is_tested_and_known_to_libfuzzer() {
            let tested = [$(stringify!($name)),*];
            assert_eq!(TARGETS.map(|target| target.name), tested);
            let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/fuzz_targets");
            let mut files: Vec<String> = std::fs::read_dir(directory)
                .unwrap()
                .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
                .collect();
            files.sort();
            let mut names = tested.to_vec();
            names.sort_unstable();
            assert_eq!(files, names);
        }
    };
}

tests! { config_xml configurator_form test_definition rpm deb mysql_dump http_request host_list group_files oda_import answer_file
settings deb_index rpm_index source_index earlier_index }
