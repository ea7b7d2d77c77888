//! How times grow with what there is to do.

use std::path::PathBuf;

use opkg_tests::opkgc::OpkgcEnvironment;
use opkg_tests::scratch;

use crate::measure::{self, Subject};
use crate::one_package::example;
use crate::plot::{Line, Plot};
use crate::report::Report;

const SIX_DISTRIBUTIONS: &str = "rhel-9,fedora,suse,mandriva,debian,ubuntu";
const OPKGS: [usize; 5] = [35, 110, 350, 1100, 3500];

/// One OPKG, under so many names.
pub fn many_opkgs(count: usize) -> Vec<PathBuf> {
    let all = scratch::create_directory("opkgs");
    let config = fs_err::read(example().join("config.xml")).unwrap();
    let name = b"<name>jobwatch</name>";
    let at = config.windows(name.len()).position(|window| window == name).unwrap();
    (0..count)
        .map(|number| {
            let directory = all.join(format!("jobwatch{number}"));
            let mut copy = std::process::Command::new("cp");
            assert!(copy.arg("-a").arg(example()).arg(&directory).status().unwrap().success());
            let (before, after) = (&config[..at], &config[at + name.len()..]);
            let renamed = format!("<name>jobwatch{number}</name>");
            fs_err::write(directory.join("config.xml"), [before, renamed.as_bytes(), after].concat())
                .unwrap();
            directory
        })
        .collect()
}

pub fn measure(report: &mut Report) {
    let environment = OpkgcEnvironment::new();
    let opkgs = many_opkgs(OPKGS[OPKGS.len() - 1]);
    // The plugins are in the cache afterwards.
    measure::time_once(report.programs.build(&environment, &["--dist", SIX_DISTRIBUTIONS], &opkgs[..1]));
    let mut subjects = Vec::new();
    for count in OPKGS {
        let (environment, some) = (&environment, &opkgs[..count]);
        let goal = if count == OPKGS[OPKGS.len() - 1] { "linear, 100 MB" } else { "" };
        subjects.push(Subject::own(&format!("{count} OPKGs"), goal, move |programs| {
            programs.build(environment, &["--dist", SIX_DISTRIBUTIONS], some)
        }));
    }
    let measured = report.measure("Many OPKGs for six distributions", 1, &subjects);
    let points = |value: fn(&measure::Measured) -> f64| {
        OPKGS
            .iter()
            .zip(&measured)
            .map(|(count, row)| (f64::from(u32::try_from(*count).unwrap()), value(row)))
            .collect()
    };
    report.plot(
        "opkgs",
        Plot {
            title: "opkgc: OPKGs for six distributions".into(),
            x: "OPKGs",
            y: "seconds, MB",
            lines: vec![
                Line { name: "seconds".into(), points: points(|row| row.median / 1000.0) },
                Line { name: "processor seconds".into(), points: points(|row| row.processor / 1000.0) },
                Line { name: "MB".into(), points: points(|row| row.peak) },
            ],
        },
    );
}
