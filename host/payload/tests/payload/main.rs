//! Payloads of OPKGs: locked, fetched from a server of this test, taken; and what hostile sources come to.
#![allow(clippy::unwrap_used)]

mod fixture;
mod hostile;
mod stores;
mod taking;
