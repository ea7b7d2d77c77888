//! Documents that administrators write: exports of a database, answers to forms, settings of `opm`.

use std::collections::BTreeMap;

use opkg_configurator::AnswerFile;
use opkg_oda::Cluster;

use super::target::{Target, example};

pub const IMPORT: Target = Target {
    name: "oda_import",
    run: run_import,
    seeds: import_seeds,
    dictionary: &[
        "[[target]]\n",
        "[[package]]\n",
        "[[request]]\n",
        "[[assignment]]\n",
        "[[state]]\n",
        "name = \"server:head\"\n",
        "stage = \"finished\"\n",
        "on = [\"image:a\"]\n",
        "\"\"\"",
        "1979-05-27T07:32:00Z",
        "= [[[[[[",
    ],
};

pub const ANSWERS: Target = Target {
    name: "answer_file",
    run: run_answers,
    seeds: answer_seeds,
    dictionary: &[
        "[global]\n",
        "[\"image:a\"]\n",
        " = \"\"\n",
        " = [\"a\", \"b\"]\n",
        "'''",
        "\\u0000",
        "[a.b.c]\n",
    ],
};

pub const SETTINGS: Target = Target {
    name: "settings",
    run: run_settings,
    seeds: settings_seeds,
    dictionary: &[
        "[limits]\n",
        "hook = \"90s\"\n",
        "[[repository]]\n",
        "location = \"/x\"\n",
        "targets = [\"image:a\"]\n",
        "99999999999999999999h",
        "[environment]\n",
        "log_directory = \"/x\"\n",
    ],
};

/// Imports an export into an empty cluster.
pub fn run_import(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = opkg_oda::import(text, &Cluster::default(), &BTreeMap::new(), 0);
}

/// Reads answers, and says which there are for an image.
pub fn run_answers(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(answers) = AnswerFile::parse(text) {
        let _ = answers.answers_for(Some("a"));
    }
}

/// Loads a directory of settings.
pub fn run_settings(bytes: &[u8]) {
    let directory = tempfile::tempdir().expect("there is a directory for temporary files");
    fs_err::create_dir(directory.path().join("env.d")).expect("it can be written to");
    for file in ["opm.toml", "env.d/a.env"] {
        fs_err::write(directory.path().join(file), bytes).expect("it can be written to");
    }
    if let Err(error) = opkg_opm::Config::load(directory.path()) {
        let _ = error.to_string();
    }
}

fn import_seeds() -> Vec<Vec<u8>> {
    let export = "phase = \"test_install\"\n\n[[target]]\nname = \"server:head\"\n\n[[target]]\n\
                  name = \"image:compute\"\nroot = \"/images/compute\"\n\n[[package]]\nname = \"munge\"\n\
                  class = \"core\"\n\n[[request]]\npackage = \"munge\"\nstage = \"finished\"\n\
                  on = [\"server:head\", \"image:compute\"]\n";
    vec![export.into()]
}

fn answer_seeds() -> Vec<Vec<u8>> {
    let answers =
        "port = \"64\"\nlist = [\"a\", \"b\"]\n[\"image:compute\"]\nport = \"65\"\n[global]\nbox = \"\"\n";
    vec![answers.into()]
}

fn settings_seeds() -> Vec<Vec<u8>> {
    let settings = "log_directory = \"/var/log/opm\"\n[limits]\nhook = \"30m\"\ngrace = \"5s\"\n[[repository]]\n\
                    location = \"/srv/packages\"\nunauthenticated = true\ntargets = [\"image:compute\", \"client\"]\n";
    let environment = "# a comment\nA=b\nexport C='d e'\n";
    vec![settings.into(), environment.into(), example("jobwatch/config.xml")]
}
