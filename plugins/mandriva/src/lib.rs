//! The mandriva family of distributions.
