//! The rules of the stage machine, each by its name, and whatever else can happen, by chance.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod admin_actions;
mod concurrency;
mod dependency_order;
mod fake_world;
mod fixture;
mod invariants;
mod properties;
mod regressions;
mod removal;
mod reruns;
mod rollouts;
mod rules;
mod safety;
mod stages;
mod traces;
