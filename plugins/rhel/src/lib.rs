//! The rhel family of distributions.
