//! The real program from end to end, judged by the distributions' own tools. One program, so that what
//! several tests look at is built once; one idea per module.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod alternatives;
mod builds;
mod check;
mod cluster_fixture;
mod corpus_packages;
mod debian_packages;
mod debian_system;
mod direct;
mod example_packages;
mod file_attributes;
mod generated_packages;
mod hostile_config;
mod hostile_files;
mod lint;
mod memory;
mod opm_crash;
mod opm_faults;
mod opm_hosts;
mod opm_jobs;
mod opm_lifecycle;
mod opm_sources;
mod opm_web;
mod output;
mod plain_tools;
mod plugins;
mod power_loss;
mod power_loss_output;
mod power_loss_server;
mod program_packages;
mod readme;
mod reproducible;
mod root_files;
mod rpm_format_6;
mod rpm_index;
mod rpm_root;
mod schema;
mod script_environment;
mod signing;
mod site_examples;
mod supply_chain;
mod system_units;
mod targets;
mod upload;
