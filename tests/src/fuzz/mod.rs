//! Everything that reads untrusted bytes, each as a function that must neither panic nor hang nor take unbounded memory.
//! The tests run them over their seeds and mutations of these, the project in `tests/fuzz` with libFuzzer.

pub mod config_xml;
pub mod configurator_form;
mod deb_seed;
pub mod documents;
pub mod group_files;
pub mod host_list;
pub mod http_request;
pub mod index;
pub mod mutate;
pub mod mysql_dump;
pub mod package;
mod rpm_seed;
mod target;
pub mod test_definition;

pub use target::Target;

/// All targets, by the names of their files in `tests/fuzz/fuzz_targets`.
pub const TARGETS: [Target; 16] = [
    config_xml::TARGET,
    configurator_form::TARGET,
    test_definition::TARGET,
    package::RPM,
    package::DEB,
    mysql_dump::TARGET,
    http_request::TARGET,
    host_list::TARGET,
    group_files::TARGET,
    documents::IMPORT,
    documents::ANSWERS,
    documents::SETTINGS,
    index::DEB,
    index::RPM,
    index::SOURCE,
    index::EARLIER,
];
