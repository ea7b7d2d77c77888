//! The OPKG compiler.
fn main() {}
