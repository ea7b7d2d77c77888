//! The debian family of distributions.
