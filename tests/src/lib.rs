//! What the end-to-end tests share: the real program in an environment of its own, OPKGs to feed it,
//! what the format says must come out, and what the distributions' own tools say did come out.
//!
//! Modules import downwards only:
//!
//! | module | holds |
//! |---|---|
//! | [`compare`] | compares what was built with what was expected, with the list of permitted differences |
//! | [`fuzz`] | readers of untrusted bytes as functions, with seeds and a mutator |
//! | [`inspect`] | packages as `rpm` and `dpkg-deb` describe them |
//! | [`expect`] | packages as the format implies them, from a reading of `config.xml` of its own |
//! | [`generated`] | OPKGs of our own making, as many as wanted |
//! | [`corpus`] | real OPKGs, where they are at hand |
//! | [`roots`] | systems in directories, for package managers to install into |
//! | [`opkgc`], [`opm`], [`browser`] | the programs, and a browser for `opm web` |
//! | [`http`], [`registry`], [`docker_registry`] | a directory behind an address, and registries of plugins |
//! | [`postgres`] | databases on a server |
//! | [`disk`] | a disk whose power can be cut |
//! | [`plugin`] | plugins of several versions |
//! | [`package`], [`calendar`] | what both sides are expressed in |
//! | [`file_tree`], [`scratch`], [`process`], [`parallel`], [`tools`] | files, directories, processes, threads, tools |

// A broken assumption here is a failed test, and says so by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

pub mod browser;
pub mod calendar;
pub mod compare;
pub mod corpus;
pub mod disk;
pub mod docker_registry;
pub mod expect;
pub mod file_tree;
pub mod fuzz;
pub mod generated;
pub mod http;
pub mod inspect;
pub mod opkgc;
pub mod opm;
pub mod package;
pub mod parallel;
pub mod plugin;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod registry;
pub mod roots;
pub mod scratch;
pub mod server_certificate;
pub mod tools;
