//! The rules of the stage machine, each by its name, and whatever else can happen, by chance.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod acts;
mod chance;
mod faults;
mod order;
mod removal;
mod reruns;
mod rules;
mod safety;
mod site;
mod stages;
mod traces;
mod witness;
mod world;
